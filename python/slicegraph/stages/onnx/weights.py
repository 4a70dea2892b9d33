"""The elements of a model's tensors: found in its files, put into other models or copied from file to file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from slicegraph.errors import InputError
from slicegraph.formats.onnx import skeleton
from slicegraph.formats.onnx.nodes import body_graphs
from slicegraph.formats.onnx.opening import named
from slicegraph.formats.onnx.values import of_tensor

_PAGE: Final = 4096  # what begins at one can be mapped into memory
_CHUNK: Final = 1 << 24


def elsewhere(model: ModelProto) -> Iterator[TensorProto]:
    """Run over the tensors of a model whose elements are not in it."""
    yield from _in_graph(model.graph)
    for function in model.functions:
        yield from _in_nodes(function.node)


def pointer(tensor: TensorProto) -> tuple[tuple[str, str], ...]:
    """Say where a tensor's elements are; two tensors with one pointer share them."""
    return tuple(sorted((entry.key, entry.value) for entry in tensor.external_data))


def external_files(model: ModelProto, path: Path) -> set[Path]:
    """Name the files beside a model's own that its elements are in.

    Raises
    ------
    InputError
        As `located` does.
    """
    found = set()
    for tensor in elsewhere(model):
        location = dict(pointer(tensor)).get("location")
        if location is not None:
            found.add(located(path, tensor.name, location))
    return found


def gather(model: ModelProto, path: Path) -> Path:
    """Let a model name its files of elements relative to one folder, and give that: it is run without its path.

    Raises
    ------
    InputError
        As `located` does.
    """
    files = external_files(model, path)
    folder = Path(os.path.commonpath([file.parent for file in files])) if files else path.parent
    for tensor in elsewhere(model):
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = str(located(path, tensor.name, entry.value).relative_to(folder))
    return folder


def check_external(path: Path) -> None:
    """Require of a model that is to be run that all its external data are where they may be.

    Raises
    ------
    InputError
        They are not, or the model cannot be read.
    """
    with named(path):
        external_files(skeleton.load(path), path)


def located(path: Path, name: str, location: str) -> Path:
    """Find a file of external data by the rules of onnxruntime: relative, and within the folder of the model.

    Symbolic links are followed before that is asked, those of the model's own path, too: where models are links into a
    store, so are their weights.

    Raises
    ------
    InputError
        It is outside, or is no regular file.
    """
    culprit = f"the tensor {name!r} is in {location!r}"
    if not location or "\0" in location:
        raise InputError(f"{culprit}, which is the name of no file")
    if PurePath(location).is_absolute():
        raise InputError(f"{culprit}, but a location is relative to the folder of the model")
    try:
        file = (path.parent / location).resolve()
        folders = (path.parent.resolve(), path.resolve().parent)
        if not any(file.is_relative_to(folder) for folder in folders):
            raise InputError(f"{culprit}, outside the folder of the model")
        is_regular = stat.S_ISREG(file.stat().st_mode)
    except (OSError, RuntimeError) as error:  # before Python 3.13, a loop of links is the latter
        reason = error.strerror if isinstance(error, OSError) else os.strerror(errno.ELOOP)
        raise InputError(f"the tensor {name!r}: {location!r}: {reason}") from None
    if not is_regular:
        raise InputError(f"{culprit}, which is no regular file")
    return file


def point(tensor: TensorProto, location: str, offset: int, length: int) -> None:
    """Say that a tensor's elements are raw bytes of a file."""
    del tensor.external_data[:]
    for key, value in {"location": location, "offset": offset, "length": length}.items():
        tensor.external_data.add(key=key, value=str(value))


@dataclass(frozen=True, slots=True)
class Weights:
    """The files that a model's elements are in: its own, and its external data.

    Attributes
    ----------
    path
        The model.
    """

    path: Path

    def is_external(self, tensor: TensorProto) -> bool:
        """Say whether elements are in another file than the model's own."""
        return "location" in dict(pointer(tensor))

    def embed(self, tensor: TensorProto) -> None:
        """Put elements into their tensor.

        Raises
        ------
        InputError
            They cannot be read, or are not as many as type and dimensions say.
        """
        if "message" in dict(pointer(tensor)):
            message = self._message(tensor)
            message.name = tensor.name
            tensor.CopyFrom(message)
            return
        elements = b"".join(self._raw(tensor))
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        tensor.raw_data = elements

    def copy(self, tensor: TensorProto, file: BinaryIO) -> tuple[int, int]:
        """Append elements to a file, a piece at a time, and say where they begin and how long they are.

        Raises
        ------
        InputError
            As in `embed`.
        """
        offset = file.seek(-file.tell() % _PAGE, 1)
        if "message" in dict(pointer(tensor)):
            # Not raw in the model's file, but a file of elements holds nothing else.
            file.write(numpy_helper.from_array(numpy_helper.to_array(self._message(tensor))).raw_data)
        else:
            file.writelines(self._raw(tensor))
        return offset, file.tell() - offset

    def _message(self, tensor: TensorProto) -> TensorProto:
        offset, length = _extent(tensor, 0)
        encoded = b"".join(_pieces(self.path, offset, length, tensor.name))
        message = TensorProto()
        try:
            message.ParseFromString(encoded)
        except Exception as error:  # protobuf's DecodeError, which onnx does not export
            raise InputError(f"the encoding of the tensor {tensor.name!r} is damaged") from error
        return message

    def _raw(self, tensor: TensorProto) -> Iterator[bytes]:
        entries = dict(pointer(tensor))
        path, size = self.path, of_tensor(tensor).nbytes
        if (location := entries.get("location")) is not None:
            path = located(self.path, tensor.name, location)
        offset, length = _extent(tensor, size or 0)
        if offset < 0 or length != size:
            raise InputError(
                f"the tensor {tensor.name!r} has {length} bytes from {offset} on, its type and dimensions say {size}"
            )
        yield from _pieces(path, offset, length, tensor.name)


def _extent(tensor: TensorProto, length: int) -> tuple[int, int]:
    """Read where a tensor's elements begin and how many bytes they are, if need be of this length."""
    entries = dict(pointer(tensor))
    try:
        return int(entries.get("offset", 0)), int(entries.get("length", length))
    except ValueError:
        raise InputError(f"offset and length of the tensor {tensor.name!r} are no numbers") from None


def _pieces(path: Path, offset: int, length: int, name: str) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            while length:
                piece = file.read(min(length, _CHUNK))
                if not piece:
                    raise InputError(f"{path.name} ends before the tensor {name!r} does")
                length -= len(piece)
                yield piece
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no byte {offset} in a file"
        raise InputError(f"the tensor {name!r}: {path.name}: {reason}") from None


def _in_graph(graph: GraphProto) -> Iterator[TensorProto]:
    yield from filter(_is_elsewhere, graph.initializer)
    for sparse in graph.sparse_initializer:
        yield from filter(_is_elsewhere, (sparse.values, sparse.indices))
    yield from _in_nodes(graph.node)


def _in_nodes(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        for found in node.attribute:
            yield from filter(_is_elsewhere, (found.t, *found.tensors))
            for sparse in (found.sparse_tensor, *found.sparse_tensors):
                yield from filter(_is_elsewhere, (sparse.values, sparse.indices))
        for graph in body_graphs(node):
            yield from _in_graph(graph)


def _is_elsewhere(tensor: TensorProto) -> bool:
    return tensor.data_location == TensorProto.EXTERNAL
