"""PyTorch's products and attentions against counts of others: FlopCounterMode, or multiply-adds of plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from torch_models import Calling

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
functional, aten = torch.nn.functional, torch.ops.aten
_small = st.integers(1, 6)
_few = settings(max_examples=25, deadline=None)


def tensor(*shape: int, dtype: Any = torch.float32) -> Any:
    """Make a tensor without elements."""
    return torch.ones(shape, dtype=dtype, device="meta")


def _flops(target: Any, *args: Any, **kwargs: Any) -> int:
    """Count one call of an operator, which must be no guess."""
    from slicegraph.formats.counting import Formulas  # noqa: PLC0415 - where PyTorch is installed
    from slicegraph.formats.torch.flops import count  # noqa: PLC0415 - where PyTorch is installed

    graph = torch.fx.Graph()

    def enter(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        node = graph.placeholder("x")
        node.meta["val"] = value
        return node

    nodes = [[enter(each) for each in value] if isinstance(value, list) else enter(value) for value in args]
    call = graph.call_function(target, tuple(nodes), kwargs)
    call.meta["val"] = target(*args, **kwargs)
    counted = count(call, Formulas())
    assert not counted.is_guess
    return counted.flops


def _counted(function: Callable[..., Any], *args: Any, **kwargs: Any) -> int:
    """Let PyTorch count products and convolutions of a function."""
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - where it is installed

    with torch.no_grad(), FlopCounterMode(display=False) as mode:
        function(*args, **kwargs)
    return int(mode.get_total_flops())


def _exported(function: Callable[..., Any], *args: Any) -> Any:
    with torch.no_grad():
        return sg.from_torch(Calling(function).eval(), args).arrays


@_few
@given(_small, _small, _small, _small)
def test_products_count_as_pytorch_counts_them(batch: int, rows: int, inner: int, columns: int) -> None:
    """Matrices, batches of them, vectors, and what is written as a sum of indices; a bias or a sum is one more."""
    left, right = tensor(batch, rows, inner), tensor(batch, inner, columns)
    made = batch * rows * columns
    for target, args, added in (
        (aten.bmm.default, (left, right), 0),
        (aten.baddbmm.default, (tensor(batch, rows, columns), left, right), made),
        (aten.matmul.default, (left, right[0]), 0),
        (aten.matmul.default, (left, right), 0),
        (aten.addmm.default, (tensor(columns), left[0], right[0]), rows * columns),
        (aten.linear.default, (left, tensor(columns, inner)), 0),
        (aten.linear.default, (left, tensor(columns, inner), tensor(columns)), made),
        (aten.mm.default, (left[0], left[0].t()), 0),
    ):
        assert _flops(target, *args) == _counted(target, *args) + added, target
    total = tensor(rows, columns)
    assert _flops(aten.addbmm.default, total, left, right) == 2 * made * inner + rows * columns
    assert _flops(aten.tensordot.default, left, right[0], [2], [0]) == 2 * made * inner
    assert _flops(aten.einsum.default, "bij,bjk->bik", [left, right]) == 2 * made * inner
    assert _flops(aten.einsum.default, "...ij,jk", [left, right[0]]) == 2 * made * inner
    assert _flops(aten.mv.default, left[0], tensor(inner)) == 2 * rows * inner
    assert _flops(aten.dot.default, tensor(inner), tensor(inner)) == 2 * inner
    assert _flops(aten.outer.default, tensor(rows), tensor(columns)) == rows * columns


@_few
@given(_small, st.sampled_from([1, 2]), _small, _small, st.integers(1, 3), st.integers(0, 1), st.integers(1, 2))
def test_convolutions_count_as_pytorch_counts_them(
    batch: int, groups: int, into: int, out: int, kernel: int, padding: int, axes: int
) -> None:
    """In any number of axes and groups, transposed or not; a bias is one more for each element."""
    image = tensor(batch, groups * into, *(5, 6)[:axes])
    weight, bias = tensor(groups * out, into, *(kernel,) * axes), tensor(groups * out)
    plain = {1: aten.conv1d.default, 2: aten.conv2d.default}[axes]
    turned = {1: aten.conv_transpose1d.default, 2: aten.conv_transpose2d.input}[axes]
    rest = ([1] * axes, [padding] * axes, [1] * axes, groups)
    assert _flops(plain, image, weight, None, *rest) == _counted(plain, image, weight, None, *rest)
    made = plain(image, weight, bias, *rest).numel()
    assert _flops(plain, image, weight, bias, *rest) == _counted(plain, image, weight, None, *rest) + made
    back = tensor(groups * into, out, *(kernel,) * axes)
    rest = ([1] * axes, [0] * axes, [0] * axes, groups, [1] * axes)  # type: ignore[assignment] # longer
    assert _flops(turned, image, back, None, *rest) == _counted(turned, image, back, None, *rest)


@_few
@given(_small, st.integers(1, 3), st.integers(1, 2), _small, _small, st.integers(1, 4))
def test_attention_counts_products_as_pytorch_does_and_a_softmax(
    batch: int, groups: int, heads: int, length: int, keys: int, width: int
) -> None:
    """Scores and values of all heads, whatever a mask hides, and 5 for each score; heads may share keys."""
    query, key = tensor(batch, groups * heads, length, width), tensor(batch, heads, keys, width)
    scores, target = batch * groups * heads * length * keys, aten.scaled_dot_product_attention.default
    own = key.repeat_interleave(groups, 1)
    products = _counted(target, query, own, own)
    assert products == 2 * 2 * scores * width
    assert _flops(target, query, key, key, enable_gqa=True) == products + 5 * scores
    # Key and value may be one tensor, and the query, too.
    assert _flops(target, own, own, own) == batch * groups * heads * keys * keys * (4 * width + 5)


def test_flexible_attention_counts_what_modifies_its_scores() -> None:
    """Scores and values of heads that share keys, and each operator of modifier and mask once for each score."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention  # noqa: PLC0415 - where it is

    query, key = torch.ones(2, 4, 128, 16), torch.ones(2, 2, 256, 16)
    scores = 2 * 4 * 128 * 256
    mask = create_block_mask(lambda _b, _h, i, j: i >= j, None, None, 128, 256, device="cpu")
    for modify, block_mask, each in (
        (None, None, 0),
        # A product, a difference and a sum for each score.
        (lambda score, _b, _h, i, j: score * 0.5 + (i - j), None, 3),
        (None, mask, 1),
    ):
        arrays = _exported(
            lambda q, k, modify=modify, block_mask=block_mask: flex_attention(
                q, k, k, modify, block_mask, enable_gqa=True
            ),
            query,
            key,
        )
        assert list(arrays.op) == ["flex_attention"]
        assert not arrays.is_guess.any()
        assert arrays.flops.sum() == scores * (2 * 2 * 16 + 5 + each)


