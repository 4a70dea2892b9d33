"""OR-tools CP-SAT on the exact model of the reduced graph, in a process of its own (``benches/cp_sat.py``)."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import slicegraph as sg
from slicegraph.reduce import reduce

NAME = "cp_sat"
_PROGRAM = Path(__file__).parent.parent / "cp_sat.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What CP-SAT says, in seconds: no partition is infinite."""

    bottleneck: float
    lower_bound: float
    is_optimal: bool
    seconds: float

    def cells(self) -> dict[str, object]:
        """Give the columns of a row of the testbed."""
        return {
            "bottleneck": self.bottleneck,
            "lower_bound": self.lower_bound,
            "status": "optimal" if self.is_optimal else "time_limit",
            "seconds": round(self.seconds, 4),
            "best_seconds": round(self.seconds, 4),
        }


def is_installed() -> bool:
    """Whether OR-tools is there."""
    return importlib.util.find_spec("ortools") is not None


def cp_sat(instance: sg.Instance, seconds: float, threads: int) -> Answer:
    """Solve with so many seconds and threads, with the natural order cut where the work is even as a hint."""
    begin = time.perf_counter()
    quotient = reduce(instance).instance
    arrays = quotient.graph.arrays
    start = sg.search(quotient, stop=sg.MaxEvaluations(0))
    data = {
        "work": quotient.work.tolist(),
        "transfer": quotient.transfer.tolist(),
        "producer": arrays.producer.tolist(),
        "consumers": arrays.consumers.tolist(),
        "offsets": arrays.consumer_offsets.tolist(),
        "hint": start.block_of.tolist(),
        "num_blocks": instance.num_blocks,
    }
    program = [sys.executable, str(_PROGRAM), str(seconds), str(threads)]
    process = subprocess.run(program, input=json.dumps(data), capture_output=True, text=True, check=True)  # noqa: S603 - our own
    answer = json.loads(process.stdout)
    bottleneck = math.inf
    if answer["block_of"] is not None:
        block_of = np.array(answer["block_of"], dtype=np.int32)
        bottleneck = max(block.cost for block in quotient.block_costs(block_of))
    # Costs were rounded down, so an optimum of the model may be one of the instance, or a little below.
    lower_bound = min(bottleneck, instance.seconds(answer["lower_bound"]))
    return Answer(
        bottleneck=bottleneck,
        lower_bound=lower_bound,
        is_optimal=answer["is_optimal"],
        seconds=time.perf_counter() - begin,
    )
