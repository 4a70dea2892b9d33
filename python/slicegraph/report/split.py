"""What a split is, and how well its stages do what the whole does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from slicegraph.errors import printable
from slicegraph.formats.manifest import Boundary, Manifest
from slicegraph.report import numbers
from slicegraph.verify_split import Difference


def manifest_to_text(manifest: Manifest, directory: str) -> str:
    """Give a line per stage: its file, its nodes, the bytes at its borders, and its predicted cost."""
    stages = manifest["stages"]
    lines = [f"{printable(manifest['model']['name'])}: {len(stages)} stages in {printable(directory)}"]
    width = max(len(stage["file"]) for stage in stages)
    for stage in stages:
        cost = (
            "" if stage["predicted"] is None else f", {numbers.time(_infinite(stage['predicted']['cost']))} predicted"
        )
        sizes = f"{_size(stage['inputs'])} in, {_size(stage['outputs'])} out"
        nodes = "1 node" if stage["nodes"] == 1 else f"{stage['nodes']} nodes"
        lines.append(f"{stage['file']:<{width}}  {nodes}, {sizes}{cost}")
    return "\n".join(lines) + "\n"


def differences_to_text(differences: Sequence[Difference], tolerance: float) -> str:
    """Give a line per output, and whether all are within the tolerance."""
    width = max((len(printable(each.name)) for each in differences), default=0)
    lines = [
        f"{printable(each.name):<{width}}  {each.relative:.2g} of its largest magnitude ({each.absolute:.2g})"
        for each in differences
    ]
    worst = max((each.relative for each in differences), default=0.0)
    verdict = "equal the whole" if worst <= tolerance else "differ from the whole"
    return "\n".join([*lines, f"the stages {verdict}: {worst:.2g}, with a tolerance of {tolerance:g}"]) + "\n"


def differences_to_json(differences: Sequence[Difference], tolerance: float) -> str:
    """Give one object as one line; a difference that is infinite is null."""
    rows: list[dict[str, Any]] = [
        {"name": each.name, "absolute": _finite(each.absolute), "relative": _finite(each.relative)}
        for each in differences
    ]
    holds = all(each.relative <= tolerance for each in differences)
    return json.dumps({"holds": holds, "tolerance": tolerance, "outputs": rows}, allow_nan=False)


def _size(tensors: Iterable[Boundary | Any]) -> str:
    return numbers.size(sum(tensor["bytes"] or 0 for tensor in tensors))


def _infinite(cost: float | None) -> float:
    return math.inf if cost is None else cost


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value
