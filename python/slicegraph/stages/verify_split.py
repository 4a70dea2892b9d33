"""Whether the stages of a split, one after the other, compute what the whole model does."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.formats.files import file_digest
from slicegraph.stages.manifest import NAME, check_entries, read_manifest
from slicegraph.stages.providers import providers_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How far one output of the stages is from the model's own.

    Attributes
    ----------
    name
        Of the output.
    absolute
        The largest difference of two elements; infinite where only one is a number, or shapes differ.
    relative
        That, over the largest magnitude of the model's own output.
    tolerance
        A relative difference that is no fault: what was asked for, else what rounding explains, by the types of the
        values that the output depends on.
    optimized
        The relative difference with onnxruntime's optimizations on, where that is beyond the tolerance: it was then
        judged with optimizations off. None: it is the relative difference.
    random
        Nodes that draw random numbers for this output, without a seed. If there are any, nothing was compared, and both
        differences are NaN.
    is_uniform
        Whether all elements of the model's own output are the same, of two or more: zeros, or no numbers, for example.
        Then it is equal whatever most of the stages compute, and other inputs tell more.
    """

    name: str
    absolute: float
    relative: float
    tolerance: float = 0.0
    optimized: float | None = None
    random: tuple[str, ...] = ()
    is_uniform: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether the output was compared, and is the model's own within the tolerance."""
        return self.relative <= self.tolerance


def verify_split(
    directory: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    seed: int = 0,
    dims: Mapping[str, int] | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    tolerance: float | None = None,
    provider: str | Sequence[str] | None = None,
) -> tuple[Difference, ...]:
    """Run a model and the stages that it was split into on the same inputs, with onnxruntime.

    Runtimes fuse nodes, and across stages they cannot, so numbers may differ a little, and those of quantised models
    more than that: what is beyond the tolerance is judged again with onnxruntime's optimizations off, and with float16
    rounded in the model where it is rounded between stages.

    Parameters
    ----------
    directory
        What `split` wrote.
    model
        The ``.onnx`` file that was split.
    seed
        Of the inputs that are made up: normal floats, integers and truth values that are 0 or 1, strings "0" or "1".
    dims
        Sizes of named dimensions. A split is for certain sizes; others are refused.
    inputs
        Values of the model's inputs, by name: arrays that broadcast to the input's shape. Others are made up.
    tolerance
        A relative difference that is no fault. None: for each output what rounding explains, 1e-9 for 64-bit floats,
        1e-4 for those of 32 bits, 1e-3 for float16 and 8e-3 for bfloat16, by the coarsest that it depends on.
    provider
        onnxruntime's execution provider, one for all or one for each stage (`slicegraph.stages.providers`); the whole
        model runs on the first. None: the processor.

    Returns
    -------
        The difference of each output, in the model's order. Outputs that depend on random numbers are not compared.

    Raises
    ------
    InputError
        When a file cannot be read or run, or the split is of another model or for other sizes.

    Examples
    --------
    >>> import slicegraph as sg
    >>> all(each.is_equal for each in sg.verify_split("stages", "model.onnx"))  # doctest: +SKIP
    True
    """
    folder, path = checks.path("directory", directory), checks.path("model", model)
    checks.whole("seed", seed, 0, 2**64 - 1)
    given = checks.mapping("inputs", inputs)
    if tolerance is not None:
        checks.number(f"tolerance = {tolerance!r:.80}", tolerance, "a tolerance is not negative")
    if not all(map(importlib.util.find_spec, ("onnx", "onnxruntime"))):
        raise InputError(f"{folder}: running models takes onnxruntime; pip install slicegraph[onnxruntime]")
    from slicegraph.stages.onnx import chaining  # noqa: PLC0415 - imported when used

    manifest = read_manifest(folder)
    try:
        check_entries(manifest)
    except InputError as error:
        raise InputError(f"{folder / NAME}: {error}") from None
    _check_question(folder, path, manifest["model"], checks.dims(dims))
    providers = providers_of(provider, len(manifest["stages"]))
    feeds = chaining.inputs(manifest, given, seed)
    names = [tensor["name"] for tensor in manifest["outputs"]]
    found = chaining.look_back(path, manifest["model"]["dims"], names)

    def compare(*, is_optimized: bool) -> list[Difference]:
        whole = chaining.run_model(path, manifest, feeds, is_optimized=is_optimized, provider=providers[0])
        chained = chaining.run_stages(folder, manifest, feeds, is_optimized=is_optimized, providers=providers)
        return [
            dataclasses.replace(
                Difference(name=name, absolute=math.nan, relative=math.nan)
                if origin.random
                else difference(name, *arrays),
                tolerance=origin.tolerance if tolerance is None else tolerance,
                random=origin.random,
            )
            for name, origin, *arrays in zip(names, found, whole, chained, strict=True)
        ]

    fused = compare(is_optimized=True)
    if all(each.is_equal or each.random for each in fused):
        return tuple(fused)
    try:
        plain = compare(is_optimized=False)
    except InputError:
        # What only runs optimized is judged as it runs.
        return tuple(fused)
    return tuple(
        first if first.is_equal else dataclasses.replace(second, optimized=first.relative)
        for first, second in zip(fused, plain, strict=True)
    )


