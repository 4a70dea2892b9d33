"""Execution providers of onnxruntime: one for all stages or one for each, of those that are installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from pipelines import chain
from slicegraph.cli import main
from slicegraph.stages.providers import ON_PROCESSOR, PROCESSOR, Provider, provider_of, providers_of

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("given", [None, PROCESSOR, [PROCESSOR], f"{PROCESSOR}, {PROCESSOR}", (PROCESSOR, PROCESSOR)])
def test_one_counts_for_all_stages(given: Any) -> None:
    assert providers_of(given, 2) == (ON_PROCESSOR, ON_PROCESSOR)


def test_a_number_after_a_colon_is_a_device() -> None:
    assert providers_of(f"{PROCESSOR}:0,{PROCESSOR}:3", 2) == (Provider(PROCESSOR, 0), Provider(PROCESSOR, 3))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (
            "CUDAExecutionProvide",
            r"'CUDAExecutionProvide' is not available; this onnxruntime has .*CPUExecutionProvider",
        ),
        ("", "'' is not available"),
        ("CPUExecutionProvider:one", "'CPUExecutionProvider:one' names no device: a number follows the colon"),
        (f"{PROCESSOR},{PROCESSOR},{PROCESSOR}", "there are 3, but 2 stages: give one for all, or one for each"),
        (3, "provider = 3, but it is a name of onnxruntime's, or one for each stage"),
        ([3], r"provider = \[3\], but it is a name"),
    ],
)
def test_others_are_refused_in_one_line(given: Any, rule: str) -> None:
    with pytest.raises(sg.InputError, match=rule) as told:
        providers_of(given, 2)
    assert "\n" not in str(told.value)


def test_a_whole_model_has_one() -> None:
    with pytest.raises(sg.InputError, match="there are 2, but 1 stage"):
        provider_of(f"{PROCESSOR},{PROCESSOR}")


class _Session:
    def __init__(self, _model: Any, _options: Any, providers: list[Any]) -> None:
        self.providers = providers

    def get_providers(self) -> list[str]:
        # onnxruntime goes on without a provider that does not start.
        return [PROCESSOR]


def test_a_provider_that_does_not_start_is_told_and_a_device_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "InferenceSession", _Session)
    assert Provider(PROCESSOR, 1).session(b"", None).providers == [(PROCESSOR, {"device_id": "1"})]
    with pytest.raises(sg.InputError, match="provider: CUDAExecutionProvider does not start on this machine"):
        Provider("CUDAExecutionProvider").session(b"", None)


def test_stages_run_and_are_verified_on_the_provider_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "stages"
    chain(folder)
    count = len(json.loads((folder / "manifest.json").read_text())["stages"])
    each = ",".join([PROCESSOR] * count)
    assert main(["run", str(folder), "--requests", "3", "--warmup", "1", "--provider", each, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    for verb in (["run", str(folder)], ["verify-split", str(folder), str(_model(folder))]):
        assert main([*verb, "--provider", "NoExecutionProvider"]) == 2
        told = capsys.readouterr().err
        assert "provider: 'NoExecutionProvider' is not available; this onnxruntime has" in told
        assert told.count("\n") == 1
    assert main(["verify-split", str(folder), str(_model(folder)), "--provider", each]) == 0
    capsys.readouterr()
    graph = tmp_path / "graph.json"
    asked = ["profile", str(_model(folder)), "-o", str(graph), "--runs", "1", "--provider"]
    assert main([*asked, PROCESSOR]) == 0
    assert main([*asked, f"{PROCESSOR},{PROCESSOR}"]) == 2
    assert "provider: there are 2, but 1 stage" in capsys.readouterr().err


def _model(folder: Path) -> Path:
    """Give the model that was split, which stands beside the folder."""
    (path,) = folder.parent.glob("*.onnx")
    return path
