"""How fast this machine's processor computes and moves bytes with one thread, as onnxruntime and numpy do it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from slicegraph.errors import InputError
from slicegraph.stages.clocks import QUIET
from slicegraph.stages.onnx.sessions import Runner, run, to_values

_SIZE: Final = 384  # rows and columns of the matrices
_BYTES: Final = 1 << 25  # of each array that is copied: more than caches hold
_FEWEST: Final = 5
_LONG: Final = 0.3  # seconds of the processor after which something has run often enough
_WARMUP: Final = 2

_TYPES: Final = {
    "fp32": TensorProto.FLOAT,
    "fp64": TensorProto.DOUBLE,
    "fp16": TensorProto.FLOAT16,
    "bf16": TensorProto.BFLOAT16,
    "int8": TensorProto.INT8,
}


class Rate(NamedTuple):
    """Something per second: the upper quartile over some runs, and the quartiles' difference over the median."""

    value: float
    spread: float

    @classmethod
    def of(cls, amount: float, seconds: list[float]) -> Self:
        """Give the rate at which an amount was done in each of some times."""
        low, middle, high = np.quantile(seconds, (QUIET, 0.5, 1 - QUIET))
        return cls(float(amount / low), float((high - low) / middle))


def product_rates() -> dict[str, Rate]:
    """Give operations per second of a matrix product, by type of number; types that onnxruntime lacks are left out."""
    found = {}
    for key, type_ in _TYPES.items():
        try:
            found[key] = Rate.of(2.0 * _SIZE**3, _seconds(_product(type_)))
        except InputError:
            continue
    return found


def copy_rate() -> Rate:
    """Give bytes per second, read and written, of copying an array that no cache holds."""
    source, target = np.ones(_BYTES, np.uint8), np.ones(_BYTES, np.uint8)
    return Rate.of(2.0 * _BYTES, _seconds(lambda: np.copyto(target, source)))


def _seconds(call: Callable[[], object]) -> list[float]:
    found: list[float] = []
    while len(found) < _WARMUP + _FEWEST or sum(found) < _LONG:
        begin = time.thread_time()
        call()
        found.append(time.thread_time() - begin)
    return found[_WARMUP:]


def _product(type_: int) -> Callable[[], object]:
    """Give what runs one matrix product, of stored weights.

    Raises
    ------
    InputError
        onnxruntime has no kernel for the type.
    """
    random, shape = np.random.default_rng(0), (_SIZE, _SIZE)
    op, read, made = "MatMul", type_, type_
    if type_ == TensorProto.INT8:
        op, read, made = "MatMulInteger", int(TensorProto.UINT8), int(TensorProto.INT32)
    dtype = helper.tensor_dtype_to_np_dtype(type_)
    value, weight = ((4 * random.standard_normal(shape)).astype(dtype) for _ in range(2))
    if op == "MatMulInteger":
        value = np.abs(value).astype(np.uint8)
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", read, shape)],
        [helper.make_tensor_value_info("y", made, shape)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = Runner(folder=Path(), threads=1).session(model.SerializeToString(), {}, is_optimized=True)
    values = to_values({"x": value})
    return lambda: run(session, values)
