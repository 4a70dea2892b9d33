"""Named dimensions, recorded shapes, and what is said when a size stays unknown."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import parser

from slicegraph.cli.options import add_dim
from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read


def _read(tmp_path: Path, text: str, dims: dict[str, Any] | None = None) -> GraphArrays:
    path = tmp_path / "model.onnx"
    header = '<ir_version: 9, opset_import: ["": 17, "com.acme": 1]>'
    path.write_bytes(parser.parse_model(f"{header} {text}").SerializeToString())
    return read(path, dims=dims)


DYNAMIC = "g (float[batch,3] x, float[batch,width] z) => (float[batch,w3] y) { y = Concat<axis=1>(x, z) }"


def test_a_named_dimension_gets_its_size_wherever_it_appears(tmp_path: Path) -> None:
    """One value for all inputs that share the name; outputs follow from inference."""
    assert _read(tmp_path, DYNAMIC, {"batch": 4, "width": 5}).size.tolist() == [48, 80, 128]


def test_an_integer_of_numpy_is_a_size(tmp_path: Path) -> None:
    """Sizes come from arrays, too."""
    assert _read(tmp_path, DYNAMIC, {"batch": np.int64(4), "width": np.int32(5)}).size.tolist() == [48, 80, 128]


def test_an_open_dimension_is_asked_for_by_name(tmp_path: Path) -> None:
    """The error lists the tensors and only the dimensions that are still open."""
    expected = (
        r"model\.onnx: the sizes of 3 tensors are unknown: 'x', 'z', 'y'; give --dim batch=VALUE --dim width=VALUE$"
    )
    with pytest.raises(InputError, match=expected):
        _read(tmp_path, DYNAMIC)
    with pytest.raises(InputError, match=r"of 2 tensors are unknown: 'z', 'y'; give --dim width=VALUE$"):
        _read(tmp_path, DYNAMIC, {"batch": 1})


def test_an_unnamed_dimension_is_called_after_input_and_axis(tmp_path: Path) -> None:
    """So it can be given as well; a question mark is no name."""
    text = "g (float[?,3] x) => (y) { y = Relu(x) }"
    with pytest.raises(InputError, match=r"give --dim x\.0=VALUE$"):
        _read(tmp_path, text)
    assert _read(tmp_path, text, {"x.0": 2}).size.tolist() == [24, 24]
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["": 17]> {text}')
    shape = model.graph.input[0].type.tensor_type.shape
    shape.dim[0].dim_param = shape.dim[1].dim_param = "?"
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert read(path, dims={"x.0": 2, "x.1": 5}).size.tolist() == [40, 40]
    shape.dim[0].dim_value = -1
    path.write_bytes(model.SerializeToString())
    assert read(path, dims={"x.0": 3, "x.1": 5}).size.tolist() == [60, 60]


def test_a_name_that_needs_quotes_is_quoted(tmp_path: Path) -> None:
    """What the message says can be typed into a shell."""
    text = "g (float[past] x) => (y) { y = Relu(x) }"
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["": 17]> {text}')
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "past + 1"
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"give --dim 'past \+ 1'=VALUE$"):
        read(path)
    assert read(path, dims={"past + 1": 4}).size.tolist() == [16, 16]


def test_a_name_that_the_file_does_not_use_is_refused(tmp_path: Path) -> None:
    """The message lists those that exist, or says that there are none."""
    with pytest.raises(InputError, match=r"no dimension named 'w4': its dimensions are 'batch', 'width', 'w3'$"):
        _read(tmp_path, DYNAMIC, {"w4": 8})
    with pytest.raises(InputError, match=r"no dimension named 'batch': it names none$"):
        _read(tmp_path, "g (float[2] x) => (y) { y = Relu(x) }", {"batch": 1})


@pytest.mark.parametrize("size", [-1, True, 2.0, "2", None, 1 << 63])
def test_a_size_that_is_none_is_refused(size: object, tmp_path: Path) -> None:
    """Sizes are integers of at least 0, and fit ONNX's own 64 bits."""
    with pytest.raises(InputError, match="dimension 'batch' must be an integer of at least 0, not "):
        _read(tmp_path, DYNAMIC, {"batch": size, "width": 1})


def test_a_long_list_of_tensors_is_cut(tmp_path: Path) -> None:
    """Eight names are enough; the message stays one line."""
    nodes = " ".join(f"t{i + 1} = Relu(t{i})" for i in range(12))
    with pytest.raises(InputError, match=r"sizes of 13 tensors are unknown: 't0', .*'t7' and 5 more; give") as error:
        _read(tmp_path, f"g (float[n] t0) => (t12) {{ {nodes} }}")
    assert "\n" not in str(error.value)


