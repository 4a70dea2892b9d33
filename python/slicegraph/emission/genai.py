"""Pipeline of onnxruntime-genai: what ``genai_config.json`` says of ``model.decoder.pipeline``, an entry per stage.

An entry has the stage's file, as ``slicegraph split`` names it, the tensors that it reads and makes, and its device.
The model's own ``genai_config.json`` has the rest; its ``model.type`` is ``decoder-pipeline``
(https://onnxruntime.ai/docs/genai/reference/config.html; ``onnxruntime_genai.Config`` reads it).
"""

from __future__ import annotations

import json
from typing import Any

from slicegraph.emission.named import CannotSayError, NamedPlan, NamedTensor


def emit(plan: NamedPlan) -> str:
    """Give the part of the configuration, stage 0 on the first CUDA device."""
    if plan.tensors is None:
        raise CannotSayError("an entry lists the tensors that its stage reads and makes: give --model MODEL")
    if not plan.tensors:
        raise CannotSayError("an entry lists the tensors that its stage reads and makes, but --model names none")
    _check_order(plan, plan.tensors)
    if missing := set(range(plan.num_stages)).difference(plan.stages):
        raise CannotSayError(f"stage {min(missing)} has no node, but each has a model")
    entries = [_entry(plan, plan.tensors, stage) for stage in range(plan.num_stages)]
    document = {"model": {"type": "decoder-pipeline", "decoder": {"pipeline": entries}}}
    return json.dumps(document, indent=1) + "\n"


def _entry(plan: NamedPlan, tensors: tuple[NamedTensor, ...], stage: int) -> dict[str, Any]:
    made = [each for each in tensors if each.producer >= 0 and plan.stages[each.producer] == stage]
    outputs = [each for each in made if each.is_output or any(plan.stages[node] > stage for node in each.consumers)]
    inputs = [
        each
        for each in tensors
        if (each.producer < 0 or plan.stages[each.producer] < stage)
        and any(plan.stages[node] == stage for node in each.consumers)
    ]
    name = f"stage{stage}"
    return {
        name: {
            "filename": f"{name}.onnx",
            "inputs": [each.name for each in inputs],
            "outputs": [each.name for each in outputs],
            "session_options": {"provider_options": [{"cuda": {"device_id": str(stage)}}]},
        }
    }


def _check_order(plan: NamedPlan, tensors: tuple[NamedTensor, ...]) -> None:
    """Refuse a plan in which a tensor runs to an earlier stage: stages run one after the other."""
    for each in tensors:
        if each.producer < 0:
            continue
        for node in each.consumers:
            if plan.stages[node] < plan.stages[each.producer]:
                reason = f"{each.name!r:.80} runs from stage {plan.stages[each.producer]} to stage {plan.stages[node]}"
                raise CannotSayError(reason, _nearest(plan, tensors))


def _nearest(plan: NamedPlan, tensors: tuple[NamedTensor, ...]) -> tuple[int, ...]:
    """Put each node no earlier than those whose tensors it reads, which come before it."""
    reads: list[list[int]] = [[] for _ in plan.names]
    for each in tensors:
        for node in each.consumers if each.producer >= 0 else ():
            reads[node].append(each.producer)
    found: list[int] = []
    for node, stage in enumerate(plan.stages):
        found.append(max([stage, *(found[producer] for producer in reads[node])]))
    return tuple(found)
