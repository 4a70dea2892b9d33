"""Random small problems as native graph files, for hypothesis."""

from __future__ import annotations

import itertools
import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import slicegraph as sg

MANY = max(300, settings().max_examples)
"""Examples for what must never be wrong: as many as the profile asks for, and 300 at least; a soak draws 20,000."""
_SIZES = st.sampled_from([0, 1, 2, 3, 1000, 2**40])
_SECONDS = st.sampled_from([0.0, 1e-9, 0.1, 1 / 3, 1.0, 1e6])


@st.composite
def graphs(draw: DrawFn, *, max_nodes: int = 6) -> dict[str, Any]:
    """Native graph data: hyperedges, several outputs, model inputs, parallel tensors, zeros and huge ratios.

    Work is given in seconds or by facts; nodes are listed in any order.
    """
    num_nodes = draw(st.integers(1, max_nodes))
    names = draw(st.permutations(range(num_nodes)))

    def per_node(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=num_nodes, max_size=num_nodes))

    nodes: dict[str, Any] = {"op": ["op"] * num_nodes, "param_bytes": per_node(st.integers(0, 8))}
    if draw(st.booleans()):
        nodes["work"] = per_node(_SECONDS)
    else:
        nodes["flops"] = per_node(st.sampled_from([0.0, 1.0, 5.0, 1e9]))
        nodes["read_bytes"] = per_node(_SIZES)
        nodes["is_view"] = per_node(st.integers(0, 1))
    num_tensors = draw(st.integers(0, 2 * num_nodes))
    tensors: dict[str, Any] = {"producer": [], "size": [], "consumers": [], "is_output": []}
    for _ in range(num_tensors):
        place = draw(st.integers(-1, num_nodes - 1))
        readers = draw(st.sets(st.integers(place + 1, num_nodes - 1))) if place + 1 < num_nodes else set()
        tensors["producer"].append(-1 if place < 0 else names[place])
        tensors["size"].append(draw(_SIZES))
        tensors["consumers"].append(sorted(names[reader] for reader in readers))
        tensors["is_output"].append(draw(st.booleans()))
    return {"format": "slicegraph-graph-1", "name": "random", "nodes": nodes, "tensors": tensors}


@st.composite
def shaped_graphs(draw: DrawFn, *, max_nodes: int = 6) -> dict[str, Any]:
    """A tree, branches that meet again, layers or a grid, with few different costs, so with ties and zeros everywhere.

    A node makes one tensor for all that read it or one for each, and there are model inputs and outputs; nodes are
    listed in any order.
    """
    num_nodes = draw(st.integers(3, max_nodes))
    successors = draw(st.sampled_from([_tree, _branches, _layers, _grid]))(draw, num_nodes)
    names = draw(st.permutations(range(num_nodes)))
    is_shared = draw(st.booleans())
    tensors = []
    for node, readers in enumerate(successors):
        tensors += [(node, readers)] if is_shared else [(node, {reader}) for reader in readers]
    for _ in range(draw(st.integers(0, 2))):
        node = draw(st.integers(-1, num_nodes - 2))
        tensors.append((node, draw(st.sets(st.integers(node + 1, num_nodes - 1)))))

    def some(values: list[Any], count: int) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))

    nodes = {"op": ["op"] * num_nodes, "work": [float(work) for work in some(draw(_COSTS), num_nodes)]}
    return {
        "format": "slicegraph-graph-1",
        "name": "shaped",
        "nodes": nodes | {"param_bytes": some([0, 0, 0, 1, 2], num_nodes)},
        "tensors": {
            "producer": [-1 if node < 0 else names[node] for node, _ in tensors],
            "size": some(draw(_COSTS), len(tensors)),
            "consumers": [sorted(names[reader] for reader in readers) for _, readers in tensors],
            "is_output": some([False, False, True], len(tensors)),
        },
    }


_COSTS = st.sampled_from([[1], [0, 1], [0, 0, 1, 2, 5], [1, 2, 3, 5, 8], [6, 13, 20], [0]])


def _tree(draw: DrawFn, num_nodes: int) -> list[set[int]]:
    """From one node, or to one."""
    parents = [draw(st.integers(0, node - 1)) for node in range(1, num_nodes)]
    if draw(st.booleans()):
        return [{child for child, parent in enumerate(parents, 1) if parent == node} for node in range(num_nodes)]
    last = num_nodes - 1
    return [{last - parents[last - node - 1]} if node < last else set() for node in range(num_nodes)]


def _branches(draw: DrawFn, num_nodes: int) -> list[set[int]]:
    """Series and parallel: every node but the first two is put between neighbours, in their arc or beside it."""
    order, arcs = [0, 1], [(0, 1)]
    for node in range(2, num_nodes):
        index = draw(st.integers(0, len(arcs) - 1))
        before, after = arcs[index]
        if draw(st.booleans()):
            del arcs[index]
        arcs += [(before, node), (node, after)]
        order.insert(order.index(before) + 1, node)
    return [{order.index(after) for before, after in arcs if before == node} for node in order]


