"""Floating-point operations of PyTorch's products, attentions and the like, from the shapes of their operands.

Operators are those of https://docs.pytorch.org/docs/stable/torch.compiler_ir.html, of higher order and of torchvision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from torch.fx import Node

from slicegraph.formats.counting import formulas
from slicegraph.formats.torch.nodes import argument, dims, first, name_of, operands
from slicegraph.formats.torch.vals import numel

Rule = Callable[[Node], int]
"""Counts what a node computes, bodies apart."""


def outputs(node: Node) -> int:
    """Count the elements that a node makes."""
    return numel(node.meta.get("val"))


def entered(node: Node) -> int:
    """Count the elements of a node's first operand."""
    return max((numel(read.meta["val"]) for read in operands(node)[:1]), default=0)


def shape(node: Node) -> tuple[int, ...]:
    """Give the shape of what a node makes, of its first output if it makes several."""
    return dims(first(node.meta["val"]))


def _named(node: Node, name: str) -> tuple[int, ...]:
    """Give the shape of an operand by its name; () where it is none."""
    found = argument(node, name)
    return shape(found) if isinstance(found, Node) else ()


def _made(node: Node) -> int:
    return numel(first(node.meta["val"]))


def _added_product(node: Node) -> int:
    """Multiply two factors, which stand behind what is added."""
    return formulas.products(_made(node), shape(operands(node)[1])[-1], added=1)


def _summed_batches(node: Node) -> int:
    """Multiply batches of matrices, and add them all up."""
    batches = shape(operands(node)[1])
    return formulas.products(_made(node), batches[0] * batches[2], added=1)


def _bias(node: Node) -> int:
    return int(argument(node, "bias") is not None)


def _inner(node: Node) -> int:
    """Multiply two vectors."""
    return formulas.products(1, entered(node))


def _tensordot(node: Node) -> int:
    contracted = [shape(operands(node)[0])[dim] for dim in argument(node, "dims_self")]
    return formulas.products(_made(node), math.prod(contracted))


def _einsum(node: Node) -> int:
    left, arrow, right = str(argument(node, "equation")).replace(" ", "").partition("->")
    shapes = [shape(read) for read in operands(node)]
    terms = []
    for term, lengths in zip(left.split(","), shapes, strict=True):
        before, dots, after = term.partition("...")
        hidden = len(lengths) - len(before) - len(after) if dots else 0
        terms.append([*before, *(f"...{hidden - axis}" for axis in range(hidden)), *after])
    length: dict[str, int] = {}
    for indices, lengths in zip(terms, shapes, strict=True):
        for index, each in zip(indices, lengths, strict=True):
            length[index] = max(length.get(index, 1), each)
    named = set(right) if arrow else {index for index in left if index.isalpha() and left.count(index) == 1}
    return formulas.einsum(terms, length, named | {index for index in length if len(index) > 1})


def _convolution(node: Node) -> int:
    """Sum one group's channels and the kernel for each output, or, transposed, spread each input over them."""
    kernel = math.prod(_named(node, "weight")[1:])
    if argument(node, "transposed") or "transpose" in name_of(node):
        return formulas.products(entered(node), kernel) + _made(node) * _bias(node)
    return formulas.products(_made(node), kernel, added=_bias(node))


def _pointwise_convolution(node: Node) -> int:
    """Convolve with the second operand, and do something to each element."""
    kernel = math.prod(shape(operands(node)[_second_tensor(node)])[1:])
    if "transpose" in name_of(node):
        return formulas.products(entered(node), kernel) + _made(node)
    return formulas.products(_made(node), kernel, added=1)


def _second_tensor(node: Node) -> int:
    """Say where the weights stand among the operands: scales that are tensors may stand before them."""
    wide = [index for index, read in enumerate(operands(node)) if len(shape(read)) > 1]
    return wide[1]


