"""Floating-point operations: every expectation is worked out by hand from the operator's definition."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from onnx import TensorProto, defs, helper, parser

from slicegraph.errors import InputError
from slicegraph.formats.onnx import flops as rules
from slicegraph.formats.onnx import read


def _flops(tmp_path: Path, opset: int, inputs: str, stored: str, node: str) -> float:
    """Count one node's operations; stored tensors are external, so only their shapes exist."""
    tensors = ", ".join(f'{declared} = ["location": "absent"]' for declared in filter(None, stored.split("; ")))
    text = f'<ir_version: 9, opset_import: ["": {opset}]> g ({inputs}) => (y) <{tensors}> {{ {node} }}'
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text.replace("<>", "")).SerializeToString())
    graph = read(path)
    assert graph.flops is not None
    return float(graph.flops.sum())


CONTRACTIONS = {
    "Conv": ("float[2,3,8,8] x", "float[4,3,3,3] w", "y = Conv<pads=[1,1,1,1]>(x, w)", 2 * 2 * 4 * 64 * 27),
    "Conv with bias": (
        "float[1,3,8,8] x",
        "float[4,3,3,3] w; float[4] b",
        "y = Conv<pads=[1,1,1,1]>(x, w, b)",
        4 * 64 * (2 * 27 + 1),
    ),
    "Conv in groups": ("float[1,8,4,4] x", "float[8,1,3,3] w", "y = Conv<group=8>(x, w)", 2 * 8 * 2 * 2 * 9),
    "Conv with strides": ("float[1,3,9,9] x", "float[5,3,3,3] w", "y = Conv<strides=[2,2]>(x, w)", 2 * 5 * 16 * 27),
    "Conv with dilations": ("float[1,1,9] x", "float[1,1,3] w", "y = Conv<dilations=[4]>(x, w)", 2 * 1 * 3),
    "ConvTranspose": (
        "float[1,4,5,5] x",
        "float[4,2,3,3] w; float[2] b",
        "y = ConvTranspose(x, w, b)",
        2 * 4 * 25 * 2 * 9 + 2 * 49,
    ),
    "DeformConv": (
        "float[1,1,3,3] x, float[1,8,2,2] offset",
        "float[1,1,2,2] w; float[1] b",
        "y = DeformConv(x, w, offset, b)",
        4 * (2 * 4 + 1) + 4 * 4 * 8,
    ),
    "ConvInteger": ("uint8[1,1,3,3] x", "uint8[1,1,2,2] w", "y = ConvInteger(x, w)", 2 * 4 * 4),
    "QLinearConv": (
        "uint8[1,1,7,7] x",
        "float xs; uint8 xz; uint8[1,1,1,1] w; float ws; uint8 wz; float ys; uint8 yz; int32[1] b",
        "y = QLinearConv(x, xs, xz, w, ws, wz, ys, yz, b)",
        49 * 3,
    ),
    "Gemm": (
        "float[5,7] x",
        "float[7,3] w; float[3] b",
        "y = Gemm(x, w, b)",
        5 * 3 * (2 * 7 + 1),
    ),
    "Gemm of transposed": ("float[7,5] x", "float[3,7] w", "y = Gemm<transA=1, transB=1>(x, w)", 2 * 5 * 3 * 7),
    "MatMul broadcast": ("float[2,1,5,7] x, float[3,7,4] z", "", "y = MatMul(x, z)", 2 * 2 * 3 * 5 * 4 * 7),
    "MatMul of vectors": ("float[7] x, float[7] z", "", "y = MatMul(x, z)", 2 * 7),
    "MatMul vector by matrix": ("float[7] x", "float[7,4] w", "y = MatMul(x, w)", 2 * 7 * 4),
    "MatMulInteger": ("uint8[4,3] x", "uint8[3,2] w", "y = MatMulInteger(x, w)", 2 * 4 * 2 * 3),
    "QLinearMatMul": (
        "uint8[2,4] x",
        "float xs; uint8 xz; uint8[4,3] w; float ws; uint8 wz; float ys; uint8 yz",
        "y = QLinearMatMul(x, xs, xz, w, ws, wz, ys, yz)",
        2 * 2 * 3 * 4,
    ),
    "RNN": (
        "float[6,2,3] x",
        "float[1,4,3] w; float[1,4,4] r",
        "y = RNN<hidden_size=4>(x, w, r)",
        6 * 2 * (2 * (4 * 3 + 4 * 4) + 2 * 4),
    ),
    "GRU": (
        "float[6,2,3] x",
        "float[1,12,3] w; float[1,12,4] r; float[1,24] b",
        "y = GRU<hidden_size=4>(x, w, r, b)",
        6 * 2 * (2 * 3 * 4 * (3 + 4) + 24 + 11 * 4),
    ),
    "LSTM of samples that end earlier, of 2 and, since there are no more, 6 steps": (
        "float[6,2,3] x",
        "float[1,16,3] w; float[1,16,4] r",
        'n = Constant<value = int32[2] {2, 9}>() y = LSTM<hidden_size=4>(x, w, r, "", n)',
        8 * (2 * 4 * 4 * (3 + 4) + 13 * 4),
    ),
    "GRU of lengths that only a run knows": (
        "float[2,6,3] x, int32[2] n",
        "float[1,12,3] w; float[1,12,4] r",
        'y = GRU<hidden_size=4, layout=1>(x, w, r, "", n)',
        6 * 2 * (2 * 3 * 4 * (3 + 4) + 11 * 4),
    ),
    "LSTM in both directions": (
        "float[6,2,3] x",
        "float[2,16,3] w; float[2,16,4] r",
        'y = LSTM<hidden_size=4, direction="bidirectional">(x, w, r)',
        2 * 6 * 2 * (2 * 4 * 4 * (3 + 4) + 13 * 4),
    ),
    "Einsum product": ("float[2,3] x, float[3,4] z", "", 'y = Einsum<equation="ij,jk->ik">(x, z)', 2 * 24),
    "Einsum implied": ("float[2,3] x, float[3,4] z", "", 'y = Einsum<equation="ij,jk">(x, z)', 2 * 24),
    "Einsum batch": (
        "float[5,2,3] x, float[5,3,4] z",
        "",
        'y = Einsum<equation="...ij,...jk->...ik">(x, z)',
        2 * 5 * 24,
    ),
    "Einsum outer": ("float[2] x, float[3] z", "", 'y = Einsum<equation="i,j->ij">(x, z)', 6),
    "Einsum transpose": ("float[2,3] x", "", 'y = Einsum<equation="ij->ji">(x)', 0),
    "Einsum sum": ("float[2,3] x", "", 'y = Einsum<equation="ij->i">(x)', 6),
    "Einsum of three": (
        "float[2,3] x, float[3,4] z, float[4,5] u",
        "",
        'y = Einsum<equation="ij,jk,kl->il">(x, z, u)',
        2 * 2 * 3 * 4 + 2 * 2 * 4 * 5,
    ),
}


