"""What a split is, and how well its stages do what the whole does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from slicegraph.errors import printable
from slicegraph.report import numbers
from slicegraph.stages.manifest import Boundary, Manifest
from slicegraph.stages.verify_split import Difference, holds

_NODES_TOLD = 4


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
        nodes = numbers.count(stage["nodes"], "node")
        lines.append(f"{stage['file']:<{width}}  {nodes}, {sizes}{cost}")
    return "\n".join(lines) + "\n"


def differences_to_text(differences: Sequence[Difference]) -> str:
    """Give a line per output, and whether all that were compared are within their tolerance."""
    width = max((len(printable(each.name)) for each in differences), default=0)
    compared = [each for each in differences if not each.random]
    lines = [f"{printable(each.name):<{width}}  {_told(each)}" for each in compared]
    lines += [
        _random(nodes, [printable(each.name) for each in differences if each.random == nodes])
        for nodes in dict.fromkeys(each.random for each in differences if each.random)
    ]
    if not compared:
        return "\n".join([*lines, "nothing was compared: every output is random"]) + "\n"
    worst = max(compared, key=_excess)
    part = "" if len(compared) == len(differences) else f" in {len(compared)} of {len(differences)} outputs"
    verdict = f"the stages {'equal' if worst.is_equal else 'differ from'} the whole{part}"
    return "\n".join([*lines, f"{verdict}: {worst.relative:.2g}, with a tolerance of {worst.tolerance:g}"]) + "\n"


def notes(differences: Iterable[Difference]) -> list[str]:
    """Name the outputs that were compared and tell little, because all their elements are the same."""
    return [
        f"output {each.name!r}: all its elements are the same, which tells little of the stages: try other inputs"
        for each in differences
        if each.is_uniform and not each.random
    ]


def differences_to_json(differences: Sequence[Difference]) -> str:
    """Give one object as one line; a difference that is infinite, or was not looked for, is null."""
    rows: list[dict[str, Any]] = [
        {
            "name": each.name,
            "absolute": _finite(each.absolute),
            "relative": _finite(each.relative),
            "tolerance": each.tolerance,
            "optimized": None if each.optimized is None else _finite(each.optimized),
            "random": list(each.random),
            "uniform": each.is_uniform,
            "holds": each.is_equal,
        }
        for each in differences
    ]
    widest = max((each.tolerance for each in differences), default=0.0)
    return json.dumps({"holds": holds(differences), "tolerance": widest, "outputs": rows}, allow_nan=False)


def _told(each: Difference) -> str:
    told = f"{each.relative:.2g} of its largest magnitude ({each.absolute:.2g})"
    if each.optimized is None:
        return told
    return f"{told} with optimizations off, {each.optimized:.2g} with them"


def _random(nodes: Sequence[str], names: Sequence[str]) -> str:
    more = f" and {len(nodes) - _NODES_TOLD} more" if len(nodes) > _NODES_TOLD else ""
    which = f"{'node' if len(nodes) == 1 else 'nodes'} {', '.join(map(printable, nodes[:_NODES_TOLD]))}{more}"
    outputs = f"output {names[0]} depends" if len(names) == 1 else f"outputs {', '.join(names)} depend"
    return f"{outputs} on random {which}: not compared"


def _excess(each: Difference) -> tuple[bool, float]:
    """Order differences by how far beyond their tolerance they are."""
    return not each.is_equal, each.relative / each.tolerance if each.tolerance else each.relative


def _size(tensors: Iterable[Boundary | Any]) -> str:
    return numbers.size(sum(tensor["bytes"] or 0 for tensor in tensors))


def _infinite(cost: float | None) -> float:
    return math.inf if cost is None else cost


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
