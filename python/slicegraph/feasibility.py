"""Why no partition fits a memory limit, in a sentence that names what is short of how many bytes.

Whether none fits, others prove: `slicegraph.bounds.combinatorial` where a node or the sum of all is too large, else
`slicegraph.bounds.downsets`. Each sentence here is true of every instance for which it is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slicegraph.cost import Instance


def shortage(instance: Instance) -> str:
    """Say what no partition can hold, of an instance of which that is proven; by the simplest of the reasons there are.

    Examples
    --------
    >>> import slicegraph as sg
    >>> from slicegraph.feasibility import shortage
    >>> chain = {"work": [1, 1], "producer": [0], "size": [8], "consumers": [1], "consumer_offsets": [0, 1]}
    >>> graph = sg.Graph(**chain, param_bytes=[5, 100])
    >>> device = sg.Device(bandwidth=1.0, memory_limit=70)
    >>> shortage(sg.Instance(graph, device=device, num_blocks=3))
    'node 1 needs 100 B of parameters, but a device holds 70 B: its stage is short of 30 B'
    """
    limit, num_blocks = instance.memory_limit, instance.num_blocks
    if limit is None:
        raise AssertionError("without a memory limit every partition fits")
    stored, alone, what = _needs(instance)
    largest = int(np.argmax(alone))
    if alone[largest] > limit:
        others = int((alone > limit).sum()) - 1
        more = f" (and {others} more such nodes)" * bool(others)
        return (
            f"{_called(instance, largest)} needs {alone[largest]} B of {what}, but a device holds {limit} B: "
            f"its stage is short of {alone[largest] - limit} B{more}"
        )
    sizes: list[int] = stored.tolist()
    order: list[int] = np.argsort(-stored, kind="stable").tolist()
    total, room = sum(sizes) + sum(size for size, _ in instance.graph.shared_parameters()), num_blocks * limit
    if total > room:
        return (
            f"all nodes together need {total} B of {what}, but {num_blocks} stages hold {room} B, {limit} B each: "
            f"the stages are short of {total - room} B"
        )
    if num_blocks < len(order):
        # Any two of the num_blocks + 1 largest nodes need at least as much as the two smallest of them.
        pair = [sizes[node] for node in order[num_blocks - 1 : num_blocks + 1]]
        if sum(pair) > limit:
            return (
                f"any two of the {num_blocks + 1} largest nodes need at least {sum(pair)} B of {what}, but a "
                f"device holds {limit} B, and with {num_blocks} stages two of them share one: it is short of "
                f"{sum(pair) - limit} B at least"
            )
    return (
        f"all nodes together need {total} B of {what}, and {num_blocks} stages hold {room} B, {limit} B each, but "
        "every way to put the nodes into stages in the order of data flow leaves some stage short of 1 B or more"
    )


def _needs(instance: Instance) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Give the bytes that each node alone stores, those that a stage with it takes at least, and what they are."""
    arrays = instance.graph.arrays
    stored = np.zeros(instance.graph.num_nodes, np.int64)
    for column in (arrays.param_bytes, arrays.state_bytes):
        stored += 0 if column is None else column
    alone = stored.copy()
    for size, readers in instance.graph.shared_parameters():
        alone[readers] += size
    alone += 0 if arrays.live_bytes is None else arrays.live_bytes
    is_more = arrays.state_bytes is not None or arrays.live_bytes is not None
    return stored, alone, "memory" if is_more else "parameters"


def _called(instance: Instance, node: int) -> str:
    names = instance.graph.arrays.node_name
    name = names[node] if names else ""
    return f"node {node} ({name!r:.80})" if name else f"node {node}"
