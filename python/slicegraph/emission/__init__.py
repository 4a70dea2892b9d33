"""Plans in the forms of runtimes: one form a file; what a form cannot say it refuses, with the nearest plan it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from slicegraph.emission import accelerate, coral, deepspeed, genai, megatron, openvino, ort, torch, torchtitan, vllm
from slicegraph.emission.named import CannotSayError, NamedPlan, NamedTensor, named_plan

__all__ = ["FORMS", "CannotSayError", "NamedPlan", "NamedTensor", "named_plan"]

FORMS: Final[Mapping[str, Callable[[NamedPlan], str]]] = {
    "accelerate": accelerate.emit,
    "coral": coral.emit,
    "deepspeed": deepspeed.emit,
    "genai": genai.emit,
    "megatron": megatron.emit,
    "openvino": openvino.emit,
    "ort": ort.emit,
    "torch": torch.emit,
    "torchtitan": torchtitan.emit,
    "vllm": vllm.emit,
}
"""What writes a plan down, by the name of the runtime; each gives text, or raises `CannotSayError`."""
