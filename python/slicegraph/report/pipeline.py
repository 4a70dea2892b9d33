"""A run of a pipeline, for people and for programs."""

from __future__ import annotations

import json
import os
from typing import Any

from slicegraph.errors import printable
from slicegraph.report import numbers
from slicegraph.report.clocks import parting
from slicegraph.report.screen import Screen, Table
from slicegraph.stages.pipeline.measure import PipelineRun, StageRun

_HEADS = ("stage", "block", "nodes", "predicted", "run", "processor", "transfer", "measured", "", "ratio", "busy")


def run_to_text(run: PipelineRun) -> str:
    """Give a row per stage and the throughput, in colours when standard output is a terminal that has them."""
    screen = Screen()
    screen.say(_headline(run))
    if run.requests:
        screen.show(_stages(run))
        screen.say(_summary(run))
    return screen.text


def run_to_json(run: PipelineRun) -> str:
    """Give one object as one line; what was not measured, or not predicted, is null."""
    return json.dumps(
        {
            "model": run.name,
            "requests": run.requests,
            "seconds": run.seconds,
            "interrupted": run.is_interrupted,
            "bottleneck": run.bottleneck,
            "throughput": run.throughput,
            "predicted": {"bottleneck": run.predicted_bottleneck, "throughput": run.predicted_throughput},
            "whole": {"throughput": run.whole_throughput, "speedup": run.speedup},
            "stages": [_stage(index, stage) for index, stage in enumerate(run.stages)],
        },
        allow_nan=False,
    )


def _stage(index: int, stage: StageRun) -> dict[str, Any]:
    return {
        "stage": index,
        "file": stage.file,
        "block": stage.block,
        "nodes": stage.num_nodes,
        "predicted": stage.predicted,
        "run": stage.run,
        "cpu": stage.cpu,
        "transfer": stage.transfer,
        "measured": stage.measured,
        "busy": stage.busy,
    }


def _headline(run: PipelineRun) -> str:
    name = printable(run.name) or "model"
    if not run.requests:
        return f"{name}: nothing was measured before it was interrupted"
    end = ", interrupted" if run.is_interrupted else ""
    return f"{name}: {len(run.stages)} stages, {run.requests} requests in {numbers.time(run.seconds)}{end}"


def _stages(run: PipelineRun) -> Table:
    table = Table(heads=_HEADS)
    for index, stage in enumerate(run.stages):
        is_bottleneck = stage.measured == run.bottleneck
        cells = (
            str(index),
            str(stage.block),
            str(stage.num_nodes),
            "-" if stage.predicted is None else numbers.time(stage.predicted),
            *(numbers.time(part) for part in (stage.run, stage.cpu, stage.transfer, stage.measured)),
            "<" if is_bottleneck else "",
            f"{stage.measured / stage.predicted:.3g}" if stage.predicted else "-",
            numbers.percent(stage.busy),
        )
        table.add(cells, is_bold=is_bottleneck)
    return table


def _summary(run: PipelineRun) -> str:
    bottleneck, throughput = run.bottleneck or 0.0, run.throughput or 0.0
    predicted = run.predicted_bottleneck
    lines = [
        f"bottleneck   {numbers.time(bottleneck)} (the stage marked <)"
        + ("" if predicted is None else f", predicted {numbers.time(predicted)}"),
        f"throughput   {throughput:.4g} per s"
        + ("" if run.predicted_throughput is None else f", predicted {run.predicted_throughput:.4g} per s"),
    ]
    if run.whole_throughput is not None:
        lines.append(
            f"one process  {run.whole_throughput:.4g} per s: the pipeline is {run.speedup or 0.0:.3g} times as fast"
        )
    worst = max(run.stages, key=lambda stage: stage.run - stage.cpu)
    if run.threads == 1:
        lines += [f"note         {note}" for note in parting("a stage", worst.run, worst.cpu)]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(run.stages) > processors:
        lines.append(f"note         {len(run.stages)} stages on {processors} processors: times include waits for one")
    return "\n".join(lines)
