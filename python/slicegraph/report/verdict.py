"""What a certificate that holds says, for people and for programs."""

from __future__ import annotations

import json
import math

from slicegraph.certificate.check import Verdict
from slicegraph.certificate.model import Certificate
from slicegraph.report import numbers


def verdict_to_text(certificate: Certificate, verdict: Verdict) -> str:
    """Give what holds, what was proved again, and what rests on a solver's word, a line each."""
    lines = [_headline(certificate), f"device       {_device(certificate)}"]
    if math.isinf(verdict.bottleneck):
        lines.append("partition    none is given")
    else:
        lines.append(f"partition    acyclic, its dearest stage costs {numbers.time(verdict.bottleneck)}")
    how = _how(certificate)
    if verdict.trusted:
        whose = f"{_solver(certificate)} ({', '.join(verdict.trusted)})"
        lines.append(f"lower bound  {numbers.time(verdict.lower_bound)} on the word of {whose}")
        lines.append(f"verified     {numbers.time(verdict.verified_lower_bound)} {how}")
    else:
        lines.append(f"lower bound  {numbers.time(verdict.lower_bound)}, all of it verified {how}")
    if not math.isinf(verdict.bottleneck):
        verified = f"{numbers.percent(verdict.verified_gap)} verified"
        proven = f"{numbers.percent(verdict.gap)} proven, " if verdict.trusted else ""
        lines.append(f"gap          {proven}{verified}: no partition can be faster by more than this")
    return "\n".join(lines) + "\n"


def verdict_to_json(certificate: Certificate, verdict: Verdict) -> str:
    """Give one object as one line; a bottleneck that is infinite, without a partition, is null."""
    return json.dumps(
        {
            "holds": True,
            "device": certificate.document["device"],
            "boundary_io": certificate.document["boundary_io"],
            "num_blocks": certificate.num_blocks,
            "bottleneck": None if math.isinf(verdict.bottleneck) else verdict.bottleneck,
            "lower_bound": verdict.lower_bound,
            "verified_lower_bound": verdict.verified_lower_bound,
            "gap": verdict.gap,
            "verified_gap": verdict.verified_gap,
            "trusted": verdict.trusted,
        },
        allow_nan=False,
    )


def refusal_to_json(reason: str) -> str:
    """Give the object of a certificate that does not hold, as one line."""
    return json.dumps({"holds": False, "reason": reason})


def _headline(certificate: Certificate) -> str:
    graph = certificate.document["graph"]
    counts = f"{graph['num_nodes']} nodes, {graph['num_tensors']} tensors, {certificate.num_blocks} stages"
    return f"{_line(graph['name']) or 'graph'}: {counts}: the certificate holds"


def _device(certificate: Certificate) -> str:
    figures = [f"{name} {value:.4g}" for name, value in certificate.document["device"].items()]
    border = "paid" if certificate.document["boundary_io"] else "free"
    return f"{', '.join(figures)}; model inputs and outputs are {border}"


def _how(certificate: Certificate) -> str:
    """Say how the verified bound was proved again; the document was checked."""
    document = certificate.document
    combinatorial = next(bound for bound in document["bounds"] if bound["method"] == "combinatorial")
    is_recomputed = combinatorial["lower_bound"] == document["verified_lower_bound"]
    return "by recomputation" if is_recomputed else "by its linear programming duals"


def _solver(certificate: Certificate) -> str:
    solver = certificate.document["solver"]
    return _line(f"{solver['name']} {solver['version']}")


def _line(text: str) -> str:
    """Keep what moves a terminal's cursor out of a name."""
    return "".join(character if character.isprintable() else " " for character in text).strip()
