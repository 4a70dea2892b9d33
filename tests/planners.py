"""What the tests of planners' files share: what a graph says, how a file is refused, and damage."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import strategies as st

import slicegraph as sg

PATCHES = st.tuples(st.binary(max_size=20), st.integers(0, 900), st.integers(0, 900))
"""Bytes, where they are put, and how many of the file they replace."""


def assert_refused(path: Path, content: str | bytes, rule: str, *, format: str) -> None:  # noqa: A002 - as in `read`
    """Reading this gives one line that names the file, then the rule (a regular expression)."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(sg.InputError, match=rule) as error:
        sg.read(path, format=format)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def read_or_refuse(path: Path, content: bytes, *, format: str) -> None:  # noqa: A002 - as in `read`
    """Nothing but a graph or one line, whatever the content is."""
    path.write_bytes(content)
    try:
        graph = sg.read(path, format=format)
    except sg.InputError as error:
        line = str(error)
    else:
        assert graph.num_nodes >= 1
        return
    assert line.startswith(f"{path}: ")
    assert "\n" not in line


def patched(content: bytes, patch: tuple[bytes, int, int]) -> bytes:
    """The content with a piece of it replaced."""
    piece, begin, length = patch
    return content[:begin] + piece + content[begin + length :]


def readers(graph: sg.Graph) -> list[list[int]]:
    """The nodes that read each tensor."""
    offsets, nodes = graph.arrays.consumer_offsets.tolist(), graph.arrays.consumers.tolist()
    return [nodes[begin:end] for begin, end in itertools.pairwise(offsets)]


def assert_facts(
    graph: sg.Graph,
    *,
    work: list[float],
    param_bytes: list[int],
    producer: list[int],
    size: list[int],
    consumers: list[list[int]],
) -> None:
    """The nodes' seconds and bytes, and the tensors with who reads them."""
    arrays = graph.arrays
    assert arrays.work is not None
    assert arrays.param_bytes is not None
    assert (arrays.work.tolist(), arrays.param_bytes.tolist()) == (work, param_bytes)
    assert (arrays.producer.tolist(), arrays.size.tolist(), readers(graph)) == (producer, size, consumers)
