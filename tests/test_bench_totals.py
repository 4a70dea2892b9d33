"""The table of totals: what needs no PyTorch agrees with XLA and with definitions."""

from __future__ import annotations

import pytest

from totals import jax_models, onnx_models


@pytest.mark.parametrize("name", ["Residual", "Mixture", "Decoder"])
def test_functions_agree_with_xla(name: str) -> None:
    """Operations within 1 %, bytes with those of the equations, and exactly the weights that are stored."""
    (row,) = jax_models.rows(name)
    assert not row.is_off, row.cells()


@pytest.mark.parametrize("name", ["light_squeezenet", "light_zfnet512"])
def test_networks_agree_with_definitions(name: str) -> None:
    """Operations and bytes are the sums of what the definitions of all nodes say."""
    (row,) = onnx_models.rows(name)
    assert (row.flops, row.moved) == (row.reference.flops, row.reference.moved)
    assert not row.is_off, row.cells()
