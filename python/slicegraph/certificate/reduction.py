"""Rules of merges: the log of a reduction is replayed, and each merge is proved again in its turn.

**Claim.** For a partition of the problem below the threshold there is one of the quotient that costs no more. So a
lower bound of the quotient, up to the threshold, is one of the problem.

**Why each rule holds.** Let a partition have the groups ``U`` and ``V`` in different blocks.

- ``pull``: ``U`` makes something for ``V``, and all else that does comes before ``U``. With ``V`` moved to the block of
  ``U``, which is an earlier one, no tensor runs back. That block pays the load of ``V``, its parameters, what leaves it
  and what it reads and ``U`` neither makes nor reads; it no longer exports what ``U`` makes for ``V`` alone. The old
  block of ``V`` imports what ``V`` made for it; it no longer pays the load, nor imports what ``V`` alone reads.
- ``push``: ``V`` reads something of ``U``, and all else that does comes after ``V``. With ``U`` moved to the block of
  ``V``, a later one, that block pays the load of ``U``, its parameters, all that it reads and ``V`` does not, and what
  leaves it for others than ``V``; it no longer imports what ``U`` makes for ``V``. The old block of ``U`` exports what
  ``U`` reads and ``V`` does not; it no longer pays the load, nor what leaves ``U``.
- No other block pays anything else, but where tensors are handed on: those between hand on what the two make and read,
  which must not rise on any kind. The first must not pay more on any kind of device that may hold the group that
  stays, nor the second on any that may hold the one that moves; where a kind overlaps, neither in what it runs nor in
  what it moves. Every stage that may hold the group that stays, and is on the way of the one that moves, may hold this
  one, which needs no other group beside it.
- With a limit of bytes the group that moves brings none, nor more that is alive.
- ``together``: the block of one of the two, without the other, costs at least the threshold on every kind; see `cut`.
  Or all blocks together would: below the threshold ``T`` they pay at most ``k (T - 1)``, the load of all nodes and,
  when the two are apart, the export and the import of each tensor between them; each weighed by its block's multiplier,
  at least by the least.
- ``cycle``: each reaches the other, so they are in one block of any acyclic partition.
- ``given``: the problem asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_cost
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.structure import expect, within
from slicegraph.certificate.tally import Tally

_PER_STEP = 8
"""Tensors or arcs that are looked at in the time of a step."""
TITLES: Final = {
    "pull": "pull of node {v} into node {u}",
    "push": "push of node {u} into node {v}",
    "together": "nodes {u} and {v} together",
    "cycle": "cycle through nodes {u} and {v}",
    "given": "nodes {u} and {v} together as asked",
}
"""The rules, and how a merge by each is called."""


def replay(problem: Problem, reduction: dict[str, Any], budget: Budget, tally: Tally | None = None) -> Problem:
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
    tally = tally or Tally()
    quotient = Quotient(problem)
    components: dict[int, int] | None = None
    for index, (rule, u, v) in enumerate(reduction["merges"]):
        if rule != "cycle":
            components = None
        elif components is None:
            components = strong_components(quotient)
            budget.spend(len(components))
        with within("merges", index), tally.counted(rule, 1, budget):
            reason = objection(quotient, problem, (rule, u, v), reduction["threshold"], budget, components)
            expect(not reason, f"{TITLES[rule].format(u=u, v=v)}: {reason}")
        quotient.join(quotient.find(u), quotient.find(v))
    budget.spend(problem.num_nodes // _PER_STEP)
    _join_cycles(quotient)
    return quotient.to_problem()


def join(problem: Problem, reduction: dict[str, Any]) -> Problem:
    """Give the quotient of merges that were proved by then."""
    quotient = Quotient(problem)
    for _, u, v in reduction["merges"]:
        one, other = quotient.find(u), quotient.find(v)
        if one != other:
            quotient.join(one, other)
    _join_cycles(quotient)
    return quotient.to_problem()


def _join_cycles(quotient: Quotient) -> None:
    """Put nodes that reach each other together: merges that are allowed can leave cycles."""
    for node, root in strong_components(quotient).items():
        one, other = quotient.find(node), quotient.find(root)
        if one != other:
            quotient.join(one, other)


def objection(
    quotient: Quotient,
    problem: Problem,
    merge: tuple[str, int, int],
    threshold: int,
    budget: Budget,
    components: dict[int, int] | None = None,
) -> str:
    """Give the reason why a rule does not allow a merge; nothing when it does.

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
        if node >= problem.num_nodes:
            return f"{node} is no node"
    u, v = map(quotient.find, nodes)
    if u == v:
        return "they are in one group already"
    budget.spend(1 + (len(quotient.touching[u]) + len(quotient.touching[v])) // _PER_STEP)
    if rule == "given":
        return "" if v in quotient.wants(u) else "the problem does not ask for it"
    if rule == "together":
        return _object_to_together(quotient, u, v, threshold, budget)
    if rule == "cycle":
        component = strong_components(quotient) if components is None else components
        return "" if component[u] == component[v] else "one does not reach the other"
    stays, moves = (u, v) if rule == "pull" else (v, u)
    reason = _object_to_stages(quotient, stays, moves, is_earlier=rule == "pull")
    return reason or (_object_to_pull if rule == "pull" else _object_to_push)(quotient, u, v, budget)


def _object_to_stages(quotient: Quotient, stays: int, moves: int, *, is_earlier: bool) -> str:
    """Say why a group may not be moved to where another one stays; nothing when it may."""
    if quotient.wants(moves):
        return "what moves is asked to be with others"
    if quotient.allowed is None:
        return ""
    here, there = quotient.allowed[stays], quotient.allowed[moves]
    # Stages before the last one that may hold what moves, or after the first.
    on_the_way = (1 << max(0, there.bit_length() - 1)) - 1 if is_earlier else ~((there & -there) * 2 - 1)
    return "what moves may not be in every stage of what stays" if here & on_the_way & ~there else ""


def _object_to_bytes(quotient: Quotient, stays: int, moves: int, kind: int) -> str:
    """Say why a block of a kind cannot hold what moves in place of nothing; nothing when it can."""
    costs = quotient.kinds[kind].costs
    if costs.state_limit is not None and quotient.state[moves]:
        return "with a limit of state, a group that has some must not move"
    if costs.memory_limit is not None:
        if quotient.size[moves] or quotient.shared[moves] - quotient.shared[stays]:
            return "with a memory limit, a group that has parameters must not move"
        if quotient.live[moves] > quotient.live[stays]:
            return "with a memory limit, a group with more bytes alive must not move"
    return ""


def _arriving(quotient: Quotient, stays: int, moves: int, kind: int, moved: int, saved: int) -> int:
    """Give by how much more than it saves a block of a kind pays with what moves, in what rises most; 0: it does not.

    `moved` is what is imported and exported more, `saved` what is so no longer.
    """
    costs = quotient.kinds[kind]
    params = costs.params[moves] + quotient.stored(quotient.shared[moves] - quotient.shared[stays], kind)
    runs, moved = costs.work[moves] + params, moved + costs.outputs[moves]
    if costs.costs.is_overlap:
        return max(runs, moved if moved > saved else 0)
    return runs + moved if runs + moved > saved else 0


def _object_to_pull(quotient: Quotient, u: int, v: int, budget: Budget) -> str:
    made, read = list(quotient.made(v)), list(quotient.read(v))
    producers = {quotient.producer[tensor] for tensor in read} - {-1}
    if u not in producers:
        return "the other makes nothing for it"
    if not _reaches(quotient.predecessors, u, producers - {u}, budget):
        return "all else that makes something for it must come before the other"
    alone = [t for t in read if quotient.producer[t] == u and len(quotient.consumers[t]) == 1]
    entering = [t for t in read if quotient.producer[t] != u and u not in quotient.consumers[t]]
    for kind in quotient.kinds_of(u):
        costs = quotient.kinds[kind]
        moved = _sum(costs.leaving, made) + _sum(costs.transfer, entering)
        arriving = _arriving(quotient, u, v, kind, moved, _sum(costs.leaving, alone))
        if arriving:
            return f"it brings {arriving} ticks, which is more than the block saves"
        if reason := _object_to_bytes(quotient, u, v, kind):
            return reason
    for kind in quotient.kinds_of(v):
        costs = quotient.kinds[kind]
        spared = _sum(costs.transfer, alone) + (0 if costs.costs.is_overlap else costs.work[v])
        # What it makes is what leaves it, and model outputs that are paid, which its old block no longer pays.
        if _sum(costs.leaving, made) > spared:
            return "the block that it leaves would import more than it saves"
    return _object_to_links(quotient, made, alone)


def _object_to_push(quotient: Quotient, u: int, v: int, budget: Budget) -> str:
    made, read = list(quotient.made(u)), list(quotient.read(u))
    readers = {reader for tensor in made for reader in quotient.consumers[tensor]}
    if v not in readers:
        return "the other reads nothing of it"
    if not _reaches(quotient.successors, v, readers - {v}, budget):
        return "all else that reads something of it must come after the other"
    saved = [tensor for tensor in made if v in quotient.consumers[tensor]]
    leaving = [tensor for tensor in made if quotient.consumers[tensor] != {v}]
    entering = [tensor for tensor in read if v not in quotient.consumers[tensor]]
    for kind in quotient.kinds_of(v):
        costs = quotient.kinds[kind]
        moved = _sum(costs.transfer, entering) + _sum(costs.leaving, leaving)
        arriving = _arriving(quotient, v, u, kind, moved, _sum(costs.transfer, saved))
        if arriving:
            return f"it brings {arriving} ticks, which is more than the block saves"
        if reason := _object_to_bytes(quotient, v, u, kind):
            return reason
    for kind in quotient.kinds_of(u):
        costs = quotient.kinds[kind]
        spared = _sum(costs.leaving, made) + costs.outputs[u] + (0 if costs.costs.is_overlap else costs.work[u])
        if _sum(costs.leaving, entering) > spared:
            return "the block that it leaves would export more than it saves"
    return _object_to_links(quotient, entering, made)


def _object_to_links(quotient: Quotient, more: Iterable[int], less: Iterable[int]) -> str:
    """Say whether blocks between would hand on more, which they pay on any kind; nothing when not."""
    is_paid = all(_sum(costs.transfer, more) <= _sum(costs.transfer, less) for costs in quotient.kinds)
    return "" if is_paid or not quotient.is_adjacent else "blocks between would hand on more than they save"


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
    if quotient.is_beyond_budget(_between(quotient, u, v), threshold):
        return ""
    pairs = (u, v), (v, u)
    for inside, outside in pairs:
        if all(_plain_cost(quotient, inside, outside, kind) >= threshold for kind in quotient.kinds_of(inside)):
            return ""
    for inside, outside in pairs:
        for is_convex in (False, True):
            if all(
                least_cost(quotient, inside, outside, threshold, budget, kind=kind, is_convex=is_convex) >= threshold
                for kind in quotient.kinds_of(inside)
            ):
                return ""
    return f"apart they can cost less than {threshold}, for all that a minimum cut shows"


def _between(quotient: Quotient, u: int, v: int) -> list[int]:
    """Give the tensors of one group that the other one reads."""
    return [tensor for tensor in quotient.touching[u] & quotient.touching[v] if quotient.producer[tensor] in (u, v)]


def _plain_cost(quotient: Quotient, inside: int, outside: int, kind: int) -> int:
    """Give what a block with one group pays for that group and for tensors between it and another one elsewhere."""
    costs = quotient.kinds[kind]
    shared = quotient.touching[inside] & quotient.touching[outside]
    made = [tensor for tensor in shared if quotient.producer[tensor] == inside]
    read = [tensor for tensor in shared if quotient.producer[tensor] == outside]
    moved = costs.outputs[inside] + _sum(costs.leaving, made) + _sum(costs.transfer, read)
    return costs.costs.busy(costs.work[inside], moved, quotient.overflow(inside, kind))


def strong_components(quotient: Quotient) -> dict[int, int]:
    """Give for each node a node of its strong component.

    Notes
    -----
    O(nodes + reads), S. R. Kosaraju 1978: a walk backwards, in the reverse of the order in which one forwards ends.
    """
    groups = quotient.groups()
    order = [group for group, _ in _walk(groups, quotient.successors)]
    roots = dict(_walk(reversed(order), quotient.predecessors))
    return {node: roots[quotient.find(node)] for node in range(len(quotient.size))}


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
