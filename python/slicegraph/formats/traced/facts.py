"""What a step computes and moves, by the conventions of the ONNX reader."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet

from slicegraph.formats.facts import Facts, priced, repeated, with_bodies
from slicegraph.formats.in_place import Placement, Use, in_place
from slicegraph.formats.traced.folding import Folded, reads_within, used
from slicegraph.formats.traced.program import Body, Program, Step, Value


def facts_of(program: Program, steps: Sequence[Step], folded: Folded) -> Sequence[Facts]:
    """Say what each step takes that is left of a program.

    A step with bodies takes what its most expensive body takes, as often as it runs, and moves at least its own
    inputs and outputs; what stands in bodies as itself is read as they read it.

    Parameters
    ----------
    program
        The program.
    steps
        Those that are left.
    folded
        What is known of parameters.
    """
    returned = [*program.outputs, *program.state.values()]
    known = frozenset(program.inputs) | program.state.keys() | folded.stored.keys()
    return _facts(steps, returned, folded, known, state=program.state.keys(), lent=program.inputs)


def _facts(
    steps: Sequence[Step],
    returned: Sequence[Value],
    folded: Folded,
    known: frozenset[Value],
    *,
    state: Collection[Value],
    lent: Collection[Value],
) -> Sequence[Facts]:
    """Say what the steps of a program or a body take; ``known`` are the values around them."""
    wanted = used(steps, returned)
    uses = [
        Use(reads=step.inputs, makes=step.outputs, base=step.base, is_view=step.is_view, region=step.region)
        for step in steps
    ]
    places = in_place(uses, returned, state=state, lent=lent)
    inner = known.union(*(step.outputs for step in steps)) if any(step.bodies for step in steps) else known
    return [_of_step(step, wanted, folded, inner, places.get(index)) for index, step in enumerate(steps)]


def _of_step(
    step: Step, wanted: AbstractSet[Value], folded: Folded, known: frozenset[Value], place: Placement | None
) -> Facts:
    # Bodies that take a parameter as it is count what they make of it.
    within = reads_within(step)
    if place is None:
        read_bytes = folded.read_bytes(
            value for value in step.inputs if value is not step.table and value not in within
        )
        if step.table is not None:
            # Of what is unpacked from a parameter, its part of what is stored.
            stored = min(step.table.nbytes, folded.read_bytes([step.table]))
            read_bytes += step.table_bytes * stored // max(1, step.table.nbytes)
        write_bytes = sum(value.nbytes for value in set(step.outputs) & wanted)
    elif place is Placement.WRITTEN_BACK:
        read_bytes = write_bytes = 0
    else:
        read_bytes = folded.read_bytes(value for value in step.inputs if value is not step.base)
        read_bytes += step.changed_bytes * step.is_combining
        write_bytes = step.changed_bytes
    own = Facts(
        flops=step.flops,
        read_bytes=read_bytes,
        write_bytes=write_bytes,
        parameters=folded.parameters(value for value in step.inputs if value not in within),
        dtype=step.dtype,
        is_view=step.is_view or place is Placement.WRITTEN_BACK,
        is_guess=step.is_guess,
    )
    besides = own.read_bytes if len(step.bodies) > 1 else None
    return with_bodies(priced(own), [_of_body(body, folded, known, besides) for body in step.bodies])


def _of_body(body: Body, folded: Folded, known: frozenset[Value], besides: int | None) -> Facts:
    """Say what a body takes; of a branch, ``besides`` are the bytes of what no branch reads, as the condition."""
    steps = folded.left[body]
    # Values that the body reads and that are not known outside it change from run to run.
    own = used(steps, body.outputs) - known
    inner = _facts(steps, body.outputs, folded, known, state=(), lent=own)
    passed = folded.read_bytes(value for value in body.outputs if value in known)
    passed = 0 if besides is None else besides + passed
    return repeated(inner, body.trips, folded.parameters(body.outputs), passed=passed, is_guess=body.is_guess)
