"""Merges of nodes that the rules of the checker allow."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.reduction import objection

RULES = ("pull", "push", "together", "cycle", "given")


def random_merges(problem: Problem, random: random.Random, threshold: int) -> Iterator[tuple[Quotient, list[Any]]]:
    """Merges that rules allow, in any order, until there are none; each with the quotient before it."""
    quotient, nodes = Quotient(problem), range(problem.num_nodes)
    moves: list[tuple[str, int, int]] = [(rule, u, v) for rule in RULES for u in nodes for v in nodes if u != v]
    while True:
        random.shuffle(moves)
        if random.random() < 0.5:
            moves.sort(key=lambda move: move[0] != "cycle")
        allowed = (move for move in moves if not objection(quotient, problem, move, threshold, Budget()))
        merge = next(allowed, None)
        if merge is None:
            return
        yield quotient, list(merge)
        quotient.join(quotient.find(merge[1]), quotient.find(merge[2]))
