"""The nodes and tensors of a traced program, as plain arrays."""

from __future__ import annotations

from dataclasses import replace

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.layout import lay_out
from slicegraph.formats.traced.facts import facts_of
from slicegraph.formats.traced.folding import fold, used
from slicegraph.formats.traced.program import Program


def arrays(program: Program) -> GraphArrays:
    """Lay a program out in arrays.

    Returns
    -------
        Nodes in the program's order; tensors: the inputs that somebody uses, then what each node makes for others.

    Raises
    ------
    InputError
        No step is left, or a size is beyond 64 bits.

    Notes
    -----
    Takes O(steps + values), but for what bodies read from outside, which counts once at every depth.
    """
    steps, folded = fold(program)
    if not steps:
        raise InputError("nothing is left to run: what is returned takes parameters alone")
    wanted = used(steps, [*program.outputs, *program.state.values()])
    kept = {new: old.nbytes for old, new in program.state.items()}
    producer = {value: -1 for value in program.inputs if value in wanted}
    producer |= {value: index for index, step in enumerate(steps) for value in step.outputs if value in wanted}
    return lay_out(
        program.name,
        op=[step.op for step in steps],
        node_name=[step.name for step in steps],
        facts=[
            replace(each, state_bytes=sum(kept.get(value, 0) for value in step.outputs))
            for each, step in zip(facts_of(program, steps, folded), steps, strict=True)
        ],
        reads=[dict.fromkeys(step.inputs) for step in steps],
        producer=producer,
        size=(value.nbytes for value in producer),
        tensor_name=[value.name for value in producer],
        returned=frozenset(program.outputs),
    )
