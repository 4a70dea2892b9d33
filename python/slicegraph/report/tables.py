"""Tables of a page: a caption, heads that sort, and texts that are escaped."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from slicegraph.errors import printable
from slicegraph.formats.answers import ClaimedBound, SweepRow
from slicegraph.guesses import Guessed
from slicegraph.report import names, numbers
from slicegraph.report.answer import Answer
from slicegraph.report.svg import PARTS

_CUTS_SHOWN = 1000
_ROWS_SHOWN = 200
_Cell = str | tuple[float, str]
"""Text, or a number with the text that shows it."""


def stages(answer: Answer) -> str:
    """Give a row for each stage with nodes."""
    counts = answer.num_nodes
    order = np.argsort(answer.block_of, kind="stable").tolist()
    measured = {row.block: row.run + row.transfer for row in answer.measured}
    machine = answer.instance.machine
    devices = list(itertools.islice(machine.names(), len(counts))) if len(machine.kinds) > 1 else []
    heads = ["Stage", *["Device"] * bool(devices), "Nodes", *(label.capitalize() for _, label in PARTS), "Cost"]
    heads += ["Measured"] * bool(measured) + ["Parameters", "First node", "Last node"]
    rows: list[list[_Cell]] = []
    binding: set[int] = set()
    start = 0
    for stage, count in enumerate(counts):
        if not count:
            continue
        cost = answer.costs[stage]
        if cost.cost == answer.bottleneck:
            binding.add(len(rows))
        row: list[_Cell] = [(stage, f"{stage} <" if cost.cost == answer.bottleneck else str(stage))]
        row += [devices[stage]] if devices else []
        row += [_count(count)]
        row += [_time(getattr(cost, part)) for part, _ in PARTS]
        row += [_time(cost.cost)]
        row += [_time(measured[stage])] if measured else []
        row += [_size(cost.param_bytes)]
        row += [names.node(answer.instance.graph, order[at]) for at in (start, start + count - 1)]
        rows.append(row)
        start += count
    caption = "Per stage and inference; a bottleneck is marked <. First and last node are in the order of the file"
    return _table(caption, heads, rows, names={"First node", "Last node"}, binding=binding)


def cuts(answer: Answer) -> str:
    """Give a row for each tensor that stages pay for, the largest first."""
    found = answer.cut_tensors
    if not found:
        return "<p>None: no stage pays for a tensor.</p>"
    rows: list[list[_Cell]] = [
        [
            cut.name,
            _size(cut.bytes),
            (-1, "model input") if cut.from_stage is None else _count(cut.from_stage),
            (cut.to_stages[0], ", ".join(map(str, cut.to_stages))) if cut.to_stages else (math.inf, "model output"),
            _count(len(cut.to_stages)),
        ]
        for cut in found[:_CUTS_SHOWN]
    ]
    more = f", of which the {_CUTS_SHOWN} largest are shown" if len(found) > _CUTS_SHOWN else ""
    total = numbers.size(sum(cut.bytes for cut in found))
    caption = f"{len(found)} tensors of {total}{more}; the stage that makes one pays, and each that reads it"
    return _table(caption, ["Tensor", "Bytes", "From", "To", "Stages that read it"], rows, names={"Tensor"})


def history(rows: Sequence[tuple[float, float, float]]) -> str:
    """Give a row for each improvement, evenly chosen where there are many."""
    step = -(-len(rows) // _ROWS_SHOWN) if rows else 1
    shown = [rows[place] for place in sorted({*range(0, len(rows), step), len(rows) - 1})] if rows else []
    caption = "Improvements of the best partition and of the lower bound"
    if step > 1:
        caption += f", every {step}th of {len(rows)}"
    return _table(caption, ["Time", "Best bottleneck", "Lower bound"], [list(map(_time, row)) for row in shown])


def sweep(rows: Iterable[SweepRow]) -> str:
    """Give a row for each number of stages."""
    cells: list[list[_Cell]] = [
        [_count(row.num_blocks), _time(row.bottleneck), _time(row.lower_bound), row.status] for row in rows
    ]
    caption = "What other numbers of stages give"
    return _table(caption, ["Stages", "Bottleneck", "Lower bound", "Status"], cells)


def bounds(rows: Iterable[ClaimedBound]) -> str:
    """Give a row for each lower bound that was computed."""
    cells: list[list[_Cell]] = [[row.method, _time(row.lower_bound), _time(row.seconds), row.status] for row in rows]
    caption = "Lower bounds that the plan states: no partition is faster than the highest"
    return _table(caption, ["Method", "Lower bound", "Time", "Status"], cells, names={"Method"})


def guesses(rows: Iterable[Guessed]) -> str:
    """Give a row for each operator without a rule, or of which it is not known how often it runs."""
    cells: list[list[_Cell]] = [
        [printable(row.op) or "-", _count(row.num_nodes), (row.share_of_work, numbers.percent(row.share_of_work))]
        for row in rows
    ]
    caption = "Operators without a rule for what they compute or how often they run: --flops-of OP=EXPR, --trips NAME=N"
    return _table(caption, ["Operator", "Nodes", "Share of work"], cells, names={"Operator"})


def _table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[_Cell]],
    *,
    names: Iterable[str] = (),
    binding: Iterable[int] = (),
) -> str:
    is_name, is_binding = [head in names for head in heads], set(binding)
    head = "".join(
        f'<th scope="col"{_kind(name)}><button type="button">{text}</button></th>'
        for text, name in zip(heads, is_name, strict=True)
    )
    body = "".join(
        ('<tr class="binding">' if place in is_binding else "<tr>")
        + "".join(_cell(cell, _kind(name)) for cell, name in zip(row, is_name, strict=True))
        + "</tr>\n"
        for place, row in enumerate(rows)
    )
    # A region that scrolls has to be reached with the keyboard.
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{escape(caption)}"><table class="sortable">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )


def _cell(cell: _Cell, kind: str) -> str:
    if isinstance(cell, str):
        return f"<td{kind}>{escape(printable(cell))}</td>"
    value = "Infinity" if math.isinf(cell[0]) else repr(cell[0])
    return f'<td{kind} data-value="{value}">{escape(cell[1])}</td>'


def _kind(is_name: bool) -> str:  # noqa: FBT001 - one flag
    return ' class="name"' if is_name else ""


def _time(seconds: float) -> _Cell:
    return (seconds, numbers.time(seconds))


def _size(num_bytes: int) -> _Cell:
    return (num_bytes, numbers.size(num_bytes))


def _count(count: int) -> _Cell:
    return (count, str(count))
