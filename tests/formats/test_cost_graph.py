"""TensorFlow's CostGraphDef as text: what it means, how text may spell it, and every way to be broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from google.protobuf import text_format  # type: ignore[import-untyped] # it comes with onnx, without types
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from planners import PATCHES, assert_facts, assert_refused, patched, read_or_refuse
from slicegraph.formats.protobuf_text import parse, unquote

SMALL = """
node {
  name: "_SOURCE"
}
node {
  name: "a"
  id: 3
  output_info { size: 100 alias_input_port: -1 dtype: DT_FLOAT shape { dim { size: 5 } dim { size: 5 } } }
  output_info { size: -1 }
  control_input: 0
  compute_cost: 40
  persistent_memory_size: 7
}
node {
  name: "b"
  id: 2
  input_info { preceding_node: 3 }
  input_info { preceding_node: 3 preceding_port: 1 }
  output_info { size: 60 }
  control_input: 0
  compute_cost: 50
}
node {
  name: "c"
  device: "/gpu:0"
  id: 1
  input_info { preceding_node: 2 }
  input_info { preceding_node: 3 }
  input_info { preceding_node: 3 }
  output_info { size: 999 }
  control_input: 2
  compute_cost: 45
  persistent_memory_size: -1
  temporary_memory_size: 12
  is_final: true
  inaccurate: true
}
cost { cost: 1.5e3 dimension: "compute" }
"""
"""A source that a and b wait for; a is read by b and c, and b by c."""
OTHER = r"""
# The same, as others may write it.
node <name: '_SOU' "RCE"; id: 0>, node: [{
  name: "\x61" id: 0x3, output_info: [{size: 0144; alias_input_port: - 1}, <size: -0x1>]
  control_input: [0] compute_cost: 40 persistent_memory_size: 7 is_final: 0
  [type.googleapis.com/some.thing-2] { [ext.field]: [1.5, -2e3f, .5, inf, -nan, 'x'] nothing: [] }
}, {
  name: 'b' id: 2 input_info { preceding_node: 3, preceding_port: 0 } input_info < preceding_node:3 preceding_port:1 >
  output_info [{ size: 60 }] control_input: [] control_input: 0 compute_cost: 50 is_final: false # and so on
}] node { name:"c"id:1 input_info{preceding_node:2} input_info{preceding_node:3}
  output_info{size:999} control_input:2 compute_cost:45 is_final:True }"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.pbtxt"
    path.write_text(SMALL)
    return path


def test_ports_and_control_inputs_are_tensors(small: Path) -> None:
    graph = sg.read(small)
    arrays = graph.arrays
    assert arrays.node_name == ("_SOURCE", "a", "b", "c")
    assert arrays.tensor_name == ("^_SOURCE", "a:0", "a:1", "b:0", "^b", "c:0")
    assert_facts(
        graph,
        work=[0.0, 40e-6, 50e-6, 45e-6],
        param_bytes=[0, 7, 0, 0],
        producer=[0, 1, 1, 2, 2, 3],
        size=[0, 100, 0, 60, 0, 999],
        consumers=[[1, 2], [2, 3], [2], [3], [3], []],
    )
    assert arrays.is_output is not None
    assert arrays.is_output.tolist() == [False, False, False, False, False, True]
    assert arrays.device is None


def test_the_same_message_in_another_spelling_is_the_same_graph(small: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(OTHER)
    other = sg.read(tmp_path / "other.txt", format="cost_graph")
    assert other.digest == sg.read(small).digest
    assert other.arrays.node_name == ("_SOURCE", "a", "b", "c")


def test_the_optimum_is_that_of_microseconds(small: Path) -> None:
    """At 10 bytes per microsecond: a and b, then c, is 40 + 50 + 10 + 6; a, then b and c, is 95 + 10."""
    device = sg.Device(bandwidth=10e6)
    result = sg.solve(sg.Instance(sg.read(small), device=device, num_blocks=2), stop=sg.MaxRuntime(20))
    assert result.status is sg.Status.OPTIMAL
    assert result.bottleneck == pytest.approx(105e-6, rel=1e-9)
    assert result.block_of[1:].tolist() == [0, 1, 1]


def test_a_node_without_a_name_goes_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "bare.pbtxt").write_text("node { id: -5 } node {}")
    assert sg.read(tmp_path / "bare.pbtxt").arrays.node_name == ("-5", "0")


