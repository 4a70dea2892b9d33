"""A sweep over numbers of stages: as a table, for people, and as JSON or CSV, for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from slicegraph.cost import Instance
from slicegraph.curve import Sweep, SweepRow, Target
from slicegraph.errors import printable
from slicegraph.feasibility import shortage
from slicegraph.guesses import Guessed, guessed
from slicegraph.report import numbers
from slicegraph.report.guesses import listed
from slicegraph.report.screen import Screen, Table
from slicegraph.result import Status

_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = ("k", "bottleneck", "lower bound", "gap", "status", "throughput", "stages used", "efficiency")


def sweeps_to_json(sweeps: Sequence[Sweep], target: float | None, *, is_list: bool) -> str:
    """Give one object: of one sweep as the interface has it, of several with a list ``sweeps`` of such objects.

    ``speedup`` is throughput against one stage, ``efficiency`` that per stage used; an infinite cost or bound, by the
    memory limit, is null, and so is what follows from one.
    """
    graph = sweeps[0].graph
    named = {
        "graph": {
            "name": graph.name,
            "num_nodes": graph.num_nodes,
            "num_tensors": graph.num_tensors,
            "digest": graph.structure_digest,
        }
    }
    objects = [_object(sweep, target) for sweep in sweeps]
    return json.dumps({**named, "sweeps": objects} if is_list else {**named, **objects[0]}, allow_nan=False)


def _object(sweep: Sweep, target: float | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "device": sweep.device.to_mapping(),
        "boundary_io": sweep.boundary_io,
        "rows": [_row(sweep, row) for row in sweep.rows],
    }
    if guesses := _guessed(sweep):
        data["guessed"] = [row.to_mapping() for row in guesses]
    if target is not None:
        found = sweep.fewest(target)
        data["target"] = {"asked": found.asked, "fewest": found.fewest, "is_proven": found.is_proven}
    return data


def _row(sweep: Sweep, row: SweepRow) -> dict[str, Any]:
    return {
        "num_blocks": row.num_blocks,
        "bottleneck": _finite(row.bottleneck),
        "lower_bound": _finite(row.lower_bound),
        "gap": row.gap,
        "status": str(row.status),
        "stages_used": row.stages_used,
        "throughput": 1 / row.bottleneck if row.bottleneck else None,
        "speedup": sweep.speedup(row),
        "efficiency": sweep.efficiency(row),
        "seconds": row.seconds,
    }


def sweeps_to_csv(names: Sequence[Mapping[str, str | float]], sweeps: Sequence[Sweep]) -> str:
    """Give a line per row of every sweep, under a heading; ``names`` tell the sweeps apart."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*names[0], *_row(sweeps[0], sweeps[0].rows[0])])
    for name, sweep in zip(names, sweeps, strict=False):
        for row in sweep.rows:
            writer.writerow([*name.values(), *_row(sweep, row).values()])
    return file.getvalue()


def sweeps_to_text(names: Sequence[Mapping[str, str | float]], sweeps: Sequence[Sweep], target: float | None) -> str:
    """Give a table per sweep, in colours and with a line of bars when standard output is a terminal that has them."""
    screen = Screen()
    graph = sweeps[0].graph
    screen.say(f"{printable(graph.name) or 'graph'}: {graph.num_nodes} nodes, {graph.num_tensors} tensors")
    for name, sweep in zip(names, sweeps, strict=False):
        if name:
            shown = (f"{key} {numbers.rate(it) if isinstance(it, float) else it}" for key, it in name.items())
            screen.say(f"\n{', '.join(shown)}")
        screen.show(_table(sweep))
        if screen.is_terminal:
            screen.say(f"throughput   {_bars(sweep)}")
        screen.say("\n".join(_summary(sweep, target)))
    return screen.text


def _table(sweep: Sweep) -> Table:
    table = Table(heads=_COLUMNS)
    for row in sweep.rows:
        speedup, efficiency = sweep.speedup(row), sweep.efficiency(row)
        cells = [
            str(row.num_blocks),
            numbers.time(row.bottleneck),
            numbers.time(row.lower_bound),
            "-" if row.status is Status.INFEASIBLE else numbers.percent(row.gap),
            str(row.status),
            "-" if speedup is None else f"{speedup:.4g} x",
            str(row.stages_used),
            "-" if efficiency is None else numbers.percent(efficiency),
        ]
        table.add(cells)
    return table


def _bars(sweep: Sweep) -> str:
    """Draw a bar per row, as high as its throughput."""
    rates = [1 / row.bottleneck if row.bottleneck else math.inf for row in sweep.rows]
    top = max((rate for rate in rates if not math.isinf(rate)), default=0.0)
    heights = [min(rate / top, 1.0) if top else 1.0 for rate in rates]
    return "".join(_BARS[round(height * (len(_BARS) - 1))] for height in heights)


def _summary(sweep: Sweep, target: float | None) -> list[str]:
    rows, last = sweep.rows, sweep.rows[-1]
    num_proven = sum(row.status in (Status.OPTIMAL, Status.INFEASIBLE) for row in rows)
    lines = [f"proven       {num_proven} of {len(rows)} rows, {numbers.time(sweep.seconds)}"]
    if last.status is Status.INFEASIBLE:
        lines.append(f"infeasible   {shortage(_instance(sweep, last.num_blocks))}")
    if last.status is Status.OPTIMAL and last.stages_used < last.num_blocks:
        lines.append(f"enough       {_stages(last.stages_used)}: up to {last.num_blocks}, more are not faster")
    if target is not None:
        lines.append(f"target       {_target(sweep, sweep.fewest(target))}")
    if guesses := _guessed(sweep):
        lines.append(f"guessed: {listed(guesses, sweep.graph.num_nodes)}")
    return lines


def _guessed(sweep: Sweep) -> Sequence[Guessed]:
    return guessed(_instance(sweep, 1))


def _instance(sweep: Sweep, num_blocks: int) -> Instance:
    return Instance(sweep.graph, device=sweep.device, num_blocks=num_blocks, boundary_io=sweep.boundary_io)


def _target(sweep: Sweep, found: Target) -> str:
    """Say how many stages reach a target, and whether fewer do."""
    # It may have been asked for as a throughput.
    asked, most = f"{numbers.time(found.asked)} ({1 / found.asked:.4g} per s)", sweep.rows[-1].num_blocks
    if found.fewest is None:
        if found.is_proven:
            return f"{asked} is not reached: proven for all numbers of stages up to {most}"
        return f"{asked} is not reached by what is known; whether {_which(found.too_few + 1, most)} reach it is open"
    told = f"{asked} is reached with {_stages(found.fewest)}"
    if found.fewest == 1:
        return told
    if found.is_proven:
        return f"{told}, the fewest: proven"
    return f"{told}; whether {_which(found.too_few + 1, found.fewest - 1)} reach it is open"


def _stages(number: int) -> str:
    return "1 stage" if number == 1 else f"{number} stages"


def _which(first: int, last: int) -> str:
    return _stages(first) if first == last else f"{first} to {last} stages"


def _finite(cost: float) -> float | None:
    return None if math.isinf(cost) else cost
