"""Floating-point operations per operator of TFLite, by the conventions of the ONNX reader."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tflite

from slicegraph.errors import InputError
from slicegraph.formats.counting import Count, Formulas, formulas, guess
from slicegraph.formats.tflite.model import Operator, Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """An operator with its tensors.

    Attributes
    ----------
    operator
        As the model has it.
    inputs, outputs
        Its tensors; None: an optional one is not there.
    """

    operator: Operator
    inputs: Sequence[Tensor | None]
    outputs: Sequence[Tensor]

    def given(self, index: int = 0) -> Tensor:
        """Give an input.

        Raises
        ------
        InputError
            It is not there.
        """
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise InputError(f"{self.operator.op} has no input {index}")
        return tensor

    def has(self, index: int) -> bool:
        """Whether an input is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    @property
    def made(self) -> int:
        """Elements of the first output."""
        return numel(self.outputs[0]) if self.outputs else 0


Rule = Callable[[Operation], int]


def numel(tensor: Tensor) -> int:
    """Count the elements of a tensor."""
    return math.prod(tensor.shape)


def count(operation: Operation, given: Formulas) -> Count:
    """Count what an operator computes, bodies apart: by the user's formula, by the table, or else as a guess."""
    op = operation.operator.op
    shapes = [each.shape for each in operation.inputs if each is not None], [each.shape for each in operation.outputs]
    mine = given.count(op, *shapes)
    if mine is not None:
        return mine
    if op not in RULES:
        return guess(*shapes)
    flops = RULES[op](operation)
    is_complex = any(each is not None and each.dtype.startswith("complex") for each in operation.inputs)
    return Count(flops=flops * _COMPLEX.get(op, formulas.COMPLEX_SUM) if is_complex else flops)


def _per_output(flops: int) -> Rule:
    return lambda operation: flops * operation.made


def _input(operation: Operation) -> int:
    return numel(operation.given())


def _fused(kind: Any, rule: Rule) -> Rule:  # noqa: ANN401 - the package has no types
    """Add 1 for each output where an activation is fused."""

    def fused(operation: Operation) -> int:
        is_fused = bool(operation.operator.options(kind).FusedActivationFunction())  # 0: none
        return rule(operation) + is_fused * operation.made

    return fused


def _bias(operation: Operation, index: int = 2) -> int:
    return int(operation.has(index))


def _convolution(operation: Operation) -> int:
    """Sum over the kernel, whose last axis is the channels of a group."""
    _, *kernel = operation.given(1).shape
    return formulas.products(operation.made, math.prod(kernel), added=_bias(operation))


def _depthwise(operation: Operation) -> int:
    _, *window, _ = operation.given(1).shape
    return formulas.products(operation.made, math.prod(window), added=_bias(operation))


def _volume(operation: Operation) -> int:
    """Sum over a kernel of three axes and the channels behind them."""
    *kernel, _ = operation.given(1).shape
    return formulas.products(operation.made, math.prod(kernel), added=_bias(operation))


def _transposed(operation: Operation) -> int:
    """Spread each input over the kernel; inputs are the shape that is made, the kernel, the data and a bias."""
    channels, *window, _ = operation.given(1).shape
    spread = formulas.convolution(operation.made, numel(operation.given(2)), (1, channels), math.prod(window), groups=1)
    return spread + _bias(operation, 3) * operation.made


def _fully_connected(operation: Operation) -> int:
    return formulas.products(operation.made, operation.given(1).shape[-1], added=_bias(operation))


def _matrix_product(operation: Operation) -> int:
    axis = -2 if operation.operator.options(tflite.BatchMatMulOptions).AdjX() else -1
    return formulas.products(operation.made, operation.given().shape[axis])


def _pool(operation: Operation) -> int:
    options = operation.operator.options(tflite.Pool2DOptions)
    window: int = max(0, options.FilterHeight()) * max(0, options.FilterWidth())
    return window * operation.made


def _sum(operation: Operation) -> int:
    return max(1, len(operation.inputs) - 1) * operation.made


def _resampling(operation: Operation) -> int:
    return formulas.resampling(operation.given().shape, operation.outputs[0].shape, 2, is_smoothing=False)


def _top(operation: Operation) -> int:
    return formulas.comparisons(_input(operation), operation.outputs[0].shape[-1])


def _local_response(operation: Operation) -> int:
    """Square and add over the window of channels, then scale, raise and divide."""
    radius: int = max(0, operation.operator.options(tflite.LocalResponseNormalizationOptions).Radius())
    return (2 * (2 * radius + 1) + 3) * operation.made


def _update(operation: Operation) -> int:
    """Add each update to what stands in its place."""
    return numel(operation.given(1))


def _recurrence(operation: Operation) -> int:
    """Run the gates of an LSTM at each step: four matrices on the input and four on the state, some not there.

    The basic kernel has five inputs: data, state, one matrix on both, a bias, and the state of the cells.
    """
    data = operation.given().shape
    if len(operation.inputs) == _BASIC:
        both, bias = operation.given(2), numel(operation.given(3))
        return formulas.recurrence(
            math.prod(data[:-1]), numel(both), biases=bias, hidden=both.shape[0] // 4, kind="lstm"
        )
    matrices = [each for each in operation.inputs[1:9] if each is not None]
    biases = [each for each in operation.inputs[12:16] if each is not None]
    hidden = operation.given(3).shape[0]
    weights = sum(map(numel, matrices)) + (numel(operation.given(16)) if operation.has(16) else 0)
    added = sum(map(numel, biases))
    return formulas.recurrence(math.prod(data[:-1]), weights, biases=added, hidden=hidden, kind="lstm")


