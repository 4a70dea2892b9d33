"""The lower bounds of a document: whether they follow from their evidence, and which of it is proved again."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from slicegraph.certificate import codec, reduction
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.closing import close
from slicegraph.certificate.compiled import Claim, Compiled
from slicegraph.certificate.costs import CAPACITY
from slicegraph.certificate.log import End, Fact, read_sections
from slicegraph.certificate.node import check_node
from slicegraph.certificate.prices import is_uniform
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.reduction import join
from slicegraph.certificate.relaxation import Prover
from slicegraph.certificate.structure import PlacedError, expect, expect_equal, within
from slicegraph.certificate.tally import Applied, Proof, Tally

_FREE_SHAPE: list[int | None] = [None, 1, None]
_NO_HINTS = codec.pack(b"")
_MOST_HINTS = 2**24
"""Bytes, before they are deflated."""
_SHARE = 3 / 4
"""Of the steps that are left, for the bound that says most; the rest is for the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproved:
    """The lower bound that is proved again, in ticks.

    Attributes
    ----------
    lower_bound
        The bound that is proved again.
    is_cut_short
        Whether a proof that claims more was beyond the budget.
    proved_by
        The rule by which the compiled checker proves it, or else the part of the document that does.
    implementation
        ``"compiled"``, or ``"python"`` if it was requested or the compiled checker does not take the problem.
    rules
        For each rule, how often it was applied, and its steps.
    proof
        The input of the compiled checker, if that has proved the lower bound.
    """

    lower_bound: int
    is_cut_short: bool
    proved_by: str = "combinatorial"
    implementation: str = "compiled"
    rules: Mapping[str, Applied] = field(default_factory=dict)
    proof: Proof | None = None


def check_bounds(problem: Problem, document: dict[str, Any], budget: Budget, *, is_slow: bool = False) -> Reproved:
    """Check that all lower bounds follow from their parts, and prove these again; unproved claims count nothing.

    The compiled checker does merges, cuts and searches, unless plain Python is requested or links are adjacent.

    Raises
    ------
    PlacedError
        When a bound does not follow from its parts, or a proof is invalid.
    """
    bounds, arrangements = document["bounds"], document.get("arrangements", [])
    tally = Tally()
    with within("bounds"):
        if problem.order == "any":
            # All other bounds are for devices in a given order.
            expect(len(bounds) == 1, "in any order of the devices, only the combinatorial bound holds by itself")
        reproved = _check_all(problem, bounds, budget, tally, is_slow=is_slow)
    claimed = max(bound["lower_bound"] for bound in bounds)
    if arrangements:
        with within("arrangements"):
            claimed = max(claimed, _check_arrangements(problem, arrangements))
            reproved = _reprove_arrangements(problem, arrangements, reproved, budget, tally, is_slow=is_slow)
    expect_equal("lower_bound", document["lower_bound"], claimed)
    every = [*bounds, *(bound for each in arrangements for bound in each["bounds"])]
    has_word = any(
        bound["chain"] is not None or any(relaxation["solver"] is not None for relaxation in bound["relaxations"])
        for bound in every
    )
    with within("solver"):
        expect(
            (document["solver"] is not None) == has_word,
            "null, but a bound has a solver's word" if has_word else "named, but no bound has its word",
        )
    # A proof for one order of the devices proves nothing about the others.
    is_best = not arrangements and tally.best is not None and tally.best.threshold == reproved.lower_bound
    return dataclasses.replace(reproved, rules=tally.rules, proof=tally.best if is_best else None)


def _check_all(
    problem: Problem, bounds: list[dict[str, Any]], budget: Budget, tally: Tally, *, is_slow: bool
) -> Reproved:
    combinatorial = problem.combinatorial()
    methods = [bound["method"] for bound in bounds]
    expect("combinatorial" in methods, "none of them is combinatorial")
    twice = next((method for index, method in enumerate(methods) if method in methods[:index]), None)
    expect(twice is None, f"two of them are {twice}")
    for index, bound in enumerate(bounds):
        with within(index):
            _check_claim(problem, bound, combinatorial)
    return _Reprover(problem, combinatorial, budget, tally, is_slow=is_slow).reprove(bounds)


