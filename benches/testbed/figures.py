"""The paper's figures 4 and 5 (of networks, and of REGAL's graphs), and how proofs and gaps come along, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from slicegraph.lower_bound import METHODS as BOUNDS
from testbed import rival
from testbed.case import MARKS, SEARCHES, Row
from testbed.tables import of_method

_COLUMNS = 3
_LEAST_SECONDS = 1e-4


def write_figures(rows: Sequence[Row], folder: Path) -> None:
    """Write every figure that the rows can fill."""
    solved = of_method(rows, "solve")
    timed = [row for method in (*SEARCHES, *BOUNDS, rival.NAME) for row in of_method(rows, method)]
    drawn: dict[str, tuple[list[Row], Callable[[list[Row]], Figure]]] = {
        "times": (timed + solved, _times),
        "optimal-over-time": (solved, _optimal_over_time),
        "gap-over-time": (solved, _gap_over_time),
        "downsets": ([row for row in solved if row["downsets"]], _downsets),
    }
    # The same rows are the same file.
    with mpl.rc_context({"svg.hashsalt": "slicegraph"}):
        for name, (some, draw) in drawn.items():
            if some:
                draw(some).savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight", dpi=150)


def _times(rows: list[Row]) -> Figure:
    """Scatter seconds over nodes, searches and bounds in one plot for each number of blocks, with a line at the limit.

    Of what ends by itself, as each method of the paper does, the whole time; of a search without an end and of `solve`,
    which may be at its limit, the seconds to its best partition.
    """
    blocks = sorted({int(row["k"]) for row in rows})
    num_columns = min(_COLUMNS, len(blocks))
    num_lines = math.ceil(len(blocks) / num_columns)
    figure = Figure(figsize=(4 * num_columns, 3 * num_lines))
    all_axes = figure.subplots(num_lines, num_columns, sharex=True, sharey=True, squeeze=False).flat
    for axes, k in zip(all_axes, blocks, strict=False):
        for method in dict.fromkeys(row["method"] for row in rows):
            some = [row for row in of_method(rows, method) if int(row["k"]) == k]
            column = "best_seconds" if _is_anytime(method) else "seconds"
            seconds = np.maximum([float(row[column]) for row in some], _LEAST_SECONDS)
            axes.scatter([int(row["nodes"]) for row in some], seconds, s=4, label=method, rasterized=True)
        for limit in {float(row["time_limit"]) for row in rows}:
            axes.axhline(limit, color="black", linewidth=0.5, linestyle="--")
        _finish(axes, title=f"k = {k}", xlabel="nodes", ylabel="seconds")
        axes.set_yscale("log")
        axes.label_outer()
    for axes in list(all_axes)[len(blocks) :]:
        axes.set_axis_off()
    figure.axes[0].legend(fontsize=6, markerscale=2)
    return figure


def _is_anytime(method: str) -> bool:
    """Whether a method goes on until it is stopped."""
    _, params = SEARCHES.get(method, ("", None))
    return method == "solve" or (method in SEARCHES and (params is None or params.generations is None))


def _optimal_over_time(rows: list[Row]) -> Figure:
    figure, axes = _one()
    for k, some in _by_blocks(rows):
        seconds = np.sort([float(row["seconds"]) if row["status"] == "optimal" else math.inf for row in some])
        share = np.arange(1, len(some) + 1) / len(some)
        is_proven = np.isfinite(seconds)
        limit = max(float(row["time_limit"]) for row in some)
        axes.step(
            [_LEAST_SECONDS, *np.maximum(seconds[is_proven], _LEAST_SECONDS), limit],
            [0.0, *share[is_proven], is_proven.mean()],
            where="post",
            label=f"k = {k}",
        )
    _finish(axes, title="proven optimal", xlabel="seconds", ylabel="share of graphs")
    axes.legend(fontsize=7)
    return figure


def _gap_over_time(rows: list[Row]) -> Figure:
    figure, axes = _one()
    for k, some in _by_blocks(rows):
        marks = [mark for mark in MARKS if mark <= max(float(row["time_limit"]) for row in some)]
        gaps = np.array([_gaps(row, len(marks)) for row in some])
        axes.plot(marks, gaps.mean(axis=0), marker=".", label=f"k = {k}")
    _finish(axes, title="gap, mean over graphs", xlabel="seconds", ylabel="gap")
    axes.legend(fontsize=7)
    return figure


def _gaps(row: Row, count: int) -> list[float]:
    """Give the gap at each mark; after its end a run keeps the last."""
    bottleneck, bound = float(row["bottleneck"]), float(row["lower_bound"])
    last = 0.0 if bottleneck == bound else 1 - bound / bottleneck
    noted = [float(gap) for gap in row["gaps"].split()][:count]
    return noted + [last] * (count - len(noted))


def _downsets(rows: list[Row]) -> Figure:
    figure, axes = _one()
    for is_optimal, label in ((True, "optimal"), (False, "open")):
        some = [row for row in rows if (row["status"] == "optimal") == is_optimal]
        axes.scatter(
            [int(row["nodes"]) for row in some],
            [max(1, int(row["downsets"])) for row in some],
            s=4,
            label=label,
            rasterized=True,
        )
    _finish(axes, title="downsets of the last proof", xlabel="nodes", ylabel="downsets")
    axes.set_yscale("log")
    axes.legend(fontsize=7)
    return figure


def _one() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 3.5))
    return figure, figure.subplots()


def _by_blocks(rows: list[Row]) -> list[tuple[int, list[Row]]]:
    return [(k, [row for row in rows if int(row["k"]) == k]) for k in sorted({int(row["k"]) for row in rows})]


def _finish(axes: Axes, *, title: str, xlabel: str, ylabel: str) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(visible=True, linewidth=0.3)
