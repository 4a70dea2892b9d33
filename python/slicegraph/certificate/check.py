"""The checker: believes the graph and integer arithmetic, and nothing else that it has not proved again.

It shares no code with what solves, neither the compiled core nor the bounds. What it cannot prove again, a solver's own
bound, it reports as such.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from slicegraph.certificate import codec, reduction
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.cut import least_cost
from slicegraph.certificate.downsets import Downsets
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.narrowed import narrowed
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.relaxation import Prover
from slicegraph.certificate.structure import PlacedError, check_structure, expect, within
from slicegraph.certificate.ticks import Problem, snap
from slicegraph.device import Device
from slicegraph.errors import CertificateError
from slicegraph.formats.arrays import GraphArrays

_FREE_SHAPE: list[int | None] = [None, 1, None]
_PLAIN = 4
"""The part of the steps that a search gets without windows, which cost much where they are of no use."""
_STEPS_PER_TRANSITION = 8
"""A search that looks at whole boxes of links takes so many times fewer of them, or more, than this one takes steps."""


class HasArrays(Protocol):
    """A graph whose arrays were checked, such as `slicegraph.Graph`."""

    @property
    def arrays(self) -> GraphArrays:
        """The arrays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a certificate that holds says.

    Attributes
    ----------
    bottleneck
        Seconds of the partition's dearest block; infinite when there is no partition.
    lower_bound
        Seconds that no partition beats, if the solver is right.
    verified_lower_bound
        Seconds that no partition beats, proved again here.
    trusted
        The methods whose lower bound is above the verified one, on the word of a solver or of the prover.
    replayed
        The methods of which everything that takes a replay was proved again.
    not_replayed
        The methods of which something was beyond the replay's budget.
    """

    bottleneck: float
    lower_bound: float
    verified_lower_bound: float
    trusted: tuple[str, ...]
    replayed: tuple[str, ...] = ()
    not_replayed: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck: how far from optimal the partition can be."""
        return _gap(self.bottleneck, self.lower_bound)

    @property
    def verified_gap(self) -> float:
        """The gap to the verified lower bound."""
        return _gap(self.bottleneck, self.verified_lower_bound)


def check(
    graph: HasArrays,
    certificate: Certificate,
    *,
    device: Device | None = None,
    num_blocks: int | None = None,
    replay: int | None = None,
) -> Verdict:
    """Check that a certificate holds for a graph.

    Parameters
    ----------
    graph
        What was cut.
    certificate
        What is claimed of it.
    device, num_blocks
        What the certificate should be about. None: whatever it says.
    replay
        Steps, at most, in which reductions and searches of downsets are gone through again: sets of nodes that are
        tried, and vertices that flows come by. None: they are believed.

    Returns
    -------
    Verdict
        What is claimed, and how much of it is proved again.

    Raises
    ------
    CertificateError
        In one line that names the place in the document and the rule.

    Notes
    -----
    O(nodes + tensors + reads + blocks), and for relaxations with proofs: rows, plus nodes x superblocks that rows name;
    with a threshold, once, nodes x (nodes + reads) / 8; for the bound of a node, a flow; for a replay, its steps.

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.check(sg.read("resnet50.onnx"), sg.Certificate.read("resnet50.cert.json")).gap  # doctest: +SKIP
    0.0
    """
    try:
        return _check(graph.arrays, certificate.document, device, num_blocks, replay)
    except PlacedError as error:
        raise CertificateError(str(error)) from None