def _check_arrangements(problem: Problem, arrangements: list[dict[str, Any]]) -> int:
    """Check that every order of the devices is there, once, with what its bounds say; give the least of it."""
    orders = {tuple(each["kind_of"]) for each in arrangements}
    wanted = sorted(problem.kind_of)
    expect(len(orders) == len(arrangements), "one order of the devices is there twice")
    expect(all(sorted(order) == wanted for order in orders), "one is no order of the devices")
    counts = [stages.bit_count() for stages in problem.stages_of_kinds]
    number = math.factorial(problem.num_blocks) // math.prod(map(math.factorial, counts))
    expect(len(orders) == number, f"there are {len(orders)}, but the devices can stand in {number} orders")
    for index, each in enumerate(arrangements):
        with within(index):
            said = max((bound["lower_bound"] for bound in each["bounds"]), default=0)
            expect_equal("lower_bound", each["lower_bound"], said)
    return min(int(each["lower_bound"]) for each in arrangements)


def _reprove_arrangements(
    problem: Problem,
    arrangements: list[dict[str, Any]],
    known: Reproved,
    budget: Budget,
    tally: Tally,
    *,
    is_slow: bool,
) -> Reproved:
    """Prove again what is said of each order of the devices, in equal parts of the steps; the least holds for any."""
    lower_bound, is_cut_short = CAPACITY, known.is_cut_short
    for index, each in enumerate(arrangements):
        with within(index, "bounds"):
            part = Budget(budget.left / (len(arrangements) - index), of=budget)
            reproved = _check_all(problem.arranged(each["kind_of"]), each["bounds"], part, tally, is_slow=is_slow)
        lower_bound = min(lower_bound, reproved.lower_bound)
        is_cut_short |= reproved.is_cut_short
    if lower_bound <= known.lower_bound:
        return dataclasses.replace(known, is_cut_short=is_cut_short)
    return dataclasses.replace(known, lower_bound=lower_bound, is_cut_short=is_cut_short, proved_by="arrangements")


def _check_claim(problem: Problem, bound: dict[str, Any], combinatorial: int) -> None:
    """Check that a method's bound is what its parts say."""
    if bound["method"] == "combinatorial":
        is_alone = not bound["relaxations"] and not any(
            bound[part] for part in ("reduction", "downsets", "node", "chain")
        )
        expect(is_alone, "the combinatorial bound comes from nothing else")
    with within("relaxations"):
        for index, relaxation in enumerate(bound["relaxations"]):
            with within(index):
                _check_relaxation(problem, relaxation)
    num_nodes = problem.num_nodes
    if bound["reduction"] is not None:
        with within("reduction", "merges"):
            for index, (_, u, v) in enumerate(bound["reduction"]["merges"]):
                with within(index):
                    expect(max(u, v) < num_nodes, f"{max(u, v)} is no node")
    if bound["node"] is not None:
        with within("node"):
            expect(bound["node"]["node"] < num_nodes, f"{bound['node']['node']} is no node")
    said = max(
        _combine(problem, bound["relaxations"], ("proof", "solver")),
        0 if bound["chain"] is None else bound["chain"]["threshold"],
        *_proofs(problem, bound).values(),
    )
    expect_equal("lower_bound", bound["lower_bound"], max(combinatorial, _capped(bound, said)))


def _proofs(problem: Problem, bound: dict[str, Any]) -> dict[str, int]:
    """Give what each part says that can be proved again, the soonest first."""
    return {
        "relaxations": _combine(problem, bound["relaxations"], ("proof",)),
        "node": 0 if bound["node"] is None else bound["node"]["lower_bound"],
        "downsets": 0 if bound["downsets"] is None else bound["downsets"]["threshold"],
    }


def _capped(bound: dict[str, Any], value: int) -> int:
    """Give what a value on the quotient says of the problem: partitions from the threshold on are left out."""
    return value if bound["reduction"] is None else min(value, bound["reduction"]["threshold"])


