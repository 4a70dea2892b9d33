"""Inputs for a model of which the manifest is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from onnx import helper

from slicegraph.stages.onnx.samples import Given, sample_inputs
from slicegraph.stages.pipeline.tensors import Tensor


def draw(tensors: Sequence[Tensor], given: Given, *, seed: int) -> dict[str, NDArray[Any]]:
    """Give each input its value: the one that is given, else one that is made up.

    Raises
    ------
    InputError
        When an input is of a type of which there are no random ones, or what is given is no input or does not fit.
    """
    infos = [helper.make_tensor_value_info(tensor.name, tensor.element_type, tensor.shape) for tensor in tensors]
    return sample_inputs(infos, given, seed=seed)
