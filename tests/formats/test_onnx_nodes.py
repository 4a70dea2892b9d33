"""Nodes taken out of a model's bytes are those taken out of its messages."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, helper

from onnx_models import models
from slicegraph.formats.onnx import encoding
from slicegraph.formats.onnx.nodes import Stated

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def _is_sorted(nodes: list[Stated]) -> bool:
    made = [{*filter(None, node.outputs)} for node in nodes]
    return all(set[str]().union(*made[index:]).isdisjoint(node.reads) for index, node in enumerate(nodes))


def _assert_same(model: ModelProto) -> None:
    taken = Stated.all_of(model, model.SerializeToString())
    assert taken is not None
    found, is_sorted = taken
    assert not is_sorted or _is_sorted(found)
    for fast, proto in zip(found, model.graph.node, strict=True):
        slow = Stated.of(proto)
        for name in ("proto", "op", "name"):
            assert getattr(fast, name) == getattr(slow, name)
        for name in ("inputs", "outputs", "reads", "bodies"):
            assert list(getattr(fast, name)) == list(getattr(slow, name))
        if fast.attributes is not None:
            assert onnx.NodeProto.FromString(fast.attributes).attribute == proto.attribute


def test_nodes_of_a_network_are_the_same_by_both_ways() -> None:
    """Operators, names by position and once each, and all in its encoding."""
    _assert_same(onnx.load(LIGHT / "light_shufflenet.onnx"))


@settings(max_examples=25)
@given(model=models())
def test_drawn_nodes_are_the_same_by_both_ways(model: ModelProto) -> None:
    """Also those with bodies."""
    _assert_same(model)


@settings(max_examples=50)
@given(
    inputs=st.lists(st.sampled_from(["", "a", "b", "ü"]), max_size=12), domain=st.sampled_from(["", "com.microsoft"])
)
def test_names_are_read_once_each(inputs: list[str], domain: str) -> None:
    """However often a node names them, and whatever it leaves out."""
    node = helper.make_node("Max", inputs, ["y"], domain=domain, axis=1)
    _assert_same(ModelProto(graph=helper.make_graph([node, node], "g", [], [])))


@settings(max_examples=100)
@given(order=st.permutations(range(4)))
def test_nodes_out_of_order_are_seen(order: list[int]) -> None:
    """A chain of four is in order in one order."""
    chain = [helper.make_node("Relu", [f"v{index}"], [f"v{index + 1}"]) for index in range(4)]
    model = ModelProto(graph=helper.make_graph([chain[index] for index in order], "g", [], []))
    taken = Stated.all_of(model, model.SerializeToString())
    assert taken is not None
    assert taken[1] == (order == [0, 1, 2, 3])


def _likeness(node: Stated) -> object:
    return node.op, node.attributes, [*map(bool, node.inputs)], [*map(bool, node.outputs)]


@settings(max_examples=25)
@given(model=models(), names=st.lists(st.lists(st.sampled_from(["", "a", "b"]), max_size=3), max_size=4))
def test_nodes_have_one_form_if_only_names_differ(model: ModelProto, names: list[list[str]]) -> None:
    """What the checker and the rules of operators look at is the same, and of others it is not."""
    model.graph.node.extend(helper.make_node("Max", each, ["y"], axis=len(each) % 2) for each in names)
    taken = Stated.all_of(model, model.SerializeToString())
    assert taken is not None
    known = [node for node in taken[0] if node.form is not None]
    assert all((one.form == other.form) == (_likeness(one) == _likeness(other)) for one in known for other in known)


@settings(max_examples=25)
@given(model=models(), data=st.data())
def test_nodes_are_asked_about_with_the_types_of_what_they_read(model: ModelProto, data: st.DataObject) -> None:
    """Of what the model stores; elements come where they are shown."""
    asked = sorted(data.draw(st.sets(st.integers(0, len(model.graph.node) - 1))))
    nodes = [model.graph.node[position] for position in asked]
    tensors = [each for each in model.graph.initializer if any(each.name in node.input for node in nodes)]
    shown = [each for each in tensors if data.draw(st.booleans())]
    fields = encoding.onnx_excerpt(model.SerializeToString(), asked, [each.name for each in shown])
    graph = GraphProto.FromString(fields)
    typed = [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in tensors]
    assert graph == GraphProto(node=nodes, input=typed, initializer=shown)


def test_a_name_that_is_no_text_is_left_to_messages() -> None:
    """Which say of it what is wrong."""
    model = ModelProto(graph=helper.make_graph([helper.make_node("Relu", ["xxxx"], ["y"])], "g", [], []))
    assert Stated.all_of(model, model.SerializeToString().replace(b"xxxx", b"\xff\xff\xff\xff")) is None


@pytest.mark.parametrize("field", ["input", "output", "value_info"])
def test_a_dimension_that_is_no_text_is_left_to_messages(field: str) -> None:
    """Wherever a graph states types."""
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [], [])
    getattr(graph, field).append(helper.make_tensor_value_info("x", 1, ["nnnn"]))
    model = ModelProto(graph=graph)
    assert Stated.all_of(model, model.SerializeToString()) is not None
    assert Stated.all_of(model, model.SerializeToString().replace(b"nnnn", b"\xff\xff\xff\xff")) is None