@pytest.mark.parametrize("name", CONTRACTIONS)
def test_a_multiply_accumulate_counts_two_and_a_bias_one(name: str, tmp_path: Path) -> None:
    """All that contracts is counted from its own definition, whichever form its operands take."""
    inputs, stored, node, expected = CONTRACTIONS[name]
    assert _flops(tmp_path, 19, inputs, stored, node) == expected


ATTENTION = {
    "four axes": ("float[2,8,5,16] q, float[2,8,7,16] k, float[2,8,7,32] v", "y = Attention(q, k, v)", 7, 32),
    "grouped queries": ("float[2,8,5,16] q, float[2,2,7,16] k, float[2,2,7,16] v", "y = Attention(q, k, v)", 7, 16),
    "three axes": (
        "float[2,5,128] q, float[2,7,32] k, float[2,7,32] v",
        "y = Attention<q_num_heads=8, kv_num_heads=2>(q, k, v)",
        7,
        16,
    ),
    "with a past": (
        "float[2,8,5,16] q, float[2,8,7,16] k, float[2,8,7,16] v, float[2,8,3,16] pk, float[2,8,3,16] pv",
        'y, nk, nv = Attention(q, k, v, "", pk, pv)',
        10,
        16,
    ),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_counts_scores_softmax_and_values(name: str, tmp_path: Path) -> None:
    """2 per multiply-accumulate of both products and 5 per score, for 2 samples, 8 heads, 5 queries of width 16."""
    inputs, node, keys, value_width = ATTENTION[name]
    expected = 2 * 8 * 5 * keys * (2 * 16 + 2 * value_width + 5)
    assert _flops(tmp_path, 23, inputs, "", node) == expected


PER_ELEMENT = {
    "Relu": ("float[3,4] x", "", "y = Relu(x)", 12),
    "Add broadcast": ("float[3,1] x, float[1,4] z", "", "y = Add(x, z)", 12),
    "Sum of three": ("float[3,4] x", "", "y = Sum(x, x, x)", 24),
    "Max of one": ("float[3,4] x", "", "y = Max(x)", 0),
    "Softmax": ("float[3,4] x", "", "y = Softmax(x)", 60),
    "LayerNormalization": ("float[3,4] x", "float[4] s", "y = LayerNormalization(x, s)", 60),
    "InstanceNormalization": ("float[1,2,6] x", "float[2] s; float[2] b", "y = InstanceNormalization(x, s, b)", 60),
    "BatchNormalization": (
        "float[1,2,6] x",
        "float[2] s; float[2] b; float[2] m; float[2] v",
        "y = BatchNormalization(x, s, b, m, v)",
        24,
    ),
    "LRN": ("float[1,8,2,2] x", "", "y = LRN<size=5>(x)", 32 * 13),
    "MaxPool": ("float[1,2,6,6] x", "", "y = MaxPool<kernel_shape=[3,3], strides=[3,3]>(x)", 9 * 8),
    "AveragePool": ("float[1,2,6,6] x", "", "y = AveragePool<kernel_shape=[2,2]>(x)", 4 * 50),
    "GlobalAveragePool": ("float[1,2,6,6] x", "", "y = GlobalAveragePool(x)", 72),
    "ReduceMean": ("float[5,6] x", "", "y = ReduceMean(x)", 30),
    "ArgMax": ("float[5,6] x", "", "y = ArgMax(x)", 30),
    "Transpose": ("float[5,6] x", "", "y = Transpose(x)", 0),
    "Concat": ("float[5,6] x", "", "y = Concat<axis=0>(x, x)", 0),
    "Cast": ("float[5,6] x", "", "y = Cast<to=10>(x)", 0),
    "Reshape": ("float[5,6] x", "", "s = Constant<value=int64[1] {30}>() y = Reshape(x, s)", 0),
    "TopK": ("float[4,32] x", "", "k = Constant<value=int64[1] {8}>() y, i = TopK(x, k)", 4 * 32 * 3),
    "Resize nearest": (
        "float[1,1,4,4] x",
        "",
        's = Constant<value_floats=[1.0,1.0,2.0,2.0]>() y = Resize<mode="nearest">(x, "", s)',
        0,
    ),
    "Resize linear": (
        "float[1,1,4,4] x",
        "",
        's = Constant<value_floats=[1.0,1.0,2.0,2.0]>() y = Resize<mode="linear">(x, "", s)',
        64 * 2 * 4,
    ),
    "GridSample": ("float[1,1,4,4] x, float[1,2,3,2] t", "", 'y = GridSample<mode="bilinear">(x, t)', 6 * 2 * 4),
    "Det": ("float[2,3,3] x", "", "y = Det(x)", 2 * 18),
    "RoiAlign": (
        "float[1,2,8,8] x, float[3,4] r, int64[3] i",
        "",
        "y = RoiAlign<output_height=2, output_width=2, sampling_ratio=2>(x, r, i)",
        8 * 4 * 24,
    ),
    "DFT": ("float[3,8,1] x", "", "y = DFT<axis=1>(x)", 3 * 5 * 8 * 3),
}


@pytest.mark.parametrize("name", PER_ELEMENT)
def test_all_else_counts_by_element(name: str, tmp_path: Path) -> None:
    """Elementwise work counts outputs, reductions count inputs, windows count their elements, moving counts nothing."""
    inputs, stored, node, expected = PER_ELEMENT[name]
    assert _flops(tmp_path, 19, inputs, stored, node) == expected


def test_boxes_are_compared_with_those_kept(tmp_path: Path) -> None:
    """NonMaxSuppression: 10 for each of 2 classes, 6 boxes and at most 4 kept; its output's length must be recorded."""
    text = """<ir_version: 9, opset_import: ["": 17]> g (float[1,6,4] x, float[1,2,6] s) => (int64[8,3] y)
        { k = Constant<value=int64[1] {4}>() y = NonMaxSuppression(x, s, k) }"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    graph = read(path)
    assert graph.flops is not None
    assert graph.flops.tolist() == [10 * 2 * 6 * 4]


HANGING = {
    "a limit that is fed": ("float[1,6,4] x, float[1,2,6] s, int64[1] k", "y = NonMaxSuppression(x, s, k)", True),
    "as many samples as an area has": ("float[1,2,8,8] x, float[3,4] r, int64[3] i", "y = RoiAlign(x, r, i)", True),
    "so many samples": ("float[1,2,8,8] x, float[3,4] r, int64[3] i", "y = RoiAlign<sampling_ratio=2>(x, r, i)", False),
}


@pytest.mark.parametrize("name", HANGING)
def test_work_that_hangs_on_elements_is_a_guess(name: str, tmp_path: Path) -> None:
    """What only a run can tell is marked as a guess."""
    inputs, node, is_guess = HANGING[name]
    output = "int64[8,3] y" if "NonMax" in node else "float[3,2,1,1] y"
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["": 19]> g ({inputs}) => ({output}) {{ {node} }}')
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    graph = read(path)
    assert graph.is_guess is not None
    assert graph.is_guess.tolist() == [is_guess]


def test_every_operator_of_onnx_has_a_rule_or_is_a_guess_on_purpose() -> None:
    """A new operator does not slip in unseen: what is guessed is listed here, for it depends on the elements."""
    with_bodies = {"If", "Loop", "Scan", "SequenceMap"}
    guessed = {"ImageDecoder", "Multinomial", "RegexFullMatch", "StringNormalizer", "StringSplit", "TfIdfVectorizer"}
    operators = {schema.name for schema in defs.get_all_schemas_with_history() if schema.domain == ""}
    assert operators - set(rules.RULES) - with_bodies == guessed


def test_every_operator_of_classical_machine_learning_has_a_rule() -> None:
    """All of ai.onnx.ml is counted by definition."""
    operators = {f"{schema.domain}.{schema.name}" for schema in defs.get_all_schemas() if schema.domain == "ai.onnx.ml"}
    assert operators <= set(rules.RULES)


def test_an_unknown_operator_counts_by_the_bytes_it_moves(tmp_path: Path) -> None:
    """A custom operator counts 16 for each byte of its inputs and outputs, whose shapes the file must record."""
    text = """<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> g (float[2,3] x) => (float[2,3] y, float[4] z)
        { y, z = com.acme.Twist(x) }"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    graph = read(path)
    assert graph.flops is not None
    assert graph.op == ["com.acme.Twist"]
    assert math.isclose(graph.flops[0], 16 * 4 * (6 + 6 + 4))
    assert graph.is_guess is not None
    assert graph.is_guess.tolist() == [True]


def test_an_operator_in_a_body_makes_its_node_a_guess(tmp_path: Path) -> None:
    """A node without a rule in a branch makes the node that runs it a guess; one with a rule does not."""
    branches = "then_branch = t () => (float[2] u) {{ u = {}(x) }}, else_branch = e () => (float[2] v) {{ v = Neg(x) }}"
    for op, is_guess in (("com.acme.Twist", True), ("Relu", False)):
        text = f"""<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> g (bool c, float[2] x) => (float[2] y)
            {{ y = If (c) <{branches.format(op)}> }}"""
        path = tmp_path / "model.onnx"
        path.write_bytes(parser.parse_model(text).SerializeToString())
        graph = read(path)
        assert graph.is_guess is not None
        assert graph.is_guess.tolist() == [is_guess]


def test_a_formula_goes_before_the_tables_and_is_no_guess(tmp_path: Path) -> None:
    """Shapes, elements and integer attributes are named in formulas; functions take the shapes of both sides."""
    text = """<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> g (float[2,3] x, float[3,4] w) => (float[2,4] z)
        { y = com.acme.Twist<K=3>(x, w) z = Relu(y) }"""
    model = parser.parse_model(text)
    model.graph.value_info.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 4)))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    typed = read(path, flops={"com.acme::Twist": "2 * out0 * in0.shape[-1] + in1 - K", "Relu": "7"})
    called = read(path, flops={"com.acme.Twist": lambda inputs, outputs: inputs[0][1] * math.prod(outputs[0])})
    assert typed.flops is not None
    assert called.flops is not None
    assert typed.is_guess is not None
    assert typed.flops.tolist() == [2 * 8 * 3 + 12 - 3, 7]
    assert called.flops.tolist() == [24, 8]
    assert not typed.is_guess.any()


