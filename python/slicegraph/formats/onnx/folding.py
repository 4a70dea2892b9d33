"""A constant If without what it never reads: its other branch, and the tensors of which it asks only the shape.

The reader takes the results of such a node for parameters, whatever the node reads. A stage that computes them must not
need more than the reader says, so what is copied into stages is the node as it is here.
"""

from __future__ import annotations

from onnx import GraphProto, NodeProto, helper

from slicegraph.formats.onnx.nodes import Walked, attribute, is_standard, read_names


def reduced(node: NodeProto, branch: str, walked: Walked) -> NodeProto:
    """Give an If that has one branch twice, with shapes as constants and without nodes that no result depends on.

    Parameters
    ----------
    node
        An If whose condition is known and whose results are constant.
    branch
        The name of the branch that it takes.
    walked
        That branch.

    Notes
    -----
    Only Shape and Size are constant and read what is not, and an If that takes such a branch: so all that is left to
    read is constant.
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


def _reduced_graph(graph: GraphProto, walked: Walked) -> GraphProto:
    needed = {info.name for info in graph.output}
    nodes: list[NodeProto] = []
    for position, proto in reversed(list(enumerate(graph.node))):
        if needed.isdisjoint(proto.output):
            continue
        shape = walked.values[proto.output[0]].tensor
        if is_standard(proto) and proto.op_type in {"Shape", "Size"} and shape is not None:
            nodes.append(helper.make_node("Constant", [], proto.output[:1], value=shape))
            continue
        nodes.append(walked.reduced.get(position, proto))
        needed.update(read_names(nodes[-1]))
    copy = GraphProto()
    copy.CopyFrom(graph)
    copy.ClearField("node")
    copy.node.extend(nodes[::-1])
    return copy
