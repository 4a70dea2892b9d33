"""Variables that operators read and assign by handles: what they hold from step to step, and from run to run."""

from __future__ import annotations

from collections.abc import Sequence

import tflite

from slicegraph.formats.tflite.model import Operator
from slicegraph.formats.traced import Value


class Variables:
    """The variables of one model; they are those of all its subgraphs.

    What a run assigns is state of who assigns it last. One that no run assigns is a parameter, whatever subgraph of
    ``CALL_ONCE`` fills it.

    Parameters
    ----------
    state
        The value of each variable before and after a run, filled in as they are assigned.
    """

    def __init__(self, state: dict[Value, Value]) -> None:
        self._state = state
        self._names: dict[Value, str] = {}
        self._begun: dict[str, Value] = {}
        self._held: dict[str, Value] = {}
        self._inside: dict[str, int] = {}

    def step(
        self, operator: Operator, inputs: Sequence[Value], outputs: Sequence[Value]
    ) -> tuple[list[Value], list[Value]]:
        """Give what an operator reads and makes, where handles stand for what they point to."""
        read, made = list(inputs), list(outputs)
        if operator.op == "VAR_HANDLE" and made:
            options = operator.options(tflite.VarHandleOptions)
            shared = options.SharedName()
            self._names[made[0]] = made[0].name if shared is None else shared.decode("utf-8", "replace")
        elif operator.op == "READ_VARIABLE" and read and made:
            read = [self._now(self._name(read[0]), made[0].nbytes)]
        elif operator.op == "ASSIGN_VARIABLE" and len(read) > 1:
            read = read[1:]
            made = [self._assign(self._name(inputs[0]), read[0].nbytes)]
        return read, made

    def pass_on(self, given: Sequence[Value], taken: Sequence[Value | None]) -> None:
        """Say that handles go into a subgraph as its own, or come out of one as what its operator makes."""
        pairs = zip(given, taken, strict=False)
        self._names.update((other, self._names[value]) for value, other in pairs if other and value in self._names)

    def enter(self) -> dict[str, Value]:
        """Begin a subgraph that an operator runs; give what variables hold before."""
        return dict(self._held)

    def leave(self, before: dict[str, Value]) -> list[Value]:
        """End a subgraph: variables hold what they did before. Give what it leaves in those that it has assigned."""
        changed = {name: held for name, held in self._held.items() if held is not before.get(name, self._begun[name])}
        self._inside.update((name, held.nbytes) for name, held in changed.items())
        self._held = {**self._begun, **before}
        return list(changed.values())

    def after_subgraphs(self) -> tuple[list[Value], list[Value]]:
        """Give the variables that an operator's subgraphs have assigned, as they are before and after it."""
        inside, self._inside = self._inside, {}
        return [self._now(name, size) for name, size in inside.items()], [
            self._assign(name, size) for name, size in inside.items()
        ]

    def constants(self) -> list[Value]:
        """Give what is read and never assigned."""
        return [value for value in self._begun.values() if value not in self._state]

    def _name(self, handle: Value) -> str:
        return self._names.setdefault(handle, handle.name)

    def _now(self, name: str, nbytes: int) -> Value:
        if name not in self._begun:
            self._begun[name] = Value(nbytes=nbytes, name=name)
            self._held[name] = self._begun[name]
        return self._held[name]

    def _assign(self, name: str, nbytes: int) -> Value:
        self._now(name, nbytes)
        self._held[name] = Value(nbytes=nbytes, name=name)
        self._state[self._begun[name]] = self._held[name]
        return self._held[name]
