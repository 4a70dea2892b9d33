"""The nodes and tensors of a walked graph, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formulas
from slicegraph.formats.layout import lay_out
from slicegraph.formats.onnx.facts import facts_of
from slicegraph.formats.onnx.nodes import Walked, label
from slicegraph.formats.onnx.values import Value


def arrays(name: str, walked: Walked, inputs: Mapping[str, Value], formulas: Formulas) -> GraphArrays:
    """Lay a graph out in arrays.

    Parameters
    ----------
    name
        What the graph is called.
    walked
        Its nodes and values; every value in use has a size.
    inputs
        The model's inputs; those that are not used are left out.
    formulas
        What the user says that operators compute.

    Returns
    -------
        Nodes in file order; tensors: the inputs, then what each node makes.

    Raises
    ------
    InputError
        No node is left, or a size is beyond 64 bits.
    """
    if not walked.nodes:
        raise InputError("nothing is left to run: every node of the model is constant")
    producer = {key: -1 for key in inputs if key in walked.used}
    producer |= {key: index for index, node in enumerate(walked.nodes) for key in node.stated.outputs if key}
    return lay_out(
        name,
        op=[node.op for node in walked.nodes],
        node_name=[node.stated.name or label(node.proto) for node in walked.nodes],
        facts=facts_of(walked, formulas, list(inputs)),
        reads=[node.stated.reads for node in walked.nodes],
        producer=producer,
        size=(walked.values[key].nbytes or 0 for key in producer),
        tensor_name=list(producer),
        returned=set(walked.outputs),
    )
