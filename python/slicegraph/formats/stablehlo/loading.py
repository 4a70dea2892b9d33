"""From a file to a module of MLIR and its functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jaxlib.mlir import ir

from slicegraph.errors import InputError
from slicegraph.formats.files import read_whole
from slicegraph.formats.limits import check_nesting
from slicegraph.formats.stablehlo.parsing import BYTECODE, parsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module.

    Attributes
    ----------
    functions
        By name.
    entry
        The one that a caller runs.
    owner
        What keeps the functions alive.
    """

    functions: Mapping[str, Any]
    entry: Any
    owner: Any


def load(path: Path) -> Module:
    """Read a module.

    Raises
    ------
    InputError
        When the file cannot be read, is no module, is nested too deeply, or has no function to begin with.
    """
    raw = _content(read_whole(path))
    if not raw.startswith(BYTECODE):
        check_nesting(path, raw)
    module = parsed(raw)
    functions = {
        ir.StringAttr(op.attributes["sym_name"]).value: op
        for op in module.body.operations
        if op.operation.name == "func.func" and op.regions[0].blocks
    }
    for name, op in functions.items():
        if len(op.regions[0].blocks) != 1:
            raise InputError(f"function {name!r:.80} jumps between blocks, but only while, case and if are read")
    public = [name for name, op in functions.items() if "sym_visibility" not in op.attributes]
    if "main" not in functions and len(public) != 1:
        told = f"it has {len(public)} public functions" if public else "it has no public function"
        raise InputError(f"{told} and none called main, so none to begin with")
    return Module(functions=functions, entry=functions["main" if "main" in functions else public[0]], owner=module)


def _content(raw: bytes) -> bytes:
    """Give the module within what ``jax.export`` writes, and all else as it is."""
    if raw.startswith(BYTECODE) or _is_text(raw):
        return raw
    try:
        return jax.export.deserialize(bytearray(raw)).mlir_module_serialized
    except Exception:  # noqa: BLE001 - it is no such file, whatever the parser trips over
        raise InputError("neither MLIR, as text or bytecode, nor what jax.export writes") from None


def _is_text(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False
