"""Named dimensions, recorded shapes, and what is said when a size stays unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import parser

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


def test_a_name_that_no_input_has_is_refused(tmp_path: Path) -> None:
    """The message lists those that exist, or says that there are none."""
    with pytest.raises(InputError, match=r"no dimension named 'w3': those of its inputs are 'batch', 'width'$"):
        _read(tmp_path, DYNAMIC, {"w3": 8})
    with pytest.raises(InputError, match=r"no dimension named 'batch': its inputs have none$"):
        _read(tmp_path, "g (float[2] x) => (y) { y = Relu(x) }", {"batch": 1})


@pytest.mark.parametrize("size", [0, -1, True, 2.0, "2", None, 1 << 63])
def test_a_size_that_is_none_is_refused(size: object, tmp_path: Path) -> None:
    """Sizes are integers of at least 1, and fit ONNX's own 64 bits."""
    with pytest.raises(InputError, match="dimension 'batch' must be an integer of at least 1, not "):
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
    """What inference complains about reaches the message."""
    text = "g (float[2,3] x, float[4,5] z) => (y) { y = MatMul(x, z) }"
    with pytest.raises(InputError, match=r"first is node 'y' \(MatMul\): Incompatible dimensions"):
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
