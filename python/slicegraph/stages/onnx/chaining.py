"""Run a model as a whole, and its stages one after the other, on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, ValueInfoProto, helper

from slicegraph.errors import InputError
from slicegraph.formats.onnx.opening import named, opened
from slicegraph.stages.manifest import Manifest, Tensor
from slicegraph.stages.onnx.origins import Origin, origins
from slicegraph.stages.onnx.rounding import borders, plain_session
from slicegraph.stages.onnx.samples import Given, sample_inputs
from slicegraph.stages.onnx.sessions import Values, complaints, load, run, to_values
from slicegraph.stages.onnx.weights import check_external
from slicegraph.stages.providers import ON_PROCESSOR, Provider


def inputs(manifest: Manifest, given: Given, seed: int) -> Values:
    """Take the model's inputs as they are given, and draw the others.

    Raises
    ------
    InputError
        One is of a type that has no random values, or what is given is no input or does not fit.
    """
    return to_values(sample_inputs([_asked(tensor) for tensor in manifest["inputs"]], given, seed=seed))


def look_back(path: Path, dims: Mapping[str, int], names: Sequence[str]) -> list[Origin]:
    """Say of each output of a model what it depends on.

    Raises
    ------
    InputError
        The model cannot be read, or has not these outputs.
    """
    with named(path):
        return origins(opened(path, dims).walked, names)


def run_model(
    path: Path, manifest: Manifest, feeds: Values, *, is_optimized: bool, provider: Provider
) -> list[NDArray[Any]]:
    """Run a model, and give its outputs as arrays.

    With optimizations off, nodes run one by one, and round where stages end.

    Raises
    ------
    InputError
        It cannot be run, or has not these inputs and outputs.
    """
    wanted = [tensor["name"] for tensor in manifest["outputs"]]
    values = _outputs(path, feeds, set(wanted), None if is_optimized else borders(manifest), provider)
    return [_array(name, values[name]) for name in wanted]


def run_stages(
    directory: Path, manifest: Manifest, feeds: Values, *, is_optimized: bool, providers: Sequence[Provider]
) -> list[NDArray[Any]]:
    """Run the stages in order, one in memory at a time, and give the model's outputs as arrays.

    Raises
    ------
    InputError
        A stage cannot be run, or is not what the manifest says.
    """
    stages, values = manifest["stages"], dict(feeds)
    wanted = [tensor["name"] for tensor in manifest["outputs"]]
    rounded = None if is_optimized else borders(manifest)
    for index, (stage, provider) in enumerate(zip(stages, providers, strict=True)):
        path = directory / stage["file"]
        read = [tensor["name"] for tensor in stage["inputs"]]
        missing = next((name for name in read if name not in values), None)
        if missing is not None:
            raise InputError(f"{path}: reads {missing!r}, which no stage before it makes")
        made = {tensor["name"] for tensor in stage["outputs"]}
        values |= _outputs(path, {name: values[name] for name in read}, made, rounded, provider)
        later = {tensor["name"] for after in stages[index + 1 :] for tensor in after["inputs"]}
        values = {name: value for name, value in values.items() if name in later or name in wanted}
    missing = next((name for name in wanted if name not in values), None)
    if missing is not None:
        raise InputError(f"{directory}: the model returns {missing!r}, which no stage makes")
    return [_array(name, values[name]) for name in wanted]


def _asked(tensor: Tensor) -> ValueInfoProto:
    """Give an input its type; one dimension that is not known is as good as another, for no node reads such inputs."""
    try:
        type_ = helper.np_dtype_to_tensor_dtype(np.dtype(tensor["dtype"]))
    except (TypeError, ValueError, KeyError):
        type_ = TensorProto.UNDEFINED
    shape = [dim if isinstance(dim, int) else 1 for dim in tensor["shape"] or []]
    return helper.make_tensor_value_info(tensor["name"], type_, shape)


def _outputs(
    path: Path, feeds: Values, wanted: set[str], rounded: frozenset[str] | None, provider: Provider
) -> dict[str, Any]:
    """Run a model: optimized, if it need not round some tensors."""
    check_external(path)
    try:
        if rounded is None:
            session = load(path, is_optimized=True, provider=provider)
        else:
            session = plain_session(path, rounded, provider)
        values = run(session, feeds)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    outputs = {output.name: value for output, value in zip(session.get_outputs(), values, strict=True)}
    missing = next((name for name in wanted if name not in outputs), None)
    if missing is not None:
        raise InputError(f"{path}: does not return {missing!r}")
    return outputs


def _array(name: str, value: Any) -> NDArray[Any]:  # noqa: ANN401 - there are no stubs
    """Read a tensor; one of a type that numpy has not, as 32-bit floats."""
    if not value.is_tensor():
        raise InputError(f"the output {name!r} is no tensor, and only tensors are compared")
    try:
        return np.asarray(value.numpy())
    except RuntimeError:
        pass
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    info = [helper.make_tensor_value_info(key, type_, None) for key, type_ in (("x", value.element_type()), ("y", 1))]
    model = helper.make_model(
        helper.make_graph([node], "cast", info[:1], info[1:]),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    with complaints():
        session = ON_PROCESSOR.session(model.SerializeToString(), None)
    return np.asarray(run(session, {"x": value})[0].numpy())
