"""A partition for tools that draw graphs: DOT for Graphviz, and node data for Model Explorer."""

from __future__ import annotations

import json

import numpy as np

from slicegraph.errors import printable
from slicegraph.report import names, numbers
from slicegraph.report.answer import Answer

PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")
"""Colours that differ for the colour-blind (Okabe and Ito, "Color Universal Design", 2008); the stages take turns."""
_DARK = {"#0072b2"}
"""Of these, those on which white text reads best."""


def to_dot(answer: Answer) -> str:
    """Give the graph in the language of Graphviz: a cluster per stage, tensors between stages bold with their bytes.

    Notes
    -----
    O(nodes + reads).
    """
    arrays = answer.instance.graph.arrays
    lines = [f"digraph {_quoted(answer.title)} {{", "  node [shape=box, style=filled];"]
    members: dict[int, list[int]] = {stage: [] for stage in answer.used}
    for node, stage in enumerate(answer.block_of.tolist()):
        members[stage].append(node)
    for stage, nodes in members.items():
        label = f"stage {stage}: {numbers.time(answer.costs[stage].cost)}"
        lines += [f"  subgraph cluster_{stage} {{", f"    label={_quoted(label)};"]
        for node in nodes:
            text = _quoted(f"{names.node(answer.instance.graph, node)}\n{answer.op(node)}")
            lines.append(f'    n{node} [label={text}, fillcolor="{colour(stage)}", fontcolor="{text_colour(stage)}"];')
        lines.append("  }")
    tensors = np.repeat(np.arange(len(arrays.size)), np.diff(arrays.consumer_offsets)).tolist()
    for tensor, target in zip(tensors, arrays.consumers.tolist(), strict=True):
        source = int(arrays.producer[tensor])
        if source < 0:
            continue
        is_cut = answer.block_of[source] != answer.block_of[target]
        look = f" [style=bold, label={_quoted(numbers.size(int(arrays.size[tensor])))}]" if is_cut else ""
        lines.append(f"  n{source} -> n{target}{look};")
    return "\n".join([*lines, "}", ""])


def to_node_data(answer: Answer) -> str:
    """Give the stages of nodes as Model Explorer's custom node data, with a colour for each stage.

    A node goes by the first named tensor that it makes; where no tensor has a name by its own, and where no node has
    one by its number: names of both kinds in one file could be confused.

    Notes
    -----
    O(nodes + tensors). The format: model_explorer.node_data_builder.GraphNodeData.
    """
    arrays = answer.instance.graph.arrays
    stages = answer.block_of.tolist()
    called = arrays.node_name if any(arrays.node_name or ()) else map(str, range(len(stages)))
    named = [(name, node) for node, name in enumerate(called or ()) if name]
    if any(arrays.tensor_name or ()):
        first: dict[int, str] = {}
        for name, node in zip(arrays.tensor_name or (), arrays.producer.tolist(), strict=True):
            if name and node >= 0:
                first.setdefault(node, name)
        named = [(name, node) for node, name in sorted(first.items())]
    results = {
        name: {"value": stages[node], "bgColor": colour(stages[node]), "textColor": text_colour(stages[node])}
        for name, node in named
    }
    return json.dumps({"results": results}) + "\n"


def colour(stage: int) -> str:
    """Give the colour of a stage."""
    return PALETTE[stage % len(PALETTE)]


def text_colour(stage: int) -> str:
    """Give the colour of text on the colour of a stage."""
    return "#ffffff" if colour(stage) in _DARK else "#000000"


def _quoted(text: str) -> str:
    lines = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'
