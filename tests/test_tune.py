"""Tuning: rounds of a small model, what they rest on, and what ends them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import slicegraph as sg

TEXT = """<ir_version: 8, opset_import: ["": 17]> g (float[32,256] x) => (float[32,256] y) {
    a = MatMul(x, w) b = Relu(a) c = MatMul(b, w) d = Tanh(c) e = MatMul(d, w) f = Relu(e) y = MatMul(f, w) }"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four products of one cost, with something between them."""
    model = parser.parse_model(TEXT)
    weight = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32) / 16
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    path = tmp_path_factory.mktemp("tune") / "model.onnx"
    onnx.save(model, path)
    return path


def test_the_best_plan_as_measured_is_given(model: Path) -> None:
    tuning = sg.tune(model, num_blocks=2, runs=5, rounds=4)
    assert tuning.best is not None
    assert 1 <= len(tuning.rounds) <= 4
    assert tuning.rounds[0].start == "kernels"
    best = tuning.rounds[tuning.best]
    assert best.measured == min(one.measured for one in tuning.rounds)
    for one in tuning.rounds:
        assert one.measured == max(stage.measured for stage in one.stages)
        assert one.predicted == max(stage.predicted for stage in one.stages)
    document = tuning.plan.document
    assert len(best.stages) == len(set(document["block_of"]))
    assert document["graph"]["digest"] == sg.read(model).structure_digest
    assert tuning.document["plan"] == document
    assert tuning.graph.arrays.device == document["device"]
    assert sg.Instance(tuning.graph, num_blocks=2).device.bandwidth == document["device"]["bandwidth"]


def test_corrected_costs_say_what_was_measured(model: Path) -> None:
    """Of a plan that was measured, each stage's cost is near to its time: within what measurements contradict."""
    tuning = sg.tune(model, num_blocks=2, runs=5, rounds=1)
    (one,) = tuning.rounds[:1]
    if len(tuning.rounds) == 1:
        costs = [block.cost for block in tuning.result.block_costs]
        assert costs == pytest.approx([stage.measured for stage in one.stages], rel=0.05)


def test_what_ends_it_early_leaves_what_is_known(model: Path) -> None:
    def stop_at(text: str, error: type[BaseException]) -> None:
        raise_at.clear()
        raise_at.append((text, error))

    raise_at: list[tuple[str, type[BaseException]]] = []

    def show(line: str) -> None:
        if line.startswith(raise_at[0][0]):
            raise raise_at[0][1]

    stop_at("profile of kernels: run 1", KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        sg.tune(model, num_blocks=2, runs=3, show=show)
    for text in ("profile of kernels: run 5", "round 1: stage 1"):
        stop_at(text, KeyboardInterrupt)
        tuning = sg.tune(model, num_blocks=2, runs=3, show=show)
        assert (tuning.rounds, tuning.best, tuning.is_interrupted) == ((), None, True)
        assert len(tuning.plan.document["block_of"]) == 7
    stop_at("profile of nodes: run 2", KeyboardInterrupt)
    tuning = sg.tune(model, num_blocks=2, runs=3, show=show)
    assert (len(tuning.rounds), tuning.best, tuning.is_interrupted) == (1, 0, True)
    with pytest.raises(sg.InputError, match="time_limit = 0, but it was over before the model was profiled"):
        sg.tune(model, num_blocks=2, time_limit=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_blocks": 0}, "num_blocks = 0, but it is a whole number from 1"),
        ({"num_blocks": 2, "rounds": 0}, "rounds = 0, but"),
        ({"num_blocks": 2, "tolerance": 2}, "tolerance = 2, but it is a share from 0 to 1"),
        ({"num_blocks": 2, "dims": {"N": 3}}, "no dimension named 'N'"),
    ],
)
def test_what_is_wrong_is_refused(arguments: dict[str, object], message: str, model: Path) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.tune(model, **arguments)  # type: ignore[arg-type] # wrong on purpose
