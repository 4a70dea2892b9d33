"""A model as plain tuples: the ``tflite`` package reads flatbuffers, and here it is seen to what it does not check."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import tflite

from slicegraph.errors import InputError
from slicegraph.formats.files import read_whole

DAMAGED: Final = (ArithmeticError, AttributeError, IndexError, TypeError, ValueError, struct.error)
"""What the package raises where offsets and numbers of a file make no sense."""
_log = logging.getLogger(__name__)
_LONGEST: Final = 80
_IDENTIFIER: Final = b"TFL3"
_LEAST_BYTES: Final = 4  # of an element of a vector: a number or an offset
_Part = TypeVar("_Part")
_TYPES: Final[dict[int, str]] = {
    value: name.lower() for name, value in vars(tflite.TensorType).items() if not name.startswith("_")
}
_NAMES: Final[dict[int, str]] = {
    value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")
}


class Tensor(NamedTuple):
    """A tensor.

    Attributes
    ----------
    name
        What it is called.
    shape, dtype
        Its dimensions and the type of its elements, as ``"int8"``.
    buffer, stored
        The buffer that has its data, and the bytes of that; 0 of them: it is no constant.
    is_variable
        It keeps its value from one run to the next.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    buffer: int
    stored: int
    is_variable: bool


class Operator(NamedTuple):
    """An operator.

    Attributes
    ----------
    op
        Its name, or the code of a custom one.
    inputs, outputs
        Indices of tensors; -1: one that is optional is not there.
    options
        Gives the table of its options as a type of ``tflite``, such as ``tflite.Conv2DOptions``.
    """

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Callable[[Any], Any]


class Subgraph(NamedTuple):
    """A subgraph: its tensors, its operators in the order in which they run, and which tensors go in and out."""

    tensors: Sequence[Tensor]
    operators: Sequence[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def load(path: Path) -> Sequence[Subgraph]:
    """Read the subgraphs of a model.

    Raises
    ------
    InputError
        When it cannot be read, or is no such model.
    """
    raw = read_whole(path)
    if raw[4:8] != _IDENTIFIER:
        raise InputError("no TFLite model: it does not begin as one")
    try:
        subgraphs, others = _subgraphs(raw), _left_out(raw)
    except InputError:
        raise
    except DAMAGED:
        raise InputError("no TFLite model: its tables are damaged") from None
    if others:
        told = ", ".join(map(repr, others))
        _log.warning("%s: only its first subgraph is read, not what these signatures run: %s", path, told)
    return subgraphs


def _subgraphs(raw: bytes) -> Sequence[Subgraph]:
    model = tflite.Model.GetRootAs(raw, 0)
    most = len(raw) // _LEAST_BYTES

    def parts(count: int, give: Callable[[int], _Part]) -> list[_Part]:
        # No vector has more elements than the file has room for.
        if not 0 <= count <= most:
            raise InputError("no TFLite model: its tables are damaged")
        return [give(index) for index in range(count)]

    ops = [_operator_name(code) for code in parts(model.OperatorCodesLength(), model.OperatorCodes)]
    stored = [_stored(buffer) for buffer in parts(model.BuffersLength(), model.Buffers)]
    subgraphs = []
    for graph in parts(model.SubgraphsLength(), model.Subgraphs):
        tensors = [
            _tensor(tensor, parts(tensor.ShapeLength(), tensor.Shape), stored)
            for tensor in parts(graph.TensorsLength(), graph.Tensors)
        ]

        def indices(count: int, give: Callable[[int], int], known: int = len(tensors)) -> tuple[int, ...]:
            found = tuple(parts(count, give))
            if wrong := [index for index in found if not -1 <= index < known]:
                raise InputError(f"tensor {wrong[0]} is asked for, but there are {known}")
            return found

        operators = [
            Operator(
                op=ops[operator.OpcodeIndex()],
                inputs=indices(operator.InputsLength(), operator.Inputs),
                outputs=indices(operator.OutputsLength(), operator.Outputs),
                options=_options(operator),
            )
            for operator in parts(graph.OperatorsLength(), graph.Operators)
        ]
        ends = indices(graph.InputsLength(), graph.Inputs), indices(graph.OutputsLength(), graph.Outputs)
        subgraphs.append(Subgraph(tensors, operators, *ends))
    if not subgraphs:
        raise InputError("the model has no subgraph")
    return subgraphs


def _left_out(raw: bytes) -> list[str]:
    """Name the signatures that do not run the first subgraph."""
    model = tflite.Model.GetRootAs(raw, 0)
    definitions = map(model.SignatureDefs, range(min(model.SignatureDefsLength(), len(raw) // _LEAST_BYTES)))
    return [_text(each.SignatureKey())[:_LONGEST] for each in definitions if each.SubgraphIndex()]


def _operator_name(code: Any) -> str:  # noqa: ANN401 - the package has no types
    # Models before 2020 have the deprecated field alone, which has no room for codes above 127.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        return _text(code.CustomCode()) or "CUSTOM"
    return _NAMES.get(number, f"BUILTIN_{number}")


def _stored(buffer: Any) -> int:  # noqa: ANN401 - see above
    # Beyond 2 GB data stands behind the tables, at an offset.
    return int(buffer.Size()) if buffer.Offset() > 1 else int(buffer.DataLength())


def _tensor(tensor: Any, shape: list[int], stored: Sequence[int]) -> Tensor:  # noqa: ANN401 - see above
    name, buffer = _text(tensor.Name()), tensor.Buffer()
    if wrong := [dim for dim in shape if dim < 0]:
        raise InputError(f"tensor {name!r:.80} has the dimension {wrong[0]}: give it a size")
    dtype = _TYPES.get(tensor.Type(), "")
    return Tensor(name, tuple(shape), dtype, buffer, stored[buffer], tensor.IsVariable())


def _options(operator: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - see above
    def options(kind: Any) -> Any:  # noqa: ANN401 - see above
        table = operator.BuiltinOptions()
        if table is None:
            raise InputError(f"no TFLite model: an operator has no {kind.__name__}")
        found = kind()
        found.Init(table.Bytes, table.Pos)
        return found

    return options


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "replace")
