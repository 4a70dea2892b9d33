"""An If whose condition is known without what it never reads: its other branch, and tensors of which it asks the shape.

A node reads and stores what the branch does that it takes, and what is constant is a parameter whatever the node reads.
A stage must not need more than the reader says, so what is copied into stages is the node as it is here.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import GraphProto, NodeProto, helper

from slicegraph.formats.onnx.nodes import Body, Walked, attribute, is_standard, read_names


def reduced(node: NodeProto, branch: str, walked: Walked) -> NodeProto:
    """Give an If that has one branch twice, with shapes as constants and without nodes that no result depends on.

    Parameters
    ----------
    node
        An If whose condition is known.
    branch
        The name of the branch that it takes.
    walked
        That branch.

    Notes
    -----
    Only Shape and Size are constant and read what is not, and an If that takes such a branch: so all that a constant
    one has left to read is constant.
    """
    found = attribute(node, branch)
    assert found is not None, "the reader has walked it"  # noqa: S101 - for the type checker
    graph = _reduced_graph(found.g, walked)
    copy = NodeProto()
    copy.CopyFrom(node)
    for each in copy.attribute:
        if each.name in {"then_branch", "else_branch"}:
            each.g.CopyFrom(graph)
    return copy


def with_reduced(node: NodeProto, bodies: Sequence[Body]) -> NodeProto | None:
    """Give a node whose bodies hold such an If, at any depth, with these as they are here; None: they hold none.

    Parameters
    ----------
    node
        A node with bodies.
    bodies
        What it runs, as walked; of an If both branches, or it stays as it is.
    """
    names = ["then_branch", "else_branch"] if node.op_type == "If" else ["body"]
    if len(names) != len(bodies) or not any(body.walked.reduced for body in bodies):
        return None
    copy = NodeProto()
    copy.CopyFrom(node)
    for name, body in zip(names, bodies, strict=True):
        graph = next(each for each in copy.attribute if each.name == name).g
        for position, inner in body.walked.reduced.items():
            graph.node[position].CopyFrom(inner)
    return copy


def _reduced_graph(graph: GraphProto, walked: Walked) -> GraphProto:
    needed = {info.name for info in graph.output}
    nodes: list[NodeProto] = []
    for position, proto in reversed(list(enumerate(graph.node))):
        if needed.isdisjoint(proto.output):
            continue
        shape = walked.values[proto.output[0]].tensor if proto.op_type in {"Shape", "Size"} else None
        if is_standard(proto) and shape is not None:
            nodes.append(helper.make_node("Constant", [], proto.output[:1], value=shape))
            continue
        nodes.append(walked.reduced.get(position, proto))
        needed.update(read_names(nodes[-1]))
    copy = GraphProto()
    copy.CopyFrom(graph)
    copy.ClearField("node")
    copy.node.extend(nodes[::-1])
    return copy
