"""Random small problems of every feature, each a function of a seed."""

from __future__ import annotations

from random import Random
from typing import Any

from machines import Unlike

_MEMORY = (
    ("latency", [1.0]),
    ("memory", [0, 1, 3]),
    ("memory_limit", [1, 3, 6]),
    ("overlap", [True]),
    ("overflow_bandwidth", [2.0]),
)


def random_unlike(random: Random) -> Unlike:
    """A problem with small whole costs, many of them 0; a third of them are plain, so that there is more to prove.

    One to three kinds of devices with latency, memory, limits, overlap and measured work; state, live tensors,
    parameters that several nodes read; pins, groups, links between neighbours alone, and model inputs and outputs that
    are paid.
    """
    is_plain = random.random() < 1 / 3
    num_nodes = random.randint(1, 6 if is_plain else 5)
    num_stages = random.randint(1, 3)
    data = _graph(random, num_nodes, is_plain=is_plain)
    if is_plain:
        return Unlike(data, [{"bandwidth": 1.0}], [0] * num_stages, boundary_io=random.random() < 1 / 4)
    kinds: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 3)):
        kind = _kind(random)
        kinds += [kind] if kind not in kinds else []
    asked = [random.randrange(len(kinds)) for _ in range(num_stages)]
    used = list(dict.fromkeys(asked))
    nodes, stages = range(num_nodes), range(num_stages)
    pins = {
        node: sorted(random.sample(stages, random.randint(1, num_stages)))
        for node in random.sample(nodes, min(num_nodes, random.choice((0, 0, 1, 2))))
    }
    together = []
    if num_nodes > 1 and random.random() < 1 / 3:
        together = [sorted(random.sample(nodes, min(num_nodes, random.randint(2, 3))))]
    adjacent = random.random() < 1 / 4
    boundary_io = not adjacent and random.random() < 1 / 2
    kind_of = [used.index(kind) for kind in asked]
    return Unlike(data, [kinds[kind] for kind in used], kind_of, pins, together, boundary_io, adjacent)


def _graph(random: Random, num_nodes: int, *, is_plain: bool) -> dict[str, Any]:
    def some(values: list[Any], count: int) -> list[Any]:
        return [random.choice(values) for _ in range(count)]

    names = random.sample(range(num_nodes), num_nodes)
    producer, consumers = [], []
    for _ in range(random.randint(0, 2 * num_nodes)):
        place = random.randint(-1, num_nodes - 2)
        later = range(place + 1, num_nodes)
        readers = random.sample(later, random.randint(0, min(3, len(later))))
        producer.append(-1 if place < 0 else names[place])
        consumers.append(sorted(names[reader] for reader in readers))
    nodes: dict[str, Any] = {"op": ["op"] * num_nodes, "work": some([0.0, 1.0, 2.0, 5.0], num_nodes)}
    nodes["param_bytes"] = some([0] if is_plain else [0, 0, 1, 2], num_nodes)
    tensors: dict[str, Any] = {
        "producer": producer,
        "size": some([0, 1, 2, 6], len(producer)),
        "consumers": consumers,
        "is_output": some([False, True], len(producer)),
    }
    data: dict[str, Any] = {"format": "slicegraph-graph-1", "name": "random", "nodes": nodes, "tensors": tensors}
    if is_plain:
        return data
    nodes["work_on"] = {name: some([0.0, 1.0, 3.0, 6.0, None], num_nodes) for name in ("cpu", "gpu")}
    tensors["transfer_on"] = {"link": some([0.0, 1.0, 2.0], len(producer))}
    for name in ("state_bytes", "live_bytes"):
        if random.random() < 1 / 2:
            nodes[name] = some([0, 0, 1, 2], num_nodes)
    if random.random() < 1 / 2:
        count = random.randint(1, 2)
        readers_of = [sorted(random.sample(range(num_nodes), random.randint(1, num_nodes))) for _ in range(count)]
        data["params"] = {"size": some([1, 2, 3], count), "readers": readers_of}
    return data


def _kind(random: Random) -> dict[str, Any]:
    kind: dict[str, Any] = {"bandwidth": random.choice([1.0, 2.0])}
    if random.random() < 1 / 3:
        kind["work"] = random.choice(["cpu", "gpu"])
    if random.random() < 1 / 4:
        kind["transfer"] = "link"
    for name, values in _MEMORY:
        if random.random() < 1 / 4:
            kind[name] = random.choice(values)
    return kind
