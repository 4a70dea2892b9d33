"""Stages of JAX functions: each with its own parameters, together what the function is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slicegraph as sg
from scans import norm, transformer_block

WIDTH, LAYERS = 4, 2
SCALE = jnp.linspace(0.5, 1.5, WIDTH)


def _normal(*shape: int) -> Any:
    size = int(np.prod(shape))
    return jnp.sin(jnp.arange(1.0, size + 1) * 12.9898).reshape(shape)


X = _normal(3, WIDTH)


def _transformer(parameters: Any, x: Any) -> Any:
    """As flax's nn.scan writes it: every leaf has an axis of layers."""
    x, _ = lax.scan(lambda x, p: (jax.checkpoint(transformer_block)(p, x), None), x, parameters["layers"])
    return norm(x) @ parameters["head"]


_SHAPES = dict.fromkeys("qkvo", (WIDTH, WIDTH)) | {"up": (WIDTH, 8), "down": (8, WIDTH)}
TRANSFORMER = {
    "layers": {name: _normal(LAYERS, *shape) / 4 for name, shape in _SHAPES.items()},
    "head": _normal(WIDTH, 3),
}


def _mlp(stack: Any, x: Any) -> Any:
    return lax.scan(lambda x, w: (jnp.tanh(x @ w), x.sum()), x, stack)


def _rnn(parameters: Any, rows: Any) -> Any:
    """Two layers over time, and what they end with."""
    last = []
    for p in parameters:

        def step(state: Any, row: Any, p: Any = p) -> Any:
            state = jnp.tanh(row @ p["in"] + state @ p["state"])
            return state, state

        state, rows = lax.scan(step, jnp.zeros(WIDTH), rows)
        last.append(state)
    return rows, last


RNN = [{name: _normal(WIDTH, WIDTH) for name in ("in", "state")}] * 2


def _kinds(parameters: Any, x: Any, *, shift: Any) -> Any:
    """Whatever else a function has: constants, loops that stay, branches, outputs that nothing computes, calls."""
    w, table = parameters["w"].astype(jnp.float32).T, parameters["table"]
    layer = jax.custom_vjp(lambda x: jnp.tanh(x @ w))
    layer.defvjp(lambda x: (layer(x), x), lambda x, g: (g * x,))
    y = layer(x * SCALE) + shift
    y = lax.while_loop(lambda y: y.sum() > 1, lambda y: y * 0.5, y)
    y = lax.cond(y.sum() > 0, jnp.sin, jnp.cos, y)
    y = lax.fori_loop(1, 3, lambda i, y: y + table[i], y)
    y = lax.scan(lambda y, i: (lax.cond(i > 2, jnp.sin, jnp.cos, y) + table[i], None), y, jnp.arange(2, 4)[::-1])[0]
    y = (
        y
        + jnp.where(jnp.arange(WIDTH) < 3, 1.0, 0.0)
        + table[0:2].sum(0)
        + lax.dynamic_slice(table, (1, 2), (1, WIDTH - 2)).sum()
    )
    return {"y": y, "x": x, "w": w, "table": table, "one": 1.0, "mask": jnp.arange(3) * 2, "twice": y}


def _gradient(stack: Any, x: Any) -> Any:
    return jax.grad(lambda stack: _mlp(stack, x)[0].sum())(stack)


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "transformer": (_transformer, (TRANSFORMER, X), {}),
    "mlp": (_mlp, (_normal(LAYERS, WIDTH, WIDTH), X), {}),
    "rnn": (_rnn, (RNN, X), {}),
    "kinds": (
        _kinds,
        ({"w": _normal(WIDTH, WIDTH).astype(jnp.float16), "table": _normal(4, WIDTH)}, X),
        {"shift": np.float32(0.25)},
    ),
    "gradient": (_gradient, (_normal(LAYERS, WIDTH, WIDTH), X), {}),
}


@functools.cache
def _graph(name: str) -> sg.Graph:
    function, args, kwargs = FUNCTIONS[name]
    return sg.from_jax(function, args, kwargs)


def _agree(left: Any, right: Any) -> None:
    assert str(jax.tree.structure(left)) == str(jax.tree.structure(right))
    for one, other in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
        assert jnp.asarray(one).dtype == jnp.asarray(other).dtype


