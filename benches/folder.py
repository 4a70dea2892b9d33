"""Solve every graph of a folder from the command line and check each answer from the definition.

    python benches/folder.py FOLDER [-k 16] [--time-limit 2] [--device testbed] > rows.csv

A row per graph; a summary on standard error; exit status 1 when an answer is wrong.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import oracle

COLUMNS = ("graph", "num_nodes", "num_blocks", "bottleneck", "lower_bound", "ratio", "seconds", "status", "is_correct")


def main() -> int:
    """Solve, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-k", "--num-blocks", type=int, default=16)
    parser.add_argument("--time-limit", type=float, default=2.0)
    parser.add_argument("--device", default="testbed")
    options = parser.parse_args()
    rows = csv.DictWriter(sys.stdout, COLUMNS)
    rows.writeheader()
    num_wrong, ratios = 0, []
    for path in sorted(options.folder.glob("*.json.gz")):
        row = _row(path, options)
        rows.writerow(row)
        sys.stdout.flush()
        num_wrong += not row["is_correct"]
        ratios.append(row["ratio"])
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    sys.stderr.write(f"{len(ratios)} graphs, {num_wrong} wrong, geometric mean of bound / bottleneck {mean:.4f}\n")
    return int(num_wrong > 0)


def _row(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = ["slicegraph", "solve", path, "-k", options.num_blocks, "--time-limit", options.time_limit]
    command += ["--device", options.device, "--json"]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    answer = json.loads(run.stdout)
    data = json.loads(gzip.decompress(path.read_bytes()))
    return {
        "graph": path.name.removesuffix(".json.gz"),
        "num_nodes": answer["graph"]["num_nodes"],
        "is_correct": _is_correct(data, answer),
        **{key: answer[key] for key in ("num_blocks", "bottleneck", "lower_bound", "ratio", "seconds", "status")},
    }


def _is_correct(data: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Whether the partition is acyclic and every block cost is the definition's, to the tick."""
    if not oracle.is_acyclic(data, answer["block_of"]):
        return False
    ticks = oracle.snap(data, answer["device"])
    expected = oracle.block_costs(data, ticks, answer["block_of"], answer["num_blocks"])
    found = [{key: value / ticks.tick for key, value in block.items()} for block in answer["block_costs"]]
    return found == expected and answer["bottleneck"] / ticks.tick == oracle.bottleneck(expected)


if __name__ == "__main__":
    sys.exit(main())
