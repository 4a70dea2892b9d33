"""Arrays by name, from files that numpy wrote and from damaged ones."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.errors import InputError
from slicegraph.formats.files import read_arrays


def archive() -> bytes:
    content = io.BytesIO()
    np.savez(content, x=np.ones((2, 3), np.float32), words=np.array(["a", "bc"]))
    return content.getvalue()


def test_arrays_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "values.npz").write_bytes(archive())
    found = read_arrays(tmp_path / "values.npz")
    assert {name: array.tolist() for name, array in found.items()} == {"x": [[1.0] * 3] * 2, "words": ["a", "bc"]}


@given(edits=st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=3)), min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused_in_one_line(
    edits: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing else comes out, and no file stays open."""
    content = bytearray(archive())
    for at, put in edits:
        content[at : at + len(put)] = put
    path = tmp_path_factory.mktemp("arrays") / "values.npz"
    path.write_bytes(content)
    found, message = None, ""
    try:
        found = read_arrays(path)
    except InputError as error:
        message = str(error)
    assert found is not None or message.startswith(f"{path}: ")
    assert "\n" not in message
