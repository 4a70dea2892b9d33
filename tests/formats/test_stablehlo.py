"""StableHLO: what is read of a lowered function is what the reader of JAX traces of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import slicegraph as sg
from jax_functions import struct
from slicegraph import processes
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.stablehlo import parsing, read
from stablehlo_modules import CASES, bytecode, exported, lowered, written
from traced import stored

FORMS: dict[str, Callable[[Any], str | bytes]] = {
    "text": lowered,
    "bytecode": bytecode,
    "portable": lambda case: bytes(exported(case).mlir_module_serialized),
    "export": lambda case: bytes(exported(case).serialize()),
}


def totals(arrays: GraphArrays) -> tuple[float, int, int]:
    """Operations, bytes of parameters, and nodes that are guessed."""
    assert arrays.flops is not None
    return float(arrays.flops.sum()), stored(arrays), 0 if arrays.is_guess is None else int(arrays.is_guess.sum())


@pytest.mark.parametrize(
    ("name", "form"), [*((name, "text") for name in CASES), *(("scanned", form) for form in FORMS if form != "text")]
)
def test_totals_are_those_of_the_function_as_jax_traces_it(name: str, form: str, tmp_path: Path) -> None:
    """Operations, parameters, and what is guessed: of text, bytecode, a portable artifact and what export writes."""
    function, params, x = CASES[name]
    assert totals(read(written(tmp_path, FORMS[form](CASES[name])))) == totals(
        sg.from_jax(function, (params, x)).arrays
    )


@pytest.mark.parametrize("name", ["scanned", "recurrent", "nested"])
def test_iterations_of_a_loop_can_be_cut(name: str, tmp_path: Path) -> None:
    """The best four stages of the module are as good as those of the function, to 1 %: each layer has its weights."""
    function, params, x = CASES[name]
    graphs = [sg.read(written(tmp_path, lowered(CASES[name]))), sg.from_jax(function, (params, x))]
    best = [
        sg.solve(
            sg.Instance(graph, device=sg.Device(bandwidth=1e9, flops=1e9, memory_bandwidth=1e12), num_blocks=4)
        ).bottleneck
        for graph in graphs
    ]
    assert best[0] == pytest.approx(best[1], rel=0.01)


def test_parameters_are_guessed_by_names_and_the_guess_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of the first argument with leaves; said by name or pattern, nothing is guessed or told."""
    path = written(tmp_path, lowered(CASES["mlp"]))
    with caplog.at_level(logging.WARNING):
        guessed = read(path)
    assert caplog.messages == [
        (
            f"{path}: a guess by names: params[0]['bias'], params[0]['kernel'], params[1]['bias'] and 1 more taken for"
            " parameters; params=, --params says which are"
        )
    ]
    caplog.clear()
    assert totals(read(path, params=["params*"])) == totals(guessed)
    assert stored(read(path, params=["params[0]['kernel']"])) == 8 * 16 * 4
    assert stored(read(path, params=["params[0]*"])) == (8 * 16 + 16) * 4
    assert stored(read(path, params=[])) == 0
    assert not caplog.messages