def _layers(draw: DrawFn, num_nodes: int) -> list[set[int]]:
    """Any arcs from each layer to the next."""
    width = draw(st.integers(1, 3))
    starts = [(node // width + 1) * width for node in range(num_nodes)]
    following = [range(min(start, num_nodes), min(start + width, num_nodes)) for start in starts]
    return [draw(st.sets(st.sampled_from(nodes))) if nodes else set() for nodes in following]


def _grid(draw: DrawFn, num_nodes: int) -> list[set[int]]:
    """To the right and below."""
    width = draw(st.integers(1, 3))
    right = [{node + 1} if node % width < width - 1 else set() for node in range(num_nodes)]
    return [{each for each in near | {node + width} if each < num_nodes} for node, near in enumerate(right)]


@st.composite
def devices(draw: DrawFn) -> dict[str, Any]:
    """Device figures: rates that do not divide evenly, memory and limit on and off."""
    device: dict[str, Any] = {
        "bandwidth": draw(st.sampled_from([1.0, 3.0, 64e9])),
        "flops": 7.0,
        "memory_bandwidth": 3.0,
    }
    if draw(st.booleans()):
        device["memory"] = draw(st.integers(0, 20))
        if draw(st.booleans()):
            device["overflow_bandwidth"] = draw(st.sampled_from([0.1, 2.0]))
    if draw(st.integers(0, 3)) == 0:
        device["memory_limit"] = draw(st.integers(6, 40))
    return device


def to_graph(data: dict[str, Any], **replaced: Any) -> sg.Graph:
    """The graph of native data, through arrays rather than a file; `replaced` overrides arguments."""
    nodes, tensors = data["nodes"], data["tensors"]
    arguments = {
        "name": data["name"],
        "op": nodes["op"],
        **{key: nodes.get(key) for key in ("work", "flops", "read_bytes", "write_bytes", "param_bytes", "is_view")},
        "producer": tensors["producer"],
        "size": tensors["size"],
        "is_output": tensors.get("is_output"),
        "consumers": list(itertools.chain.from_iterable(tensors["consumers"])),
        "consumer_offsets": list(itertools.accumulate(map(len, tensors["consumers"]), initial=0)),
    }
    return sg.Graph(**(arguments | replaced))


def shared(sizes: list[int], readers: list[list[int]]) -> dict[str, Any]:
    """Parameters that several nodes read, as arguments of a graph."""
    return {
        "param_size": sizes,
        "param_readers": list(itertools.chain.from_iterable(readers)),
        "param_offsets": list(itertools.accumulate(map(len, readers), initial=0)),
    }


def memory(data: dict[str, Any]) -> dict[str, Any]:
    """Something in every column that says what takes memory, or is for unlike devices."""
    num_nodes = len(data["nodes"]["op"])
    return {
        "state_bytes": list(range(num_nodes)),
        "live_bytes": list(range(num_nodes, 0, -1)),
        "dtype": [("float32", "bfloat16", "")[node % 3] for node in range(num_nodes)],
        "work_on": {"gpu": [0.5 * node for node in range(num_nodes)], "cpu": [math.nan, *[1.0] * (num_nodes - 1)]},
        **shared([16, 0], [list(range(num_nodes)), [num_nodes - 1]]),
    }


def to_instance(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, *, boundary_io: bool = False
) -> sg.Instance:
    """The instance of native data."""
    return sg.Instance(to_graph(data), device=sg.Device(**device), num_blocks=num_blocks, boundary_io=boundary_io)


CHAIN: dict[str, Any] = {
    "format": "slicegraph-graph-1",
    "name": "chain",
    "nodes": {"op": ["a", "b", "c"], "work": [1.0, 2.0, 3.0]},
    "tensors": {"producer": [0, 1], "size": [8, 8], "consumers": [[1], [2]]},
}
"""Three nodes in a row."""


def grid(side: int) -> dict[str, Any]:
    """Nodes of 1 s in a square, each with a tensor of 8 bytes to its right and its lower neighbour."""
    nodes = range(side * side)
    right = [[node + 1] * (node % side < side - 1) for node in nodes]
    below = [[node + side] * (node < side * (side - 1)) for node in nodes]
    consumers = [to_the_right + down for to_the_right, down in zip(right, below, strict=True)]
    return {
        "format": "slicegraph-graph-1",
        "name": "grid",
        "nodes": {"op": ["op"] * len(nodes), "work": [1.0] * len(nodes)},
        "tensors": {"producer": list(nodes), "size": [8] * len(nodes), "consumers": consumers},
    }
