"""OR-tools CP-SAT on the exact model: an instance on standard input, what it says of it on standard output.

python benches/cp_sat.py SECONDS THREADS < INSTANCE.json
"""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from typing import Any

from ortools.sat.python import cp_model

_BITS = 30
"""Costs are rounded down to so many bits: their sums must stay far from the solver's limits."""
_ROUNDING = 1e-3
"""Of the solver's bound, a float of a whole number."""


class Model:
    """Booleans that say whether a node is in a block or before, and the io that follows; least bottleneck.

    The instance holds work and transfer per node and tensor, producer and consumers, the number of blocks, and a
    partition as a hint.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.model, self.num_blocks, self.hint = cp_model.CpModel(), data["num_blocks"], data["hint"]
        total = sum(data["work"]) + 2 * sum(data["transfer"])
        self.unit = unit = max(1, total >> _BITS)
        nodes, blocks = range(len(data["work"])), range(self.num_blocks)
        self.before = [[self._boolean(hint=self.hint[v] <= b) for b in blocks[:-1]] for v in nodes]
        for row in self.before:
            for here, there in pairwise(row):
                self.model.add_implication(here, there)
        self.costs: list[list[Any]] = [[(data["work"][v] // unit) * self._inside(v, b) for v in nodes] for b in blocks]
        readers = [data["consumers"][first:end] for first, end in pairwise(data["offsets"])]
        for maker, transfer, consumers in zip(data["producer"], data["transfer"], readers, strict=True):
            if maker >= 0:
                self._add_tensor(maker, consumers, transfer // unit)
        bottleneck = self.model.new_int_var(0, total // unit + 1, "")
        for cost in self.costs:
            self.model.add(bottleneck >= sum(cost))
        self.model.minimize(bottleneck)

    def _boolean(self, *, hint: bool) -> cp_model.IntVar:
        variable = self.model.new_bool_var("")
        self.model.add_hint(variable, hint)
        return variable

    def _inside(self, v: int, b: int) -> Any:  # noqa: ANN401 - a number or an expression of a package that may be missing
        """Whether node v is in block b."""
        last = 1 if b == self.num_blocks - 1 else self.before[v][b]
        return last - self.before[v][b - 1] if b else last

    def _add_tensor(self, maker: int, consumers: list[int], transfer: int) -> None:
        others = {self.hint[reader] for reader in consumers}
        for reader in consumers:
            for later, earlier in zip(self.before[reader], self.before[maker], strict=True):
                self.model.add_implication(later, earlier)
        for b in range(self.num_blocks):
            exported = self._boolean(hint=self.hint[maker] == b and bool(others - {b}))
            imported = self._boolean(hint=self.hint[maker] != b and b in others)
            for reader in consumers:
                self.model.add(exported >= self._inside(maker, b) - self._inside(reader, b))
                self.model.add(imported >= self._inside(reader, b) - self._inside(maker, b))
            self.costs[b].append(transfer * (exported + imported))


def main() -> None:
    """Read, solve, and print a block per node, or none, and the ticks that no partition beats."""
    model = Model(json.load(sys.stdin))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = float(sys.argv[1])
    solver.parameters.num_workers = int(sys.argv[2])
    status, last = solver.solve(model.model), model.num_blocks - 1
    is_found = status in {cp_model.OPTIMAL, cp_model.FEASIBLE}
    answer = {
        "block_of": [last - sum(map(solver.value, row)) for row in model.before] if is_found else None,
        # Whole in units, and a unit of costs that were rounded down is no more than they are.
        "lower_bound": max(0, math.ceil(solver.best_objective_bound - _ROUNDING)) * model.unit,
        "is_optimal": status == cp_model.OPTIMAL,
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
