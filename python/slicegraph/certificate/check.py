"""The checker: it trusts the graph and integer arithmetic, and proves all else again.

It shares no code with the solver, neither with the core nor with the bounds. A claim that it cannot prove again, at all
or within its budget, enters neither the lower bound nor the gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from slicegraph.certificate import codec
from slicegraph.certificate.bounds import check_bounds
from slicegraph.certificate.budget import DEFAULT_STEPS, MOST_STEPS, Budget
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.question import Question
from slicegraph.certificate.structure import PlacedError, check_structure, expect, expect_equal, within
from slicegraph.certificate.tally import Applied, Proof
from slicegraph.certificate.ticks import snap
from slicegraph.certificate.wanted import Wanted
from slicegraph.constraints import Constraints
from slicegraph.device import Device
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.arrays import GraphArrays, structure_digest


@runtime_checkable
class HasArrays(Protocol):
    """A graph whose arrays were checked, such as `slicegraph.Graph`."""

    @property
    def arrays(self) -> GraphArrays:
        """The arrays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The result of a check of a valid certificate: what is proved again, and what is only claimed.

    Attributes
    ----------
    bottleneck
        Seconds of the partition's slowest block; infinite when there is no partition.
    lower_bound
        The lower bound in seconds that is proved again; infinite when it is proved that no partition is within the
        limits.
    claimed_lower_bound
        The lower bound in seconds that the certificate claims: at least `lower_bound`.
    is_cut_short
        Whether a proof of more than `lower_bound` was beyond the budget; else there is no evidence of more.
    proved_by
        The rule that closes the proof of `lower_bound`: ``"combinatorial"``, ``"relaxations"``, ``"arrangements"``,
        ``"cut"``, ``"reach"``, ``"windows"``, ``"incompatible"``, ``"weights"``, ``"labels"``, ``"levels"``,
        ``"bisection"``, ``"split"``, ``"packing"``, ``"tree"``; in plain Python ``"node"`` for a cut that is no hint,
        and ``"downsets"`` where hints do not close it.
    rules
        For each rule, how often it was applied and its steps: merges ``"pull"``, ``"push"``, ``"together"``,
        ``"cycle"``, ``"given"``; ``"rows"`` of relaxations; and what closes a proof.
    implementation
        ``"compiled"``, or ``"python"`` when plain Python has proved it all.
    digest
        SHA-256 of the question in ticks: the graph's costs, devices, stages and constraints.
    """

    bottleneck: float
    lower_bound: float
    claimed_lower_bound: float
    is_cut_short: bool = False
    proved_by: str = field(default="combinatorial", compare=False)
    rules: Mapping[str, Applied] = field(default_factory=dict, compare=False)
    implementation: str = field(default="compiled", compare=False)
    digest: str = field(default="", compare=False)

    @property
    def verdict(self) -> str:
        """``"verified"`` when everything that is claimed is proved again, else ``"undecided"``.

        What is refuted or malformed raises `CertificateError`, which has a ``verdict`` too.
        """
        return "verified" if self.claimed_lower_bound <= self.lower_bound else "undecided"

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck, as proved again: no partition is faster by more."""
        return _gap(self.bottleneck, self.lower_bound)

    @property
    def claimed_gap(self) -> float:
        """The gap to the claimed lower bound."""
        return _gap(self.bottleneck, self.claimed_lower_bound)

    @property
    def status(self) -> str:
        """``"optimal"`` when `gap` is 0, ``"within_gap"`` when it is more.

        Without a partition ``"infeasible"`` when it is proved that none fits the memory limit, else ``"no_partition"``.
        """
        if math.isinf(self.bottleneck):
            return "infeasible" if math.isinf(self.lower_bound) else "no_partition"
        return "within_gap" if self.lower_bound < self.bottleneck else "optimal"


def check(
    graph: HasArrays,
    certificate: Certificate,
    *,
    device: Device | None = None,
    num_blocks: int | None = None,
    boundary_io: bool | None = None,
    devices: Sequence[Device] | Mapping[Device, int] | None = None,
    order: str = "given",
    constraints: Constraints | None = None,
    budget: int = DEFAULT_STEPS,
    slow: bool = False,
) -> Verdict:
    """Check that a certificate holds for a graph, and prove its lower bounds again.

    Parameters
    ----------
    graph
        The graph that was partitioned.
    certificate
        The certificate to check.
    device, num_blocks, boundary_io
        The expected question. None: that of the certificate.
    devices, order
        The expected devices, as for an `slicegraph.Instance`, in place of ``device`` and ``num_blocks``.
    constraints
        The expected constraints. None: those of the certificate, unless ``device`` or ``devices`` are given: then
        there must be none.
    budget
        The most steps for checking merges, minimum cuts, sums of rows and searches of downsets. The same steps give the
        same verdict on any machine; if all of the default are used, the check takes about a minute.
    slow
        Whether plain Python proves it, in place of the compiled checker: a second implementation of the same rules,
        which reads the same hints and is some hundred times slower.

    Returns
    -------
    Verdict
        The claims that are proved again. For unlike devices and constraints these are the partition, its costs, the
        combinatorial bound, merges, minimum cuts and searches of downsets; sums of rows are for devices of one kind.

    Raises
    ------
    CertificateError
        When it does not hold, in one line that names the place in the document and the rule.
    InputError
        When an argument is wrong.

    Notes
    -----
    O(length of the document + nodes + tensors + reads + budget), in time and memory.

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.check(sg.read("resnet50.onnx"), sg.Certificate.read("resnet50.cert.json")).gap  # doctest: +SKIP
    0.0
    """
    _check_arguments(graph, certificate, device, num_blocks, boundary_io, constraints, slow, budget)
    wanted = Wanted.of(
        device=device,
        num_blocks=num_blocks,
        boundary_io=boundary_io,
        devices=devices,
        order=order,
        constraints=constraints,
    )
    return check_within(graph, certificate, Budget(budget), wanted=wanted, is_slow=slow)[0]


