"""Inputs for a model of which the manifest is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from onnx import helper

from slicegraph.formats.onnx.samples import random_inputs
from slicegraph.pipeline.tensors import Tensor


def draw(tensors: Sequence[Tensor], *, seed: int) -> dict[str, NDArray[Any]]:
    """Draw a value for each input.

    Raises
    ------
    InputError
        When an input is of a type of which there are no random ones.
    """
    return random_inputs(
        [helper.make_tensor_value_info(tensor.name, tensor.element_type, tensor.shape) for tensor in tensors], seed=seed
    )
