"""Graphs of real operators, whose costs are counted: operations and bytes, two for each element."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from slicegraph.graph import Graph

_ELEMENT = 2
"""Bytes of a number: half precision."""


class FactsBuilder:
    """Nodes and tensors one by one, each node after what it reads; then the graph.

    Counted as the tensor frameworks do: two operations for a multiplication with its addition, 1 for each element of
    an elementwise operator or a bias, 5 for each of a softmax or layer norm, 2 of a batch norm, none for copies. A node
    reads its distinct inputs and its parameters, once each; a view counts the bytes that it shows.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._op: list[str] = []
        self._node_name: list[str] = []
        self._flops: list[float] = []
        self._read_bytes: list[int] = []
        self._write_bytes: list[int] = []
        self._param_bytes: list[int] = []
        self._is_view: list[bool] = []
        self._producer: list[int] = []
        self._size: list[int] = []
        self._consumers: list[list[int]] = []
        self._is_output: list[bool] = []

    def model_input(self, elements: int) -> int:
        """Add a tensor that no node makes."""
        return self._tensor(-1, elements)

    def node(
        self,
        op: str,
        name: str,
        reads: Sequence[int],
        elements: int,
        *,
        flops: int = 0,
        parameters: int = 0,
        shared_parameters: int = 0,
        read_elements: int | None = None,
        is_view: bool = False,
    ) -> int:
        """Add a node, and give the tensor of so many ``elements`` that it makes.

        ``shared_parameters`` are counted at another node and read here again. ``read_elements`` is for nodes that do
        not read the whole of their inputs.
        """
        node = len(self._op)
        inputs = sorted(set(reads))
        for tensor in inputs:
            self._consumers[tensor].append(node)
        of_inputs = sum(self._size[tensor] for tensor in inputs) if read_elements is None else _ELEMENT * read_elements
        self._op.append(op)
        self._node_name.append(name)
        self._flops.append(float(flops))
        self._read_bytes.append(of_inputs + _ELEMENT * (parameters + shared_parameters))
        self._write_bytes.append(0)
        self._param_bytes.append(_ELEMENT * parameters)
        self._is_view.append(is_view)
        return self.another(elements)

    def another(self, elements: int) -> int:
        """Give another tensor that the newest node makes."""
        self._write_bytes[-1] += _ELEMENT * elements
        return self._tensor(len(self._op) - 1, elements)

    def view(self, name: str, tensor: int) -> int:
        """Add a view of a whole tensor, and give the tensor that it shows."""
        return self.node("view", name, [tensor], self._size[tensor] // _ELEMENT, is_view=True)

    def model_output(self, tensor: int) -> None:
        """Have the model return a tensor."""
        self._is_output[tensor] = True

    def graph(self) -> Graph:
        """Give what was built."""
        return Graph(
            name=self._name,
            op=self._op,
            node_name=self._node_name,
            flops=self._flops,
            read_bytes=self._read_bytes,
            write_bytes=self._write_bytes,
            param_bytes=self._param_bytes,
            is_view=self._is_view,
            producer=self._producer,
            size=self._size,
            is_output=self._is_output,
            consumers=list(itertools.chain.from_iterable(self._consumers)),
            consumer_offsets=list(itertools.accumulate(map(len, self._consumers), initial=0)),
        )

    def _tensor(self, producer: int, elements: int) -> int:
        self._producer.append(producer)
        self._size.append(_ELEMENT * elements)
        self._consumers.append([])
        self._is_output.append(False)
        return len(self._size) - 1
