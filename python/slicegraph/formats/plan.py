"""Somebody's partition of a graph, in any of the shapes that people write one in.

JSON: a list of stages, one per node; an object whose ``block_of`` is such a list, as ``slicegraph solve --json``
prints it, or a certificate, whose ``witness`` is such an object; an object from nodes to stages; a list of lists, the
nodes of each stage. Only the first two objects say which graph, device and question they are about. Text: a stage per
node, between spaces, commas or line ends, with comments behind ``#``. Stages count from 0. A node goes by its name or,
where no node has that name, by its index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from slicegraph.errors import InputError
from slicegraph.formats.files import read_whole
from slicegraph.formats.limits import check_nesting

FORMAT: Final = "slicegraph-plan-1"
"""What ``slicegraph solve --json`` prints."""
CERTIFICATE: Final = "slicegraph-certificate-"
"""How the format of a certificate begins."""
_MAX_STAGE = 2**31 - 1
_KINDS = {bool: "true or false", int: "a whole number", str: "text", dict: "an object", list: "a list"}
# Few enough digits for any index or stage to be told right, and for no number to be slow to read.
_INTEGER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A partition, and what its file says that it is about; None: it does not say.

    Attributes
    ----------
    block_of
        The stage of each node, in the graph's order of nodes.
    device
        The figures of the device that it was made for, when all stages run on one kind.
    machine
        Else the devices of the pipeline, as `slicegraph.machine.devices_of` reads them.
    constraints
        The constraints that it was made under, as `slicegraph.Constraints.from_mapping` reads them.
    boundary_io
        Whether stages pay for inputs and outputs of the model.
    num_blocks, instance
        Of a certificate: the number of stages that may be used, and the digest of the problem in ticks.
    """

    block_of: list[int]
    device: Mapping[str, Any] | None = None
    machine: list[Any] | None = None
    constraints: Mapping[str, Any] | None = None
    boundary_io: bool | None = None
    num_blocks: int | None = None
    instance: str | None = None


def read_plan(
    path: Path, *, num_nodes: int, node_names: Sequence[str] | None = None, digest: str | None = None
) -> Plan:
    """Read the stage of every node.

    Parameters
    ----------
    path
        A file in one of the shapes above. What begins like a JSON list or object is JSON, and so is ``.json``.
    num_nodes
        The number of nodes of the graph.
    node_names
        What the nodes are called. None: they go by index alone.
    digest
        Of the structure of the graph: a plan that states another one is refused. None: whatever it states.

    Raises
    ------
    InputError
        When the file cannot be read, is about another graph, a node has no stage or two, a name is no node's, or a
        stage is not a whole number from 0.

    Notes
    -----
    O(length of the file).
    """
    return _Reader(path, num_nodes, node_names, digest).plan()


