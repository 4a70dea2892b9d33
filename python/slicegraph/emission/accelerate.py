"""``device_map`` of Hugging Face accelerate, as JSON: the device of each module, which is the stage's number.

``accelerate.dispatch_model`` takes it (https://huggingface.co/docs/accelerate/concept_guides/big_model_inference);
``check_device_map`` asks that every parameter is in a module of it. What a model computes outside of modules runs where
its inputs are. A module whose result is a constant, as a table of positions that is read at fixed places, has no node,
so it is in no entry: it belongs to the stage that adds what it gives.
"""

from __future__ import annotations

import json

from slicegraph.emission.named import CannotSayError, NamedPlan


def emit(plan: NamedPlan) -> str:
    """Give the map; a module that is in one stage stands for all within it."""
    paths = plan.modules
    nodes: dict[tuple[str, ...], list[int]] = {}
    for node, parts in enumerate(paths):
        for depth in range(1, len(parts) + 1):
            nodes.setdefault(parts[:depth], []).append(node)
    if not nodes:
        raise CannotSayError("no node is named by a module")
    found: dict[str, int] = {}
    for path, within in nodes.items():
        stages = {plan.stages[node] for node in within}
        if any(".".join(path[:depth]) in found for depth in range(1, len(path))):
            continue
        if len(stages) == 1:
            found[".".join(path)] = stages.pop()
        elif any(paths[node] == path for node in within):
            units = [each for key, each in nodes.items() if len(key) == len(path)]
            raise CannotSayError(f"module {'.'.join(path)} is cut, and computes by itself", plan.rounded(units))
    return json.dumps(found, indent=1) + "\n"
