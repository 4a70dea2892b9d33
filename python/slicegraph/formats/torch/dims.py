"""Symbolic dimensions of an exported program, as the sizes that are given for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule

from slicegraph.errors import InputError

_Sizes = Mapping[Any, int]
"""By symbol."""


def fix(program: ExportedProgram, dims: Mapping[str, int]) -> None:
    """Give every value of a program the size that it has, in place.

    Parameters
    ----------
    program
        The program; what its nodes make (``node.meta["val"]``) is replaced where it has a symbolic dimension, and by an
        ``int`` where it is a number that the dimensions decide.
    dims
        Sizes by the name of a symbol (``"s77"``, ``"u0"``), or of the ``torch.export.Dim`` that it was made of.

    Raises
    ------
    InputError
        A dimension has no size, a name is no dimension's, or a size is outside of the range that was exported.
    """
    symbols = _Symbols()
    for graph in _graphs(program.graph_module):
        for node in graph.graph.nodes:
            symbols.find(node.meta.get("val"))
    sizes = symbols.sizes(dims)
    for symbol, size in sizes.items():
        allowed = program.range_constraints.get(symbol)
        if allowed is not None and not allowed.lower <= size <= allowed.upper:
            raise InputError(
                f"dims: {symbol} = {size}, but the program was exported for {allowed.lower}..{allowed.upper}"
            )
    if not symbols.names:
        return
    for graph in _graphs(program.graph_module):
        for node in graph.graph.nodes:
            if "val" in node.meta:
                node.meta["val"] = _fixed(node.meta["val"], sizes, node.name)


class _Symbols:
    """The symbols in the sizes of values, and what users call them."""

    def __init__(self) -> None:
        self.names: dict[str, set[Any]] = {}

    def find(self, val: Any) -> None:  # noqa: ANN401 - tensors, numbers, lists of them
        if isinstance(val, list | tuple):
            for item in val:
                self.find(item)
        for dim in val.shape if isinstance(val, torch.Tensor) else [val]:
            if not isinstance(dim, torch.SymInt):
                continue
            environment = dim.node.shape_env
            for symbol in dim.node.expr.free_symbols:
                if symbol.name in self.names:
                    continue
                self.names[symbol.name] = {symbol}
                for source in getattr(environment, "var_to_sources", {}).get(symbol, ()):
                    called = environment.source_name_to_debug_name.get(_text(source))
                    if called:
                        self.names.setdefault(called, set()).add(symbol)

    def sizes(self, dims: Mapping[str, int]) -> _Sizes:
        found: dict[Any, int] = {}
        for name, size in dims.items():
            if name not in self.names:
                known = ", ".join(sorted(self.names)) or "none is symbolic"
                raise InputError(f"dims: {name!r:.80} is no dimension of the program, but {known}")
            found |= dict.fromkeys(self.names[name], size)
        return found


def _fixed(val: Any, sizes: _Sizes, owner: str) -> Any:  # noqa: ANN401 - see above
    if isinstance(val, list | tuple):
        return [_fixed(item, sizes, owner) for item in val]
    if isinstance(val, torch.SymInt | torch.SymBool):
        value = val.node.expr.subs(sizes)
        return val if value.free_symbols else int(bool(value) if val.__class__ is torch.SymBool else value)
    if not isinstance(val, torch.Tensor) or not any(isinstance(dim, torch.SymInt) for dim in val.shape):
        return val
    shape = [_size(dim, sizes, owner) for dim in val.shape]
    strides = val.stride() if val.layout == torch.strided else ()
    if any(isinstance(dim, torch.SymInt) for dim in strides):
        strides = [_size(dim, sizes, owner) for dim in strides]
    made = torch.empty(shape, dtype=val.dtype, device="meta")
    return made.as_strided(shape, strides) if 0 in strides else made


def _size(dim: Any, sizes: _Sizes, owner: str) -> int:  # noqa: ANN401 - a number or a symbolic one
    if not isinstance(dim, torch.SymInt):
        return int(dim)
    value = dim.node.expr.subs(sizes)
    if value.free_symbols:
        unknown = min(symbol.name for symbol in value.free_symbols)
        rule = f"all sizes must be known when the model is exported, or given: dims={{{unknown!r}: SIZE}}"
        raise InputError(f"{owner} has the symbolic dimension {dim}: {rule}")
    if value < 0 or value != int(value):
        raise InputError(f"{owner} has the dimension {dim}, which is {value} with these dims")
    return int(value)


def _text(source: Any) -> str:  # noqa: ANN401 - a type that PyTorch has moved
    """Name a source: a method before PyTorch 2.10, a property since."""
    return str(source.name() if callable(source.name) else source.name)


def _graphs(module: GraphModule) -> Iterator[GraphModule]:
    return (each for each in module.modules() if isinstance(each, GraphModule))
