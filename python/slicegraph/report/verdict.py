"""What a certificate that holds says, for people and for programs."""

from __future__ import annotations

import json
import math

from slicegraph.certificate.check import Verdict
from slicegraph.certificate.model import Certificate
from slicegraph.errors import printable
from slicegraph.report import numbers

_PROVER = "the prover"


def verdict_to_text(certificate: Certificate, verdict: Verdict) -> str:
    """Give what holds, what was proved again, and what rests on somebody's word, a line each."""
    lines = [_headline(certificate), f"device       {_device(certificate)}"]
    if math.isinf(verdict.bottleneck):
        lines.append("partition    none is given")
    else:
        lines.append(f"partition    acyclic, its dearest stage costs {numbers.time(verdict.bottleneck)}")
    how = _how(certificate, verdict)
    whose = _witnesses(certificate, verdict)
    if verdict.trusted:
        methods = ", ".join(verdict.trusted)
        lines.append(
            f"lower bound  {numbers.time(verdict.lower_bound)} on the word of {' and '.join(whose)} ({methods})"
        )
        lines.append(f"verified     {numbers.time(verdict.verified_lower_bound)} {how}")
    else:
        lines.append(f"lower bound  {numbers.time(verdict.lower_bound)}, all of it verified {how}")
    replay = [
        f"{', '.join(methods)} {what}"
        for methods, what in ((verdict.replayed, "proved again"), (verdict.not_replayed, "beyond the budget"))
        if methods
    ]
    if replay:
        lines.append(f"replay       {'; '.join(replay)}")
    elif _PROVER in whose:
        lines.append("replay       not asked for: --replay does without the prover's word")
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
            "replayed": verdict.replayed,
            "not_replayed": verdict.not_replayed,
        },
        allow_nan=False,
    )


def refusal_to_json(reason: str) -> str:
    """Give the object of a certificate that does not hold, as one line."""
    return json.dumps({"holds": False, "reason": reason})


def _headline(certificate: Certificate) -> str:
    graph = certificate.document["graph"]
    counts = f"{graph['num_nodes']} nodes, {graph['num_tensors']} tensors, {certificate.num_blocks} stages"
    return f"{printable(graph['name']) or 'graph'}: {counts}: the certificate holds"


def _device(certificate: Certificate) -> str:
    figures = [f"{name} {value:.4g}" for name, value in certificate.document["device"].items()]
    border = "paid" if certificate.document["boundary_io"] else "free"
    return f"{', '.join(figures)}; model inputs and outputs are {border}"


def _how(certificate: Certificate, verdict: Verdict) -> str:
    """Say how the verified bound was proved again; the document was checked."""
    document = certificate.document
    verified = document["verified_lower_bound"]
    if verdict.verified_lower_bound > certificate.verified_lower_bound:
        return "by replay"
    if any(bound["method"] == "combinatorial" and bound["lower_bound"] == verified for bound in document["bounds"]):
        return "by recomputation"
    nodes = (bound["node"] for bound in document["bounds"] if bound["node"] and not bound["reduction"])
    is_cut = any(node["lower_bound"] == verified for node in nodes)
    return "by a minimum cut" if is_cut else "by its linear programming duals"


def _witnesses(certificate: Certificate, verdict: Verdict) -> list[str]:
    """Say whose word the trusted methods rest on: a solver's, or that of the code whose steps a replay repeats."""
    trusted = [bound for bound in certificate.document["bounds"] if bound["method"] in verdict.trusted]
    names = []
    if any(bound["chain"] or any(each["solver"] for each in bound["relaxations"]) for bound in trusted):
        solver = certificate.document["solver"]
        names.append(printable(f"{solver['name']} {solver['version']}"))
    proved = set(verdict.replayed) - set(verdict.not_replayed)
    if any(bound["reduction"] or bound["downsets"] for bound in trusted if bound["method"] not in proved):
        names.append(_PROVER)
    return names
