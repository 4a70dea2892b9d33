"""One pass over an exported program in order: every operator becomes a step."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, Final

import torch
from torch.fx import GraphModule, Node

from slicegraph.formats.counting import Count, Formulas, Trips
from slicegraph.formats.torch.flops import count
from slicegraph.formats.torch.gathers import gathered
from slicegraph.formats.torch.joint import is_backward, origin_of
from slicegraph.formats.torch.names import backward_name, module_path, node_name, origin
from slicegraph.formats.torch.nodes import (
    is_fresh,
    is_view,
    name_of,
    piece_of,
    recipe_of,
    takes_shape_alone,
    type_of,
)
from slicegraph.formats.torch.updates import changed_bytes, is_combining, region
from slicegraph.formats.torch.vals import nbytes, numel
from slicegraph.formats.traced import Body, Origin, Step, Value

Values = Mapping[Node, Sequence[Value]]
"""What each node makes; a number of the program makes nothing."""

Walked = tuple[Sequence[Step], Sequence[Value]]
"""The steps of a graph, and what it returns."""

# Where the operands that do not change stand, and those that are run over.
_LOOPS: Final[Mapping[str, tuple[int, int | None]]] = {"map_impl": (2, 1), "scan": (3, 2), "while_loop": (3, None)}


class Walk:
    """The walk over one program.

    Parameters
    ----------
    formulas
        What operators compute.
    trips
        How often loops run.
    apart
        Nodes of the user's program of which several may be made that stay several.

    Attributes
    ----------
    parameters
        Tensors and numbers that graphs hold beside the program's own, as they are found.
    made
        What each node made that was walked, when it was walked last.
    origins
        Where each step comes from, in a joint graph.
    """

    def __init__(self, formulas: Formulas, trips: Trips, apart: AbstractSet[str] = frozenset()) -> None:
        self.parameters: list[Value] = []
        self.made: dict[Node, Sequence[Value]] = {}
        self.origins: dict[Step, Origin] = {}
        self._formulas = formulas
        self._trips = trips
        self._apart = apart

    def graph(self, module: GraphModule, arguments: Sequence[Value], scope: str = "", owner: str = "") -> Walked:
        """Walk the graph of a module, given what it is called with, and the user's node that runs it."""
        values: dict[Node, Sequence[Value]] = {}
        steps: list[Step] = []
        given = iter(arguments)
        for node in module.graph.nodes:
            if node.op == "placeholder":
                values[node] = [next(given)]
            elif node.op == "get_attr":
                values[node] = self._attribute(_target(module, node), node)
            elif node.op == "output":
                self.made |= values
                return steps, self._operands(node.args, values)
            elif isinstance(node.meta.get("val"), int):
                values[node] = self._operands([node.meta["val"]], values)
            elif node.target is operator.getitem:
                values[node] = [values[node.args[0]][node.args[1]]]
            else:
                inner, values[node] = self._call(module, node, values, scope, owner)
                steps += inner
        return steps, []

    def _call(self, module: GraphModule, node: Node, values: Values, scope: str, owner: str) -> Walked:
        path = module_path(node) or scope
        graphs = {
            position: _target(module, part)
            for position, part in enumerate(node.args)
            if isinstance(part, Node) and part.op == "get_attr" and isinstance(_target(module, part), GraphModule)
        }
        if len(graphs) == 1 and name_of(node) not in _LOOPS:
            (position, graph), *_ = graphs.items()
            operands = self._operands(node.args[position + 1 :], values)
            if len(operands) == len(_placeholders(graph)):
                return self.graph(graph, operands, path, owner or origin(node))
        is_back = is_backward(node)
        is_apart = bool(owner) or is_back or (origin(node) in self._apart and not graphs)
        owner = owner or origin(node)
        name = backward_name(node, path) if is_back else node_name(node, path, owner, is_apart=is_apart)
        outputs = _fresh(name, node.meta.get("val"))
        bodies = self._bodies(node, name, list(graphs.values()), values)
        step = self._step(node, name, outputs, values, bodies)
        step = step if is_apart else replace(step, owner=owner)
        self.origins[step] = origin_of(node)
        return [step], outputs

    def _step(self, node: Node, name: str, outputs: Sequence[Value], values: Values, bodies: Sequence[Body]) -> Step:
        op, viewed, inputs = name_of(node), is_view(node), _read(node, values)
        if takes_shape_alone(node):
            inputs = inputs[1:]
        table, table_bytes = gathered(node) or (None, 0)
        changed = changed_bytes(node)
        counted = Count(flops=0) if viewed or bodies else count(node, self._formulas)
        return Step(
            op=op,
            name=name,
            inputs=inputs,
            outputs=outputs,
            flops=counted.flops,
            dtype=type_of(node),
            is_guess=counted.is_guess,
            is_view=viewed,
            is_arranging=viewed and _is_whole(node),
            piece=piece_of(node) if viewed and not _is_whole(node) else None,
            recipe=None if bodies else partial(recipe_of, node),
            is_fresh=is_fresh(node),
            table=None if table is None else inputs[table],
            table_bytes=table_bytes,
            base=None if changed is None else inputs[0],
            changed_bytes=changed or 0,
            is_combining=is_combining(node),
            region=region(node),
            bodies=bodies,
        )

    def _bodies(self, node: Node, name: str, graphs: Sequence[GraphModule], values: Values) -> Sequence[Body]:
        """Walk what a node runs: operands that do not change go in as they are, the others as new values."""
        op = name_of(node)
        if op == "cond":
            operands = self._operands(node.args[3:], values)
            return [_body([self.graph(graph, operands)]) for graph in graphs]
        if op not in _LOOPS:
            return []
        fixed_at, over = _LOOPS[op]
        fixed = self._operands(node.args[fixed_at : fixed_at + 1], values)
        formal = _placeholders(graphs[-1])
        changing = [_fresh(part.name, part.meta["val"])[0] for part in formal[: len(formal) - len(fixed)]]
        known = None if over is None else int(_flat(node.args[over])[0].meta["val"].shape[0])
        trips = self._trips.of(name, op, known)
        # A condition is tested as often as the body runs.
        body = _body([self.graph(graph, [*changing, *fixed]) for graph in graphs])
        return [replace(body, trips=1 if trips is None else trips, is_guess=trips is None)]

    def _operands(self, parts: Any, values: Values) -> list[Value]:  # noqa: ANN401 - nodes and numbers, nested
        found: list[Value] = []
        for part in _flat(parts):
            if isinstance(part, Node):
                found += values[part]
            elif not isinstance(part, str | dict):
                self.parameters.append(Value(nbytes=0, name=str(part)))
                found.append(self.parameters[-1])
        return found

    def _attribute(self, held: object, node: Node) -> Sequence[Value]:
        if not isinstance(held, torch.Tensor):
            return []
        self.parameters.append(Value(nbytes=nbytes(held, node.name), name=node.name))
        return self.parameters[-1:]


