"""The paper's tables, and which optima are proven, as Markdown."""

from __future__ import annotations

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from slicegraph.lower_bound import METHODS as BOUNDS
from testbed import ceiling, rival
from testbed.case import SEARCHES, Row
from testbed.optima import ROUNDING, Optima, optimum_of

OPENED = ("graph", "k", "method", "status")
"""The columns by which `is_open` tells open cases."""
PAPER = ("combinatorial", "exact", "bottleneck", "bottleneck_guess")
"""The paper's bounds."""
BEST_OF_PAPER = "best of the paper's"
_SOLVED = ("optimal", "within_gap")
Where = tuple[str, int]


def where(row: Row) -> Where:
    """Give graph and number of blocks."""
    return row["graph"], int(row["k"])


def of_method(rows: Iterable[Row], method: str) -> list[Row]:
    """Give a method's rows, in order."""
    return sorted((row for row in rows if row["method"] == method), key=where)


def is_open(row: Row) -> bool:
    """Whether everything together has not proven an optimum."""
    return row["method"] == "solve" and row["status"] != "optimal"


def best_partitions(rows: Iterable[Row]) -> dict[Where, float]:
    """Give the least bottleneck of any method, in seconds."""
    best: dict[Where, float] = defaultdict(lambda: math.inf)
    for row in rows:
        if row["bottleneck"]:
            best[where(row)] = min(best[where(row)], float(row["bottleneck"]))
    return best


def wrong_rows(rows: Sequence[Row], optima: Optima) -> list[Row]:
    """Give the rows that cannot be true together, or not with what is known.

    A bound is above a partition of any row, or above an optimum; a partition is better than a proven optimum; or a row
    that is called optimal has a bound other than its bottleneck.
    """
    best = best_partitions(rows)
    return [row for row in rows if _is_wrong(row, best[where(row)], optima)]


def _is_wrong(row: Row, best: float, optima: Optima) -> bool:
    bottleneck, bound = float(row["bottleneck"] or math.inf), float(row["lower_bound"] or 0.0)
    if bound > best or (row["method"] == "solve" and row["status"] == "optimal" and bound != bottleneck):
        return True
    known = optimum_of(row, optima)
    return known is not None and (
        bound > known.seconds * (1 + ROUNDING) or (known.is_proven and bottleneck < known.seconds * (1 - ROUNDING))
    )


def tables(rows: Sequence[Row], optima: Optima) -> str:
    """Write every table that the rows can fill."""
    wrong = wrong_rows(rows, optima)
    parts = [_proven(of_method(rows, "solve")), _bounds(rows), _searches(rows), _open(of_method(rows, "solve"))]
    parts.append([f"{len(wrong)} wrong rows{_listed(wrong)}"])
    return "\n".join("\n".join([*part, ""]) for part in parts if part)


def _proven(rows: Sequence[Row]) -> list[str]:
    """Say for how many cases the optimum is proven, and how fast."""
    if not rows:
        return []

    def cells(some: Sequence[Row]) -> list[str]:
        solved = [sum(row["status"] == status for row in some) for status in _SOLVED]
        seconds = [float(row["seconds"]) for row in some]
        return [
            str(len(some)),
            *(f"{count / len(some):.2%}" for count in solved),
            f"{_mean([_ratio(row['lower_bound'], float(row['bottleneck'])) for row in some]):.4f}",
            f"{_mean([_ratio(row['combinatorial'], float(row['bottleneck'])) for row in some]):.4f}",
            f"{statistics.median(seconds):.3f}",
            f"{max(seconds):.2f}",
        ]

    heads = ["cases", "optimal", "to 1e-6", "bound / bottleneck", "combinatorial", "median s", "max s"]
    lines = [[str(k), *cells(some)] for k, some in _by_blocks(rows).items()]
    stuck = [row for row in rows if float(row["lower_bound"]) <= float(row["combinatorial"]) < float(row["bottleneck"])]
    return [
        "## Proven optima (`solve`)",
        "",
        *_table(["k", *heads], [*lines, ["all", *cells(rows)]]),
        "",
        f"{len(stuck)} bounds not above the combinatorial one, though the bottleneck is{_listed(stuck)}",
    ]


