"""What is left of a traced program: parameters and what they alone decide fold away, and so does what nobody uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from slicegraph.formats.traced.program import Body, Program, Step, Value

_NUMBER_BYTES: Final = 16  # the widest is complex


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """What is known once parameters are folded.

    Attributes
    ----------
    stored
        For each parameter, the value that stands for it in memory: itself, or the one that it arranges.
    left
        The steps that are left of each body.
    """

    stored: dict[Value, Value] = field(default_factory=dict)
    left: dict[Body, Sequence[Step]] = field(default_factory=dict)

    def bytes_by_store(self, values: Iterable[Value]) -> dict[Value, int]:
        """Give the bytes of distinct values in memory: a parameter and its transpose are one."""
        return {store: store.nbytes for store in (self.stored.get(value, value) for value in values)}

    def parameters(self, values: Iterable[Value]) -> dict[Value, int]:
        """Give the bytes of those that are parameters."""
        return self.bytes_by_store(value for value in values if value in self.stored)


def fold(program: Program) -> tuple[Sequence[Step], Folded]:
    """Give the steps that are left of a program, in order.

    A step is left unless all that it reads are parameters, or nobody needs what it makes.
    """
    folded = Folded(stored={value: value for value in program.parameters})
    return _fold(program.steps, program.outputs, folded), folded


def reads_within(step: Step) -> frozenset[Value]:
    """Give every value that the bodies of a step read or return, at any depth."""
    return frozenset(value for body in step.bodies for value in _reads(body))


def used(steps: Iterable[Step], outputs: Iterable[Value]) -> AbstractSet[Value]:
    """Give the values that some step reads, or that are returned."""
    return frozenset(outputs).union(*(step.inputs for step in steps))


def _fold(steps: Sequence[Step], outputs: Sequence[Value], folded: Folded) -> Sequence[Step]:
    kept = []
    for step in steps:
        if _is_parameter(step, folded.stored):
            folded.stored.update((value, _store(step, value, folded.stored)) for value in step.outputs)
            continue
        for body in step.bodies:
            folded.left[body] = _fold(body.steps, body.outputs, folded)
        kept.append(step)
    return _needed(kept, outputs)


def _store(step: Step, value: Value, stored: Mapping[Value, Value]) -> Value:
    """Find what stands in memory for a parameter; a number made of numbers is written into the program as they are."""
    is_number = value.nbytes <= _NUMBER_BYTES and not any(stored[read].nbytes for read in step.inputs)
    return stored[step.inputs[0]] if step.inputs and (step.is_arranging or is_number) else value


def _is_parameter(step: Step, stored: Mapping[Value, Value]) -> bool:
    return not _is_fresh(step) and all(value in stored for value in step.inputs)


def _is_fresh(step: Step) -> bool:
    return step.is_fresh or any(_is_fresh(inner) for body in step.bodies for inner in body.steps)


def _needed(steps: Sequence[Step], outputs: Iterable[Value]) -> Sequence[Step]:
    needed = set(outputs)
    left = []
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs)
            left.append(step)
    return left[::-1]


def _reads(body: Body) -> Iterator[Value]:
    yield from body.outputs
    for step in body.steps:
        yield from step.inputs
        for inner in step.bodies:
            yield from _reads(inner)
