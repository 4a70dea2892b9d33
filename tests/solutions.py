"""A partition as a solution of a superblock model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds.builder import _Builder
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Model


def find_solution(
    formulation: Formulation, model: Model, block_of: Sequence[int] | NDArray[Any], t: int, ends: Sequence[int]
) -> NDArray[Any] | None:
    """Values of the columns with which all rows hold; None when there are none.

    Of nodes as the partition says, whose first superblocks end at the blocks ``ends``; of others as small as the rows
    let them be.
    """
    builder = _Builder(formulation, model.superblocks, model.threshold)
    value = np.full(model.num_columns, -1, object)
    value[0] = t
    for node, block in enumerate(block_of):
        for i, column in enumerate(builder.y[node]):
            is_in_first = int(block < ends[i])
            known = value[column] if column >= 0 else int(column == -2)
            if known not in (-1, is_in_first):
                return None
            if column >= 0:
                value[column] = is_in_first
    value[value == -1] = 0
    # Each row that asks something of a cut or an overflow has one of them with a positive sign.
    for row in range(model.num_rows):
        entries = range(model.start[row], model.start[row + 1])
        new = [entry for entry in entries if model.column[entry] >= builder.num_columns and model.value[entry] > 0]
        if len(new) == 1:
            rest = sum(model.value[e] * value[model.column[e]] for e in entries if e != new[0])
            column = model.column[new[0]]
            value[column] = max(value[column], int(model.bound[row]) - int(rest))
    products = model.value.astype(object) * value[model.column]
    rows = itertools.pairwise(model.start)
    holds = all(sum(products[a:b]) >= bound for (a, b), bound in zip(rows, model.bound, strict=True))
    return value if holds and (value >= 0).all() and (value[1:] <= model.upper[1:]).all() else None
