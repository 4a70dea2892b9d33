"""Nodes that belong to one module, such as one of the repeated layers of a network, as groups that stay together."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slicegraph import checks
from slicegraph.constraints import Constraints
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.graph import Graph

LAYER = "layer"
"""The grain of repeated blocks."""
_SPLIT = re.compile(r"[/.]")
_NUMBERED = re.compile(r"(.*?)[_.\[]?([0-9]+)\]?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Nodes of one module.

    Attributes
    ----------
    name
        The path of the module, with a dot between its parts.
    nodes
        Their indices, ascending.
    """

    name: str
    nodes: tuple[int, ...]


def grain(graph: Graph, by: str | Sequence[str] = LAYER) -> tuple[Group, ...]:
    """Find groups of nodes that a runtime of whole modules cannot take apart.

    Parameters
    ----------
    graph
        A graph whose nodes are named by the paths of their modules, with ``/`` or ``.`` between the parts, the last of
        which is the node's own: ``h.3.mlp/linear_5``, ``/model/layers.3/mlp/MatMul``.
    by
        ``"layer"``: the outermost modules that are numbered and have siblings, as ``h.0``, ``h.1``. Or paths of modules
        and globs over them, such as ``"encoder.*"``, in which ``*`` is one part; between commas, or in a sequence.

    Returns
    -------
        Groups of nodes, in the order of their first nodes; a node of no such module is in none.

    Raises
    ------
    InputError
        When no node has such a name, or a path or glob matches no module.

    Notes
    -----
    O(nodes x parts of their names x globs). `Constraints` takes the nodes of all as ``together``.

    Examples
    --------
    >>> import slicegraph as sg
    >>> names = ["wte/embedding", "h.0.mlp/linear", "h.0/add", "h.1.mlp/linear_1", "h.1/add_1"]
    >>> ends = {"producer": range(4), "size": [8] * 4, "consumers": range(1, 5), "consumer_offsets": range(5)}
    >>> graph = sg.Graph(work=[1, 2, 1, 2, 1], node_name=names, **ends)
    >>> [(group.name, group.nodes) for group in grain(graph)]
    [('h.0', (1, 2)), ('h.1', (3, 4))]
    """
    paths = [module_parts(name) for name in checks.instance_of("graph", graph, Graph).arrays.node_name or ()]
    globs = _globs(by)
    found: dict[tuple[str, ...], list[int]] = {}
    is_met = dict.fromkeys(globs, False)
    find = _layer_finder(paths) if globs == [(LAYER,)] else _glob_finder(globs, is_met)
    for node, parts in enumerate(paths):
        key = find(parts)
        if key is not None:
            found.setdefault(key, []).append(node)
    if globs == [(LAYER,)] and not found:
        raise InputError(
            "grain = 'layer', but no node is named by a module with a number that has siblings, as h.0, h.1"
        )
    if globs != [(LAYER,)] and not all(is_met.values()):
        missing = next(glob for glob, is_one in is_met.items() if not is_one)
        raise InputError(f"grain: {'.'.join(missing)!r:.80} is the path of no module, by the names of nodes")
    return tuple(Group(name=".".join(key), nodes=tuple(nodes)) for key, nodes in found.items())


def grained(instance: Instance, groups: Sequence[Group]) -> Instance:
    """Give a problem in which each group is in one stage, beside what is asked already."""
    asked = instance.constraints
    together = [*asked.together, *(group.nodes for group in groups)]
    constraints = Constraints(pin=asked.pin, forbid=asked.forbid, together=together, adjacent=asked.adjacent)
    return instance.replace(constraints=constraints)


def module_parts(name: str) -> tuple[str, ...]:
    """Give the parts of the path of a node's module, without the node's own name, which comes last."""
    path, slash, _ = name.strip("/").rpartition("/")
    if not slash:
        path = name.rpartition(".")[0]
    return tuple(part for part in _SPLIT.split(path) if part)


def _globs(by: object) -> list[tuple[str, ...]]:
    several = by.split(",") if isinstance(by, str) else by
    if not isinstance(several, Sequence) or not all(isinstance(each, str) for each in several):
        raise InputError(f"grain = {by!r:.80}, but it is 'layer', or paths of modules and globs over them")
    found = [tuple(part for part in _SPLIT.split(each.strip()) if part) for each in several]
    if not found or not all(found):
        raise InputError(f"grain = {by!r:.80}, but a path of a module is not empty")
    return found


_Finder = Callable[[tuple[str, ...]], tuple[str, ...] | None]


def _layer_finder(paths: Sequence[tuple[str, ...]]) -> _Finder:
    """Find the outermost part of a path that has a number, of which there are several with the same words before it."""
    siblings: dict[tuple[str, ...], set[str]] = {}
    for parts in set(paths):
        for depth, part in enumerate(parts):
            if match := _NUMBERED.fullmatch(part):
                siblings.setdefault((*parts[:depth], match[1]), set()).add(match[2])

    def find(parts: tuple[str, ...]) -> tuple[str, ...] | None:
        for depth, part in enumerate(parts):
            match = _NUMBERED.fullmatch(part)
            if match is None or len(siblings[*parts[:depth], match[1]]) < 2:  # noqa: PLR2004 - repeated
                continue
            # Where only the words are numbered, as in layer1.0, the repeated blocks may be within.
            inner = parts[depth + 1 : depth + 2]
            if match[1] and inner and inner[0].isdigit() and len(siblings[(*parts[: depth + 1], "")]) > 1:
                return parts[: depth + 2]
            return parts[: depth + 1]
        return None

    return find


def _glob_finder(globs: Sequence[tuple[str, ...]], is_met: dict[tuple[str, ...], bool]) -> _Finder:
    """Find the first glob that matches as many parts of a path as it has."""

    def find(parts: tuple[str, ...]) -> tuple[str, ...] | None:
        for glob in globs:
            head = parts[: len(glob)]
            if len(head) == len(glob) and all(map(fnmatch.fnmatchcase, head, glob)):
                is_met[glob] = True
                return head
        return None

    return find
