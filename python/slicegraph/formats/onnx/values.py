"""A value of the model: its type, shape and size, and its elements where they are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import SparseTensorProto, TensorProto, TensorShapeProto, TypeProto, numpy_helper

from slicegraph.errors import InputError
from slicegraph.formats.onnx.elements import Elements
from slicegraph.formats.onnx.skeleton import KEPT_BYTES

# Bits as stored; types of less than a byte are packed (onnx.proto, TensorProto.raw_data).
# A string is as long as it likes: 8 bytes stand for it, the size of a reference.
_BITS: Final = {
    **dict.fromkeys(("BOOL", "INT8", "UINT8"), 8),
    **dict.fromkeys(("INT16", "UINT16", "FLOAT16", "BFLOAT16"), 16),
    **dict.fromkeys(("INT32", "UINT32", "FLOAT"), 32),
    **dict.fromkeys(("INT64", "UINT64", "DOUBLE", "COMPLEX64", "STRING"), 64),
    "COMPLEX128": 128,
    **dict.fromkeys(("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0"), 8),
    **dict.fromkeys(("FLOAT6E2M3", "FLOAT6E3M2"), 6),
    **dict.fromkeys(("INT4", "UINT4", "FLOAT4E2M1"), 4),
    **dict.fromkeys(("INT2", "UINT2"), 2),
}
_BITS_OF: Final = {number: _BITS[name] for name, number in TensorProto.DataType.items() if name in _BITS}

_NAMES: Final = {
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "FLOAT8E4M3FN": "float8_e4m3fn",
    "FLOAT8E4M3FNUZ": "float8_e4m3fnuz",
    "FLOAT8E5M2": "float8_e5m2",
    "FLOAT8E5M2FNUZ": "float8_e5m2fnuz",
    "FLOAT8E8M0": "float8_e8m0fnu",
    "FLOAT6E2M3": "float6_e2m3fn",
    "FLOAT6E3M2": "float6_e3m2fn",
    "FLOAT4E2M1": "float4_e2m1fn",
}
DTYPES: Final[dict[int, str]] = {
    number: _NAMES.get(name, name.lower()) for name, number in TensorProto.DataType.items() if number
}
"""Names of the types of elements, as numpy and ml_dtypes have them."""
_WHOLE: Final = frozenset({TensorProto.INT32, TensorProto.INT64})
_LIST_BYTES: Final = 64

Shape = tuple[int | None, ...]


@dataclass(eq=False, slots=True)
class Stored:
    """Something that a model stores; two are the same only if they are one object.

    Attributes
    ----------
    nbytes
        Its size.
    is_given
        The file holds it; else it is computed from what is no parameter, such as a shape.
    is_list
        It is a short list of whole numbers, as shapes and axes are, of which every node may have its own.
    """

    nbytes: int
    is_given: bool = True
    is_list: bool = False


class Value(NamedTuple):
    """What is known about one value.

    Attributes
    ----------
    type
        Its ONNX type; no dimension in it has a name.
    shape
        Dimensions, None where unknown; None: not even their number is known, or it is no tensor.
    nbytes
        Its size, or None: unknown.  A sparse tensor counts as a dense one, an optional value as present.
    is_constant
        It is a parameter: stored in the model, or computed from what is.
    stores
        For a parameter, what the model stores for it: itself, or what it is unpacked from.
    kind
        What its type is: "tensor_type", "sequence_type" and so on, as ONNX has it; "": unknown.
    elem_type
        The type of its elements, or of its items' elements; 0: unknown.
    elements
        Its elements, where they are few and can be computed, as far as the reader knows before it tries.
    items
        For a sequence, how many tensors it holds, where that is known.
    parts
        For a sequence, what it holds, where the length and every type are known.
    reason
        Where its unknown size begins, and why, in words; empty when the size is known.
    is_contradiction
        No run of the model can make it: the sizes that are given do not fit a node.
    """

    type: TypeProto
    shape: Shape | None = None
    nbytes: int | None = None
    is_constant: bool = False
    stores: tuple[Stored, ...] = ()
    kind: str = ""
    elem_type: int = 0
    elements: Elements | None = None
    items: int | None = None
    parts: tuple[Value, ...] | None = None
    reason: str = ""
    is_contradiction: bool = False

    @property
    def numel(self) -> int:
        """Elements; an unknown dimension counts as 1, and so does all that is no tensor."""
        shape = self.shape or ()
        return math.prod(dim for dim in shape if dim is not None) if None in shape else math.prod(shape)  # type: ignore[arg-type]

    @property
    def is_known(self) -> bool:
        """It is a tensor of known type and size, that some run can make."""
        return self.nbytes is not None and self.kind == "tensor_type" and not self.is_contradiction

    @property
    def array(self) -> NDArray[np.generic] | None:
        """The elements as an array, where they are known."""
        return None if self.elements is None else self.elements.array

    @property
    def tensor(self) -> TensorProto | None:
        """The elements as ONNX stores them, where they are known."""
        return None if self.elements is None else self.elements.tensor

    @property
    def scalar(self) -> int | None:
        """The one element of an integer or truth value, where it is known."""
        array = self.array
        return int(array.item()) if array is not None and array.size == 1 and array.dtype.kind in "biu" else None

    def parameter(self, stores: tuple[Stored, ...], elements: Elements | None = None) -> Value:
        """Give a parameter of this type, of which the model stores so much."""
        # By position, which is three times as fast: every constant is made here.
        type_, shape, nbytes, _, _, kind, elem_type, _, items, parts, reason, is_wrong = self
        fields = (type_, shape, nbytes, True, stores, kind, elem_type, elements, items, parts, reason, is_wrong)
        return tuple.__new__(Value, fields)

    def dim(self, axis: int) -> int:
        """Say how long one dimension is: 1 where that is unknown."""
        dims = self.shape or ()
        known = dims[axis] if -len(dims) <= axis < len(dims) else None
        return 1 if known is None else known

    def counted_bytes(self) -> int:
        """Say what moving it costs: of a parameter no more than is stored for it; unknown dimensions counted as 1."""
        if self.nbytes is not None and not self.stores:
            return self.nbytes
        own = _nbytes(self.elem_type, (self.numel,)) or 0 if self.nbytes is None else self.nbytes
        if not self.is_constant or not self.stores:
            return own
        return min(own, self.stores[0].nbytes if len(self.stores) == 1 else sum([part.nbytes for part in self.stores]))

    @property
    def dtype(self) -> str:
        """The type of its elements, as numpy or ml_dtypes name it; "" where it is unknown."""
        return DTYPES.get(self.elem_type, "")


UNKNOWN: Final = Value(type=TypeProto())
"""A value of which nothing is known."""


def of_type(type_: TypeProto) -> Value:
    """Make a value of an ONNX type; a sequence counts as its element once, a map has no known size."""
    if type_.HasField("tensor_type") and not type_.denotation:
        dims = list(type_.tensor_type.shape.dim)
        lengths = tuple([dim.dim_value for dim in dims])
        if lengths and min(lengths) > 0 and not "".join([dim.denotation for dim in dims]):
            return of_shape(type_.tensor_type.elem_type, lengths)
    plain = TypeProto()
    plain.CopyFrom(type_)
    for dim in dimensions(plain):
        if dim.dim_value < 0 or not dim.HasField("dim_value"):
            dim.Clear()
    core, kind = _core(plain), plain.WhichOneof("value") or ""
    inner = core.WhichOneof("value")
    if inner == "sequence_type":
        item = of_type(core.sequence_type.elem_type)
        return Value(type=plain, kind=kind, elem_type=item.elem_type, nbytes=item.nbytes)
    if inner not in {"tensor_type", "sparse_tensor_type"}:
        return Value(type=plain, kind=kind)
    tensor = core.tensor_type if inner == "tensor_type" else core.sparse_tensor_type
    if not tensor.HasField("shape"):
        return Value(type=plain, kind=kind, elem_type=tensor.elem_type)
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    nbytes = _nbytes(tensor.elem_type, shape)
    return Value(type=plain, kind=kind, elem_type=tensor.elem_type, shape=shape, nbytes=nbytes)


@lru_cache(maxsize=1 << 14)
def of_shape(elem_type: int, shape: Shape | None) -> Value:
    """Make a tensor of an element type and a shape."""
    type_ = TypeProto()
    type_.tensor_type.elem_type = elem_type
    if shape is None:
        return Value(type=type_, kind="tensor_type", elem_type=elem_type)
    type_.tensor_type.shape.SetInParent()
    for dim in shape:
        added = type_.tensor_type.shape.dim.add()
        if dim is not None:
            added.dim_value = dim
    return Value(type=type_, kind="tensor_type", elem_type=elem_type, shape=shape, nbytes=_nbytes(elem_type, shape))


def of_tensor(tensor: TensorProto) -> Value:
    """Make a parameter of a stored tensor, with its elements if they are here and few."""
    kind = kind_of(tensor.data_type, tuple(tensor.dims))
    if kind.is_negative:
        raise negative(tensor.name)
    is_here = tensor.data_location != TensorProto.EXTERNAL
    return kind.parameter(Elements.of_tensor(tensor) if is_here and kind.is_few else None)


def negative(name: str) -> InputError:
    """Complain about a stored tensor with a negative dimension."""
    return InputError(f"the tensor {name!r} has a negative dimension")


class Kind(NamedTuple):
    """What stored tensors of one element type and shape have in common.

    Attributes
    ----------
    value
        Type and shape.
    is_few
        Its elements may be looked at.
    is_list
        It is a short list of whole numbers.
    is_negative
        It cannot be: it has a negative dimension.
    nbytes
        What is stored.
    """

    value: Value
    is_few: bool
    is_list: bool
    is_negative: bool
    nbytes: int

    def parameter(self, elements: Elements | None) -> Value:
        """Make a parameter that the model stores by itself."""
        return self.value.parameter((Stored(self.nbytes, True, self.is_list),), elements)  # noqa: FBT003 - fastest


@lru_cache(maxsize=1 << 14)
def kind_of(elem_type: int, shape: tuple[int, ...]) -> Kind:
    """Say what stored tensors of an element type and shape have in common."""
    value = of_shape(elem_type, shape)
    return Kind(
        value=value,
        is_few=value.nbytes is not None and value.nbytes <= KEPT_BYTES,
        is_list=len(shape) <= 1 and elem_type in _WHOLE and (value.nbytes or 0) <= _LIST_BYTES,
        is_negative=min(shape, default=0) < 0,
        nbytes=value.counted_bytes(),
    )


def of_sparse(sparse: SparseTensorProto) -> Value:
    """Make a parameter of a stored sparse tensor: dense to its readers, stored as its values and their indices."""
    if any(dim < 0 for dim in sparse.dims):
        raise InputError(f"the sparse tensor {sparse.values.name!r} has a negative dimension")
    stored = of_tensor(sparse.values).counted_bytes() + of_tensor(sparse.indices).counted_bytes()
    whole = of_shape(sparse.values.data_type, tuple(sparse.dims))
    return whole.parameter((Stored(nbytes=stored),))


def of_array(array: NDArray[np.generic]) -> Value:
    """Make a parameter of known elements."""
    kind = kind_of(elem_type(array), array.shape)
    return kind.parameter(Elements.of_array(array) if kind.is_few else None)


def elem_type(array: NDArray[np.generic]) -> int:
    """Give ONNX's type of an array's elements.

    Raises
    ------
    ValueError
        ONNX has none.
    """
    return _elem_type(array.dtype)


@lru_cache(maxsize=1 << 8)
def _elem_type(dtype: np.dtype[np.generic]) -> int:
    return numpy_helper.from_array(np.zeros(0, dtype)).data_type


def merged(first: Value, second: Value) -> Value:
    """Make a value that may be either of two: what they agree on."""
    if first.kind != "tensor_type" or second.kind != "tensor_type":
        return _merged_others(first, second)
    shape: Shape | None = None
    if first.shape is not None and second.shape is not None and len(first.shape) == len(second.shape):
        shape = tuple(a if a == b else None for a, b in zip(first.shape, second.shape, strict=True))
    return of_shape(first.type.tensor_type.elem_type, shape)


def _merged_others(first: Value, second: Value) -> Value:
    if first.type == second.type:
        items = first.items if first.items == second.items else None
        return of_type(first.type)._replace(items=items, parts=first.parts if first.parts == second.parts else None)
    kinds = {first.kind, second.kind}
    return sequence_of(merged(element(first), element(second))) if kinds == {"sequence_type"} else UNKNOWN


def sequence_of(element: Value) -> Value:
    """Make a sequence of unknown length; it counts as its element once."""
    type_ = TypeProto()
    type_.sequence_type.elem_type.CopyFrom(element.type)
    return of_type(type_)


def varying(value: Value) -> Value:
    """Take a value's type and size alone: it is no parameter, or another one each time."""
    if not value.is_constant and not value.stores and value.elements is None:
        return value
    return value._replace(is_constant=False, stores=(), elements=None)


def dimensions(type_: TypeProto) -> Iterator[TensorShapeProto.Dimension]:
    """Run over the dimensions of a type, those of a sequence's or a map's elements included."""
    core = _core(type_)
    kind = core.WhichOneof("value")
    if kind == "tensor_type":
        yield from core.tensor_type.shape.dim
    elif kind == "sparse_tensor_type":
        yield from core.sparse_tensor_type.shape.dim
    elif kind == "sequence_type":
        yield from dimensions(core.sequence_type.elem_type)
    elif kind == "map_type":
        yield from dimensions(core.map_type.value_type)


def element(sequence: Value) -> Value:
    """Say what a sequence holds."""
    return of_type(_core(sequence.type).sequence_type.elem_type)


def _core(type_: TypeProto) -> TypeProto:
    while type_.WhichOneof("value") == "optional_type":
        type_ = type_.optional_type.elem_type
    return type_


def _nbytes(elem_type: int, shape: Shape) -> int | None:
    bits = _BITS_OF.get(elem_type)
    known = [dim for dim in shape if dim is not None]
    if bits is None or len(known) < len(shape):
        return None
    return (math.prod(known) * bits + 7) // 8
