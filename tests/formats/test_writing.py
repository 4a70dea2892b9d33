"""Files and folders that are written whole, where they were meant to be."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from slicegraph.errors import InputError
from slicegraph.formats.writing import check_file, temporary_folder, write_file, written_folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_file_has_the_mode_that_opening_gives(tmp_path: Path) -> None:
    """What the umask leaves of a new one; a former one's mode is kept."""
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new", b"1")
        (tmp_path / "old").write_bytes(b"0")
        (tmp_path / "old").chmod(0o604)
        write_file(tmp_path / "old", b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604
    assert (tmp_path / "old").read_bytes() == b"1"
    assert names(tmp_path) == ["new", "old"]


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    """Over several links, to a folder elsewhere, and to what is not there yet."""
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to(store / "target")
    for content in (b"1", b"2"):
        write_file(tmp_path / "first", content)
        assert (store / "target").read_bytes() == content
    assert names(store) == ["target"]
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links")
def test_what_is_no_file_is_refused_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("/dev/null")
    for name, kind in (("pipe", "a pipe"), ("folder", "a folder"), ("link", "a device"), ("/dev/full", "a device")):
        for write in (check_file, lambda path: write_file(path, b"1")):
            with pytest.raises(InputError, match=f"{name}: {kind}, and only files are written"):
                write(tmp_path / name)
    for name, reason in (
        ("loop", "Too many levels of symbolic links"),
        ("nowhere/file", "No such file or directory"),
        ("pipe/file", "Not a directory"),
        ("nul\0", "embedded null byte"),
    ):
        with pytest.raises(InputError, match=f"no file can be written there: {reason}"):
            check_file(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()
    assert names(tmp_path) == ["folder", "link", "loop", "pipe"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_must_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0")
    (tmp_path / "file").chmod(0o444)
    with pytest.raises(InputError, match="Permission denied"):
        write_file(tmp_path / "file", b"1")


def test_where_standard_output_goes_no_other_file_is_put(tmp_path: Path) -> None:
    """Else the answer would go to a file without a name."""
    program = "import sys, pathlib; from slicegraph.formats.writing import check_file; check_file(pathlib.Path('out'))"
    with (tmp_path / "out").open("w") as out:
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "out: where standard output goes, and its file would be replaced" in run.stderr


def written(folder: Path, *files: str, fail: bool = False) -> None:
    with written_folder(folder, is_ours=lambda name: name.endswith(".ours"), last="last.ours") as place:
        for file in files:
            (place / file).write_text(folder.name)
        if fail:
            raise KeyError


@pytest.mark.parametrize("kind", ["new", "empty", "current", "link"])
def test_a_folder_may_be_there_or_not(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is some process's working directory, and one behind a link, too; it stays the same folder."""
    place = folder = tmp_path / "above" / "folder"
    if kind != "new":
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        number = folder.stat().st_ino
    if kind == "current":
        place = Path()
    if kind == "link":
        place = tmp_path / "link"
        place.symlink_to(folder)
    written(place, "1.ours", "last.ours")
    assert names(folder) == ["1.ours", "last.ours"]
    written(place, "2.ours", "last.ours")
    assert names(folder) == ["2.ours", "last.ours"]
    assert names(folder.parent) == ["folder"]
    assert kind == "new" or folder.stat().st_ino == number
    assert kind != "link" or place.is_symlink()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_failure_leaves_a_folder_as_it_was(is_there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "above" / "folder"
    if is_there:
        written(folder, "1.ours", "last.ours")
    with pytest.raises(KeyError):
        written(folder, "2.ours", fail=True)
    if is_there:
        assert names(folder) == ["1.ours", "last.ours"]
    else:
        assert names(tmp_path) == []


def test_a_file_that_cannot_be_moved_moves_all_others_back(tmp_path: Path) -> None:
    """A folder has the name of a new file."""
    folder = tmp_path / "folder"
    written(folder, "1.ours", "last.ours")
    (folder / "foreign" / "file").mkdir(parents=True)
    with pytest.raises(InputError, match="folder: Is a directory"):
        written(folder, "2.ours", "foreign", "last.ours")
    assert names(folder) == ["1.ours", "foreign", "last.ours"]
    assert (folder / "last.ours").read_text() == "folder"


def test_a_temporary_folder_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyError), temporary_folder() as folder:  # noqa: PT012 - raised after a file is there
        (folder / "file").write_text("1")
        raise KeyError
    assert names(tmp_path) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere.*: No such file or directory"), temporary_folder():
        pass