def named_stages(document: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    """Give the names and the stages of a plan's nodes, where the names are known but not the graph.

    Raises
    ------
    InputError
        It has no names or no partition, or a stage is no whole number from 0.
    """
    names, stages = document.get("node_names"), document.get("block_of")
    if not isinstance(names, list | tuple) or not isinstance(stages, list | tuple) or len(names) != len(stages):
        raise InputError("it has no node_names and block_of of one length, as the plan of a model with names has")
    if not stages:
        raise InputError("it has no partition: none was found that fits the memory limit")
    for name, stage in zip(names, stages, strict=True):
        is_whole = isinstance(stage, int | np.integer) and not isinstance(stage, bool)
        if not isinstance(name, str) or not is_whole or not 0 <= stage <= _MAX_STAGE:
            raise InputError(f"{name!r:.80} is in stage {stage!r:.20}, but a name has a stage from 0 to 2^31 - 1")
    return list(names), [int(stage) for stage in stages]


class _Reader:
    """Turns a file into stages; knows file and nodes, so that every complaint can name them."""

    def __init__(self, path: Path, num_nodes: int, names: Sequence[str] | None, digest: str | None) -> None:
        self._path = path
        self._digest = digest
        self._num_nodes = num_nodes
        self._names = names
        self._node_of: dict[str, int] = {}
        self._repeated: set[str] = set()
        for node, name in enumerate(names or ()):
            if self._node_of.setdefault(name, node) != node:
                self._repeated.add(name)

    def plan(self) -> Plan:
        try:
            text = read_whole(self._path).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{self._path}: neither JSON nor text, which is UTF-8") from None
        if self._path.name.lower().endswith(".json") or text.lstrip()[:1] in ("[", "{"):
            return self._json(text)
        lines = (line.partition("#")[0] for line in text.splitlines())
        words = [word for line in lines for word in re.split(r"[\s,]+", line) if word]
        return Plan(block_of=self._row(words, is_text=True))

    def _json(self, text: str) -> Plan:
        check_nesting(self._path, text.encode())
        try:
            data = json.loads(text, object_pairs_hook=self._object)
        except InputError:
            raise
        except RecursionError:
            raise InputError(f"{self._path}: nested too deeply") from None
        except ValueError as error:
            raise InputError(f"{self._path}: not JSON: {error}") from None
        if isinstance(data, list):
            return Plan(block_of=self._list(data))
        if not isinstance(data, dict):
            raise InputError(f"{self._path}: a plan is a JSON list or object")
        # A node may be called block_of or witness: its value is then a number.
        witness = data.get("witness")
        answer = witness if isinstance(witness, dict) else data
        if not isinstance(answer.get("block_of"), list):
            return Plan(block_of=self._pairs((self._node(key), stage) for key, stage in data.items()))
        if data.get("format") == FORMAT:
            self._check_graph(data)
            return Plan(block_of=self._row(answer["block_of"]), **self._about(data))
        if str(data.get("format")).startswith(CERTIFICATE):
            num_blocks, instance = self._get(data, "num_blocks", int), self._get(data, "instance", str)
            about = self._about(data)
            return Plan(block_of=self._row(answer["block_of"]), num_blocks=num_blocks, instance=instance, **about)
        return Plan(block_of=self._row(answer["block_of"]))

    def _check_graph(self, data: dict[str, Any]) -> None:
        graph = self._get(data, "graph", dict)
        if self._digest not in (None, self._get(graph, "digest", str)):
            which = f"{graph.get('name')!r:.80} with {graph.get('num_nodes')!r:.20} nodes"
            raise InputError(f"{self._path}: a plan of another graph, {which}, or for other --dim; --force takes it")

    def _about(self, data: dict[str, Any]) -> dict[str, Any]:
        name, kind = ("machine", list) if "machine" in data else ("device", dict)
        about = {name: self._get(data, name, kind), "boundary_io": self._get(data, "boundary_io", bool)}
        return about | ({"constraints": self._get(data, "constraints", dict)} if "constraints" in data else {})

    def _get(self, data: dict[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401 - anything can stand in a file
        if type(data.get(key)) is not kind:
            raise InputError(f'{self._path}: "{key}" is {data.get(key)!r:.80}, but a plan has {_KINDS[kind]} there')
        return data[key]

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Give a dictionary, unlike Python's own reader only when no key stands twice."""
        data: dict[str, Any] = {}
        for key, value in pairs:
            if key in data:
                raise InputError(f"{self._path}: {key!r:.80} stands twice")
            data[key] = value
        return data

    def _list(self, rows: list[Any]) -> list[int]:
        if not any(isinstance(row, list) for row in rows):
            return self._row(rows)
        wrong = next((stage for stage, row in enumerate(rows) if not isinstance(row, list)), None)
        if wrong is not None:
            raise InputError(f"{self._path}: stage {wrong}: {rows[wrong]!r:.80} is not a list of nodes, as others are")
        return self._pairs(
            (self._node(key, f"stage {stage}: "), stage) for stage, row in enumerate(rows) for key in row
        )

    def _row(self, stages: list[Any], *, is_text: bool = False) -> list[int]:
        if len(stages) > self._num_nodes:
            raise InputError(f"{self._path}: {len(stages)} stage numbers, but there are {self._num_nodes} nodes")
        if is_text:
            stages = [int(word) if _INTEGER.fullmatch(word) else word for word in stages]
        return self._pairs(enumerate(stages))

    def _pairs(self, pairs: Iterable[tuple[int, Any]]) -> list[int]:
        stage_of: list[int | None] = [None] * self._num_nodes
        for node, stage in pairs:
            if type(stage) is not int or not 0 <= stage <= _MAX_STAGE:
                rule = "a stage is a whole number from 0 to 2^31 - 1"
                raise InputError(f"{self._path}: {self._called(node)}: {stage!r:.80}, but {rule}")
            known = stage_of[node]
            if known is not None:
                raise InputError(f"{self._path}: {self._called(node)} is given twice, in stages {known} and {stage}")
            stage_of[node] = stage
        plan = [stage for stage in stage_of if stage is not None]
        if len(plan) < self._num_nodes:
            raise InputError(f"{self._path}: {self._called(stage_of.index(None))} has no stage")
        return plan

    def _node(self, key: object, owner: str = "") -> int:
        """Find a node by name, else by index."""
        if isinstance(key, str):
            if key in self._repeated:
                raise InputError(f"{self._path}: {owner}{key!r:.80} is the name of several nodes; give their indices")
            if key in self._node_of:
                return self._node_of[key]
        node = int(key) if isinstance(key, str) and _INTEGER.fullmatch(key) else key
        if type(node) is not int or not 0 <= node < self._num_nodes:
            rule = f"neither the name of a node nor an index below {self._num_nodes}"
            raise InputError(f"{self._path}: {owner}{key!r:.80} is {rule}")
        return node

    def _called(self, node: int) -> str:
        name = self._names[node] if self._names else ""
        return f"node {node} ({name!r:.80})" if name else f"node {node}"
