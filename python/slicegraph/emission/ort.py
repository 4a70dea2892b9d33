"""Layer assignment of onnxruntime, as JSON: the annotation of each node, and the session's option that reads it.

Each node's ``metadata_props["layer_ann"]`` is set to its annotation, and ``session.layer_assignment_settings`` to
``device(=annotation);...``, in which ``=`` asks for the whole annotation (onnxruntime's documentation of partitioning
by annotations).  One session has one device of each kind, so it has two stages at most: ``gpu``, then ``cpu``.
"""

from __future__ import annotations

import json

from slicegraph.emission.named import CannotSayError, NamedPlan

_DEVICES = ("gpu", "cpu")


def emit(plan: NamedPlan) -> str:
    """Give annotations and the option."""
    if len(set(plan.names)) < len(plan.names) or "" in plan.names:
        raise CannotSayError("nodes go by their names, but some have none, or share one")
    if plan.num_stages > len(_DEVICES):
        reason = f"one session has a GPU and a processor, but there are {plan.num_stages} stages"
        raise CannotSayError(f"{reason}; slicegraph split writes a model for each")
    annotations = {name: f"stage{stage}" for name, stage in zip(plan.names, plan.stages, strict=True)}
    settings = ";".join(f"{_DEVICES[stage]}(=stage{stage})" for stage in range(plan.num_stages))
    return json.dumps({"session.layer_assignment_settings": settings, "layer_ann": annotations}, indent=1) + "\n"
