"""What each operator of PyTorch computes and moves, worked out by hand; skipped where PyTorch is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import slicegraph as sg
from torch_models import Calling

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
functional, tensor = torch.nn.functional, torch.ones


def _graph(function: Callable[..., Any], *args: Any) -> sg.Graph:
    with torch.no_grad():
        return sg.from_torch(Calling(function).eval(), args)


def _indices(*shape: int) -> Any:
    return torch.zeros(shape, dtype=torch.int64)


FLOPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "matrix product": (torch.matmul, (tensor(5, 7), tensor(7, 3)), 2 * 5 * 7 * 3),
    "batch of products": (torch.bmm, (tensor(4, 5, 7), tensor(4, 7, 3)), 4 * 2 * 5 * 7 * 3),
    "with a sum": (torch.addmm, (tensor(3), tensor(5, 7), tensor(7, 3)), 5 * 3 * (2 * 7 + 1)),
    "linear": (functional.linear, (tensor(2, 5, 7), tensor(3, 7)), 2 * 10 * 7 * 3),
    "linear with bias": (functional.linear, (tensor(2, 5, 7), tensor(3, 7), tensor(3)), 10 * 3 * (2 * 7 + 1)),
    "einsum": (lambda x, z: torch.einsum("bij,bkj->bik", x, z), (tensor(4, 5, 7), tensor(4, 3, 7)), 4 * 2 * 5 * 7 * 3),
    "convolution": (
        lambda x, w, b: functional.conv2d(x, w, b, padding=1),
        (tensor(2, 3, 8, 8), tensor(4, 3, 3, 3), tensor(4)),
        2 * 4 * 64 * (2 * 27 + 1),
    ),
    "in groups": (
        lambda x, w: functional.conv2d(x, w, groups=8),
        (tensor(1, 8, 4, 4), tensor(8, 1, 3, 3)),
        2 * 8 * 4 * 9,
    ),
    "transposed": (functional.conv_transpose2d, (tensor(1, 4, 5, 5), tensor(4, 2, 3, 3)), 2 * 4 * 25 * 2 * 9),
    "attention": (
        functional.scaled_dot_product_attention,
        (tensor(2, 8, 5, 16), tensor(2, 8, 7, 16), tensor(2, 8, 7, 32)),
        2 * 8 * 5 * 7 * (2 * 16 + 2 * 32 + 5),
    ),
    "elementwise": (torch.tanh, (tensor(3, 4),), 12),
    "broadcast": (torch.add, (tensor(3, 1), tensor(1, 4)), 12),
    "softmax": (lambda x: x.softmax(-1), (tensor(3, 4),), 60),
    "layer norm": (lambda x: functional.layer_norm(x, (4,)), (tensor(3, 4),), 60),
    "batch norm": (functional.batch_norm, (tensor(1, 2, 6), tensor(2), tensor(2)), 24),
    "sum": (lambda x: x.sum(0), (tensor(5, 6),), 30),
    "greatest": (lambda x: x.max(0)[0], (tensor(5, 6),), 30),
    "running sum": (lambda x: x.cumsum(0), (tensor(5, 6),), 30),
    "window": (lambda x: functional.max_pool2d(x, 3), (tensor(1, 2, 6, 6),), 9 * 8),
    "mean window": (lambda x: functional.avg_pool2d(x, (2, 3)), (tensor(1, 2, 6, 6),), 6 * 12),
    "global mean": (lambda x: functional.adaptive_avg_pool2d(x, 1), (tensor(1, 2, 6, 6),), 72),
    "interpolation": (
        lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
        (tensor(1, 1, 4, 4),),
        64 * 2 * 4,
    ),
    "nearest": (lambda x: functional.interpolate(x, scale_factor=2), (tensor(1, 1, 4, 4),), 0),
    "resampling": (
        lambda x, grid: functional.grid_sample(x, grid, align_corners=False),
        (tensor(1, 1, 4, 4), tensor(1, 2, 3, 2)),
        6 * 2 * 4,
    ),
    "sort": (torch.sort, (tensor(4, 32),), 4 * 32 * 5),
    "best": (lambda x: torch.topk(x, 8), (tensor(4, 32),), 4 * 32 * 3),
    "transform": (torch.fft.rfft, (tensor(3, 8),), 3 * 5 * 8 * 3),
    "bag": (functional.embedding_bag, (_indices(2, 3), tensor(9, 4)), 24),
    "added in place": (torch.index_add, (tensor(9, 4), 0, _indices(3), tensor(3, 4)), 12),
    "concatenation": (lambda x: torch.cat([x, x]), (tensor(5, 6),), 0),
    "padding": (lambda x: functional.pad(x, (1, 1)), (tensor(5, 6),), 0),
    "cast": (lambda x: x.bfloat16(), (tensor(5, 6),), 0),
    "selection": (torch.where, (tensor(5, dtype=torch.bool), tensor(5), tensor(5)), 5),
}


@pytest.mark.parametrize("name", FLOPS)
def test_operations_count_by_the_conventions_of_the_project(name: str) -> None:
    """Products count 2 per multiply-accumulate, reductions their input, windows their elements, moving nothing."""
    function, args, expected = FLOPS[name]
    graph = _graph(function, *args)
    assert graph.arrays.flops is not None
    assert graph.arrays.flops.sum() == expected


def test_recurrences_count_their_weights_once_per_step() -> None:
    """LSTM of widths 6 and 4, both directions, 3 steps of 2 samples: two matrices, two biases, and gates."""
    lstm = torch.ops.aten.lstm.input
    weights = [tensor(16, 6), tensor(16, 4), tensor(16), tensor(16)] * 2
    graph = _graph(
        lambda x, h, *weights: lstm(x, [h, h], list(weights), True, 1, 0.0, False, True, True)[0],  # noqa: FBT003
        *(tensor(2, 3, 6), tensor(2, 2, 4), *weights),
    )
    assert graph.arrays.flops is not None
    assert graph.arrays.flops.sum() == 2 * 3 * 2 * (2 * 16 * (6 + 4) + 2 * 16 + 13 * 4)


VIEWS: dict[str, tuple[Callable[[Any], Any], list[bool]]] = {
    "view": (lambda x: x.view(6), [True]),
    "transpose": (lambda x: x.t(), [True]),
    "slice": (lambda x: x[:, 2:4], [True]),
    "split": (lambda x: x.split(3, 1), [True]),
    "expand": (lambda x: x.expand(4, 6), [True]),
    "reshape of a transpose": (lambda x: x.view(2, 3).t().reshape(6), [True, True, False]),
    "copy": (lambda x: x.clone(), [False]),
    "cast": (lambda x: x.half(), [False]),
    "repetition": (lambda x: x.repeat(2, 1), [False]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_the_schema_calls_one(name: str) -> None:
    """What shares its input's memory moves nothing; what has to copy is seen as the copy that it is."""
    function, expected = VIEWS[name]
    graph = _graph(function, tensor(1, 6))
    assert graph.arrays.is_view is not None
    assert graph.arrays.is_view.tolist() == expected


