"""What the two planners have in common whose files are JSON: nodes with ids, and edges between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicegraph.errors import InputError
from slicegraph.formats.files import read_json
from slicegraph.formats.planner import Tensor, amount, whole_bytes


class Element:
    """An object in a JSON file; it knows its place there, so that every complaint can name it.

    Every method that takes a key raises `InputError` when it is missing or its value is of the wrong kind.
    """

    __slots__ = ("_members", "_path", "_place")

    def __init__(self, path: Path, members: object, place: str = "") -> None:
        if not isinstance(members, dict):
            raise InputError(f"{path}: {place or 'a planner input'} is not an object")
        self._path = path
        self._members: dict[str, Any] = members
        self._place = place

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def culprit(self, key: str) -> str:
        """Give what a complaint calls a value: the file, and the place in it."""
        return f"{self._path}: {self._at(key)}"

    def amount(self, key: str) -> float:
        """Give a number that is finite and not negative."""
        return amount(self.culprit(key), self._value(key))

    def whole_bytes(self, key: str, *, scale: float = 1.0) -> int:
        """Give the whole number nearest to so many times `scale` bytes."""
        return whole_bytes(self.culprit(key), self._value(key), scale=scale)

    def integer(self, key: str) -> int:
        """Give a whole number."""
        value = self._value(key)
        if type(value) is not int:
            raise InputError(f"{self.culprit(key)} = {value!r:.80} is not a whole number")
        return value

    def flag(self, key: str) -> bool:
        """Give a truth value, which may be spelled 0 or 1."""
        value = self._value(key)
        if type(value) not in (bool, int) or value not in (0, 1):
            raise InputError(f"{self.culprit(key)} = {value!r:.80} is not true, false, 0 or 1")
        return bool(value)

    def text(self, key: str) -> str:
        """Give a string."""
        value = self._value(key)
        if not isinstance(value, str):
            raise InputError(f"{self.culprit(key)} = {value!r:.80} is not a string")
        return value

    def element(self, key: str) -> Element:
        """Give an object."""
        return Element(self._path, self._value(key), self._at(key))

    def elements(self, key: str) -> list[Element]:
        """Give a list of objects."""
        values = self._value(key)
        if not isinstance(values, list):
            raise InputError(f"{self.culprit(key)} is not a list")
        return [Element(self._path, value, f"{self._at(key)}[{index}]") for index, value in enumerate(values)]

    def _at(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _value(self, key: str) -> Any:  # noqa: ANN401 - anything can stand in a file
        if key not in self._members:
            raise InputError(f'{self._path}: "{self._at(key)}" is missing')
        return self._members[key]


class PlannerFile:
    """A planner's input: an object with ``nodes``, each with an ``id``, and ``edges``.

    Parameters
    ----------
    path
        The file, compressed or not.

    Attributes
    ----------
    head
        The object itself.
    nodes
        Its nodes, in the file's order.
    ids
        The id of each, as a string, for a name.
    names
        What the file calls each; an empty string where it does not.

    Raises
    ------
    InputError
        When the file is not such an object, or two nodes have one id.
    """

    def __init__(self, path: Path) -> None:
        self.head = Element(path, read_json(path))
        self.nodes = self.head.elements("nodes")
        self._index_of: dict[int, int] = {}
        for index, node in enumerate(self.nodes):
            other = self._index_of.setdefault(node.integer("id"), index)
            if other != index:
                raise InputError(f"{node.culprit('id')} = {node.integer('id')} is that of nodes[{other}], too")
        self.ids = [str(id_) for id_ in self._index_of]
        self.names = [node.text("name") if "name" in node else "" for node in self.nodes]

    def tensors(self, key: str, *, scale: float) -> list[Tensor]:
        """Give what the edges move: one tensor for all edges of a source that cost the same.

        An edge moves `scale` bytes times its `key`. The planners mean the output of a node, which has one size; where
        the edges of a source differ, it has an output of each of these sizes. An edge that stands twice counts once.
        """
        readers: dict[tuple[int, float, int], dict[int, None]] = {}
        for edge in self.head.elements("edges"):
            source, reader = self._node(edge, "sourceId"), self._node(edge, "destId")
            if source == reader:
                raise InputError(f"{edge.culprit('destId')} is sourceId, too, but no node reads what it makes")
            output = source, edge.amount(key), edge.whole_bytes(key, scale=scale)
            readers.setdefault(output, {})[reader] = None
        return [Tensor(source, size, nodes, amount=amount) for (source, amount, size), nodes in readers.items()]

    def _node(self, edge: Element, key: str) -> int:
        index = self._index_of.get(edge.integer(key))
        if index is None:
            raise InputError(f"{edge.culprit(key)} = {edge.integer(key)} is no node's id")
        return index