@final
class _Reprover:
    """Proves all again, as far as the steps go."""

    def __init__(self, problem: Problem, lower_bound: int, budget: Budget, tally: Tally, *, is_slow: bool) -> None:
        self._problem, self._budget, self._tally = problem, budget, tally
        self._compiled: Compiled | None = None
        # The compiled checker does not count what blocks hand on.
        with contextlib.suppress(OverflowError):
            self._compiled = None if is_slow or problem.adjacent else Compiled(problem, tally)
        self._whole = Prover(problem)
        self._reduced: tuple[dict[str, Any], Prover] | None = None
        self._best, self._proved_by = lower_bound, "combinatorial"

    def reprove(self, bounds: list[dict[str, Any]]) -> Reproved:
        """Go through all bounds, the largest first."""
        left_out = 0
        says = [_capped(bound, max(_proofs(self._problem, bound).values())) for bound in bounds]
        for index in sorted(range(len(bounds)), key=lambda index: (-says[index], index)):
            try:
                with within(index):
                    self._reprove(bounds[index], Budget(_SHARE * self._budget.left, of=self._budget))
            except BeyondBudgetError:
                left_out = max(left_out, says[index])
        is_cut_short = left_out > self._best
        return Reproved(
            lower_bound=self._best,
            is_cut_short=is_cut_short,
            proved_by=self._proved_by,
            implementation="python" if self._compiled is None else "compiled",
        )

    def _reprove(self, bound: dict[str, Any], budget: Budget) -> None:
        if self._compiled is not None:
            self._reprove_compiled(self._compiled, bound, budget)
            return
        downsets = bound["downsets"]
        hints = [] if downsets is None else self._sections(downsets)
        prove: dict[str, Callable[[Prover, Any, Budget], str]] = {
            "relaxations": _check_proofs,
            "node": _check_node,
            "downsets": lambda prover, downsets, budget: _check_downsets(prover, downsets["threshold"], hints, budget),
        }
        prover = self._prover(bound, budget)
        for part, value in _proofs(self._problem, bound).items():
            # That no partition is better than what none beats takes no search.
            is_known = part == "downsets" and value <= self._best
            if bound[part] and not is_known:
                before = budget.left
                with within(part):
                    rule = prove[part](prover, bound[part], budget)
                entries = _num_rows(bound[part]) if part == "relaxations" else 1
                self._tally.add(rule, entries, int(before - budget.left) if budget.is_limited else 0)
                self._raise(_capped(bound, value), rule if part == "downsets" else part)

    def _sections(self, downsets: dict[str, Any]) -> list[Fact | End]:
        """Read how a search was closed, if it takes one."""
        hints = hints_of(downsets)
        with within("downsets"):
            return read_sections(hints) if downsets["threshold"] > self._best else []

    def _reprove_compiled(self, compiled: Compiled, bound: dict[str, Any], budget: Budget) -> None:
        """Let the compiled checker prove what it can, and add up rows here, the soonest first."""
        reduction, node, downsets = bound["reduction"], bound["node"], bound["downsets"]
        values = _proofs(self._problem, bound)
        has_rows = any(relaxation["proof"] is not None for relaxation in bound["relaxations"])
        hints = b"" if downsets is None else hints_of(downsets)
        # That no partition is better than what none beats takes no search.
        is_searched = downsets is not None and downsets["threshold"] > self._best
        if reduction is not None and (has_rows or not (node or is_searched)):
            compiled.check(Claim(reduction=reduction), budget)
        if has_rows:
            prover = self._whole if reduction is None else Prover(join(self._problem, reduction))
            rows = _num_rows(bound["relaxations"])
            with within("relaxations"), self._tally.counted("rows", rows, budget):
                _check_proofs(prover, bound["relaxations"], budget)
            self._raise(_capped(bound, values["relaxations"]), "relaxations")
        if node is not None:
            proved_by = compiled.check(Claim(reduction=reduction, node=(node["node"], node["lower_bound"])), budget)
            self._raise(_capped(bound, values["node"]), proved_by)
        if is_searched:
            claim = Claim(reduction=reduction, threshold=downsets["threshold"], hints=hints)
            proved_by = compiled.check(claim, budget)
            self._raise(_capped(bound, values["downsets"]), proved_by)

    def _raise(self, lower_bound: int, proved_by: str) -> None:
        if lower_bound > self._best:
            self._best, self._proved_by = lower_bound, proved_by

    def _prover(self, bound: dict[str, Any], budget: Budget) -> Prover:
        """Give the prover of what a bound is about; several may be about the same quotient."""
        if bound["reduction"] is None:
            return self._whole
        if self._reduced is None or self._reduced[0] != bound["reduction"]:
            with within("reduction"):
                prover = Prover(reduction.replay(self._problem, bound["reduction"], budget, self._tally))
            self._reduced = bound["reduction"], prover
        return self._reduced[1]


