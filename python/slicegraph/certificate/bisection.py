"""Rule bisection: no partition into two blocks is below a threshold, by weighted means of both costs, case by case.

**Claim.** Let a case be the partitions into two blocks with some nodes in the first block and some in the second. When
``a cost(D) + (W - a) cost(rest)`` is more than ``W (T - 1)`` for every downset ``D`` of the case, no partition of the
case is better than ``T``. A node divides a case in two: it is in the first block or in the second. When all cases are
closed into which all partitions are divided, none is better.

**Why.** Both blocks of a better partition cost at most ``T - 1``, and so does their mean. The first is a downset, and
the second is the rest; one of them may be empty.

**The network.** ``D`` is the side of the source. A node pays ``a`` times its load in ``D``, else ``W - a`` times; a
tensor between the blocks, which is not paid as an output, is exported by the one and imported by the other: ``W``
times its transfer where its producer is in ``D`` and a reader is not. A paid output is a part of its producer's load,
and imported by the rest: ``W - a`` times. A model input is paid by each block with a reader. A reader in ``D`` has the
producer in ``D``; nodes of the case are on their sides. Overflow and limits are left out, which allows more.
"""

from __future__ import annotations

from collections.abc import Sequence

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.flow import INFINITE, SINK, Network
from slicegraph.certificate.log import Branch
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.structure import expect_form

_WHOLE = 2**10
"""The ``W`` of which a share is a part."""
_SOURCE = -2


def closes_all(problem: Problem, threshold: int, branches: Sequence[Branch], budget: Budget) -> bool:
    """Whether the cases of a bisection close all partitions; a case that is divided comes before its parts.

    Raises
    ------
    PlacedError
        Of verdict ``"malformed"``, when there are more blocks, or cases are of what is not there.
    BeyondBudgetError
        When it takes more steps.

    Notes
    -----
    A minimum cut for each case that is closed.
    """
    is_fit = problem.num_blocks <= 2 and len(problem.kinds) == 1 and not problem.kinds[0].is_overlap  # noqa: PLR2004
    expect_form(is_fit, "there are not two blocks that pay sums on one kind of device")
    quotient = Quotient(problem)
    # Of each case that waits, the nodes in the first block and those in the second.
    waiting: list[tuple[frozenset[int], frozenset[int]]] = [(frozenset(), frozenset())]
    for branch in branches:
        first, second = waiting.pop()
        if branch.share is None:
            expect_form(branch.node < problem.num_nodes, "a node that divides is not there")
            parts = [(first | {branch.node}, second), (first, second | {branch.node})]
            # The last one comes first.
            waiting += parts if branch.is_second else parts[::-1]
            continue
        expect_form(branch.share <= _WHOLE, "a share is more than the whole")
        network = _mean(problem, quotient, branch.share, first, second)
        budget.spend(1 + len(network.head) // 2)
        enough = _WHOLE * (threshold - 1) + 1
        if network.flow(enough, budget) < enough:
            return False
    return not waiting


def _mean(problem: Problem, quotient: Quotient, share: int, first: frozenset[int], second: frozenset[int]) -> Network:
    """Give the network of a mean; its vertices are nodes, and two for each tensor."""
    network, costs = Network(_SOURCE), quotient.kinds[0]
    rest = _WHOLE - share
    for tensor, readers in enumerate(quotient.consumers):
        if not readers:
            continue
        producer, ticks = quotient.producer[tensor], costs.transfer[tensor]
        somewhere = problem.num_nodes + 2 * tensor
        not_all = somewhere + 1
        for reader in readers:
            # With a reader out of D, that vertex is out, too.
            network.connect(not_all, reader, INFINITE)
            if producer >= 0:
                network.connect(reader, producer, INFINITE)
            else:
                # With a reader in D, this vertex is in, too.
                network.connect(reader, somewhere, INFINITE)
        if producer < 0:
            network.connect(somewhere, SINK, share * ticks)
            network.connect(_SOURCE, not_all, rest * ticks)
        else:
            # What leaves as an output is exported anyway.
            network.connect(producer, not_all, share * costs.leaving[tensor] + rest * ticks)
    for node in range(problem.num_nodes):
        network.connect(_SOURCE, node, INFINITE if node in first else rest * costs.load(node))
        network.connect(node, SINK, INFINITE if node in second else share * costs.load(node))
    return network
