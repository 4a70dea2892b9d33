"""Answers to report on: a small one, one with hostile names, and what is read from a page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import slicegraph as sg
from slicegraph.formats.answers import ClaimedBound, Claims
from slicegraph.report.answer import Answer, make_answer
from slicegraph.report.html import to_html

HOSTILE = (
    "</script><script>document.title='taken'</script>",
    '"><img src=x onerror=alert(1)>',
    "<!--<script>",
    "{{data}} {{script}}",
    "&lt;b&gt; \\u003c 'quoted' \"twice\"",
    "back\\slash\\",
    "line\nend\u2028\u2029\x1b[2J\x00",
    "]]></svg>",
)
"""Names that end an element, an attribute, a string or a line where they are not escaped."""


def make(
    graph: sg.Graph,
    block_of: list[int],
    *,
    claimed: float | None = None,
    device: sg.Device | None = None,
    **claims: Any,
) -> Answer:
    """Give an answer with the lower bound that is claimed for it."""
    num_blocks = max(block_of, default=0) + 1
    instance = sg.Instance(graph, device=device or sg.Device(bandwidth=64), num_blocks=num_blocks)
    bottleneck = max((block.cost for block in instance.block_costs(block_of)), default=0.0)
    if claimed is None:
        return make_answer(instance, block_of)
    told: dict[str, Any] = {
        "num_blocks": num_blocks,
        "status": "time_limit",
        "bottleneck": bottleneck,
        "lower_bound": claimed,
        "bounds": (ClaimedBound(method="combinatorial", lower_bound=claimed, seconds=0.25, status="optimal"),),
        "history": ((0.5, 2 * bottleneck, 0.0), (1.0, bottleneck, claimed)),
    }
    return make_answer(instance, block_of, claims=Claims(**told | claims))


def hostile() -> Answer:
    """Give a chain whose every name is hostile, a stage per node."""
    count = len(HOSTILE)
    graph = sg.Graph(
        name=HOSTILE[0],
        work=[1.0] * count,
        op=HOSTILE,
        node_name=HOSTILE,
        tensor_name=HOSTILE[1:],
        producer=list(range(count - 1)),
        size=[8] * (count - 1),
        consumers=list(range(1, count)),
        consumer_offsets=list(range(count)),
    )
    return make(graph, list(range(count)), claimed=1.0, status=HOSTILE[1])


class Page(HTMLParser):
    """What a browser finds in a page.

    Attributes
    ----------
    elements
        Tag and attributes of each, in order.
    data
        The JSON document.
    text
        All that is shown.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(page)
        self.close()

    @property
    def data(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.scripts[0])
        return document

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.text += data


def page_of(answer: Answer) -> str:
    """Give the page of an answer."""
    return to_html(answer, commands=["slicegraph solve g.json -k 2", "slicegraph check g.json g.cert.json"])
