"""The question of a certificate besides the graph: devices, stages and constraints, as in its document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from slicegraph.certificate.structure import expect, within


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """The question about a graph.

    Attributes
    ----------
    devices
        The figures that are set, of each kind of device.
    kind_of
        The kind of each stage; empty when there is one.
    order
        ``"given"``, or ``"any"``: the stages' kinds may be in any order.
    num_blocks, boundary_io
        The number of stages, and whether model inputs and outputs are paid.
    stages
        Of each node that may not be everywhere, the stages that may hold it.
    together
        Groups of nodes that are in one stage.
    multipliers
        A weight for each kind, by which what stages pay is added up.
    is_plain_form
        Whether the document says it as ever: one device, no constraints.
    """

    devices: Sequence[Mapping[str, Any]]
    num_blocks: int
    boundary_io: bool = False
    kind_of: Sequence[int] = ()
    order: str = "given"
    stages: Mapping[int, Sequence[int]]
    together: Sequence[Sequence[int]] = ()
    multipliers: Sequence[int] = (1,)
    is_plain_form: bool = True
    adjacent: bool = False

    @classmethod
    def plain(cls, device: Mapping[str, Any], *, num_blocks: int, boundary_io: bool) -> Self:
        """Ask for so many stages on devices of one kind, without constraints."""
        return cls(devices=[device], num_blocks=num_blocks, boundary_io=boundary_io, stages={})

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read what a document of the right form is about.

        Raises
        ------
        PlacedError
            When it names a kind, a stage or a group that is none.
        """
        if "device" in document:
            return cls.plain(document["device"], num_blocks=document["num_blocks"], boundary_io=document["boundary_io"])
        devices, kind_of, num_blocks = document["devices"], document["kind_of"], document["num_blocks"]
        with within("kind_of"):
            expect(len(kind_of) == num_blocks, f"{len(kind_of)} entries, but there are {num_blocks} stages")
            expect(set(kind_of) == set(range(len(devices))), "it does not name every kind of device, and no other")
            is_sorted = document["order"] == "given" or (len(devices) > 1 and kind_of == sorted(kind_of))
            expect(is_sorted, "in any order, devices are of several kinds, and those of a kind stand together")
        with within("multipliers"):
            count = len(document["multipliers"])
            expect(count == len(devices), f"{count} entries, but there are {len(devices)} kinds of devices")
        with within("stages"):
            nodes = [node for node, _ in document["stages"]]
            expect(nodes == sorted(set(nodes)), "nodes are not in ascending order, each once")
            for node, stages in document["stages"]:
                is_set = bool(stages) and stages == sorted(set(stages)) and stages[-1] < num_blocks
                expect(is_set, f"node {node}: stages are not in ascending order, each once, below {num_blocks}")
                expect(len(stages) < num_blocks, f"node {node}: every stage may hold it, which need not be said")
        with within("together"):
            listed = [node for group in document["together"] for node in group]
            expect(len(set(listed)) == len(listed), "a node is in it twice")
            expect(all(len(group) > 1 for group in document["together"]), "a group has fewer than two nodes")
        with within("adjacent"):
            adjacent = document.get("adjacent", False)
            expect(adjacent or "adjacent" not in document, "it is said only where it is so")
            expect(
                not (adjacent and document["boundary_io"]),
                "it is not said which stages hand on model inputs and outputs that are paid",
            )
        return cls(
            devices=devices,
            kind_of=kind_of if len(devices) > 1 else (),
            order=document["order"],
            num_blocks=num_blocks,
            boundary_io=document["boundary_io"],
            stages=dict(document["stages"]),
            together=document["together"],
            multipliers=document["multipliers"],
            is_plain_form=False,
            adjacent=adjacent,
        )
