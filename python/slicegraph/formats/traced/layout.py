"""The nodes and tensors of a traced program, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.facts import joined
from slicegraph.formats.layout import lay_out
from slicegraph.formats.traced.facts import facts_of
from slicegraph.formats.traced.folding import fold
from slicegraph.formats.traced.layers import Node, layers_of
from slicegraph.formats.traced.program import Program, Step, Value
from slicegraph.formats.training import with_loose_tensors


def arrays(program: Program) -> GraphArrays:
    """Lay a program out in arrays.

    Returns
    -------
        Nodes in the program's order; tensors: the inputs that are used, then what each node makes for others.

    Raises
    ------
    InputError
        No step is left, a size is beyond 64 bits, or a training program has no backward pass.

    Notes
    -----
    Takes O(steps + values), but for what bodies read from outside, which counts once at every depth.
    """
    steps, folded = fold(program)
    if not steps:
        raise InputError("nothing is left to run: what is returned takes parameters alone")
    groups = _grouped(steps)
    reads = [_reads(group) for group in groups]
    wanted = frozenset([*program.outputs, *program.state.values()]).union(*reads)
    kept = {new: old.nbytes for old, new in program.state.items()}
    producer = {value: -1 for value in program.inputs if value in wanted}
    producer |= {
        value: index
        for index, group in enumerate(groups)
        for step in group
        for value in step.outputs
        if value in wanted
    }
    each_step = iter(
        each._replace(state_bytes=sum(kept.get(value, 0) for value in step.outputs))
        for each, step in zip(facts_of(program, steps, folded), steps, strict=True)
    )
    facts = [joined(list(islice(each_step, len(group)))) for group in groups]
    laid_out = lay_out(
        program.name,
        op=[_leading(group).op for group in groups],
        node_name=[_leading(group).name for group in groups],
        facts=facts,
        reads=reads,
        producer=producer,
        size=(value.nbytes for value in producer),
        tensor_name=[value.name for value in producer],
        returned=frozenset(program.outputs),
    )
    if program.origins is None:
        return laid_out
    nodes = [
        Node(
            origin=program.origins[_leading(group)],
            keys={program.origins[step].key for step in group},
            makers={maker for value in read if (maker := producer.get(value, -1)) >= 0},
            parameters=fact.parameters.keys(),
        )
        for group, read, fact in zip(groups, reads, facts, strict=True)
    ]
    is_backward, layer_of = layers_of(nodes)
    if not any(is_backward):
        raise InputError("training: no node is of a backward pass, as jax.grad and jax.value_and_grad make it")
    return with_loose_tensors(laid_out, is_backward, layer_of)


def _grouped(steps: Sequence[Step]) -> list[list[Step]]:
    """Put steps together that are parts of one operation; in a row, so that no cycle comes of it."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and step.owner is not None and step.owner == groups[-1][-1].owner:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _leading(group: Sequence[Step]) -> Step:
    """Give the step that a group is called by: the last that moves something."""
    return next((step for step in reversed(group) if not step.is_view), group[-1])


def _reads(group: Sequence[Step]) -> dict[Value, None]:
    """Give what a group reads that it does not make, in order."""
    own = {value for step in group for value in step.outputs}
    return {value: None for step in group for value in step.inputs if value not in own}
