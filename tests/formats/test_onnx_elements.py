"""Elements are computed once they are asked for, in any order, however long the chain."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.elements import Array, Elements


def test_elements_are_made_once_and_only_when_asked_for() -> None:
    """What is not asked for is never computed, what is asked for twice is computed once."""
    calls: list[str] = []

    def made(name: str, array: Array) -> Array:
        calls.append(name)
        return array

    first = Elements(lambda: made("first", np.arange(3)))
    second = Elements(lambda: made("second", np.asarray(first.array) + 1), [first])
    assert calls == []
    for _ in range(2):
        assert np.array_equal(np.asarray(second.array), [1, 2, 3])
    assert calls == ["first", "second"]
    assert second.tensor is not None
    assert second.tensor.dims == [3]


def test_a_chain_as_long_as_a_model_needs_no_stack() -> None:
    """Forty thousand nodes that hang on each other, each on the one before it twice."""
    last = Elements.of_array(np.zeros((), np.int64))
    for _ in range(40_000):
        last = Elements(lambda before=last: np.asarray(before.array) + 1, [last, last])  # type: ignore[misc]
    assert last.array == 40_000


def test_a_damaged_tensor_is_an_error_for_who_asks_and_unknown_to_others() -> None:
    """Its own elements are asked for by name; what hangs on it may never matter."""
    damaged = Elements.of_tensor(TensorProto(name="w", data_type=TensorProto.INT64, dims=[3], raw_data=b"123"))
    assert Elements(lambda: None, [damaged]).array is None
    with pytest.raises(InputError, match="'w' does not hold"):
        _ = damaged.array
