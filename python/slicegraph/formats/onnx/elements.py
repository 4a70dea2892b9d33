"""The elements of a value, computed when something asks for them: most constants are never looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from slicegraph.errors import InputError

Array: TypeAlias = NDArray[np.generic]


class Elements:
    """Elements that a file holds, that are at hand, or that a node makes of others.

    Parameters
    ----------
    make
        Gives them, or None where they cannot be computed after all.  It is called once.
    sources
        What ``make`` asks for.

    Notes
    -----
    What is made of what is made, and so on, is computed without recursion: chains are as long as models.
    """

    __slots__ = ("_array", "_error", "_key", "_make", "_sources", "_tensor", "_tensors")

    def __init__(
        self,
        make: Callable[[], Array | None] | None,
        sources: Sequence[Elements] = (),
        array: Array | None = None,
        tensors: tuple[Sequence[TensorProto], int] | None = None,
    ) -> None:
        self._make, self._sources, self._array, self._tensors = make, sources, array, tensors
        self._tensor: TensorProto | None = None
        self._key: Hashable = None
        self._error: InputError | None = None

    @classmethod
    def of_array(cls, array: Array) -> Elements:
        """Take elements that are at hand."""
        return cls(None, array=array)

    @classmethod
    def of_tensor(cls, tensor: TensorProto) -> Elements:
        """Take elements that a model holds; whether it holds them is found out when they are asked for."""
        return cls.at(([tensor], 0))

    @classmethod
    def at(cls, tensors: tuple[Sequence[TensorProto], int]) -> Elements:
        """Take the elements of one of a model's tensors, by its position: most are never looked at."""
        return cls(None, (), None, tensors)

    @property
    def array(self) -> Array | None:
        """The elements; None: they cannot be computed.

        Raises
        ------
        InputError
            A tensor of the model does not hold what its type and dimensions say.
        """
        waiting = [self] if self.is_open else []
        while waiting:
            if before := waiting[-1].open_sources():
                waiting += before
            else:
                waiting.pop().settle()
        if self._error is not None:
            raise self._error
        return self._array

    @property
    def is_open(self) -> bool:
        """They have not been asked for yet."""
        return self._make is not None or (self._tensors is not None and self._array is None and self._error is None)

    def open_sources(self) -> list[Elements]:
        """List what has to be settled before."""
        return [source for source in self._sources if source.is_open]

    def settle(self) -> None:
        """Compute them, once."""
        if not self.is_open:
            return
        try:
            self._array = self._made()
        except InputError as error:
            self._error = error
        self._make, self._sources = None, ()

    def _made(self) -> Array | None:
        if self._tensors is None:
            return None if self._make is None else self._make()
        tensors, position = self._tensors
        return _decoded(tensors[position])

    @property
    def tensor(self) -> TensorProto | None:
        """The same as ONNX stores them."""
        if self._tensors is not None:
            tensors, position = self._tensors
            return tensors[position]
        if self._tensor is None and (array := self.array) is not None:
            self._tensor = numpy_helper.from_array(array)
        return self._tensor

    @property
    def key(self) -> Hashable:
        """Tells them from other elements; None: they cannot be computed."""
        if self._key is None and (array := self.array) is not None:
            held = repr(array.tolist()) if array.dtype.hasobject else array.tobytes()
            self._key = array.dtype.num, array.shape, held
        return self._key


def _decoded(tensor: TensorProto) -> Array:
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        text = f"the tensor {tensor.name!r} does not hold what its type and dimensions say"
        raise InputError(text) from error
