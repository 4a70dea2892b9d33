"""Partition of DeepSpeed's ``PipelineModule``, as Python: the layers that it is given, and where each stage begins.

``partition_method`` knows ``uniform``, ``parameters`` and ``type:REGEX``, which balance counts; a partition of one's
own is set where these set theirs, in ``PipelineModule._partition_layers`` (deepspeed/runtime/pipe/module.py):
``parts`` has the first layer of each stage, and the number of layers.

The layers are the children of the model, and the numbered children of such a one, in order. What the model computes
outside of them belongs to the layer before it, and before all of them to the first.
"""

from __future__ import annotations

import itertools
from typing import Final

from slicegraph.emission.named import CannotSayError, NamedPlan, children

_TEXT: Final = '''\
from deepspeed.pipe import PipelineModule

LAYERS = [
{layers}]
PARTS = {parts}


class PlannedPipelineModule(PipelineModule):
    """Takes LAYERS, in this order, with num_stages={stages}."""

    def _partition_layers(self, method="uniform"):
        if self.num_stages != len(PARTS) - 1 or len(self._layer_specs) != PARTS[-1]:
            raise ValueError(f"the plan is for {{len(PARTS) - 1}} stages of {{PARTS[-1]}} layers")
        self.parts = PARTS
        stage = self._topo.get_coord(self.global_rank).pipe
        self._set_bounds(start=PARTS[stage], stop=PARTS[stage + 1])
'''


def emit(plan: NamedPlan) -> str:
    """Give a class that takes the place of ``PipelineModule``."""
    units = children(plan)
    nearest = plan.rounded(list(units.values()))
    for node, (stage, wanted) in enumerate(zip(plan.stages, nearest, strict=True)):
        if stage != wanted:
            reason = (
                f"{plan.names[node]!r:.80} is in stage {stage}, where whole layers in order would have it in {wanted}"
            )
            raise CannotSayError(reason, nearest)
    homes = [plan.stages[nodes[0]] for nodes in units.values()]
    counts = [homes.count(stage) for stage in range(plan.num_stages)]
    if 0 in counts:
        raise CannotSayError(f"stage {counts.index(0)} has no layer, but each stage has one")
    layers = "".join(f"    {'.'.join(path)!r},\n" for path in units)
    return _TEXT.format(layers=layers, parts=[0, *itertools.accumulate(counts)], stages=plan.num_stages)