def _num_rows(relaxations: list[dict[str, Any]]) -> int:
    """Count the rows of all proofs."""
    return sum(len(relaxation["proof"]["rows"]) for relaxation in relaxations if relaxation["proof"] is not None)


def hints_of(downsets: dict[str, Any]) -> bytes:
    """Give how a search was closed, as sections of the compiled checker's log; `PlacedError` of what is not packed."""
    with within("downsets", "hints"):
        try:
            return codec.unpack(downsets.get("hints", _NO_HINTS), _MOST_HINTS)
        except ValueError as error:
            raise PlacedError(str(error)) from None


def _check_proofs(prover: Prover, relaxations: list[dict[str, Any]], budget: Budget) -> str:
    """Check that the rows of each relaxation add up to what its proof claims."""
    for index, relaxation in enumerate(relaxations):
        if relaxation["proof"] is not None:
            with within(index, "proof"):
                expect_equal("lower_bound", relaxation["proof"]["lower_bound"], prover.lower_bound(relaxation, budget))
    return "rows"


def _check_node(prover: Prover, node: dict[str, Any], budget: Budget) -> str:
    """Check that every block with a node costs so much."""
    if node["lower_bound"]:
        with _at("lower_bound"):
            check_node(prover.problem, node["node"], node["lower_bound"], budget)
    return "cut"


def _check_downsets(prover: Prover, threshold: int, hints: Sequence[Fact | End], budget: Budget) -> str:
    """Check that no partition is better than a threshold."""
    with _at("threshold"):
        return close(prover.problem.without_spare_blocks(), threshold, hints, budget)


@contextlib.contextmanager
def _at(figure: str) -> Iterator[None]:
    """Name the figure that is refuted inside; what is malformed is something else."""
    try:
        yield
    except PlacedError as error:
        if error.verdict == "refuted":
            error.within(figure)
        raise


def _check_relaxation(problem: Problem, relaxation: dict[str, Any]) -> None:
    _check_shape(relaxation["spans"], relaxation["demand"], problem.num_blocks)
    kind = relaxation.get("kind")
    if kind is not None or (relaxation["spans"] == _FREE_SHAPE and not is_uniform(problem)):
        with within("kind"):
            expect(kind is not None, "it is missing, but stages are of several kinds")
            expect(relaxation["spans"] == _FREE_SHAPE and not is_uniform(problem), "the kind of the block is known")
            expect(kind in problem.kind_of, f"no stage is of kind {kind}")
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


def _combine(problem: Problem, relaxations: list[dict[str, Any]], parts: tuple[str, ...]) -> int:
    """Give the bound of relaxations that cover all partitions, alone or together, believing these parts of each.

    One without a demand, or with a block of the only kind that has blocks of any number around it, holds for every
    partition. One that demands that a given block, or one of a given kind, be the fullest holds for the partitions
    where it is; with one for each block, the least holds for all.
    """
    alone = 0
    by_block: dict[int, int] = {}
    for relaxation in relaxations:
        value = max(0 if relaxation[part] is None else relaxation[part]["lower_bound"] for part in parts)
        spans, demand, kind = relaxation["spans"], relaxation["demand"], relaxation.get("kind")
        if kind is not None:
            blocks = [block for block, each in enumerate(problem.kind_of) if each == kind]
        elif demand is None or spans == _FREE_SHAPE:
            alone, blocks = max(alone, value), []
        else:
            blocks = [sum(spans[:demand])]
        for block in blocks:
            by_block[block] = max(by_block.get(block, 0), value)
    together = min(by_block.values()) if len(by_block) == problem.num_blocks else 0
    return max(alone, together)
