"""Proofs by hints: the facts of a scope, then the rule that closes it, one scope after the other.

A hint names where a rule applies; the checker applies the rule there, and ignores the hint if the rule does not hold. A
scope that the named rule does not close is closed by narrowing windows and by labels or levels, or stays open.

**Split.** A scope is divided at a node: it is in no block after ``b``, or in a later one. Every partition is in one of
the two parts, so the scope is closed when both are. The facts of the scope hold in both parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

from slicegraph.certificate.bisection import closes_all
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.frontiers import deep_order, natural_order
from slicegraph.certificate.incompatible import are_incompatible
from slicegraph.certificate.log import (
    Bisection,
    Cuts,
    End,
    ExpensiveNode,
    Fact,
    Labels,
    Levels,
    Pairs,
    Raised,
    Split,
)
from slicegraph.certificate.narrowed import replay
from slicegraph.certificate.node import least_cost_with
from slicegraph.certificate.order import Order
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.searching import OpenError, Searching
from slicegraph.certificate.structure import expect_form
from slicegraph.certificate.weights import raise_named, takes_weights


@final
class Following:
    """The proof of one threshold of a problem by hints.

    Parameters
    ----------
    problem
        Whose partitions they are.
    threshold
        Ticks above 0.
    sections
        The hints.
    """

    def __init__(self, problem: Problem, threshold: int, sections: Sequence[Fact | End]) -> None:
        self._problem, self._threshold = problem, threshold
        self._sections: Iterator[Fact | End] = iter(sections)

    def close(self, budget: Budget) -> str:
        """Prove that no partition is better than the threshold; give by which rule.

        Raises
        ------
        PlacedError
            When a partition is better, or a hint is about what is not there.
        OpenError
            When hints do not say enough.
        BeyondBudgetError
            When it takes more steps.
        """
        reach = Reach(self._problem, self._threshold, budget)
        self._searching = Searching(reach)
        scope = reach.all()
        if not reach.close(scope, budget):
            return "reach"
        found = self._follow(reach, scope, budget)
        if isinstance(found, str):
            return found
        waiting = found
        while waiting:
            part = waiting.pop()
            if not reach.close(part, budget):
                self._skip()
                continue
            # A part must not use up what the others need.
            share = Budget(budget.left / 2, of=budget)
            try:
                found = self._follow(reach, part, share)
                waiting += [] if isinstance(found, str) else found
            except (OpenError, BeyondBudgetError):
                self._searching.by_levels(part, budget)
        return "split"

    def _follow(self, reach: Reach, scope: Scope, budget: Budget) -> str | list[Scope]:
        """Follow the hints of a scope to its end; give what has closed it, or its parts."""
        for section in self._sections:
            if not isinstance(section, Fact):
                return self._end(reach, scope, section, budget)
            try:
                is_left = self._learn(reach, scope, section, budget)
            except BeyondBudgetError:
                self._skip()
                raise
            if not is_left:
                self._skip()
                return {Cuts: "windows", Pairs: "incompatible", Raised: "weights"}[type(section)]
        raise OpenError

    def _learn(self, reach: Reach, scope: Scope, fact: Fact, budget: Budget) -> bool:
        """Apply a fact, as far as it holds; give whether the scope is still open."""
        num_nodes, num_blocks = self._problem.num_nodes, self._problem.num_blocks
        match fact:
            case Cuts(block, is_last, nodes):
                is_there = 1 <= block <= num_blocks and max(nodes, default=0) < num_nodes
                expect_form(is_there, f"of block {block} something is said that cannot be")
                return replay(reach, scope, block, nodes, budget, is_first=not is_last)
            case Pairs(pairs):
                is_there = all(max(pair) < num_nodes for pair in pairs)
                expect_form(is_there, "a pair is of a node that is not there")
                return self._separate(reach, scope, pairs, budget)
            case Raised(claims):
                if not takes_weights(reach):
                    return True
                return raise_named(reach, scope, claims, budget)

    def _separate(self, reach: Reach, scope: Scope, pairs: Sequence[tuple[int, int]], budget: Budget) -> bool:
        """Apply those of some pairs that are incompatible; give whether the scope is still open."""
        budget.spend(1 + (self._problem.size + len(pairs)) // 8)
        quotient, order, threshold = reach.quotient, reach.order, self._threshold
        new = (pair for pair in pairs if not scope.pairs.has(*pair))
        found = [pair for pair in new if are_incompatible(quotient, order, *pair, threshold, budget)]
        if found:
            scope.pairs = scope.pairs.joined(found, reach.order, budget)
        return reach.close(scope, budget)

    def _end(self, reach: Reach, scope: Scope, end: End, budget: Budget) -> str | list[Scope]:
        match end:
            case Split(node, block):
                is_there = node < self._problem.num_nodes and block < self._problem.num_blocks
                expect_form(is_there, f"node {node} cannot be after block {block}")
                up_to, after = scope.copy(), scope.copy()
                up_to.is_part = after.is_part = True
                up_to.last[node] = min(up_to.last[node], block)
                after.first[node] = max(after.first[node], block + 1)
                # The last one comes first.
                return [up_to, after]
            case Levels():
                return self._searching.by_levels(scope, budget)
            case Labels(order, listed):
                nodes = _nodes_in(self._problem, order, listed, reach.order)
                return self._searching.by_labels(scope, nodes, budget)
            case Bisection(branches):
                if closes_all(self._problem, self._threshold, branches, budget):
                    return "bisection"
            case ExpensiveNode(node):
                expect_form(node < self._problem.num_nodes, f"{node} is no node of the quotient")
                if least_cost_with(reach.quotient, node, self._threshold, budget) >= self._threshold:
                    return "cut"
        # A packing and a tree are proofs of the whole problem, not of a scope.
        raise OpenError

    def _skip(self) -> None:
        """Skip the sections of a scope that is closed already, to the end of its last part."""
        num_open = 1
        while num_open:
            section = next(self._sections, None)
            if section is None:
                break
            if isinstance(section, Split):
                num_open += 1
            elif not isinstance(section, Fact):
                num_open -= 1


def _nodes_in(problem: Problem, number: int, listed: Sequence[int], order: Order) -> Sequence[int]:
    """Give the nodes in one of the orders for labels."""
    if number < 2:  # noqa: PLR2004 - it is listed
        return deep_order(problem, order) if number else natural_order(order)
    place = {node: at for at, node in enumerate(listed)}
    num_nodes = problem.num_nodes
    wrong = next((node for at, node in enumerate(listed) if node >= num_nodes or place[node] != at), None)
    expect_form(wrong is None, f"node {wrong} is not there, or twice")
    for node, readers in enumerate(order.successors):
        is_there = node in place and all(place.get(reader, -1) > place[node] for reader in readers)
        expect_form(is_there, f"node {node} is missing, or comes after what reads it")
    return listed
