"""Certificates built from the oracle, and proofs added up the slow way: every row written out, variable by variable."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import oracle
import slicegraph as sg
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.reduction import objection
from slicegraph.certificate.ticks import Problem, snap
from slicegraph.formats.arrays import GraphArrays, structure_digest
from strategies import devices, graphs, shaped_graphs, to_graph, to_instance

Relaxation = dict[str, Any]
Evidence = Mapping[str, Any]
"""What a bound rests on but for relaxations, by name."""
NOTHING: Evidence = dict.fromkeys(("reduction", "downsets", "node", "chain"))
Variable = tuple[Any, ...]
Form = tuple[dict[Variable, int], int]
"""Coefficients by variable, and what their sum is at least."""
RULES = ("pull", "push", "together", "cycle")
FREE: list[int | None] = [None, 1, None]
SOLVER = {"name": "HiGHS", "version": "1.15.1", "options": [{"threads": 1, "presolve": "on", "mip_abs_gap": 0.5}]}


@dataclass
class Question:
    """What a certificate is about."""

    data: dict[str, Any]
    device: dict[str, Any]
    num_blocks: int
    boundary_io: bool = False
    ticks: oracle.Ticks = field(init=False)

    def __post_init__(self) -> None:
        self.ticks = oracle.snap(self.data, self.device)
        self.producer: list[int] = self.data["tensors"]["producer"]
        self.consumers: list[list[int]] = self.data["tensors"]["consumers"]
        self.is_output: list[bool] = self.data["tensors"].get("is_output") or [False] * len(self.producer)
        self.num_nodes = len(self.ticks.work)
        self.param_bytes: list[int] = self.data["nodes"].get("param_bytes") or [0] * self.num_nodes
        limit: int | None = self.device.get("memory_limit")
        # What one device has room for binds nothing.
        self.memory_limit = None if limit is None or sum(self.param_bytes) <= limit else limit
        if self.ticks.memory is not None and sum(self.ticks.params) <= self.ticks.memory:
            self.ticks.params = [0] * self.num_nodes
        self.mean_work = -(-sum(self.ticks.work) // self.num_blocks)
        self.figures = {
            name: int(value) if name in ("memory", "memory_limit") else float(value)
            for name, value in self.device.items()
        }

    def block_costs(self, block_of: Sequence[int]) -> list[dict[str, int | None]]:
        options: dict[str, Any] = {"boundary_io": self.boundary_io, "memory_limit": self.memory_limit}
        return oracle.block_costs(self.data, self.ticks, block_of, self.num_blocks, **options)

    @property
    def instance(self) -> sg.Instance:
        """The instance."""
        return to_instance(self.data, self.device, self.num_blocks, boundary_io=self.boundary_io)

    def partitions(self) -> list[tuple[tuple[int, ...], list[dict[str, int | None]], float]]:
        """All acyclic partitions, each with its block costs and its bottleneck."""
        rows = ((block_of, self.block_costs(block_of)) for block_of in oracle.partitions(self.data, self.num_blocks))
        return [(block_of, costs, oracle.bottleneck(costs)) for block_of, costs in rows]

    def optimum(self) -> float:
        """The least bottleneck of all partitions, in ticks; infinite when none fits the memory limit."""
        return min(bottleneck for *_, bottleneck in self.partitions())

    def combinatorial(self) -> int:
        """The bound of the paper, with what memory and the model's border add."""

        def border(tensors: Iterable[int]) -> int:
            crosses = [bool(self.consumers[x]) if self.producer[x] < 0 else self.is_output[x] for x in tensors]
            return sum(self.ticks.transfer[x] for x, is_paid in zip(tensors, crosses, strict=True) if is_paid)

        limit = math.inf if self.memory_limit is None else self.memory_limit
        if any(size > limit for size in self.param_bytes) or sum(self.param_bytes) > self.num_blocks * limit:
            return 2**52
        memory = 2**52 if self.ticks.memory is None else self.ticks.memory
        tensors = range(len(self.producer))
        spilled = max(0, sum(self.ticks.params) - self.num_blocks * memory)
        together = sum(self.ticks.work) + spilled + self.boundary_io * border(tensors)
        best = -(-together // self.num_blocks)
        for v in range(self.num_nodes):
            touched = [x for x in tensors if v in self.consumers[x] or self.producer[x] == v]
            alone = self.ticks.work[v] + max(0, self.ticks.params[v] - memory)
            best = max(best, alone + self.boundary_io * border(touched))
        return best

    def digest(self) -> str:
        return sha(
            {
                "format": "slicegraph-instance-1",
                "device": self.figures,
                "boundary_io": self.boundary_io,
                "num_blocks": self.num_blocks,
                "tick": self.ticks.tick,
                "work": self.ticks.work,
                "transfer": self.ticks.transfer,
                "params": self.ticks.params,
                "memory": self.ticks.memory,
                "memory_limit": self.memory_limit,
                "param_bytes": self.param_bytes,
                "producer": self.producer,
                "consumers": [sorted(row) for row in self.consumers],
                "is_output": self.is_output,
            }
        )


def sha(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def certify(
    question: Question,
    block_of: Sequence[int] | None,
    relaxations: Mapping[str, Sequence[Relaxation]] | None = None,
    evidence: Mapping[str, Evidence] | None = None,
    *,
    arrays: GraphArrays | None = None,
) -> Certificate:
    """The certificate of a partition, and of relaxations and other evidence by method.

    ``arrays`` are those of the question's graph, where it is none that can be made.
    """
    witness = None
    if block_of is not None:
        costs = question.block_costs(block_of)
        witness = {
            "block_of": list(block_of),
            "block_costs": costs[: max(block_of) + 1],
            "bottleneck": oracle.bottleneck(costs),
        }
    given, parts = relaxations or {}, evidence or {}
    bounds = [
        bound_of(question, name, given.get(name, []), parts.get(name, {}))
        for name in dict.fromkeys(["combinatorial", *given, *parts])
    ]
    return Certificate.of(
        {
            "format": "slicegraph-certificate-2",
            "graph": {
                "digest": structure_digest(arrays or to_graph(question.data).arrays),
                "name": question.data["name"],
                "num_nodes": question.num_nodes,
                "num_tensors": len(question.producer),
            },
            "device": question.figures,
            "boundary_io": question.boundary_io,
            "num_blocks": question.num_blocks,
            "tick": question.ticks.tick,
            "instance": question.digest(),
            "witness": witness,
            "lower_bound": max(bound["lower_bound"] for bound in bounds),
            "bounds": bounds,
            "solver": SOLVER if any(map(has_word, bounds)) else None,
        }
    )


def bound_of(question: Question, method: str, relaxations: Sequence[Relaxation], evidence: Evidence) -> dict[str, Any]:
    """A method's bound as the document has it."""
    bound: dict[str, Any] = {"method": method, "lower_bound": 0, "relaxations": relaxations, **NOTHING, **evidence}
    return bound | {"lower_bound": believed_bound(question, bound)}


def believed_bound(question: Question, bound: Mapping[str, Any]) -> int:
    """What a bound's parts give, all of them believed."""
    values = [relaxations_bound(question, bound["relaxations"], ("proof", "solver"))]
    for part, key in (("downsets", "threshold"), ("node", "lower_bound"), ("chain", "threshold")):
        values += [bound[part][key]] if bound[part] else []
    cap = bound["reduction"]["threshold"] if bound["reduction"] else max(values)
    return max(question.combinatorial(), min(cap, max(values)))


def proved_bound(question: Question, bound: Mapping[str, Any]) -> int:
    """What a bound's parts give but for a solver's word."""
    values = [relaxations_bound(question, bound["relaxations"], ("proof",))]
    for part, key in (("downsets", "threshold"), ("node", "lower_bound")):
        values += [bound[part][key]] if bound[part] else []
    cap = bound["reduction"]["threshold"] if bound["reduction"] else max(values)
    return max(question.combinatorial(), min(cap, max(values)))


def has_word(bound: Mapping[str, Any]) -> bool:
    """Whether part of a bound is a solver's word."""
    return bound["chain"] is not None or any(row["solver"] is not None for row in bound["relaxations"])


def relax(
    spans: Sequence[int | None],
    *,
    demand: int | None = None,
    threshold: int | None = None,
    solver: int | None = None,
) -> Relaxation:
    """A relaxation without a proof; `solver` is what a solver says it gives."""
    word = None if solver is None else {"status": "optimal", "dual_bound": float(solver), "lower_bound": solver}
    return {"spans": list(spans), "demand": demand, "threshold": threshold, "proof": None, "solver": word}


def prove(question: Question, relaxation: Relaxation, unit: int, rows: Iterable[list[Any]]) -> Relaxation | None:
    """The relaxation with a proof; None when there is none, as nothing satisfies the rows and there is no threshold."""
    proof: dict[str, Any] = {"unit": unit, "rows": sorted(rows), "lower_bound": 0}
    proved = relaxation | {"proof": proof}
    value = proof_value(question, proved)
    if value is None:
        return None
    proof["lower_bound"] = value
    return proved


def method_bound(question: Question, relaxations: Sequence[Relaxation], parts: Sequence[str]) -> int:
    """What a method's relaxations prove, believing these parts, or the combinatorial bound."""
    return max(question.combinatorial(), relaxations_bound(question, relaxations, parts))


def relaxations_bound(question: Question, relaxations: Sequence[Relaxation], parts: Sequence[str]) -> int:
    """What relaxations prove, believing these parts."""
    best = 0
    family = dict.fromkeys(range(question.num_blocks), 0)
    for relaxation in relaxations:
        value = max((relaxation[part] or {"lower_bound": 0})["lower_bound"] for part in parts)
        if relaxation["demand"] is None or None in relaxation["spans"]:
            best = max(best, value)
        else:
            block = sum(relaxation["spans"][: relaxation["demand"]])
            family[block] = max(family[block], value)
    return max(best, min(family.values()))


def every_row(question: Question, relaxation: Relaxation) -> list[list[Any]]:
    """All rows that a proof may hold, without multipliers."""
    superblocks = range(len(relaxation["spans"]))
    rows: list[list[Any]] = [["order", v, j] for v in range(question.num_nodes) for j in superblocks]
    pairs = {
        (p, w) for p, readers in zip(question.producer, question.consumers, strict=True) if p >= 0 for w in readers
    }
    rows += [["before", u, v, i] for u, v in pairs for i in superblocks[1:]]
    for x, (p, readers) in enumerate(zip(question.producer, question.consumers, strict=True)):
        if p >= 0:
            world = [-1] if question.boundary_io and question.is_output[x] else []
            rows += [["export", x, w, j] for w in [*readers, *world] for j in superblocks]
        if p >= 0 or question.boundary_io:
            rows += [["import", x, w, j] for w in readers for j in superblocks]
    rows += [["cost", j] for j in superblocks if relaxation["spans"][j] is not None]
    if question.ticks.memory is not None:
        rows += [["overflow", j] for j in superblocks if relaxation["spans"][j] is not None]
    return rows if relaxation["demand"] is None else [*rows, ["demand"]]


def row_form(  # noqa: C901, PLR0912 - one case per kind of row
    question: Question, relaxation: Relaxation, unit: int, row: Sequence[Any]
) -> Form:
    """A row as the specification writes it; y[v, 0] = 0 and y[v, J] = 1 are moved to the right."""
    spans, ticks = relaxation["spans"], question.ticks
    left: defaultdict[Variable, int] = defaultdict(int)
    right = 0

    def add_y(v: int, i: int, factor: int) -> None:
        nonlocal right
        if i == len(spans):
            right -= factor
        elif i > 0:
            left["y", v, i] += factor

    def add_x(v: int, j: int, factor: int) -> None:
        add_y(v, j + 1, factor)
        add_y(v, j, -factor)

    match row:
        case ["order", v, j]:
            add_x(v, j, unit)
        case ["before", u, v, i]:
            add_y(u, i, unit)
            add_y(v, i, -unit)
        case ["export", x, w, j]:
            left["cut", x, j] += unit
            add_x(question.producer[x], j, -unit)
            if w != -1:
                add_x(w, j, unit)
        case ["import", x, w, j]:
            left["cut", x, j] += unit
            add_x(w, j, -unit)
            if question.producer[x] >= 0:
                add_x(question.producer[x], j, unit)
        case ["cost", j]:
            left[("t",)] += spans[j]
            left["over", j] -= 1
            for v in range(question.num_nodes):
                add_x(v, j, -ticks.work[v])
            for x, (p, readers) in enumerate(zip(question.producer, question.consumers, strict=True)):
                if question.boundary_io or (p >= 0 and readers):
                    left["cut", x, j] -= ticks.transfer[x]
        case ["overflow", j]:
            assert ticks.memory is not None
            left["over", j] += 1
            right -= spans[j] * ticks.memory
            for v in range(question.num_nodes):
                add_x(v, j, -ticks.params[v])
        case ["demand"]:
            right += question.mean_work
            for v in range(question.num_nodes):
                add_x(v, relaxation["demand"], ticks.work[v])
        case _:
            raise AssertionError(row)
    return left, right


def boxes(question: Question, relaxation: Relaxation) -> dict[tuple[int, int], tuple[int, int]]:
    """The least and largest y[v, i] that the threshold leaves."""
    spans, limit = relaxation["spans"], relaxation["threshold"]
    places = range(1, len(spans))
    if None in spans or not limit:
        return {(v, i): (0, 1) for v in range(question.num_nodes) for i in places}
    found = {}
    for v in range(question.num_nodes):
        last = question.num_blocks + 1 - _need(question, _closure(question, v, forward=True), limit)
        first = _need(question, _closure(question, v, forward=False), limit)
        for i in places:
            end = sum(spans[:i])
            found[v, i] = (1, 1) if last <= end else (0, 0) if first > end else (0, 1)
    return found


def _closure(question: Question, v: int, *, forward: bool) -> set[int]:
    closure = {v}
    while True:
        grown = set(closure)
        for p, readers in zip(question.producer, question.consumers, strict=True):
            if p >= 0 and forward and p in closure:
                grown |= set(readers)
            if p >= 0 and not forward and closure & set(readers):
                grown.add(p)
        if grown == closure:
            return closure
        closure = grown


def _need(question: Question, nodes: set[int], limit: int) -> int:
    ticks = question.ticks
    work, params = sum(ticks.work[v] for v in nodes), sum(ticks.params[v] for v in nodes)
    need = max(1, -(-work // limit))
    if ticks.memory is not None:
        need = max(need, -(-(work + params) // (limit + ticks.memory)))
    if question.memory_limit:
        need = max(need, -(-sum(question.param_bytes[v] for v in nodes) // question.memory_limit))
    return need


def inequality(question: Question, relaxation: Relaxation) -> tuple[int, int]:
    """The factor a and the right side n of the proof's a t >= n."""
    total: defaultdict[Variable, int] = defaultdict(int)
    right = 0
    for *row, multiplier in relaxation["proof"]["rows"]:
        left, least = row_form(question, relaxation, relaxation["proof"]["unit"], row)
        right += multiplier * least
        for variable, factor in left.items():
            total[variable] += multiplier * factor
    factor_of_t = total.pop(("t",), 0)
    box = boxes(question, relaxation)
    for variable, factor in total.items():
        match variable:
            case ["y", v, i]:
                low, high = box[v, i]
            case ["cut", _, _]:
                low, high = 0, 1
            case _:
                low, high = 0, sum(question.ticks.params)
        right -= max(factor * low, factor * high)
    return factor_of_t, right


def proof_value(question: Question, relaxation: Relaxation) -> int | None:
    """What the proof proves; None when it is absurd."""
    factor, right = inequality(question, relaxation)
    threshold: int | None = relaxation["threshold"]
    if factor == 0 and right > 0:
        return threshold
    ticks = question.ticks
    step = math.gcd(*ticks.work, *ticks.transfer, *ticks.params, ticks.memory or 0)
    value = 0
    if factor > 0 and step > 0:
        value = max(0, -(-right // factor))
        value += -value % step
    return value if threshold is None else min(value, threshold)


def random_relaxation(question: Question, random: random.Random, thresholds: Sequence[int | None]) -> Relaxation:
    """Any shape, any threshold of those given, and no proof."""
    threshold = random.choice(thresholds)
    if random.random() < 0.25:
        return relax(FREE, demand=1, threshold=threshold)
    spans: list[int] = []
    while sum(spans) < question.num_blocks:
        spans.append(random.choice([1, random.randint(1, question.num_blocks - sum(spans))]))
    demands = [None, *(j for j, span in enumerate(spans) if span == 1)]
    return relax(spans, demand=random.choice(demands), threshold=threshold)


def random_rows(question: Question, relaxation: Relaxation, random: random.Random) -> list[list[Any]]:
    """Any rows with any multipliers."""
    rows = every_row(question, relaxation)
    chosen = random.sample(rows, random.randint(0, len(rows))) if random.random() < 0.8 else rows
    return [[*row, random.choice([1, 1, 2, 3, 1000])] for row in chosen]


@st.composite
def questions(draw: DrawFn, *, max_nodes: int = 4) -> Question:
    """Any small graph on any device, with up to one block more than nodes."""
    data = draw(graphs(max_nodes=max_nodes))
    num_blocks = draw(st.integers(1, len(data["nodes"]["op"]) + 1))
    return Question(data, draw(devices()), num_blocks, draw(st.booleans()))


@st.composite
def light_questions(draw: DrawFn, *, max_nodes: int = 5) -> Question:
    """A small graph with small whole costs, many of them 0, so that there is much to put together."""
    data = draw(graphs(max_nodes=max_nodes))
    nodes, tensors = data["nodes"], data["tensors"]
    num_nodes, num_tensors = len(nodes["op"]), len(tensors["producer"])

    def some(values: list[Any], count: int) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))

    facts = {"op": nodes["op"], "work": some([0.0, 0.0, 1.0, 2.0, 5.0], num_nodes)}
    facts["param_bytes"] = some([0, 0, 0, 1, 2], num_nodes)
    sizes = some([0, 1, 2, 3, 6], num_tensors)
    light = data | {"nodes": facts, "tensors": tensors | {"size": sizes}}
    return Question(light, draw(_light_devices()), draw(st.integers(1, 3)), draw(st.booleans()))


@st.composite
def shaped_questions(draw: DrawFn, *, max_nodes: int = 6) -> Question:
    """A small graph of the shapes that networks have, with small whole costs."""
    data = draw(shaped_graphs(max_nodes=max_nodes))
    return Question(data, draw(_light_devices()), draw(st.integers(2, 3)), draw(st.booleans()))


@st.composite
def _light_devices(draw: DrawFn) -> dict[str, Any]:
    device: dict[str, Any] = {"bandwidth": 1.0}
    if draw(st.booleans()):
        device["memory"] = draw(st.integers(0, 3))
    if draw(st.integers(0, 3)) == 0:
        device["memory_limit"] = draw(st.integers(0, 5))
    return device


def random_merges(problem: Problem, random: random.Random, threshold: int) -> Iterator[tuple[Quotient, list[Any]]]:
    """Merges that rules allow, in any order, until there are none; each with the quotient before it."""
    quotient, nodes = Quotient(problem), range(len(problem.work))
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


def to_problem(question: Question) -> Problem:
    """What the checker makes of it."""
    return snap(
        to_graph(question.data).arrays,
        question.figures,
        boundary_io=question.boundary_io,
        num_blocks=question.num_blocks,
    )
