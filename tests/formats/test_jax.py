"""JAX functions as graphs: every fact worked out by hand, and structure that does not depend on how it was written."""

from __future__ import annotations

import functools
import importlib.util
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export, lax
from jax.extend.core import Primitive
from onnx import parser

import slicegraph as sg
from jax_functions import struct, traced
from slicegraph.formats.jax import trace
from traced import facts, shared


def _mlp(parameters: list[tuple[jax.Array, jax.Array]], x: jax.Array) -> jax.Array:
    for weight, bias in parameters:
        x = jnp.maximum(x @ weight + bias, 0)
    return x


LAYERS = [(struct(5, 4), struct(4)), (struct(4, 3), struct(3))]


def test_a_network_in_full() -> None:
    """Two layers of widths 5, 4, 3 for 2 samples: product, bias, nonlinearity; a literal takes no bytes."""
    graph = traced(_mlp, LAYERS, struct(2, 5), param_argnums=(0,))
    assert list(graph.op) == ["dot_general", "add", "max"] * 2
    assert graph.producer.tolist() == [-1, 0, 1, 2, 3, 4, 5]
    assert graph.size.tolist() == [40, 32, 32, 32, 24, 24, 24]
    assert graph.consumers.tolist() == [0, 1, 2, 3, 4, 5]
    assert graph.consumer_offsets.tolist() == [0, 1, 2, 3, 4, 5, 6, 6]
    assert graph.is_output is not None
    assert graph.is_output.tolist() == [False] * 6 + [True]
    assert [_numbers(part) for part in (graph.flops, graph.read_bytes, graph.write_bytes, graph.param_bytes)] == [
        [2 * 2 * 5 * 4, 8, 8, 2 * 2 * 4 * 3, 6, 6],
        [40 + 80, 32 + 16, 32, 32 + 48, 24 + 12, 24],
        [32, 32, 32, 24, 24, 24],
        [80, 16, 0, 48, 12, 0],
    ]
    assert graph.work is None
    assert graph.device is None


def _numbers(array: Any) -> list[int]:
    return [int(number) for number in array]


def test_the_same_network_in_onnx_gives_the_same_graph(tmp_path: Path) -> None:
    """Both readers follow one set of conventions."""
    stored = ", ".join(
        f'{declared} = ["location": "absent"]'
        for declared in ("float[5,4] v", "float[4] a", "float[4,3] w", "float[3] b")
    )
    text = f"""<ir_version: 9, opset_import: ["": 17]> g (float[2,5] x) => (float[2,3] y) <{stored}>
        {{ p = MatMul(x, v) q = Add(p, a) r = Relu(q) s = MatMul(r, w) t = Add(s, b) y = Relu(t) }}"""
    path = tmp_path / "mlp.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    assert sg.from_jax(_mlp, (LAYERS, struct(2, 5))).digest == sg.read(path).digest


@given(batch=st.integers(1, 9), widths=st.lists(st.integers(1, 40), min_size=2, max_size=5), as_arrays=st.booleans())
@settings(max_examples=40)
def test_products_biases_and_nonlinearities_add_up(batch: int, widths: list[int], as_arrays: bool) -> None:
    """2 per multiply-accumulate, 1 per bias and 1 per maximum, whatever the widths, and all parameters once."""
    pairs = list(itertools.pairwise(widths))
    make: Callable[..., Any] = (lambda *shape: jnp.zeros(shape)) if as_arrays else struct
    graph = sg.from_jax(_mlp, ([(make(i, o), make(o)) for i, o in pairs], make(batch, widths[0])))
    assert graph.arrays.flops is not None
    assert graph.arrays.param_bytes is not None
    assert graph.arrays.flops.sum() == sum(2 * batch * i * o + 2 * batch * o for i, o in pairs)
    assert graph.arrays.param_bytes.sum() == 4 * sum(i * o + o for i, o in pairs)


