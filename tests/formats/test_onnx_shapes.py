"""Shapes of com.microsoft and ai.onnx.ml: what onnxruntime makes is what the reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, defs, helper, numpy_helper, parser

from onnx_nodes import write_node
from slicegraph.errors import InputError
from slicegraph.formats.counting import Formulas
from slicegraph.formats.onnx import flops, read, shapes
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.opening import opened
from slicegraph.formats.onnx.values import Value, of_shape

_RNG = np.random.default_rng(0)


def _floats(*shape: int) -> NDArray[np.float32]:
    return _RNG.standard_normal(shape).astype(np.float32)


def _bytes(*shape: int) -> NDArray[np.uint8]:
    return _RNG.integers(0, 255, shape).astype(np.uint8)


_QUANTIZED: dict[str, Any] = {"s": np.array(0.1, np.float32), "z": np.array(3, np.uint8)}
_MS, _ML = "com.microsoft:", "ai.onnx.ml:"
_TREE: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_values": [0.0, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}
_VECTORS: dict[str, Any] = {
    "kernel_type": "RBF",
    "kernel_params": [0.5, 0.0, 3.0],
    "support_vectors": [float(index) for index in range(16)],
    "classlabels_ints": [0, 1, 2, 3],
    "coefficients": [1.0] * 12,
    "vectors_per_class": [1, 1, 1, 1],
    "rho": [0.1] * 6,
}
_X = {"x": _floats(5, 4)}
_BYTES = {"x": _bytes(1, 3, 6, 5)}
_QKV = {"q": _floats(2, 5, 8), "k": _floats(2, 7, 8), "v": _floats(2, 7, 12)}
_GROUPS = {"num_heads": 4, "kv_num_heads": 2}
_PAST = {"pk": _floats(2, 2, 6, 8), "pv": _floats(2, 2, 6, 8)}
_SEEN = {"n": np.array([6, 6], np.int32), "t": np.array(7, np.int32)}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (_ML + "Scaler", _X, {"scale": [1.0], "offset": [0.0]}),
    (_ML + "Normalizer", {"x": _floats(4)}, {"norm": "L2"}),
    (_ML + "Normalizer", {"x": _RNG.integers(0, 9, (3, 2))}, {"norm": "MAX"}),
    (_ML + "Binarizer", _X, {"threshold": 0.0}),
    (_ML + "Imputer", _X, {"imputed_value_floats": [0.0], "replaced_value_float": 1.0}),
    (_ML + "LinearRegressor", _X, {"coefficients": [1.0] * 8, "targets": 2}),
    (_ML + "LinearClassifier", _X, {"coefficients": [1.0] * 4, "intercepts": [0.0], "classlabels_ints": [0, 1]}),
    (
        _ML + "LinearClassifier",
        {"x": _floats(4)},
        {"coefficients": [1.0] * 12, "intercepts": [0.0] * 3, "classlabels_strings": ["a", "b", "c"]},
    ),
    (_ML + "SVMClassifier", _X, _VECTORS),
    (_ML + "SVMClassifier", _X, {**_VECTORS, "prob_a": [0.1] * 6, "prob_b": [0.2] * 6}),
    (
        _ML + "SVMRegressor",
        _X,
        {
            "kernel_type": "LINEAR",
            "kernel_params": [0.5, 0.0, 3.0],
            "coefficients": [1.0],
            "support_vectors": [1.0] * 4,
            "n_supports": 1,
            "rho": [0.0],
        },
    ),
    (
        _ML + "TreeEnsembleRegressor",
        _X,
        {
            **_TREE,
            "target_treeids": [0, 0],
            "target_nodeids": [1, 2],
            "target_ids": [0, 1],
            "target_weights": [1.0, 2.0],
            "n_targets": 2,
        },
    ),
    (
        _ML + "TreeEnsembleClassifier",
        {"x": _floats(5, 4).astype(np.float64)},
        {
            **_TREE,
            "class_treeids": [0, 0],
            "class_nodeids": [1, 2],
            "class_ids": [0, 0],
            "class_weights": [0.2, 0.8],
            "classlabels_strings": ["a", "b"],
        },
    ),
    (_ML + "OneHotEncoder", {"x": _RNG.integers(0, 3, (5, 2))}, {"cats_int64s": [0, 1, 2]}),
    (_ML + "ArrayFeatureExtractor", {"x": _floats(4), "i": np.array([0, 2, 3])}, {}),
    (_ML + "ArrayFeatureExtractor", {"x": _floats(2, 3, 4), "i": np.array([[0, 2]])}, {}),
    (_ML + "FeatureVectorizer", {"x": _floats(5, 4), "w": _floats(5, 3)}, {"inputdimensions": [4, 3]}),
    (_ML + "LabelEncoder", {"x": _RNG.integers(0, 3, (5, 2))}, {"keys_int64s": [0, 1], "values_strings": ["a", "b"]}),
    (_ML + "CategoryMapper", {"x": _RNG.integers(0, 3, (5,))}, {"cats_int64s": [0, 1], "cats_strings": ["a", "b"]}),
    (_MS + "FusedMatMul", {"a": _floats(2, 4, 3), "b": _floats(2, 5, 4)}, {"transA": 1, "transB": 1}),
    (_MS + "FusedMatMul", {"a": _floats(2, 3, 4), "b": _floats(3, 2, 5)}, {"transBatchA": 1, "transA": 1}),
    (_MS + "FusedMatMul", {"a": _floats(4), "b": _floats(3, 4, 5)}, {}),
    (
        _MS + "FusedGemm",
        {"a": _floats(4, 3), "b": _floats(5, 4), "c": _floats(5)},
        {"transA": 1, "transB": 1, "activation": "Relu"},
    ),
    (
        _MS + "FusedConv",
        {"x": _floats(1, 3, 9, 8), "w": _floats(4, 3, 3, 2)},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2], "activation": "Relu"},
    ),
    (_MS + "BiasGelu", {"x": _floats(2, 3, 4), "b": _floats(4)}, {}),
    (
        _MS + "SkipLayerNormalization",
        {"x": _floats(2, 3, 8), "k": _floats(2, 3, 8), "g": _floats(8)},
        {"outputs": ["y", "", "", "sum"]},
    ),
    (":SimplifiedLayerNormalization", {"x": _floats(2, 3, 8), "g": _floats(8)}, {}),
    (
        _MS + "EmbedLayerNormalization",
        {"i": np.zeros((2, 3), np.int32)},
        {
            "stored": {"w": _floats(10, 8), "p": _floats(10, 8), "g": _floats(8), "b": _floats(8)},
            "inputs": ["i", "", "w", "p", "", "g", "b"],
            "outputs": ["y", "mask"],
        },
    ),
    (
        _MS + "Attention",
        {"x": _floats(2, 5, 8), "w": _floats(8, 20), "b": _floats(20)},
        {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]},
    ),
    (
        _MS + "Attention",
        {"x": _floats(2, 5, 8), "w": _floats(8, 24), "b": _floats(24), "p": _floats(2, 2, 2, 3, 4)},
        {"num_heads": 2, "inputs": ["x", "w", "b", "", "p"], "outputs": ["y", "present"]},
    ),
    (_MS + "MultiHeadAttention", _QKV, {"num_heads": 2, "outputs": ["y", "k2", "v2"]}),
    (
        _MS + "MultiHeadAttention",
        {"q": _floats(2, 5, 8), "k": _floats(2, 2, 7, 4), "v": _floats(2, 2, 7, 4)},
        {"num_heads": 2},
    ),
    (
        _MS + "GroupQueryAttention",
        {"q": _floats(2, 1, 32), "k": _floats(2, 1, 16), "v": _floats(2, 1, 16), **_PAST, **_SEEN},
        {**_GROUPS, "outputs": ["y", "k2", "v2"]},
    ),
    (
        _MS + "GroupQueryAttention",
        {"q": _floats(2, 1, 64), **_PAST, "n": _SEEN["n"]},
        {
            **_GROUPS,
            "stored": {"t": _SEEN["t"]},
            "inputs": ["q", "", "", "pk", "pv", "n", "t"],
            "outputs": ["y", "k2", "v2"],
        },
    ),
    (
        _MS + "MatMulNBits",
        {"x": _floats(3, 64)},
        {"stored": {"w": _bytes(16, 2, 16), "scale": _floats(16, 2)}, "K": 64, "N": 16, "bits": 4, "block_size": 32},
    ),
    (_MS + "DynamicQuantizeMatMul", {"x": _floats(3, 8)}, {"stored": {"w": _bytes(8, 5), "s": _QUANTIZED["s"]}}),
    (
        _MS + "QLinearAdd",
        {"x": _bytes(3, 1, 4), "w": _bytes(2, 4)},
        {"stored": _QUANTIZED, "inputs": ["x", "s", "z", "w", "s", "z", "s", "z"]},
    ),
    (
        _MS + "QLinearAveragePool",
        _BYTES,
        {
            "stored": _QUANTIZED,
            "inputs": ["x", "s", "z", "s", "z"],
            "kernel_shape": [3, 2],
            "strides": [2, 2],
            "ceil_mode": 1,
            "pads": [1, 1, 1, 0],
        },
    ),
    (
        _MS + "QLinearConcat",
        {"x": _bytes(3, 4), "w": _bytes(2, 4)},
        {"stored": _QUANTIZED, "inputs": ["s", "z", "x", "s", "z", "w", "s", "z"], "axis": 0},
    ),
    (
        _MS + "QLinearConv",
        {"x": _bytes(1, 5, 5, 3)},
        {
            "stored": {**_QUANTIZED, "w": _bytes(4, 3, 3, 3)},
            "inputs": ["x", "s", "z", "w", "s", "z", "s", "z"],
            "channels_last": 1,
            "kernel_shape": [3, 3],
        },
    ),
    (
        _MS + "QGemm",
        {"x": _bytes(3, 4)},
        {"stored": {**_QUANTIZED, "w": _bytes(5, 4)}, "inputs": ["x", "s", "z", "w", "s", "z"], "transB": 1},
    ),
    (
        _MS + "QAttention",
        {"x": _bytes(2, 5, 8), "w": _bytes(8, 24), "b": _floats(24)},
        {"stored": {"s": _QUANTIZED["s"]}, "inputs": ["x", "w", "b", "s", "s"], "num_heads": 2},
    ),
    (_MS + "CDist", {"a": _floats(3, 4), "b": _floats(5, 4)}, {"metric": "euclidean"}),
    (
        _MS + "CropAndResize",
        {"x": _floats(1, 3, 8, 8), "r": np.full((4, 4), 0.5, np.float32), "b": np.zeros(4, np.int32)},
        {"stored": {"size": np.array([2, 3], np.int32)}},
    ),
    (_MS + "ExpandDims", {"x": _floats(2, 3)}, {"stored": {"axis": np.array(-1, np.int32)}}),
    (
        _MS + "GatherBlockQuantized",
        {"i": np.array([[0, 2, 1]])},
        {
            "stored": {"d": _bytes(8, 16), "scale": _floats(8, 2)},
            "inputs": ["d", "i", "scale"],
            "bits": 4,
            "block_size": 16,
            "gather_axis": 0,
            "quantize_axis": 1,
        },
    ),
    (
        _MS + "MoE",
        {"x": _floats(5, 8), "r": _floats(5, 4)},
        {"stored": {"w1": _floats(4, 16, 8), "w2": _floats(4, 8, 16)}, "inputs": ["x", "r", "w1", "", "w2"], "k": 2},
    ),
    (
        _MS + "DynamicQuantizeLSTM",
        {"x": _floats(4, 2, 3)},
        {
            "stored": {
                "w": _bytes(1, 3, 20),
                "r": _bytes(1, 5, 20),
                "s": np.full(1, 0.1, np.float32),
                "z": np.full(1, 3, np.uint8),
            },
            "inputs": ["x", "w", "r", "", "", "", "", "", "s", "z", "s", "z"],
            "outputs": ["y", "h", "c"],
            "hidden_size": 5,
        },
    ),
    (_MS + "UnfoldTensor", {"x": _floats(2, 10)}, {"dim": -1, "size": 4, "step": 3}),
    (_MS + "CausalConvWithState", {"x": _floats(2, 3, 7), "w": _floats(3, 1, 4)}, {"outputs": ["y", "state"]}),
    (
        _MS + "LinearAttention",
        {"q": _floats(2, 3, 8), "k": _floats(2, 3, 8), "v": _floats(2, 3, 12)},
        {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear", "outputs": ["y", "state"]},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)])
def test_shapes_are_those_that_the_runtime_makes(
    case: tuple[str, dict[str, Any], dict[str, Any]], tmp_path: Path
) -> None:
    """Each output has the dimensions and the type that come out of onnxruntime, and its operator is no guess."""
    onnxruntime = pytest.importorskip("onnxruntime")
    op, feeds, options = case
    options = {"outputs": ["y", "scores"] if op.endswith("Classifier") else ["y"], **options}
    path = write_node(tmp_path / "m.onnx", op, feeds, **options)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    wanted = [name for name in options["outputs"] if name]
    real = dict(zip(wanted, session.run(wanted, feeds), strict=True))
    found = opened(path, {})
    for name, value in real.items():
        elem_type = TensorProto.STRING if value.dtype == object else helper.np_dtype_to_tensor_dtype(value.dtype)
        known = found.walked.values[name]
        assert (known.shape, known.type.tensor_type.elem_type) == (value.shape, elem_type), name
    assert found.arrays.is_guess is not None
    assert not found.arrays.is_guess.any()


def test_a_sequence_of_maps_is_as_big_as_what_it_names(tmp_path: Path) -> None:
    """ZipMap gives a map for each of 3 rows: as many bytes as the 3 x 2 scores, for maps have no size of their own."""
    path = write_node(tmp_path / "m.onnx", _ML + "ZipMap", {"x": _floats(3, 2)}, classlabels_int64s=[0, 1])
    assert read(path).size.tolist() == [24, 24]


def test_a_size_that_elements_decide_is_refused_unless_recorded(tmp_path: Path) -> None:
    """CropAndResize makes what its last input says: computed, it is not known, and the node is named."""
    text = """<ir_version: 9, opset_import: ["": 17, "com.microsoft": 1]>
        g (float[1,3,8,8] x, float[4,4] r, int32[4] b, int32[2] s) => ({} y)
        {{ c = com.microsoft.CropAndResize(x, r, b, s) y = Relu(c) }}"""
    path = tmp_path / "m.onnx"
    path.write_bytes(parser.parse_model(text.format("float[4,3,h,w]")).SerializeToString())
    with pytest.raises(InputError, match=r"com\.microsoft\.CropAndResize"):
        read(path)
    model = parser.parse_model(text.format("float[4,3,2,2]"))
    model.graph.value_info.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, (4, 3, 2, 2)))
    path.write_bytes(model.SerializeToString())
    assert read(path).size[-2:].tolist() == [4 * 3 * 4 * 4] * 2


@pytest.mark.parametrize("level", ["ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"])
def test_what_the_runtime_optimized_is_the_same_work(level: str, tmp_path: Path) -> None:
    """Fused, and with channels in blocks, a model takes what it took, and nothing of it is a guess."""
    onnxruntime = pytest.importorskip("onnxruntime")
    text = """<ir_version: 9, opset_import: ["": 17]> g (float[1,16,12,12] x, float[32,16,3,3] v, float[32,32,1,1] w)
        => (float[1,32,1,1] y) { a = Conv<pads=[1,1,1,1]>(x, v) b = Relu(a)
        c = MaxPool<kernel_shape=[2,2], strides=[2,2]>(b) d = Conv(c, w) e = Add(c, d)
        f = Relu(e) y = GlobalAveragePool(f) }"""
    model = parser.parse_model(text)
    for info in list(model.graph.input)[1:]:
        shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        model.graph.initializer.append(numpy_helper.from_array(_floats(*shape), info.name))
        model.graph.input.remove(info)
    path, optimized = tmp_path / "m.onnx", tmp_path / "o.onnx"
    path.write_bytes(model.SerializeToString())
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    settings.optimized_model_filepath = str(optimized)
    onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    before, after = read(path), read(optimized)
    assert before.flops is not None
    assert after.flops is not None
    assert after.is_guess is not None
    assert before.flops.sum() == after.flops.sum()
    assert not after.is_guess.any()
    assert len(after.op) < len(before.op) + 2


def test_all_of_classical_machine_learning_has_shapes() -> None:
    """No operator of ai.onnx.ml needs a recorded shape."""
    operators = {f"ai.onnx.ml.{schema.name}" for schema in defs.get_all_schemas() if schema.domain == "ai.onnx.ml"}
    assert operators <= set(shapes.RULES)


_TEXTS = ["", "RBF", "swiglu", "LEAF", "SAME_UPPER", "SPARSE", "geglu", "gated_delta"]
_NAMES = [
    "num_heads",
    "kv_num_heads",
    "q_num_heads",
    "axis",
    "axes",
    "keepdims",
    "K",
    "N",
    "Nq",
    "Nkv",
    "transA",
    "transB",
    "transBatchA",
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "auto_pad",
    "channels_last",
    "qkv_hidden_sizes",
    "k",
    "bits",
    "gather_axis",
    "rotary_embedding_dim",
    "size",
    "step",
    "dim",
    "hidden_size",
    "signal_ndim",
    "activation",
    "activation_type",
    "update_rule",
    "map_form",
    "inputdimensions",
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_modes",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "tree_roots",
    "classlabels_ints",
    "post_transform",
    "local_window_size",
    "ceil_mode",
    "past_present_share_buffer",
    "coefficients",
    "support_vectors",
    "n_targets",
    "max_map",
]
_dimensions = st.lists(st.none() | st.integers(0, 9), max_size=6)
_attributes = st.integers(-9, 99) | st.sampled_from(_TEXTS) | st.lists(st.integers(-9, 9), min_size=1, max_size=6)


@given(
    st.sampled_from(sorted({*shapes.RULES, *flops.RULES})),
    st.lists(st.none() | st.tuples(st.sampled_from([0, 1, 2, 6, 7, 8]), st.none() | _dimensions), max_size=12),
    st.dictionaries(st.sampled_from(_NAMES), _attributes, max_size=5),
)
def test_no_rule_falls_over_a_wrong_node(op: str, inputs: list[Any], attributes: dict[str, Any]) -> None:
    """Whatever a file holds, a rule gives a count of at least 0 and outputs, or InputError."""
    domain, _, name = op.rpartition(".")
    names = [f"x{index}" if one else "" for index, one in enumerate(inputs)]
    proto = helper.make_node(name, names, ["y", "z"], domain=domain, **attributes)
    values: list[Value | None] = [
        None if one is None else of_shape(one[0], None if one[1] is None else tuple(one[1])) for one in inputs
    ]
    try:
        made = shapes.outputs(proto, values) or {}
        node = Node(proto=proto, position=0, inputs=values, outputs=[*made.values()], reads={})
        assert flops.count(node, Formulas()).flops >= 0
    except InputError:
        pass
