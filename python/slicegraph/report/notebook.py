"""A result where it is looked at: one line in a console, a table in a notebook."""

from __future__ import annotations

import html
import math

import numpy as np

from slicegraph.errors import printable
from slicegraph.report import names, numbers
from slicegraph.report.stages import FIRST, LAST, stage_columns
from slicegraph.result import Result

_NAME_WIDTH = 40


def result_to_line(result: Result) -> str:
    """Give the answer in one line: what it is of, how it ended, and its guarantee."""
    name = names.shortened(printable(result.instance.graph.name) or "graph", _NAME_WIDTH)
    if not result.block_of.size:
        return f"{name}: {result.status}, no partition"
    used, num_blocks = len(np.unique(result.block_of)), result.instance.num_blocks
    guarantee = (
        "above the memory limit"
        if math.isinf(result.bottleneck)
        else f"bottleneck {numbers.time(result.bottleneck)}, lower bound {numbers.time(result.lower_bound)},"
        f" gap {numbers.percent(result.gap)}"
    )
    return f"{name}: {result.status}, {guarantee}, {used} of {num_blocks} stages"


def result_to_html(result: Result) -> str:
    """Give the answer as a line and a table with a row per stage, which scrolls when it is long."""
    headline = f"<p>{html.escape(result_to_line(result))}</p>"
    if not result.block_of.size:
        return headline
    columns = stage_columns(result)
    for head in (FIRST, LAST):
        columns[head] = [names.shortened(cell, _NAME_WIDTH) for cell in columns[head]]
    heads = "".join(f"<th>{head}</th>" for head in columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>"
        for row in zip(*columns.values(), strict=True)
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'{headline}<div style="max-height: 30em; overflow: auto">{table}</div>'