def test_a_random_key_is_as_big_as_its_words() -> None:
    """Two words of 32 bits for the default generator; what it draws is a function of it, so it is no source."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    graph = traced(lambda key: jax.random.bits(key, (3,)), key)
    assert graph.size.tolist() == [8, 12]
    with pytest.raises(sg.InputError, match=r"^f: nothing is left to run: what is returned takes parameters alone$"):
        sg.from_jax(lambda: jax.random.bits(jax.random.key(0)), (), param_argnums=(), name="f")


def test_what_is_computed_from_parameters_alone_is_a_parameter() -> None:
    """A transposed or cast weight is stored as it is given, and read as it has become; a number takes no bytes."""
    transposed = traced(lambda w, x: x @ w.T, struct(4, 5), struct(2, 5), param_argnums=(0,))
    assert list(transposed.op) == ["dot_general"]
    assert facts(transposed, "dot_general") == (2 * 2 * 5 * 4, 40 + 80, 32, 80)
    spread = traced(lambda b, x: x + jnp.broadcast_to(b, (2, 5)), struct(5), struct(2, 5), param_argnums=(0,))
    assert facts(spread, "add") == (10, 40 + 20, 40, 20)
    cast = traced(
        lambda w, x: x @ w.astype(x.dtype), struct(5, 4), struct(2, 5, dtype=jnp.bfloat16), param_argnums=(0,)
    )
    assert facts(cast, "dot_general") == (80, 20 + 40, 16, 80)
    scaled = traced(lambda x: x * lax.rsqrt(64.0), struct(6))
    assert facts(scaled, "mul") == (6, 24, 24, 0)
    mask = traced(lambda x: jnp.where(jnp.arange(6) < 3, x, 0.0), struct(6))
    assert facts(mask, "select_n") == (6, 24 + 6, 24, 6)


def test_parameters_are_the_arguments_named_and_the_arrays_closed_over() -> None:
    """Any position, counted from either end; an array closed over is one parameter however often it is read."""
    scale = jnp.ones(5)
    function = functools.partial(lambda x, w, *, z: (x * scale + scale) @ w + z, z=1.0)
    for positions in ((1,), (-1,)):
        graph = traced(function, struct(2, 5), struct(5, 4), param_argnums=positions)
        assert list(graph.op) == ["mul", "add", "dot_general", "add"]
        assert _numbers(graph.param_bytes) == [0, 0, 80, 0]
        assert shared(graph) == [(20, [0, 1])]
    assert _numbers(traced(function, struct(2, 5), struct(5, 4)).param_bytes) == [0, 0, 0, 0]


def test_calls_are_inlined() -> None:
    """Compiled, checkpointed or with a derivative of its own, a function is the equations that it makes."""

    def plain(x: jax.Array) -> jax.Array:
        return jnp.tanh(x * x) + 1

    jvp = jax.custom_jvp(plain)
    jvp.defjvps(lambda g, _, x: x * g)
    vjp = jax.custom_vjp(plain)
    vjp.defvjp(lambda x: (plain(x), x), lambda x, g: (x * g,))
    expected = sg.from_jax(plain, (struct(3),), param_argnums=()).digest
    for called in (jax.jit(plain), jax.checkpoint(plain), jvp, vjp, jax.jit(jax.jit(vjp))):
        graph = sg.from_jax(lambda x, called=called: called(x), (struct(3),), param_argnums=())
        assert graph.digest == expected


def test_gathering_reads_only_what_it_gathers() -> None:
    """Of a table of 1000 rows, three rows and three indices are read; all of it is a parameter."""

    def function(table: jax.Array, i: jax.Array) -> Any:
        return table.at[i].get(mode="promise_in_bounds", wrap_negative_indices=False)

    graph = traced(function, struct(1000, 8), struct(3, dtype=jnp.int32), param_argnums=(0,))
    assert facts(graph, "gather") == (0, 3 * 8 * 4 + 12, 96, 32000)

    def row(x: jax.Array, i: jax.Array) -> Any:
        return lax.dynamic_slice(x, (i, 0), (1, 8))

    assert facts(traced(row, struct(1000, 8), struct(dtype=jnp.int32)), "dynamic_slice") == (0, 32 + 4, 32, 0)


def test_what_is_unused_is_left_out() -> None:
    """Unused equations, unused results and unread inputs; a step of several results writes those in use."""

    def function(x: jax.Array, z: jax.Array, unread: jax.Array) -> Any:
        del unread
        _ = jnp.tanh(z)
        return lax.top_k(x, 2)[0]

    graph = traced(function, struct(4, 8), struct(3), struct(9))
    assert list(graph.op) == ["top_k"]
    assert graph.size.tolist() == [128, 32]
    assert facts(graph, "top_k") == (4 * 8, 128, 32, 0)
    both = traced(lambda x: lax.top_k(x, 2), struct(4, 8))
    assert both.producer.tolist() == [-1, 0, 0]
    assert both.size.tolist() == [128, 32, 32]


def test_a_function_may_return_inputs_parameters_and_numbers() -> None:
    """An input that is returned is a tensor of its own right, even if nothing reads it; the others are none."""

    def function(w: jax.Array, x: jax.Array, z: jax.Array) -> Any:
        y = x @ w
        return x, w, {"y": y, "again": y}, 3.0, z, w * 2

    graph = traced(function, struct(5, 4), struct(2, 5), struct(3), param_argnums=(0,))
    assert graph.producer.tolist() == [-1, -1, 0]
    assert graph.size.tolist() == [40, 12, 32]
    assert graph.is_output is not None
    assert graph.is_output.tolist() == [True] * 3
    assert graph.consumers.tolist() == [0]


def test_a_node_that_reads_a_tensor_twice_is_one_consumer() -> None:
    """Consumers are distinct, and so are the bytes that are read."""
    graph = traced(lambda x: x * x + x, struct(4))
    assert graph.consumers.tolist() == [0, 1, 1]
    assert facts(graph, "mul") == (4, 16, 16, 0)


def test_names_say_where_a_node_stands() -> None:
    """Inputs by their path, nodes by scope and operator, each once."""

    def function(x: dict[str, jax.Array], *, z: jax.Array) -> Any:
        with jax.named_scope("head"):
            return jax.jit(lambda a: jnp.tanh(a) + z)(x["a"])

    graph = trace(function, ({"a": struct(3)},), {"z": struct(3)}, param_argnums=(), name="f")
    assert graph.name == "f"
    assert graph.tensor_name is not None
    assert graph.node_name is not None
    assert graph.tensor_name[:2] == ["args[0]['a']", "kwargs['z']"]
    assert [name.partition(".")[0] for name in graph.node_name] == ["head/tanh", "head/add"]
    assert len(set(graph.node_name)) == 2
    assert sg.from_jax(_mlp, (LAYERS, struct(2, 5))).name == "_mlp"


def _block(parameters: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """Attend and feed forward, with residuals, in two heads."""
    length, width = x.shape
    q, k, v = (jnp.reshape(x @ parameters[name], (length, 2, width // 2)) for name in "qkv")
    scores = jax.nn.softmax(jnp.einsum("qhd,khd->hqk", q, k))
    x = x + jnp.einsum("hqk,khd->qhd", scores, v).reshape(length, width) @ parameters["o"]
    return x + jax.nn.gelu(x @ parameters["up"]) @ parameters["down"]


BLOCK = dict.fromkeys("qkvo", struct(16, 16)) | {"up": struct(16, 64), "down": struct(64, 16)}


def test_tracing_is_deterministic_and_takes_shapes_for_arrays() -> None:
    """The same numbers each time, with elements or without."""
    first = sg.from_jax(_block, (BLOCK, struct(6, 16)))
    assert sg.from_jax(_block, (BLOCK, struct(6, 16))).digest == first.digest
    arrays = {name: jnp.ones(struct.shape) for name, struct in BLOCK.items()}
    assert sg.from_jax(_block, (arrays, jnp.ones((6, 16)))).digest == first.digest
    assert (
        sg.from_jax(_block, (), {"parameters": arrays, "x": jnp.ones((6, 16))}, param_argnums=()).digest != first.digest
    )


def test_a_traced_block_is_cut_and_proven() -> None:
    """From the function to a certificate that holds."""
    graph = sg.from_jax(_block, (BLOCK, struct(6, 16)))
    instance = sg.Instance(graph, num_blocks=2, device=sg.Device.preset("testbed"))
    result = sg.solve(instance, stop=sg.MaxRuntime(5))
    assert sg.check(graph, result.certificate).bottleneck == result.bottleneck


def test_what_cannot_be_traced_is_refused_in_one_line() -> None:
    """With what is wrong, and where."""
    (batch,) = export.symbolic_shape("batch")
    with pytest.raises(sg.InputError, match=r"^f: args\[1\] has the symbolic dimension batch: give it a size$"):
        sg.from_jax(jnp.matmul, (struct(2, 2), struct(2, batch)), name="f")
    with pytest.raises(sg.InputError, match=r"^f: param_argnums: 2, but the function is given 1 positional arguments$"):
        sg.from_jax(jnp.tanh, (struct(2),), param_argnums=2, name="f")
    with pytest.raises(sg.InputError, match=r"^f: args: a tuple of what it is called with is asked for, not Shape"):
        sg.from_jax(jnp.tanh, struct(2), name="f")  # type: ignore[arg-type] # what is refused
    with pytest.raises(sg.InputError, match=r"^f: .* only arrays are handled, no references to mutable ones$"):
        sg.from_jax(lambda x: jax.new_ref(x)[...], (struct(2),), param_argnums=(), name="f")
    with pytest.raises(sg.InputError, match=r"^f: tensor 'args\[0\]' computes or moves more than 64 bits can count$"):
        sg.from_jax(jnp.tanh, (struct(1 << 31, 1 << 31),), param_argnums=(), name="f")


def test_what_a_function_raises_while_it_is_traced_is_told_in_one_line() -> None:
    """JAX explains itself in many; that is the cause."""
    wrong = {
        "TracerBoolConversionError: Attempted boolean conversion": lambda x: x if x.sum() > 0 else -x,
        "TypeError: dot_general requires contracting dimensions": lambda x: x @ jnp.ones(3),
        "ZeroDivisionError: ": lambda _x: 1 // 0,
        "AssertionError$": lambda _x: exec("assert False"),  # noqa: S102 - an error without a message
    }
    for line, function in wrong.items():
        with pytest.raises(sg.InputError, match=rf"^f: JAX cannot trace it: {line}") as raised:
            sg.from_jax(function, (struct(2),), param_argnums=(), name="f")
        assert "\n" not in str(raised.value)
        assert type(raised.value.__cause__).__name__ == line.split(":")[0].rstrip("$")


def test_without_jax_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX is optional."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(sg.InputError, match=r"^tracing takes the jax package; pip install slicegraph\[jax\]$"):
        sg.from_jax(jnp.tanh, (struct(2),))


def test_a_primitive_without_a_rule_is_a_guess_unless_a_formula_counts_it() -> None:
    """A primitive of the user's own, and a call to the host: marked, and counted by a formula where there is one."""
    primitive = Primitive("own_kernel")
    primitive.def_abstract_eval(lambda x: x)  # type: ignore[no-untyped-call] # JAX leaves its types open

    def function(x: Any) -> Any:
        y = primitive.bind(jnp.exp(x))  # type: ignore[no-untyped-call] # JAX leaves its types open
        return jax.pure_callback(lambda a: a, struct(2, 3), y)

    graph = traced(function, struct(2, 3))
    assert graph.is_guess is not None
    assert dict(zip(graph.op, graph.is_guess.tolist(), strict=True)) == {
        "exp": False,
        "own_kernel": True,
        "pure_callback": True,
    }
    given: dict[str, Any] = {
        "own_kernel": lambda inputs, outputs: 100 * inputs[0][1] + outputs[0][0],
        "pure_callback": "in0.shape[1]",
    }
    counted = sg.from_jax(function, (struct(2, 3),), param_argnums=(), flops=given).arrays
    assert counted.flops is not None
    assert counted.is_guess is not None
    assert counted.flops.tolist() == [6, 302, 3]
    assert not counted.is_guess.any()
    with pytest.raises(sg.InputError, match="no such operator"):
        sg.from_jax(function, (struct(2, 3),), param_argnums=(), flops={"her_kernel": "1"})


def test_a_guess_within_a_loop_makes_the_loop_a_guess() -> None:
    """A scan is one node, and a guess if its body is one."""
    primitive = Primitive("own_step")
    primitive.def_abstract_eval(lambda x: x)  # type: ignore[no-untyped-call] # JAX leaves its types open

    def function(x: Any, *, is_known: bool) -> Any:
        def step(carry: Any, _: Any) -> Any:
            return (jnp.sin(carry) if is_known else primitive.bind(carry)), None  # type: ignore[no-untyped-call] # as above

        return lax.scan(step, x, None, length=3)[0]

    for is_known in (True, False):
        graph = traced(functools.partial(function, is_known=is_known), struct(2, 3))
        assert graph.is_guess is not None
        assert graph.op == ["scan"]
        assert graph.is_guess.tolist() == [not is_known]
