"""The checker: believes the graph and integer arithmetic, and nothing else that it has not proved again.

It shares no code with what solves, neither the compiled core nor the bounds. What it cannot prove again, such as a
solver's word, or cannot within its budget, enters nothing that it says is so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from slicegraph.certificate import codec
from slicegraph.certificate.bounds import check_bounds
from slicegraph.certificate.budget import DEFAULT_STEPS, Budget
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.structure import PlacedError, check_structure, expect, expect_equal, within
from slicegraph.certificate.ticks import Problem, snap
from slicegraph.device import Device
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.arrays import GraphArrays, structure_digest

_MOST_STEPS = 2**53


@runtime_checkable
class HasArrays(Protocol):
    """A graph whose arrays were checked, such as `slicegraph.Graph`."""

    @property
    def arrays(self) -> GraphArrays:
        """The arrays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What is proved again of a certificate that holds, and beside it what is only claimed.

    Attributes
    ----------
    bottleneck
        Seconds of the partition's slowest block; infinite when there is no partition.
    lower_bound
        Seconds that no partition beats, proved again here; infinite when it is proved that none fits the memory limit.
    claimed_lower_bound
        Seconds that no partition beats if all that the certificate says is true: at least `lower_bound`.
    is_cut_short
        Whether a proof of more than `lower_bound` was beyond the budget; what else is claimed is somebody's word.
    """

    bottleneck: float
    lower_bound: float
    claimed_lower_bound: float
    is_cut_short: bool = False

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck: no partition is faster by more, proved again here."""
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
    budget: int = DEFAULT_STEPS,
) -> Verdict:
    """Check that a certificate holds for a graph, and prove again what it says.

    Parameters
    ----------
    graph
        What was cut.
    certificate
        What is claimed of it.
    device, num_blocks, boundary_io
        What the certificate should be about. None: whatever it says.
    budget
        Steps, at most, in which merges, minimum cuts, sums of rows and searches of downsets are gone through again. The
        same steps give the same verdict on any machine; those by default take less than five seconds.

    Returns
    -------
    Verdict
        What is proved again.

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
    _check_arguments(graph, certificate, device, num_blocks, boundary_io, budget)
    try:
        figures = device and device.for_types(graph.arrays.dtype).to_mapping()
        wanted = {"device": figures, "num_blocks": num_blocks, "boundary_io": boundary_io}
        _check_form(certificate.document, wanted)
        return _check(graph.arrays, certificate.document, Budget(budget))
    except PlacedError as error:
        raise CertificateError(str(error)) from None


def _check_arguments(*arguments: object) -> None:
    kinds = (
        ("graph", HasArrays, "Graph"),
        ("certificate", Certificate, "Certificate"),
        ("device", Device | None, "Device or None"),
        ("num_blocks", int | None, "int or None"),
        ("boundary_io", bool | None, "bool or None"),
        ("budget", int, "int"),
    )
    for (name, kind, wanted), argument in zip(kinds, arguments, strict=True):
        is_flag = isinstance(argument, bool) and name != "boundary_io"
        if is_flag or not isinstance(argument, kind):
            raise InputError(f"{name}: {type(argument).__name__} is given, but {wanted} is asked for")
    budget = arguments[-1]
    if isinstance(budget, int) and not 0 <= budget < _MOST_STEPS:
        raise InputError(f"budget = {budget!r:.80}: steps are not negative, and below 2^53")


def _check_form(document: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Check what takes no graph, and that the question is the one that was expected."""
    check_structure(document)
    _check_seal(document)
    for name, value in wanted.items():
        with within(name):
            is_wanted = value is None or document[name] == value
            expect(is_wanted, f"the certificate is about {document[name]}, but {value} is asked for")


def _check(arrays: GraphArrays, document: dict[str, Any], budget: Budget) -> Verdict:
    with within("graph"):
        expect_equal("num_nodes", document["graph"]["num_nodes"], len(arrays.op))
        expect_equal("num_tensors", document["graph"]["num_tensors"], len(arrays.size))
        with within("digest"):
            expect(document["graph"]["digest"] == structure_digest(arrays), "the certificate is about another graph")
    problem = snap(arrays, document["device"], boundary_io=document["boundary_io"], num_blocks=document["num_blocks"])
    expect_equal("tick", document["tick"], problem.tick)
    with within("instance"):
        expect(document["instance"] == problem.digest(), "the certificate is about another graph, device or question")
    bottleneck = None
    if document["witness"] is not None:
        with within("witness"):
            bottleneck = _check_witness(problem, document["witness"])
    reproved = check_bounds(problem, document, budget)
    claimed = document["lower_bound"]
    with within("lower_bound"):
        expect(
            bottleneck is None or claimed <= bottleneck,
            f"{claimed} is above the bottleneck {bottleneck} of the partition, which contradicts it",
        )
    return Verdict(
        bottleneck=math.inf if bottleneck is None else bottleneck * problem.tick,
        lower_bound=problem.seconds(reproved.lower_bound),
        claimed_lower_bound=problem.seconds(claimed),
        is_cut_short=reproved.is_cut_short,
    )


def _check_seal(document: dict[str, Any]) -> None:
    with within("seal"):
        try:
            seal = codec.seal(document)
        except ValueError as error:
            raise PlacedError(str(error)) from None
        expect(document["seal"] == seal, "the document was changed after it was sealed")


def _check_witness(problem: Problem, witness: dict[str, Any]) -> int:
    """Check that the partition is one, and costs what is said; give its bottleneck."""
    block_of, block_costs = witness["block_of"], witness["block_costs"]
    with within("block_of"):
        expect(len(block_of) == len(problem.work), f"{len(block_of)} entries, but there are {len(problem.work)} nodes")
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