def test_inference_wins_over_a_stale_record(tmp_path: Path) -> None:
    """A file whose input was widened keeps old shapes of inner and returned values: they are ignored."""
    text = "g (float[8,3] x) => (float[1,3] y) <float[1,3] a, float[old,3] b> { a = Relu(x) b = Exp(a) y = Neg(b) }"
    assert _read(tmp_path, text).size.tolist() == [96] * 4


def test_a_record_helps_where_inference_knows_nothing(tmp_path: Path) -> None:
    """A custom operator's output has the recorded shape, given dimensions put in; inference goes on from it."""
    text = """g (float[batch,3] x) => (y) <float[batch,5] a> { a = com.acme.Widen(x) y = Relu(a) }"""
    assert _read(tmp_path, text, {"batch": 2}).size.tolist() == [24, 40, 40]


def test_a_record_fills_only_what_inference_left_open(tmp_path: Path) -> None:
    """How many places are not zero is recorded; that they have two coordinates is known better."""
    text = "g (float[3,4] x) => (int64[9,5] y) { y = NonZero(x) }"
    assert _read(tmp_path, text).size.tolist() == [48, 2 * 5 * 8]


def test_an_operator_that_onnx_does_not_know_is_named(tmp_path: Path) -> None:
    """Without a record the message says where the unknown begins, and why."""
    text = "g (float[2] x) => (y) { a = com.acme.Widen(x) y = Relu(a) }"
    expected = (
        r"unknown: 'a', 'y'; record their shapes in the file's value_info; "
        r"first is node 'a' \(com\.acme\.Widen\): ONNX has no such operator$"
    )
    with pytest.raises(InputError, match=expected):
        _read(tmp_path, text)


def test_a_node_that_cannot_be_is_explained(tmp_path: Path) -> None:
    """What inference complains about reaches the message, also where the file records a size."""
    for record in ("", "float[2,5] "):
        text = f"g (float[2,3] x, float[4,5] z) => ({record}y) {{ y = MatMul(x, z) }}"
        with pytest.raises(InputError, match=r"model\.onnx: node 'y' \(MatMul\): Incompatible dimensions"):
            _read(tmp_path, text)


def test_what_depends_on_data_is_asked_to_be_recorded(tmp_path: Path) -> None:
    """No dimension can help there."""
    with pytest.raises(InputError, match=r"unknown: 'y'; record .* value_info; first is node 'y' \(NonZero\)$"):
        _read(tmp_path, "g (float[2,3] x) => (y) { y = NonZero(x) }")


def test_an_unused_value_needs_no_size(tmp_path: Path) -> None:
    """A dropped output of unknown shape is a tensor of no bytes, and no error."""
    graph = _read(tmp_path, "g (float[2,3] x) => (y) { p = NonZero(x) y = Relu(x) }")
    assert graph.tensor_name == ["x", "p", "y"]
    assert graph.size.tolist() == [24, 0, 24]


COUNTED = """g (float[2,4] x) => (float[found,2] y) <int64[2,found] at, int64[found,2] rows>
    { at = NonZero(x) rows = Transpose(at) y = Cast<to=1>(rows) }"""


def test_a_name_that_only_outputs_and_records_use_can_be_given(tmp_path: Path) -> None:
    """It is asked for, and its size holds wherever it stands."""
    with pytest.raises(InputError, match=r"of 3 tensors are unknown: 'at', 'rows', 'y'; give --dim found=VALUE$"):
        _read(tmp_path, COUNTED)
    assert _read(tmp_path, COUNTED, {"found": 3}).size.tolist() == [32, 48, 48, 24]


def test_an_unnamed_dimension_of_a_record_is_called_after_value_and_axis(tmp_path: Path) -> None:
    """As one of an input is."""
    text = "g (float[2,4] x) => (int64[2,?] y) { y = NonZero(x) }"
    with pytest.raises(InputError, match=r"; give --dim y\.1=VALUE$"):
        _read(tmp_path, text)
    assert _read(tmp_path, text, {"y.1": 5}).size.tolist() == [32, 80]


def test_a_name_within_a_body_can_be_given(tmp_path: Path) -> None:
    """What a branch records is a record like any other."""
    text = """g (float[2,4] x, bool c) => (y) { y = If(c)<then_branch = t () => (int64[2,n] u) { u = NonZero(x) },
        else_branch = e () => (int64[2,n] v) { v = NonZero(x) }> }"""
    assert _read(tmp_path, text, {"n": 3}).size.tolist() == [32, 1, 48]


def test_a_dimension_may_be_zero(tmp_path: Path) -> None:
    """A decoder's first step has no past."""
    assert _read(tmp_path, DYNAMIC, {"batch": 4, "width": 0}).size.tolist() == [48, 0, 48]
    assert _read(tmp_path, DYNAMIC, {"batch": 0, "width": 2}).size.tolist() == [0, 0, 0]


