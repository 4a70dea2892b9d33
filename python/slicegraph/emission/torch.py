"""``split_spec`` of ``torch.distributed.pipelining.pipeline``: the modules before which a stage begins."""

from __future__ import annotations

from slicegraph.emission.named import CannotSayError, NamedPlan


def emit(plan: NamedPlan) -> str:
    """Give a statement of Python."""
    plan.check_order()
    paths = plan.modules
    # Where each module begins, by its path.
    begins: dict[tuple[str, ...], int] = {}
    for node, parts in enumerate(paths):
        for depth in range(1, len(parts) + 1):
            begins.setdefault(parts[:depth], node)
    points = []
    for node in range(1, len(paths)):
        if plan.stages[node] == plan.stages[node - 1]:
            continue
        whole = [paths[node][: depth + 1] for depth in range(len(paths[node]))]
        path = next((each for each in whole if begins[each] == node), None)
        if path is None:
            reason = f"stage {plan.stages[node]} begins at {plan.names[node]!r:.80}, where no module begins"
            raise CannotSayError(reason, _nearest(plan, begins))
        points.append(".".join(path))
    body = "".join(f"    {point!r}: SplitPoint.BEGINNING,\n" for point in points)
    return f"from torch.distributed.pipelining import SplitPoint\n\nsplit_spec = {{\n{body}}}\n"


def _nearest(plan: NamedPlan, begins: dict[tuple[str, ...], int]) -> tuple[int, ...]:
    """Move each cut to the nearest node where a module begins."""
    places = sorted(set(begins.values()) - {0})
    found = list(plan.stages)
    low = 1
    for node in range(1, len(found)):
        if plan.stages[node] == plan.stages[node - 1]:
            continue
        left = [place for place in places if place >= low] or [len(found)]
        place = min(left, key=lambda place: abs(place - node))
        for other in range(min(place, node), max(place, node)):
            found[other] = plan.stages[node] if place <= other else plan.stages[node - 1]
        low = place + 1
    return tuple(found)
