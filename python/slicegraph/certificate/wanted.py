"""Whether a certificate is about the question that was expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slicegraph.certificate.question import Question
from slicegraph.certificate.seconds import seconds_on
from slicegraph.certificate.structure import expect, within
from slicegraph.constraints import Constraints, resolve, with_kernels
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.machine import Machine, make_machine, uniform


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The expected question of a certificate. None: that of the certificate.

    Attributes
    ----------
    machine
        The device of each stage.
    device, num_blocks
        One of the two, where there is no more to say.
    boundary_io
        Whether model inputs and outputs are paid.
    constraints
        What nodes obey; None: nothing, where devices are given.
    """

    machine: Machine | None
    device: Device | None
    num_blocks: int | None
    boundary_io: bool | None
    constraints: Constraints | None

    @classmethod
    def of(
        cls,
        *,
        device: Device | None = None,
        num_blocks: int | None = None,
        boundary_io: bool | None = None,
        devices: Sequence[Device] | Mapping[Device, int] | None = None,
        order: str = "given",
        constraints: Constraints | None = None,
    ) -> Wanted:
        """Give what the arguments of `slicegraph.check` of these names ask for.

        Raises
        ------
        InputError
            When there are devices, and a device too, or one of them is wrong.
        """
        machine = None
        if devices is not None:
            if device is not None:
                raise InputError("devices: a device is given, too, but only one of them may be")
            machine = make_machine(devices, order)
        if device is not None and num_blocks is not None:
            machine = uniform(device, num_blocks)
        return cls(
            machine=machine, device=device, num_blocks=num_blocks, boundary_io=boundary_io, constraints=constraints
        )

    def check(self, arrays: GraphArrays, document: dict[str, Any]) -> None:
        """Check that a document of the right form is about it.

        Raises
        ------
        PlacedError
            When it is about another question.
        InputError
            When constraints name no node or cannot be met.
        """
        for name in ("num_blocks", "boundary_io"):
            _expect(name, document[name], getattr(self, name))
        if self.device is not None:
            figures = self.device.for_types(arrays.dtype).to_mapping()
            found = document["device"] if "device" in document else document["devices"]
            _expect("device", found, figures if "device" in document else [figures])
        if self.machine is not None:
            self._check_machine(arrays, document, self.machine)
        if self.constraints is not None or self.machine is not None or self.device is not None:
            self._check_constraints(arrays, document, self.constraints or Constraints())

    def _check_machine(self, arrays: GraphArrays, document: dict[str, Any], machine: Machine) -> None:
        figures = [device.for_types(arrays.dtype).to_mapping() for device in machine.kinds]
        if "device" in document:
            with within("device"):
                expect(len(figures) == 1, f"the certificate is about one device, but {len(figures)} are asked for")
            _expect("device", document["device"], figures[0])
            _expect("num_blocks", document["num_blocks"], len(machine.kind_of))
            return
        _expect("devices", document["devices"], figures)
        _expect("kind_of", document["kind_of"], list(machine.kind_of))
        _expect("order", document["order"], machine.order)

    def _check_constraints(self, arrays: GraphArrays, document: dict[str, Any], constraints: Constraints) -> None:
        question = Question.of(document)
        # Kernels are kept whole wherever a graph has some.
        constraints = with_kernels(constraints, arrays)
        resolved = resolve(constraints, arrays, question.num_blocks, _can_run(arrays, question))
        asked = {node: list(stages) for node, stages in resolved.stages.items()}
        found = {node: list(stages) for node, stages in question.stages.items()}
        with within("stages"):
            node = next((node for node in sorted({*asked, *found}) if asked.get(node) != found.get(node)), None)
            expect(node is None, f"the certificate is not about the stages of node {node} that are asked for")
        with within("adjacent"):
            rule = "the certificate is about other links between stages"
            expect(question.adjacent == resolved.adjacent, rule)
        groups = [list(group) for group in resolved.together]
        with within("together"):
            rule = "the certificate is about other groups of nodes in one stage"
            expect([list(group) for group in question.together] == groups, rule)


def _can_run(arrays: GraphArrays, question: Question) -> Mapping[int, list[bool]]:
    """Give, for each node that some kind of device cannot run, whether each stage's can."""
    work = [seconds_on(arrays, device).work for device in question.devices]
    kind_of = question.kind_of or [0] * question.num_blocks
    lacking = [node for node, row in enumerate(zip(*work, strict=True)) if any(map(math.isnan, row))]
    return {node: [not math.isnan(work[kind][node]) for kind in kind_of] for node in lacking}


def _expect(name: str, found: object, wanted: object) -> None:
    with within(name):
        expect(wanted is None or found == wanted, f"the certificate is about {found}, but {wanted} is asked for")
