"""From a file to a module of MLIR and its functions."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jax
from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from slicegraph.errors import InputError
from slicegraph.formats.files import read_whole
from slicegraph.formats.limits import check_nesting

_BYTECODE: Final = b"ML\xefR"
_PORTABLE: Final = b"StableHLO_v"
_PRODUCER: Final = slice(4, 32)  # behind the magic number and the version


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
    if not raw.startswith(_BYTECODE):
        check_nesting(path, raw)
    module = _module(raw)
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
    if raw.startswith(_BYTECODE) or _is_text(raw):
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


def _module(raw: bytes) -> Any:  # noqa: ANN401 - MLIR's bindings have types of their own
    context = mlir.make_ir_context()
    context.allow_unregistered_dialects = True
    # To the handler below, not to exceptions: to make these ends the process where a message is no text in UTF-8.
    context.emit_error_diagnostics = True
    said: list[str] = []

    def keep(found: Any) -> bool:  # noqa: ANN401 - see above
        # What is kept here is written nowhere else.
        with contextlib.suppress(Exception):
            said.append(str(found.message))
        return True

    handler: Any = context.attach_diagnostic_handler(keep)
    try:
        if raw.startswith(_BYTECODE) and _PORTABLE in raw[_PRODUCER]:
            return stablehlo.deserialize_portable_artifact(context, raw)
        return ir.Module.parse(raw if raw.startswith(_BYTECODE) else raw.decode(), context)
    except (ir.MLIRError, ValueError):
        told = " ".join(said[0].split()) if said else ""
        raise InputError(f"no module that this version of JAX reads{': ' * bool(told)}{told}") from None
    finally:
        handler.detach()
