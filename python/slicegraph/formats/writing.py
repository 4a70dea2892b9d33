"""Writing files and folders, whole or not at all: beside their place, through links, over nothing but files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.interrupts import put_off

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_file(path: Path) -> None:
    """Refuse a place where `write_file` cannot write.

    Raises
    ------
    InputError
        When it is a folder, a pipe or a device, where standard output or standard error goes, or not to be written to.
    """
    _target(path)


def write_file(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, so that no half of a file is ever there.

    A symbolic link stays, and what it points to is written. A file that was there keeps its mode and, where that is
    allowed, its owner.

    Raises
    ------
    InputError
        When it cannot be written; see `check_file`.
    """
    target, former = _target(path)
    temporary = target.with_name(_token("tmp"))
    try:
        with put_off():
            try:
                with temporary.open("xb") as file:
                    file.write(content)
                if former is not None:
                    _make_alike(temporary, former)
                temporary.replace(target)
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards.

    Raises
    ------
    InputError
        When there is no place for one.
    """
    try:
        with put_off():
            folder = tempfile.TemporaryDirectory()
    except OSError as error:
        raise InputError(f"no temporary folder: {error.filename or ''}: {error.strerror or error}") from None
    try:
        yield Path(folder.name)
    finally:
        with put_off():
            folder.cleanup()


@contextlib.contextmanager
def written_folder(folder: Path, *, is_ours: Callable[[str], bool], last: str) -> Iterator[Path]:
    """Give a folder to write to, and put what is in it in its place when nothing went wrong.

    A folder that is not there is made in one step. In one that is there, which may be a mount point or the working
    directory of a process, files are moved one by one, former ones away and then new ones in; a failure moves them
    back, and no signal but one that kills comes between. The file ``last`` is the first to go and the last to come:
    without it, the folder is not whole.

    Parameters
    ----------
    folder
        The place; a symbolic link to a folder stays.
    is_ours
        Says of a file's name whether a former call wrote it, and it may be replaced.
    last
        A file's name.

    Raises
    ------
    InputError
        When files cannot be written.
    """
    try:
        target = Path(os.path.realpath(folder))
        is_new = not target.is_dir()
        temporary = target.with_name(_token("tmp")) if is_new else target / _token("tmp")
        missing = [parent for parent in target.parents if not parent.exists()]
        is_done = False
        try:
            with put_off():
                temporary.parent.mkdir(parents=True, exist_ok=True)
                temporary.mkdir()
            yield temporary
            with put_off():
                if is_new:
                    temporary.rename(target)
                else:
                    _exchange(target, temporary, is_ours, last)
                is_done = True
        finally:
            with put_off():
                shutil.rmtree(temporary, ignore_errors=True)
                for parent in () if is_done else missing:
                    with contextlib.suppress(OSError):
                        parent.rmdir()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}") from None


def _exchange(folder: Path, temporary: Path, is_ours: Callable[[str], bool], last: str) -> None:
    """Move a folder's former files away, and new ones in; all or none."""
    away = folder / _token("old")
    away.mkdir()
    former = [entry.name for entry in folder.iterdir() if is_ours(entry.name)]
    moves = [(folder / name, away / name) for name in sorted(former, key=lambda name: (name != last, name))]
    new = sorted((entry.name for entry in temporary.iterdir()), key=lambda name: (name == last, name))
    moves += [(temporary / name, folder / name) for name in new]
    over = 0
    try:
        for source, place in moves:
            source.rename(place)
            over += 1
    except OSError:
        for source, place in reversed(moves[:over]):
            place.rename(source)
        away.rmdir()
        raise
    shutil.rmtree(away, ignore_errors=True)


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """Give the file that is to be written, and what is there now."""
    try:
        target, former = Path(os.path.realpath(path)), None
        with contextlib.suppress(FileNotFoundError):
            former = path.stat()
        is_writable = os.access(target.parent, os.W_OK | os.X_OK) and (former is None or os.access(target, os.W_OK))
        if not is_writable:
            target.parent.stat()
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: no file can be written there: {reason}") from None
    if former is not None:
        _check_replaceable(path, former)
    return target, former


def _check_replaceable(path: Path, former: os.stat_result) -> None:
    if not stat.S_ISREG(former.st_mode):
        kind = _KINDS.get(stat.S_IFMT(former.st_mode), "something else")
        raise InputError(f"{path}: {kind}, and only files are written")
    for stream, name in ((1, "standard output"), (2, "standard error")):
        with contextlib.suppress(OSError):
            if os.path.samestat(former, os.fstat(stream)):
                raise InputError(f"{path}: where {name} goes, and its file would be replaced")


def _make_alike(path: Path, former: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(path, former.st_uid, former.st_gid)
    path.chmod(stat.S_IMODE(former.st_mode))


def _token(kind: str) -> str:
    return f".{secrets.token_hex(8)}.{kind}"
