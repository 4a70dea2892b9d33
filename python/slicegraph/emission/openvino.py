"""The affinity of each operation for OpenVINO's HETERO device, as JSON by friendly name: stage 0 on ``GPU.0``.

OpenVINO calls what makes an output of the model by that output's name, so the form takes the model. Affinities are set
in manual mode, ``operation.get_rt_info()["affinity"] = affinity[operation.get_friendly_name()]``
(https://docs.openvino.ai, Heterogeneous Execution), and the model compiled for ``HETERO:GPU.0,GPU.1``.
"""

from __future__ import annotations

import json

from slicegraph.emission.named import CannotSayError, NamedPlan


def emit(plan: NamedPlan) -> str:
    """Give devices and affinities; what is folded into constants has none of its own."""
    if len(set(plan.names)) < len(plan.names) or "" in plan.names:
        raise CannotSayError("operations go by their names, but some have none, or share one")
    if plan.tensors is None:
        raise CannotSayError("OpenVINO calls what makes an output by the output's name; give --model MODEL")
    devices = [f"GPU.{stage}" for stage in range(plan.num_stages)]
    makes = {plan.names[each.producer]: each.name for each in plan.tensors if each.is_output and each.producer >= 0}
    called = (makes.get(name, name) for name in plan.names)
    affinity = {name: devices[stage] for name, stage in zip(called, plan.stages, strict=True)}
    return json.dumps({"device": f"HETERO:{','.join(devices)}", "affinity": affinity}, indent=1) + "\n"