def _check(
    arrays: GraphArrays, document: dict[str, Any], device: Device | None, num_blocks: int | None, replay: int | None
) -> Verdict:
    check_structure(document)
    _check_seal(document)
    _check_expectations(document, device, num_blocks)
    _check_counts(arrays, document["graph"])
    problem = snap(arrays, document["device"], boundary_io=document["boundary_io"], num_blocks=document["num_blocks"])
    _expect_equal("tick", document["tick"], problem.tick)
    with within("instance"):
        expect(document["instance"] == problem.digest(), "the certificate is about another graph, device or question")
    bottleneck = None
    if document["witness"] is not None:
        with within("witness"):
            bottleneck = _check_witness(problem, document["witness"])
    bounds = _check_bounds(problem, document, None if replay is None else Budget(replay))
    lower_bound = document["lower_bound"]
    with within("lower_bound"):
        expect(
            bottleneck is None or lower_bound <= bottleneck,
            f"{lower_bound} is above the bottleneck {bottleneck} of the partition, which contradicts it",
        )
    trusted = (bound["method"] for bound in document["bounds"] if bound["lower_bound"] > bounds.verified)
    return Verdict(
        bottleneck=math.inf if bottleneck is None else bottleneck * problem.tick,
        lower_bound=lower_bound * problem.tick,
        verified_lower_bound=bounds.verified * problem.tick,
        trusted=_distinct(trusted),
        replayed=_distinct(method for method, is_whole in bounds.replays if is_whole),
        not_replayed=_distinct(method for method, is_whole in bounds.replays if not is_whole),
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _expect_equal(place: str, given: object, found: object) -> None:
    """Refuse unless the document's value is the one that was found."""
    with within(place):
        expect(given == found, f"{given!r} is claimed, but it is {found!r}")


def _check_seal(document: dict[str, Any]) -> None:
    with within("seal"):
        try:
            seal = codec.seal(document)
        except ValueError as error:
            raise PlacedError(str(error)) from None
        expect(document["seal"] == seal, "the document was changed after it was sealed")


def _check_expectations(document: dict[str, Any], device: Device | None, num_blocks: int | None) -> None:
    with within("device"):
        expect(
            device is None or document["device"] == device.to_mapping(),
            f"the certificate is about {document['device']}, not about {device and device.to_mapping()}",
        )
    with within("num_blocks"):
        expect(
            num_blocks is None or document["num_blocks"] == num_blocks,
            f"the certificate is about {document['num_blocks']} blocks, not about {num_blocks}",
        )


def _check_counts(arrays: GraphArrays, counts: dict[str, Any]) -> None:
    with within("graph"):
        _expect_equal("num_nodes", counts["num_nodes"], len(arrays.op))
        _expect_equal("num_tensors", counts["num_tensors"], len(arrays.size))


def _check_witness(problem: Problem, witness: dict[str, Any]) -> int:
    """Check that the partition is one, and costs what is said; give its bottleneck."""
    block_of, block_costs = witness["block_of"], witness["block_costs"]
    with within("block_of"):
        expect(len(block_of) == len(problem.work), f"{len(block_of)} entries, but there are {len(problem.work)} nodes")
        wrong = next((node for node, block in enumerate(block_of) if block >= problem.num_blocks), None)
        expect(wrong is None, f"node {wrong} is in a block that is none of {problem.num_blocks}")
        found = problem.block_costs(block_of)
    with within("block_costs"):
        expect(len(block_costs) == len(found), f"{len(block_costs)} entries, but there are {len(found)} blocks")
        for block, (given, costs) in enumerate(zip(block_costs, found, strict=True)):
            with within(block):
                for name, ticks in costs.items():
                    _expect_equal(name, given[name], ticks)
    bottleneck = max(costs["cost"] for costs in found)
    _expect_equal("bottleneck", witness["bottleneck"], bottleneck)
    return bottleneck


@dataclass(slots=True)
class _Bounds:
    """What is verified of all lower bounds, and for those that take a replay and got one, whether of the whole."""

    verified: int
    replays: list[tuple[str, bool]]


def _check_bounds(problem: Problem, document: dict[str, Any], budget: Budget | None) -> _Bounds:
    """Check all lower bounds and how they are put together; give what is verified of them."""
    bounds = document["bounds"]
    combinatorial, prover = problem.combinatorial(), Prover(problem)
    verified = combinatorial
    found = _Bounds(combinatorial, [])
    with within("bounds"):
        count = sum(bound["method"] == "combinatorial" for bound in bounds)
        expect(count == 1, f"{count} of them are combinatorial, but one is")
        for index, bound in enumerate(bounds):
            with within(index):
                verified = max(verified, _check_bound(prover, bound, combinatorial))
                if budget is not None and (bound["reduction"] or bound["downsets"]):
                    value, is_whole = _replay(prover, bound, budget)
                    found.verified = max(found.verified, value)
                    found.replays.append((bound["method"], is_whole))
    _expect_equal("lower_bound", document["lower_bound"], max(bound["lower_bound"] for bound in bounds))
    _expect_equal("verified_lower_bound", document["verified_lower_bound"], verified)
    found.verified = max(found.verified, verified)
    is_solved = any(
        bound["chain"] is not None or any(relaxation["solver"] is not None for relaxation in bound["relaxations"])
        for bound in bounds
    )
    with within("solver"):
        expect(
            (document["solver"] is not None) == is_solved,
            "null, but a bound has a solver's word" if is_solved else "named, but no bound has its word",
        )
    return found


def _check_bound(prover: Prover, bound: dict[str, Any], combinatorial: int) -> int:
    """Check one method's bound; give what is verified of it without a replay."""
    problem, relaxations = prover.problem, bound["relaxations"]
    parts = [bound[name] for name in ("reduction", "downsets", "node", "chain")]
    if bound["method"] == "combinatorial":
        expect(not relaxations and not any(parts), "the combinatorial bound comes from nothing else")
    num_nodes = len(problem.work)
    is_reduced = bound["reduction"] is not None
    with within("relaxations"):
        for index, relaxation in enumerate(relaxations):
            with within(index):
                _check_relaxation(relaxation, problem.num_blocks)
                if not is_reduced:
                    _check_proof(prover, relaxation)
    if is_reduced:
        with within("reduction", "merges"):
            for index, (_, u, v) in enumerate(bound["reduction"]["merges"]):
                with within(index):
                    expect(max(u, v) < num_nodes, f"{max(u, v)} is no node")
    if bound["node"] is not None:
        with within("node"):
            expect(bound["node"]["node"] < num_nodes, f"{bound['node']['node']} is no node")
            if not is_reduced:
                _check_node(problem, bound["node"], Budget())
    if bound["chain"] is not None:
        with within("chain"):
            _check_chain(bound["chain"]["reach"], prover)
    believed = [
        _combine(relaxations, ("proof", "solver"), problem.num_blocks),
        0 if bound["downsets"] is None else bound["downsets"]["threshold"],
        0 if bound["node"] is None else bound["node"]["lower_bound"],
        0 if bound["chain"] is None else bound["chain"]["threshold"],
    ]
    _expect_equal("lower_bound", bound["lower_bound"], max(combinatorial, _capped(bound, max(believed))))
    return combinatorial if is_reduced else max(combinatorial, _value_without_replay(bound, problem.num_blocks))


def _replay(prover: Prover, bound: dict[str, Any], budget: Budget) -> tuple[int, bool]:
    """Prove again what takes a replay; give what is verified of the bound then, and whether that is everything."""
    value = 0
    try:
        if bound["reduction"] is not None:
            with within("reduction"):
                prover = Prover(reduction.replay(prover.problem, bound["reduction"], budget))
            with within("relaxations"):
                for index, relaxation in enumerate(bound["relaxations"]):
                    with within(index):
                        _check_proof(prover, relaxation)
            if bound["node"] is not None:
                with within("node"):
                    _check_node(prover.problem, bound["node"], budget)
        value = _value_without_replay(bound, prover.problem.num_blocks)
        if bound["downsets"] is not None:
            with within("downsets"):
                _check_downsets(prover.problem, bound["downsets"], budget)
            value = max(value, bound["downsets"]["threshold"])
    except BeyondBudgetError:
        return _capped(bound, value), False
    return _capped(bound, value), True


def _value_without_replay(bound: dict[str, Any], num_blocks: int) -> int:
    """Give what a bound's proofs give, once they are checked."""
    node = 0 if bound["node"] is None else bound["node"]["lower_bound"]
    return max(node, _combine(bound["relaxations"], ("proof",), num_blocks))


def _capped(bound: dict[str, Any], value: int) -> int:
    """Give what a value on the quotient says of the problem: partitions from the threshold on are left out."""
    return value if bound["reduction"] is None else min(value, bound["reduction"]["threshold"])


def _check_node(problem: Problem, node: dict[str, Any], budget: Budget) -> None:
    """Check that every block with a node costs so much."""
    claimed = node["lower_bound"]
    expect(node["node"] < len(problem.work), f"{node['node']} is no node of the quotient")
    found = least_cost(Quotient(problem), node["node"], None, claimed, budget, is_convex=True)
    with within("lower_bound"):
        expect(found >= claimed, f"{claimed} is claimed, but the minimum cut is {found}")


def _check_downsets(problem: Problem, downsets: dict[str, Any], budget: Budget) -> None:
    """Check that no partition is better than a threshold."""
    threshold = downsets["threshold"]
    if _STEPS_PER_TRANSITION * downsets["transitions"] > budget.left:
        # What was more for a search that bounds better is more here: leave the steps for others.
        raise BeyondBudgetError
    with within("threshold"):
        expect(not _has_better(problem, threshold, budget), f"some partition costs less than {threshold}")


def _has_better(problem: Problem, threshold: int, budget: Budget) -> bool:
    """Whether a partition is better than a threshold: by a plain search, or else by one within windows."""
    search = Downsets(problem)
    try:
        return search.has_better(threshold, Budget(budget.left / _PLAIN, of=budget))
    except BeyondBudgetError:
        windows = narrowed(problem, threshold, budget)
        return windows is not None and search.has_better(threshold, budget, windows)


def _check_chain(reach: list[int], prover: Prover) -> None:
    """Check the form of how far the first blocks reach; that they reach no further is a solver's word."""
    with within("reach"):
        count = prover.problem.num_blocks
        expect(len(reach) == count, f"{len(reach)} entries, but there are {count} blocks")
        expect(reach == sorted(reach), "one is below the one before")
        expect(reach[-1] < prover.total_work, f"the last is {reach[-1]}, which must be below all work")


def _check_relaxation(relaxation: dict[str, Any], num_blocks: int) -> None:
    _check_shape(relaxation["spans"], relaxation["demand"], num_blocks)
    solver, threshold = relaxation["solver"], relaxation["threshold"]
    if solver is not None and threshold is not None:
        with within("solver", "lower_bound"):
            expect(solver["lower_bound"] <= threshold, f"{solver['lower_bound']} is above the threshold {threshold}")


def _check_proof(prover: Prover, relaxation: dict[str, Any]) -> None:
    if relaxation["proof"] is not None:
        with within("proof"):
            _expect_equal("lower_bound", relaxation["proof"]["lower_bound"], prover.lower_bound(relaxation))


def _check_shape(spans: list[int | None], demand: int | None, num_blocks: int) -> None:
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        with within("spans"):
            expect(spans == _FREE_SHAPE, "only [null, 1, null] holds any number of blocks")
        with within("demand"):
            expect(demand == 1, "superblocks of any number of blocks ask for a demand of 1")
        return
    with within("spans"):
        expect(sum(known) == num_blocks, f"they add up to {sum(known)}, but there are {num_blocks} blocks")
    with within("demand"):
        expect(demand is None or demand < len(known), f"{demand} is no superblock")
        expect(demand is None or known[demand] == 1, f"superblock {demand} is not one block")


def _combine(relaxations: list[dict[str, Any]], parts: tuple[str, ...], num_blocks: int) -> int:
    """Give the bound of relaxations that cover all partitions, alone or together, believing these parts of each.

    One without a demand, or with blocks of any number around it, holds for every partition. One that demands that a
    given block be the fullest holds for the partitions where it is; with one for each block, the least holds for all.
    """
    alone = 0
    by_block: dict[int, int] = {}
    for relaxation in relaxations:
        value = max(0 if relaxation[part] is None else relaxation[part]["lower_bound"] for part in parts)
        spans, demand = relaxation["spans"], relaxation["demand"]
        if demand is None or spans == _FREE_SHAPE:
            alone = max(alone, value)
        else:
            block = sum(spans[:demand])
            by_block[block] = max(by_block.get(block, 0), value)
    together = min(by_block.values()) if len(by_block) == num_blocks else 0
    return max(alone, together)


def _gap(bottleneck: float, lower_bound: float) -> float:
    if bottleneck == lower_bound:
        return 0.0
    return 1.0 if math.isinf(bottleneck) else (bottleneck - lower_bound) / bottleneck
