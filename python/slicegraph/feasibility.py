"""Why no partition fits a memory limit, in a sentence that names what is short of how many bytes.

Whether none fits, others prove: `slicegraph.bounds.combinatorial` where a node or the sum of all is too large, else
`slicegraph.bounds.downsets`. Each sentence here is true of every instance for which it is given.
"""

from __future__ import annotations

import numpy as np

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
    param_bytes, limit, num_blocks = instance.graph.arrays.param_bytes, instance.memory_limit, instance.num_blocks
    if param_bytes is None or limit is None:
        raise AssertionError("without a memory limit every partition fits")
    sizes: list[int] = param_bytes.tolist()
    order: list[int] = np.argsort(-param_bytes, kind="stable").tolist()
    largest = order[0]
    if sizes[largest] > limit:
        others = sum(size > limit for size in sizes) - 1
        more = f" (and {others} more such nodes)" * bool(others)
        return (
            f"{_called(instance, largest)} needs {sizes[largest]} B of parameters, but a device holds {limit} B: "
            f"its stage is short of {sizes[largest] - limit} B{more}"
        )
    total, room = sum(sizes), num_blocks * limit
    if total > room:
        return (
            f"all nodes together need {total} B of parameters, but {num_blocks} stages hold {room} B, {limit} B each: "
            f"the stages are short of {total - room} B"
        )
    if num_blocks < len(order):
        # Any two of the num_blocks + 1 largest nodes need at least as much as the two smallest of them.
        pair = [sizes[node] for node in order[num_blocks - 1 : num_blocks + 1]]
        if sum(pair) > limit:
            return (
                f"any two of the {num_blocks + 1} largest nodes need at least {sum(pair)} B of parameters, but a "
                f"device holds {limit} B, and with {num_blocks} stages two of them share one: it is short of "
                f"{sum(pair) - limit} B at least"
            )
    return (
        f"all nodes together need {total} B of parameters, and {num_blocks} stages hold {room} B, {limit} B each, but "
        "every way to put the nodes into stages in the order of data flow leaves some stage short of 1 B or more"
    )


def _called(instance: Instance, node: int) -> str:
    names = instance.graph.arrays.node_name
    name = names[node] if names else ""
    return f"node {node} ({name!r:.80})" if name else f"node {node}"
