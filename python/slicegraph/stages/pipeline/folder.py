"""A split model as a pipeline runs it: its stages, what goes between them, and what they were predicted to cost."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicegraph.errors import InputError
from slicegraph.formats.files import file_digest
from slicegraph.stages.manifest import NAME, is_name, is_shape, read_manifest
from slicegraph.stages.pipeline.tensors import TYPES, Tensor

_MODEL = "model"
"""Where inputs come from and outputs go to that are the whole model's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage, checked.

    Attributes
    ----------
    file
        Its ONNX model.
    block, num_nodes
        The block of the partition, and how many nodes of the model are in it.
    inputs, outputs
        What it reads, and what it makes or passes on: the last stage returns inputs of the model that it returns.
    producers
        The stage that makes each input, an earlier one; None: it is the model's.
    readers
        The stages that read each output, later ones.
    is_result
        Whether the model returns each output.
    predicted
        Seconds that one request was predicted to take; None: unknown.
    """

    file: Path
    block: int
    num_nodes: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    producers: tuple[int | None, ...]
    readers: tuple[tuple[int, ...], ...]
    is_result: tuple[bool, ...]
    predicted: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A split model, checked.

    Attributes
    ----------
    name, sha256
        Of the model that was split.
    inputs
        Of the model.
    stages
        In order.
    predicted
        Seconds of the most expensive stage; None: unknown.
    """

    name: str
    sha256: str
    inputs: tuple[Tensor, ...]
    stages: tuple[Stage, ...]
    predicted: float | None


def read_split(directory: Path) -> Split:
    """Read and check the manifest of a folder; the models beside it are hashed, not read.

    Raises
    ------
    InputError
        When a file is missing, is not the one that was written, or the manifest breaks a rule.
    """
    return _Reader(directory).split(read_manifest(directory))


