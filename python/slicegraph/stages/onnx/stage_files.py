"""Write the stages of a model as files, tensor by tensor, so that no model is ever in memory as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import onnx
from onnx import ModelProto, TensorProto, TypeProto, checker, helper

from slicegraph.errors import InputError
from slicegraph.formats.onnx.known_operators import APART, set_apart
from slicegraph.formats.onnx.opening import Opened
from slicegraph.formats.onnx.values import Value, of_tensor
from slicegraph.stages.manifest import Boundary, Stage, StageInput, StageOutput, Tensor
from slicegraph.stages.onnx.division import Part, divide
from slicegraph.stages.onnx.submodels import annotated_model, stage_model
from slicegraph.stages.onnx.weights import Weights, elsewhere, point, pointer

ANNOTATED: Final = "annotated.onnx"
"""The file of the whole model with each node's stage."""
EMBEDDED_BYTES: Final = 1 << 28
"""Elements of a model up to this size are put into its stages' own files."""
_SMALL_BYTES: Final = 1 << 10  # elements up to this size are never put elsewhere

_Places = dict[tuple[tuple[str, str], ...], tuple[str, int, int]]
"""Where elements were copied to, by where they come from: file, offset, length."""


def write_stages(model: Opened, stage_of: Sequence[int], directory: Path) -> list[Stage]:
    """Write the model of every stage, and the whole with each node's stage.

    A model that has external data, or elements of more than ``EMBEDDED_BYTES``, gets stages with external data:
    ``stage0.onnx.data`` beside ``stage0.onnx``. The whole then shares the stages' data.

    Parameters
    ----------
    model
        The model.
    stage_of
        As in `divide`.
    directory
        A folder that is empty.

    Returns
    -------
        What the manifest says of each stage; a block is its stage, and nothing is predicted.

    Raises
    ------
    InputError
        Elements cannot be read, files cannot be written, or a stage is not valid by ONNX's own checker, for the model
        itself is not.
    """
    parts = divide(model, stage_of)
    writer = _Writer(model, directory)
    stages: list[Stage] = []
    shared: _Places = {}
    for index, part in enumerate(parts):
        name = f"stage{index}.onnx"
        places: _Places = {}
        digest = writer.write(stage_model(model, part, index), name, places)
        _check(directory / name)
        shared |= places
        stages.append(_described(model, part, index, name, digest))
    writer.write(annotated_model(model, parts), ANNOTATED, shared)
    return stages


def borders(model: Opened) -> tuple[list[Tensor], list[Tensor]]:
    """Describe the inputs and outputs of a model."""
    values = model.walked.values
    inputs = [_tensor(name, value) for name, value in model.inputs.items()]
    return inputs, [_tensor(name, values[name]) for name in model.walked.outputs]


class _Writer:
    """Writes models whose elements are in another model's files."""

    def __init__(self, model: Opened, directory: Path) -> None:
        self._directory = directory
        self._weights = Weights(model.path)
        tensors = list(elsewhere(model.model))
        total = sum(_size(tensor) for tensor in tensors)
        self._is_external = total > EMBEDDED_BYTES or any(map(self._weights.is_external, tensors))

    def write(self, model: ModelProto, name: str, places: _Places) -> str:
        """Write a model and its elements, except those that have a place; give the digest of its file."""
        path = self._directory / name
        try:
            if self._is_external:
                self._write_data(model, path.with_name(f"{name}.data"), places)
            else:
                for tensor in elsewhere(model):
                    self._weights.embed(tensor)
            encoded = _encoded(model, name)
            path.write_bytes(encoded)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None
        return hashlib.sha256(encoded).hexdigest()

    def _write_data(self, model: ModelProto, path: Path, places: _Places) -> None:
        with path.open("xb") as file:
            for tensor in elsewhere(model):
                self._place(tensor, file, path.name, places)
            is_used = file.tell() > 0
        if not is_used:
            path.unlink()

    def _place(self, tensor: TensorProto, file: BinaryIO, location: str, places: _Places) -> None:
        if _size(tensor) <= _SMALL_BYTES or tensor.data_type == TensorProto.STRING:
            self._weights.embed(tensor)
            return
        # Without a length, the same place may be the begin of more.
        source = (*pointer(tensor), ("size", str(_size(tensor))))
        if source not in places:
            places[source] = (location, *self._weights.copy(tensor, file))
        point(tensor, *places[source])


def _size(tensor: TensorProto) -> int:
    return of_tensor(tensor).nbytes or 0


def _encoded(model: ModelProto, name: str) -> bytes:
    try:
        return bytes(model.SerializeToString())
    except Exception as error:  # protobuf's EncodeError, which onnx does not export
        raise InputError(f"{name} would be larger than 2 GB without its external data") from error


def _check(path: Path) -> None:
    """Require that a stage is valid, but for operators that its file has before their operator set does."""
    model = onnx.load(path, load_external_data=False)
    versions = {opset.domain: opset.version for opset in model.opset_import}
    checked = path
    if set_apart(model.graph, versions.get("", 1)):
        checked = path.with_name(f"{path.name}.checked")
        model.opset_import.add(domain=APART, version=1)
        checked.write_bytes(model.SerializeToString())
    try:
        checker.check_model(checked)
    except Exception as error:
        reason = " ".join(str(error).split()).partition(" ==> Context")[0]
        raise InputError(f"{path.name} would be no valid model: {reason}") from error
    finally:
        if checked != path:
            checked.unlink()


def _described(model: Opened, part: Part, index: int, name: str, digest: str) -> Stage:
    values = model.walked.values
    inputs: list[StageInput] = [
        {**_boundary(key, values[key]), "from": "model" if source is None else source}
        for key, source in part.inputs.items()
    ]
    outputs: list[StageOutput] = [
        {**_boundary(key, values[key]), "to": ["model" if reader is None else reader for reader in readers]}
        for key, readers in part.outputs.items()
    ]
    return {
        "stage": index,
        "block": index,
        "device": None,
        "file": name,
        "sha256": digest,
        "nodes": part.num_nodes,
        "inputs": inputs,
        "outputs": outputs,
        "predicted": None,
    }


def _boundary(name: str, value: Value) -> Boundary:
    return {**_tensor(name, value), "bytes": value.nbytes}


def _tensor(name: str, value: Value) -> Tensor:
    return {"name": name, "dtype": _dtype(value.type), "shape": None if value.shape is None else [*value.shape]}


def _dtype(type_: TypeProto) -> str:
    """Name an element type as numpy does, what is no tensor after its kind."""
    kind = type_.WhichOneof("value")
    if kind == "tensor_type":
        return str(helper.tensor_dtype_to_np_dtype(type_.tensor_type.elem_type).name)
    if kind == "sequence_type":
        return f"sequence({_dtype(type_.sequence_type.elem_type)})"
    if kind == "optional_type":
        return f"optional({_dtype(type_.optional_type.elem_type)})"
    return str(kind or "unknown").removesuffix("_type")
