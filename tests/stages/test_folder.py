"""What is wrong with a folder is said before anything is started."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from pipelines import chain, change
from slicegraph.stages.pipeline.folder import read_split


def test_a_split_is_read_with_what_goes_where(tmp_path: Path) -> None:
    chain(tmp_path / "stages")
    split = read_split(tmp_path / "stages")
    assert (split.name, split.predicted) == ("chain", 1e-4)
    assert [stage.producers for stage in split.stages] == [(None,), (0,), (0, 1)]
    assert [stage.readers for stage in split.stages] == [((1, 2),), ((2,),), ((),)]
    assert [stage.is_result for stage in split.stages] == [(False,), (True,), (True,)]
    assert [stage.block for stage in split.stages] == [1, 2, 3]


def test_a_cost_without_a_prediction_is_none(tmp_path: Path) -> None:
    chain(tmp_path / "stages")
    change(tmp_path / "stages", stages__0__predicted__cost=None, stages__1__predicted=False, predicted=False)
    with pytest.raises(sg.InputError, match="False, but it is seconds"):
        read_split(tmp_path / "stages")
    change(tmp_path / "stages", stages__1__predicted={}, predicted={"bottleneck": 2})
    split = read_split(tmp_path / "stages")
    assert [stage.predicted for stage in split.stages] == [None, None, 1e-4]
    assert split.predicted == 2.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not the manifest of a split"),
        ({"stages": None}, "stages is missing"),
        ({"stages": []}, "there are no stages"),
        ({"stages": {}}, '"stages" is {}, but a list is asked for'),
        ({"stages__0": 3}, "stage 0: not an object"),
        ({"stages__1__stage": 0}, 'stage 1: "stage" is 0, but stages are in order'),
        ({"stages__1__file": None}, 'stage 1: "file" is missing'),
        ({"stages__1__file": "../x.onnx"}, "but models stand beside the manifest"),
        ({"stages__1__file": "x.onnx"}, "x.onnx: No such file or directory"),
        ({"stages__1__sha256": "0"}, "stage1.onnx: not the model of stage 1 that was written: its SHA-256 is another"),
        ({"stages__1__nodes": "3"}, "stage 1: \"nodes\" is '3', but a int is asked for"),
        ({"stages__1__inputs__0__from_": 2}, "stage 1: 'y0' is not made by stage 2 with this type and shape"),
        ({"stages__1__inputs__0__from_": "model"}, "stage 1: 'y0' is not made by the model with this type and shape"),
        ({"stages__1__inputs__0__shape": [1]}, "stage 1: 'y0' is not made by stage 0 with this type and shape"),
        ({"stages__0__outputs__0__to": [1]}, "stage 0: 'y0' goes \"to\" other stages than those that read it"),
        ({"stages__0__outputs__0__to": [[1]]}, "stage 0: 'y0' goes \"to\" what is no stage"),
        (
            {"stages__1__outputs__0__name": "x"},
            "stage 1: 'x' is made twice",
        ),
        ({"stages__0__outputs__0__shape": ["n", 3]}, "stage 0: 'y0' has no fixed shape"),
        ({"stages__0__outputs__0__shape": None}, "stage 0: 'y0': \"shape\" is missing"),
        ({"inputs__0__dtype": "string"}, "'x' is of type string, which stages cannot share"),
        ({"stages__0__predicted__cost": -1}, 'stage 0: predicted "cost" is -1, but it is seconds'),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_one_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    chain(tmp_path / "stages")
    change(tmp_path / "stages", **changes)
    with pytest.raises(sg.InputError, match=re.escape(message)) as caught:
        read_split(tmp_path / "stages")
    assert "\n" not in str(caught.value)


def test_another_model_is_not_compared(tmp_path: Path) -> None:
    chain(tmp_path / "stages")
    other = tmp_path / "stages" / "stage0.onnx"
    with pytest.raises(sg.InputError, match=r"stage0\.onnx: not the model that was split: its SHA-256 is another"):
        sg.run_pipeline(tmp_path / "stages", compare=other)


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(sg.InputError, match=r"nowhere/manifest\.json: No such file or directory"):
        read_split(tmp_path / "nowhere")
