"""Run a split model as a pipeline, and measure what the plan promised."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.formats.files import file_digest
from slicegraph.stages.pipeline.folder import Split, Stage, read_split
from slicegraph.stages.pipeline.measure import PipelineRun, measure
from slicegraph.stages.providers import Provider, providers_of

_DEFAULT_REQUESTS = 100
_MAX_DEPTH = 64
_MAX_REQUESTS = 5_000
"""The times of so many are kept, and of some before and behind them."""
_MAX_THREADS = 1024
_LARGEST = 2**64 - 1


def run_pipeline(
    directory: str | os.PathLike[str],
    *,
    requests: int | None = None,
    seconds: float | None = None,
    warmup: int = 10,
    depth: int = 2,
    threads: int = 1,
    seed: int = 0,
    inputs: Mapping[str, ArrayLike] | None = None,
    compare: str | os.PathLike[str] | None = None,
    provider: str | Sequence[str] | None = None,
) -> PipelineRun:
    """Run the stages of a split model as a pipeline of processes on this machine, and measure them.

    Parameters
    ----------
    directory
        What ``slicegraph split`` wrote: ``manifest.json`` and a model per stage.
    requests
        To be measured, at most 5,000. None: 100, unless ``seconds`` are given.
    seconds
        To measure. When both are given, what ends first ends the run.
    warmup
        Requests before that, which are not measured; at least 1.
    depth
        Requests that may wait between two neighbours, from 1 to 64.
    threads
        Of each stage, from 1 to 1024.
    seed
        Of the inputs that are made up; all are the same for every request.
    inputs
        Values of the model's inputs, by name: arrays that broadcast to the input's shape. Others are made up.
    compare
        The model that was split: it runs in one process, with as many threads as a stage, for as long again.
    provider
        onnxruntime's execution provider, one for all or one for each stage (`slicegraph.stages.providers`); the whole
        model runs on the first. None: the processor.

    Returns
    -------
    PipelineRun
        What was measured, beside what was predicted. After Ctrl-C, what was measured until then.

    Raises
    ------
    InputError
        When the onnxruntime package is missing, the folder holds no split model, a tensor between stages has no fixed
        shape, or a parameter is out of range.
    StageError
        When a stage fails, its process ends, or gives no sign of life for 15 seconds: it was stopped, or hangs.

    Notes
    -----
    Stages run in ONNX Runtime, as processes that know nothing of the caller's program: it may be a
    script, a notebook, or typed. Tensors go through shared memory, straight from the stage that makes them to those
    that read them; inputs and outputs of the model are copied like any other, whether the plan pays for them or not.
    Strings only enter or leave the model. The times of some 8,000 requests are kept, the latest ones. POSIX only.

    Examples
    --------
    >>> import slicegraph as sg
    >>> run = sg.run_pipeline("resnet50-stages", seconds=5, compare="resnet50.onnx")  # doctest: +SKIP
    >>> run.bottleneck, run.throughput, run.speedup  # doctest: +SKIP
    (0.0132, 74.8, 1.83)
    """
    if requests is not None:
        checks.whole("requests", requests, 1, _MAX_REQUESTS)
    checks.whole("warmup", warmup, 1, _LARGEST)
    checks.whole("depth", depth, 1, _MAX_DEPTH)
    checks.whole("threads", threads, 1, _MAX_THREADS)
    checks.whole("seed", seed, 0, _LARGEST)
    if (
        seconds is not None
        and not 0 < checks.number(f"seconds = {seconds!r:.80}", seconds, "it is a positive number") < math.inf
    ):
        raise InputError(f"seconds = {seconds}, but it is a positive number")
    if os.name != "posix":
        raise InputError("running a pipeline takes a POSIX system")
    if importlib.util.find_spec("onnxruntime") is None:
        raise InputError("running a pipeline takes the onnxruntime package; pip install slicegraph[onnxruntime]")
    from slicegraph.stages.pipeline.inputs import draw  # noqa: PLC0415 - loads onnx

    split = read_split(checks.path("directory", directory))
    whole = None if compare is None else _whole(split, checks.path("compare", compare))
    if requests is None and seconds is None:
        requests = _DEFAULT_REQUESTS
    providers = providers_of(provider, len(split.stages))
    values = draw(split.inputs, checks.mapping("inputs", inputs), seed=seed)
    run = _run(
        split,
        values,
        requests=requests,
        seconds=seconds,
        warmup=warmup,
        depth=depth,
        threads=threads,
        providers=providers,
    )
    if whole is None or run.is_interrupted:
        return run
    alone = _run(
        whole,
        values,
        requests=None,
        seconds=run.seconds,
        warmup=1,
        depth=1,
        threads=threads,
        providers=providers[:1],
    )
    return dataclasses.replace(run, whole_throughput=alone.throughput, is_interrupted=alone.is_interrupted)


def _run(
    split: Split,
    inputs: Mapping[str, NDArray[Any]],
    *,
    requests: int | None,
    seconds: float | None,
    warmup: int,
    depth: int,
    threads: int,
    providers: Sequence[Provider],
) -> PipelineRun:
    from slicegraph.stages.onnx.weights import check_external  # noqa: PLC0415 - loads onnx
    from slicegraph.stages.pipeline.conductor import Pipeline  # noqa: PLC0415 - POSIX only

    for stage in split.stages:
        check_external(stage.file)
    pipeline, is_interrupted = Pipeline(split, inputs, depth=depth, threads=threads, providers=providers), False
    try:
        with pipeline:
            pipeline.wait(warmup=warmup, requests=requests, seconds=seconds)
    except KeyboardInterrupt:
        is_interrupted = True
    run = measure(split, pipeline.boards, warmup=warmup, requests=requests)
    return dataclasses.replace(run, is_interrupted=is_interrupted, threads=threads)


def _whole(split: Split, model: Path) -> Split:
    """Give the model that was split as a pipeline of one stage."""
    if file_digest(model) != split.sha256:
        raise InputError(f"{model}: not the model that was split: its SHA-256 is another")
    outputs = tuple(
        tensor
        for stage in split.stages
        for tensor, is_result in zip(stage.outputs, stage.is_result, strict=True)
        if is_result
    )
    stage = Stage(
        file=model,
        block=0,
        num_nodes=sum(stage.num_nodes for stage in split.stages),
        inputs=split.inputs,
        outputs=outputs,
        producers=(None,) * len(split.inputs),
        readers=((),) * len(outputs),
        is_result=(True,) * len(outputs),
        predicted=None,
    )
    return dataclasses.replace(split, stages=(stage,), predicted=None)
