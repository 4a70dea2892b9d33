"""Operations of ONNX's operators by definition, from the arrays that go in and come out, and the attributes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import GraphProto

from definitions.run import Run


def operations(run: Run) -> int | None:
    """Count what a node computed; None: its number of operations is not defined."""
    name = f"{run.node.domain}.{run.node.op_type}".removeprefix(".")
    return None if name not in BY_DEFINITION else BY_DEFINITION[name](run)


def _texts(value: Any, default: str = "") -> str:  # noqa: ANN401 - bytes or text
    return value.decode() if isinstance(value, bytes) else str(value or default)


def _nothing(_run: Run) -> int:
    return 0


def _each(factor: int) -> Callable[[Run], int]:
    return lambda run: factor * run.y.size


def _each_input(run: Run) -> int:
    return run.x.size


def _reduced(run: Run) -> int:
    """Combine every element, unless no axis is reduced."""
    axes = run.attributes.get("axes")
    given = run.get(1) if axes is None else np.asarray(axes)
    keeps = run.attributes.get("noop_with_empty_axes", 0) and (given is None or given.size == 0)
    return 0 if keeps else run.x.size


def _several(run: Run) -> int:
    return (len(run.inputs) - 1) * run.y.size


def _places(run: Run, kernel: Sequence[int]) -> int:
    """Visit each element of the window of each output."""
    visited = 0
    for _ in itertools.islice(np.ndindex(run.y.shape), 1):
        visited = run.y.size * len(list(np.ndindex(*kernel)))
    return visited


def _pool(run: Run) -> int:
    return _places(run, run.attributes["kernel_shape"])


def _convolution(weight: int = 1, bias: int = 2) -> Callable[[Run], int]:
    def count(run: Run) -> int:
        filters = run.need(weight)
        batch, out_channels, *space = run.y.shape
        total = 0
        for channel in range(out_channels):
            total += batch * math.prod(space) * (2 * filters[channel].size + run.has(bias))
        return total

    return count


def _transposed(run: Run) -> int:
    """Spread each element of the input over one filter of all output channels of its group."""
    filters = run.need(1)
    batch, channels, *space = run.x.shape
    spread = sum(2 * filters[channel].size for channel in range(channels))
    return int(batch * math.prod(space) * spread + run.has(2) * run.y.size)


def _state_convolution(run: Run) -> int:
    filters = run.need(1)
    activated = _texts(run.attributes.get("activation"), "none") != "none"
    return int(run.y.size * (2 * filters.shape[-1] + run.has(2) + activated))


def _deformable(run: Run) -> int:
    filters = run.need(1)
    window, (batch, channels) = math.prod(filters.shape[2:]), run.x.shape[:2]
    space = math.prod(run.y.shape[2:])
    # Four neighbours, each weighed and added; a mask scales each.
    samples = batch * channels * window * space
    return int(run.y.size * (2 * filters[0].size + run.has(3)) + samples * (8 + run.has(4)))


def _product(left: int = 0) -> Callable[[Run], int]:
    def count(run: Run) -> int:
        first = run.need(left)
        return int(2 * first.shape[-1] * run.y.size)

    return count


def _gemm(run: Run) -> int:
    inner = run.x.shape[0 if run.attributes.get("transA") else 1]
    return int(run.y.size * (2 * inner + run.has(2)))


def _einsum(run: Run) -> int:
    """Loop over all indices of each pair of operands, from left to right."""
    equation = _texts(run.attributes["equation"]).replace(" ", "")
    left, arrow, right = equation.partition("->")
    operands = [np.asarray(value) for value in run.inputs]
    letters: dict[int, str] = {}
    terms = []
    for term, operand in zip(left.split(","), operands, strict=True):
        hidden = operand.ndim - len(term.replace("...", ""))
        names = "".join(letters.setdefault(axis, "ZYXWVUTSRQ"[axis]) for axis in range(hidden, 0, -1))
        terms.append(term.replace("...", names))
    dots = "".join(letters[axis] for axis in sorted(letters, reverse=True))
    joined = "".join(terms)
    kept = set(right.replace("...", dots) if arrow else dots + "".join(c for c in joined if joined.count(c) == 1))
    size: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        for name, length in zip(term, operand.shape, strict=True):
            size[name] = max(size.get(name, 1), length)
    if len(terms) == 1:
        return math.prod(size[name] for name in set(terms[0])) if set(terms[0]) - kept else 0
    total, done = 0, set(terms[0])
    for index, term in enumerate(terms[1:], start=1):
        pair = done | set(term)
        later = kept.union(*terms[index + 1 :])
        total += math.prod(size[name] for name in pair) * (2 if pair - later else 1)
        done = pair & later
    return total


def _attention(run: Run) -> int:
    """Visit each pair of a query and a key that a window does not hide."""
    query, key, value = (np.asarray(each) for each in run.inputs[:3])
    flat = 3
    heads = run.attributes["q_num_heads"] if query.ndim == flat else query.shape[1]
    key_heads = run.attributes["kv_num_heads"] if query.ndim == flat else key.shape[1]
    queries, keys = query.shape[-2], key.shape[-2]
    width = query.shape[-1] // (heads if query.ndim == flat else 1)
    value_width = value.shape[-1] // (key_heads if query.ndim == flat else 1)
    past, lengths = run.get(4), run.get(6)
    offset = past.shape[2] if past is not None else 0
    keys += offset
    left, right = run.attributes.get("left_window_size", -1), run.attributes.get("right_window_size", -1)
    pairs = 0
    for sample in range(query.shape[0]):
        start = offset if lengths is None else int(lengths[sample]) - queries
        for position in range(start, start + queries):
            first = max(0, position - left) if left >= 0 else 0
            is_causal = run.attributes.get("is_causal") and max(left, right) >= 0
            ahead = 0 if is_causal else right
            last = min(keys - 1, position + ahead) if ahead >= 0 else keys - 1
            pairs += max(0, last - first + 1)
    return int(heads * pairs * (2 * width + 5 + 2 * value_width))


def _flex_attention(run: Run) -> int:
    query, key, value = (np.asarray(each) for each in run.inputs[:3])
    scores = math.prod(query.shape[:3]) * key.shape[2]
    graphs = [each for each in run.attributes.values() if isinstance(each, GraphProto)]
    inner = sum(node.op_type not in {"Constant", "Identity", "Cast"} for graph in graphs for node in graph.node)
    return int(scores * (2 * query.shape[-1] + 5 + 2 * value.shape[-1] + inner))


def _linear_attention(run: Run) -> int:
    """Follow the recurrence of one head for one token, and multiply."""
    query, key, value = (np.asarray(each) for each in run.inputs[:3])
    heads, key_heads = run.attributes["q_num_heads"], run.attributes["kv_num_heads"]
    state = (key.shape[-1] // key_heads) * (value.shape[-1] // key_heads)
    rule = _texts(run.attributes.get("update_rule"), "gated_delta")
    decay, read, add, answer = ("gated" in rule) * state, 2 * ("delta" in rule) * state, 2 * state, 2 * state
    return int(query.shape[0] * query.shape[1] * (key_heads * (decay + read + add) + heads * answer))


def _recurrence(gates: int, added: int) -> Callable[[Run], int]:
    def count(run: Run) -> int:
        weights, recurrent = run.need(1), run.need(2)
        directions, hidden, width = weights.shape[0], recurrent.shape[2], weights.shape[2]
        step = 2 * gates * hidden * (width + hidden) + added * hidden
        bias, peepholes = run.get(3), run.get(7)
        step += 0 if bias is None else bias.size // directions
        step += 0 if peepholes is None else 2 * peepholes.size // directions
        return int(run.x.shape[0] * run.x.shape[1] * directions * step)

    return count


def _resized(run: Run) -> int:
    """Weigh and add the neighbours along each axis that changes; antialiasing takes more of them."""
    mode = _texts(run.attributes.get("mode"), "nearest")
    if mode == "nearest":
        return 0
    width = 4 if mode == "cubic" else 2
    neighbours = 1.0
    for before, after in zip(run.x.shape, run.y.shape, strict=True):
        if before != after:
            wider = before / after if run.attributes.get("antialias") else 1
            neighbours *= width * max(1, wider)
    return 0 if run.x.shape == run.y.shape else math.ceil(2 * neighbours * run.y.size)


def _sampled(run: Run) -> int:
    mode = _texts(run.attributes.get("mode"), "linear")
    width = {"linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}.get(mode, 0)
    return 2 * width ** (run.x.ndim - 2) * run.y.size if width else 0


def _region_align(run: Run) -> int:
    regions, ratio = run.need(1), run.attributes.get("sampling_ratio", 0)
    height, width = run.y.shape[2:]
    scale, total = run.attributes.get("spatial_scale", 1.0), 0
    for left, top, right, bottom in regions:
        rows = ratio or max(1, math.ceil(scale * (bottom - top) / height))
        columns = ratio or max(1, math.ceil(scale * (right - left) / width))
        total += 8 * rows * columns * run.y[0].size
    return total


def _local_response(run: Run) -> int:
    return int((2 * run.attributes["size"] + 3) * run.y.size)


def _sorted(run: Run) -> int:
    kept = run.y.shape[run.attributes.get("axis", -1)] if run.node.op_type == "TopK" else run.x.size
    return run.x.size * max(1, math.ceil(math.log2(max(1, kept))))


def _transforms(length: int, count: int) -> int:
    return count * math.ceil(5 * length * math.log2(max(2, length)))


def _fourier(run: Run) -> int:
    moved, asked = run.get(2), run.get(1)
    axis = int(moved) if moved is not None else run.attributes.get("axis", 1)
    length = run.x.shape[axis] if asked is None else int(asked)
    count = run.y.size // (2 * run.y.shape[axis])
    if run.attributes.get("inverse") and run.attributes.get("onesided"):
        count = run.y.size // run.y.shape[axis]
    return _transforms(length, count)


def _short_time(run: Run) -> int:
    window, length = run.get(2), run.get(3)
    frame = int(length) if length is not None else window.size if window is not None else 0
    return _transforms(frame, run.y.shape[0] * run.y.shape[1])


def _determinant(run: Run) -> int:
    size = run.x.shape[-1]
    return int(2 * run.x.size * size // 3)


def _rotation(run: Run) -> int:
    """Two products and a sum for each element that turns."""
    heads, part = run.attributes.get("num_heads", 0), run.attributes.get("rotary_embedding_dim", 0)
    flat = 3
    width = run.x.shape[-1] // heads if run.x.ndim == flat and heads else run.x.shape[-1]
    return int(3 * (run.x.size // width) * (min(part, width) or width))


def _scattered(run: Run) -> int:
    updates = run.get(2)
    is_plain = _texts(run.attributes.get("reduction"), "none") == "none"
    return 0 if is_plain or updates is None else updates.size


def _weighed(run: Run) -> int:
    targets = run.get(1)
    return 0 if targets is None else 2 * targets.size


def _normalised_batch(run: Run) -> int:
    return (5 if run.attributes.get("training_mode") else 2) * run.y.size


def _grid(run: Run) -> int:
    """Multiply a row of each matrix with each point, which has a 1 after its coordinates."""
    return int(2 * run.x.shape[-1] * run.y.size)


def _trees(run: Run) -> int:
    """Follow each sample from each root to the deepest leaf, and add."""
    true, false = run.attributes["nodes_truenodeids"], run.attributes["nodes_falsenodeids"]
    true_leaf, false_leaf = run.attributes["nodes_trueleafs"], run.attributes["nodes_falseleafs"]

    def depth(node: int) -> int:
        branches = ((true[node], true_leaf[node]), (false[node], false_leaf[node]))
        return 1 + max(0 if is_leaf else depth(child) for child, is_leaf in branches)

    roots = run.attributes["tree_roots"]
    return int(run.x.shape[0] * sum(depth(root) + 1 for root in roots))


def _optimizer(per_element: int, per_tensor: int) -> Callable[[Run], int]:
    """Update each element of each tensor; rates and counts are numbers."""

    def count(run: Run) -> int:
        tensors = (len(run.inputs) - 2) // per_tensor
        extra = 2 * (_texts(run.attributes.get("mode")) == "nesterov")
        return (per_element + extra) * sum(np.asarray(value).size for value in run.inputs[2 : 2 + tensors])

    return count


def _suppressed(run: Run) -> int:
    """Compare each box of each class with as many as may be kept: 10 operations for an overlap."""
    boxes, scores = np.asarray(run.inputs[0]), np.asarray(run.inputs[1])
    most = run.get(2)
    kept = boxes.shape[1] if most is None else min(boxes.shape[1], int(np.ravel(most)[0]))
    return int(10 * scores.shape[0] * scores.shape[1] * boxes.shape[1] * kept)


_MOVING = """
    BitCast Cast CastLike CenterCropPad Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten
    Gather GatherElements GatherND Identity MaxUnpool NonZero OneHot Optional OptionalGetElement OptionalHasElement Pad
    Reshape ReverseSequence SequenceAt SequenceConstruct SequenceEmpty SequenceInsert SequenceLength Shape Size Slice
    SpaceToDepth Split SplitToSequence Squeeze StringConcat TensorScatter Tile Transpose Trilu Unsqueeze
    ai.onnx.ml.ArrayFeatureExtractor
