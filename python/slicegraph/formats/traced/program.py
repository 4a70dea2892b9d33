"""What a tracer writes down: the steps of a program in order, and the values between them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Value:
    """One value; two are the same only if they are one object.

    Attributes
    ----------
    nbytes
        Its size; 0 for a number that is written into the program.
    name
        What it is called, for reports.
    """

    nbytes: int
    name: str = ""


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Body:
    """Steps that a step runs.

    A value of the program around it that does not change from run to run stands in a body as itself; whatever does
    change is a value of the body's own, which nothing in the body makes.

    Attributes
    ----------
    steps
        In order.
    outputs
        What the body returns.
    trips
        How often one run of the step runs it.
    is_guess
        How often that is, is not known.
    """

    steps: Sequence[Step]
    outputs: Sequence[Value]
    trips: int = 1
    is_guess: bool = False


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Step:
    """One operation of a program.

    Attributes
    ----------
    op, name
        Its operator, and what it is called, for reports.
    inputs, outputs
        What it reads and makes.
    flops
        Floating-point operations, bodies apart.
    dtype
        The type that it computes in, bodies apart; "": not known.
    is_guess
        There is no rule for what it computes.
    is_view
        It moves nothing: its output is its input under another shape.
    is_arranging
        It only arranges its first input: of a parameter so arranged, what is stored stays what is read.
    piece
        Which piece of its first input it takes, in words that tell pieces of one value apart; None: it takes none.
    recipe
        Gives words that, with its inputs, tell what it makes from all else; None: there are no such words.
    is_fresh
        It may give another result each time, as random numbers do: it is no parameter whatever it reads.
    table, table_bytes
        The input of which it reads only a part, and that part; None: it reads all of every input.
    base, changed_bytes
        The input of which its output is a changed copy, and how many bytes it changes; None: it changes none.
    is_combining
        It combines what it changes with what stands in its place, so reads that, too.
    region
        Which part of its first input a view shows, or which part of its base it changes; see
        `slicegraph.formats.in_place`.
    bodies
        Steps that it runs: one body, or those of which it runs one.  Empty for an ordinary step.
    owner
        The operation that a user knows of which this is a part; steps in a row with one owner are one node.  None: the
        step is a node of its own.
    """

    op: str
    name: str
    inputs: Sequence[Value]
    outputs: Sequence[Value]
    flops: int = 0
    dtype: str = ""
    is_guess: bool = False
    is_view: bool = False
    is_arranging: bool = False
    piece: str | None = None
    recipe: Callable[[], str] | None = None
    is_fresh: bool = False
    table: Value | None = None
    table_bytes: int = 0
    base: Value | None = None
    changed_bytes: int = 0
    is_combining: bool = False
    region: Hashable = None
    bodies: Sequence[Body] = ()
    owner: Hashable = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a step of a training program comes from.

    Attributes
    ----------
    key
        What an operation and what it becomes in the backward pass have in common.
    is_backward
        It is of the backward pass.
    is_recomputed
        The backward pass computes anew with it what the forward pass did not keep.
    """

    key: Hashable
    is_backward: bool
    is_recomputed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A traced program.

    Attributes
    ----------
    name
        What it is called.
    steps
        In an order in which each value is made before it is read.
    inputs
        What a caller gives it anew each time, in order.
    parameters
        What it is given once: weights, constants, numbers.
    outputs
        What it returns, in order; any value may be among them.
    state
        What it keeps from one run to the next: the value that a run begins with, and the one that it leaves.
    origins
        Of a training program, where each step comes from; None: it is none.
    """

    name: str
    steps: Sequence[Step]
    inputs: Sequence[Value]
    parameters: Sequence[Value]
    outputs: Sequence[Value]
    state: Mapping[Value, Value] = field(default_factory=dict)
    origins: Mapping[Step, Origin] | None = None
