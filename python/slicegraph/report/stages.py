"""What the stages of a result are, column by column: for a terminal, and for a notebook."""

from __future__ import annotations

import itertools

from rich.cells import cell_len

from slicegraph.crossings import CutTensor
from slicegraph.errors import printable
from slicegraph.report import names, numbers
from slicegraph.report.screen import GAP, Table
from slicegraph.result import Result

FIRST, LAST = "first", "last"
"""The columns with the names of a stage's first and last node."""
_LEAST_ROOM = 6
_MOST_STAGES = 30


def stage_columns(result: Result) -> dict[str, list[str]]:
    """Give the columns of a table of the stages that have nodes, by their heads.

    What no stage has, overflow, parameters, state or counted tensors, has no column. First and last are nodes in the
    order of the graph.
    """
    graph = result.instance.graph
    used = [(index, stage) for index, stage in enumerate(result.stages) if stage.nodes.size]
    stages = [stage for _, stage in used]
    machine = result.instance.machine
    devices = [printable(name) for name in itertools.islice(machine.names(), len(result.stages))]
    columns = {
        "stage": [str(index) for index, _ in used],
        **({"device": [devices[index] for index, _ in used]} if len(machine.kinds) > 1 else {}),
        "nodes": [str(stage.nodes.size) for stage in stages],
        **{
            head: [numbers.time(getattr(stage, name)) for stage in stages]
            for head, name in (("work", "work"), ("in", "io_in"), ("out", "io_out"), ("overflow", "overflow"))
            if name != "overflow" or any(stage.overflow for stage in stages)
        },
        "cost": [numbers.time(stage.cost) for stage in stages],
        "": ["<" if stage.cost == result.bottleneck else "" for stage in stages],
    }
    for head, name in (("params", "param_bytes"), ("state", "state_bytes"), ("tensors", "live_bytes")):
        if any(getattr(stage, name) for stage in stages):
            columns[head] = [numbers.size(getattr(stage, name)) for stage in stages]
    columns["cut tensors"] = [str(stage.reads.size + stage.writes.size) for stage in stages]
    columns[FIRST] = [names.node(graph, int(stage.nodes[0])) for stage in stages]
    columns[LAST] = [names.node(graph, int(stage.nodes[-1])) for stage in stages]
    return columns


def stage_table(result: Result, *, width: int) -> Table:
    """Give a row per stage, in so many columns of a terminal; names lose their middle where there is no room."""
    columns = stage_columns(result)
    # Its head is longer than any number under it.
    columns = {"cut" if head == "cut tensors" else head: cells for head, cells in columns.items()}
    widths = {head: max(map(cell_len, [head, *cells])) for head, cells in columns.items()}
    room = width - sum(wide for head, wide in widths.items() if head not in (FIRST, LAST)) - GAP * (len(widths) - 1)
    room = max(room, 2 * _LEAST_ROOM)
    first = min(widths[FIRST], max(room // 2, room - widths[LAST]))
    for head, name_width in ((FIRST, first), (LAST, room - first)):
        columns[head] = [names.shortened(cell, name_width) for cell in columns[head]]
    table = Table(heads=tuple(columns), left=(FIRST, LAST))
    for row in zip(*columns.values(), strict=True):
        table.add(row, is_bold="<" in row)
    return table


def cut_table(cuts: tuple[CutTensor, ...], *, width: int) -> Table:
    """Give a row per cut tensor: the stage that exports it, those that import it, its size and its name."""
    rows = [
        (
            "input" if cut.from_stage is None else str(cut.from_stage),
            names.shortened(names.ranges(cut.to_stages) or "output", _MOST_STAGES),
            numbers.size(cut.bytes),
            printable(cut.name),
        )
        for cut in cuts
    ]
    heads = ("from", "to", "size", "cut tensor")
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    room = max(width - sum(widths[:-1]) - GAP * (len(heads) - 1), _LEAST_ROOM)
    table = Table(heads=heads, left=heads[-1:])
    for *cells, name in rows:
        table.add((*cells, names.shortened(name, room)))
    return table