def _bounds(rows: Sequence[Row]) -> list[str]:
    """Give the paper's Table 1: each lower bound as a fraction of the best partition."""
    best = best_partitions(rows)

    def cell(some: Sequence[Row]) -> str:
        return f"{_mean([_ratio(row['lower_bound'], best[where(row)]) for row in some]):.4f}"

    of_methods = [*rows, *_best_of_paper(rows), *_ceilings(rows)]
    methods = [*BOUNDS, BEST_OF_PAPER, *map(_at_most, ceiling.CEILINGS), rival.NAME]
    return _compared(of_methods, methods, "Lower bound / best partition (the paper's Table 1)", cell)


def _best_of_paper(rows: Sequence[Row]) -> list[Row]:
    """Give rows of the best of the paper's bounds, where all of them were run: its headline number."""
    by_case: dict[Where, list[Row]] = defaultdict(list)
    for row in rows:
        if row["method"] in PAPER:
            by_case[where(row)].append(row)
    best = [
        max(some, key=lambda row: float(row["lower_bound"])) for some in by_case.values() if len(some) == len(PAPER)
    ]
    return [{**row, "method": BEST_OF_PAPER} for row in best]


def _ceilings(rows: Sequence[Row]) -> list[Row]:
    """Give rows of what relaxations can be at most, with any solver and any time."""
    known = [row for row in rows if row["ceiling"]]
    return [{**row, "method": _at_most(row["method"]), "lower_bound": row["ceiling"]} for row in known]


def _at_most(method: str) -> str:
    return f"{method}, at most"


def _searches(rows: Sequence[Row]) -> list[str]:
    """Give the paper's Table 2: the searches against each other."""
    best = best_partitions(rows)

    def cell(some: Sequence[Row]) -> str:
        costs = [(float(row["bottleneck"]), best[where(row)]) for row in some]
        ratios = [1.0 if cost == least else cost / least if least else math.inf for cost, least in costs]
        return f"{_mean(ratios):.4f} ({sum(ratio == 1 for ratio in ratios)})"

    title = "Bottleneck / best partition, and how often it is the best (the paper's Table 2)"
    return _compared(rows, [*SEARCHES, rival.NAME], title, cell)


def _compared(
    rows: Sequence[Row], methods: Iterable[str], title: str, cell: Callable[[Sequence[Row]], str]
) -> list[str]:
    """Compare methods, and everything together, over the cases that all have run: other means could not be compared."""
    ran = [method for method in (*methods, "solve") if of_method(rows, method)]
    common = _common(rows, ran)
    if not set(ran) - {"solve"} or not common:
        return []
    lines = []
    for method in ran:
        groups = _by_blocks(row for row in of_method(rows, method) if where(row) in common)
        lines.append([method, *map(cell, groups.values()), cell([row for some in groups.values() for row in some])])
    blocks = sorted({k for _, k in common})
    counts = ["cases", *(str(sum(k == other for _, other in common)) for k in blocks), str(len(common))]
    heads = ["geometric mean", *(f"k = {k}" for k in blocks), "all"]
    return [f"## {title}", "", *_table(heads, [*lines, counts])]


def _open(rows: Sequence[Row]) -> list[str]:
    """List the cases without a proven optimum, by family."""
    families = defaultdict(list)
    for row in rows:
        if is_open(row):
            families["_".join(re.findall(r"[A-Za-z]+", row["graph"])[:2])].append(row)
    lines = [f"- {len(some)} of {family}{_listed(some)}" for family, some in sorted(families.items())]
    return ["## Open", "", *lines] if lines else []


def _common(rows: Iterable[Row], methods: Sequence[str]) -> set[Where]:
    """Give the cases that every one of the methods has run."""
    sets = [{where(row) for row in of_method(rows, method)} for method in methods]
    return set.intersection(*sets) if sets else set()


def _by_blocks(rows: Iterable[Row]) -> dict[int, list[Row]]:
    groups = defaultdict(list)
    for row in sorted(rows, key=lambda row: (int(row["k"]), row["graph"])):
        groups[int(row["k"])].append(row)
    return groups


def _ratio(bound: str, bottleneck: float) -> float:
    """Give bound / bottleneck; 1 for two zeros, 0 without a partition."""
    return 1.0 if float(bound) == bottleneck else float(bound) / bottleneck


def _mean(ratios: Sequence[float]) -> float:
    return statistics.geometric_mean(ratios) if min(ratios) > 0 else 0.0


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *lines)]


def _listed(rows: Sequence[Row]) -> str:
    return "".join(f"{', ' if index else ': '}{row['graph']} k = {row['k']}" for index, row in enumerate(rows))
