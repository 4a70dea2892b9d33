"""How often a ``while`` runs, where the module tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from slicegraph.formats.stablehlo.attributes import text
from slicegraph.formats.stablehlo.numbers import Numbers, Rule, numbers_of, rule_of
from slicegraph.formats.stablehlo.values import array_of

MOST_TRIPS: Final = 100_000
"""How often the condition of a loop is tried before its trips count as not known."""
_MOST_STEPS: Final = 500_000
"""Operations that are worked out for one loop, of all trips: some seconds."""
_MOST_OPERATIONS: Final = 10_000
"""Operations that a condition depends on, calls inlined; beyond that its trips are not known."""

Known = dict[Any, Numbers | None]


class Loop:
    """What decides how often a loop runs: its condition, and what that depends on of the body.

    Parameters
    ----------
    op
        The ``while``.
    functions
        What it may call, by name.

    Attributes
    ----------
    captured
        The values around it that the condition depends on.
    """

    def __init__(self, op: Any, functions: Mapping[str, Any]) -> None:  # noqa: ANN401 - MLIR's bindings
        test, body = (region.blocks[0] for region in op.regions)
        needed = _positions(test, {0})
        while not (deeper := _positions(body, needed)) <= needed:
            needed |= deeper
        self._needed = sorted(needed)
        room = _Room(functions)
        self._test, self._step = _Part(test, {0}, room), _Part(body, needed, room)
        self._most = min(MOST_TRIPS, _MOST_STEPS // max(1, _MOST_OPERATIONS - room.left))
        self.captured = list(dict.fromkeys([*self._test.captured, *self._step.captured]))
        self._counted: dict[tuple[Any, ...], int | None] = {}

    def trips(self, given: Sequence[Numbers | None], captured: Sequence[Numbers | None]) -> int | None:
        """Count how often it runs; None: what is known does not tell.

        Notes
        -----
        Works out what the condition depends on, at most `MOST_TRIPS` times; the same numbers are counted once.
        """
        varying = [given[index] for index in self._needed]
        if any(each is None for each in varying):
            return None
        key = tuple(None if each is None else (each.dtype.str, each.tobytes()) for each in (*varying, *captured))
        if key not in self._counted:
            self._counted[key] = self._count(given, dict(zip(self.captured, captured, strict=True)))
        return self._counted[key]

    def _count(self, given: Sequence[Numbers | None], around: Known) -> int | None:
        for trips in range(self._most + 1):
            goes_on = self._test(given, around)[0]
            if goes_on is None:
                return None
            if not goes_on:
                return trips
            given = self._step(given, around)
        return None


class _Room:
    """The functions that may be called, and how many operations may still be worked out."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self.functions = functions
        self.left = _MOST_OPERATIONS


class _Part:
    """Works out some results of a block as far as they are known; the others are not."""

    def __init__(self, block: Any, outputs: set[int], room: _Room) -> None:  # noqa: ANN401 - MLIR's bindings
        self._arguments = list(block.arguments)
        operations = list(block.operations)
        self._outputs = list(operations[-1].operands)
        self._wanted = outputs
        wanted, kept = _behind(operations, {self._outputs[index] for index in outputs})
        room.left -= len(kept)
        made = {*self._arguments, *(result for op in kept for result in op.results)}
        self.captured = [value for value in wanted if value not in made]
        self._steps: list[tuple[list[Any], list[Any], Callable[[list[Numbers | None]], Sequence[Numbers | None]]]] = [
            (list(op.operands), list(op.results), _working(op, room)) for op in kept
        ]

    def __call__(self, given: Sequence[Numbers | None], around: Known) -> list[Numbers | None]:
        values: Known = {**around, **dict(zip(self._arguments, given, strict=True))}
        for operands, results, work in self._steps:
            values.update(zip(results, work([values.get(each) for each in operands]), strict=True))
        return [values.get(each) if at in self._wanted else None for at, each in enumerate(self._outputs)]


def _working(op: Any, room: _Room) -> Callable[[list[Numbers | None]], Sequence[Numbers | None]]:  # noqa: ANN401
    """Give what works out the results of an operation."""
    operation = op.operation
    many = len(operation.results)
    callee = room.functions.get(text(op, "callee")) if operation.name == "func.call" else None
    if callee is not None and room.left > 0:
        inner = _Part(callee.regions[0].blocks[0], set(range(many)), room)
        return lambda given: inner(given, {})
    if many != 1:
        return lambda _given: [None] * many
    rule: Rule | None = rule_of(operation, array_of(operation.results[0].type, operation.name))
    return lambda given: [numbers_of(rule, given)]


def _positions(block: Any, outputs: set[int]) -> set[int]:  # noqa: ANN401 - see above
    """Give the positions of the arguments of a block on which some of its results depend."""
    operations = list(block.operations)
    ends = list(operations[-1].operands)
    wanted, _ = _behind(operations, {ends[index] for index in outputs})
    return {index for index, argument in enumerate(block.arguments) if argument in wanted}


def _behind(operations: Sequence[Any], wanted: set[Any]) -> tuple[list[Any], list[Any]]:
    """Find all values on which some depend, and the operations that make them, in order."""
    found = dict.fromkeys(wanted)
    kept = []
    for op in reversed(operations):
        if any(result in found for result in op.operation.results):
            found.update(dict.fromkeys(op.operation.operands))
            kept.append(op.operation)
    return list(found), kept[::-1]
