"""A proof in integers from the dual multipliers of a linear relaxation.

Every row of a model is an inequality ``sum of value * z >= bound``, and so is every sum of rows with nonnegative
weights; adding them up needs no solver. Written ``a t + sum of A_z z >= R``, the sum gives

    t >= (R - sum of max(A_z low_z, A_z high_z)) / a        where a > 0,

and if ``a = 0`` and the numerator is positive, the model is infeasible (Farkas' lemma). The weights are the dual values
of the linear relaxation, rounded to integers; unrounded, they would give its optimum (strong duality).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds.model import BYTES, KINDS, NUM_ARGUMENTS, PURE, Model
from slicegraph.evidence.relaxation import Proof

_ONE = 2**30
"""The integer for a weight of 1."""
_UNPROVABLE = [KINDS.index(name) for name in BYTES]
"""In bytes, where all other rows are in ticks; leaving a row out of the sum weakens it, nothing else."""


def prove(model: Model, weights: NDArray[np.float64], unit: int, step: int) -> Proof | None:
    """Turn multipliers into a proof.

    Parameters
    ----------
    model
        The model of the rows.
    weights
        One per row, of any quality: negative ones count as 0.
    unit
        Ticks by which rows without costs are multiplied; about the scale of the weights.
    step
        A common divisor of all costs, in ticks.

    Returns
    -------
    Proof or None
        None when the sum proves nothing.

    Notes
    -----
    Exact: the sums are taken in Python's integers, O(nonzeros of the rows with weight).
    """
    largest = float(weights.max(initial=0.0))
    if not np.isfinite(weights).all() or largest <= 0 or largest * _ONE > 2.0**62:
        return None
    weight = np.rint(np.maximum(weights, 0.0) * _ONE / model.parts).astype(np.int64)
    weight[np.isin(model.kind, _UNPROVABLE)] = 0
    used = np.flatnonzero(weight)
    if not len(used):
        return None
    bound = _value(model, used, weight, unit)
    if bound is None:
        return None
    bound = -(-bound // step) * step
    if model.threshold is not None:
        bound = min(bound, model.threshold)
    names = model.arguments[used].tolist()
    rows = [
        (kind := KINDS[code], *arguments[: NUM_ARGUMENTS[kind]], multiplier)
        for code, arguments, multiplier in zip(model.kind[used].tolist(), names, weight[used].tolist(), strict=True)
    ]
    return Proof(unit=unit, rows=tuple(sorted(rows)), lower_bound=bound) if bound > 0 else None


def _value(model: Model, used: NDArray[np.int64], weight: NDArray[np.int64], unit: int) -> int | None:
    """Ticks that the weighted sum of the rows ``used`` proves, or None; a contradiction proves the threshold."""
    is_pure = np.isin(model.kind, [KINDS.index(kind) for kind in PURE])
    in_ticks: NDArray[np.object_] = np.where(is_pure, unit, 1).astype(object)
    multiplier = weight.astype(object) * in_ticks
    length = np.diff(model.start)
    entry = np.flatnonzero(np.repeat(weight > 0, length))
    row = np.repeat(np.arange(model.num_rows), length)[entry]
    column = model.column[entry]
    order = np.argsort(column, kind="stable")
    product = (multiplier[row] * model.value[entry].astype(object))[order]
    columns, first = np.unique(column[order], return_index=True)
    sums = np.add.reduceat(product, first)
    right = int((multiplier[used] * model.bound[used].astype(object)).sum())
    of_t = 0
    for index, total in zip(columns.tolist(), sums.tolist(), strict=True):
        if index == 0:
            of_t = total
        elif total > 0:
            right -= total * int(model.upper[index])
    if of_t > 0:
        return max(0, -(-right // of_t))
    return model.threshold if of_t == 0 and right > 0 else None
