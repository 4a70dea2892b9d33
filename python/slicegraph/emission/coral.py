"""Segments of the Edge TPU: the number of operations in each, in the model's order, between commas.

libcoral's count-based partitioners cut a model so (``GetNumOpsPerSegment``, coral/tools/partitioner). Its
``GetStrategyFromNumOps`` asks that each segment has an operator and that all together are the model's, so the plan is
one of the ``.tflite`` model, in which no operator may have constants alone: that has no node.
"""

from __future__ import annotations

from collections import Counter

from slicegraph.emission.named import CannotSayError, NamedPlan


def emit(plan: NamedPlan) -> str:
    """Give the counts."""
    plan.check_order()
    of = Counter(plan.stages)
    counts = [of[stage] for stage in range(plan.num_stages)]
    if 0 in counts:
        raise CannotSayError(f"stage {counts.index(0)} has no operation, but each segment has one")
    return ",".join(map(str, counts)) + "\n"
