"""``--pipeline-model-parallel-layout`` of Megatron-LM: ``Et*6|t*6|t*5L``.

Stages between bars; ``E`` is the embedding, ``t`` a layer of the decoder, ``t*6`` six of them, ``L`` the loss (and with
it the head): megatron/core/transformer/pipeline_parallel_layer_layout.py.
"""

from __future__ import annotations

from slicegraph.emission.named import NamedPlan, stack


def emit(plan: NamedPlan) -> str:
    """Give the option."""
    parts = [f"t*{count}" if count else "" for count in stack(plan).counts]
    parts[0] = f"E{parts[0]}"
    parts[-1] = f"{parts[-1]}L"
    return f'--pipeline-model-parallel-layout "{"|".join(parts)}"\n'
