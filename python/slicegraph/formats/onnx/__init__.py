"""Read ONNX models: shapes by ONNX's own inference, facts by operator, weights left where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import ModelProto, inliner

from slicegraph.errors import InputError
from slicegraph.formats.onnx import dimensions, names, skeleton, topology
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.walk import walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slicegraph.formats.arrays import GraphArrays

__all__ = ["read"]


def read(path: Path, *, dims: Mapping[str, int] | None = None) -> GraphArrays:
    """Read an ONNX model as a graph of nodes and tensors.

    Parameters
    ----------
    path
        An ``.onnx`` file, of any size.  Weights are not read, and files of external data not opened.
    dims
        Sizes of the named dimensions of the model's inputs, by name; one without a name is called ``INPUT.AXIS``.

    Returns
    -------
        The graph in file order, with its facts and without its work.  Parameters are no nodes: initializers,
        constants and whatever is computed from them alone.

    Raises
    ------
    InputError
        The file cannot be read or is no model, a dimension is not known, or shapes cannot be inferred; in one line.
    """
    try:
        return _read(path, dims or {})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{path}: its sub-graphs are nested too deeply") from error


def _read(path: Path, dims: Mapping[str, int]) -> GraphArrays:
    model = _inlined(skeleton.load(path))
    names.check(opset.domain for opset in model.opset_import)
    context = Context(
        opsets={_domain(opset.domain): opset.version for opset in model.opset_import} or {"": 1},
        dims=dims,
        functions=tuple(model.functions),
    )
    inputs = dimensions.inputs(model.graph, dims)
    walked = walk(model.graph, inputs, context)
    dimensions.check_known(walked, model.graph, dims)
    return topology.arrays(model.graph.name or path.stem, walked, inputs)


def _inlined(model: ModelProto) -> ModelProto:
    """Put the bodies of the model's local functions in the place of their calls."""
    if not model.functions:
        return model
    try:
        return inliner.inline_local_functions(model, convert_version=True)
    except Exception as error:  # the extension raises whatever its C++ happened to throw
        reason = " ".join(str(error).split())
        raise InputError(f"its local functions cannot be inlined: {reason}") from error


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name
