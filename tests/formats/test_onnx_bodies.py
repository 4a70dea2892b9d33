"""If, Loop, Scan and SequenceMap: one node each, with what their bodies capture, compute and store."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read


def _read(tmp_path: Path, text: str, opset: int = 17, **dims: int) -> GraphArrays:
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(f'<ir_version: 9, opset_import: ["": {opset}]> {text}').SerializeToString())
    return read(path, dims=dims)


def _readers(graph: GraphArrays, name: str) -> list[int]:
    assert graph.tensor_name is not None
    tensor = list(graph.tensor_name).index(name)
    return list(graph.consumers[graph.consumer_offsets[tensor] : graph.consumer_offsets[tensor + 1]])


IF = """g (bool c, float[2,8] x, float[2,8] z) => (float[2,8] y) <float[8,8] w = ["location": "absent"]>
    { r = Relu(x)
      y = If(c)<then_branch = a () => (float[2,8] u) <float[8] own = {1,2,3,4,5,6,7,8}>
                  { m = MatMul(r, w) u = Add(m, own) },
                else_branch = b () => (float[2,8] v) { v = Add(r, z) }> }"""


def test_a_condition_captures_what_either_branch_reads(tmp_path: Path) -> None:
    """Values from outside are inputs of the node, whichever branch reads them."""
    graph = _read(tmp_path, IF)
    assert graph.op == ["Relu", "If"]
    assert graph.tensor_name == ["c", "x", "z", "r", "y"]
    assert [_readers(graph, name) for name in ("c", "x", "z", "r")] == [[1], [0], [1], [1]]


def test_a_condition_costs_its_dearer_branch(tmp_path: Path) -> None:
    """The product and the bias of one branch, not the sum of the other; parameters of both are resident."""
    graph = _read(tmp_path, IF)
    assert graph.flops is not None
    assert graph.param_bytes is not None
    assert graph.flops[1] == 2 * 2 * 8 * 8 + 16
    assert graph.param_bytes[1] == 8 * 8 * 4 + 8 * 4


def test_a_known_condition_takes_its_branch(tmp_path: Path) -> None:
    """Exporters ask shapes: the branch not taken neither costs nor spoils the shape, and still the node is one."""
    text = """g (float[1,n] x) => (y) <int64[1] zero = {0}, int64[1] one = {1}>
        { s = Shape(x) d = Gather(s, zero) c = Equal(d, one)
          y = If(c)<then_branch = a () => (u) { u = Squeeze(x, zero) },
                    else_branch = b () => (v) { k = Exp(x) v = Exp(k) }> z = Relu(y) }""".replace(
        "=> (y) <", "=> (z) <"
    )
    graph = _read(tmp_path, text, n=6)
    assert graph.op == ["If", "Relu"]
    assert graph.flops is not None
    assert graph.flops.tolist() == [0, 6]
    assert graph.size.tolist() == [24, 24, 24]


@pytest.mark.parametrize("chosen", ["", "then", "else"])
def test_what_one_branch_reads_the_other_does_not(chosen: str, tmp_path: Path) -> None:
    """Each branch has a table of its own: a run reads one of them, whether or not the condition is known."""
    text = """g ({}float[2,8] x) => (float[2,8] y)
        <float[8,8] a = ["location": "absent"], float[8,8] b = ["location": "absent"]{}>
        {{ y = If(c)<then_branch = t () => (u) {{ u = MatMul(x, a) }},
                      else_branch = e () => (v) {{ v = MatMul(x, b) }}> }}"""
    known = f", bool c = {{{int(chosen == 'then')}}}"
    graph = _read(tmp_path, text.format("", known) if chosen else text.format("bool c, ", ""))
    assert graph.read_bytes is not None
    assert graph.read_bytes.tolist() == [1 + 64 + 256]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_weights_of_a_branch_that_is_known_not_to_run_are_not_stored(depth: int, tmp_path: Path) -> None:
    """Nor is what only it captures read: also of a branch in a loop, or in a branch that may run."""
    text = """{ y = If(c)<then_branch = t () => (u) { u = MatMul(x, a) },
                  else_branch = e () => (v) { q = Add(x, r) v = MatMul(q, b) }> }"""
    if depth == 2:
        text = f"""{{ n = Constant<value=int64 {{3}}>()
            z = Loop(n, "", x)<body = l (int64 i, bool k, h) => (k2, y) {{ k2 = Identity(k) {text[1:-1]} }}> }}"""
    if depth == 3:
        text = f"""{{ z = If(maybe)<then_branch = o () => (y) {text},
                                 else_branch = p () => (w) {{ w = Neg(x) }}> }}"""
    graph = _read(
        tmp_path,
        f"""g (float[2,8] x, float[2,8] f, bool maybe) => (float[2,8] {"y" if depth == 1 else "z"})
        <float[8,8] a = ["location": "absent"], float[8,8] b = ["location": "absent"], bool c = {{1}}>
        {{ r = Relu(f) {text[1:]}""",
    )
    assert len(graph.op) == 1
    assert graph.param_bytes is not None
    # The number of trips is a list of its own, and the condition is stored.
    assert graph.param_bytes.tolist() == [256 + 1 + 8 * (depth == 2)]


def test_a_loop_reads_the_rows_that_its_body_gathers(tmp_path: Path) -> None:
    """A table of 1,000 rows is stored whole; three rounds read a row of it each, with the place of the row."""
    text = """g (float[4] x) => (float[4] y) <float[1000,4] w = ["location": "absent"]>
        { n = Constant<value=int64 {3}>()
          y = Loop(n, "", x)<body = b (int64 i, bool c, float[4] h) => (bool k, float[4] next)
            { k = Identity(c) r = Gather(w, i) next = Add(h, r) }> }"""
    graph = _read(tmp_path, text)
    assert graph.read_bytes is not None
    assert graph.param_bytes is not None
    assert graph.read_bytes.tolist() == [3 * ((16 + 8) + (16 + 16))]
    assert graph.param_bytes.tolist() == [16000 + 8]


def test_a_branch_that_passes_on_what_is_around_it_reads_it(tmp_path: Path) -> None:
    """One branch returns a value as it is, which is copied out; the other reads less."""
    text = """g (bool c, float[2,8] x, float[1,8] z) => (float[2,8] y)
        { y = If(c)<then_branch = t () => (x) {},
                    else_branch = e () => (float[2,8] v) { v = Concat<axis=0>(z, z) }> }"""
    graph = _read(tmp_path, text)
    assert graph.read_bytes is not None
    assert graph.read_bytes.tolist() == [1 + 64]


def test_branches_of_unlike_shape_leave_the_shape_open(tmp_path: Path) -> None:
    """Unless the file records one: then that is taken."""
    text = """g (bool c, float[2,3] x) => (y)
        { y = If(c)<then_branch = a () => (u) { u = Relu(x) },
                    else_branch = b () => (v) { v = Concat<axis=0>(x, x) }> }"""
    with pytest.raises(InputError, match="the size of 1 tensor is unknown: 'y'; record"):
        _read(tmp_path, text)
    assert _read(tmp_path, text.replace("=> (y)", "=> (float[4,3] y)")).size.tolist() == [1, 24, 48]


LOOP = """g (float[2,4] x) => (float[2,4] y, float[5,2,4] all) <float[4,4] w = ["location": "absent"]>
    { n = Constant<value=int64 {5}>() t = Constant<value=bool {1}>()
      y, all = Loop(n, t, x)<body = b (int64 i, bool c, float[2,4] h) => (bool k, float[2,4] next, float[2,4] out)
        { k = Identity(c) m = MatMul(h, w) next = Tanh(m) out = Identity(next) }> }"""


def test_a_loop_runs_its_body_as_often_as_its_constant_says(tmp_path: Path) -> None:
    """Five products and five activations; every round reads the state and the captured weight again."""
    graph = _read(tmp_path, LOOP)
    assert graph.op == ["Loop"]
    assert graph.flops is not None
    assert graph.read_bytes is not None
    assert graph.write_bytes is not None
    assert graph.param_bytes is not None
    assert graph.flops[0] == 5 * (2 * 2 * 4 * 4 + 8)
    assert graph.read_bytes[0] == 5 * ((32 + 64) + 32)
    assert graph.write_bytes[0] == 5 * (32 + 32)
    assert graph.param_bytes[0] == 64 + 8 + 1
    assert graph.size.tolist() == [32, 32, 5 * 32]


@pytest.mark.parametrize("count", ["int64 {9223372036854775807}", "int64 {2147483647}"])
def test_a_loop_without_a_count_counts_once(count: str, tmp_path: Path) -> None:
    """What means "until the condition fails" is no trip count; what is stacked then needs a recorded shape."""
    graph = _read(tmp_path, LOOP.replace("int64 {5}", count))
    assert graph.flops is not None
    assert graph.flops[0] == 2 * 2 * 4 * 4 + 8
    assert graph.size.tolist() == [32, 32, 160]


def test_a_carried_value_that_grows_has_no_known_shape(tmp_path: Path) -> None:
    """The body is asked what it makes of the shape that it gets; what changes is open, what stays is known."""
    text = """g (float[2,4] x) => (y, z)
        { n = Constant<value=int64 {5}>()
          y, z = Loop(n, "", x, x)<body = b (int64 i, bool c, float[a,d] h, float[e,f] s) => (bool k, next, same)
            { k = Identity(c) next = Concat<axis=0>(h, x) same = Relu(s) }> }"""
    with pytest.raises(InputError, match=r"size of 1 tensor is unknown: 'y'; record .*; first is node 'y' \(Loop\)$"):
        _read(tmp_path, text)


def test_a_scan_runs_its_body_for_each_element(tmp_path: Path) -> None:
    """Seven steps along axis 1 of the input, stacked along axis 1 of the output."""
    text = """g (float[3] state, float[2,n,3] x) => (final, ys)
        { final, ys = Scan<num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1]
            , body = b (float[3] s, float[2,3] e) => (float[3] s2, float[2,3] o)
            { o = Add(e, s) s2 = ReduceSum<keepdims=0>(o, ax) }>(state, x) }""".replace(
        "=> (final, ys)", "=> (final, ys) <int64[1] ax = {0}>"
    )
    graph = _read(tmp_path, text, n=7)
    assert graph.op == ["Scan"]
    assert graph.flops is not None
    assert graph.flops[0] == 7 * (6 + 6)
    assert graph.size.tolist() == [12, 2 * 7 * 3 * 4, 12, 2 * 7 * 3 * 4]


def test_a_map_runs_its_body_for_each_item(tmp_path: Path) -> None:
    """Three items of 8 floats, made from tensors, are mapped to three items of 2 floats."""
    text = """g (float[8] x) => (y)
        { s = SequenceConstruct(x, x, x)
          t = SequenceMap(s)<body = b (float[8] e) => (o) { o = Slice(e, zero, two) q = Exp(e) }>
          y = SequenceAt(t, i) }"""
    stored = "<int64[1] zero = {0}, int64[1] two = {2}, int64 i = {0}>"
    graph = _read(tmp_path, text.replace("=> (y)", f"=> (y) {stored}"))
    assert graph.op == ["SequenceConstruct", "SequenceMap", "SequenceAt"]
    assert graph.flops is not None
    assert graph.flops.tolist() == [0, 3 * 8, 0]
    assert graph.size.tolist() == [32, 96, 24, 8]


def test_bodies_within_bodies_multiply(tmp_path: Path) -> None:
    """A loop of 3 around a loop of 4 around a capture of the outermost graph."""
    text = """g (float[5] x) => (y)
        { n = Constant<value=int64 {3}>() m = Constant<value=int64 {4}>() w = Exp(x)
          y = Loop(n, "", x)<body = b (int64 i, bool c, float[5] h) => (bool k, h2) { k = Identity(c)
            h2 = Loop(m, "", h)<body = d (int64 j, bool e, float[5] u) => (bool l, u2)
              { l = Identity(e) u2 = Add(u, w) }> }> }"""
    graph = _read(tmp_path, text)
    assert graph.op == ["Exp", "Loop"]
    assert graph.flops is not None
    assert graph.flops.tolist() == [5, 3 * 4 * 5]
    assert _readers(graph, "w") == [1]


def test_unknown_dimensions_in_a_body_count_as_one(tmp_path: Path) -> None:
    """Only what leaves the node must have a shape: inside, the places of what is not zero are guessed to be one column.

    Where the branch records a shape, it is no guess, nor is a loop that never runs, but one with a value that grows is.
    """
    text = """g (bool c, float[6] x) => (float[1] y)
        { y = If(c)<then_branch = a () => (float[1] u) { p = NonZero(x) f = Cast<to=1>(p) e = Exp(f)
                      u = ReduceSum<keepdims=0>(e, ax) },
                    else_branch = b () => (float[1] v) { v = ReduceSum<keepdims=1>(x) }> }""".replace(
        "=> (float[1] y)", "=> (float[1] y) <int64[1] ax = {1}>"
    )
    graph = _read(tmp_path, text)
    assert graph.flops is not None
    assert graph.is_guess is not None
    assert (graph.flops.tolist(), graph.is_guess.tolist()) == ([6], [True])
    graph = _read(tmp_path, text.replace("(float[1] u)", "(float[1] u) <int64[1,4] p>"))
    assert graph.flops is not None
    assert graph.is_guess is not None
    assert (graph.flops.tolist(), graph.is_guess.tolist()) == ([8], [False])
    text = """g (float[1,4] x) => (float[9,4] y) <int64 n = {8}>
        { y = Loop(n, "", x)<body = b (int64 i, bool c, h) => (k, next)
            { k = Identity(c) e = Exp(h) next = Concat<axis=0>(e, x) }> }"""
    for trips, is_guess in ((8, True), (0, False)):
        graph = _read(tmp_path, text.replace("{8}", f"{{{trips}}}"))
        assert graph.flops is not None
        assert graph.is_guess is not None
        assert (graph.flops.tolist(), graph.is_guess.tolist()) == ([4 * trips], [is_guess])


def test_a_body_that_reads_an_unknown_value_is_refused(tmp_path: Path) -> None:
    """The message names the node and the value, also from within."""
    text = """g (bool c, float[2] x) => (y)
        { y = If(c)<then_branch = a () => (u) { u = Relu(ghost) }, else_branch = b () => (v) { v = Relu(x) }> }"""
    with pytest.raises(InputError, match=r"model\.onnx: node 'y' \(If\) reads 'ghost', which nothing makes$"):
        _read(tmp_path, text)


BROKEN = {
    "y = If(c)<then_branch = a () => (u) { u = Relu(x) }>": "has no else_branch",
    'y = Loop("", c, x)': "has no body",
    'y = Loop("", c, x)<body = b (int64 i) => (bool k) { k = Identity(c) }>': "gives 3 values to a body with 1 inputs",
    'y = Loop("", c, x)<body = b (int64 i, bool d, h) => (bool k) { k = Identity(d) }>': "its body returns 1 values",
    "y = Scan<num_scan_inputs=2, body = b (h) => (o) { o = Relu(h) }>(x)": "does not fit its num_scan_inputs = 2",
}


@pytest.mark.parametrize("node", BROKEN)
def test_a_malformed_body_is_refused_by_name(node: str, tmp_path: Path) -> None:
    """The message names the node and what does not fit."""
    with pytest.raises(InputError, match=f"node 'y' .*{BROKEN[node]}"):
        _read(tmp_path, f"g (bool c, float[2] x) => (y) {{ {node} }}")


RATES = """g (float[n,m] x, float[16,3] p, float[8,3] q, bool c) => (y)
    {{ b = If(c)<then_branch = t () => (u) {{ {} }}, else_branch = e () => (v) {{ {} }}> y = Relu(b) }}"""


@pytest.mark.parametrize(
    ("then", "other", "length"),
    [
        ("u = MatMul(x, p)", "v = MatMul(x, q)", 16),
        ("u = MatMul(x, p)", "v = MatMul(x, q)", 8),
        ("k = MatMul(x, q) u = Relu(k)", "v = MatMul(x, p)", 16),
        (
            "u = If(c)<then_branch = a () => (s) { s = MatMul(x, q) }, else_branch = d () => (r) { r = MatMul(x, q) }>",
            "v = If(c)<then_branch = h () => (s) { s = MatMul(x, q) }, else_branch = f () => (r) { r = MatMul(x, p) }>",
            16,
        ),
    ],
)
def test_a_branch_that_cannot_run_hides_none_that_can(then: str, other: str, length: int, tmp_path: Path) -> None:
    """Models hold one branch per size: sizes and work are those of the branch that fits."""
    graph = _read(tmp_path, RATES.format(then, other), n=2, m=length)
    assert graph.size.tolist()[-2:] == [24, 24]
    assert graph.flops is not None
    assert graph.flops.tolist() == [2 * 2 * 3 * length, 6]


@pytest.mark.parametrize(
    ("then", "other", "fault"),
    [
        ("u = Relu(x)", "k = NonZero(x) v = Cast<to=1>(k)", r"node 'k' \(NonZero\)$"),
        ("u = Relu(x)", "v = Unheard(x)", r"node 'v' \(Unheard\): No Op registered"),
        ("u = Relu(x)", "v = Transpose(x)", ""),
    ],
)
def test_the_size_of_a_branch_that_may_run_is_never_made_up(then: str, other: str, fault: str, tmp_path: Path) -> None:
    """What one makes hangs on its data, its operator is unknown, or both fit and differ."""
    with pytest.raises(InputError, match=r"; first is node 'b' \(If\)" + (f": in it, {fault}" if fault else "$")):
        _read(tmp_path, RATES.format(then, other), n=2, m=9)


def test_a_branch_is_refused_by_its_node_where_none_fits(tmp_path: Path) -> None:
    """The first one of the first branch."""
    with pytest.raises(InputError, match=r"model\.onnx: node 'u' \(MatMul\): Incompatible dimensions"):
        _read(tmp_path, RATES.format("u = MatMul(x, p)", "v = MatMul(x, q)"), n=2, m=9)


def test_a_sequence_that_grows_has_no_known_length(tmp_path: Path) -> None:
    """Its length in the first iteration is none for the others."""
    text = """g (float[2] x) => (y)
        { n = Constant<value_int=3>() zero = Constant<value_int=0>() one = Constant<value_int=1>() e = SequenceEmpty()
          s, y = Loop(n, "", e)<body = b (int64 i, bool c, seq(float[d]) q) => (bool k, q2, r)
            { k = Identity(c) q2 = SequenceInsert(q, x) m = SequenceLength(q) r = Range(zero, m, one) }> }"""
    with pytest.raises(InputError, match=r"unknown: 'y'"):
        _read(tmp_path, text)


MISFITS = {
    "v = Conv(z, k)": "channels",
    "v = Conv<group=2>(z, k)": "channels of two groups",
    "v = ConvTranspose(z, k)": "channels",
    "v = MaxPool<kernel_shape=[9]>(z)": "a window beyond the input",
    "r = Reshape(z, to) v = Neg(r)": "elements",
    "v, last = GRU<hidden_size=3>(z, w, s)": "the width of a step",
    "r = Conv(z, k) o = Shape(r) v = Expand(one, o)": "channels, of what is only measured",
}


@pytest.mark.parametrize("nodes", MISFITS)
def test_a_branch_that_does_not_fit_is_none_that_runs(nodes: str, tmp_path: Path) -> None:
    """Also where inference makes up a size for it; the branch that fits says the size, and what is computed."""
    text = f"""g (float[1,3,5] z, float[2,4,1] k, float[1,9,7] w, float[1,9,3] s, bool c) => (y)
        <int64[2] to = {{2,2}}, float[1] one = {{1}}>
        {{ b = If(c)<then_branch = t () => (u) {{ u = Neg(z) }}, else_branch = e () => (v) {{ {nodes} }}>
           y = Exp(b) }}"""
    graph = _read(tmp_path, text)
    assert graph.size.tolist()[-2:] == [60, 60]
    assert graph.flops is not None
    assert graph.flops.tolist() == [15, 15]
