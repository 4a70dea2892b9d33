"""Bytes of tensors that are alive at each node: against the definition, and against stages that run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import slicegraph as sg
from questions import Question, questions
from strategies import CHAIN, graphs, to_graph


def natural(data: dict[str, Any]) -> list[int]:
    """The order in which the first ready node always runs."""
    tensors = data["tensors"]
    order: list[int] = []
    arcs = [
        (maker, reader)
        for maker, readers in zip(tensors["producer"], tensors["consumers"], strict=True)
        for reader in readers
        if maker >= 0
    ]
    while len(order) < len(data["nodes"]["op"]):
        left = [node for node in range(len(data["nodes"]["op"])) if node not in order]
        order.append(next(node for node in left if all(maker in order for maker, reader in arcs if reader == node)))
    return order


@given(graphs())
def test_a_tensor_is_alive_from_its_producer_to_its_last_reader(data: dict[str, Any]) -> None:
    tensors, order = data["tensors"], natural(data)
    expected = [0] * len(order)
    for maker, size, readers in zip(tensors["producer"], tensors["size"], tensors["consumers"], strict=True):
        touched = [order.index(node) for node in [*readers, *([maker] if maker >= 0 else [])]]
        for node in order[min(touched, default=0) : max(touched, default=-1) + 1]:
            expected[node] += size
    assert sg.live_bytes(to_graph(data)).tolist() == expected


@given(questions())
def test_a_stage_never_holds_more_than_is_alive_at_one_of_its_nodes(question: Question) -> None:
    """Whatever the partition: it receives a tensor when it is first read, and sends one as soon as it is made."""
    data, live = question.data, sg.live_bytes(question.instance.graph)
    tensors, order = data["tensors"], natural(data)
    for block_of, *_ in question.partitions():
        for block in set(block_of):
            run = [node for node in order if block_of[node] == block]
            held = [0] * len(run)
            for maker, size, readers in zip(tensors["producer"], tensors["size"], tensors["consumers"], strict=True):
                here = [run.index(node) for node in [*readers, maker] if node in run]
                for position in range(min(here, default=0), max(here, default=-1) + 1):
                    held[position] += size
            assert max(held) <= max(live[node] for node in run)


def test_it_is_a_column_of_a_graph() -> None:
    graph = to_graph(CHAIN)
    counted = to_graph(CHAIN, live_bytes=sg.live_bytes(graph))
    assert counted.arrays.live_bytes is not None
    assert counted.arrays.live_bytes.tolist() == [8, 16, 8]
    with pytest.raises(sg.InputError, match=r"graph = 3, but a slicegraph\.Graph is asked for"):
        sg.live_bytes(3)  # type: ignore[arg-type] # that is the point
