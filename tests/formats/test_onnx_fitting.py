"""Models of which a node does not fit what it reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from onnx import parser

from slicegraph.errors import InputError
from slicegraph.formats.onnx import read

_LATER = '["location": "absent"]'
MISFITS = {
    "channels of groups": (
        f"float[1,3,8,8] x) => (y) <float[4,3,3,3] w = {_LATER}> {{ y = Conv<group=2>(x, w) }}",
        "node 'y' (Conv): its input has 3 channels, and its weights take 3 in each of 2 groups",
    ),
    "channels that groups make": (
        f"float[1,4,8,8] x) => (y) <float[3,2,3,3] w = {_LATER}> {{ y = Conv<group=2>(x, w) }}",
        "node 'y' (Conv): 3 channels are no multiple of group = 2",
    ),
    "no groups": (
        f"float[1,4,8,8] x) => (y) <float[3,0,3,3] w = {_LATER}> {{ y = Conv<group=0>(x, w) }}",
        "node 'y' (Conv): its input has 4 channels, and its weights take 0 in each of 0 groups",
    ),
    "channels of a transposed convolution": (
        f"float[1,4,8,8] x) => (y) <float[3,2,3,3] w = {_LATER}> {{ y = ConvTranspose(x, w) }}",
        "node 'y' (ConvTranspose): its input has 4 channels, and its weights take 3",
    ),
    "elements of a step": (
        f"""float[6,2,5] x) => (y) <float[1,12,3] w = {_LATER}, float[1,12,4] r = {_LATER}>
        {{ y = GRU<hidden_size=4>(x, w, r) }}""",
        "node 'y' (GRU): its input has 5 elements a step, and its weights take 3",
    ),
    "lengths of an index": (
        'float[2,3] x, float[4,5] z) => (y) { y = Einsum<equation="ij,jk->ik">(x, z) }',
        "node 'y' (Einsum): the index 'j' has the lengths 3 and 4",
    ),
    "lengths behind an ellipsis": (
        'float[7,2,3] x, float[4,5] z) => (y) { y = Einsum<equation="...j,jk->...k">(x, z) }',
        "node 'y' (Einsum): the index 'j' has the lengths 3 and 4",
    ),
    "rows of packed weights": (
        f"""float[2,64] x) => (y) <uint8[32,4,8] w = {_LATER}, float[128] s = {_LATER}>
        {{ y = com.microsoft.MatMulNBits<K=128, N=32, bits=4, block_size=16>(x, w, s) }}""",
        "node 'y' (com.microsoft.MatMulNBits): its input has rows of 64 elements, and K = 128",
    ),
    "columns of packed weights": (
        f"""float[2,64] x) => (y) <uint8[32,4,8] w = {_LATER}, float[128] s = {_LATER}>
        {{ y = com.microsoft.MatMulNBits<K=64, N=64, bits=4, block_size=16>(x, w, s) }}""",
        "node 'y' (com.microsoft.MatMulNBits): its weights hold 1024 bytes, and N = 64 takes 2048",
    ),
    "columns of weights in four bits": (
        f"""float[2,5] x) => (y) <uint8[8] w = {_LATER}, float[1] s = {_LATER}>
        {{ y = com.microsoft.MatMulBnb4<K=5, N=4, block_size=32, quant_type=1>(x, w, s) }}""",
        "node 'y' (com.microsoft.MatMulBnb4): its weights hold 8 bytes, and N = 4 takes 10",
    ),
    "elements of a bias": (
        f"float[1,3,8,8] x) => (y) <float[4,3,3,3] w = {_LATER}, float[5] b = {_LATER}> {{ y = Conv(x, w, b) }}",
        "node 'y' (Conv): it makes 4 channels, and its bias has 5 elements",
    ),
    "elements of a shape": (
        "float[2,3] x) => (y) <int64[2] s = {4, 5}> { y = Reshape(x, s) }",
        "node 'y' (Reshape): its input has 6 elements, and its output 20",
    ),
    "a loop's body": (
        f"""float[1,3,8,8] x) => (y) <float[3,4,1,1] w = {_LATER}, int64 n = {{3}}>
        {{ y = Loop(n, "", x)<body = b (int64 i, bool c, float[1,3,8,8] h) => (bool k, next)
        {{ k = Identity(c) next = Conv(h, w) }}> }}""",
        "node 'next' (Conv): its input has 3 channels, and its weights take 4 in each of 1 groups",
    ),
    "a product whose size is recorded": (
        "float[2,3] x, float[4,5] z) => (float[2,5] y) { p = MatMul(x, z) y = Relu(p) }",
        "node 'p' (MatMul): Incompatible dimensions for matrix multiplication",
    ),
    "a product that nothing reads": (
        "float[2,3] x, float[4,5] z) => (y) { p = MatMul(x, z) y = Relu(x) }",
        "node 'p' (MatMul): Incompatible dimensions for matrix multiplication",
    ),
    "what a loop's body carries on": (
        """float[2,3] x, float[4,5] z) => (float[2,5] y) <int64 n = {3}>
        { y = Loop(n, "", x)<body = b (int64 i, bool c, h) => (k, next)
        { k = Identity(c) p = MatMul(h, z) next = Relu(p) }> }""",
        "node 'p' (MatMul): Incompatible dimensions for matrix multiplication",
    ),
    "what a scan's body makes": (
        """float[2,3] x, float[7,4,5] z) => (y) { y, s = Scan<num_scan_inputs=1, body = b (h, v) => (next, p)
        { next = Relu(h) p = MatMul(h, v) }>(x, z) }""",
        "node 'p' (MatMul): Incompatible dimensions for matrix multiplication",
    ),
    "a branch that is known to run": (
        """float[2,3] x, float[4,5] z) => (float[2,5] y) <bool c = {1}> { y = If(c)<then_branch = t () => (p)
        { p = MatMul(x, z) }, else_branch = e () => (q) { q = Relu(x) }> }""",
        "node 'p' (MatMul): Incompatible dimensions for matrix multiplication",
    ),
    "both branches": (
        f"""float[1,3,8,8] x, bool c) => (y) <float[3,4,1,1] w = {_LATER}>
        {{ y = If(c)<then_branch = t () => (u) {{ u = Conv(x, w) }},
                     else_branch = e () => (v) {{ v = Conv(x, w) }}> }}""",
        "node 'u' (Conv): its input has 3 channels, and its weights take 4 in each of 1 groups",
    ),
    "experts": (
        f"""float[4,8] x, float[4,2] r) => (y) <float[2,16,8] f = {_LATER}, float[2,8,16] s = {_LATER}>
        {{ y = com.microsoft.MoE<k=3>(x, r, f, "", s) }}""",
        "node 'y' (com.microsoft.MoE): k = 3 of 2 experts",
    ),
}
FITTING = {
    "packed columns of which the last block is short": (
        f"float[2,40] x) => (y) <uint8[32,3,8] w = {_LATER}, float[96] s = {_LATER}> "
        "{ y = com.microsoft.MatMulNBits<K=40, N=32, bits=4, block_size=16>(x, w, s) }"
    ),
    "an odd number of elements in four bits": (
        f"float[2,5] x) => (y) <uint8[8,1] w = {_LATER}, float[1] s = {_LATER}> "
        "{ y = com.microsoft.MatMulBnb4<K=5, N=3, block_size=32, quant_type=1>(x, w, s) }"
    ),
    "a packed product that is left out": (
        f"float[2,64] x) => (y) <uint8[32,0,8] w = {_LATER}, float[0] s = {_LATER}> "
        "{ y = com.microsoft.MatMulNBits<K=64, N=32, bits=4, block_size=16>(x, w, s) }"
    ),
    "weights of which eight are packed in a number": (
        f"float[2,64] x) => (y) <int32[8,32] w = {_LATER}, float[128] s = {_LATER}> "
        "{ y = com.microsoft.MatMulNBits<K=64, N=32, bits=4, block_size=16>(x, w, s) }"
    ),
    "weights in four bits from the other side": (
        f"float[2,4] x) => (float[2,5] y) <uint8[10] w = {_LATER}, float[1] s = {_LATER}> "
        "{ y = com.microsoft.MatMulBnb4<K=5, N=4, block_size=32, quant_type=1, transB=0>(x, w, s) }"
    ),
    "a shape with what is left": "float[2,3] x) => (y) <int64[2] s = {0, -1}> { y = Reshape(x, s) }",
    "a body that never runs": (
        f"""float[1,3,8,8] x) => (y) <float[3,4,1,1] w = {_LATER}, int64 n = {{0}}>
        {{ y = Loop(n, "", x)<body = b (int64 i, bool c, float[1,3,8,8] h) => (bool k, next)
        {{ k = Identity(c) next = Conv(h, w) }}> }}"""
    ),
    "one index of a length of 1": 'float[2,1] x, float[4,5] z) => (y) { y = Einsum<equation="ij,jk->ik">(x, z) }',
    "an ellipsis": 'float[7,2,3] x, float[3,5] z) => (y) { y = Einsum<equation="...j,jk->...k">(x, z) }',
    "groups": f"float[1,4,8,8] x) => (y) <float[6,2,3,3] w = {_LATER}> {{ y = Conv<group=2>(x, w) }}",
    "all experts": (
        f"float[4,8] x, float[4,2] r) => (y) <float[2,16,8] f = {_LATER}, float[2,8,16] s = {_LATER}> "
        '{ y = com.microsoft.MoE<k=2>(x, r, f, "", s) }'
    ),
    "a branch with packed weights for another width": (
        f"""float[2,64] x, bool c) => (y) <uint8[32,4,8] w = {_LATER}, float[128] s = {_LATER}> {{ y = If(c)<
        then_branch = t () => (p) {{ p = com.microsoft.MatMulNBits<K=128, N=32, bits=4, block_size=16>(x, w, s) }},
        else_branch = e () => (q) {{ q = com.microsoft.MatMulNBits<K=64, N=32, bits=4, block_size=16>(x, w, s) }}> }}"""
    ),
    "a branch with a loop whose body does not fit": (
        """float[2,3] x, float[4,5] z, bool c) => (y) <int64 n = {3}> { y = If(c)<then_branch = t () => (p)
        { p = Loop(n, "", x)<body = b (int64 i, bool d, h) => (k, r) { k = Identity(d) r = MatMul(h, z) }> },
        else_branch = e () => (q) { q = Relu(x) }> }"""
    ),
    "a branch of which no run computes the node": (
        f"float[1,4,8,8] x, bool c) => (y) <float[3,2,3,3] w = {_LATER}, float[3,4,3,3] v = {_LATER}> {{ y = If(c) <"
        "then_branch = t () => (a) { a = Conv<group=2>(x, w) }, else_branch = e () => (b) { b = Conv(x, v) }> }"
    ),
}


def _model(tmp_path: Path, text: str, imports: str = '"": 17, "com.microsoft": 1', dropped: str | None = None) -> Path:
    model = parser.parse_model(f"<ir_version: 9, opset_import: [{imports}]> {text}")
    kept = [each for each in model.opset_import if each.domain != dropped]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("name", MISFITS)
def test_a_node_that_does_not_fit_what_it_reads_is_refused_by_name(name: str, tmp_path: Path) -> None:
    """In one line with the rule."""
    text, complaint = MISFITS[name]
    with pytest.raises(InputError, match=re.escape(complaint) + "$"):
        read(_model(tmp_path, f"g ({text}"))


@pytest.mark.parametrize("name", FITTING)
def test_what_fits_is_read(name: str, tmp_path: Path) -> None:
    """Also a branch that does not, beside one that does."""
    assert len(read(_model(tmp_path, f"g ({FITTING[name]}")).op) == 1


def test_terms_of_an_einsum_are_as_many_as_its_inputs_and_have_their_ranks(tmp_path: Path) -> None:
    """Also where the file records what it makes."""
    for equation, complaint in (
        ("ij,jk,kl->il", "Number of input tensors does not match the operands in the equation."),
        ("i,jk->k", "Rank of input 0 (2) does not match the equation indices (1)."),
        ("ijk...,jk->k", "Ellipsis represents incompatible dimensions for input 0. Rank 2 is less than term size 3."),
    ):
        text = f'g (float[2,3] x, float[3,5] z) => (float[5] y) {{ y = Einsum<equation="{equation}">(x, z) }}'
        with pytest.raises(InputError, match=re.escape(f"node 'y' (Einsum): {complaint}")):
            read(_model(tmp_path, text))


def test_a_model_without_the_operator_set_of_its_nodes_is_refused(tmp_path: Path) -> None:
    """One that imports nothing is of the time before operator sets."""
    text = "g (float[5] x) => (float[5] y) { z = Relu(x) y = com.microsoft.Gelu(z) }"
    complaint = "node 'z' (Relu): the model imports no operator set of ONNX, only 'com.microsoft'"
    with pytest.raises(InputError, match=re.escape(complaint) + "$"):
        read(_model(tmp_path, text, dropped=""))
    assert read(_model(tmp_path, "g (float[5] x) => (float[5] y) { y = Relu(x) }", '"": 17', "")).op == ["Relu"]
    alone = "g (float[5] x) => (float[5] y) { y = com.microsoft.Gelu(x) }"
    assert len(read(_model(tmp_path, alone, dropped="")).op) == 1
