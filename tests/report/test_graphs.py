"""A partition for other tools: DOT, and node data."""

from __future__ import annotations

import json
import re

from explained import HOSTILE, hostile, make
from slicegraph.report.graphs import PALETTE, colour, text_colour, to_dot, to_node_data
from strategies import CHAIN, to_graph

TOKEN = re.compile(r'\s*("(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*|->|[\[\]{}=,;])')
"""The tokens of the language of Graphviz that are used."""


def tokens(text: str) -> list[str]:
    """Take a text apart; whatever is no token is an error."""
    found, at = [], 0
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        assert match, text[at : at + 40]
        found.append(match[1])
        at = match.end()
    return found


def test_a_hostile_name_stays_within_its_string() -> None:
    """The graph has the tokens of the same graph with harmless names; each name is one string."""
    found = tokens(to_dot(hostile()))
    assert found.count("{") == found.count("}") == 1 + len(HOSTILE)
    assert [token for token in found if token[0] != '"'].count("->") == len(HOSTILE) - 1
    assert found.count("label") == 2 * len(HOSTILE) + len(HOSTILE) - 1
    assert found[-1] == "}"


def test_the_graph_has_clusters_nodes_and_the_bytes_of_what_is_cut() -> None:
    """A tensor within a stage has no label."""
    lines = to_dot(make(to_graph(CHAIN), [0, 1, 1])).splitlines()
    assert "  subgraph cluster_1 {" in lines
    assert '    label="stage 1: 5.125 s";' in lines
    assert f'    n2 [label="c #2\\nc", fillcolor="{PALETTE[1]}", fontcolor="#000000"];' in lines
    assert '  n0 -> n1 [style=bold, label="8 B"];' in lines
    assert "  n1 -> n2;" in lines


def test_node_data_name_a_node_by_the_tensor_it_makes() -> None:
    """Where no tensor has a name by its own, else by its number; the names are the model's own, unchanged."""
    data = json.loads(to_node_data(hostile()))
    assert list(data) == ["results"]
    assert {key: row["value"] for key, row in data["results"].items()} == {
        name: stage for stage, name in enumerate(HOSTILE[1:])
    }
    named = make(to_graph(CHAIN, node_name=["x", "", "z"]), [0, 1, 1])
    assert {key: row["value"] for key, row in json.loads(to_node_data(named))["results"].items()} == {"x": 0, "z": 1}
    plain = json.loads(to_node_data(make(to_graph(CHAIN), [0, 1, 1])))["results"]
    assert {key: row["value"] for key, row in plain.items()} == {"0": 0, "1": 1, "2": 1}
    assert plain["0"] == {"value": 0, "bgColor": PALETTE[0], "textColor": "#000000"}


def test_text_on_a_stages_colour_can_be_read() -> None:
    """A contrast of 4.5 at least, as WCAG 2 computes it, with the colour that is taken for the text."""

    def luminance(text: str) -> float:
        parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for stage, background in enumerate(PALETTE):
        assert colour(stage) == colour(stage + len(PALETTE)) == background
        low, high = sorted((luminance(background), luminance(text_colour(stage))))
        assert (high + 0.05) / (low + 0.05) >= 4.5