@given(name=st.text(), doc=st.text(), values=st.lists(st.integers(-(2**63), 2**63 - 1)), style=st.booleans())
def test_what_the_library_itself_writes_is_read(name: str, doc: str, values: list[int], style: bool) -> None:
    """Any message will do; those of ONNX are at hand."""
    message = onnx.AttributeProto(name=name, doc_string=doc, ints=values, t=onnx.TensorProto(dims=values[:2]))
    text = text_format.MessageToString(
        message, as_utf8=style, as_one_line=not style, use_short_repeated_primitives=style
    )
    fields = parse(Path("file"), text)
    strings = {key: "".join(unquote(str(value)) for value in fields.get(key, [])) for key in ("name", "doc_string")}
    assert strings == {"name": name, "doc_string": doc}
    assert fields.get("ints", []) == [str(value) for value in values]
    assert fields["t"] == [{"dims": [str(value) for value in values[:2]]} if values else {}]


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        (r'"\a\b\f\n\r\t\v\?\'\"\\"', "\a\b\f\n\r\t\v?'\"\\"),
        (r"'\303\251\u00e9\U000000E9é' \"\"", "éééé"),
        (r"'\x9'  '\7' '\018'", "\t\a\x018"),
        (r"'\ud800\U00110000\377'", "\ufffd\ufffd\ufffd\ufffd\ufffd"),
    ],
)
def test_a_string_may_be_spelled_with_escapes(quoted: str, text: str) -> None:
    assert unquote(quoted) == text


def one(field: str) -> str:
    return f'node {{ name: "a" id: 1 output_info {{ size: 4 }} }}\nnode {{ name: "b" id: 2 {field} }}'


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "graph: num_nodes = 0"),
        (b"\xff\xfe", "not text in UTF-8: invalid start byte at byte 0"),
        (b"\x0a\x05\x01", "line 2: what follows is no part of a message as text"),
        ("node", r"line 1: the text ends, but a field has ':' or '{' behind its name"),
        ("node 3", r"line 1: '3' is there, but a field has ':' or '{' behind its name"),
        ("node {\n id: 1", "line 2: the text ends, but the name of a field is asked for"),
        ("node { id: }", "line 1: '}' is there, but a value is asked for"),
        ("node { id: 1 >", "line 1: '>' is there, but the name of a field is asked for"),
        ("node { id: [1 2] }", r"line 1: '2' is there, but '\]' is asked for"),
        ("node { [a.b: 1 }", r"line 1: ':' is there, but '\]' is asked for"),
        ('node { name: "a }', "line 1: what follows is no part of a message as text, such as a string without its end"),
        ("node { id: 12a }", "line 1: what follows is no part"),
        ("x { " * 101 + "}" * 101, "line 1: messages are more than 100 deep in each other"),
        ("node: 3", "the whole: node is not a message"),
        (one("id: 3"), "node 1: id is given twice"),
        (one("name: c"), "node 1: name is given twice"),
        ("node { name: c }", "node 0: name = c is not a string"),
        ("node { id: 1.5 }", r"node 0: id = 1\.5 is not a whole number of 64 bits"),
        ("node { id {} }", "node 0: id is a message, but one value is asked for"),
        (one("is_final: maybe"), "node 'b': is_final = maybe is neither true nor false"),
        (one("compute_cost: -4"), "node 'b': compute_cost = -4 is not a number from 0"),
        (one("compute_cost: nan"), "node 'b': compute_cost = nan is not a whole number of 64 bits"),
        (one(f"compute_cost: {'9' * 5000}"), "node 'b': compute_cost = 9{80} is not a whole number of 64 bits"),
        (one("output_info: 3"), "node 'b': output_info is not a message"),
        (one("output_info { size: 9007199254740994 }"), r"node 'b': output_info: size = 9\d+ means .* above 2\^53"),
        (one("input_info {}"), "node 'b': preceding_node 0 is no node's id"),
        (one("input_info { preceding_node: 2 }"), "node 'b': preceding_node 2 is its own id, but no node reads what"),
        (
            one("input_info { preceding_node: 1 preceding_port: 1 }"),
            "node 'b': preceding_port 1 of 'a' is not below the number of its output_info = 1",
        ),
        (one("input_info { preceding_node: 1 preceding_port: -1 }"), "node 'b': preceding_port -1 of 'a'"),
        (one("control_input: 3"), "node 'b': control_input 3 is no node's id"),
        (one('} node { name: "c" id: 1'), "node 'c': id 1 is that of 'a', too"),
        (
            "node { id: 1 control_input: 2 } node { id: 2 control_input: 1 }",
            r"cycle: node 0 \('.*'\) -> node 1 \('.*'\) -> node 0 \('.*'\), but a graph has none",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: str | bytes, rule: str, tmp_path: Path) -> None:
    assert_refused(tmp_path / "graph.pbtxt", content, rule, format="cost_graph")


@pytest.mark.parametrize("text", [SMALL, OTHER])
def test_a_file_that_ends_early_is_refused_or_a_graph(text: str, tmp_path: Path) -> None:
    content = text.encode()
    for length in range(len(content)):
        read_or_refuse(tmp_path / "graph.pbtxt", content[:length], format="cost_graph")


@given(patch=PATCHES)
def test_a_damaged_file_is_refused_or_a_graph(patch: tuple[bytes, int, int], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pbtxt"
    read_or_refuse(path, patched(OTHER.encode(), patch), format="cost_graph")