def check_within(
    graph: HasArrays, certificate: Certificate, budget: Budget, *, wanted: Wanted | None = None, is_slow: bool = False
) -> tuple[Verdict, Proof | None]:
    """Check as `check` does, with a budget that the caller can end.

    Gives the input of ``slicegraph-checker`` for the lower bound, too; None if the bound is not proved by the compiled
    checker, but by the combinatorial bound, rows of relaxations or plain Python.

    Raises
    ------
    CertificateError
        As of `check`.
    """
    try:
        check_structure(certificate.document)
        _check_seal(certificate.document)
        Question.of(certificate.document)
    except PlacedError as error:
        raise CertificateError(str(error), verdict="malformed") from None
    try:
        if wanted is not None:
            wanted.check(graph.arrays, certificate.document)
        return _check(graph.arrays, certificate.document, budget, is_slow=is_slow)
    except PlacedError as error:
        raise CertificateError(str(error), verdict=error.verdict) from None


def _check_arguments(*arguments: object) -> None:
    kinds = (
        ("graph", HasArrays, "Graph"),
        ("certificate", Certificate, "Certificate"),
        ("device", Device | None, "Device or None"),
        ("num_blocks", int | None, "int or None"),
        ("boundary_io", bool | None, "bool or None"),
        ("constraints", Constraints | None, "Constraints or None"),
        ("slow", bool, "bool"),
        ("budget", int, "int"),
    )
    for (name, kind, wanted), argument in zip(kinds, arguments, strict=True):
        is_flag = isinstance(argument, bool) and name not in ("boundary_io", "slow")
        if is_flag or not isinstance(argument, kind):
            raise InputError(f"{name}: {type(argument).__name__} is given, but {wanted} is asked for")
    budget = arguments[-1]
    if isinstance(budget, int) and not 0 <= budget < MOST_STEPS:
        raise InputError(f"budget = {budget!r:.80}: steps are not negative, and below 2^53")


def _check(
    arrays: GraphArrays, document: dict[str, Any], budget: Budget, *, is_slow: bool
) -> tuple[Verdict, Proof | None]:
    with within("graph"):
        expect_equal("num_nodes", document["graph"]["num_nodes"], len(arrays.op))
        expect_equal("num_tensors", document["graph"]["num_tensors"], len(arrays.size))
        with within("digest"):
            expect(document["graph"]["digest"] == structure_digest(arrays), "the certificate is about another graph")
    problem = snap(arrays, Question.of(document))
    expect_equal("tick", document["tick"], problem.tick)
    with within("instance"):
        expect(document["instance"] == problem.digest(), "the certificate is about another graph, device or question")
    bottleneck = None
    if document["witness"] is not None:
        with within("witness"):
            bottleneck = _check_witness(_of_witness(problem, document["witness"]), document["witness"])
    reproved = check_bounds(problem, document, budget, is_slow=is_slow)
    claimed = document["lower_bound"]
    with within("lower_bound"):
        expect(
            bottleneck is None or claimed <= bottleneck,
            f"{claimed} is above the bottleneck {bottleneck} of the partition, which contradicts it",
        )
    verdict = Verdict(
        bottleneck=math.inf if bottleneck is None else bottleneck * problem.tick,
        lower_bound=problem.seconds(reproved.lower_bound),
        claimed_lower_bound=problem.seconds(claimed),
        is_cut_short=reproved.is_cut_short,
        proved_by=reproved.proved_by,
        rules=reproved.rules,
        implementation=reproved.implementation,
        digest=document["instance"],
    )
    return verdict, reproved.proof


def _of_witness(problem: Problem, witness: dict[str, Any]) -> Problem:
    """Give the problem with its devices in the order that a partition is for."""
    if problem.order == "given":
        return problem
    with within("kind_of"):
        expect(sorted(witness["kind_of"]) == list(problem.kind_of), "this is no order of the devices")
    return problem.arranged(witness["kind_of"])


def _check_seal(document: dict[str, Any]) -> None:
    with within("seal"):
        try:
            seal = codec.seal(document)
        except ValueError as error:
            raise PlacedError(str(error)) from None
        expect(document["seal"] == seal, "the document was changed after it was sealed")


def _check_witness(problem: Problem, witness: dict[str, Any]) -> int:
    """Check that the partition is valid, and that its costs are those stated; give its bottleneck."""
    block_of, block_costs = witness["block_of"], witness["block_costs"]
    with within("block_of"):
        expect(len(block_of) == problem.num_nodes, f"{len(block_of)} entries, but there are {problem.num_nodes} nodes")
        wrong = next((node for node, block in enumerate(block_of) if block >= problem.num_blocks), None)
        expect(wrong is None, f"node {wrong} is in a block that is none of {problem.num_blocks}")
        found = problem.block_costs(block_of)
    with within("block_costs"):
        last = "blocks up to the last that is not empty"
        expect(len(block_costs) == len(found), f"{len(block_costs)} entries, but there are {len(found)} {last}")
        for block, (given, costs) in enumerate(zip(block_costs, found, strict=True)):
            with within(block):
                for name, ticks in costs.items():
                    expect_equal(name, given[name], ticks)
    bottleneck = max(costs["cost"] for costs in found)
    expect_equal("bottleneck", witness["bottleneck"], bottleneck)
    return bottleneck


def _gap(bottleneck: float, lower_bound: float) -> float:
    if math.isinf(bottleneck):
        return 1.0
    return 0.0 if bottleneck <= lower_bound else (bottleneck - lower_bound) / bottleneck
