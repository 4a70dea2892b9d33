"""Nodes that can be put together without a loss: a log of merges, each of which is proved again in its turn.

**Claim.** A partition of the problem that is better than the threshold gives one of the quotient that costs no more. So
whatever bounds all partitions of the quotient, up to the threshold, bounds those of the problem.

**Why each rule holds.** Let a partition have the groups ``U`` and ``V`` in different blocks.

- ``pull``: ``U`` makes something for ``V``, and whoever else does comes before ``U``. With ``V`` moved to the block of
  ``U``, which is an earlier one, no tensor runs back. That block pays the load of ``V``, its parameters, what leaves it
  and what it reads and ``U`` neither makes nor reads; it no longer exports what ``U`` makes for ``V`` alone. The old
  block of ``V`` imports what ``V`` made for it; it no longer pays the load, nor imports what ``V`` alone reads. When
  the first pays no more, nor does the second: what ``V`` made is what leaves it and outputs in its load.
- ``push``: ``V`` reads something of ``U``, and whoever else does comes after ``V``. With ``U`` moved to the block of
  ``V``, a later one, that block pays the load of ``U``, its parameters, all that it reads and ``V`` does not, and what
  leaves it for others than ``V``; it no longer imports what ``U`` makes for ``V``. The old block of ``U`` exports what
  ``U`` reads and ``V`` does not; it no longer pays the load, nor what leaves ``U``. Again it pays no more when the
  first does not.
- No other block pays anything else.
- With a memory limit only groups without parameters are moved so.
- ``together``: the block of one of the two, without the other, costs at least the threshold; see `cut`. Or all blocks
  together would: below the threshold ``T`` they pay at most ``k (T - 1)``, the load of all nodes and, when the two are
  apart, the export and the import of each tensor between them.
- ``cycle``: each reaches the other, so they are in one block of any acyclic partition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_cost
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.structure import expect, within
from slicegraph.certificate.ticks import Problem

_PER_STEP = 8
"""Tensors or arcs that are looked at in the time of a step."""
_TITLES = {
    "pull": "pull of node {v} into node {u}",
    "push": "push of node {u} into node {v}",
    "together": "nodes {u} and {v} together",
    "cycle": "cycle through nodes {u} and {v}",
}


def replay(problem: Problem, reduction: dict[str, Any], budget: Budget) -> Problem:
    """Prove every merge of a log again; give the quotient.

    Raises
    ------
    PlacedError
        Naming the first merge that no rule allows.
    BeyondBudgetError
        When it takes more steps.

    Notes
    -----
    O((nodes + reads) log) for all ``pull`` and ``push``, but for looking whether others come before or after;
    O(nodes + reads) for each run of ``cycle``; a flow or four for each ``together`` that is not plain.
    """
    budget.spend(problem.size)
    quotient = Quotient(problem)
    components: dict[int, int] | None = None
    for index, (rule, u, v) in enumerate(reduction["merges"]):
        if rule != "cycle":
            components = None
        elif components is None:
            components = strong_components(quotient)
            budget.spend(len(components))
        with within("merges", index):
            reason = objection(quotient, problem, (rule, u, v), reduction["threshold"], budget, components)
            expect(not reason, f"{_TITLES[rule].format(u=u, v=v)}: {reason}")
        quotient.join(quotient.find(u), quotient.find(v))
    return quotient.to_problem()


def objection(
    quotient: Quotient,
    problem: Problem,
    merge: tuple[str, int, int],
    threshold: int,
    budget: Budget,
    components: dict[int, int] | None = None,
) -> str:
    """Say what a rule has against a merge; nothing when it allows it.

    Parameters
    ----------
    quotient, problem
        The groups as they are, and whose they are.
    merge
        The rule and two nodes.
    threshold
        Ticks: what costs as much does not count as a partition.
    budget
        Steps that it may take.
    components
        For ``cycle``, the strong components of nodes as they are, or were before merges within them. None: to be found.
    """
    rule, *nodes = merge
    for node in nodes:
        if node >= len(problem.work):
            return f"{node} is no node"
    u, v = map(quotient.find, nodes)
    if u == v:
        return "they are in one group already"
    budget.spend(1 + (len(quotient.touching[u]) + len(quotient.touching[v])) // _PER_STEP)
    if rule == "together":
        rest = problem.num_blocks * (threshold - 1) - quotient.total_load
        return "" if _toll(quotient, u, v) > rest else _object_to_together(quotient, u, v, threshold, budget)
    if rule == "cycle":
        component = strong_components(quotient) if components is None else components
        return "" if component[u] == component[v] else "one does not reach the other"
    if problem.memory_limit is not None and quotient.size[v if rule == "pull" else u]:
        return "with a memory limit, a group that has parameters must not move"
    return (_object_to_pull if rule == "pull" else _object_to_push)(quotient, u, v, budget)


def _object_to_pull(quotient: Quotient, u: int, v: int, budget: Budget) -> str:
    made, read = list(quotient.made(v)), list(quotient.read(v))
    producers = {quotient.producer[tensor] for tensor in read} - {-1}
    if u not in producers:
        return "the other makes nothing for it"
    if not _reaches(quotient.predecessors, u, producers - {u}, budget):
        return "whoever else makes something for it must come before the other"
    alone = [t for t in read if quotient.producer[t] == u and len(quotient.consumers[t]) == 1]
    entering = [t for t in read if quotient.producer[t] != u and u not in quotient.consumers[t]]
    arriving = quotient.load[v] + quotient.params[v] + _sum(quotient.leaving, made) + _sum(quotient.transfer, entering)
    if arriving > _sum(quotient.leaving, alone):
        return f"it brings {arriving} ticks, which is more than the block saves"
    return ""


def _object_to_push(quotient: Quotient, u: int, v: int, budget: Budget) -> str:
    made, read = list(quotient.made(u)), list(quotient.read(u))
    readers = {reader for tensor in made for reader in quotient.consumers[tensor]}
    if v not in readers:
        return "the other reads nothing of it"
    if not _reaches(quotient.successors, v, readers - {v}, budget):
        return "whoever else reads something of it must come after the other"
    saved = [tensor for tensor in made if v in quotient.consumers[tensor]]
    leaving = [tensor for tensor in made if quotient.consumers[tensor] != {v}]
    entering = [tensor for tensor in read if v not in quotient.consumers[tensor]]
    crossing = _sum(quotient.transfer, entering) + _sum(quotient.leaving, leaving)
    arriving = quotient.load[u] + quotient.params[u] + crossing
    if arriving > _sum(quotient.transfer, saved):
        return f"it brings {arriving} ticks, which is more than the block saves"
    return ""


def _reaches(neighbours: Callable[[int], Iterable[int]], start: int, targets: set[int], budget: Budget) -> bool:
    """Whether all targets can be reached, the near ones being met first."""
    missing, seen, queue = set(targets), {start}, [start]
    for group in queue:
        if not missing:
            break
        near = list(neighbours(group))
        budget.spend(1 + len(near) // _PER_STEP)
        new = set(near) - seen
        seen |= new
        missing -= new
        queue += new  # the list is the queue
    return not missing


def _object_to_together(quotient: Quotient, u: int, v: int, threshold: int, budget: Budget) -> str:
    pairs = (u, v), (v, u)
    if any(_plain_cost(quotient, inside, outside) >= threshold for inside, outside in pairs):
        return ""
    for inside, outside in pairs:
        for is_convex in (False, True):
            if least_cost(quotient, inside, outside, threshold, budget, is_convex=is_convex) >= threshold:
                return ""
    return f"apart they can cost less than {threshold}, for all that a minimum cut shows"


def _toll(quotient: Quotient, u: int, v: int) -> int:
    """Give what is paid for the tensors between two groups when they are in two blocks."""
    between = [t for t in quotient.touching[u] & quotient.touching[v] if quotient.producer[t] in (u, v)]
    return _sum(quotient.leaving, between) + _sum(quotient.transfer, between)


def _plain_cost(quotient: Quotient, inside: int, outside: int) -> int:
    """Give what a block with one group pays for that group and for tensors between it and another one elsewhere."""
    shared = quotient.touching[inside] & quotient.touching[outside]
    made = [tensor for tensor in shared if quotient.producer[tensor] == inside]
    read = [tensor for tensor in shared if quotient.producer[tensor] == outside]
    between = _sum(quotient.leaving, made) + _sum(quotient.transfer, read)
    return quotient.load[inside] + quotient.overflow(inside) + between


def strong_components(quotient: Quotient) -> dict[int, int]:
    """Give for each node a node of its strong component.

    Notes
    -----
    O(nodes + reads), S. R. Kosaraju 1978: a walk backwards, in the reverse of the order in which one forwards ends.
    """
    groups = quotient.groups()
    order = [group for group, _ in _walk(groups, quotient.successors)]
    roots = dict(_walk(reversed(order), quotient.predecessors))
    return {node: roots[quotient.find(node)] for node in range(len(quotient.load))}


def _walk(starts: Iterable[int], neighbours: Callable[[int], Iterable[int]]) -> list[tuple[int, int]]:
    """Go depth first; give each group when it ends, with the start from which it was reached."""
    seen: set[int] = set()
    ended = []
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(neighbours(start)))]
        while stack:
            group, rest = stack[-1]
            new = next((each for each in rest if each not in seen), None)
            if new is None:
                ended.append((group, start))
                stack.pop()
            else:
                seen.add(new)
                stack.append((new, iter(neighbours(new))))
    return ended


def _sum(ticks: list[int], tensors: Iterable[int]) -> int:
    return sum(ticks[tensor] for tensor in tensors)
