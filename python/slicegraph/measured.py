"""Work that another tool measured: which nodes it covers, which it does not, and the graph with it."""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.constraints import Finder
from slicegraph.cost import Instance
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.formats.measurements import Measurements, read_measurements
from slicegraph.graph import Graph
from slicegraph.segments import fit_segments

_CHANGED: Final = re.compile(r"(.+?)(?:_nchwc|/[A-Za-z]+Fusion)?(?:_token_[0-9]+)?", re.DOTALL)
"""How onnxruntime names a node after it has changed it."""
_LEAST: Final = 1e-12
_Segments = Iterable[tuple[Sequence[str | int] | str | int, float]]
_Segment = tuple[NDArray[np.intp], float]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Coverage:
    """A graph with measured work, and how far the measurements go.

    Attributes
    ----------
    graph
        The graph, whose ``work`` is what was measured, or an estimate where nothing was.
    covered
        The nodes that were measured, alone or as parts of a segment.
    open
        The nodes with work that were not, whose work is an estimate.
    unused
        What the measurements name and no node is called, with its seconds.
    seconds
        The work of the nodes that were measured.
    """

    graph: Graph
    covered: NDArray[np.intp]
    open: NDArray[np.intp]
    unused: tuple[tuple[str, float], ...]
    seconds: float

    @property
    def share(self) -> float:
        """The share of all work that was measured; 1 where there is none."""
        work = self.graph.arrays.work
        total = 0.0 if work is None else float(work.sum())
        return self.seconds / total if total else 1.0


def with_measured(
    graph: Graph,
    source: str | os.PathLike[str] | Mapping[str, float] | _Segments,
    *,
    device: Device | None = None,
) -> Coverage:
    """Give a graph the work that was measured elsewhere.

    Parameters
    ----------
    graph
        What was measured.
    source
        A file, or seconds by node, or pairs of nodes and the seconds that they take together. Nodes go by name, by a
        glob over names, or by index; several are a segment. Files are

        - CSV (``.csv``): ``name,seconds`` in each row;
        - JSON with ``segments``: ``[{"nodes": ["layer1.*"], "seconds": 0.01}]``;
        - a profile of onnxruntime, whose events are named after nodes;
        - a trace of PyTorch's profiler, or any Chrome trace. Events that are named as nodes or tensors are theirs,
          others are matched by operator, in order, where a run has as many events of the operator (``aten::conv2d``)
          as the graph has nodes of it. Where a GPU worked, an operator has the seconds of its kernels.

        The median over runs counts; runs begin at ``model_run`` or ``ProfilerStep#``. In a trace without these each
        event of a name is a run.
    device
        What open nodes are estimated on, when the graph has no work. None: the graph's own, else ``testbed``.

    Returns
    -------
    Coverage
        The graph with its new work. Segments are fitted by least squares (`slicegraph.segments.fit_segments`); what
        single nodes of a segment were measured to take is left out of it. An open node keeps its work, or, when the
        graph has none, has its roofline, scaled by what covered nodes take over theirs.

    Raises
    ------
    InputError
        When a file cannot be read, seconds are none, or nothing in the source is the name of a node.

    Examples
    --------
    >>> import slicegraph as sg
    >>> ends = {"producer": [0, 1], "size": [8, 8], "consumers": [1, 2], "consumer_offsets": [0, 1, 2]}
    >>> graph = sg.Graph(work=[1, 2, 3], node_name=["a", "b", "c"], **ends)
    >>> found = sg.with_measured(graph, {"a": 5.0, "nobody": 1.0})
    >>> found.graph.arrays.work.tolist(), found.open.tolist(), found.unused
    ([5.0, 2.0, 3.0], [1, 2], (('nobody', 1.0),))
    """
    checks.instance_of("graph", graph, Graph)
    matcher = _Matcher(graph)
    culprit = "source"
    if isinstance(source, str | os.PathLike):
        culprit = str(checks.path("source", source))
        matcher.add(read_measurements(Path(culprit)))
    else:
        matcher.add(Measurements(segments=_given(source)))
    if not matcher.segments:
        names = ", ".join(repr(name) for name, _ in matcher.unused[:3])
        raise InputError(f"{culprit}: nothing in it is the name of a node{f', such as {names}' if names else ''}")
    if device is not None:
        checks.instance_of("device", device, Device)
    return _covered(graph, matcher, device)


def _given(source: Any) -> list[tuple[tuple[str | int, ...], float]]:  # noqa: ANN401 - anything may be given
    """Copy in what is given in place of a file."""
    rule = "source: it is a file, a mapping from nodes to seconds, or pairs of nodes and seconds"
    if isinstance(source, bytes) or not isinstance(source, Iterable):
        raise InputError(rule)
    found = []
    try:
        pairs = list(source.items() if isinstance(source, Mapping) else source)
        for nodes, seconds in pairs:
            keys = (nodes,) if isinstance(nodes, str | int | np.integer) else tuple(nodes)
            if any(isinstance(key, bool) or not isinstance(key, str | int | np.integer) for key in keys):
                raise InputError(rule)
            time = checks.number(f"source: {keys!r:.60} takes {seconds!r:.20}", seconds, "it is a number of seconds")
            if math.isinf(time):
                raise InputError(f"source: {keys!r:.60} takes no finite number of seconds")
            found.append((tuple(key if isinstance(key, str) else int(key) for key in keys), time))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(rule) from None
    return found


