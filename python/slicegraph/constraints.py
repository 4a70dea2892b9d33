"""What a partition must obey beside the order of data flow: nodes pinned, kept off stages, kept together; and links."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays

Pattern: TypeAlias = str | int
"""Nodes: a name, a glob over names, or an index."""
Stages: TypeAlias = int | Iterable[int]
"""One stage or several, from 0."""
_ByNodes: TypeAlias = Mapping[Any, Any] | Iterable[tuple[Pattern, Any]]
_MAX_INDEX = 2**31 - 1
_GLOB = re.compile(r"[*?\[]")
_INDEX = re.compile(r"[0-9]{1,10}")


class UnmetError(InputError):
    """No partition meets what is asked of nodes and stages, for a reason that the message names."""


@dataclass(frozen=True, init=False, slots=True)
class Constraints:
    """Which nodes may be in which stages, which are in one stage, and which stages are linked.

    A node is named by its name, by a glob over names (``"layer3.*"``, with ``*``, ``?`` and ``[...]``, case sensitive),
    or by its index; text that is neither, but a whole number, is an index. A glob stands for every node that it
    matches, and so does a name that several nodes have. Stages count from 0, as in ``block_of``.

    Parameters
    ----------
    pin
        By nodes, the stage or the stages that may hold them. A node that is named twice may be where both allow it.
    forbid
        By nodes, the stage or the stages that may not hold them.
    together
        Groups of nodes that are in one stage: a glob, or a list of names, globs and indices. Groups with a node in
        common are one group.
    adjacent
        Whether only neighbours are linked: a tensor goes from each stage with a node to the next one with a node, and
        those between its producer and its last reader pay for it twice, when it comes and when it goes. False: every
        stage reads it from where it was made.

    Raises
    ------
    InputError
        When a key is no text and no index, or a stage is no whole number from 0.

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.Constraints(pin={"embed*": 0, "head": [2, 3]}, together=["layer1.*"]).pin
    (('embed*', (0,)), ('head', (2, 3)))
    """

    pin: tuple[tuple[Pattern, tuple[int, ...]], ...]
    forbid: tuple[tuple[Pattern, tuple[int, ...]], ...]
    together: tuple[Pattern | tuple[Pattern, ...], ...]
    adjacent: bool

    def __init__(
        self,
        *,
        pin: _ByNodes = (),
        forbid: _ByNodes = (),
        together: Iterable[Pattern | Iterable[Pattern]] = (),
        adjacent: bool = False,
    ) -> None:
        object.__setattr__(self, "pin", _stages_by_pattern("pin", pin))
        object.__setattr__(self, "forbid", _stages_by_pattern("forbid", forbid))
        object.__setattr__(self, "together", _groups(together))
        object.__setattr__(self, "adjacent", checks.flag("adjacent", adjacent))

    def __bool__(self) -> bool:
        return bool(self.pin or self.forbid or self.together or self.adjacent)

    def to_mapping(self) -> dict[str, Any]:
        """Give what is asked for, as a file holds it: pairs of nodes and stages, and groups, without what is empty."""
        pairs = {name: [[key, list(stages)] for key, stages in getattr(self, name)] for name in ("pin", "forbid")}
        groups = [list(group) if isinstance(group, tuple) else group for group in self.together]
        known = {**pairs, "together": groups, "adjacent": self.adjacent}
        return {name: value for name, value in known.items() if value}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Constraints:
        """Give the constraints that a file describes; unknown keys are ignored."""
        known = checks.mapping("constraints", data)
        return cls(**{name: known[name] for name in ("pin", "forbid", "together", "adjacent") if name in known})


@dataclass(frozen=True, slots=True)
class Resolved:
    """Constraints on the nodes of one graph.

    Attributes
    ----------
    stages
        Of each node that may not be everywhere, by index: the stages that may hold it, ascending.
    together
        Groups of at least two nodes, ascending, that are in one stage; no node is in two.
    adjacent
        Whether only neighbours are linked.
    """

    stages: dict[int, tuple[int, ...]]
    together: tuple[tuple[int, ...], ...]
    adjacent: bool = False


def resolve(
    constraints: Constraints,
    arrays: GraphArrays,
    num_stages: int,
    can_run: Mapping[int, Sequence[bool]] | None = None,
) -> Resolved:
    """Find the nodes that constraints name, and refuse what no partition meets for a reason that can be named.

    Parameters
    ----------
    constraints
        What is asked for.
    arrays
        The graph.
    num_stages
        Stages are below it.
    can_run
        By node, whether the device of each stage can run it; of nodes that are not here, each can.

    Raises
    ------
    InputError
        When a pattern matches no node or a stage is none, when a node or a group is left without a stage, and when a
        tensor would have to run to an earlier stage.

    Notes
    -----
    O(patterns x nodes + reads), and as much again for every stage by which groups push each other back.
    """
    finder = Finder(arrays)
    together = _merged(constraints.together, finder)
    stages: dict[int, set[int]] = {}
    for node, flags in (can_run or {}).items():
        stages[node] = {stage for stage, can in enumerate(flags) if can}
        if not stages[node]:
            raise UnmetError(f"{finder.called(node)}: no device of the pipeline can run it")
    everywhere = range(num_stages)
    for name, pairs in (("pin", constraints.pin), ("forbid", constraints.forbid)):
        for key, wanted in pairs:
            _check_stages(name, key, wanted, num_stages)
            for node in finder.nodes(name, key):
                left = stages.setdefault(node, set(everywhere))
                left &= set(wanted) if name == "pin" else set(everywhere) - set(wanted)
    homeless = next((node for node, left in stages.items() if not left), None)
    if homeless is not None:
        because = " or have a device that cannot run it" if homeless in (can_run or {}) else ""
        raise UnmetError(f"{finder.called(homeless)}: no stage is left: all are forbidden, not pinned{because}")
    for group in together:
        if not set.intersection(*(stages.get(node, set(everywhere)) for node in group)):
            names = ", ".join(finder.called(node) for node in group[:3])
            raise UnmetError(f"together: {names}{', ...' * (len(group) > 3)}: no stage may hold all of them")  # noqa: PLR2004 - some
    if stages:
        _Flow(arrays, stages, together, num_stages, finder).check()
    restricted = {node: tuple(sorted(left)) for node, left in sorted(stages.items()) if len(left) < num_stages}
    return Resolved(stages=restricted, together=together, adjacent=constraints.adjacent)


def with_kernels(constraints: Constraints, arrays: GraphArrays) -> Constraints:
    """Add to constraints that the nodes of each kernel of a graph are in one stage.

    Examples
    --------
    >>> import slicegraph as sg
    >>> ends = {"producer": [0, 1], "size": [8, 8], "consumers": [1, 2], "consumer_offsets": [0, 1, 2]}
    >>> with_kernels(Constraints(), sg.Graph(work=[1, 2, 3], kernel=[0, 1, 1], **ends).arrays).together
    ((1, 2),)
    """
    if arrays.kernel is None:
        return constraints
    order = np.argsort(arrays.kernel, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(arrays.kernel[order])) + 1)
    several = [group.tolist() for group in groups if len(group) > 1 and arrays.kernel[group[0]] >= 0]
    together = [*constraints.together, *several]
    return Constraints(pin=constraints.pin, forbid=constraints.forbid, together=together, adjacent=constraints.adjacent)


class Finder:
    """Finds the nodes that a pattern stands for, and calls nodes by what users know them by."""

    def __init__(self, arrays: GraphArrays) -> None:
        self._num_nodes = len(arrays.op)
        self._names = arrays.node_name
        self._nodes_of: dict[str, list[int]] = {}
        for node, name in enumerate(self._names or ()):
            self._nodes_of.setdefault(name, []).append(node)

    def nodes(self, culprit: str, key: Pattern) -> list[int]:
        """Give the nodes that a name, a glob or an index stands for, ascending.

        Raises
        ------
        InputError
            Naming the culprit, when there are none.
        """
        if isinstance(key, str):
            if key and key in self._nodes_of:
                return self._nodes_of[key]
            if _GLOB.search(key):
                matches = re.compile(fnmatch.translate(key)).match
                if found := [node for name, nodes in self._nodes_of.items() if matches(name) for node in nodes]:
                    return sorted(found)
            elif not _INDEX.fullmatch(key):
                raise InputError(f"{culprit}: {key!r:.80} is the name of no node{self._hint()}")
            else:
                key = int(key)
        if isinstance(key, str):
            raise InputError(f"{culprit}: {key!r:.80} matches the name of no node{self._hint()}")
        if key >= self._num_nodes:
            raise InputError(f"{culprit}: there is no node {key}, but {self._num_nodes} nodes, from 0")
        return [key]

    def _hint(self) -> str:
        return "" if self._names else "; nodes have no names here, so give indices"

    def called(self, node: int) -> str:
        """Give what users know a node by."""
        name = self._names[node] if self._names else ""
        return f"node {node} ({name!r:.80})" if name else f"node {node}"


class _Flow:
    """Finds whether nodes can be in their stages in the order of data flow, taken one by one and with their groups."""

    def __init__(
        self,
        arrays: GraphArrays,
        stages: Mapping[int, set[int]],
        together: Sequence[Sequence[int]],
        num_stages: int,
        finder: Finder,
    ) -> None:
        num_nodes = len(arrays.op)
        self._finder = finder
        self._num_stages = num_stages
        self._group_of = np.arange(num_nodes)
        for nodes in together:
            self._group_of[list(nodes)] = nodes[0]
        self._stages: dict[int, set[int]] = {}
        self._pinned: dict[int, int] = {}
        for node, left in stages.items():
            group = int(self._group_of[node])
            self._stages[group] = self._stages.get(group, set(range(num_stages))) & left
            self._pinned.setdefault(group, node)
        self._readers = _readers(arrays, self._group_of)

    def check(self) -> None:
        """Push every group to the earliest stage after all that it reads; refuse when there is none."""
        earliest = {group: min(left) for group, left in self._stages.items()}
        origin = {group: group for group in earliest}
        waiting = sorted(earliest, key=lambda group: earliest[group])
        while waiting:
            group = waiting.pop()
            for reader in self._readers.get(group, ()):
                if earliest.get(reader, 0) >= earliest[group]:
                    continue
                left = self._stages.get(reader)
                least = min((s for s in left if s >= earliest[group]), default=math.inf) if left else earliest[group]
                if left and math.isinf(least):
                    self._refuse(origin[group], earliest[origin[group]], reader, max(left))
                is_raised = least > earliest[group]
                earliest[reader], origin[reader] = int(least), reader if is_raised else origin[group]
                waiting.append(reader)

    def _refuse(self, first: int, stage: int, reader: int, last: int) -> None:
        before, after = (self._finder.called(self._pinned.get(group, group)) for group in (first, reader))
        raise UnmetError(
            f"{before} may not be before stage {stage}, and {after}, which comes after it, not after stage {last}"
        )


def _readers(arrays: GraphArrays, group_of: NDArray[np.intp]) -> dict[int, list[int]]:
    """Give the groups that read what each group makes, itself left out."""
    makers = np.repeat(arrays.producer, np.diff(arrays.consumer_offsets))
    is_made = makers >= 0
    pairs = np.stack((group_of[makers[is_made]], group_of[arrays.consumers[is_made]]))
    readers: dict[int, list[int]] = {}
    for maker, reader in np.unique(pairs[:, pairs[0] != pairs[1]], axis=1).T.tolist():
        readers.setdefault(maker, []).append(reader)
    return readers


def _merged(groups: Iterable[Pattern | tuple[Pattern, ...]], finder: Finder) -> tuple[tuple[int, ...], ...]:
    """Give the groups of nodes, those with a node in common as one, and without those of one node."""
    group_of: dict[int, set[int]] = {}
    for group in groups:
        keys = group if isinstance(group, tuple) else (group,)
        merged = {node for key in keys for node in finder.nodes("together", key)}
        for other in [group_of[node] for node in merged if node in group_of]:
            merged |= other
        group_of.update(dict.fromkeys(merged, merged))
    return tuple(sorted({tuple(sorted(nodes)) for nodes in group_of.values() if len(nodes) > 1}))


def _check_stages(name: str, key: Pattern, stages: Iterable[int], num_stages: int) -> None:
    wrong = next((stage for stage in stages if stage >= num_stages), None)
    if wrong is not None:
        raise InputError(f"{name} of {key!r:.80}: there is no stage {wrong}, but stages 0..{num_stages - 1}")


def _stages_by_pattern(name: str, given: object) -> tuple[tuple[Pattern, tuple[int, ...]], ...]:
    rule = f"{name} = {given!r:.80}, but it is a mapping from nodes to stages"
    found = []
    for item in _listed(given.items() if isinstance(given, Mapping) else given, rule):
        pair = _listed(item, rule)
        if len(pair) != 2:  # noqa: PLR2004 - a pair
            raise InputError(f"{name}: {item!r:.80} is not a pair of nodes and stages")
        key, stages = _pattern(name, pair[0]), pair[1]
        is_one = isinstance(stages, str | int | float | np.generic | None)
        several = [stages] if is_one else _listed(stages, f"{name} of {key!r:.80}: {stages!r:.80} are no stages")
        numbers = [checks.whole(f"{name} of {key!r:.80}: a stage", stage, 0, _MAX_INDEX) for stage in several]
        found.append((key, tuple(sorted(set(numbers)))))
    return tuple(found)


def _groups(given: object) -> tuple[Pattern | tuple[Pattern, ...], ...]:
    groups: list[Pattern | tuple[Pattern, ...]] = []
    for group in _listed(given, f"together = {given!r:.80}, but it is a list of groups of nodes"):
        if isinstance(group, str | int | np.integer):
            groups.append(_pattern("together", group))
        else:
            nodes = _listed(group, f"together: {group!r:.80} is neither a glob nor a list of nodes")
            groups.append(tuple(_pattern("together", key) for key in nodes))
    return tuple(groups)


def _listed(given: object, rule: str) -> list[Any]:
    """Give what an iterable gives, which text is not."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputError(rule)
    try:
        return list(given)
    except TypeError:
        # An array without a dimension.
        raise InputError(rule) from None


def _pattern(name: str, key: object) -> Pattern:
    if isinstance(key, str):
        if not key:
            raise InputError(f"{name}: a node's name is not empty")
        return key
    if isinstance(key, bool) or not isinstance(key, int | np.integer) or not 0 <= key <= _MAX_INDEX:
        raise InputError(f"{name}: {key!r:.80} is neither the name of a node nor an index from 0")
    return int(key)