def _body(walked: Sequence[Walked]) -> Body:
    steps, outputs = (list(chain.from_iterable(parts)) for parts in zip(*walked, strict=True))
    return Body(steps=steps, outputs=outputs)


def _fresh(name: str, val: Any) -> Sequence[Value]:  # noqa: ANN401 - tensors, numbers, lists of them
    if isinstance(val, list | tuple):
        return [Value(nbytes=nbytes(item, name), name=f"{name}:{index}") for index, item in enumerate(val)]
    return [] if val is None else [Value(nbytes=nbytes(val, name), name=name)]


def _is_whole(node: Node) -> bool:
    """Say whether a view shows all of its input, not a piece or several."""
    shown = node.meta["val"]
    return isinstance(shown, torch.Tensor) and numel(shown) >= numel(node.all_input_nodes[0].meta["val"])


def _read(node: Node, values: Values) -> Sequence[Value]:
    return [value for part in node.all_input_nodes for value in values[part]]


def _target(module: GraphModule, node: Node) -> object:
    return operator.attrgetter(str(node.target))(module)


def _placeholders(graph: GraphModule) -> Sequence[Node]:
    return [node for node in graph.graph.nodes if node.op == "placeholder"]


def _flat(parts: Any) -> list[Any]:  # noqa: ANN401 - nodes and numbers, nested
    return [item for part in parts for item in (_flat(part) if isinstance(part, list | tuple) else [part])]
