"""The table of totals: architectures of PyTorch agree with its own counter and with what runs eagerly."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is optional, and large")
pytest.importorskip("torchvision", reason="torchvision is optional")


@pytest.mark.parametrize("name", ["U-Net", "MobileNet", "LSTM", "Transformer decoder"])
def test_modules_agree_with_what_runs(name: str) -> None:
    """Operations within 1 %, bytes too or with a reason, and exactly the distinct memory that is read."""
    from totals import torch_models  # noqa: PLC0415 - where PyTorch is installed

    (row,) = torch_models.rows(name)
    assert not row.is_off, row.cells()