class _Matcher:
    """Finds the nodes that measurements are of."""

    def __init__(self, graph: Graph) -> None:
        arrays = graph.arrays
        self._finder = Finder(arrays)
        self._names = set(arrays.node_name or ())
        self._maker: dict[str, int] = {
            name: maker
            for name, maker in zip(arrays.tensor_name or (), arrays.producer.tolist(), strict=False)
            if name and maker >= 0
        }
        self._keys: list[dict[str, list[int]]] = [defaultdict(list), defaultdict(list)]
        for node, op in enumerate(arrays.op):
            name = arrays.node_name[node] if arrays.node_name else ""
            called = re.sub(r"_[0-9]+$", "", name.rpartition("/")[2])
            for keys, key in zip(self._keys, (called, op.rpartition(".")[2]), strict=True):
                if key:
                    keys[key].append(node)
        self.segments: list[_Segment] = []
        self.unused: list[tuple[str, float]] = []

    def add(self, measurements: Measurements) -> None:
        """Match all that a source says."""
        for keys, seconds in measurements.segments:
            nodes: set[int] = set()
            for key in keys:
                try:
                    nodes |= set(self._finder.nodes("source", key))
                except InputError:
                    self.unused.append((str(key), seconds))
            if nodes:
                self.segments.append((np.array(sorted(nodes), dtype=np.intp), seconds))
        if measurements.runs:
            self._trace(measurements)

    def _trace(self, measurements: Measurements) -> None:
        taken: set[int] = set()
        names = list(dict.fromkeys(name for run in measurements.runs for name in run))
        left = []
        for name in names:
            node = self._node(name)
            if node is None or node in taken:
                left.append(name)
                continue
            taken.add(node)
            times = [sum(run.get(name, ())) for run in measurements.runs]
            if not measurements.has_marks:
                times = list(measurements.runs[0][name])
            self.segments.append((np.array([node], dtype=np.intp), float(np.median(times))))
        for name in left:
            nodes, times_of = self._in_order(name, taken, measurements)
            for one, seconds in zip(nodes, times_of, strict=True):
                self.segments.append((np.array([one], dtype=np.intp), float(seconds)))
            taken |= set(nodes)
            if not nodes:
                total = np.median([sum(run.get(name, ())) for run in measurements.runs])
                self.unused.append((name, float(total)))

    def _node(self, name: str) -> int | None:
        """Find the one node that an event is named after."""
        match = _CHANGED.fullmatch(name)
        for each in dict.fromkeys((name, match[1] if match else name)):
            if each in self._names and len(found := self._finder.nodes("source", each)) == 1:
                return found[0]
            if each in self._maker:
                return self._maker[each]
        return None

    def _in_order(
        self, name: str, taken: set[int], measurements: Measurements
    ) -> tuple[list[int], NDArray[np.float64] | list[float]]:
        """Match the events of an operator with its nodes, one after the other, where there are as many."""
        key = name.rpartition("::")[2]
        for keys in self._keys:
            nodes = keys.get(key, [])
            if not nodes or taken & set(nodes):
                continue
            rows = [run.get(name, ()) for run in measurements.runs]
            if not measurements.has_marks and len(rows[0]) % len(nodes) == 0:
                rows = [*np.reshape(rows[0], (-1, len(nodes)))]
            if all(len(row) == len(nodes) for row in rows):
                return nodes, np.median(np.array(rows, dtype=np.float64), axis=0)
        return [], []


def _covered(graph: Graph, matcher: _Matcher, device: Device | None) -> Coverage:
    arrays, num_nodes = graph.arrays, graph.num_nodes
    alone = {int(nodes[0]): seconds for nodes, seconds in matcher.segments if len(nodes) == 1}
    several = [(nodes, seconds) for nodes, seconds in matcher.segments if len(nodes) > 1]
    base = _base(graph, matcher.segments, device) if arrays.work is None else arrays.work.astype(np.float64)
    is_alone = np.zeros(num_nodes, np.bool_)
    is_alone[list(alone)] = True
    is_covered = is_alone.copy()
    segments = []
    for nodes, seconds in several:
        is_in = np.zeros(num_nodes, np.bool_)
        is_in[nodes] = True
        is_covered |= is_in
        rest = is_in & ~is_alone
        known = sum(alone[node] for node in nodes.tolist() if node in alone)
        if rest.any():
            segments.append((rest, max(seconds - known, _LEAST)))
    work = fit_segments(base, segments)
    work[list(alone)] = list(alone.values())
    return Coverage(
        graph=graph.with_work(work),
        covered=np.flatnonzero(is_covered),
        open=np.flatnonzero(~is_covered & (base > 0)),
        unused=tuple(matcher.unused),
        seconds=float(work[is_covered].sum()),
    )


def _base(graph: Graph, segments: Sequence[_Segment], device: Device | None) -> NDArray[np.float64]:
    """Give the roofline of each node, scaled by what was measured."""
    if device is None:
        figures = graph.arrays.device
        device = Device.preset("testbed") if figures is None else Device.from_mapping(figures)
    instance = Instance(graph, device=device, num_blocks=1)
    roofline = instance.work * instance.tick
    measured = sum(seconds for _, seconds in segments)
    predicted = float(sum(roofline[nodes].sum() for nodes, _ in segments))
    factor = measured / predicted if measured > 0 and predicted > 0 else 1.0
    return np.asarray(roofline * factor, dtype=np.float64)
