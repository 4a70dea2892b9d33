"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass

from slicegraph.formats.arrays import GraphArrays


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What another source says of a model.

    Attributes
    ----------
    name
        Who says it.
    flops
        Products and convolutions, or all that it counts.
    beside
        What it leaves out, counted separately; negative: what it counts and no run computes.
    moved
        Bytes read and written; None: it does not say.
    stored
        Bytes of the distinct parameters and buffers that are read.
    made
        Bytes of constants that the program makes of nothing.
    why
        What explains the rest of the bytes, in words.
    """

    name: str
    flops: int
    beside: int
    moved: int | None
    stored: int
    made: int = 0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the reader says of a model, and what a reference does."""

    model: str
    graph: GraphArrays
    reference: Reference

    @property
    def flops(self) -> int:
        return int(_sum(self.graph.flops))

    @property
    def moved(self) -> int:
        return int(_sum(self.graph.read_bytes) + _sum(self.graph.write_bytes))

    @property
    def stored(self) -> int:
        return int(_sum(self.graph.param_bytes) + _sum(self.graph.param_size))

    @property
    def error(self) -> float:
        """The part of all operations that the reference does not explain."""
        return self.flops / (self.reference.flops + self.reference.beside) - 1

    @property
    def error_of_bytes(self) -> float:
        return 0.0 if self.reference.moved is None else self.moved / self.reference.moved - 1

    @property
    def is_off(self) -> bool:
        """Over 1 % off, in bytes without an explanation, or other parameters than are stored."""
        limit = 0.01
        is_stored = self.stored == self.reference.stored + self.reference.made
        is_moved = abs(self.error_of_bytes) <= limit or bool(self.reference.why)
        return abs(self.error) > limit or not is_moved or not is_stored

    def cells(self) -> list[str]:
        """Give the cells of the table."""
        reference = self.reference
        has_moved = reference.moved is not None
        return [
            self.model,
            str(len(self.graph.op)),
            f"{self.flops:,}",
            reference.name,
            f"{reference.flops:,}",
            f"{reference.beside:,}",
            f"{100 * self.error:+.2f} %",
            f"{self.moved:,}",
            f"{reference.moved:,}" if has_moved else "",
            f"{100 * self.error_of_bytes:+.2f} %" if has_moved else "",
            f"{self.stored:,}",
            f"{reference.stored:,}" + (f" + {reference.made:,}" if reference.made else ""),
            reference.why,
        ]


HEADER = [
    "Model",
    "Nodes",
    "Operations",
    "Reference",
    "its operations",
    "beside",
    "rest",
    "Bytes moved",
    "reference",
    "rest",
    "Bytes stored",
    "reference",
    "Why",
]


def _sum(column: object) -> float:
    return 0.0 if column is None else float(column.sum())  # type: ignore[attr-defined] # an array
