"""Nanoseconds per node of what criterion has measured per graph size, and the exponent with which the time grows.

python benches/growth.py [TARGET/criterion/evaluation]
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from pathlib import Path


def growth(points: dict[int, float]) -> float:
    """Give the exponent of a power law through (size, time), by least squares of the logarithms."""
    sizes, times = ([math.log(value) for value in values] for values in (points.keys(), points.values()))
    return statistics.linear_regression(sizes, times).slope


def main() -> None:
    """Print a row per part."""
    folder = Path(sys.argv[1] if sys.argv[1:] else "target/criterion/evaluation")
    for part in sorted(path for path in folder.iterdir() if path.name != "report"):
        points = {
            int(path.parts[-3]): json.loads(path.read_text(encoding="utf-8"))["median"]["point_estimate"]
            for path in part.glob("*/new/estimates.json")
            if path.parts[-3].isdigit()
        }
        if len(points) < 2:  # noqa: PLR2004 - a line has two ends; criterion's own folders have none
            continue
        cells = "   ".join(f"{size}: {points[size] / size:.1f}" for size in sorted(points))
        print(f"{part.name:16} ns per node: {cells}   exponent {growth(points):.2f}")


if __name__ == "__main__":
    main()