"""
_ELEMENTWISE = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
    BlackmanWindow Ceil Celu Clip Cos Cosh DequantizeLinear Div Dropout Elu Equal Erf Exp Floor Gelu Greater
    GreaterOrEqual HammingWindow HannWindow HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log
    MelWeightMatrix Mish Mod Mul Neg Not Or PRelu Pow QuantizeLinear RandomUniformLike Range Reciprocal Relu Round Selu
    Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Swish Tan Tanh ThresholdedRelu Where Xor
    ai.onnx.ml.Binarizer ai.onnx.ml.LabelEncoder
"""
_NORMALISING = """
    GroupNormalization InstanceNormalization LayerNormalization LogSoftmax LpNormalization MeanVarianceNormalization
    RMSNormalization Softmax
"""
_REDUCING = """
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
"""
_SCANNING = "ArgMax ArgMin Col2Im CumProd CumSum GlobalAveragePool GlobalMaxPool Hardmax"
BY_DEFINITION: Mapping[str, Callable[[Run], int]] = {
    **dict.fromkeys(_MOVING.split(), _nothing),
    **dict.fromkeys(_ELEMENTWISE.split(), _each(1)),
    **dict.fromkeys(_NORMALISING.split(), _each(5)),
    **dict.fromkeys(_REDUCING.split(), _reduced),
    **dict.fromkeys(_SCANNING.split(), _each_input),
    **dict.fromkeys(("Max", "Mean", "Min", "Sum"), _several),
    **dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), _pool),
    **dict.fromkeys(("MatMul", "MatMulInteger"), _product()),
    **dict.fromkeys(("Scatter", "ScatterElements", "ScatterND"), _scattered),
    **dict.fromkeys(("Resize", "Upsample"), _resized),
    **dict.fromkeys(("TopK", "Unique"), _sorted),
    "AffineGrid": _grid,
    "Attention": _attention,
    "BatchNormalization": _normalised_batch,
    "CausalConvWithState": _state_convolution,
    "Conv": _convolution(),
    "ConvInteger": _convolution(bias=4),
    "ConvTranspose": _transposed,
    "DFT": _fourier,
    "DeformConv": _deformable,
    "Det": _determinant,
    "DynamicQuantizeLinear": _each(3),
    "Einsum": _einsum,
    "GRU": _recurrence(3, 11),
    "Gemm": _gemm,
    "GridSample": _sampled,
    "LRN": _local_response,
    "LSTM": _recurrence(4, 13),
    "LinearAttention": _linear_attention,
    "NegativeLogLikelihoodLoss": _weighed,
    "NonMaxSuppression": _suppressed,
    "QLinearConv": _convolution(weight=3, bias=8),
    "QLinearMatMul": _product(),
    "RNN": _recurrence(1, 2),
    "RoiAlign": _region_align,
    "RotaryEmbedding": _rotation,
    "STFT": _short_time,
    "SoftmaxCrossEntropyLoss": lambda run: 5 * run.x.size,
    "SwiGLU": _each(2),
    "ai.onnx.ml.TreeEnsemble": _trees,
    "ai.onnx.preview.FlexAttention": _flex_attention,
    "ai.onnx.preview.training.Adagrad": _optimizer(9, 3),
    "ai.onnx.preview.training.Adam": _optimizer(15, 4),
    "ai.onnx.preview.training.Momentum": _optimizer(7, 3),
}
"""Every operator of the conformance models that is defined by what it computes; the others work on text or images."""
