"""What one inference over a whole graph finds is what inference finds node by node."""

from __future__ import annotations

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
