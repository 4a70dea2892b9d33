"""Profiles of PipeDream (Narayanan et al., "PipeDream: Generalized Pipeline Parallelism", SOSP 2019).

The ``graph.txt`` that its profiler writes and ``graph/graph.py`` of https://github.com/msr-fiddle/pipedream reads. A
line is a node, or an edge behind a tab:

    node2 -- Linear(in_features=4096, bias=True) -- forward_compute_time=0.5, backward_compute_time=1.2,
    activation_size=1024.0, parameter_size=4096.000 -- stage_id=0
    <tab>node1 -- node2

The first two lines are one in a file, and the stage, which that planner chose, may be missing; it is left out. This is
inference: ``forward_compute_time``, in milliseconds, is work, and the backward pass is left out. What a node makes is
one tensor of ``activation_size`` bytes; a node that makes several has a list such as ``[8.0; 4.0]`` there, which adds
up, as it does for that planner. A tensor that no node reads is taken for an output of the model. ``parameter_size`` is
the bytes of parameters. A node goes by its id; its operator is its description up to the first parenthesis. The file
names no device, so the caller does.
"""

from __future__ import annotations

from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.files import read_text
from slicegraph.formats.planner import Tensor, amount, graph_arrays, whole_bytes

_MILLISECONDS = 1e3
_SEPARATOR = " -- "


def read(path: Path) -> GraphArrays:
    """Read a profile, in O(its length).

    Raises
    ------
    InputError
        When it cannot be read, is not text, or breaks a rule of the format.
    """
    nodes: dict[str, _Node] = {}
    edges: list[tuple[str, str, str]] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        place = f"{path}: line {number}"
        parts = line.strip().split(_SEPARATOR)
        if not line.strip():
            continue
        if line.startswith("\t"):
            if len(parts) != 2:  # noqa: PLR2004 - the ends of an edge
                raise InputError(f"{place}: {line.strip()!r:.80} is not an edge, which is `ID -- ID` behind a tab")
            edges.append((place, parts[0], parts[1]))
            continue
        node = _Node(place, parts)
        if nodes.setdefault(parts[0], node) is not node:
            raise InputError(f"{place}: {parts[0]!r:.80} is the id of an earlier node, too")
    index_of = {id_: index for index, id_ in enumerate(nodes)}
    readers: list[dict[int, None]] = [{} for _ in nodes]
    for place, source, reader in edges:
        wrong = next((id_ for id_ in (source, reader) if id_ not in index_of), None)
        if wrong is not None:
            raise InputError(f"{place}: {wrong!r:.80} is no node's id")
        if source == reader:
            raise InputError(f"{place}: {source!r:.80} is both ends, but no node reads what it makes")
        readers[index_of[source]][index_of[reader]] = None
    return graph_arrays(
        path,
        op=[node.op for node in nodes.values()],
        node_name=list(nodes),
        work=[node.work for node in nodes.values()],
        param_bytes=[node.param_bytes for node in nodes.values()],
        tensors=[
            Tensor(index, node.size, readers[index], is_output=not readers[index])
            for index, node in enumerate(nodes.values())
        ],
    )


class _Node:
    """What the line of a node says."""

    def __init__(self, place: str, parts: list[str]) -> None:
        if len(parts) not in (3, 4):
            raise InputError(f"{place}: {parts[0]!r:.80} begins no node, which is `ID -- DESCRIPTION -- FIGURES`")
        self._place = place
        # The separator within a list of sizes is another.
        self._figures = {key: value for key, _, value in (figure.partition("=") for figure in parts[2].split(", "))}
        self.op = parts[1].partition("(")[0].strip()
        self.work = amount(*self._number("forward_compute_time")) / _MILLISECONDS
        self.size = self._sum("activation_size")
        self.param_bytes = whole_bytes(*self._number("parameter_size"))

    def _figure(self, key: str) -> str:
        if key not in self._figures:
            raise InputError(f"{self._place}: {key} is missing")
        return self._figures[key]

    def _number(self, key: str) -> tuple[str, float | str]:
        """Give a figure and what a complaint calls it."""
        return f"{self._place}: {key}", _float(self._figure(key))

    def _sum(self, key: str) -> int:
        text = self._figure(key)
        sizes = text[1:-1].split("; ") if text.startswith("[") and text.endswith("]") else [text]
        culprit = f"{self._place}: {key}"
        return whole_bytes(culprit, sum(amount(culprit, _float(size)) for size in sizes))


def _float(text: str) -> float | str:
    """Give the number that a text is, or the text."""
    try:
        return float(text)
    except ValueError:
        return text
