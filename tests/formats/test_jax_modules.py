"""Nodes in no scope are named by the modules whose parameters they read."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jax_functions import struct, traced
from slicegraph.formats.arrays import GraphArrays

WEIGHT = struct(4, 4)
X = struct(2, 4)


def _names(graph: GraphArrays) -> list[str]:
    """Without their numbers."""
    assert graph.node_name is not None
    assert len(set(graph.node_name)) == len(graph.node_name)
    return [name.rpartition(".")[0] for name in graph.node_name]


def test_paths_of_parameters_are_names() -> None:
    """Also of what is made of one, of two of one module, and of what two modules share."""

    def function(p: Any, x: Any) -> Any:
        x = x @ p["layers"][0]["up"]["kernel"].T + p["layers"][0]["up"]["bias"]
        x = jnp.tanh(x) * (p["layers"][1]["a"] + p["layers"][1]["b"])
        return x @ (p["layers"][0]["up"]["kernel"] + p["layers"][1]["c"]) + p["shift"]

    up = {"kernel": WEIGHT, "bias": struct(4)}
    parameters = {"layers": [{"up": up}, {"a": struct(4), "b": struct(4), "c": WEIGHT}], "shift": struct(4)}
    expected = ["layers/0/up/dot_general", "layers/0/up/add", "tanh", "layers/1/mul", "layers/dot_general", "add"]
    assert _names(traced(function, parameters, X, param_argnums=(0,))) == expected
    assert _names(traced(function, parameters, X)) != expected


def test_a_scope_goes_before_a_path() -> None:
    def function(p: Any, x: Any) -> Any:
        with jax.named_scope("decoder"):
            return jax.jit(lambda x: x @ p["up"]["kernel"])(x)

    assert _names(traced(function, {"up": {"kernel": WEIGHT}}, X, param_argnums=(0,))) == ["decoder/dot_general"]


def test_iterations_go_before_a_path() -> None:
    """A loop that stays one node is named by what its parameters share."""

    def function(p: Any, x: Any) -> Any:
        return lax.scan(lambda x, p: (x @ p["up"]["w"] @ p["down"]["w"], None), x, p["layers"])[0]

    parameters = {"layers": {"up": {"w": struct(2, 4, 4)}, "down": {"w": struct(2, 4, 4)}}}
    opened = traced(function, parameters, X, param_argnums=(0,), open_loops=100)
    expected = [f"scan.1/{index}/layers/{name}/dot_general" for index in (0, 1) for name in ("up", "down")]
    assert _names(opened) == expected
    assert _names(traced(function, parameters, X, param_argnums=(0,))) == ["layers/scan"]
