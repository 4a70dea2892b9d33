"""Graphs in the language of Graphviz, read with pydot: ``a [work=0.5, size=8]; a -> b``.

Attributes of nodes are ``work``, seconds, which each has, ``param_bytes`` and ``op``; ``size``, bytes, stands at nodes
or at edges, as `slicegraph.formats.attributed` says. All others are passed over, and so are clusters and ports. Other
names of attributes: ``sg.from_networkx(nx.nx_pydot.read_dot(path), work="weight")``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pydot
from pydot import dot_parser
from pyparsing import ParseBaseException

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.attributed import Keys, attributed
from slicegraph.formats.files import read_text

_DEFAULTS: Final = ("node", "edge")
_FIGURES: Final = frozenset({"work", "size", "param_bytes", "op"})
# The parser keeps the graph at hand in a place of its own.
_lock = threading.Lock()


def read(path: Path) -> GraphArrays:
    """Read the one graph of a file.

    Raises
    ------
    InputError
        When it cannot be read or parsed, is no one directed graph, has an edge to a group, or states figures for all
        nodes at once; or as `slicegraph.formats.attributed.attributed` says.
    """
    graph = _parsed(path, read_text(path))
    nodes: dict[str, dict[str, Any]] = {}
    edges: list[tuple[str, str, dict[str, Any]]] = []
    try:
        for part in _parts(graph):
            for node in part.get_nodes():
                _add(nodes, node.get_name(), _plain(node))
            for edge in part.get_edges():
                ends = [_end(end) for end in (edge.get_source(), edge.get_destination())]
                for end in ends:
                    nodes.setdefault(end, {})
                edges.append((ends[0], ends[1], _plain(edge)))
        return attributed(path.name.split(".")[0], nodes, edges, Keys())
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _parsed(path: Path, text: str) -> Any:  # noqa: ANN401 - pydot has no types
    try:
        with _lock:
            graphs = list(dot_parser.GraphParser.parser.parse_string(text, parse_all=True))
    except ParseBaseException as error:
        raise InputError(f"{path}: line {error.lineno}, column {error.column}: {' '.join(error.msg.split())}") from None
    except RecursionError:
        raise InputError(f"{path}: groups are nested too deeply") from None
    if len(graphs) != 1 or not isinstance(graphs[0], pydot.Dot) or graphs[0].get_type() != "digraph":
        raise InputError(f"{path}: one digraph is asked for")
    return graphs[0]


def _parts(graph: Any) -> Iterator[Any]:  # noqa: ANN401 - see above
    """Give a graph and all graphs in it."""
    yield graph
    for part in graph.get_subgraphs():
        yield from _parts(part)


def _add(nodes: dict[str, dict[str, Any]], name: str, attributes: dict[str, Any]) -> None:
    """Add what a statement says of a node; of ``node`` and ``edge`` it says it of all that follow."""
    if name in _DEFAULTS:
        if wrong := sorted(_FIGURES & attributes.keys()):
            raise InputError(f"{name} [{wrong[0]}=...]: state it at each {name}")
    elif name != "graph":
        nodes.setdefault(_text(name), {}).update(attributes)


def _end(end: Any) -> str:  # noqa: ANN401 - see above
    if not isinstance(end, str):
        raise InputError("an edge from or to a group of nodes: write one for each of them")
    return _text(end) if end.startswith('"') else _text(end.partition(":")[0])


def _plain(element: Any) -> dict[str, Any]:  # noqa: ANN401 - see above
    return {key: _text(value) if isinstance(value, str) else value for key, value in element.get_attributes().items()}


def _text(word: str) -> str:
    """Give a word without the quotes around it."""
    return word[1:-1].replace('\\"', '"') if len(word) > 1 and word[0] == word[-1] == '"' else word
