"""What is said when the size of a tensor is not known: which, where it begins, and what would help."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import GraphProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.dimensions import wanted
from slicegraph.formats.onnx.nodes import Walked
from slicegraph.formats.onnx.quoting import dim_options, listed


def check_known(walked: Walked, graph: GraphProto, dims: Mapping[str, int]) -> None:
    """Require a size for every value that a node reads or the model returns.

    Raises
    ------
    InputError
        Some have none: the message lists them, and says what would help.
    """
    used = walked.used
    unknown = {name: value for name, value in walked.values.items() if name in used and value.nbytes is None}
    if not unknown:
        return
    subject = (
        "the size of 1 tensor is unknown" if len(unknown) == 1 else f"the sizes of {len(unknown)} tensors are unknown"
    )
    first = next(iter(unknown))
    open_dims = wanted(graph, walked, unknown, dims)
    asked = open_dims.inputs
    if not asked and wanted(graph, walked, [first], dims).records:
        asked = open_dims.records
    origin = f"; first is {unknown[first].reason}" if unknown[first].reason else ""
    cure = f"give {dim_options(asked)}" if asked else f"record their shapes in the file's value_info{origin}"
    raise InputError(f"{subject}: {listed(unknown)}; {cure}")
