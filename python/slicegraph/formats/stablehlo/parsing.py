"""From bytes to a module of MLIR. Bytecode is read in a process of its own, because damage to it can crash MLIR."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from typing import Any, Final

from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from slicegraph import processes
from slicegraph.errors import InputError

BYTECODE: Final = b"ML\xefR"
_PORTABLE: Final = b"StableHLO_v"
_PRODUCER: Final = slice(4, 32)  # behind the magic number and the version
_READ: Final = b"r"
_REFUSED: Final = b"x"
_PATIENCE: Final = 120.0
"""Seconds that reading bytecode may take, and a second more for each of so many bytes; it takes a second or two."""
_BYTES_A_SECOND: Final = 1e6


def parsed(raw: bytes) -> Any:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Read a module, as text or bytecode.

    Raises
    ------
    InputError
        When it is none, or MLIR ends the process that reads it, or takes minutes.

    Notes
    -----
    A process of its own, which takes a second or two to start, reads bytecode and writes it anew; that is read here.
    """
    return _module(_written_anew(raw) if raw.startswith(BYTECODE) else raw)


def main() -> None:
    """Read bytecode from standard input, and write it anew to standard output, or the reason why it is refused."""
    # When MLIR crashes, it prints its state there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    written = io.BytesIO(_READ)
    written.seek(0, io.SEEK_END)
    try:
        _module(sys.stdin.buffer.read()).operation.write_bytecode(written)
        said = written.getvalue()
    except InputError as error:
        said = _REFUSED + str(error).encode()
    sys.stdout.buffer.write(said)


def _written_anew(raw: bytes) -> bytes:
    try:
        process = processes.start(__name__)
    except OSError as error:
        raise InputError(f"bytecode is read in a process of its own, which cannot be started: {error}") from None
    with process:
        try:
            said, _ = process.communicate(raw, timeout=_PATIENCE + len(raw) / _BYTES_A_SECOND)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"damaged bytecode: MLIR has read it for {error.timeout:.0f} s without an end") from None
        finally:
            process.kill()
    if process.returncode or not said:
        raise InputError("damaged bytecode: MLIR ends the process that reads it")
    if said.startswith(_REFUSED):
        raise InputError(said[1:].decode())
    return said[1:]


def _module(raw: bytes) -> Any:  # noqa: ANN401 - see above
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
        if raw.startswith(BYTECODE) and _PORTABLE in raw[_PRODUCER]:
            return stablehlo.deserialize_portable_artifact(context, raw)
        return ir.Module.parse(raw if raw.startswith(BYTECODE) else raw.decode(), context)
    except (ir.MLIRError, ValueError):
        told = " ".join(said[0].split()) if said else ""
        raise InputError(f"no module that this version of JAX reads{': ' * bool(told)}{told}") from None
    finally:
        handler.detach()
