"""``VLLM_PP_LAYER_PARTITION`` of vLLM: the number of layers of each stage, between commas.

Read by ``get_pp_indices`` (vllm/distributed/utils.py), which asks for one number per stage, which add up to all layers.
The embedding is in the first stage and the head in the last.
"""

from __future__ import annotations

from slicegraph.emission.named import NamedPlan, stack


def emit(plan: NamedPlan) -> str:
    """Give the setting of the environment."""
    return f"VLLM_PP_LAYER_PARTITION={','.join(map(str, stack(plan).counts))}\n"