@_few
@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(1, 3), st.integers(1, 3))
def test_grouped_products_count_each_row_once(sizes: list[int], inner: int, columns: int) -> None:
    """A loop over groups, rows, columns and what is summed: experts cost what is routed to them."""
    kind, rows = torch.bfloat16, sum(sizes)
    # The operator asks for rows of 16 bytes.
    inner, columns, target = 8 * inner, 8 * columns, aten._grouped_mm.default  # noqa: SLF001 - so it is called
    ends = tensor(len(sizes), dtype=torch.int32)
    mult_adds = sum(1 for size in sizes for _ in range(size) for _ in range(columns) for _ in range(inner))
    x, w = tensor(rows, inner, dtype=kind), tensor(len(sizes), inner, columns, dtype=kind)
    if rows:
        assert _flops(target, x, w, ends) == 2 * mult_adds
    batches = tensor(len(sizes), 8, inner, dtype=kind)
    assert _flops(target, batches, w) == _counted(aten.bmm.default, batches, w)
    # The groups divide what is summed: each row is in one sum.
    if rows:
        left, right = tensor(inner, 8 * rows, dtype=kind), tensor(8 * rows, columns, dtype=kind)
        assert _flops(target, left, right, ends) == 2 * 8 * mult_adds


@_few
@given(_small, _small, _small, st.booleans(), st.booleans())
def test_cells_and_recurrences_count_their_definition(
    batch: int, entered: int, hidden: int, has_bias: bool, is_bidirectional: bool
) -> None:
    """Per unit: an LSTM adds 4 halves, takes 5 activations and 4 products and sums; biases are added one by one."""
    gates, arithmetic, directions = 4, 4 + 5 + 3 + 1, 1 + is_bidirectional
    per_sample = gates * hidden * 2 * (entered + hidden) + arithmetic * hidden + 2 * gates * hidden * has_bias
    matrices = [tensor(gates * hidden, entered), tensor(gates * hidden, hidden)]
    biases = [tensor(gates * hidden)] * 2 * has_bias
    state = tensor(directions, batch, hidden)
    weights = (matrices + biases) * directions
    options = (has_bias, 1, 0.0, False, is_bidirectional, False)
    if has_bias:
        assert _flops(aten.lstm_cell.default, tensor(batch, entered), [state[0], state[0]], *weights[:4]) == (
            batch * per_sample
        )
    x = tensor(3, batch, entered)
    assert _flops(aten.lstm.input, x, [state, state], weights, *options) == 3 * batch * directions * per_sample


@_few
@given(_small, _small, _small)
def test_what_has_no_rule_counts_what_pytorch_makes_of_it(rows: int, inner: int, columns: int) -> None:
    """Kronecker products and losses are taken apart into operators that have rules."""
    x, y = tensor(rows, inner), tensor(columns, inner)
    assert _flops(aten.kron.default, x, y) == rows * inner * columns * inner
    assert _flops(aten.mse_loss.default, x, x) == 3 * rows * inner
    assert _flops(aten.cdist.default, x, y) == rows * columns * (3 * inner + 1)
    triples = sum(1 for _ in range(rows) for _ in range(4) for _ in range(inner) for _ in range(inner))
    assert _flops(aten.bilinear.default, x, x, tensor(4, inner, inner)) == 3 * triples


def test_a_formula_registered_with_pytorch_is_used() -> None:
    """An operator registered with PyTorch's counter is known here, too; else a product is guessed by its shapes."""
    from torch.utils.flop_counter import flop_registry, register_flop_formula  # noqa: PLC0415 - where it is installed

    @torch.library.custom_op("contractions::twist", mutates_args=())  # type: ignore[untyped-decorator] # see above
    def twist(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined] # see above
        return x @ y

    @twist.register_fake  # type: ignore[untyped-decorator] # see above
    def _(x: Any, y: Any) -> Any:
        return x.new_empty(x.shape[0], y.shape[1])

    target = torch.ops.contractions.twist
    arrays = _exported(target, torch.ones(500, 700), torch.ones(700, 300))
    assert arrays.is_guess.all()
    assert math.isclose(arrays.flops.sum(), 2 * 500 * 700 * 300, rel_tol=0.01)
    try:
        register_flop_formula(target)(lambda x, y, *_, **__: 2 * x[0] * x[1] * y[1] + 1)
        assert _flops(target.default, tensor(5, 7), tensor(7, 3)) == 2 * 5 * 7 * 3 + 1
    finally:
        flop_registry.pop(target, None)
