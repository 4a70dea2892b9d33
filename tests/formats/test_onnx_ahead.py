"""What one inference over a whole graph finds is what inference finds node by node."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from hypothesis import given, settings
from onnx import ModelProto, parser

from onnx_models import models
from slicegraph.errors import InputError
from slicegraph.formats.onnx import walk
from slicegraph.formats.onnx.opening import Opened, opened

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def _values(found: Opened) -> dict[str, object]:
    return {
        name: (value.type, value.shape, value.nbytes, value.is_constant, [part.nbytes for part in value.stores])
        for name, value in found.walked.values.items()
    }


def _assert_same(path: Path, patch: pytest.MonkeyPatch) -> None:
    try:
        whole = opened(path, {})
    except InputError as error:
        whole, fault = None, str(error)
    with patch.context() as context:
        context.setattr(walk, "foreseen", lambda *_: {})
        if whole is None:
            with pytest.raises(InputError) as raised:
                opened(path, {})
            assert str(raised.value) == fault
            return
        single = opened(path, {})
    assert _values(whole) == _values(single)
    assert [node.position for node in whole.walked.nodes] == [node.position for node in single.walked.nodes]
    assert whole.arrays.flops is not None
    assert single.arrays.flops is not None
    assert whole.arrays.flops.tolist() == single.arrays.flops.tolist()


@pytest.mark.parametrize("name", ["light_shufflenet", "light_squeezenet"])
def test_a_network_is_inferred_as_a_whole_as_node_by_node(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value has the type, size and storage that it has when every node is inferred by itself."""
    _assert_same(LIGHT / f"{name}.onnx", monkeypatch)


@settings(max_examples=15)
@given(model=models())
def test_drawn_models_are_inferred_as_a_whole_as_node_by_node(
    model: ModelProto, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also where shapes are read, branches are taken and constants are folded in between."""
    path = tmp_path_factory.mktemp("drawn") / "m.onnx"
    path.write_bytes(model.SerializeToString())
    _assert_same(path, pytest.MonkeyPatch())


@pytest.mark.parametrize(
    "nodes",
    [
        "a = Relu(x) b = Reshape(a, s) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b = Conv(a, k) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b = MatMul(a, x) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b, m = Dropout(a) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b = NonZero(a) c = Neg(b) y = Abs(c)",
        "a = Relu<alpha=1.0>(x) b = Neg(a) c = Neg(b) y = Abs(c)",
        "a = Relu(x) s2 = Shape(a) b = Expand(one, s2) c = Neg(b) y = Abs(c)",
        "i = Identity(s) j = Concat<axis=0>(i) b = Reshape(x, j) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b = LayerNormalization<axis=5>(a, x) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b = LayerNormalization<axis=-5>(a, x) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b = LayerNormalization<axis=-4>(a, x) c = Neg(b) y = Abs(c)",
        "a = Relu(x) b, m = LayerNormalization<axis=5>(a, x) c = Neg(b) y = Abs(c)",
        'a = Relu(x) b = Einsum<equation="abcd->dcba">(a) c = Neg(b) y = Abs(c)',
        'a = Relu(x) b = Einsum<equation="cd[->dc">(a) c = Neg(b) y = Abs(c)',
        "a = Relu(x) b, m = Split<axis=2>(a) c = Neg(b) y = Abs(c)",
        "a = Softmax<axis=9>(x) b = Neg(a) c = Neg(b) y = Abs(c)",
    ],
)
def test_what_cannot_be_foreseen_is_found_node_by_node(
    nodes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit, what ONNX's checker refuses and what hangs on elements: with the same complaints."""
    text = f"""<ir_version: 9, opset_import: ["": 17]> g (float[1,3,4,4] x) => (y)
        <float[2,2,1,1] k = {{1,1,1,1}}, int64[2] s = {{6,8}}, float[1] one = {{1}}> {{ {nodes} }}"""
    path = tmp_path / "m.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    _assert_same(path, monkeypatch)


def test_a_version_that_the_checker_cannot_hold_is_left_to_single_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged file may state any number."""
    text = """<ir_version: 9, opset_import: ["": 17]> g (float[1] x) => (y)
        { a = Relu(x) b = Neg(a) c = Neg(b) y = Abs(c) }"""
    model = parser.parse_model(text)
    model.opset_import[0].version = 1 << 40
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    _assert_same(path, monkeypatch)


_READERS = (
    *(
        "Add(x, x)",
        "Cast<to=1>(x)",
        "Concat<axis=0>(x, x)",
        "Expand(one, x)",
        "Gather(x, long)",
        "Mul(x, x)",
        "Relu(x)",
    ),
    *("Reshape(x, x)", "Shape(x)", "Size(x)", "Slice(x, zero, one)", "Squeeze(x)", "Sub(x, one)", "Tile(x, one)"),
    "Unsqueeze(x, zero)",
)
# Reads files and prints by how many KiB the peak of memory rose for each but the first.
_READING = """
import resource, sys
import slicegraph as sg
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
peaks = []
for path in sys.argv[1:]:
    try:
        sg.read(path)
    except sg.InputError:
        pass
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(*[later - earlier for earlier, later in zip(peaks, peaks[1:])])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_a_long_vector_takes_no_memory_per_element(tmp_path: Path) -> None:
    """Whatever reads it: as of ONNX 1.23, data propagation makes a dimension of each element, as if it were a shape."""
    paths: list[Path] = []
    for reader in ("Relu(x)", *_READERS):
        text = f"""<ir_version: 9, opset_import: ["": 17]> g (int64[{1 << 40}] x, int64[{10**8}] long) => (y, z)
            <int64[1] zero = {{0}}, int64[1] one = {{1}}>
            {{ a = {reader} b = Identity(a) c = Identity(b) d = Identity(c) y = Identity(d) z = Relu(x) }}"""
        paths.append(tmp_path / f"{len(paths)}.onnx")
        paths[-1].write_bytes(parser.parse_model(text).SerializeToString())
    command = [sys.executable, "-c", _READING, *map(str, paths)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    rises = dict(zip(_READERS, map(int, run.stdout.split()), strict=True))
    assert max(rises.values()) < 1 << 15, rises