def test_a_size_that_does_not_follow_is_refused(tmp_path: Path) -> None:
    """What outputs alone name must be what the inputs make of it; a name that inputs have may be stale elsewhere."""
    assert _read(tmp_path, DYNAMIC, {"batch": 4, "width": 5, "w3": 8}).size.tolist() == [48, 80, 128]
    with pytest.raises(InputError, match=r"dimension 'w3' is 9, but at 'y' it follows to be 8$"):
        _read(tmp_path, DYNAMIC, {"batch": 4, "width": 5, "w3": 9})
    stale = "g (float[n] x) => (float[n] y) { y = Concat<axis=0>(x, x) }"
    assert _read(tmp_path, stale, {"n": 3}).size.tolist() == [12, 24]


EXPRESSIONS = {
    "2*past": ({"past": 3}, 6),
    "past + seq": ({"past": 5, "seq": 2}, 7),
    "past*seq": ({"past": 3, "seq": 4}, 12),
    "floor(seq/2) + 1": ({"seq": 5}, 3),
    "Max(1, past - seq)": ({"past": 1, "seq": 4}, 1),
    "((seq - 1)//2) + 1": ({"seq": 8}, 4),
}


def _with_expression(text: str, *, is_input: bool) -> Any:
    widened = "a = Relu(x)" if is_input else "a = com.acme.Widen(x)"
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> '
        f"g (float[past,seq] x, float[e] z) => (float[e,4] y) <float[e,4] a> {{ {widened} y = Relu(a) k = Neg(z) }}"
    )
    for info in (model.graph.input[1], *([] if is_input else [model.graph.output[0], model.graph.value_info[0]])):
        info.type.tensor_type.shape.dim[0].dim_param = text
    return model


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_of_named_sizes_is_evaluated(text: str, tmp_path: Path) -> None:
    """In records and at inputs alike; its names are asked for where they stand alone, and the whole may be given."""
    dims, size = EXPRESSIONS[text]
    dims = {"past": 1, "seq": 1} | dims
    path = tmp_path / "model.onnx"
    path.write_bytes(_with_expression(text, is_input=False).SerializeToString())
    graph = read(path, dims=dims)
    sizes = dict(zip(graph.tensor_name or (), graph.size.tolist(), strict=True))
    assert [sizes[name] for name in "zay"] == [4 * size, 16 * size, 16 * size]
    with pytest.raises(InputError, match=r"; give --dim past=VALUE --dim seq=VALUE$"):
        read(path)
    assert read(path, dims=dims | {text: size}).size.tolist() == graph.size.tolist()
    with pytest.raises(InputError) as error:
        read(path, dims=dims | {text: size + 1})
    assert f"dimension {text!r} must be {size} for " in str(error.value)


def test_an_expression_that_makes_no_size_is_refused(tmp_path: Path) -> None:
    """At an input, with the sizes that it was made from; a record that makes none says nothing."""
    path = tmp_path / "model.onnx"
    path.write_bytes(_with_expression("seq/2", is_input=True).SerializeToString())
    with pytest.raises(InputError, match=r"dimension 'seq/2' is no size of at least 0 for seq = 3$"):
        read(path, dims={"past": 1, "seq": 3})


NAMES = [
    "past+1",
    'o\'d "d" $HOME',
    "$(id)",
    "a b",
    "-x",
    "--dim",
    "a=b",
    "*",
    "~",
    "#",
    "ünï",
    "tab\there",
    "\x1b[31m",
    "\\'",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_to_type_works_in_a_shell(name: str, tmp_path: Path) -> None:
    """A shell makes of it the option that gives the dimension its size."""
    model = parser.parse_model('<ir_version: 9, opset_import: ["": 17]> g (float[n] x) => (y) { y = Relu(x) }')
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = name
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError) as error:
        read(path)
    message = str(error.value)
    assert message.isprintable()
    typed = message.partition("; give ")[2].replace("VALUE", "3")
    script = f"printf '%s\\0' {typed}"
    words = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1]  # noqa: S607
    parser_of_words = argparse.ArgumentParser()
    add_dim(parser_of_words)
    assert read(path, dims=dict(parser_of_words.parse_args(words).dim)).size.tolist() == [12, 12]


def test_the_operator_at_fault_is_named_though_it_reads_parameters_alone(tmp_path: Path) -> None:
    """What it feeds is not to blame, however far behind it the first tensor is."""
    text = """g (float[1,3,8,8] x) => (y) <float[4,3,3,3] w>
        { w = Constant<value=float[4,3,3,3] {0}>() r = com.acme.Round(w) s = Neg(r) a = Conv(x, s) y = Relu(a) }"""
    model = parser.parse_model(
        f'<ir_version: 9, opset_import: ["": 17, "com.acme": 1]> {text.replace("{0}", "{" + "0," * 107 + "0}")}'
    )
    del model.graph.value_info[:]
    model.graph.node[1].name = "rounding"
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        InputError, match=r"; first is node 'rounding' \(com\.acme\.Round\): ONNX has no such operator$"
    ):
        read(path)
