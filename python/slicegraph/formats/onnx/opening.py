"""A model as the reader understands it: prepared, without its weights, with every value's type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from onnx import ModelProto

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula, Formulas, Trips
from slicegraph.formats.onnx import dimensions, names, skeleton, topology
from slicegraph.formats.onnx.fitting import check_fit
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.nodes import Stated, Walked, all_nodes, body_graphs, described, is_standard, operator
from slicegraph.formats.onnx.preparation import prepared
from slicegraph.formats.onnx.unknowns import check_known
from slicegraph.formats.onnx.values import Value
from slicegraph.formats.onnx.walk import walk


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A model that was read.

    Attributes
    ----------
    path
        Its file.
    model
        What it holds, prepared, without the elements of big tensors, and without branches that are known not to run.
    inputs
        Its inputs by name, without those that are stored in it.
    walked
        The nodes that are left once constants are gone, and every value; each value in use has a size.
    arrays
        Its graph: the nodes of ``walked``, in their order.
    """

    path: Path
    model: ModelProto
    inputs: Mapping[str, Value]
    walked: Walked
    arrays: GraphArrays


def opened(
    path: Path,
    dims: Mapping[str, int],
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
) -> Opened:
    """Read a model; see `slicegraph.formats.onnx.read`."""
    formulas, given = Formulas(flops), Trips(trips)
    copied = skeleton.copied(path)
    model, nodes, encoded = prepared(skeleton.parsed(copied), copied)
    del copied
    names.check(opset.domain for opset in model.opset_import)
    _check_imports(model, nodes)
    if encoded is None:
        names.check_graph(model.graph, nodes)
    entering = dimensions.model_inputs(model.graph)
    context = Context(
        opsets={opset.domain: opset.version for opset in model.opset_import} or {"": 1},
        dims=dimensions.named(model.graph, nodes, entering, dims),
        functions=tuple(model.functions),
        trips=given,
    )
    inputs = dimensions.inputs(entering, context.dims)
    walked = walk(model.graph, nodes, inputs, context, encoded=encoded)
    del encoded
    # A formula may be for a branch that these sizes do not take.
    there = {operator(node) for node in all_nodes(model.graph) if not any(body_graphs(node))} if flops else ()
    for position, node in walked.reduced.items():
        model.graph.node[position].CopyFrom(node)
    dimensions.check_agreement(walked, model.graph, entering, context.dims)
    check_fit(walked.nodes)
    check_known(walked, model.graph, context.dims)
    arrays = topology.arrays(model.graph.name or path.stem, walked, inputs, formulas)
    given.check_used()
    formulas.check_used(there)
    return Opened(path=path, model=model, inputs=inputs, walked=walked, arrays=arrays)


def _check_imports(model: ModelProto, nodes: Sequence[Stated]) -> None:
    """Require the operator set of ONNX's own operators where a model imports others; one that imports none is old."""
    imported = [opset.domain for opset in model.opset_import]
    if not imported or "" in imported:
        return
    if (node := next((node.proto for node in nodes if is_standard(node.proto)), None)) is not None:
        others = ", ".join(map(repr, imported))
        raise InputError(f"{described(node)}: the model imports no operator set of ONNX, only {others}")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Make every complaint one line that begins with the file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{path}: its sub-graphs are nested too deeply") from error
