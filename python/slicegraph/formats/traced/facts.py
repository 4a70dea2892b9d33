"""What a step computes and moves, by the conventions of the ONNX reader."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from slicegraph.formats.traced.folding import Folded, reads_within, used
from slicegraph.formats.traced.program import Body, Step, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What one run of a step takes.

    Attributes
    ----------
    flops
        Floating-point operations.
    read_bytes
        Bytes of the distinct values that it reads, parameters included; of a table only what is gathered.
    write_bytes
        Bytes of the outputs that somebody uses.
    parameters
        Bytes of each parameter that it reads, as stored.
    """

    flops: int
    read_bytes: int
    write_bytes: int
    parameters: Mapping[Value, int]

    @property
    def param_bytes(self) -> int:
        """Bytes of all parameters that it reads."""
        return sum(self.parameters.values())


def facts(step: Step, wanted: AbstractSet[Value], folded: Folded) -> Facts:
    """Say what a step takes.

    A step with bodies takes what its dearest body takes, as often as it runs, and moves at least its own inputs and
    outputs.

    Parameters
    ----------
    step
        One that is left.
    wanted
        The values around it that somebody uses.
    folded
        What is known of parameters.
    """
    table = frozenset() if step.table is None else frozenset({step.table})
    # Bodies that take a parameter as it is count what they make of it.
    within = reads_within(step)
    own = Facts(
        flops=step.flops,
        read_bytes=sum(folded.bytes_by_store(set(step.inputs) - table).values()) + step.table_bytes,
        write_bytes=sum(value.nbytes for value in set(step.outputs) & wanted),
        parameters=folded.parameters(set(step.inputs) - within),
    )
    inner = [_of_body(body, folded) for body in step.bodies]
    return replace(
        own,
        flops=max([own.flops, *(part.flops for part in inner)]),
        read_bytes=max([own.read_bytes, *(part.read_bytes for part in inner)]),
        write_bytes=max([own.write_bytes, *(part.write_bytes for part in inner)]),
        parameters={key: size for part in (own, *inner) for key, size in part.parameters.items()},
    )


def _of_body(body: Body, folded: Folded) -> Facts:
    steps = folded.left[body]
    wanted = used(steps, body.outputs)
    inner = [facts(step, wanted, folded) for step in steps]
    parameters = folded.parameters(body.outputs)
    for part in inner:
        parameters |= part.parameters
    return Facts(
        flops=body.trips * sum(part.flops for part in inner),
        read_bytes=body.trips * sum(part.read_bytes for part in inner),
        write_bytes=body.trips * sum(part.write_bytes for part in inner),
        parameters=parameters,
    )
