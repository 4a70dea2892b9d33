"""Shapes and counts of any operator: what the runtime fused is the same work, and no wrong node breaks a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper, parser

from onnx_nodes import floats
from slicegraph.errors import InputError
from slicegraph.formats.counting import Formulas
from slicegraph.formats.onnx import flops, read, shapes
from slicegraph.formats.onnx.nodes import Node, Stated
from slicegraph.formats.onnx.values import Value, of_shape


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
        model.graph.initializer.append(numpy_helper.from_array(floats(*shape), info.name))
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
        made = shapes.outputs(Stated.of(proto), values, {}) or {}
        stated = Stated.of(proto)
        node = Node(stated=stated, op=stated.op, position=0, inputs=values, outputs=[*made.values()], read=())
        assert flops.count(node, Formulas()).flops >= 0
    except InputError:
        pass
