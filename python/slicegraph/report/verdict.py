"""What is proved again of a certificate that holds, for people and for programs.

The certificate itself says nothing here but numbers, and which rows of measured work count: no other name in it
is printed.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slicegraph.certificate.check import Verdict
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.reduction import TITLES
from slicegraph.errors import CertificateError, printable
from slicegraph.formats.arrays import GraphArrays
from slicegraph.guesses import Guessed
from slicegraph.report import numbers
from slicegraph.report.guesses import listed
from slicegraph.version import __version__

_PARTS = {
    "num_blocks": ("the number of stages", "-k"),
    "device": ("the device", "--device or its figures"),
    "boundary_io": ("whether model inputs and outputs are paid", "--boundary-io or --no-boundary-io"),
    "constraints": ("the constraints", "--pin, --forbid, --together, --adjacent"),
}
"""What a certificate is about, and what pins it."""
_UNLIKE = ("devices", "kind_of", "order", "stages", "together", "adjacent")
"""What the question has beside where stages are unlike or constrained."""
_MEANING = {
    "optimal": "no partition is faster",
    "within_gap": "no partition is faster by more than the gap",
    "infeasible": "no partition fits the memory limit",
    "no_partition": "there is a lower bound alone",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A verdict and what it is about.

    Attributes
    ----------
    graph
        What was read.
    certificate
        What holds of it.
    verdict
        What is proved again.
    pinned
        Which parts of the question were asked for; the others are as the certificate says: ``"num_blocks"``,
        ``"device"``, ``"boundary_io"``, ``"constraints"``.
    guesses
        Operators of the graph whose work is a guess: all that holds rests on it.
    required_gap
        The gap that is required, if one is.
    seconds
        What checking took.
    """

    graph: GraphArrays
    certificate: Certificate
    verdict: Verdict
    pinned: tuple[str, ...] = ()
    guesses: Sequence[Guessed] = ()
    required_gap: float | None = None
    seconds: float = 0.0

    @property
    def verdict_word(self) -> str:
        """``"verified"`` when all that is claimed, and required, is proved again, else ``"undecided"``."""
        return "undecided" if self.reason else "verified"

    @property
    def reason(self) -> str:
        """What is not proved again; nothing when all is."""
        verdict, required = self.verdict, self.required_gap
        if required is not None and math.isinf(verdict.bottleneck):
            return "there is no partition, but --require-gap asks for one"
        if required is not None and verdict.gap > required:
            proved = f"a gap of {numbers.percent(verdict.gap)} is proved again"
            return f"{proved}, but --require-gap asks for {numbers.percent(required)}"
        return "" if verdict.verdict == "verified" else f"claimed, not proved again: {self._claim()}"

    def to_text(self) -> str:
        """Give what is proved again, a line each, and in a line of its own what is only claimed."""
        verdict = self.verdict
        lines = [self._headline(), f"question     {printable(self._question())}"]
        if loose := [part for part in self._parts() if part not in self.pinned]:
            parts, options = zip(*(_PARTS[part] for part in loose), strict=True)
            lines.append(f"not pinned   {', '.join(parts)}: as the certificate says ({', '.join(options)})")
        has_partition = not math.isinf(verdict.bottleneck)
        cost = f"acyclic, its slowest stage costs {numbers.time(verdict.bottleneck)}"
        lines.append(f"partition    {cost if has_partition else 'none is given'}")
        bound = verdict.lower_bound
        proved = "that no partition fits" if math.isinf(bound) else numbers.time(bound)
        lines.append(f"lower bound  {proved}, proved again: {self._rules()}")
        if has_partition:
            lines.append(f"gap          {numbers.percent(verdict.gap)}")
        lines.append(f"status       {verdict.status}: {_MEANING[verdict.status]}")
        if verdict.claimed_lower_bound > verdict.lower_bound:
            lines.append(f"claimed      {self._claim()}: not proved again")
        if self.guesses:
            lines.append(f"guessed: {listed(self.guesses, len(self.graph.op))}")
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """Give one object as one line; what is infinite is null: a bottleneck, or a bound where no partition fits."""
        document, verdict = self.certificate.document, self.verdict
        loose = [part for part in self._parts() if part not in self.pinned]
        found: dict[str, Any] = {
            "holds": not self.reason,
            "verdict": self.verdict_word,
            "reason": self.reason or None,
            "question": {
                "digest": verdict.digest,
                "k": document["num_blocks"],
                "device": document.get("device"),
                "boundary_io": document["boundary_io"],
                **{name: document[name] for name in _UNLIKE if name in document},
                "pinned": not loose,
                "not_pinned": loose,
            },
            "status": verdict.status,
            "bottleneck": _finite(verdict.bottleneck),
            "lower_bound": _finite(verdict.lower_bound),
            "gap": verdict.gap,
            "rules": {
                rule: {"entries": applied.entries, "steps": applied.steps} for rule, applied in verdict.rules.items()
            },
            "seconds": self.seconds,
            "checker": {"version": __version__, "implementation": verdict.implementation},
        }
        if verdict.claimed_lower_bound > verdict.lower_bound:
            found |= {"claimed_lower_bound": _finite(verdict.claimed_lower_bound), "claimed_gap": verdict.claimed_gap}
        if self.guesses:
            found["guessed"] = [row.to_mapping() for row in self.guesses]
        return json.dumps(found, allow_nan=False)

    def _headline(self) -> str:
        name = printable(self.graph.name) or "graph"
        return f"{name}: {len(self.graph.op)} nodes, {len(self.graph.size)} tensors: {self.verdict_word}"

    def _rules(self) -> str:
        """Give what proves the bound, in a row."""
        merges = sum(applied.entries for rule, applied in self.verdict.rules.items() if rule in TITLES)
        words = [f"{merges:,} merge{'s' if merges > 1 else ''}"] if merges else []
        return ", ".join([*words, self.verdict.proved_by])

    def _parts(self) -> list[str]:
        """Give the parts of the question; constraints are one where the certificate has some."""
        document = self.certificate.document
        has_constraints = any(document.get(name) for name in ("stages", "together", "adjacent"))
        return [part for part in _PARTS if part != "constraints" or has_constraints]

    def _question(self) -> str:
        document = self.certificate.document
        border = f"model inputs and outputs are {'paid' if document['boundary_io'] else 'free'}"
        if "devices" not in document:
            count = document["num_blocks"]
            stages = f"at most {count} stages" if count > 1 else "one stage"
            return f"{stages}; {_figures(document['device'])}; {border}"
        runs = [(kind, len(list(run))) for kind, run in itertools.groupby(document["kind_of"])]
        devices = ", then ".join(f"{count} x ({_figures(document['devices'][kind])})" for kind, count in runs)
        parts = [f"{devices}{' in any order' if document['order'] == 'any' else ''}", border]
        if stages := document["stages"]:
            parts.append(f"nodes that only some stages may hold: {len(stages)}")
        if together := document["together"]:
            parts.append(f"groups of nodes in one stage: {len(together)}")
        if document.get("adjacent"):
            parts.append("only neighbours are linked")
        return "; ".join(parts)

    def _claim(self) -> str:
        verdict = self.verdict
        gap = "" if math.isinf(verdict.bottleneck) else f", a gap of {numbers.percent(verdict.claimed_gap)}"
        why = "beyond the budget; --replay or --budget allow more" if verdict.is_cut_short else "without evidence"
        return f"{numbers.time(verdict.claimed_lower_bound)}{gap} ({why})"


def _figures(device: Mapping[str, Any]) -> str:
    """Give the figures of a device in a row."""
    words = []
    for name, value in device.items():
        if isinstance(value, Mapping):
            words.append(" ".join([name, *(f"{key} {rate:.4g}" for key, rate in value.items())]))
        else:
            words.append(name if value is True else f"{name} {value if isinstance(value, str) else f'{value:.4g}'}")
    return ", ".join(words)


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


def refusal_to_json(error: CertificateError) -> str:
    """Give the object of a certificate that does not hold, as one line."""
    reason = {"holds": False, "verdict": error.verdict, "reason": str(error)}
    return json.dumps(reason | {"checker": {"version": __version__}})