def test_arguments_without_names_are_inputs_unless_they_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Text without locations names none."""
    function, params, x = CASES["mlp"]
    path = written(tmp_path, jax.jit(function).lower(params, x).as_text())
    with caplog.at_level(logging.WARNING):
        assert stored(read(path)) == 0
    assert "none of the arguments taken for parameters" in caplog.text
    assert totals(read(path, params=["arg[0-3]"])) == totals(sg.from_jax(function, (params, x)).arrays)


def test_constants_are_parameters_and_a_constant_of_one_number_takes_no_bytes(tmp_path: Path) -> None:
    """The same constant twice is stored once."""
    text = """
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %a = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
      %b = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
      %c = stablehlo.constant dense<3.0> : tensor<4xf32>
      %0 = stablehlo.multiply %x, %a : tensor<4xf32>
      %1 = stablehlo.add %0, %b : tensor<4xf32>
      %2 = stablehlo.add %1, %c : tensor<4xf32>
      return %2 : tensor<4xf32>
    }"""
    arrays = read(written(tmp_path, text), params=[])
    assert list(arrays.op) == ["multiply", "add", "add"]
    assert stored(arrays) == 16
    assert arrays.read_bytes is not None
    assert arrays.read_bytes.tolist() == [32, 32, 16]


def test_nodes_are_named_by_scope_and_iteration(tmp_path: Path) -> None:
    """Without a scope in a loop, by the module whose parameters they read."""

    def function(params: Any, x: Any) -> Any:
        with jax.named_scope("head"):
            x = jnp.sin(x)
        layer = lambda x, weights: (jnp.tanh(x @ weights["up"]["kernel"]), None)  # noqa: E731 - as in a scan
        return jax.lax.scan(layer, x, params)[0]

    params = {"up": {"kernel": struct(2, 4, 4)}}
    arrays = read(written(tmp_path, lowered((function, params, struct(2, 4)))))
    assert arrays.node_name is not None
    assert [name.rpartition(".")[0] for name in arrays.node_name] == [
        "head/sine",
        "while.2/0/up/dot_general",
        "while.2/0/tanh",
        "while.2/1/up/dot_general",
        "while.2/1/tanh",
    ]


def test_an_operator_without_a_rule_is_a_guess_or_what_the_user_says(tmp_path: Path) -> None:
    """A foreign function goes by its own name; formulas that are of no use are refused."""
    text = """
    func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = stablehlo.custom_call @my_kernel(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }"""
    path = written(tmp_path, text)
    arrays = read(path, params=[])
    assert list(arrays.op) == ["my_kernel"]
    assert arrays.is_guess is not None
    assert arrays.is_guess.tolist() == [True]
    assert totals(read(path, params=[], flops={"my_kernel": "3 * out0"})) == (24, 0, 0)
    with pytest.raises(sg.InputError, match=r"model\.mlir: flops of tanh: the model has no such operator"):
        read(path, params=[], flops={"tanh": "1"})


def test_a_composite_with_a_rule_is_one_node_and_another_is_what_it_decomposes_into(tmp_path: Path) -> None:
    """``chlo.erf`` is called so by jax.export."""
    text = """
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.composite "chlo.erf" %x { decomposition = @twice } : (tensor<4xf32>) -> tensor<4xf32>
      %1 = stablehlo.composite "my.op" %0 { decomposition = @twice } : (tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    func.func private @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.tanh %x : tensor<4xf32>
      %1 = stablehlo.tanh %0 : tensor<4xf32>
      return %1 : tensor<4xf32>
    }"""
    assert list(read(written(tmp_path, text), params=[]).op) == ["erf", "tanh", "tanh"]


def test_trips_are_what_the_user_says_where_the_module_does_not(tmp_path: Path) -> None:
    """Three runs of a body take three times what one takes, and nothing is guessed."""
    path = written(tmp_path, lowered(CASES["unending"]))
    once, thrice = totals(read(path)), totals(read(path, trips={"while": 3}))
    assert once[2] == 1
    assert thrice == (3 * once[0], once[1], 0)


def test_a_loop_of_very_many_trips_stays_one_node(tmp_path: Path) -> None:
    """It counts its body so many times: a product of 2 x 8 x 8, tanh, and the counter with its test."""

    def function(weight: Any, x: Any) -> Any:
        return jax.lax.fori_loop(0, 12_000, lambda _, x: jnp.tanh(x @ weight), x)

    arrays = read(written(tmp_path, lowered((function, struct(8, 8), struct(2, 8)))), params=["weight"])
    assert totals(arrays) == (12_000 * (2 * 2 * 8 * 8 + 2 * 8 + 2), 256, 0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("func.func @main() { %0 = foo.bar", "no module that this version of JAX reads: .*foo"),
        (b"ML\xefR\rStableHLO_v1.15.0\x00\x01", "no module that this version of JAX reads"),
        (b"\xff\x00\x01", "neither MLIR, as text or bytecode, nor what jax.export writes"),
        ("", "it has no public function and none called main"),
        (
            "func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> { return %x : tensor<?xf32> }",
            "arg0 is of type tensor<.xf32>, with a dynamic dimension: lower it for known sizes",
        ),
        ("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }", "nothing is left to run"),
        (
            "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { cf.br ^next\n^next: return %x : tensor<2xf32> }",
            "function 'main' jumps between blocks, but only while, case and if are read",
        ),
        (
            (
                "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                "%0 = scf.execute_region -> tensor<2xf32> { scf.yield %x : tensor<2xf32> } return %0 : tensor<2xf32> }"
            ),
            "scf.execute_region runs regions of its own",
        ),
        (
            (
                "func.func @main(%x: tensor<f32>) -> tensor<f32> { %0 = call @main(%x) : (tensor<f32>) -> tensor<f32>\n"
                "return %0 : tensor<f32> }"
            ),
            "function 'main' calls itself",
        ),
    ],
)
def test_what_is_no_module_is_refused_in_one_line(content: str | bytes, told: str, tmp_path: Path) -> None:
    """The file is named, and what is wrong with it."""
    path = written(tmp_path, content)
    with pytest.raises(sg.InputError, match=told) as refused:
        read(path, params=[])
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_bytecode_that_ends_the_process_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a process of its own that ends."""

    def start(_module: str) -> subprocess.Popen[bytes]:
        ends = [sys.executable, "-S", "-c", "import os; os.abort()"]
        return subprocess.Popen(ends, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(processes, "start", start)
    with pytest.raises(sg.InputError, match="damaged bytecode: MLIR ends the process that reads it"):
        read(written(tmp_path, b"ML\xefR" + bytes(100_000)))


def test_bytecode_that_is_read_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so it is after Ctrl-C; either way the process that reads it is gone."""
    path = written(tmp_path, b"ML\xefR" + bytes(100_000))
    started: list[subprocess.Popen[bytes]] = []

    def start(_module: str) -> subprocess.Popen[bytes]:
        code = [sys.executable, "-c", "import sys, time; sys.stdin.buffer.read(); time.sleep(600)"]
        started.append(subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr(parsing, "_PATIENCE", 0.1)
    with pytest.raises(sg.InputError, match=r"^.*: damaged bytecode: MLIR has read it for 0 s without an end$"):
        read(path)
    monkeypatch.setattr(parsing, "_PATIENCE", 600.0)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        read(path)
    timer.join()
    assert [process.wait(20) for process in started] == [-signal.SIGKILL] * 2


def test_patterns_that_fit_no_argument_are_refused(tmp_path: Path) -> None:
    """What there is, is told; and other formats know no parameters that have to be named."""
    path = written(tmp_path, lowered(CASES["unending"]))
    with pytest.raises(sg.InputError, match=r"params: no argument is called 'w\*', or fits it; there are params.*, x"):
        sg.read(path, params=["w*"])
    with pytest.raises(sg.InputError, match="params: a list of names or patterns is asked for, not 'w'"):
        sg.read(path, params="w")
    with pytest.raises(sg.InputError, match="parameters are named, but only StableHLO"):
        sg.read(written(tmp_path, "{}", "model.json"), params=["w"])


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """MLIR keeps any bytes between quotes."""
    text = r"""
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %0 = stablehlo.custom_call @"\FF"(%x) : (tensor<2xf32>) -> tensor<2xf32>
      return %0 : tensor<2xf32>
    }"""
    with pytest.raises(sg.InputError, match="it holds a name that is no text in UTF-8"):
        read(written(tmp_path, text), params=[])


def test_what_the_body_of_a_reduction_reads_from_around_is_read(tmp_path: Path) -> None:
    """Bodies see all values before them."""
    text = """
    func.func @main(%a: tensor<4x8xf32>, %s: tensor<f32>) -> tensor<4xf32> {
      %t = stablehlo.tanh %s : tensor<f32>
      %z = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = "stablehlo.reduce"(%a, %z) ({
      ^bb0(%x: tensor<f32>, %y: tensor<f32>):
        %1 = stablehlo.add %x, %y : tensor<f32>
        %2 = stablehlo.multiply %1, %t : tensor<f32>
        stablehlo.return %2 : tensor<f32>
      }) {dimensions = array<i64: 1>} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }"""
    arrays = read(written(tmp_path, text), params=[])
    assert list(arrays.op) == ["tanh", "reduce"]
    assert arrays.producer.tolist() == [-1, -1, 0, 1]
    assert arrays.consumers.tolist() == [1, 0, 1]
