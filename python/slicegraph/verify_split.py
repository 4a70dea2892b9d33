"""Whether the stages of a split, one after the other, compute what the whole model does."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.files import file_digest
from slicegraph.formats.manifest import NAME, check_entries, read_manifest


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
    """

    name: str
    absolute: float
    relative: float


def verify_split(
    directory: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    seed: int = 0,
    dims: Mapping[str, int] | None = None,
) -> tuple[Difference, ...]:
    """Run a model and the stages that it was split into on the same random inputs, with onnxruntime on the processor.

    Runtimes fuse nodes, and across stages they cannot, so floats may differ a little.

    Parameters
    ----------
    directory
        What `split` wrote.
    model
        The ``.onnx`` file that was split.
    seed
        Of the inputs: normal floats, integers and truth values that are 0 or 1.
    dims
        Sizes of named dimensions. A split is for certain sizes; others are refused.

    Returns
    -------
        The difference of each output, in the model's order.

    Raises
    ------
    InputError
        When a file cannot be read or run, or the split is of another model or for other sizes.

    Examples
    --------
    >>> import slicegraph as sg
    >>> max(each.relative for each in sg.verify_split("stages", "model.onnx"))  # doctest: +SKIP
    3.1e-07
    """
    folder, path = Path(directory), Path(model)
    if not all(map(importlib.util.find_spec, ("onnx", "onnxruntime"))):
        raise InputError(f"{folder}: running models takes onnxruntime; pip install slicegraph[onnxruntime]")
    from slicegraph.formats.onnx.chaining import inputs, run_model, run_stages  # noqa: PLC0415 - imported when used

    manifest = read_manifest(folder)
    try:
        check_entries(manifest)
    except InputError as error:
        raise InputError(f"{folder / NAME}: {error}") from None
    if manifest["model"]["sha256"] != file_digest(path):
        raise InputError(f"{path}: not the file that was split into {folder}")
    known = manifest["model"]["dims"]
    for name, size in (dims or {}).items():
        if known.get(name) != size:
            stated = f"it is for {known[name]}" if name in known else "it was not given one"
            raise InputError(f"{folder}: dimension {name!r} is {size}, but {stated}")
    feeds = inputs(manifest, seed)
    names = [tensor["name"] for tensor in manifest["outputs"]]
    whole = run_model(path, feeds, names)
    chained = run_stages(folder, manifest, feeds)
    return tuple(difference(*each) for each in zip(names, whole, chained, strict=True))


def difference(name: str, whole: NDArray[Any], chained: NDArray[Any]) -> Difference:
    """Compare two arrays; what is no number in both is equal.

    Examples
    --------
    >>> import numpy as np
    >>> difference("y", np.array([2.0, -4.0]), np.array([2.0, -3.0]))
    Difference(name='y', absolute=1.0, relative=0.25)
    """
    if whole.shape != chained.shape or whole.dtype != chained.dtype:
        return Difference(name=name, absolute=np.inf, relative=np.inf)
    if whole.dtype.kind in "OSU":
        absolute = float(not np.array_equal(whole, chained))
        return Difference(name=name, absolute=absolute, relative=absolute)
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
    return Difference(name=name, absolute=absolute, relative=absolute / magnitude if magnitude else absolute)
