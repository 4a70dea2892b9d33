"""Whether a certificate is about the question that was expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slicegraph.certificate.question import Question
from slicegraph.certificate.seconds import seconds_on
from slicegraph.constraints import Constraints, resolve, with_kernels
from slicegraph.device import Device
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.machine import Machine, make_machine, uniform

_SHOWN = 8
"""Stages that a refusal lists."""


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
        CertificateError
            When it is about another question.
        InputError
            When constraints name no node or cannot be met.
        """
        _expect("num_blocks", document["num_blocks"], self.num_blocks)
        if self.boundary_io is not None and document["boundary_io"] != self.boundary_io:
            found, wanted = ("are paid", "free") if document["boundary_io"] else ("are free", "paid")
            rule = f"of the certificate, model inputs and outputs {found}, but {wanted} ones are asked for"
            raise _other("boundary_io", rule)
        if self.device is not None:
            figures = self.device.for_types(arrays.dtype).to_mapping()
            found = document["device"] if "device" in document else document["devices"]
            if "device" not in document and len(found) > 1:
                rule = f"the certificate is about {len(found)} kinds of devices, but one is asked for"
                raise _other("device", rule)
            _expect_device("device", found if "device" in document else found[0], figures)
        if self.machine is not None:
            self._check_machine(arrays, document, self.machine)
        if self.constraints is not None or self.machine is not None or self.device is not None:
            self._check_constraints(arrays, document, self.constraints or Constraints())

    def _check_machine(self, arrays: GraphArrays, document: dict[str, Any], machine: Machine) -> None:
        figures = [device.for_types(arrays.dtype).to_mapping() for device in machine.kinds]
        if "device" in document:
            if len(figures) != 1:
                rule = f"the certificate is about one kind of device, but {len(figures)} are asked for"
                raise _other("device", rule)
            _expect_device("device", document["device"], figures[0])
            _expect("num_blocks", document["num_blocks"], len(machine.kind_of))
            return
        _expect("num_blocks", document["num_blocks"], len(machine.kind_of))
        _expect("order", document["order"], machine.order)
        for stage, (found, wanted) in enumerate(zip(document["kind_of"], machine.kind_of, strict=True)):
            _expect_device("devices", document["devices"][found], figures[wanted], f" in stage {stage}")
        if (document["devices"], document["kind_of"]) != (figures, list(machine.kind_of)):
            raise _other("devices", "the certificate lists the same devices in another form")

    def _check_constraints(self, arrays: GraphArrays, document: dict[str, Any], constraints: Constraints) -> None:
        question = Question.of(document)
        # Kernels are kept whole wherever a graph has some.
        constraints = with_kernels(constraints, arrays)
        resolved = resolve(constraints, arrays, question.num_blocks, _can_run(arrays, question))
        asked = {node: list(stages) for node, stages in resolved.stages.items()}
        found = {node: list(stages) for node, stages in question.stages.items()}
        node = next((node for node in sorted({*asked, *found}) if asked.get(node) != found.get(node)), None)
        if node is not None:
            name = f" ({arrays.node_name[node]!r:.80})" if arrays.node_name and arrays.node_name[node] else ""
            rule = f"the certificate is not about the stages of node {node}{name} that are asked for"
            differ = f"{_listed(found.get(node))} in the certificate, {_listed(asked.get(node))} asked for"
            raise _other("stages", f"{rule} ({differ})")
        if question.adjacent != resolved.adjacent:
            raise _other("adjacent", "the certificate is about other links between stages")
        if [list(group) for group in question.together] != [list(group) for group in resolved.together]:
            raise _other("together", "the certificate is about other groups of nodes in one stage")


def _other(part: str, rule: str) -> CertificateError:
    return CertificateError(f"{part}: {rule}", part=part)


def _listed(stages: list[int] | None) -> str:
    if stages is None:
        return "any stage"
    shown = ", ".join(map(str, stages[:_SHOWN])) + (", ..." if len(stages) > _SHOWN else "")
    return f"stage {shown}" if len(stages) == 1 else f"stages {shown}"


def _can_run(arrays: GraphArrays, question: Question) -> Mapping[int, list[bool]]:
    """Give, for each node that some kind of device cannot run, whether each stage's can."""
    work = [seconds_on(arrays, device).work for device in question.devices]
    kind_of = question.kind_of or [0] * question.num_blocks
    lacking = [node for node, row in enumerate(zip(*work, strict=True)) if any(map(math.isnan, row))]
    return {node: [not math.isnan(work[kind][node]) for kind in kind_of] for node in lacking}


def _expect(part: str, found: object, wanted: object) -> None:
    if wanted is not None and found != wanted:
        raise _other(part, f"the certificate is about {found}, but {wanted} is asked for")


def _expect_device(part: str, found: Mapping[str, Any], wanted: Mapping[str, Any], where: str = "") -> None:
    """Expect the figures of a device; the first that differs is told with its values, others by name."""
    others = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    if not others:
        return
    first, *others = others
    rule = f"the certificate is about {_figure(first, found)}{where}, but {_figure(first, wanted)} is asked for"
    raise _other(part, f"{rule} (also other: {', '.join(others)})" if others else rule)


def _figure(name: str, figures: Mapping[str, Any]) -> str:
    value = figures.get(name)
    if isinstance(value, Mapping):
        value = " ".join(f"{key} {rate!r}" for key, rate in value.items())
    return f"no {name}" if value is None else f"{name} {value}"
