"""Operators of torchvision and of quantised models, as the packages themselves run them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from torch_models import Calling

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
import slicegraph as sg  # noqa: E402


def _one(function: Callable[..., Any], *args: Any) -> tuple[int, bool]:
    """Give what the last operator of a function computes, and whether that is a guess."""
    with torch.no_grad():
        graph = sg.from_torch(Calling(function).eval(), args).arrays
    assert graph.flops is not None
    assert graph.is_guess is not None
    return int(graph.flops[-1]), bool(graph.is_guess[-1])


IMAGE, BOXES = torch.ones(1, 4, 9, 9), torch.tensor([[0.0, 0, 0, 8, 8], [0, 2, 2, 7, 7]])


@pytest.mark.parametrize("points", [1, 2, 3])
def test_regions_are_sampled_by_interpolation(points: int) -> None:
    """Four neighbours for each of the points of each place of each region; a number that hangs on boxes is a guess."""
    ops = pytest.importorskip("torchvision.ops", reason="torchvision is optional")
    places = sum(1 for _ in range(2) for _ in range(4) for _ in range(3 * 3) for _ in range(points**2))
    assert _one(lambda x, b: ops.roi_align(x, b, (3, 3), 1.0, points), IMAGE, BOXES) == (places * 4 * 2, False)
    assert _one(lambda x, b: ops.roi_align(x, b, (3, 3)), IMAGE, BOXES)[1]
    assert _one(lambda x, b: ops.roi_pool(x, b, (3, 3)), IMAGE, BOXES)[1]
    # Each of 4 channels is made from those of one place.
    assert _one(lambda x, b: ops.ps_roi_align(x, b, (2, 2), 1.0, points), IMAGE, BOXES) == (
        2 * 4 * points**2 * 8,
        False,
    )


@pytest.mark.parametrize("has_mask", [False, True])
def test_a_deformable_convolution_interpolates_what_it_convolves(has_mask: bool) -> None:
    """Each element of each window from four neighbours, a mask that scales it, and the products of a convolution."""
    ops = pytest.importorskip("torchvision.ops", reason="torchvision is optional")
    mask = [torch.ones(1, 9, 9, 9)] if has_mask else []
    args = (IMAGE, torch.ones(1, 18, 9, 9), torch.ones(5, 4, 3, 3), torch.ones(5), *mask)
    counted = _one(
        lambda x, offset, w, b, *m: ops.deform_conv2d(x, offset, w, b, padding=1, mask=m[0] if m else None), *args
    )
    windows = 9 * 9 * 9 * 4
    assert counted == (81 * 5 * (2 * 36 + 1) + windows * (8 + has_mask), False)


def test_boxes_are_compared_with_each_other() -> None:
    """Ten operations for each pair, when none is dropped."""
    ops = pytest.importorskip("torchvision.ops", reason="torchvision is optional")
    assert ops is not None
    from slicegraph.formats.counting import Formulas  # noqa: PLC0415 - where PyTorch is installed
    from slicegraph.formats.torch.flops import count  # noqa: PLC0415 - where PyTorch is installed

    graph = torch.fx.Graph()
    boxes, scores = graph.placeholder("b"), graph.placeholder("s")
    boxes.meta["val"], scores.meta["val"] = torch.ones(6, 4), torch.ones(6)
    node = graph.call_function(torch.ops.torchvision.nms.default, (boxes, scores, 0.5))
    node.meta["val"] = torch.zeros(6, dtype=torch.int64)
    assert count(node, Formulas()).flops == 10 * sum(1 for _ in range(6) for _ in range(6))


def _packed_four() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    packed = vars(torch)["_convert_weight_to_int4pack_for_cpu"](torch.zeros(64, 64, dtype=torch.int32), 1)
    scales = torch.ones(2, 64, 2, dtype=torch.bfloat16)
    return lambda x, w, s: torch.ops.aten._weight_int4pack_mm_for_cpu(x, w, 32, s), (  # noqa: SLF001 - so it is called
        torch.ones(4, 64, dtype=torch.bfloat16),
        packed,
        scales,
    )


def _of_eight() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    args = (torch.ones(4, 64, dtype=torch.bfloat16), torch.ones(64, 64, dtype=torch.int8))
    return torch.ops.aten._weight_int8pack_mm, (*args, torch.ones(64, dtype=torch.bfloat16))  # noqa: SLF001


def _whole() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return torch.ops.aten._int_mm, (torch.ones(32, 64, dtype=torch.int8), torch.ones(64, 8, dtype=torch.int8))  # noqa: SLF001


def _eighth() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    x = torch.ones(32, 64).to(torch.float8_e4m3fn)
    return (
        lambda a, b, s: torch.ops.aten._scaled_mm(a, b.t(), s, s, out_dtype=torch.bfloat16),  # noqa: SLF001
        (
            x,
            x[:16],
            torch.ones(()),
        ),
    )


PRODUCTS: dict[str, tuple[Callable[[], Any], int]] = {
    "four bits": (_packed_four, 4 * 64 * 64),
    "eight bits": (_of_eight, 4 * 64 * 64),
    "whole numbers": (_whole, 32 * 8 * 64),
    "floats of eight bits": (_eighth, 32 * 16 * 64),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_quantised_product_counts_as_a_plain_one(name: str) -> None:
    """Two for each product of elements, however they are stored."""
    make, products = PRODUCTS[name]
    function, args = make()
    assert _one(function, *args) == (2 * products, False)


def _linear(ops: Any) -> tuple[Callable[..., Any], tuple[Any, ...], int]:
    weight = ops.qlinear_prepack(torch.ones(8, 16, dtype=torch.int8), [4, 16])
    ends: tuple[Any, ...] = (
        torch.ones(8),
        torch.zeros(8, dtype=torch.int),
        None,
        1.0,
        0,
        torch.float32,
        "none",
        [],
        "",
    )
    args = (torch.ones(4, 16, dtype=torch.uint8), weight)
    return lambda x, w: ops.qlinear_pointwise(x, 0.1, 0, w, *ends), args, 4 * 8 * 16


def _convolution(ops: Any) -> tuple[Callable[..., Any], tuple[Any, ...], int]:
    one = [1, 1]
    kernel = torch.ones(5, 4, 3, 3, dtype=torch.int8)
    weight = ops.qconv_prepack(kernel, torch.ones(5), 0.1, 0, one, one, one, 1, [1, 4, 9, 9])
    ends: tuple[Any, ...] = (
        torch.ones(5),
        torch.zeros(5, dtype=torch.int),
        None,
        one,
        one,
        one,
        1,
        1.0,
        0,
        torch.float32,
        "none",
        [],
        "",
    )
    args = (torch.ones(1, 4, 9, 9, dtype=torch.uint8), weight)
    return lambda x, w: ops.qconv_pointwise(x, 0.1, 0, w, *ends), args, 81 * 5 * 36


@pytest.mark.parametrize("make", [_linear, _convolution])
def test_what_a_processor_runs_of_a_quantised_model_is_counted(make: Callable[[Any], Any]) -> None:
    """Products and convolutions of oneDNN with packed weights, to one operation per element."""
    function, args, products = make(torch.ops.onednn)
    flops, is_guess = _one(function, *args)
    assert not is_guess
    assert math.isclose(flops, 2 * products, rel_tol=0.03)
