"""Names, order and uses of values: what makes a well-formed graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.errors import InputError
from slicegraph.formats.onnx import read

MALFORMED = {
    "{ a = Relu(x) a = Exp(x) y = Neg(a) }": "two values are named 'a': each name must be made once",
    "{ x = Relu(x) y = Neg(x) }": "two values are named 'x': each name must be made once",
    "<float[1] w = {1}> { w = Relu(x) y = Neg(w) }": "two values are named 'w': each name must be made once",
    "<float[1] w = {1}, float[1] w = {2}> { y = Add(x, w) }": "two values are named 'w': each name must be made once",
    "{ a, a = Split(x) y = Relu(a) }": "node 'a' (Split) makes two values of one name",
    "{ y = Add(x, ghost) }": "node 'y' (Add) reads 'ghost', which nothing makes",
    "{ y = Add(x, y) }": "node 'y' (Add) reads what it makes itself",
    "{ y = Add(x, a) a = Relu(b) b = Neg(a) }": "node 'a' (Relu) and node 'b' (Neg) read each other's results, "
    "directly or not",
    "{ y = Neg(a) a = Exp(x) a = Sin(x) }": "two values are named 'a': each name must be made once",
    "{ a = Relu(x) }": "the graph returns 'y', which nothing makes",
}


@pytest.mark.parametrize("body", MALFORMED)
def test_a_graph_that_is_none_is_refused_by_name(body: str, tmp_path: Path) -> None:
    """The message names the value, the node that reads it, and the rule."""
    path = tmp_path / "model.onnx"
    text = f'<ir_version: 9, opset_import: ["": 13]> g (float[4] x) => (float[4] y) {body}'
    path.write_bytes(parser.parse_model(text).SerializeToString())
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value) == f"{path}: {MALFORMED[body]}"


def test_two_inputs_of_one_name_are_refused(tmp_path: Path) -> None:
    """Likewise at the door."""
    path = tmp_path / "model.onnx"
    text = '<ir_version: 9, opset_import: ["": 13]> g (float[4] x, float[4] x) => (y) { y = Relu(x) }'
    path.write_bytes(parser.parse_model(text).SerializeToString())
    with pytest.raises(InputError, match=r"two inputs are named 'x'$"):
        read(path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Whatever its bytes are, the message is one printable line."""
    path = tmp_path / "model.onnx"
    text = '<ir_version: 9, opset_import: ["": 13]> g (float[4] x) => (y) { mark = Relu(x) y = Neg(mark) }'
    content = parser.parse_model(text).SerializeToString()
    path.write_bytes(content.replace(b"mark", b"\xff\xfe\n\x00"))
    with pytest.raises(InputError, match=r"is no UTF-8 text$") as error:
        read(path)
    assert str(error.value).isprintable()
    path.write_bytes(content.replace(b"Relu", b"Re\nu"))
    with pytest.raises(InputError, match=r"\(Re u\)") as error:
        read(path)
    assert str(error.value).isprintable()
