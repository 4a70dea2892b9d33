"""Of the partitions of one bottleneck, the one that is given: the fewest stages, and then the least communication."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slicegraph import _core
from slicegraph.cost import Instance


def settle(instance: Instance, block_of: NDArray[np.int32]) -> tuple[NDArray[np.int32], bool]:
    """Find a partition of no larger bottleneck with the fewest stages, and of these the least communication.

    Exact on graphs of up to 64 nodes where the exact solver and a dynamic program over downsets end within a number of
    steps, some milliseconds; larger graphs have the fewest stages as far as the exact solver decides it, and
    the least communication that slicing some orders and moving single nodes gives. On unlike stages empty ones stay
    where they are: a stage has its device.

    Parameters
    ----------
    instance
        The problem.
    block_of
        int32, shape (num_nodes,): a partition.

    Returns
    -------
    tuple
        The partition, int32, shape (num_nodes,), where stages are alike with no empty one before the last; and whether
        Ctrl-C ended the search for it.

    Notes
    -----
    The same partition on any machine, but for Ctrl-C. The interpreter lock is released.

    Examples
    --------
    >>> import numpy as np
    >>> import slicegraph as sg
    >>> from slicegraph.ties import settle
    >>> graph = sg.Graph(work=[4, 1, 1], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64e9), num_blocks=8)
    >>> settle(instance, np.array([0, 3, 7], np.int32))[0].tolist()
    [0, 1, 1]
    """
    best, _, is_interrupted = _core.settle(instance.core, block_of.astype(np.int64))
    return best, is_interrupted
