"""What one run of an operation takes, and how what its bodies take adds up: for readers of models and tracers alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

MOST_UNPACKED: Final = 32
"""How many times as large as what is stored something may be that is unpacked from it: numbers from single bits."""


class Facts(NamedTuple):
    """What one run of an operation takes.

    Attributes
    ----------
    flops
        Floating-point operations.
    read_bytes
        Bytes of the distinct values that it reads, parameters included; of a table only what is gathered.
    write_bytes
        Bytes of the outputs that are used.
    parameters
        Bytes of each parameter that it reads, as stored, by whatever tells parameters apart.
    dtype
        The type that it computes in; "": not known.
    is_view
        It moves nothing: its output is its input under another shape.
    is_guess
        There is no rule for its operations, or for those of a node in its bodies, or their number of trips is unknown.
    state_bytes
        Bytes that it keeps from one run to the next.
    """

    flops: int
    read_bytes: int
    write_bytes: int
    parameters: Mapping[Any, int]
    dtype: str = ""
    is_view: bool = False
    is_guess: bool = False
    state_bytes: int = 0


GUESSED_PER_BYTE: Final = 16
"""Operations for each byte that an operation without a rule moves: some hundred times what an elementwise one takes, a
hundredth of what a large product of matrices does, and so few that accelerators are bound by the bytes."""


def priced(own: Facts) -> Facts:
    """Let a view move nothing, and raise the operations of a guess to what its bytes suggest, and to 1 at least."""
    if own.is_view:
        return own._replace(flops=0, read_bytes=0, write_bytes=0)
    if not own.is_guess:
        return own
    return own._replace(flops=max(1, own.flops, GUESSED_PER_BYTE * (own.read_bytes + own.write_bytes)))


def with_bodies(own: Facts, bodies: Sequence[Facts]) -> Facts:
    """Give what an operation with alternative bodies takes: what the most expensive one does, and at least its own."""
    if not bodies:
        return own
    return own._replace(
        flops=max([own.flops, *(body.flops for body in bodies)]),
        read_bytes=max([own.read_bytes, *(body.read_bytes for body in bodies)]),
        write_bytes=max([own.write_bytes, *(body.write_bytes for body in bodies)]),
        parameters={key: size for part in (own, *bodies) for key, size in part.parameters.items()},
        dtype=_of_most(bodies) or own.dtype,
        is_guess=any(part.is_guess for part in (own, *bodies)),
    )


def repeated(
    parts: Sequence[Facts], trips: int, returned: Mapping[Any, int], *, passed: int = 0, is_guess: bool = False
) -> Facts:
    """Give what a body takes that runs its parts so many times.

    Parameters
    ----------
    parts
        What each of its operations takes.
    trips
        How often it runs.
    returned
        Parameters that it passes on.
    passed
        Bytes that it reads besides: what it returns as it finds it around it, and the condition of a branch.
    is_guess
        The number of times is a guess; the whole is one, too, if one of the parts is.
    """
    parameters = dict(returned)
    for part in parts:
        parameters |= part.parameters
    return Facts(
        flops=trips * sum(part.flops for part in parts),
        read_bytes=trips * (passed + sum(part.read_bytes for part in parts)),
        write_bytes=trips * sum(part.write_bytes for part in parts),
        parameters=parameters,
        dtype=_of_most(parts),
        is_guess=is_guess or any(part.is_guess for part in parts),
    )


def joined(parts: Sequence[Facts]) -> Facts:
    """Give what parts of one operation take together; it is a view when all of them are."""
    if len(parts) == 1:
        return parts[0]
    total = repeated(parts, 1, {})
    is_view, state_bytes = all(part.is_view for part in parts), sum(part.state_bytes for part in parts)
    return total._replace(dtype=total.dtype or parts[-1].dtype, is_view=is_view, state_bytes=state_bytes)


def _of_most(parts: Sequence[Facts]) -> str:
    """Give the type in which the part computes that computes the most."""
    return max(parts, key=lambda part: part.flops).dtype if parts else ""
