"""Folding of a traced program: parameters and values of parameters alone are folded, and unused values are dropped."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from slicegraph.formats.facts import MOST_UNPACKED
from slicegraph.formats.traced.program import Body, Program, Step, Value

_NUMBER_BYTES: Final = 16  # the widest is complex


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """What is known once parameters are folded.

    Attributes
    ----------
    stored
        For each parameter, the values that stand for it in memory: itself, or those that it is unpacked from.
    left
        The steps that are left of each body.
    shown
        Bytes of memory behind each view of what is no parameter: it may be smaller than what it shows.
    """

    stored: dict[Value, Sequence[Value]] = field(default_factory=dict)
    left: dict[Body, Sequence[Step]] = field(default_factory=dict)
    shown: dict[Value, int] = field(default_factory=dict)
    _given: set[Value] = field(default_factory=set)
    _pieces: dict[Hashable, Value] = field(default_factory=dict)
    _same: dict[Value, Value] = field(default_factory=dict)
    _twins: dict[Hashable, Value] = field(default_factory=dict)

    def give(self, parameters: Iterable[Value]) -> None:
        """Say what the program is given once; each of these is stored as it is."""
        for value in parameters:
            self.stored[value] = (value,) if value.nbytes else ()
            self._given.add(value)

    def add(self, step: Step) -> None:
        """Say that a step reads parameters alone, so that what it makes are parameters."""
        recipe = self._recipe(step)
        for index, value in enumerate(step.outputs):
            twin = value if recipe is None else self._twins.setdefault((recipe, index, value.nbytes), value)
            self.stored[value] = self._stores(step, index, value) if twin is value else self.stored[twin]
            if recipe is not None:
                self._same[value] = twin

    def read_bytes(self, values: Iterable[Value]) -> int:
        """Give the bytes that are read of distinct values: of a parameter no more than what stands for it in memory.

        Two of which the same is stored, as a parameter and its transpose, are one.
        """
        total = 0
        alike: dict[Sequence[Value], int] = {}
        for value in dict.fromkeys(values):
            if value in self.stored:
                alike[self.stored[value]] = alike.get(self.stored[value], 0) + value.nbytes
            else:
                total += self.shown.get(value, value.nbytes)
        return total + sum(min(own, _total(stores)) for stores, own in alike.items())

    def parameters(self, values: Iterable[Value]) -> dict[Value, int]:
        """Give the bytes of what stands in memory for those that are parameters."""
        return {store: store.nbytes for value in values for store in self.stored.get(value, ())}

    def _recipe(self, step: Step) -> Hashable:
        """Tell what a step makes of nothing, such as a mask, so that the same that is made again is one; None: no such.

        Numbers are told apart by what they are called.
        """
        known = [self._same.get(value, value.name if value.nbytes == 0 else None) for value in step.inputs]
        if step.recipe is None or any(each is None for each in known):
            return None
        return step.op, step.recipe(), step.dtype, tuple(known)

    def _stores(self, step: Step, index: int, value: Value) -> Sequence[Value]:
        """Find what stands in memory for a parameter.

        What a program unpacks anew in each run is stored as it is packed. It may store a number that is made of numbers
        as a number, too; and what it makes of nothing, or of far less, only as it is made.
        """
        if step.is_arranging:
            return self.stored[step.inputs[0]]
        if step.piece is not None:
            return self._piece(step, step.piece, index, value)
        stores = tuple(dict.fromkeys(store for read in step.inputs for store in self.stored[read]))
        if step.inputs and not stores and value.nbytes <= _NUMBER_BYTES:
            return ()
        packed = tuple(store for store in stores if store in self._given)
        return packed if packed and value.nbytes <= MOST_UNPACKED * _total(packed) else (value,)

    def _piece(self, step: Step, piece: str, index: int, value: Value) -> Sequence[Value]:
        """Find what stands in memory for a piece of a parameter: its part of that, and the same for the same piece."""
        whole, *others = step.inputs
        stores = self.stored[whole]
        stored = _total(stores)
        if value.nbytes >= whole.nbytes or not stored:
            return stores
        key = (stores, piece, index, *(other.name if other.nbytes == 0 else other for other in others))
        if key not in self._pieces:
            share = -(-value.nbytes * max(stored, whole.nbytes) // whole.nbytes)
            self._pieces[key] = Value(nbytes=min(share, stored), name=value.name)
            if self._given.issuperset(stores):
                self._given.add(self._pieces[key])
        return (self._pieces[key],)


def fold(program: Program) -> tuple[Sequence[Step], Folded]:
    """Give the steps that are left of a program, in order.

    A step is left unless all that it reads are parameters, or its results are not used.
    """
    folded = Folded()
    folded.give(program.parameters)
    return _fold(program.steps, [*program.outputs, *program.state.values()], folded), folded


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
            folded.add(step)
            continue
        if step.is_view and step.inputs:
            behind = folded.shown.get(step.inputs[0], step.inputs[0].nbytes)
            folded.shown.update((value, min(value.nbytes, behind)) for value in step.outputs)
        for body in step.bodies:
            folded.left[body] = _fold(body.steps, body.outputs, folded)
        kept.append(step)
    return _needed(kept, outputs)


def _total(stores: Iterable[Value]) -> int:
    return sum(store.nbytes for store in stores)


def _is_parameter(step: Step, stored: Container[Value]) -> bool:
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
