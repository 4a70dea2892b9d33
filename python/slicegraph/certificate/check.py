"""The checker: believes the graph and integer arithmetic, and nothing else that it has not proved again.

It shares no code with what solves, neither the compiled core nor the bounds. What it cannot prove again, a solver's own
bound, it reports as such.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from slicegraph.certificate import codec
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.relaxation import Prover
from slicegraph.certificate.structure import PlacedError, check_structure, expect, within
from slicegraph.certificate.ticks import Problem, snap
from slicegraph.device import Device
from slicegraph.errors import CertificateError
from slicegraph.formats.arrays import GraphArrays

_FREE_SHAPE: list[int | None] = [None, 1, None]


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
        The methods whose lower bound is above the verified one, on a solver's word.
    """

    bottleneck: float
    lower_bound: float
    verified_lower_bound: float
    trusted: tuple[str, ...]

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck: how far from optimal the partition can be."""
        return _gap(self.bottleneck, self.lower_bound)

    @property
    def verified_gap(self) -> float:
        """The gap to the verified lower bound."""
        return _gap(self.bottleneck, self.verified_lower_bound)


def check(
    graph: HasArrays, certificate: Certificate, *, device: Device | None = None, num_blocks: int | None = None
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
    with a threshold, once, nodes x (nodes + reads) / 8.

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.check(sg.read("resnet50.onnx"), sg.Certificate.read("resnet50.cert.json")).gap  # doctest: +SKIP
    0.0
    """
    try:
        return _check(graph.arrays, certificate.document, device, num_blocks)
    except PlacedError as error:
        raise CertificateError(str(error)) from None


def _check(arrays: GraphArrays, document: dict[str, Any], device: Device | None, num_blocks: int | None) -> Verdict:
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
    verified = _check_bounds(problem, document)
    lower_bound = document["lower_bound"]
    with within("lower_bound"):
        expect(
            bottleneck is None or lower_bound <= bottleneck,
            f"{lower_bound} is above the bottleneck {bottleneck} of the partition, which contradicts it",
        )
    trusted = dict.fromkeys(bound["method"] for bound in document["bounds"] if bound["lower_bound"] > verified)
    return Verdict(
        bottleneck=math.inf if bottleneck is None else bottleneck * problem.tick,
        lower_bound=lower_bound * problem.tick,
        verified_lower_bound=verified * problem.tick,
        trusted=tuple(trusted),
    )


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


def _check_bounds(problem: Problem, document: dict[str, Any]) -> int:
    """Check all lower bounds and how they are put together; give what is verified of them."""
    bounds = document["bounds"]
    combinatorial, prover = problem.combinatorial(), Prover(problem)
    verified = combinatorial
    with within("bounds"):
        count = sum(bound["method"] == "combinatorial" for bound in bounds)
        expect(count == 1, f"{count} of them are combinatorial, but one is")
        for index, bound in enumerate(bounds):
            with within(index):
                verified = max(verified, _check_bound(prover, bound, combinatorial))
    _expect_equal("lower_bound", document["lower_bound"], max(bound["lower_bound"] for bound in bounds))
    _expect_equal("verified_lower_bound", document["verified_lower_bound"], verified)
    is_solved = any(relaxation["solver"] is not None for bound in bounds for relaxation in bound["relaxations"])
    with within("solver"):
        expect(
            (document["solver"] is not None) == is_solved,
            "null, but a relaxation has a solver's word" if is_solved else "named, but no relaxation has its word",
        )
    return verified


def _check_bound(prover: Prover, bound: dict[str, Any], combinatorial: int) -> int:
    """Check one method's bound; give what is verified of it."""
    relaxations = bound["relaxations"]
    with within("relaxations"):
        expect(
            not relaxations or bound["method"] != "combinatorial", "the combinatorial bound comes from no relaxation"
        )
        for index, relaxation in enumerate(relaxations):
            with within(index):
                _check_relaxation(prover, relaxation)
    num_blocks = prover.problem.num_blocks
    believed = max(combinatorial, _combine(relaxations, ("proof", "solver"), num_blocks))
    _expect_equal("lower_bound", bound["lower_bound"], believed)
    return max(combinatorial, _combine(relaxations, ("proof",), num_blocks))


def _check_relaxation(prover: Prover, relaxation: dict[str, Any]) -> None:
    _check_shape(relaxation["spans"], relaxation["demand"], prover.problem.num_blocks)
    if relaxation["proof"] is not None:
        with within("proof"):
            _expect_equal("lower_bound", relaxation["proof"]["lower_bound"], prover.lower_bound(relaxation))
    solver, threshold = relaxation["solver"], relaxation["threshold"]
    if solver is not None and threshold is not None:
        with within("solver", "lower_bound"):
            expect(solver["lower_bound"] <= threshold, f"{solver['lower_bound']} is above the threshold {threshold}")


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
