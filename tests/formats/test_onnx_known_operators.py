"""Operators that ONNX's own rules do not know as runtimes do."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read


def _read(tmp_path: Path, text: str, opset: int) -> GraphArrays:
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(f'<ir_version: 7, opset_import: ["": {opset}]> {text}').SerializeToString())
    return read(path)


NODES = {
    "LayerNormalization<axis=-1>(x, w, w)": 5,
    "SimplifiedLayerNormalization<axis=-1>(x, w)": 5,
    "MeanVarianceNormalization<across_channels=1>(x)": 5,
    "ThresholdedRelu<alpha=0.5>(x)": 1,
    "Affine<alpha=2.0>(x)": 2,
    "ScaledTanh<alpha=1.0, beta=1.0>(x)": 1,
    "Gelu(x)": 1,
    "HardSwish(x)": 1,
}


@pytest.mark.parametrize("opset", [7, 8])
@pytest.mark.parametrize("node", NODES)
def test_an_operator_is_known_before_its_operator_set(node: str, opset: int, tmp_path: Path) -> None:
    """Optimisers write it into ONNX's own domain: it has the size of its input, and its own count."""
    graph = _read(tmp_path, f"g (float[2,4] x) => (y) <float[4] w = {{1,2,3,4}}> {{ a = {node} y = Exp(a) }}", opset)
    assert graph.size.tolist() == [32, 32, 32]
    assert graph.flops is not None
    assert graph.flops.tolist() == [8 * NODES[node], 8]


def test_a_layer_normalization_is_the_same_in_every_operator_set(tmp_path: Path) -> None:
    """All that is known of it, its other outputs too."""
    text = """g (float[2,4] x) => (y, mean, deviation) <float[4] w = {1,2,3,4}>
        { y, mean, deviation = LayerNormalization<axis=-1>(x, w, w) }"""
    for opset in (9, 12, 16, 17):
        assert _read(tmp_path, text, opset).size.tolist() == [32, 32, 8, 8]


def test_the_other_output_of_a_simplified_normalization_is_a_deviation(tmp_path: Path) -> None:
    """It returns no mean."""
    text = "g (float[2,4] x) => (y, s) <float[4] w = {1,2,3,4}> { y, s = SimplifiedLayerNormalization(x, w) }"
    assert _read(tmp_path, text, 13).size.tolist() == [32, 32, 8]


def test_a_dynamic_slice_is_a_slice(tmp_path: Path) -> None:
    """Its starts, ends and axes are inputs, as Slice has them since operator set 10."""
    text = """g (float[2,9] x) => (y) <int64[1] start = {2}, int64[1] end = {7}, int64[1] axis = {1}>
        { y = DynamicSlice(x, start, end, axis) }"""
    graph = _read(tmp_path, text, 9)
    assert graph.size.tolist() == [72, 40]
    assert graph.flops is not None
    assert graph.flops.tolist() == [0]


def test_an_operator_that_no_operator_set_has_is_named(tmp_path: Path) -> None:
    """Its sizes are not made up."""
    text = "g (float[2,4] x) => (y) <float[4] w = {1,2,3,4}> { y = SkipLayerNormalization(x, x, w, w) }"
    with pytest.raises(InputError, match=r"first is node 'y' \(SkipLayerNormalization\): No Op registered"):
        _read(tmp_path, text, 13)


NEGATIVE = {
    "Unsqueeze<axes=[-2,-1]>": [3, 1, 1],
    "Unsqueeze<axes=[-1]>": [3, 1],
    "Unsqueeze<axes=[-1,0]>": [1, 3, 1],
    "Unsqueeze<axes=[2,0]>": [1, 3, 1],
    "Unsqueeze<axes=[-3,2]>": [1, 3, 1],
}


@pytest.mark.parametrize("opset", [9, 11, 12])
@pytest.mark.parametrize("op", NEGATIVE)
def test_negative_axes_mean_what_runtimes_take_them_for(op: str, opset: int, tmp_path: Path) -> None:
    """In parameters that are computed here and in values of each run, and so in what is added to them."""
    shape = NEGATIVE[op]
    other = ",".join("2" if size == 1 else "1" for size in shape)
    text = f"""g (float[3] x, float[{other}] z) => (y, v) <float[3] w = {{1,2,3}}>
        {{ u = {op}(w) t = {op}(x) y = Add(z, u) v = Add(z, t) }}"""
    graph = _read(tmp_path, text, opset)
    sizes = dict(zip(graph.tensor_name or (), graph.size.tolist(), strict=True))
    assert (sizes["t"], sizes["y"], sizes["v"]) == (12, *[4 * 3 * 2 ** shape.count(1)] * 2)


def test_a_negative_axis_of_squeeze_is_one_from_the_right(tmp_path: Path) -> None:
    """As runtimes take it, before the standard allowed it."""
    text = "g (float[3,1,2,1] x) => (y) { s = Squeeze<axes=[-1,1]>(x) t = Transpose(s) y = MatMul(s, t) }"
    assert _read(tmp_path, text, 9).size.tolist() == [24, 24, 24, 36]


SHAPES = {
    "n = NonZero(one)": "a scalar is not zero in no place by the standard, in one by onnxruntime",
    "u = Unique<sorted=0>(w) n = Unsqueeze<axes=[0]>(u)": "the reference sorts",
}


@pytest.mark.parametrize("nodes", SHAPES)
def test_elements_that_the_reference_gets_wrong_are_not_used(nodes: str, tmp_path: Path) -> None:
    """The size that hangs on them is unknown, and said to be."""
    text = f"""g (float[6] x) => (y) <int64 one = {{5}}, int64[2] w = {{3,2}}, int64[1] m = {{-1}}>
        {{ {nodes} s = Reshape(n, m) y = Reshape(x, s) }}"""
    with pytest.raises(InputError, match=r"unknown: .*'y'; record"):
        _read(tmp_path, text, 12)


@pytest.mark.parametrize("version", [0, -1, 1 << 40])
def test_an_unknown_operator_set_is_no_crash(version: int, tmp_path: Path) -> None:
    """A file may state any number; what inference says of it is told."""
    model = parser.parse_model('<ir_version: 7, opset_import: ["": 12]> g (float[2] x) => (y) { y = LayerNorm(x) }')
    model.opset_import[0].version = version
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"first is node 'y' \(LayerNorm\)"):
        read(path)