def _plain_recurrence(operation: Operation) -> int:
    """Multiply the input and the state at each step, add a bias and activate."""
    data, (hidden, width) = operation.given().shape, operation.given(1).shape
    return formulas.recurrence(
        math.prod(data[:-1]), hidden * (width + hidden), biases=hidden, hidden=hidden, kind="rnn"
    )


def _filters(operation: Operation) -> int:
    """Multiply with each filter over the features, then over what it made in time, and add those of a unit."""
    filters, memory = operation.given(2).shape
    each = 2 * (numel(operation.given(1)) + filters * memory) + filters
    return operation.given().shape[0] * each + (_bias(operation, 3) + 1) * operation.made


def _spread_volume(operation: Operation) -> int:
    """Spread each input over a kernel of three axes, of which outputs and inputs stand behind these."""
    *window, channels, _ = operation.given(1).shape
    spread = formulas.convolution(operation.made, numel(operation.given(2)), (1, channels), math.prod(window), groups=1)
    return spread + _bias(operation, 3) * operation.made


def _fourier(operation: Operation) -> int:
    """Transform the last two axes of real numbers, of which half are made."""
    *_, rows, half = operation.outputs[0].shape
    return formulas.transforms(rows * max(1, 2 * (half - 1)), operation.made // max(1, rows * half))


_BASIC: Final = 5
_MOVING: Final = """
    ASSIGN_VARIABLE BATCH_TO_SPACE_ND BITCAST BROADCAST_ARGS BROADCAST_TO CALL_ONCE CAST DEPTH_TO_SPACE DENSIFY
    DYNAMIC_UPDATE_SLICE EMBEDDING_LOOKUP EXPAND_DIMS FILL GATHER GATHER_ND IMAG MATRIX_DIAG MATRIX_SET_DIAG MIRROR_PAD
    ONE_HOT PACK PAD PADV2 RANK READ_VARIABLE REAL RESHAPE RESIZE_NEAREST_NEIGHBOR REVERSE_SEQUENCE REVERSE_V2 SHAPE
    SLICE SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPARSE_TO_DENSE SPLIT SPLIT_V SQUEEZE STRIDED_SLICE TILE TRANSPOSE UNPACK
    VAR_HANDLE WHERE ZEROS_LIKE
"""
_ELEMENTWISE: Final = """
    ABS ATAN2 BITWISE_XOR BUCKETIZE CEIL COMPLEX_ABS COS DEQUANTIZE ELU EQUAL EXP FAKE_QUANT FLOOR FLOOR_DIV FLOOR_MOD
    GELU GREATER GREATER_EQUAL HARD_SWISH LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC
    MAXIMUM MINIMUM NEG NOT_EQUAL POW PRELU QUANTIZE RANDOM_STANDARD_NORMAL RANDOM_UNIFORM RANGE RELU RELU6 RELU_0_TO_1
    RELU_N1_TO_1 RIGHT_SHIFT ROUND RSQRT SELECT SELECT_V2 SIGN SIN SQRT SQUARE SQUARED_DIFFERENCE TANH
"""
_REDUCING: Final = """
    ARG_MAX ARG_MIN CUMSUM MEAN REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD SEGMENT_SUM SUM
    UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM
"""
_NORMALISING: Final = "L2_NORMALIZATION LOG_SOFTMAX SOFTMAX"
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), _per_output(0)),
    **dict.fromkeys(_ELEMENTWISE.split(), _per_output(1)),
    **dict.fromkeys(_REDUCING.split(), _input),
    **dict.fromkeys(_NORMALISING.split(), _per_output(formulas.NORMALISING)),
    **dict.fromkeys(("AVERAGE_POOL_2D", "L2_POOL_2D", "MAX_POOL_2D"), _fused(tflite.Pool2DOptions, _pool)),
    **dict.fromkeys(("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"), _recurrence),
    **dict.fromkeys(("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN"), _plain_recurrence),
    "ADD": _fused(tflite.AddOptions, _per_output(1)),
    "ADD_N": _sum,
    "BATCH_MATMUL": _matrix_product,
    "CONCATENATION": _fused(tflite.ConcatenationOptions, _per_output(0)),
    "CONV_2D": _fused(tflite.Conv2DOptions, _convolution),
    "CONV_3D": _fused(tflite.Conv3DOptions, _volume),
    "CONV_3D_TRANSPOSE": _fused(tflite.Conv3DOptions, _spread_volume),
    "DEPTHWISE_CONV_2D": _fused(tflite.DepthwiseConv2DOptions, _depthwise),
    "DIV": _fused(tflite.DivOptions, _per_output(1)),
    "FULLY_CONNECTED": _fused(tflite.FullyConnectedOptions, _fully_connected),
    "LOCAL_RESPONSE_NORMALIZATION": _local_response,
    "MUL": _fused(tflite.MulOptions, _per_output(1)),
    "RESIZE_BILINEAR": _resampling,
    "RFFT2D": _fourier,
    "SCATTER_ND": _update,
    "SVDF": _filters,
    "SUB": _fused(tflite.SubOptions, _per_output(1)),
    "TOPK_V2": _top,
    "TRANSPOSE_CONV": _transposed,
}
"""How to count each operator; what is not here is guessed."""
_COMPLEX: Final[Mapping[str, int]] = dict.fromkeys(("DIV", "MUL", "SQUARE"), formulas.COMPLEX_PRODUCT)
"""Operations on real numbers for one on complex numbers; two for all others."""
