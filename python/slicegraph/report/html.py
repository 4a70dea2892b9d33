"""A partition as one page that explains it: no network, no library, nothing but what the page holds."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from slicegraph.errors import printable
from slicegraph.guesses import guessed
from slicegraph.report import names, numbers, svg, tables
from slicegraph.report.answer import Answer
from slicegraph.report.graphs import PALETTE, text_colour
from slicegraph.report.layout import edges, lay_out

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def to_html(answer: Answer, *, commands: Sequence[str]) -> str:
    """Give the page; the same answer gives the same page.

    Parameters
    ----------
    answer
        What to explain.
    commands
        The line that checks the certificate; before it, where there is none yet, the line that makes it.

    Notes
    -----
    O((nodes + reads) log nodes). Every text from a file is escaped. A content security policy lets nothing be loaded,
    and nothing run but the page's own script, by its digest.
    """
    style, script = _asset("page.css") + svg.STYLE, _asset("page.js")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'"
    history, sweep = _history(answer), _sweep(answer)
    cuts = tables.cuts(answer)
    sections = [("answer", "Answer"), ("stages", "Stages"), ("graph", "Graph"), ("cuts", "Tensors between stages")]
    sections += [("history", "Best and bound over time")] * bool(history)
    sections += [("sweep", "Other numbers of stages")] * bool(sweep)
    sections += [
        ("bounds", "Why it is not better"),
        ("guesses", "What was guessed"),
        ("check", "How to check it"),
    ]
    texts = {
        "policy": policy,
        "style": style,
        "script": script,
        "title": escape(answer.title),
        "used": str(len(answer.used)),
        "headline": _headline(answer),
        "contents": "".join(f'<li><a href="#{place}">{name}</a></li>' for place, name in sections),
        "answer": _summary(answer),
        "meaning": _meaning(answer),
        "bars": svg.stage_bars(answer),
        "limit": _limit(answer),
        "stage_table": tables.stages(answer),
        "graph_text": _graph_text(answer),
        "cut_table": cuts,
        "history": history,
        "sweep": sweep,
        "bounds": _bounds(answer),
        "guesses": _guesses(answer),
        "check": _check(answer, commands),
        "data": _data(answer),
    }
    return _PLACE.sub(lambda match: texts[match[1]], _asset("page.html"))


@cache
def _asset(name: str) -> str:
    return files("slicegraph.report").joinpath("page", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(answer: Answer) -> str:
    """Give what the script draws as JSON that cannot end its own element."""
    arrays, num_nodes = answer.instance.graph.arrays, answer.instance.graph.num_nodes
    pairs = edges(arrays.producer, arrays.consumers, arrays.consumer_offsets)
    layout = lay_out(answer.block_of, pairs)
    ops = [answer.op(node) for node in range(num_nodes)]
    index = {op: place for place, op in enumerate(dict.fromkeys(ops))}
    seconds = (answer.instance.seconds(ticks) for ticks in answer.instance.work_at(answer.block_of).tolist())
    data = {
        "names": [names.node(answer.instance.graph, node) for node in range(num_nodes)],
        "ops": list(index),
        "op": [index[op] for op in ops],
        "stage": answer.block_of.tolist(),
        "work": [numbers.time(each) for each in seconds],
        "x": layout.x,
        "y": layout.y,
        "height": layout.height,
        "bands": [
            (stage, start, width, f"stage {stage}: {numbers.time(answer.costs[stage].cost)}")
            for stage, start, width in layout.bands
        ],
        "binding": [stage for stage in answer.used if answer.costs[stage].cost == answer.bottleneck],
        "edges": pairs.ravel().tolist(),
        "palette": [(colour, text_colour(place)) for place, colour in enumerate(PALETTE)],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _headline(answer: Answer) -> str:
    graph, used = answer.instance.graph, len(answer.used)
    stages = f"{used} pipeline stage{'s' * (used != 1)}"
    return f"{graph.num_nodes} nodes and {graph.num_tensors} tensors, cut into {stages}"


def _summary(answer: Answer) -> str:
    claims, bottleneck = answer.claims, answer.bottleneck
    rows = [("Bottleneck", numbers.time(bottleneck))]
    if claims is not None:
        rows += [("Lower bound", numbers.time(claims.lower_bound)), ("Gap", numbers.percent(answer.gap))]
        rows += [("Status", claims.status)]
    if 0 < bottleneck < math.inf:
        rows += [("Throughput", f"{1 / bottleneck:.4g} per s")]
    rows += [("Stages used", f"{len(answer.used)} of {answer.instance.num_blocks}")]
    kinds = answer.instance.machine.kinds
    bandwidths = dict.fromkeys(f"{numbers.size(int(device.bandwidth))}/s" for device in kinds)
    rows += [("Bandwidth between stages", ", ".join(bandwidths))]
    return "".join(f"<div><dt>{name}</dt><dd>{escape(printable(value))}</dd></div>" for name, value in rows)


def _meaning(answer: Answer) -> str:
    if math.isinf(answer.bottleneck):
        return "A stage holds more parameters than the memory limit allows, so that this partition does not run."
    if answer.claims is None:
        return (
            "The plan states no lower bound for these costs, so that its distance from the optimum is unknown;"
            " <code>slicegraph audit</code> grades it."
        )
    num_blocks = answer.instance.num_blocks
    if answer.gap == 0:
        told = f"no partition into at most {num_blocks} stages has a faster bottleneck: the lower bound is equal to it"
    else:
        told = f"no partition into at most {num_blocks} stages is faster by more than {numbers.percent(answer.gap)}"
    return f'The plan says that {told}. <a href="#check">How to check it</a> says how to prove that again.'


def _limit(answer: Answer) -> str:
    memory = answer.memory
    if memory is None:
        return ""
    return f"; {numbers.size(memory)} stay resident (the dashed line, where it is within the drawing)"


def _graph_text(answer: Answer) -> str:
    count = len(answer.used)
    return (
        f"Text alternative: the {count} band{'s' * (count != 1)} of the drawing, from left to right, are the rows of"
        ' the <a href="#stages">table of stages</a>; the lines between bands are the rows of the'
        ' <a href="#cuts">table of tensors</a>. The search lists nodes with their stages. Colours repeat after'
        f" {len(PALETTE)} stages: the number above a band tells its stage."
    )


def _history(answer: Answer) -> str:
    rows = answer.claims.history if answer.claims else ()
    end = max((seconds for seconds, _, _ in rows), default=0.0)
    best = [(seconds, bottleneck) for seconds, bottleneck, _ in rows]
    bound = [(seconds, lower_bound) for seconds, _, lower_bound in rows]
    drawing = svg.chart(
        "Bottleneck of the best partition, and lower bound, over the seconds of the run",
        "time of the run",
        [
            svg.Line(kind="best", label="best bottleneck", points=_held(best, end), is_step=True),
            svg.Line(kind="bound", label="lower bound", points=_held(bound, end), is_step=True),
        ],
        x_text=numbers.time,
    )
    return _section("history", "Best and bound over time", drawing, tables.history(rows)) if drawing else ""


def _held(points: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """Let the last value last until the end."""
    return [*points, (end, points[-1][1])] if points else []


def _sweep(answer: Answer) -> str:
    rows = answer.sweep
    drawing = svg.chart(
        "Bottleneck and lower bound for each number of stages",
        "stages allowed",
        [
            svg.Line(
                kind="best",
                label="bottleneck",
                points=[(float(row.num_blocks), row.bottleneck) for row in rows],
                has_dots=len(rows) <= 128,  # noqa: PLR2004 - more touch each other
            ),
            svg.Line(
                kind="bound", label="lower bound", points=[(float(row.num_blocks), row.lower_bound) for row in rows]
            ),
        ],
        x_text=lambda count: f"{count:.0f}",
    )
    return _section("sweep", "Other numbers of stages", drawing, tables.sweep(rows)) if drawing else ""


def _section(place: str, title: str, drawing: str, table: str) -> str:
    head = f'<section aria-labelledby="{place}"><h2 id="{place}">{title}</h2>'
    region = f'<div class="wide" role="region" tabindex="0" aria-label="Chart: {title}">{drawing}</div>'
    return f"{head}<figure>{region}</figure>{table}</section>\n"


def _bounds(answer: Answer) -> str:
    named = [stage for stage in answer.used if answer.costs[stage].cost == answer.bottleneck]
    told = "".join(f"<p>{escape(_binding(answer, stage))}</p>" for stage in named[:3])
    if answer.claims is None:
        return f"{told}<p>The plan states no lower bound for these costs.</p>"
    if not answer.claims.bounds:
        return f"{told}<p>The certificate states a lower bound of {numbers.time(answer.claims.lower_bound)}.</p>"
    return told + tables.bounds(answer.claims.bounds)


def _binding(answer: Answer, stage: int) -> str:
    cost = answer.costs[stage]
    paid = [f"{numbers.time(getattr(cost, part))} {label}" for part, label in svg.PARTS if getattr(cost, part) > 0]
    parts = f", of which {_listed(paid)}" if paid else ""
    if math.isinf(cost.cost):
        what = "parameters" if cost.held_bytes == cost.param_bytes else "parameters, state and tensors"
        return f"Stage {stage} exceeds the memory limit: it holds {numbers.size(cost.held_bytes)} of {what}."
    return f"Stage {stage} is the bottleneck: it takes {numbers.time(cost.cost)}{parts}."


def _guesses(answer: Answer) -> str:
    rows, arrays = guessed(answer.instance), answer.instance.graph.arrays
    if rows:
        return tables.guesses(rows)
    if arrays.work is not None:
        return "<p>Nothing: the graph states the work of every node.</p>"
    if arrays.is_guess is None:
        return "<p>Nothing that is known of: the graph does not say of which operators it is a guess.</p>"
    return "<p>Nothing: the work of every node is counted by a rule for its operator.</p>"


def _check(answer: Answer, commands: Sequence[str]) -> str:
    lines = "\n".join(escape(printable(command)) for command in commands)
    which = "This command" if len(commands) == 1 else "The second command"
    before = "" if len(commands) == 1 else "The first command solves the problem again and writes a certificate. "
    return (
        f"<p>{before}{which} verifies the certificate with exact arithmetic and none of the code that solves.</p>"
        f"<pre><code>{lines}</code></pre>\n"
        '<p class="note">The plan is about the graph with the digest'
        f" <code>{escape(answer.instance.graph.structure_digest)}</code>.</p>"
    )


def _listed(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
