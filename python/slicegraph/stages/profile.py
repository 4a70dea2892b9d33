"""Measured work per node: the graph of an ONNX model, with what onnxruntime takes for each of its kernels or nodes."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.graph import Graph, fields
from slicegraph.stages.pricing import priced
from slicegraph.stages.providers import provider_of

if TYPE_CHECKING:
    # It loads onnxruntime.
    from slicegraph.stages.onnx.timing import OnRun, Timing

RUNS, WARMUP, THREADS = 20, 3, 1
"""What is measured unless the caller says otherwise."""
_LIMITS = {"runs": (1, 1_000_000), "warmup": (0, 1_000_000), "threads": (1, 65_536), "seed": (0, 2**64 - 1)}


def profile(
    model_path: str | os.PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    runs: int = RUNS,
    warmup: int = WARMUP,
    threads: int = THREADS,
    seed: int = 0,
    fused: bool = True,
    provider: str | None = None,
) -> Graph:
    """Measure the work of each node of an ONNX model on this machine.

    Parameters
    ----------
    model_path
        An ``.onnx`` file.
    dims
        Sizes of named dimensions, such as ``{"batch": 1}``.
    inputs
        Values of the model's inputs, by name: arrays that broadcast to the input's shape. Others are made up.
    runs, warmup
        How often the model runs while it is measured, and before.
    threads
        How many threads onnxruntime gives to a node.
    seed
        Of the inputs that are made up: floats are normal, integers and booleans 0 or 1, strings "0" or "1".
    fused
        Whether to measure kernels as stages run them, with all of onnxruntime's optimizations, or each node by itself,
        without any.
    provider
        onnxruntime's execution provider (`slicegraph.stages.providers`). None: the processor. Transfers of the graph's
        ``device`` are those of the processor nevertheless.

    Returns
    -------
        The graph that `slicegraph.read` gives, with this machine as its ``device`` (`slicegraph.stages.pricing`),
        ``work`` in seconds and, if fused, ``kernel``, the kernel that each
        node is part of. A kernel's work is the lower quartile over the runs, or the least of them where other programs
        took more than a tenth of the time, a single node's the median.

    Raises
    ------
    InputError
        onnxruntime is not installed, or the model cannot be read or run.
    KeyboardInterrupt
        Ctrl-C before a run was counted; later, what was measured until then is given.

    Notes
    -----
    - A kernel's time is shared out among its nodes by the operations and bytes of each, and `solve` keeps them in one
      stage. Changes of layout belong to the kernel that reads what they make, else to the one before. A stage's own
      borders may change what is fused there: `tune` measures stages.
    - With ``fused=False`` each node runs by itself.  A pipeline whose stages are optimized is faster than the sum of
      the nodes' work, a quantized model much faster; the command prints both latencies.
    - What the reader folds is computed before and costs nothing.  Views are measured like all others.  If, Loop and
      Scan include their bodies.
    - A node without a kernel of its own is run as several operators.  What these take is shared out among all such
      nodes by the bytes that each reads and writes.  Conversions that onnxruntime adds for float16 are no node's work.
    - A profile has the clock on the wall, which on a busy machine runs for other programs, too. With one thread, nodes
      are then scaled to the time that the processor was theirs; of too long a sum, what is longer than the turn of a
      program shrinks first.
    - A profile counts whole microseconds, so a node that takes less than one costs nothing.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.profile("resnet50.onnx", dims={"batch": 1}, threads=4)  # doctest: +SKIP
    >>> instance = sg.Instance(graph, num_blocks=4)  # doctest: +SKIP
    """
    return measure(
        model_path,
        dims=dims,
        inputs=inputs,
        runs=runs,
        warmup=warmup,
        threads=threads,
        seed=seed,
        fused=fused,
        provider=provider,
    )[0]


def measure(
    model_path: str | os.PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    runs: int = RUNS,
    warmup: int = WARMUP,
    threads: int = THREADS,
    seed: int = 0,
    fused: bool = True,
    provider: str | None = None,
    on_run: OnRun | None = None,
    with_whole: bool = True,
) -> tuple[Graph, Timing]:
    """Measure as `profile` does, and give besides the graph all that is known of the measurement.

    ``on_run`` is called before each run with what is measured, how many runs are over, and how many there will be.
    Without ``with_whole``, the model does not run again without a profile.
    """
    for name, value in {"runs": runs, "warmup": warmup, "threads": threads, "seed": seed}.items():
        checks.whole(name, value, *_LIMITS[name])
    checks.flag("fused", fused)
    path = checks.path("model_path", model_path)
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime")):
        raise InputError(f"{path}: profiling takes the onnxruntime package; pip install slicegraph[onnxruntime]")
    from slicegraph.stages.onnx import timing  # noqa: PLC0415 - a library is loaded when used

    found = timing.measure(
        path,
        dims=checks.dims(dims),
        inputs=checks.mapping("inputs", inputs),
        runs=runs,
        warmup=warmup,
        threads=threads,
        seed=seed,
        fused=fused,
        provider=provider_of(provider),
        on_run=on_run or _silent,
        with_whole=with_whole,
    )
    found = dataclasses.replace(found, arrays=priced(found.arrays))
    try:
        return Graph(**fields(found.arrays)), found
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _silent(_what: str, _over: int, _total: int) -> None:
    pass