def test_a_piece_of_a_parameter_is_as_large_as_it_is() -> None:
    """Weights that are stacked or side by side are told apart; one that is viewed as a whole is what is stored."""

    class Pieces(torch.nn.Module):  # type: ignore[misc, name-defined] # torch is not there to be checked
        def __init__(self) -> None:
            super().__init__()
            self.stacked = torch.nn.Parameter(tensor(3, 5, 5))

        def forward(self, x: Any) -> Any:
            for weight in self.stacked.unbind(0):
                x = x @ weight
            return x @ self.stacked.view(15, 5)[:5]

    graph = sg.from_torch(Pieces(), (tensor(2, 5),))
    assert graph.arrays.param_bytes is not None
    assert graph.arrays.param_bytes.tolist() == [100] * 4


SIZES = {torch.bool: 7, torch.int8: 7, torch.bfloat16: 14, torch.float32: 28, torch.int64: 56, torch.complex64: 56}


@pytest.mark.parametrize("kind", SIZES)
def test_a_size_is_elements_by_width(kind: Any) -> None:
    """Seven elements of each type."""
    assert _graph(lambda x: x.clone(), tensor(7, dtype=kind)).arrays.size.tolist() == [SIZES[kind]] * 2


def test_gathering_reads_only_what_it_gathers() -> None:
    """Of a table of 1000 rows, three rows and three indices are read; so does a bag, and where its one sum begins."""
    for function, indices, beginnings in (
        (functional.embedding, _indices(3), 0),
        (lambda i, table: table[i], _indices(3), 0),
        (lambda i, table: table.index_select(0, i), _indices(3), 0),
        (functional.embedding_bag, _indices(1, 3), 8),
    ):
        graph = _graph(function, indices, tensor(1000, 8))
        assert graph.arrays.read_bytes is not None
        assert graph.arrays.read_bytes[-1] == 3 * 8 * 4 + 3 * 8 + beginnings
