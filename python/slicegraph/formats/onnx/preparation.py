"""A model made ready to be read: one name for each domain, local functions inlined, nodes in topological order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from onnx import GraphProto, ModelProto, NodeProto, inliner

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import Stated, all_nodes, body_graphs, described

_ALIAS = "ai.onnx"  # ONNX's own domain, written out


class Prepared(NamedTuple):
    """A model that is ready to be read.

    Attributes
    ----------
    model
        The model.
    nodes
        The nodes of its graph.
    encoded
        All of it in its encoding, and all names in its graph are text; None: that is not known.
    """

    model: ModelProto
    nodes: list[Stated]
    encoded: bytes | None


def prepared(model: ModelProto, encoded: bytes | None = None) -> Prepared:
    """Make a model ready to be read; one that is ready stays as it is.

    ONNX's own domain gets its empty name. Local functions are put in the place of their calls. Where a node stands
    before one whose output it reads, the nodes of its graph are sorted, in the order of the file as far as possible.

    Parameters
    ----------
    model
        The model.
    encoded
        The same in its encoding, from which nodes are taken faster; None: it is not at hand.

    Raises
    ------
    InputError
        Nodes read each other in a circle, or local functions cannot be inlined.

    Notes
    -----
    O(n log n) in the nodes of a graph.
    """
    _name_imports(model.opset_import)
    if model.functions:
        for node in model.graph.node:
            _name_domain(node)
    for function in model.functions:
        _name_imports(function.opset_import)
        function.domain = "" if function.domain == _ALIAS else function.domain
        # The inliner gives names as it goes, so it depends on their order.
        _sorted(function.node, [{*function.input}])
    if model.functions:
        _import_of_functions(model)
        model, encoded = _inlined(model), None
    stated, is_sorted = (None if encoded is None else Stated.all_of(model, encoded)) or (None, False)
    if stated is not None and is_sorted and not _aliases(stated):
        return Prepared(model, stated, encoded)
    stated = _sorted_graph(model.graph, [], stated)
    encoded = model.SerializeToString()
    taken = Stated.all_of(model, encoded)
    return Prepared(model, stated, None) if taken is None else Prepared(model, taken[0], encoded)


def _import_of_functions(model: ModelProto) -> None:
    """Import what only functions do, in the newest version; but not where nodes of the model itself go without.

    A model that imports nothing is of the time before operator sets, and has no functions.
    """
    own = {opset.domain for opset in model.opset_import}
    own |= {node.domain for node in all_nodes(model.graph)}
    versions: dict[str, int] = {}
    for function in model.functions:
        for opset in function.opset_import:
            if opset.domain not in own:
                versions[opset.domain] = max(opset.version, versions.get(opset.domain, 0))
    for domain, version in versions.items():
        model.opset_import.add(domain=domain, version=version)


def _inlined(model: ModelProto) -> ModelProto:
    reason = ""
    # A function of another operator set is converted if that can be done, else it stays a node.
    for convert in (True, False):
        try:
            return inliner.inline_local_functions(model, convert_version=convert)
        except Exception as error:  # noqa: BLE001 the extension raises whatever its C++ happened to throw
            reason = " ".join(str(error).split())
    raise InputError(f"its local functions cannot be inlined: {reason}")


def _name_imports(imports: Any) -> None:  # noqa: ANN401 - a repeated field, for which there are no stubs
    """Name ONNX's own domain once; of two imports the last one holds, as in onnxruntime."""
    if all(opset.domain != _ALIAS for opset in imports):
        return
    versions = {"" if opset.domain == _ALIAS else opset.domain: opset.version for opset in imports}
    del imports[:]
    for domain, version in versions.items():
        imports.add(domain=domain, version=version)


def _name_domain(node: NodeProto) -> None:
    if node.domain == _ALIAS:
        node.domain = ""
    for graph in body_graphs(node):
        for inner in graph.node:
            _name_domain(inner)


def _sorted_graph(
    graph: GraphProto, outer: Sequence[AbstractSet[str]], stated: list[Stated] | None = None
) -> list[Stated]:
    given = {info.name for info in graph.input} | {tensor.name for tensor in graph.initializer}
    given |= {sparse.values.name for sparse in graph.sparse_initializer}
    return _sorted(graph.node, [*outer, given], stated)


def _sorted(
    nodes: MutableSequence[NodeProto], scopes: Sequence[AbstractSet[str]], stated: list[Stated] | None = None
) -> list[Stated]:
    """Sort nodes, those of their bodies first, unless each reads only what is before it or in ``scopes``."""
    if stated is None:
        stated = [Stated.of(node) for node in nodes]
    # A node is stated anew once its domain has its name, and its bodies are sorted.
    aliases = _aliases(stated)
    changed = [index for index, node in enumerate(stated) if node.bodies or node.op in aliases]
    made = {name for node in stated for name in node.outputs if name} if changed else set[str]()
    for index in changed:
        node = stated[index].proto
        if node.domain == _ALIAS:
            node.domain = ""
        for graph in body_graphs(node):
            _sorted_graph(graph, [*scopes, made])
        stated[index] = Stated.of(node)
    if _is_sorted(stated, scopes):
        return stated
    order = _topological(nodes, [node.reads for node in stated])
    kept = list(nodes)
    del nodes[:]
    nodes.extend(kept[index] for index in order)
    return [Stated.of(node) for node in nodes]


def _aliases(stated: Iterable[Stated]) -> set[str]:
    """List the operators of ONNX's own domain that are not called so, and maybe those of domains within it."""
    # What is no text has no prefix.
    return {op for op in {node.op for node in stated} if isinstance(op, str) and op.startswith(f"{_ALIAS}.")}


def _is_sorted(nodes: Iterable[Stated], scopes: Sequence[AbstractSet[str]]) -> bool:
    known, early = set[str]().union(*scopes), set[str]()
    for node in nodes:
        if not known.issuperset(node.reads):
            early.update(name for name in node.reads if name not in known)
        known.update(node.outputs)
    return known.isdisjoint(early)


def _topological(nodes: Sequence[NodeProto], reads: Sequence[Iterable[str]]) -> list[int]:
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.output):
            producer.setdefault(name, index)
    waits = [{producer[name] for name in names if name in producer} for names in reads]
    readers: list[list[int]] = [[] for _ in nodes]
    for index, producers in enumerate(waits):
        for source in producers:
            readers[source].append(index)
    left = [len(producers) for producers in waits]
    ready = [index for index, count in enumerate(left) if not count]
    order: list[int] = []
    while ready:
        order.append(heapq.heappop(ready))
        for index in readers[order[-1]]:
            left[index] -= 1
            if not left[index]:
                heapq.heappush(ready, index)
    if len(order) < len(nodes):
        raise InputError(_circle(nodes, waits, {*range(len(nodes))}.difference(order)))
    return order


def _circle(nodes: Sequence[NodeProto], waits: Sequence[Iterable[int]], stuck: set[int]) -> str:
    """Name a node of a circle and the one that it reads: every node that is stuck reads one that is."""
    seen: set[int] = set()
    index = min(stuck)
    while index not in seen:
        seen.add(index)
        index = min(stuck.intersection(waits[index]))
    source = min(stuck.intersection(waits[index]))
    if source == index:
        return f"{described(nodes[index])} reads what it makes itself"
    return f"{described(nodes[index])} and {described(nodes[source])} read each other's results, directly or not"
