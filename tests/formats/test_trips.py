"""How often loops run: known from the program, said by the user, or a guess that is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest
from jax import lax
from onnx import parser

import slicegraph as sg
from jax_functions import struct
from slicegraph.cli import main
from slicegraph.formats.counting import Trips

ONCE = 2 * 2 * 4 * 4 + 8
"""A product of 2 x 4 by 4 x 4, and an activation."""
LOOP = """<ir_version: 9, opset_import: ["": 17]>
    g (float[2,4] x, int64 m, bool p) => (float[2,4] y) <float[4,4] w = ["location": "absent"]>
    { n = Constant<value=int64 {5}>() t = Constant<value=bool {1}>() s = Exp(x)
      y = Loop(COUNT, CONDITION, s)<body = b (int64 i, bool c, float[2,4] h) => (bool k, float[2,4] next)
        { z = ReduceMax<keepdims=0>(h) e = Cast<to=9>(z) k = NEXT(c) q = MatMul(h, w) next = Tanh(q) }> }"""


def _onnx(tmp_path: Path, count: str = "m", condition: str = "", after: str = "Identity(c)") -> Path:
    text = LOOP.replace("COUNT", count).replace("CONDITION", condition or '""').replace("NEXT(c)", after)
    path = tmp_path / "model.onnx"
    model = parser.parse_model(text)
    model.graph.node[-1].name = "decoder/loop"
    path.write_bytes(model.SerializeToString())
    return path


def _loop(graph: sg.Graph) -> tuple[int, bool]:
    """What the last node computes, and whether that is a guess."""
    assert graph.arrays.flops is not None
    assert graph.arrays.is_guess is not None
    return int(graph.arrays.flops[-1]), bool(graph.arrays.is_guess[-1])


@pytest.mark.parametrize(
    ("count", "condition", "after", "runs", "is_guess"),
    [
        ("n", "t", "Identity(c)", 5, False),
        ("n", "", "Identity(t)", 5, False),
        ("n", "t", "Identity(e)", 5, True),
        ("n", "p", "Identity(c)", 5, True),
        ("m", "t", "Identity(c)", 1, True),
        ('""', "t", "Identity(e)", 1, True),
    ],
)
def test_trips_of_a_loop_are_known_if_nothing_can_end_it(
    count: str, condition: str, after: str, runs: int, is_guess: bool, tmp_path: Path
) -> None:
    """A constant count with a condition that stays true; else the loop is a guess, of that count or of one run."""
    path = _onnx(tmp_path, count, condition, after)
    # What the condition is computed of counts, too: a maximum of 8 elements.
    each = ONCE + 8
    assert _loop(sg.read(path)) == (runs * each, is_guess)
    for name in ("decoder/loop", "Loop", "decoder/*"):
        if is_guess:
            assert _loop(sg.read(path, trips={name: 3})) == (3 * each, False)
        else:
            with pytest.raises(sg.InputError, match=r"trips of .*: .*the model "):
                sg.read(path, trips={name: 3})


def test_a_guess_of_trips_is_named_and_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(_onnx(tmp_path))
    typed = ["solve", path, "-k", "2", "-q", "--device", "testbed"]
    assert main([*typed, "--json"]) == 0
    assert [row["op"] for row in json.loads(capsys.readouterr().out)["guessed"]] == ["Loop"]
    assert main([*typed, "--fail-on-guess"]) == 1
    assert capsys.readouterr().err.endswith("with --trips Loop=N\n")
    assert main([*typed, "--fail-on-guess", "--trips", "decoder/loop=12", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["guessed"] == []
    for wrong in ("Loop", "Loop=", "=3", "Loop=-1", "Loop=x", "Scan=3"):
        assert main([*typed, "--trips", wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_formula_for_a_loop_is_refused(tmp_path: Path) -> None:
    """A loop counts what it runs, so a formula for it would be of no use."""
    with pytest.raises(sg.InputError, match=r"flops of Loop: .* counts what it runs$"):
        sg.read(_onnx(tmp_path), flops={"Loop": "1"})
    with pytest.raises(sg.InputError, match=r"flops of while: .* counts what it runs$"):
        sg.from_jax(_until, (struct(4, 4), struct(2, 4)), flops={"while": "1"})


def _until(weight: Any, x: Any) -> Any:
    return lax.while_loop(lambda x: x[0, 0] < 3, lambda x: jnp.tanh(x @ weight), jnp.exp(x))


def test_a_while_of_jax_is_a_guess_unless_its_trips_are_said() -> None:
    """What the user says prices the loop, and never opens it: another run may differ."""
    arguments = struct(4, 4), struct(2, 4)
    assert _loop(sg.from_jax(_until, arguments)) == (ONCE + 1, True)
    names = sg.from_jax(_until, arguments).arrays.node_name
    assert names is not None
    for name in (names[-1], "while", "whi*"):
        assert _loop(sg.from_jax(_until, arguments, trips={name: 3})) == (3 * (ONCE + 1), False)


def test_a_while_that_is_not_opened_is_priced_by_its_trips() -> None:
    def function(weight: Any, x: Any) -> Any:
        return lax.while_loop(lambda s: s[0] < 9, lambda s: (s[0] + 2, jnp.tanh(s[1] @ weight)), (1, x))[1]

    # Two more for the counter, in each of four rounds.
    assert _loop(sg.from_jax(function, (struct(4, 4), struct(2, 4)), open_loops=False)) == (4 * (ONCE + 2), False)
    with pytest.raises(sg.InputError, match=r"trips of while: the model has no such loop"):
        sg.from_jax(function, (struct(4, 4), struct(2, 4)), open_loops=False, trips={"while": 4})


def test_a_scan_is_never_a_guess() -> None:
    graph = sg.from_jax(
        lambda x: lax.scan(lambda x, _: (jnp.sin(x), None), x, None, length=7)[0],
        (struct(3),),
        param_argnums=(),
        open_loops=False,
    )
    assert _loop(graph) == (21, False)
    assert graph.arrays.node_name is not None
    (name,) = graph.arrays.node_name
    with pytest.raises(sg.InputError, match=rf"trips of {name}: 3, but the model says that it runs 7 times"):
        sg.from_jax(
            lambda x: lax.scan(lambda x, _: (jnp.sin(x), None), x, None, length=7)[0],
            (struct(3),),
            param_argnums=(),
            open_loops=False,
            trips={name: 3},
        )


def test_a_while_of_torch_is_a_guess_unless_its_trips_are_said() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
    module: Any = torch.nn.Module

    class _Loop(module):  # type: ignore[misc] # its type is not known where it is not installed
        def forward(self, x: Any) -> Any:
            from torch._higher_order_ops.while_loop import while_loop  # noqa: PLC0415 - as above

            return while_loop(lambda x: x.sum() < 3, lambda x: (x.tanh(),), (x,))

    x = torch.ones(2, 4)
    once, is_guess = _loop(sg.from_torch(_Loop(), (x,)))
    assert is_guess
    assert _loop(sg.from_torch(_Loop(), (x,), trips={"while_loop": 6})) == (6 * once, False)


@pytest.mark.parametrize("given", [{"a": -1}, {"a": 1.5}, {"a": True}, {1: 1}, {"a": "3"}, ["a"], {"a": 2**31}])
def test_what_is_no_number_of_trips_is_refused(given: Any) -> None:
    with pytest.raises(sg.InputError, match=r"^trips"):
        Trips(given)


def test_the_first_that_fits_is_taken() -> None:
    """The name, then the operator, then patterns in order; what was of no use is an error."""
    trips = Trips({"a*": 1, "while": 2, "ab": 3, "*": 4})
    assert [trips.of(name, op, None) for name, op in (("ab", "while"), ("ac", "while"), ("ac", "x"))] == [3, 2, 1]
    with pytest.raises(sg.InputError, match=r"^trips of \*: the model has no such loop"):
        trips.check_used()
    assert trips.of("b", "x", None) == 4
    trips.check_used()
    assert Trips().of("b", "x", None) is None
