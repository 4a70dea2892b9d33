"""Drawings as SVG: stage bars, and lines over an axis. Without scripts, dates or inline styles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from slicegraph.report import numbers
from slicegraph.report.answer import Answer

PARTS = (("work", "work"), ("io_in", "in"), ("io_out", "out"), ("overflow", "overflow"))
"""What a stage pays, as `BlockCost` and as people call it."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: var(--text, #1a1a1a); }
.axis { stroke: var(--line, #767676); stroke-width: 1; fill: none; }
.limit { stroke: var(--text, #1a1a1a); stroke-width: 1.5; stroke-dasharray: 5 4; }
.best { stroke: var(--accent, #0b5cad); stroke-width: 2; fill: none; }
.bound { stroke: var(--text, #1a1a1a); stroke-width: 2; stroke-dasharray: 6 4; fill: none; }
.best-dot { fill: var(--accent, #0b5cad); }
.bound-dot { fill: none; stroke: var(--text, #1a1a1a); stroke-width: 1.5; }
.work { fill: #0072b2; }
.io_in { fill: url(#hatch); }
.io_out { fill: url(#dots); }
.overflow { fill: url(#cross); }
.memory { fill: #767676; }
.binding { font-weight: bold; }
""".strip()
"""Of all drawings; a page sets the variables for a dark screen."""
_PATTERNS = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6"'
    ' fill="#e69f00"/><path d="M0 6L6 0" stroke="#000" stroke-width="1"/></pattern>'
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6"'
    ' fill="#56b4e9"/><circle cx="3" cy="3" r="1.3" fill="#000"/></pattern>'
    '<pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6"'
    ' fill="#d55e00"/><path d="M0 0L6 6M0 6L6 0" stroke="#fff" stroke-width="1"/></pattern></defs>'
)
_ROW, _LEFT, _TIMES, _BYTES, _WIDTH = 22, 84, 520, 180, 960


def stage_bars(answer: Answer) -> str:
    """Draw for each stage with nodes what it pays, and beside it the bytes of its parameters.

    Notes
    -----
    O(stages).
    """
    used, memory = answer.used, answer.memory
    longest = max((_total(answer, stage) for stage in used), default=0.0) or 1.0
    largest = max((answer.costs[stage].param_bytes for stage in used), default=0)
    scale = max(largest, min(memory or 0, 2 * largest)) or 1
    bytes_left = _LEFT + _TIMES + 90
    lines = [_PATTERNS, _legend()]
    for row, stage in enumerate(used):
        cost, y, x = answer.costs[stage], 50 + row * _ROW, float(_LEFT)
        is_binding = cost.cost == answer.bottleneck
        name = f'<text class="binding" x="0" y="{y + 13}">stage {stage} &lt;</text>'
        lines.append(name if is_binding else f'<text x="0" y="{y + 13}">stage {stage}</text>')
        for part, label in PARTS:
            seconds = getattr(cost, part)
            width = _TIMES * seconds / longest
            if width > 0:
                title = f"<title>stage {stage}, {label}: {numbers.time(seconds)}</title>"
                lines.append(f'<rect class="{part}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="16">{title}</rect>')
            x += width
        lines.append(f'<text x="{x + 5:.1f}" y="{y + 13}">{numbers.time(cost.cost)}</text>')
        width = _BYTES * cost.param_bytes / scale
        lines.append(f'<rect class="memory" x="{bytes_left}" y="{y}" width="{width:.1f}" height="16"/>')
        lines.append(f'<text x="{bytes_left + width + 5:.1f}" y="{y + 13}">{numbers.size(cost.param_bytes)}</text>')
    height = 60 + len(used) * _ROW
    if memory is not None and 0 < memory <= scale:
        x = bytes_left + _BYTES * memory / scale
        lines.append(f'<path class="limit" d="M{x:.1f} 40V{height - 8}"/>')
    return _drawing("Seconds and bytes of parameters of each stage", _WIDTH, height, lines)


def standalone(drawing: str) -> str:
    """Give a drawing as a file of its own."""
    head, rest = drawing.split(">", 1)
    return f"{head}><style>{STYLE}</style>{rest}\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of a chart: its class in `STYLE`, its label, and its points, without those that are infinite.

    ``is_step`` keeps a value until the next one.
    """

    kind: str
    label: str
    points: Sequence[tuple[float, float]]
    is_step: bool = False
    has_dots: bool = False


def chart(title: str, axis: str, lines: Sequence[Line], *, x_text: Callable[[float], str]) -> str:
    """Draw lines of seconds over one axis, each labelled at its end.

    Parameters
    ----------
    title, axis
        What the drawing shows, and what runs to the right.
    lines
        To draw.
    x_text
        Writes a number of the axis.

    Notes
    -----
    O(points).
    """
    points = [point for line in lines for point in line.points if math.isfinite(point[1])]
    if not points:
        return ""
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top = max(y for _, y in points) or 1.0
    box = (80, 20, 700, 240)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left) if right > left else 0.5
        return box[0] + across * box[2], box[1] + (1 - y / top) * box[3]

    parts = [f'<path class="axis" d="M{box[0]} {box[1]}V{box[1] + box[3]}H{box[0] + box[2]}"/>']
    for share in (0.0, 0.5, 1.0):
        _, y = place(left, share * top)
        parts.append(f'<text x="{box[0] - 6}" y="{y + 4:.1f}" text-anchor="end">{numbers.time(share * top)}</text>')
    parts += [
        f'<text x="{place(x, 0)[0]:.1f}" y="278" text-anchor="middle">{escape(x_text(x))}</text>'
        for x in dict.fromkeys((left, right))
    ]
    parts.append(f'<text x="{box[0] + box[2] / 2}" y="278" text-anchor="middle">{escape(axis)}</text>')
    ends: list[float] = []
    for line in lines:
        spots = [place(*point) for point in line.points if math.isfinite(point[1])]
        if not spots:
            continue
        parts.append(f'<path class="{line.kind}" d="{_path(spots, is_step=line.is_step)}"/>')
        if line.has_dots:
            parts.extend(f'<circle class="{line.kind}-dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in spots)
        x, y = spots[-1]
        # Lines that end together have their labels below each other.
        while any(abs(y - end) < 16 for end in ends):  # noqa: PLR2004 - pixels of a line of text
            y += 16
        ends.append(y)
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}">{escape(line.label)}</text>')
    return _drawing(title, 960, 290, parts)


def _path(spots: Sequence[tuple[float, float]], *, is_step: bool) -> str:
    x, y = spots[0]
    path = [f"M{x:.1f} {y:.1f}"]
    for x, y in spots[1:]:
        path.append(f"H{x:.1f}V{y:.1f}" if is_step else f"L{x:.1f} {y:.1f}")
    return "".join(path)


def _legend() -> str:
    x, parts = _LEFT, []
    for part, label in PARTS:
        parts.append(f'<rect class="{part}" x="{x}" y="8" width="22" height="14"/>')
        parts.append(f'<text x="{x + 28}" y="20">{label}</text>')
        x += 46 + 8 * len(label)
    parts.append(f'<rect class="memory" x="{_LEFT + _TIMES + 90}" y="8" width="22" height="14"/>')
    parts.append(f'<text x="{_LEFT + _TIMES + 118}" y="20">bytes of parameters</text>')
    return "".join(parts)


def _total(answer: Answer, stage: int) -> float:
    return math.fsum(getattr(answer.costs[stage], part) for part, _ in PARTS)


def _drawing(title: str, width: int, height: int, lines: Sequence[str]) -> str:
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}"'
    return f'{opening} viewBox="0 0 {width} {height}" width="{width}" height="{height}">{"".join(lines)}</svg>'