def _check_question(folder: Path, path: Path, split_model: Mapping[str, Any], dims: Mapping[str, int]) -> None:
    """Check that the split is of this model, for these sizes."""
    if split_model["sha256"] != file_digest(path):
        raise InputError(f"{path}: not the file that was split into {folder}")
    known = split_model["dims"]
    for name, size in dims.items():
        if known.get(name) != size:
            stated = f"it is for {known[name]}" if name in known else "it was not given one"
            raise InputError(f"{folder}: dimension {name!r} is {size}, but {stated}")


def holds(found: Iterable[Difference]) -> bool:
    """Whether the stages are shown to compute what the model does: all that can be compared is equal, and something is.

    Examples
    --------
    >>> holds([Difference(name="y", absolute=0.5, relative=0.25, tolerance=0.1)])
    False
    """
    compared = [each for each in found if not each.random]
    return bool(compared) and all(each.is_equal for each in compared)


def difference(name: str, whole: NDArray[Any], chained: NDArray[Any]) -> Difference:
    """Compare two arrays; what is no number in both is equal.

    Examples
    --------
    >>> import numpy as np
    >>> found = difference("y", np.array([2.0, -4.0]), np.array([2.0, -3.0]))
    >>> found.absolute, found.relative
    (1.0, 0.25)
    """
    if whole.shape != chained.shape or whole.dtype != chained.dtype:
        return Difference(name=name, absolute=np.inf, relative=np.inf)
    if whole.dtype.kind in "OSU":
        absolute = float(not np.array_equal(whole, chained))
        is_uniform = whole.size > 1 and bool(np.all(whole == whole.flat[0]))
        return Difference(name=name, absolute=absolute, relative=absolute, is_uniform=is_uniform)
    wide: type[Any] = np.complex128 if whole.dtype.kind == "c" else np.float64
    first, second = whole.astype(wide), chained.astype(wide)
    # Equal elements are a difference of 0, infinite ones too.
    is_equal = (whole == chained) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        # Integers that floats cannot tell apart differ by 1 at least.
        least = 1.0 if whole.dtype.kind in "iu" else 0.0
        gaps = np.where(is_equal, 0.0, np.maximum(np.abs(first - second), least))
    absolute = float(np.max(np.where(np.isnan(gaps), np.inf, gaps), initial=0.0))
    magnitude = float(np.max(np.abs(first), initial=0.0, where=np.isfinite(first)))
    is_uniform = first.size > 1 and np.array_equal(first, np.full_like(first, first.flat[0]), equal_nan=True)
    relative = absolute / magnitude if magnitude else absolute
    return Difference(name=name, absolute=absolute, relative=relative, is_uniform=is_uniform)
