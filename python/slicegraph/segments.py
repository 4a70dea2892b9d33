"""Work of single nodes from times of whole segments: the least change that makes sums what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_PRIOR: Final = 0.3
"""By what share a segment's sum is thought to be wrong before it is measured. Not tuned."""
_NOISE: Final = 0.02
"""By what share a measurement is thought to be wrong. Not tuned."""
_LEAST: Final = 0.1
"""Of its work a node keeps this share at least. Not tuned."""
_ROUNDS: Final = 20


def fit_segments(work: NDArray[np.float64], segments: Sequence[tuple[NDArray[np.bool_], float]]) -> NDArray[np.float64]:
    """Correct the work of nodes by the times of segments, by least squares.

    Of all ``x``, it gives the one that minimises ``sum_v (x_v - w_v)^2 / (c w_v) + sum_s (x(s) - t_s)^2 / (e t_s)^2``:
    every segment may be off by ``e = 2 %``, and nodes share what is left in proportion to their work ``w``, of which
    each keeps a tenth. With one partition measured once, each segment is scaled. Nodes in no segment keep their work.

    Parameters
    ----------
    work
        float64, shape (num_nodes,): seconds, before.
    segments
        Of each: which nodes are in it, shape (num_nodes,), and its seconds, positive. They may overlap and contradict
        each other.

    Returns
    -------
        float64, shape (num_nodes,).

    Notes
    -----
    O(segments^2 x nodes + segments^3). A segment whose nodes have no work has its seconds shared out equally.

    Examples
    --------
    >>> import numpy as np
    >>> whole = fit_segments(np.array([1.0, 3.0, 5.0]), [(np.array([True, True, False]), 8.0)])
    >>> whole.round(2)
    array([1.99, 5.97, 5.  ])
    """
    if not segments:
        return work.copy()
    is_in = np.array([nodes for nodes, _ in segments], dtype=np.float64)
    seconds = np.array([time for _, time in segments], dtype=np.float64)
    base = work.astype(np.float64).copy()
    for nodes, time in segments:
        if not base[nodes].any() and nodes.any():
            base[nodes] = time / nodes.sum()
    weight = _PRIOR**2 * float(seconds.mean()) * base
    noise = np.diag((_NOISE * seconds) ** 2)
    found, fixed = base, np.zeros(len(base), np.bool_)
    for _ in range(_ROUNDS):
        free = np.where(fixed, 0.0, weight)
        missing = seconds - is_in @ np.where(fixed, _LEAST * base, base)
        multipliers = np.linalg.solve((is_in * free) @ is_in.T + noise, missing)
        found = np.where(fixed, _LEAST * base, base + free * (is_in.T @ multipliers))
        below = (found < _LEAST * base) & ~fixed
        if not below.any():
            break
        fixed |= below
    return np.maximum(found, _LEAST * base)
