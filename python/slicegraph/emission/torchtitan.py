"""``parallelism.module_fqns_per_model_part`` of torchtitan, as TOML: for each stage the paths of its modules.

Each is a child of the model, or a numbered child of such a one (torchtitan/distributed/pipeline_parallel.py); what the
model computes itself, outside of modules, every stage computes. A module whose result is a constant, as a table of
positions that is read at fixed places, has no node and is not listed.
"""

from __future__ import annotations

import json

from slicegraph.emission.named import NamedPlan, children, modules_of_stages


def emit(plan: NamedPlan) -> str:
    """Give the section of a configuration file."""
    stages: list[list[str]] = [[] for _ in range(plan.num_stages)]
    for path, stage in modules_of_stages(plan, children(plan)):
        stages[stage].append(path)
    return f"[parallelism]\nmodule_fqns_per_model_part = {json.dumps(stages)}\n"
