"""How much a file may hold, for every reader of text."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.formats.limits import check_nesting
from slicegraph.formats.plan import read_plan
from slicegraph.stages.manifest import read_manifest

LIMIT = 10_000
READERS: dict[str, Callable[[Path], object]] = {
    "native": lambda path: sg.read(path, format="native"),
    "msr": lambda path: sg.read(path, format="msr"),
    "piper": lambda path: sg.read(path, format="piper"),
    "pipedream": lambda path: sg.read(path, format="pipedream"),
    "cost_graph": lambda path: sg.read(path, format="cost_graph"),
    "certificate": sg.Certificate.read,
    "plan": lambda path: read_plan(path, num_nodes=1),
    "manifest": lambda path: read_manifest(path.parent),
}


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["packed", "plain"])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_holds_more_than_may_be_is_refused(
    reader: str, pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed or not, in any format: what is counted is what it unpacks to; as much as may be is read."""
    monkeypatch.setenv("SLICEGRAPH_MAX_BYTES", str(LIMIT))
    path = tmp_path / "manifest.json"
    path.write_bytes(pack(b" " * (LIMIT + 1)))
    with pytest.raises(sg.InputError, match=r"more than 10000 bytes; SLICEGRAPH_MAX_BYTES raises the limit"):
        READERS[reader](path)
    path.write_bytes(pack(b" " * LIMIT))
    with pytest.raises(sg.InputError) as raised:
        READERS[reader](path)
    assert "SLICEGRAPH_MAX_BYTES" not in str(raised.value)


@pytest.mark.parametrize("reader", ["native", "msr", "piper", "certificate", "plan", "manifest"])
def test_json_that_is_nested_too_deeply_is_refused(reader: str, tmp_path: Path) -> None:
    """Deeper than 1,000, and far deeper: one line that says so."""
    path = tmp_path / "manifest.json"
    for depth in (1001, 200_000):
        for text in ("[" * depth + "]" * depth, '{"a":' * depth + "0" + "}" * depth, "[" * depth):
            path.write_text(text)
            with pytest.raises(sg.InputError, match="deep"):
                READERS[reader](path)


json_values = st.recursive(
    st.text('[]{}"\\a', max_size=4), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)


@given(json_values, st.integers(0, 1100))
def test_nesting_is_counted_outside_of_strings(value: object, depth: int) -> None:
    """A text is refused where its own depth is above 1,000, whatever brackets its strings hold."""
    import json  # noqa: PLC0415 - for this slow twin

    def own_depth(each: object) -> int:
        parts = each if isinstance(each, list) else each.values() if isinstance(each, dict) else None
        return 0 if parts is None else 1 + max(map(own_depth, parts), default=0)

    text = '{"[[[[": ' * depth + json.dumps(value) + "}" * depth
    text = json.dumps("[" * 2000)[:-1] + '", ' + text
    is_deep = depth + own_depth(value) > 1000
    try:
        check_nesting(Path("x.json"), text.encode())
    except sg.InputError:
        assert is_deep
    else:
        assert not is_deep


def test_a_wrong_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLICEGRAPH_MAX_BYTES", "a lot")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(sg.InputError, match="SLICEGRAPH_MAX_BYTES = 'a lot', but it is a whole number of bytes"):
        sg.read(tmp_path / "a.json")


@pytest.mark.skipif(sys.platform != "linux", reason="units of memory differ")
def test_a_file_that_unpacks_to_much_takes_little_memory_before_it_is_refused(tmp_path: Path) -> None:
    """No more than the limit is ever held, and what an interpreter with this package takes."""
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    blank = b" " * 2**20
    (tmp_path / "graph.json.gz").write_bytes(b"".join([*(pack.compress(blank) for _ in range(400)), pack.flush()]))
    code = (
        "import re, sys, slicegraph as sg\n"
        "try: sg.read(sys.argv[1])\n"
        "except sg.InputError: print(*re.findall('VmHWM:[^0-9]*([0-9]+)', open('/proc/self/status').read()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "graph.json.gz"],
        env={"SLICEGRAPH_MAX_BYTES": str(16 * 2**20)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert int(done.stdout) < 200 * 1024
