"""What a step computes and moves, by the conventions of the ONNX reader."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from slicegraph.formats.facts import Facts, priced, repeated, with_bodies
from slicegraph.formats.traced.folding import Folded, reads_within, used
from slicegraph.formats.traced.program import Body, Step, Value


def facts(step: Step, wanted: AbstractSet[Value], folded: Folded) -> Facts:
    """Say what a step takes.

    A step with bodies takes what its most expensive body takes, as often as it runs, and moves at least its own
    inputs and outputs.

    Parameters
    ----------
    step
        One that is left.
    wanted
        The values around it that somebody uses.
    folded
        What is known of parameters.
    """
    # Bodies that take a parameter as it is count what they make of it.
    within = reads_within(step)
    own = Facts(
        flops=step.flops,
        read_bytes=folded.read_bytes(value for value in step.inputs if value is not step.table) + step.table_bytes,
        write_bytes=sum(value.nbytes for value in set(step.outputs) & wanted),
        parameters=folded.parameters(value for value in step.inputs if value not in within),
        dtype=step.dtype,
        is_view=step.is_view,
        is_guess=step.is_guess,
    )
    return with_bodies(priced(own), [_of_body(body, folded) for body in step.bodies])


def _of_body(body: Body, folded: Folded) -> Facts:
    steps = folded.left[body]
    wanted = used(steps, body.outputs)
    inner = [facts(step, wanted, folded) for step in steps]
    return repeated(inner, body.trips, folded.parameters(body.outputs))
