"""What a node of an exported program says of itself: its operator, its arguments, and what its schema promises."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import torch
from torch._ops import OpOverload  # PyTorch gives its operators' type no other name
from torch.fx import GraphModule, Node
from torch.fx.node import map_arg

from slicegraph.formats.dtypes import computed_in
from slicegraph.formats.torch.vals import dtype

_TWO_OPERANDS: Final = ("_scaled_", "scaled_dot_product_")
# What runs an operator that writes to its operands, as one that does not.
_FUNCTIONAL: Final = "auto_functionalized"


def name_of(node: Node) -> str:
    """Name a node's operator, with the namespace before it unless that is PyTorch's own."""
    target = node.target
    if not isinstance(target, OpOverload):
        called = str(getattr(target, "__name__", target))
        if not called.startswith(_FUNCTIONAL) or not isinstance(node.args[0], OpOverload):
            return called
        target = node.args[0]
    return _named(target)


@lru_cache(maxsize=1 << 12)
def _named(target: OpOverload) -> str:
    namespace, _, name = str(target.name()).partition("::")
    name = name.partition(".")[0]
    return name if namespace == "aten" else f"{namespace}.{name}"


def argument(node: Node, name: str) -> Any:  # noqa: ANN401 - nodes, numbers, lists
    """Get an argument of an operator by its name, or its default; None where there is none."""
    if not isinstance(node.target, OpOverload):
        return None
    for position, declared in enumerate(node.target._schema.arguments):  # noqa: SLF001 - documented, without a name
        if declared.name == name:
            given = node.args[position] if position < len(node.args) else declared.default_value
            return node.kwargs.get(name, given)
    return None


def operands(node: Node) -> Sequence[Node]:
    """Give what a node reads values of, by position, also twice; numbers and the graphs that it runs are none."""
    found: list[Node] = []
    map_arg((node.args, dict(node.kwargs)), found.append)
    return [read for read in found if "val" in read.meta]


def graphs(node: Node) -> Sequence[GraphModule]:
    """Give the graphs that a node runs."""
    reads = [read for read in node.all_input_nodes if read.op == "get_attr"]
    found = [operator.attrgetter(str(read.target))(node.graph.owning_module) for read in reads]
    return [each for each in found if isinstance(each, GraphModule)]


def first(val: Any) -> Any:  # noqa: ANN401 - a tensor or several
    """Give a tensor, or the first of several."""
    return val[0] if isinstance(val, list | tuple) else val


def dims(val: Any) -> tuple[int, ...]:  # noqa: ANN401 - a tensor or a number
    """Give the dimensions of a tensor; none for a number."""
    return tuple(int(dim) for dim in getattr(val, "shape", ()))


def is_view(node: Node) -> bool:
    """Say whether a node's result shares its input's memory, by its schema.

    In a functional program no operator writes, and each that may share does.  ``_unsafe_view`` shares memory that no
    other value uses.
    """
    if not isinstance(node.target, OpOverload):
        return False
    declared = node.target._schema.arguments  # noqa: SLF001 - see above
    return name_of(node) == "_unsafe_view" or any(part.alias_info is not None for part in declared)


def takes_shape_alone(node: Node) -> bool:
    """Say whether a node takes of its first input no more than shape and type, like ``zeros_like`` and ``new_ones``.

    So does ``copy``, which fills its first input with another.
    """
    name = name_of(node)
    return isinstance(node.target, OpOverload) and (
        name.endswith("_like") or name.startswith("new_") or name in {"copy", "fill"}
    )


def is_fresh(node: Node) -> bool:
    """Say whether a node may give another result each time: random numbers, or an unspecified source."""
    if not isinstance(node.target, OpOverload):
        return False
    is_source = node.target.namespace != "aten" and not node.all_input_nodes
    return is_source or torch.Tag.nondeterministic_seeded in node.target.tags


def is_pointwise(node: Node) -> bool:
    """Say whether PyTorch lists a node's operator as one that works element by element."""
    return isinstance(node.target, OpOverload) and torch.Tag.pointwise in node.target.tags


def type_of(node: Node) -> str:
    """Say in which type a node computes: that of its operands; masks and scales of a product are none."""
    operands = node.all_input_nodes
    if name_of(node).startswith(_TWO_OPERANDS):
        operands = [part for part in node.args if isinstance(part, Node)][:2]
    return computed_in((dtype(read.meta.get("val")) for read in operands), dtype(node.meta.get("val")))


def piece_of(node: Node) -> str:
    """Say which piece of its first input a node takes, in words that tell it from other pieces."""
    return f"{node.target} {node.args[1:]} {node.kwargs}"


def recipe_of(node: Node) -> str:
    """Say what a node does to what it reads, in words that only the same has."""
    places = {read: index for index, read in enumerate(node.all_input_nodes)}
    args, kwargs = map_arg((node.args, dict(node.kwargs)), lambda read: f"%{places[read]}")
    return f"{node.target} {args} {kwargs}"