@functools.cache
def _stages(name: str) -> Any:
    """Three stages with as many nodes each."""
    function, args, kwargs = FUNCTIONS[name]
    num_nodes = _graph(name).num_nodes
    return sg.jax.stages(function, args, np.arange(num_nodes) * 3 // num_nodes, kwargs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_stages_in_a_row_are_the_whole(name: str) -> None:
    function, args, kwargs = FUNCTIONS[name]
    stages = _stages(name)
    assert len(stages) == 3
    _agree(stages(*args, **kwargs), jax.jit(function)(*args, **kwargs))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_stages_read_and_make_the_tensors_of_the_graph(name: str) -> None:
    """Each reads what the model is given or an earlier stage makes, and makes what a later one reads or is returned."""
    arrays = _graph(name).arrays
    assert arrays.tensor_name is not None
    assert arrays.is_output is not None
    given = {tensor for tensor, producer in zip(arrays.tensor_name, arrays.producer, strict=True) if producer < 0}
    returned = {name for name, is_output in zip(arrays.tensor_name, arrays.is_output, strict=True) if is_output}
    made: set[str] = set()
    read: set[str] = set()
    for stage in _stages(name):
        assert set(stage.inputs) <= given | made
        made |= set(stage.outputs)
        read |= set(stage.inputs)
    assert made - returned <= read
    assert returned <= made | given


def test_a_stage_has_the_parameters_of_its_own_layers() -> None:
    """Of each stack its layers, by name; all stages together have all."""
    names = [set(stage.parameters) for stage in _stages("transformer")]
    stack = {f"args[0]['layers']['{part}'][{layer}]" for part in _SHAPES for layer in range(LAYERS)}
    assert set().union(*names) == stack | {"args[0]['head']"}
    assert "args[0]['layers']['q'][1]" not in names[0]
    assert "args[0]['layers']['q'][0]" not in names[1] | names[2]
    first = _stages("transformer")[0]
    taken = first.take(*FUNCTIONS["transformer"][1])
    for name, array in taken.items():
        assert (array.shape, array.dtype) == (first.parameters[name].shape, first.parameters[name].dtype)
    np.testing.assert_array_equal(taken["args[0]['layers']['q'][0]"], TRANSFORMER["layers"]["q"][0])


def test_only_the_leaves_that_a_stage_needs_are_looked_at() -> None:
    """Others may be shapes: they need not be loaded."""
    (function, args, _), last = FUNCTIONS["rnn"], _stages("rnn")[2]
    assert set(last.leaves) == {"args[0][1]['in']", "args[0][1]['state']"}
    shapes = jax.eval_shape(lambda *args: args, *args)
    taken = last.take([shapes[0][0], args[0][1]], shapes[1])
    assert jax.tree.map(jnp.shape, taken) == dict.fromkeys(last.leaves, (WIDTH, WIDTH))
    assert callable(function)


def test_parts_have_the_names_that_python_gives_them() -> None:
    names = {name for stage in _stages("kinds") for name in stage.parameters}
    table = "args[0]['table']"
    assert names == {
        "constant",
        "args[0]['w']",
        f"{table}[1]",
        f"{table}[2]",
        f"{table}[3]",
        f"{table}[0:2]",
        f"{table}[1:2, 2:4]",
    }


def test_a_scanned_transformer_is_the_one_written_out() -> None:
    """Node by node: so it is cut as well."""

    def written_out(parameters: Any, x: Any) -> Any:
        for layer in range(LAYERS):
            x = transformer_block(jax.tree.map(lambda leaf, layer=layer: leaf[layer], parameters["layers"]), x)
        return norm(x) @ parameters["head"]

    assert sg.from_jax(written_out, FUNCTIONS["transformer"][1]).digest == _graph("transformer").digest


def test_every_kind_of_plan_is_taken(tmp_path: Path) -> None:
    function, args, _ = FUNCTIONS["mlp"]
    instance = sg.Instance(_graph("mlp"), device=sg.Device.preset("testbed"), num_blocks=2)
    result = sg.audit(instance, np.arange(_graph("mlp").num_nodes) // 5)
    result.plan.write(tmp_path / "plan.json")
    expected = [stage.outputs for stage in sg.jax.stages(function, args, result.block_of.tolist())]
    for plan in (result, result.plan, tmp_path / "plan.json", str(tmp_path / "plan.json"), result.block_of):
        assert [stage.outputs for stage in sg.jax.stages(function, args, plan)] == expected
    for plan in (result, result.plan, tmp_path / "plan.json"):
        with pytest.raises(sg.InputError, match="another graph"):
            sg.jax.stages(function, args, plan, open_loops=False)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([0, 1], "it has shape"),
        ([-1] * 9, "counts? from 0"),
        ([1] * 5 + [0] * 4, "block 0 reads what block 1 makes, 'scan.*tensors run to later blocks"),
        (["a"] * 9, "plan"),
        (sg.Plan({}), "another graph"),
        ({"block_of": [0] * 9}, "plan"),
    ],
)
def test_a_plan_that_is_none_is_refused(plan: Any, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.jax.stages(_mlp, (_normal(2, WIDTH, WIDTH), X), plan)


def test_arguments_of_another_structure_are_refused() -> None:
    stages = _stages("mlp")
    stack, x = FUNCTIONS["mlp"][1]
    for run in (stages, stages[0].take):
        with pytest.raises(sg.InputError, match=r"^arguments: they are structured as"):
            run([stack], x)
    with pytest.raises(sg.InputError, match="stage 0 takes 1 inputs, not 2"):
        stages[0](stages[0].take(stack, x), x, x)
    with pytest.raises(sg.InputError, match=r"^stage 0 takes the parameter args\[0\]\[0\], which is not given$"):
        stages[0]({}, x)
