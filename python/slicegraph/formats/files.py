"""Reading whole files."""

from __future__ import annotations

import gc
import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from slicegraph.errors import InputError
from slicegraph.formats.limits import check_nesting, unpacked


@contextmanager
def without_collection() -> Iterator[None]:
    """Let Python collect no garbage while a file becomes objects, of which all are kept: looking at them takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def read_whole(path: Path) -> bytes:
    """Read a file, decompressed where gzip compressed it.

    Raises
    ------
    InputError
        When it cannot be read, or holds more than it may: see `slicegraph.formats.limits`.
    """
    try:
        return unpacked(path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error):
        raise InputError(f"{path}: the compressed data ends early or is damaged") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def read_text(path: Path) -> str:
    """Read a file of text in UTF-8, decompressed where gzip compressed it.

    Raises
    ------
    InputError
        When it cannot be read or is no such text.
    """
    raw = read_whole(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from None


def read_json(path: Path) -> Any:  # noqa: ANN401 - anything can stand in a file
    """Read a JSON file, decompressed where gzip compressed it.

    Raises
    ------
    InputError
        When it cannot be read, is not JSON, or is nested more than 1,000 deep.
    """
    raw = read_whole(path)
    check_nesting(path, raw)
    try:
        return json.loads(raw)
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def read_arrays(path: Path) -> dict[str, Any]:
    """Read the arrays of an ``.npz`` file, by name.

    Raises
    ------
    InputError
        When it cannot be read, or is no such file.
    """
    try:
        # Opened here: numpy leaves a file open that it cannot read.
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            found = None if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, EOFError, MemoryError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: no .npz file of arrays: {' '.join(str(error).split())}") from None
    if found is None:
        raise InputError(f"{path}: one array without a name, but an .npz file is asked for")
    return found


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file, as hexadecimal digits.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        # A name that no file can have.
        raise InputError(f"{path}: {error}") from None
