"""TensorFlow's CostGraphDef as text, such as the graphs of REGAL (Paliwal et al., ICLR 2020).

The fields are those of ``tensorflow/core/framework/cost_graph.proto``; unknown ones are skipped, and absent numbers
are 0.

- ``compute_cost``, in microseconds, is work; the analytical ``compute_time`` and ``memory_time`` are left out.
- Each ``output_info`` of a node is a tensor of ``size`` bytes; a negative size means unknown, and counts as 0. A node
  with an ``input_info`` of its node and port reads it. An alias is a tensor like others: as many bytes cross.
- A ``control_input`` orders two nodes and moves nothing: the nodes that wait for one read a tensor of 0 bytes from it.
- ``persistent_memory_size`` is what a node keeps between steps, that is variables: bytes of parameters, and 0 where
  it is negative. Temporary memory is left out.
- All outputs of a node that ``is_final`` are outputs of the model.
- Ids are "only unique inside a partition", so a file of several is refused where an id stands twice.

The file names no device: the caller gives the bandwidth. REGAL's sizes and times have their meaning only with
one that suits them, some bytes per microsecond.
"""

from __future__ import annotations

import re
from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.files import read_text
from slicegraph.formats.planner import Tensor, amount, graph_arrays, whole_bytes
from slicegraph.formats.protobuf_text import Message, parse, unquote

_MICROSECONDS = 1e6
# Few enough digits for no number to be slow to read; the format has no more than 64 bits.
_INTEGER = re.compile(r"(-?)(?:0[xX]([0-9a-fA-F]{1,16})|0([0-7]{1,22})|([0-9]{1,19}))")
_FLAGS = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}


def read(path: Path) -> GraphArrays:
    """Read a CostGraphDef as text, compressed or not, in O(its length).

    Raises
    ------
    InputError
        When it cannot be read, is not a message as text, or breaks a rule of the format.
    """
    head = _Fields(f"{path}: the whole", parse(path, read_text(path)))
    nodes = [_Node(path, index, fields) for index, fields in enumerate(head.messages("node"))]
    index_of: dict[int, int] = {}
    for index, node in enumerate(nodes):
        other = index_of.setdefault(node.id, index)
        if other != index:
            raise InputError(f"{node.place}: id {node.id} is that of {nodes[other].name!r:.80}, too")
    readers: list[list[dict[int, None]]] = [[{} for _ in node.sizes] for node in nodes]
    waiting: list[dict[int, None]] = [{} for _ in nodes]
    for index, node in enumerate(nodes):
        for id_, port in node.inputs:
            source = node.other("preceding_node", id_, index_of)
            if not 0 <= port < len(readers[source]):
                rule = f"not below the number of its output_info = {len(readers[source])}"
                raise InputError(f"{node.place}: preceding_port {port} of {nodes[source].name!r:.80} is {rule}")
            readers[source][port][index] = None
        for id_ in node.control_inputs:
            waiting[node.other("control_input", id_, index_of)][index] = None
    tensors = []
    for index, node in enumerate(nodes):
        for port, size in enumerate(node.sizes):
            name = f"{node.name}:{port}"
            tensors.append(Tensor(index, size, readers[index][port], is_output=node.is_final, name=name))
        if waiting[index]:
            tensors.append(Tensor(index, 0, waiting[index], name=f"^{node.name}"))
    return graph_arrays(
        path,
        op=[""] * len(nodes),
        node_name=[node.name for node in nodes],
        work=[node.work for node in nodes],
        param_bytes=[node.param_bytes for node in nodes],
        tensors=tensors,
    )


class _Fields:
    """A message, whose fields are checked as they are read; it knows its place, so that every complaint can name it."""

    def __init__(self, place: str, message: Message) -> None:
        self.place = place
        self._message = message

    def messages(self, key: str) -> list[_Fields]:
        values = self._message.get(key, [])
        fields = [_Fields(f"{self.place}: {key}", value) for value in values if isinstance(value, dict)]
        if len(fields) < len(values):
            raise InputError(f"{self.place}: {key} is not a message")
        return fields

    def integers(self, key: str) -> list[int]:
        return [self._integer(key, text) for text in self._texts(key)]

    def integer(self, key: str) -> int:
        return self._integer(key, self._text(key, "0"))

    def known_bytes(self, key: str) -> int:
        """Give a number of bytes; a negative one is not known, and counts as 0."""
        return whole_bytes(f"{self.place}: {key}", max(self.integer(key), 0))

    def flag(self, key: str) -> bool:
        text = self._text(key, "false")
        if text not in _FLAGS:
            raise InputError(f"{self.place}: {key} = {text:.80} is neither true nor false")
        return _FLAGS[text]

    def string(self, key: str) -> str:
        text = self._text(key, "''")
        if text[0] not in "\"'":
            raise InputError(f"{self.place}: {key} = {text:.80} is not a string")
        return unquote(text)

    def _texts(self, key: str) -> list[str]:
        values = self._message.get(key, [])
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) < len(values):
            raise InputError(f"{self.place}: {key} is a message, but one value is asked for")
        return texts

    def _text(self, key: str, default: str) -> str:
        texts = self._texts(key)
        if len(texts) > 1:
            raise InputError(f"{self.place}: {key} is given twice")
        return texts[0] if texts else default

    def _integer(self, key: str, text: str) -> int:
        match = _INTEGER.fullmatch(text)
        if match is None:
            raise InputError(f"{self.place}: {key} = {text:.80} is not a whole number of 64 bits")
        sign, hexadecimal, octal, decimal = match.groups()
        value = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
        return -value if sign else value


class _Node:
    """What the message of a node says."""

    def __init__(self, path: Path, index: int, fields: _Fields) -> None:
        fields.place = f"{path}: node {index}"
        self.id = fields.integer("id")
        self.name = fields.string("name") or str(self.id)
        self.place = fields.place = f"{path}: node {self.name!r:.80}"
        self.work = amount(f"{self.place}: compute_cost", fields.integer("compute_cost")) / _MICROSECONDS
        self.param_bytes = fields.known_bytes("persistent_memory_size")
        self.is_final = fields.flag("is_final")
        self.sizes = [output.known_bytes("size") for output in fields.messages("output_info")]
        self.inputs = [
            (source.integer("preceding_node"), source.integer("preceding_port"))
            for source in fields.messages("input_info")
        ]
        self.control_inputs = fields.integers("control_input")

    def other(self, key: str, id_: int, index_of: dict[int, int]) -> int:
        """Find a node that this one waits for."""
        if id_ not in index_of:
            raise InputError(f"{self.place}: {key} {id_} is no node's id")
        if id_ == self.id:
            raise InputError(f"{self.place}: {key} {id_} is its own id, but no node reads what it makes")
        return index_of[id_]
