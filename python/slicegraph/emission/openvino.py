"""The affinity of each operation for OpenVINO's HETERO device, as JSON by friendly name: stage 0 on ``GPU.0``.

It is set in manual mode, ``operation.get_rt_info()["affinity"] = affinity[operation.get_friendly_name()]``
(https://docs.openvino.ai, Heterogeneous Execution), and the model compiled for ``HETERO:GPU.0,GPU.1``.
"""

from __future__ import annotations

import json

from slicegraph.emission.named import CannotSayError, NamedPlan


def emit(plan: NamedPlan) -> str:
    """Give devices and affinities; what is folded into constants has none of its own."""
    if len(set(plan.names)) < len(plan.names) or "" in plan.names:
        raise CannotSayError("operations go by their names, but some have none, or share one")
    devices = [f"GPU.{stage}" for stage in range(plan.num_stages)]
    affinity = {name: devices[stage] for name, stage in zip(plan.names, plan.stages, strict=True)}
    return json.dumps({"device": f"HETERO:{','.join(devices)}", "affinity": affinity}, indent=1) + "\n"
