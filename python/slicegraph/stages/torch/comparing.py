"""Whether the stages of a PyTorch module, one after the other, compute what the module does."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from slicegraph.errors import InputError
from slicegraph.stages.torch.modules import StageModule
from slicegraph.stages.verify_split import Difference, difference


def run(stages: Sequence[StageModule], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the module
    """Run stages one after the other, each on the device where its parameters are.

    Raises
    ------
    InputError
        The arguments are not nested as those that the stages were traced with, or a stage is missing.
    """
    values = _bound(stages, args, kwargs)
    for stage in stages:
        missing = next((name for name in stage.input_names if name not in values), None)
        if missing is not None:
            raise InputError(f"stages: stage {stage.block} reads {missing!r}, which no stage before it gives")
        result = stage(*(_on_device_of(stage, values[name]) for name in stage.input_names))
        if stage is stages[-1]:
            return result
        several = result if len(stage.output_names) != 1 else (result,)
        values |= dict(zip(stage.output_names, several, strict=True))
    raise InputError("stages: there is none")


def _bound(stages: Sequence[StageModule], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Name what a module is called with as its stages do."""
    if not stages:
        raise InputError("stages: there is none")
    if not all(hasattr(stage, "output_names") for stage in stages):
        raise InputError("stages: they are not what slicegraph.torch.stages gives")
    names, spec = stages[0].meta["module_inputs"], stages[0].meta["module_in_spec"]
    ordered = {name: kwargs[name] for name in spec.child(1).context if name in kwargs}
    leaves, given = pytree.tree_flatten((tuple(args), ordered if len(ordered) == len(kwargs) else dict(kwargs)))
    if given != spec:
        raise InputError(f"args: the stages were traced with {spec}, not {given}")
    return dict(zip(names, leaves, strict=True))


def compare(
    module: Any,  # noqa: ANN401 - a module or a program
    stages: Sequence[StageModule],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    tolerance: float,
) -> tuple[Difference, ...]:
    """Run a module and its stages on the same arguments, without gradients, and compare what they give."""
    if isinstance(module, ExportedProgram):
        module = module.module()
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"module = {module!r:.80}, but it is a torch.nn.Module, or an exported program")
    _bound(stages, args, kwargs)
    buffers = _buffers(module, *stages)
    before = [buffer.clone() for buffer in buffers]
    with torch.no_grad():
        try:
            whole = module(*args, **kwargs)
            _restore(buffers, before)
            chained = run(stages, args, kwargs)
        finally:
            _restore(buffers, before)
    (first, expected), (second, found) = pytree.tree_flatten(whole), pytree.tree_flatten(chained)
    if expected != found:
        raise InputError(f"stages: they give {found}, and the module {expected}")
    names = stages[-1].output_names
    return tuple(
        _difference(name or f"output {index}", one, other, tolerance)
        for index, (name, one, other) in enumerate(zip(names, first, second, strict=True))
        if isinstance(one, torch.Tensor)
    )


def _difference(name: str, one: Any, other: Any, tolerance: float) -> Difference:  # noqa: ANN401 - tensors
    if one.device.type == "meta":
        raise InputError("module: its parameters are on the meta device, which has no values to compare")
    if one.shape != other.shape or one.dtype != other.dtype:
        return Difference(name=name, absolute=math.inf, relative=math.inf, tolerance=tolerance)
    arrays = [tensor.detach().cpu() for tensor in (one, other)]
    if arrays[0].is_floating_point():
        arrays = [array.double() for array in arrays]
    return dataclasses.replace(difference(name, *(array.numpy() for array in arrays)), tolerance=tolerance)


def _on_device_of(stage: Any, value: Any) -> Any:  # noqa: ANN401 - a module, and a tensor or a number
    """Put a tensor where a stage has its parameters; a stage without any takes it where it is."""
    held = next(iter((*stage.parameters(), *stage.buffers())), None)
    return value if held is None or not isinstance(value, torch.Tensor) else value.to(held.device)


def _buffers(*modules: Any) -> list[Any]:  # noqa: ANN401 - modules
    """List the buffers of modules, each once."""
    return list({id(buffer): buffer for module in modules for buffer in module.buffers()}.values())


def _restore(buffers: Sequence[Any], values: Sequence[Any]) -> None:
    for buffer, value in zip(buffers, values, strict=True):
        buffer.copy_(value)