@pytest.mark.parametrize("taken", [0, 1])
def test_a_formula_may_be_for_a_branch_that_is_not_taken(taken: int, tmp_path: Path) -> None:
    """Sizes or constants may decide which one is; a model of other sizes takes it."""
    text = f"""<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> g (float[2,3] x) => (float[2,3] y)
        <bool c = {{{taken}}}> {{ y = If(c)<then_branch = t () => (float[2,3] u) {{ u = com.acme.Twist(x) }},
                                 else_branch = e () => (v) {{ v = Relu(x) }}> }}"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    graph = read(path, flops={"com.acme.Twist": "7"})
    assert graph.flops is not None
    assert graph.flops.tolist() == [7 if taken else 6]


WRONG = {
    "an operator that is not there": ({"com.acme.Twirl": "1"}, "has no such operator"),
    "an input that is not there": ({"com.acme.Twist": "in7"}, "1 input"),
    "an axis that is not there": ({"com.acme.Twist": "in0.shape[2]"}, r"\(2, 3\)"),
    "a name that means nothing": ({"com.acme.Twist": "seconds"}, "no name here"),
    "a negative number": ({"com.acme.Twist": "0 - out0"}, "no number of operations"),
    "a division by zero": ({"com.acme.Twist": "1 / (in0 - in0)"}, "gives no number"),
    "a function that fails": ({"com.acme.Twist": lambda inputs, _outputs: inputs[9]}, "IndexError"),
    "a function of text": ({"com.acme.Twist": lambda _inputs, _outputs: "many"}, "no number of operations"),
    "no formula at all": ({"com.acme.Twist": 7}, "neither a formula nor a function"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_formula_is_named(name: str, tmp_path: Path) -> None:
    """Whatever is wrong with it, one line names the operator and the fault."""
    text = """<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> g (float[2,3] x) => (float[2,3] y)
        { y = com.acme.Twist(x) }"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    given, fault = WRONG[name]
    with pytest.raises(InputError, match=fault):
        read(path, flops=given)  # type: ignore[arg-type] # some are wrong on purpose
