"""The page that explains an answer."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from typing import Any

import pytest

import slicegraph as sg
from explained import HOSTILE, Page, hostile, make, page_of
from slicegraph.errors import printable
from slicegraph.formats.answers import MeasuredStage, SweepRow
from slicegraph.report.answer import Answer
from strategies import CHAIN, to_graph


def test_no_name_becomes_markup() -> None:
    """Whatever names hold, the page has the elements of one with harmless names, and the names are its text."""
    answer = hostile()
    count = len(HOSTILE)
    harmless = make(
        sg.Graph(
            name="chain",
            work=[1.0] * count,
            producer=list(range(count - 1)),
            size=[8] * (count - 1),
            consumers=list(range(1, count)),
            consumer_offsets=list(range(count)),
        ),
        list(range(count)),
        claimed=1.0,
    )
    page, plain = Page(page_of(answer)), Page(page_of(harmless))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert not any(name.startswith("on") or name in {"src", "style"} for _, named in page.elements for name in named)
    assert page.data["names"] == page.data["ops"] == [printable(name) for name in HOSTILE]
    assert len(page.scripts) == 2
    for name in HOSTILE:
        assert printable(name) in page.text


def test_the_policy_lets_only_the_pages_own_style_and_script_run() -> None:
    """Both by their digests; nothing is loaded, from nowhere."""
    page = page_of(hostile())
    policy = next(named["content"] for tag, named in Page(page).elements if tag == "meta" and named.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    style = page.partition("<style>")[2].partition("</style>")[0]
    for text in (script, style):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_the_same_answer_gives_the_same_page() -> None:
    assert page_of(hostile()) == page_of(hostile())


def large(num_nodes: int, num_blocks: int) -> Answer:
    """A chain with skips, each node with a long name of its own."""
    source = random.Random(0)  # noqa: S311 - any numbers do
    consumers = [
        sorted({node + 1, source.randrange(node + 1, min(num_nodes, node + 40))}) for node in range(num_nodes - 1)
    ]
    offsets = [0]
    for nodes in consumers:
        offsets.append(offsets[-1] + len(nodes))
    graph = sg.Graph(
        work=[source.random() for _ in range(num_nodes)],
        op=[f"Operator{node % 40}" for node in range(num_nodes)],
        node_name=[f"/model/encoder/layers.{node}/attention/output/dense/MatMul_{node}" for node in range(num_nodes)],
        tensor_name=[f"/model/encoder/layers.{node}/attention/output_{node}" for node in range(num_nodes - 1)],
        producer=list(range(num_nodes - 1)),
        size=[source.randrange(10**7) for _ in range(num_nodes - 1)],
        consumers=[node for nodes in consumers for node in nodes],
        consumer_offsets=offsets,
    )
    return make(graph, [node * num_blocks // num_nodes for node in range(num_nodes)], claimed=0.5)


def test_a_page_of_5000_nodes_is_below_2_megabytes() -> None:
    """With long names, 64 stages, and a thousand tensors between them."""
    answer = large(5000, 64)
    assert len(answer.cut_tensors) > 1000
    page = page_of(answer)
    assert len(page.encode()) < 2_000_000
    assert "of which the 1000 largest are shown" in page


def test_the_tables_say_what_the_answer_is() -> None:
    """Costs of the chain by hand: stage 0 works 1 s and writes 1/8 s, stage 1 reads 1/8 s and works 5 s."""
    page = Page(page_of(make(to_graph(CHAIN), [0, 1, 1], claimed=3.0)))
    assert [text.split()[0] for text in page.text.splitlines() if text.startswith("stage ")] == []
    for text in ("5.125 s", "1.125 s", "3 s", "41.46%", "tensor 0", "combinatorial", "Best and bound over time"):
        assert text in page.text
    assert "Stage 1 is the bottleneck: it takes 5.125 s, of which 5 s work and 125 ms in." in page.text
    assert "is faster by more than 41.46%" in page.text
    assert "slicegraph check g.json g.cert.json" in page.text


def test_a_bound_of_other_costs_is_not_shown() -> None:
    """A plan whose bottleneck is not the one of these costs says nothing about them."""
    answer = make(to_graph(CHAIN), [0, 1, 1], claimed=1.0, bottleneck=4.0)
    assert answer.claims is None
    page = Page(page_of(answer))
    assert "states no lower bound" in page.text
    assert "Lower bound" not in page.text


def test_a_gap_of_zero_is_told_as_the_optimum() -> None:
    page = Page(page_of(make(to_graph(CHAIN), [0, 0, 1], claimed=3.125)))
    assert "no partition into at most 2 stages has a faster bottleneck" in page.text


def test_a_sweep_and_a_run_are_shown() -> None:
    """Rows that are infinite stand in the table, and leave the curve."""
    answer = make(to_graph(CHAIN), [0, 0, 1])
    answer = Answer(
        instance=answer.instance,
        block_of=answer.block_of,
        costs=answer.costs,
        sweep=(
            SweepRow(num_blocks=1, bottleneck=float("inf"), lower_bound=float("inf"), status="infeasible"),
            SweepRow(num_blocks=2, bottleneck=3.125, lower_bound=3.0, status="time_limit"),
        ),
        measured=(MeasuredStage(block=0, run=3.0, transfer=0.5), MeasuredStage(block=1, run=4.0, transfer=0.25)),
    )
    page = Page(page_of(answer))
    for text in ("Other numbers of stages", "infeasible", "inf", "Measured", "3.5 s", "4.25 s"):
        assert text in page.text


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"work": [1.0, 1.0]}, "Nothing: the graph states the work of every node."),
        ({"flops": [1e9, 1e9]}, "the graph does not say of which operators it is a guess"),
        ({"flops": [1e9, 1e9], "is_guess": [0, 0]}, "Nothing: the work of every node is counted by a rule"),
        ({"flops": [1e9, 1e9], "is_guess": [0, 1]}, "my.Twist"),
    ],
)
def test_what_was_guessed_is_told_as_far_as_the_graph_says_it(stated: dict[str, Any], told: str) -> None:
    graph = sg.Graph(
        op=["MatMul", "my.Twist"], producer=[0], size=[4], consumers=[1], consumer_offsets=[0, 1], **stated
    )
    device = sg.Device(flops=1e9, memory_bandwidth=1e9, bandwidth=64)
    text = Page(page_of(make(graph, [0, 1], claimed=0.5, device=device))).text
    assert told in text[text.rindex("What was guessed") :]


def test_model_inputs_and_outputs_that_are_paid_are_named() -> None:
    graph = sg.Graph(
        work=[1.0, 1.0],
        producer=[-1, 0, 1],
        size=[8, 8, 8],
        consumers=[0, 1],
        consumer_offsets=[0, 1, 2, 2],
        is_output=[False, False, True],
    )
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2, boundary_io=True)
    answer = Answer(instance=instance, block_of=instance.graph.arrays.producer[1:], costs=instance.block_costs([0, 1]))
    text = Page(page_of(answer)).text
    assert "model input" in text
    assert "model output" in text


def test_a_partition_above_the_memory_limit_is_told_as_such() -> None:
    """Nothing is promised of it, and its infinite cost sorts as a number."""
    graph = to_graph(CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 3]}})
    device = sg.Device(bandwidth=64, memory_limit=5)
    page = page_of(make(graph, [0, 1, 1], claimed=3.0, device=device, status="suboptimal"))
    text = Page(page).text
    assert "does not run" in text
    assert "Stage 1 exceeds the memory limit: it holds 6 B of parameters." in text
    assert "is faster by more" not in text
    assert 'data-value="Infinity">inf' in page
    assert 'data-value="inf"' not in page


@pytest.mark.parametrize("work", [0.0, 1.0])
def test_a_graph_of_one_node_has_a_page(work: float) -> None:
    """And when it costs nothing."""
    graph = sg.Graph(work=[work], producer=[], size=[], consumers=[], consumer_offsets=[0])
    page = Page(page_of(make(graph, [0])))
    assert page.data["names"] == ["node 0"]
    assert "no stage pays for a tensor" in page.text


def test_every_scrolling_region_and_control_has_a_name() -> None:
    """Screen readers name them, and the keyboard reaches them."""
    elements = Page(page_of(hostile())).elements
    labels = {named.get("for") for tag, named in elements if tag == "label"}
    for tag, named in elements:
        if tag == "input":
            assert named["id"] in labels
        if tag in {"canvas", "svg"} or named.get("role") == "region":
            assert named["aria-label"]
        if tag == "canvas" or named.get("role") == "region":
            assert named["tabindex"] == "0"
    assert sum(tag == "caption" for tag, _ in elements) == sum(tag == "table" for tag, _ in elements) > 0
    assert [tag for tag, _ in elements if re.fullmatch("h[1-6]", tag)][:2] == ["h1", "h2"]