def _deformable(node: Node) -> int:
    """Interpolate each element of each window, scale it by the mask, and convolve."""
    weight, out = _named(node, "weight"), shape(node)
    sampled = math.prod(shape(operands(node)[0])[:2]) * math.prod(weight[2:]) * math.prod(out[2:])
    masks = sampled if argument(node, "use_mask") else 0
    return formulas.deformable(_made(node), sampled, math.prod(weight[1:]), added=1) + masks


def hangs_on_data(node: Node) -> bool:
    """Say whether elements that are not known decide how much a node computes."""
    return name_of(node) in _REGIONS and int(argument(node, "sampling_ratio") or 0) < 1


def _regions(node: Node) -> int:
    """Interpolate each sample point from four neighbours; an adaptive number of points is guessed to be one."""
    points = max(1, int(argument(node, "sampling_ratio") or 0)) ** 2
    return formulas.interpolation(points * _made(node), 2, 2)


def _suppression(node: Node) -> int:
    boxes = shape(operands(node)[0])[0]
    return formulas.suppression(boxes, boxes)


def _trilinear(node: Node) -> int:
    """Weigh each product of two elements: two products and a sum."""
    left, right = shape(operands(node)[0]), shape(operands(node)[1])
    return 3 * _made(node) * left[-1] * right[-1]


def _distances(node: Node) -> int:
    width = shape(operands(node)[0])[-1]
    return formulas.distances(_made(node), width, has_root=True)


def _attention(node: Node) -> int:
    """Make scores of all heads of queries with all keys, whatever a mask hides."""
    query, key, value = (_named(node, name) for name in ("query", "key", "value"))
    return formulas.attention(math.prod(query[:-1]) * key[-2], query[-1], value[-1])


def scores(node: Node) -> int:
    """Count the scores of an attention whose first operands are queries and keys."""
    query, key = (shape(read) for read in operands(node)[:2])
    return math.prod(query[:-1]) * key[-2]


def flex_attention(node: Node) -> int:
    """Attend, apart from what modifies and masks scores."""
    query, value = shape(operands(node)[0]), shape(node)
    return formulas.attention(scores(node), query[-1], value[-1])


def _product(node: Node) -> int:
    """Multiply rows with weights, plain, quantized or packed: as wide as the rows are."""
    return formulas.products(_made(node), shape(operands(node)[0])[-1], added=_bias(node))


def _grouped_product(node: Node) -> int:
    """Multiply each row with the matrix of its group; two matrices: the groups divide what is summed."""
    rows, other = (shape(read) for read in operands(node)[:2])
    matrix = 2
    if len(rows) == len(other) == matrix:
        return formulas.products(rows[0] * other[1], rows[1])
    return formulas.products(_made(node), rows[-1])