class _Reader:
    """Turns parsed JSON into stages; knows the file, so that every complaint can name it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._directory = directory

    def split(self, data: Any) -> Split:  # noqa: ANN401 - anything can stand in a file
        model = self._get(data, "model", dict, "the manifest")
        inputs = self._tensors(data, "inputs", "the manifest")
        made: dict[str, tuple[int | None, Tensor]] = {tensor.name: (None, tensor) for tensor, _ in inputs}
        stages: list[Stage] = []
        for index, entry in enumerate(self._get(data, "stages", list, "the manifest")):
            stage = self._stage(entry, index, made)
            made |= {tensor.name: (index, tensor) for tensor in stage.outputs}
            stages.append(stage)
        self._expect(bool(stages), "there are no stages")
        for index, stage in enumerate(stages):
            for tensor, readers in zip(stage.outputs, stage.readers, strict=True):
                told = {
                    number
                    for number, reader in enumerate(stages)
                    if (tensor, index) in zip(reader.inputs, reader.producers, strict=True)
                }
                self._expect(
                    set(readers) == told,
                    f'stage {index}: {tensor.name!r} goes "to" other stages than those that read it',
                )
        return Split(
            name=str(model.get("name") or ""),
            sha256=str(model.get("sha256") or ""),
            inputs=tuple(tensor for tensor, _ in inputs),
            stages=tuple(stages),
            predicted=self._seconds(data.get("predicted"), "bottleneck", "the manifest"),
        )

    def _stage(self, data: Any, index: int, made: Mapping[str, tuple[int | None, Tensor]]) -> Stage:  # noqa: ANN401 - anything again
        where = f"stage {index}"
        self._expect(isinstance(data, dict), f"{where}: not an object")
        self._expect(
            data.get("stage") == index, f'{where}: "stage" is {data.get("stage")!r:.80}, but stages are in order'
        )
        inputs, outputs = self._tensors(data, "inputs", where), self._tensors(data, "outputs", where)
        producers = [None if (producer := entry.get("from", "nobody")) == _MODEL else producer for _, entry in inputs]
        for (tensor, _), producer in zip(inputs, producers, strict=True):
            self._expect(
                made.get(tensor.name) == (producer, tensor),
                f"{where}: {tensor.name!r} is not made {'by the model' if producer is None else f'by stage {producer}'}"
                " with this type and shape",
            )
        targets = [self._get(entry, "to", list, where) for _, entry in outputs]
        for (tensor, _), each in zip(outputs, targets, strict=True):
            is_passed = (None, tensor) == made.get(tensor.name) and tensor in (mine for mine, _ in inputs)
            if is_passed:
                rule = f"{where}: {tensor.name!r} is an input of the model, and goes nowhere but to its caller"
                self._expect(each == [_MODEL], rule)
            self._expect(is_passed or tensor.name not in made, f"{where}: {tensor.name!r} is made twice")
            is_shared = any(target != _MODEL for target in each)
            self._expect(
                not (tensor.is_text and is_shared), f"{where}: {tensor.name!r} holds strings, which stages cannot share"
            )
            self._expect(
                all(target == _MODEL or type(target) is int for target in each),
                f'{where}: {tensor.name!r} goes "to" what is no stage',
            )
        return Stage(
            file=self._file(data, where),
            block=self._get(data, "block", int, where),
            num_nodes=self._get(data, "nodes", int, where),
            inputs=tuple(tensor for tensor, _ in inputs),
            outputs=tuple(tensor for tensor, _ in outputs),
            producers=tuple(producers),
            readers=tuple(tuple(target for target in each if target != _MODEL) for each in targets),
            is_result=tuple(_MODEL in each for each in targets),
            predicted=self._seconds(data.get("predicted"), "cost", where),
        )

    def _file(self, data: dict[str, Any], where: str) -> Path:
        name, expected = self._get(data, "file", str, where), self._get(data, "sha256", str, where)
        self._expect(Path(name).name == name, f'{where}: "file" is {name!r}, but models stand beside the manifest')
        file: Path = self._directory / name
        if file_digest(file) != expected:
            raise InputError(f"{file}: not the model of {where} that was written: its SHA-256 is another")
        return file

    def _tensors(self, data: dict[str, Any], key: str, where: str) -> list[tuple[Tensor, dict[str, Any]]]:
        """Give each tensor with what else is said of it."""
        tensors = []
        for entry in self._get(data, key, list, where):
            self._expect(isinstance(entry, dict), f'{where}: an entry of "{key}" is not an object')
            name, dtype = self._get(entry, "name", str, where), self._get(entry, "dtype", str, where)
            shape = self._get(entry, "shape", list, f"{where}: {name!r}")
            self._expect(dtype in TYPES, f"{where}: {name!r} is of type {dtype}, which stages cannot share")
            self._expect(
                all(type(size) is int and size >= 0 for size in shape),
                f"{where}: {name!r} has no fixed shape; split the model with --dim NAME=SIZE",
            )
            self._expect(is_name(name), f"{where}: {name!r} is no name: it holds a null character")
            self._expect(is_shape(shape), f"{where}: {name!r} has more than 2^53 elements: {shape!r:.80}")
            tensors.append((Tensor(name=name, dtype=dtype, shape=tuple(shape)), entry))
        names = {tensor.name for tensor, _ in tensors}
        self._expect(len(names) == len(tensors), f'{where}: "{key}" names a tensor twice')
        return tensors

    def _seconds(self, data: Any, key: str, where: str) -> float | None:  # noqa: ANN401 - anything again
        value = data.get(key) if isinstance(data, dict) else data
        if value is None:
            return None
        is_time = type(value) in (int, float) and 0 <= value <= sys.float_info.max
        self._expect(is_time, f'{where}: predicted "{key}" is {value!r:.80}, but it is seconds')
        return float(value)

    def _get(self, data: dict[str, Any], key: str, kind: type, where: str) -> Any:  # noqa: ANN401 - anything again
        self._expect(key in data, f'{where}: "{key}" is missing')
        self._expect(
            type(data[key]) is kind, f'{where}: "{key}" is {data[key]!r:.80}, but a {kind.__name__} is asked for'
        )
        return data[key]

    def _expect(self, is_true: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not is_true:
            raise InputError(f"{self._path}: {rule}")
