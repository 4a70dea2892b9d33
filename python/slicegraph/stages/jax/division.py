"""Which steps of a traced program a stage runs, what it reads and makes, and which parameters it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slicegraph.errors import InputError
from slicegraph.formats.jax.tracing import TracedProgram
from slicegraph.formats.traced import Step, Value
from slicegraph.formats.traced.folding import fold


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one stage has of a program.

    Attributes
    ----------
    block
        Its number.
    steps
        What it runs in each run, in order: its nodes, and what they need that is made of parameters alone.
    inputs, outputs
        Values of the model or of earlier stages that it reads; values that it makes for others, or that are returned.
    parameters
        What it needs that does not change from run to run: arguments, arrays that the function closes over, and parts
        of them.
    preparation
        The steps that make the parts, in order.
    """

    block: int
    steps: Sequence[Step]
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    parameters: Sequence[Value]
    preparation: Sequence[Step]


class Division:
    """A program and a partition of its nodes.

    Parameters
    ----------
    traced
        The program.
    block_of
        The block of each node.

    Raises
    ------
    InputError
        A value runs to an earlier block.
    """

    def __init__(self, traced: TracedProgram, block_of: Sequence[int]) -> None:
        program = traced.program
        kept, folded = fold(program)
        self._literals = traced.literals
        self._inputs = frozenset(program.inputs)
        self._position = {step: index for index, step in enumerate(program.steps)}
        self._maker = {value: step for step in program.steps for value in step.outputs if value in folded.stored}
        self._stored = frozenset(folded.stored)
        self._blocks = sorted(set(block_of))
        self._nodes = {block: [kept[node] for node in _members(block_of, block)] for block in self._blocks}
        self.returned = program.outputs
        self.made = {value: block for block, nodes in self._nodes.items() for step in nodes for value in step.outputs}
        self._readers: dict[Value, set[int]] = {}
        for block, nodes in self._nodes.items():
            for value in (value for step in nodes for value in step.inputs):
                self._readers.setdefault(value, set()).add(block)
                if self.made.get(value, block) > block:
                    earlier = f"block {block} reads what block {self.made[value]} makes, {value.name!r}"
                    raise InputError(f"plan: {earlier}: tensors run to later blocks")

    def shares(self) -> list[Share]:
        """Divide the program; blocks without nodes are left out."""
        wanted = frozenset(self.returned)
        found = []
        for block, nodes in self._nodes.items():
            made = dict.fromkeys(value for step in nodes for value in step.outputs)
            read = dict.fromkeys(value for step in nodes for value in step.inputs if value not in made)
            unpacking, parameters = self._needs(read)
            preparation, _ = self._needs(parameters, stops=False)
            found.append(
                Share(
                    block=block,
                    steps=self._in_order([*unpacking, *nodes]),
                    inputs=[value for value in read if value in self._inputs or value in self.made],
                    outputs=[v for v in made if v in wanted or self._readers.get(v, set()) - {block}],
                    parameters=parameters,
                    preparation=self._in_order(preparation),
                )
            )
        return found

    def constant(self) -> tuple[list[Step], list[Value]]:
        """Give the steps that make what is returned of parameters alone, and the parameters that they need."""
        steps, parameters = self._needs(dict.fromkeys(self.returned), stops=False)
        return self._in_order(steps), parameters

    def _needs(self, values: Iterable[Value], *, stops: bool = True) -> tuple[set[Step], list[Value]]:
        """Find the steps that make some values of parameters alone, and the parameters that these begin with.

        Parts of parameters count as parameters where it ``stops`` at them.
        """
        steps: set[Step] = set()
        begins: dict[Value, None] = {}
        seen: set[Value] = set()
        waiting = [value for value in values if value in self._stored]
        for value in waiting:  # grows
            if value in seen or value in self._literals:
                continue
            seen.add(value)
            step = self._maker.get(value)
            if step is None or (stops and self.is_part(value)):
                begins[value] = None
            else:
                steps.add(step)
                waiting += step.inputs
        return steps, list(begins)

    def is_part(self, value: Value) -> bool:
        """Say whether a value is a part that is cut out of a larger parameter, or that without axes of length 1."""
        step = self._maker.get(value)
        if step is None:
            return False
        if step.op == "squeeze":
            return self.is_part(step.inputs[0])
        return step.piece is not None and value.nbytes < step.inputs[0].nbytes and self._is_given(value)

    def begins(self, values: Iterable[Value]) -> dict[Value, None]:
        """Give the arguments, and the arrays that the function closes over, of which some values are made."""
        return dict.fromkeys(self._needs(values, stops=False)[1])

    def maker(self, value: Value) -> Step | None:
        """Give the step that makes a value of parameters alone; None: it is a parameter, or is made in each run."""
        return self._maker.get(value)

    def _is_given(self, value: Value) -> bool:
        """Say whether a value is made of arguments, not only of numbers."""
        return bool(self.begins([value]))

    def _in_order(self, steps: Iterable[Step]) -> list[Step]:
        return sorted(steps, key=self._position.__getitem__)


def _members(block_of: Sequence[int], block: int) -> list[int]:
    return [node for node, of in enumerate(block_of) if of == block]