def _recurrence(node: Node) -> int:
    """Multiply with all weights of all layers and directions once per step and sample, and run the gates."""
    kind = name_of(node).partition("_")[0]
    weights = [shape(weight) for weight in argument(node, "params")]
    matrices, biases = ([each for each in weights if (len(each) > 1) == wanted] for wanted in (True, False))
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[kind]
    return formulas.recurrence(
        math.prod(shape(operands(node)[0])[:-1]),
        sum(map(math.prod, matrices)),
        biases=sum(map(math.prod, biases)),
        # A layer has a matrix for what enters, and one for its own state.
        hidden=sum(each[0] // gates for each in matrices[1::2]),
        kind=kind,
    )


def _cell(node: Node) -> int:
    """Run one step."""
    kind = name_of(node).partition("_")[0]
    weights = [_named(node, name) for name in ("w_ih", "w_hh")]
    biases = sum(math.prod(_named(node, name)) for name in ("b_ih", "b_hh") if argument(node, name) is not None)
    batch = shape(operands(node)[0])[0]
    return formulas.recurrence(batch, sum(map(math.prod, weights)), biases=biases, hidden=weights[1][1], kind=kind)


def _elimination(node: Node) -> int:
    return formulas.elimination(entered(node), shape(operands(node)[0])[-1])


def _solution(node: Node) -> int:
    """Factorise, then solve two triangular systems for each right side."""
    size = shape(operands(node)[0])[-1]
    return formulas.elimination(entered(node), size) + 2 * formulas.substitution(_made(node), size)


def _substitution(node: Node) -> int:
    """Solve one triangular system for each right side, or both that a factorisation gives."""
    systems = 1 if "triangular" in name_of(node) else 2
    return systems * formulas.substitution(_made(node), shape(operands(node)[-1])[-1])


def _inverse(node: Node) -> int:
    return formulas.inverse(entered(node), shape(operands(node)[0])[-1])


def _orthogonalisation(node: Node) -> int:
    return formulas.orthogonalisation(entered(node), shape(operands(node)[0])[-1])


_REGIONS: Final = ("torchvision.ps_roi_align", "torchvision.roi_align")
_PRODUCTS: Final = """
    _dyn_quant_matmul_4bit _int_mm _scaled_mm _scaled_mm_v2 _sparse_semi_structured_linear _weight_int4pack_mm
    _weight_int4pack_mm_for_cpu _weight_int4pack_mm_with_scales_and_zeros _weight_int8pack_mm _wrapped_quantized_linear
    bmm linalg_vecdot linear matmul mkldnn._linear_pointwise mkldnn_linear mm mv onednn.linear_dynamic_fp16
    onednn.qlinear_pointwise quantized.linear quantized.linear_dynamic quantized.linear_relu
"""
_CONVOLUTIONS: Final = """
    _convolution convolution conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
    convolution_overrideable cudnn_convolution mkldnn_convolution
"""
_POINTWISE_CONVOLUTIONS: Final = """
    mkldnn._convolution_pointwise mkldnn._convolution_transpose_pointwise onednn.qconv1d_pointwise
    onednn.qconv2d_pointwise onednn.qconv3d_pointwise onednn.qconv_pointwise
"""
_ATTENTIONS: Final = """
    _scaled_dot_product_attention_math _scaled_dot_product_cudnn_attention _scaled_dot_product_efficient_attention
    _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_fused_attention_overrideable scaled_dot_product_attention
"""
_ELIMINATING: Final = """
    _linalg_det _linalg_slogdet linalg_cholesky linalg_cholesky_ex linalg_det linalg_lu linalg_lu_factor
    linalg_lu_factor_ex
"""
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_PRODUCTS.split(), _product),
    **dict.fromkeys(_CONVOLUTIONS.split(), _convolution),
    **dict.fromkeys(_POINTWISE_CONVOLUTIONS.split(), _pointwise_convolution),
    **dict.fromkeys(_ATTENTIONS.split(), _attention),
    **dict.fromkeys(_ELIMINATING.split(), _elimination),
    **dict.fromkeys(("addmm", "addmv", "baddbmm", "_addmm_activation"), _added_product),
    **dict.fromkeys(("_grouped_mm", "_scaled_grouped_mm", "_scaled_grouped_mm_v2"), _grouped_product),
    **dict.fromkeys(("dot", "vdot"), _inner),
    **dict.fromkeys(("gru", "lstm", "rnn_relu", "rnn_tanh"), _recurrence),
    **dict.fromkeys(("gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"), _cell),
    **dict.fromkeys(("_cdist_forward", "cdist"), _distances),
    **dict.fromkeys(("_linalg_solve_ex", "linalg_solve", "linalg_solve_ex"), _solution),
    **dict.fromkeys(("linalg_lu_solve", "linalg_solve_triangular", "cholesky_solve"), _substitution),
    **dict.fromkeys(("cholesky_inverse", "linalg_inv", "linalg_inv_ex", "inverse"), _inverse),
    **dict.fromkeys(("geqrf", "linalg_householder_product", "linalg_qr"), _orthogonalisation),
    **dict.fromkeys(("bilinear", "_trilinear"), _trilinear),
    **dict.fromkeys(_REGIONS, _regions),
    "addbmm": _summed_batches,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "torchvision.deform_conv2d": _deformable,
    "torchvision.nms": _suppression,
}
"""How to count each operator, by its name without the namespace of PyTorch's own."""
