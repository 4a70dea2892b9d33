"""Primitives of PyTorch: each counts as the operator that is decomposed into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import slicegraph as sg
from torch_models import Calling

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")

prims = torch.ops.prims


FLOPS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "add": (lambda x: prims.add(x, x), 12),
    "erf": (prims.erf, 12),
    "where": (lambda x: prims.where(prims.gt(x, x), x, x), 24),
    "sum": (lambda x: prims.sum(x, [1]), 12),
    "amax": (lambda x: prims.amax(x, [0]), 12),
    "cat": (lambda x: prims.cat([x, x], 0), 0),
    "a cast": (lambda x: prims.convert_element_type(x, torch.float64), 0),
}


@pytest.mark.parametrize("name", FLOPS)
def test_a_primitive_counts_by_element(name: str) -> None:
    """Elementwise work counts outputs, reductions count inputs, moving counts nothing; none is a guess."""
    function, expected = FLOPS[name]
    with torch.no_grad():
        arrays = sg.from_torch(Calling(function).eval(), (torch.ones(3, 4),)).arrays
    assert arrays.flops is not None
    assert arrays.is_guess is not None
    assert (int(arrays.flops.sum()), bool(arrays.is_guess.any())) == (expected, False)


def test_every_primitive_has_a_rule() -> None:
    """All that PyTorch has, but singular values, which take as many steps as they take."""
    from slicegraph.formats.torch import flops  # noqa: PLC0415 - where PyTorch is installed

    primitives = __import__("torch._prims", fromlist=["__all__"])
    unknown = set()
    for name in primitives.__all__:
        target = getattr(getattr(prims, name, None), "default", None)
        if target is None or any(part.alias_info for part in target._schema.arguments):  # noqa: SLF001 - as in nodes.py
            continue
        known = flops.RULES.keys() | flops.POINTWISE
        if torch.Tag.pointwise not in target.tags and f"prims.{name}" not in known:
            unknown.add(name)
    assert unknown == {"svd"}
