"""The problem that a certificate is about, made again from the graph: ticks, digest, costs, the combinatorial bound.

All in plain integers, from the definitions; nothing here is shared with what solves.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slicegraph.certificate import codec
from slicegraph.certificate.structure import PlacedError, expect, within
from slicegraph.formats.arrays import GraphArrays
from slicegraph.rates import Rates

_CAPACITY = 2**52
_MIN_EXPONENT = -1022
_MAX_SECONDS = 1e15


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A graph on devices of one kind with a number of blocks, all costs in ticks.

    Attributes
    ----------
    device
        The figures that are set.
    boundary_io, num_blocks
        Whether model inputs and outputs are paid, and the number of blocks.
    tick
        Seconds of one tick.
    work, params, param_bytes
        Per node.
    transfer, producer, consumers, is_output
        Per tensor; the producer of a model input is -1, consumers are sorted.
    memory, memory_limit
        Ticks and bytes of one device; None when there is no such limit. A limit that has room for all parameters is
        none, and parameters that all fit the memory take no ticks: they never stream in.
    """

    device: Mapping[str, Any]
    boundary_io: bool
    num_blocks: int
    tick: float
    work: list[int]
    transfer: list[int]
    params: list[int]
    memory: int | None
    memory_limit: int | None
    param_bytes: list[int]
    producer: list[int]
    consumers: list[list[int]]
    is_output: list[bool]

    def without_spare_blocks(self) -> Problem:
        """Give the problem with no more blocks than nodes: a partition has no more that are not empty."""
        return dataclasses.replace(self, num_blocks=min(self.num_blocks, len(self.work)))

    @property
    def size(self) -> int:
        """Nodes, tensors and reads."""
        return len(self.work) + len(self.transfer) + sum(map(len, self.consumers))

    def seconds(self, ticks: int) -> float:
        """Give the seconds of a lower bound; infinite from 2^52 ticks on, which no block within the limits costs."""
        return math.inf if ticks >= _CAPACITY else ticks * self.tick

    def digest(self) -> str:
        """Give what tells this problem from all others."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return codec.digest({"format": "slicegraph-instance-1", **facts})

    def is_paid_outside(self, tensor: int) -> bool:
        """Whether a tensor crosses the model's border and that costs: an input that is read, or an output."""
        is_crossing = self.is_output[tensor] if self.producer[tensor] >= 0 else bool(self.consumers[tensor])
        return self.boundary_io and is_crossing

    def combinatorial(self) -> int:
        """Give the most expensive node or the mean block, whichever costs more; no partition has a lower bottleneck.

        2^52, more than any block costs, when a node is above the memory limit or all are above that of all blocks.
        """
        limit = math.inf if self.memory_limit is None else self.memory_limit
        if max(self.param_bytes) > limit or sum(self.param_bytes) > self.num_blocks * limit:
            return _CAPACITY
        touched = [0] * len(self.work)
        crossing = 0
        for tensor in filter(self.is_paid_outside, range(len(self.transfer))):
            crossing += self.transfer[tensor]
            for node in {self.producer[tensor], *self.consumers[tensor]} - {-1}:
                touched[node] += self.transfer[tensor]
        spilled = 0 if self.memory is None else max(0, sum(self.params) - self.num_blocks * self.memory)
        mean = ceil_div(sum(self.work) + spilled + crossing, self.num_blocks)
        alone = (
            work + self.overflow(params) + boundary
            for work, params, boundary in zip(self.work, self.params, touched, strict=True)
        )
        return max(mean, *alone)

    def overflow(self, params: int) -> int:
        """Give the ticks to stream in what a block of so many parameters cannot keep."""
        return 0 if self.memory is None else max(0, params - self.memory)

    def block_costs(self, block_of: Sequence[int]) -> list[dict[str, int]]:
        """Give what each block of a partition pays, up to the last with a node.

        Raises
        ------
        PlacedError
            When a tensor runs to an earlier block, or a block's parameters are above the memory limit.
        """
        num_blocks = max(block_of, default=0) + 1
        columns = {name: [0] * num_blocks for name in ("work", "io_in", "io_out", "params", "bytes")}
        for node, block in enumerate(block_of):
            columns["work"][block] += self.work[node]
            columns["params"][block] += self.params[node]
            columns["bytes"][block] += self.param_bytes[node]
        for tensor, (producer, consumers) in enumerate(zip(self.producer, self.consumers, strict=True)):
            readers = {block_of[node] for node in consumers}
            is_exported = self.is_paid_outside(tensor)
            if producer >= 0:
                home = block_of[producer]
                if readers and min(readers) < home:
                    raise PlacedError(f"tensor {tensor} runs to an earlier block")
                readers.discard(home)
                if readers or is_exported:
                    columns["io_out"][home] += self.transfer[tensor]
            elif not self.boundary_io:
                continue
            for block in readers:
                columns["io_in"][block] += self.transfer[tensor]
        limit = math.inf if self.memory_limit is None else self.memory_limit
        for block, size in enumerate(columns["bytes"]):
            expect(size <= limit, f"block {block} holds {size} bytes of parameters, above memory_limit = {limit}")
        overflow = map(self.overflow, columns["params"])
        return [
            {"work": work, "io_in": io_in, "io_out": io_out, "overflow": over, "cost": work + io_in + io_out + over}
            for work, io_in, io_out, over in zip(
                columns["work"], columns["io_in"], columns["io_out"], overflow, strict=True
            )
        ]


def snap(arrays: GraphArrays, device: Mapping[str, Any], *, boundary_io: bool, num_blocks: int) -> Problem:
    """Make the problem from a graph's arrays and a device's figures.

    Raises
    ------
    PlacedError
        When the device lacks a figure that the graph needs, or makes a cost that is no time.
    """
    with within("device"):
        _check_room(arrays, device)
        work = _work_seconds(arrays, device)
        rate = device.get("overflow_bandwidth", device["bandwidth"])
        param_bytes = _list(arrays.param_bytes, len(work))
        latency = device.get("latency", 0.0)
        transfer = [latency + size / device["bandwidth"] if size else 0.0 for size in arrays.size.tolist()]
        params = [size / rate for size in param_bytes] if "memory" in device else [0.0] * len(work)
        longest = max(itertools.chain(work, transfer, params))
        expect(longest <= _MAX_SECONDS, f"with these figures something takes {longest} s, which is above 1e15 s")
    tick = _choose_tick(work, transfer, params)
    memory = round(min(device["memory"] / rate / tick, 2.0**52)) if "memory" in device else None
    params_in_ticks, limit = _in_ticks(params, tick), device.get("memory_limit")
    has_room = memory is None or sum(params_in_ticks) <= memory
    readers = arrays.consumers.tolist()
    return Problem(
        device=device,
        boundary_io=boundary_io,
        num_blocks=num_blocks,
        tick=tick,
        work=_in_ticks(work, tick),
        transfer=_in_ticks(transfer, tick),
        params=[0] * len(work) if has_room else params_in_ticks,
        memory=memory,
        memory_limit=None if limit is None or sum(param_bytes) <= limit else limit,
        param_bytes=param_bytes,
        producer=arrays.producer.tolist(),
        consumers=[sorted(readers[begin:end]) for begin, end in itertools.pairwise(arrays.consumer_offsets.tolist())],
        is_output=[bool(flag) for flag in _list(arrays.is_output, len(transfer))],
    )


def ceil_div(ticks: int, parts: int) -> int:
    """Give a quotient rounded up."""
    return -(-ticks // parts)


def _work_seconds(arrays: GraphArrays, device: Mapping[str, Any]) -> list[float]:
    """Seconds per node: as given, or what computes or what moves, whichever is longer; a view takes none."""
    if "work" in device:
        rows = arrays.work_on or {}
        expect(device["work"] in rows, f"the graph has no measured work {device['work']!r:.80}")
        measured: list[float] = rows[device["work"]].tolist()
        node = next((node for node, seconds in enumerate(measured) if math.isnan(seconds)), None)
        expect(node is None, f"the device cannot run node {node}")
        return measured
    if arrays.work is not None:
        given: list[float] = arrays.work.tolist()
        return given
    if arrays.flops is None:
        raise PlacedError("the graph gives neither work nor flops")
    for figure in ("flops", "memory_bandwidth"):
        expect(figure in device, f"{figure} is not given, but the graph gives no work in seconds")
    flops, rate = arrays.flops.tolist(), device["flops"]
    rates = [rate] * len(flops)
    if isinstance(rate, dict):
        table = Rates(rate)
        rates = [table.of(None)] * len(flops) if arrays.dtype is None else [table.of(dtype) for dtype in arrays.dtype]
    facts = zip(
        flops,
        rates,
        _list(arrays.read_bytes, len(flops)),
        _list(arrays.write_bytes, len(flops)),
        _list(arrays.is_view, len(flops)),
        strict=True,
    )
    return [
        0.0 if is_view else max(count / speed, (read + written) / device["memory_bandwidth"])
        for count, speed, read, written, is_view in facts
    ]


def _check_room(arrays: GraphArrays, device: Mapping[str, Any]) -> None:
    """Refuse what takes memory beside the parameters of single nodes, unless there is room for all in one device."""
    columns = {name: getattr(arrays, name) for name in ("state_bytes", "live_bytes", "param_size")}
    given = {name: column.tolist() for name, column in columns.items() if column is not None}
    if not given:
        return
    live = max(given.pop("live_bytes", []), default=0)
    total = sum(_list(arrays.param_bytes, 0)) + live + sum(map(sum, given.values()))
    for name in ("memory", "memory_limit"):
        rule = f"{name} is short of all that the graph stores, and no check counts more than its parameters yet"
        expect(total <= device.get(name, math.inf), rule)


def _list(array: Any, length: int) -> list[Any]:  # noqa: ANN401 - an array of any type, or None
    return [0] * length if array is None else list(array.tolist())


def _choose_tick(work: list[float], transfer: list[float], params: list[float]) -> float:
    """Give the smallest power of two for which everything, each transfer twice, is less than 2^52 ticks."""
    total = math.fsum(itertools.chain(work, transfer, transfer, params))
    # total >= 2^(e - 1), so with a tick of 2^(e - 54) it is at least 2^53 ticks, and rounding each term loses half a
    # tick at most: none so small can do.
    exponent = max(_MIN_EXPONENT, math.frexp(total)[1] - 53 if total else _MIN_EXPONENT)
    return next(
        tick
        for tick in _powers_of_two(exponent)
        if sum(_in_ticks(work, tick)) + 2 * sum(_in_ticks(transfer, tick)) + sum(_in_ticks(params, tick)) < _CAPACITY
    )


def _powers_of_two(exponent: int) -> Iterator[float]:
    return (math.ldexp(1.0, each) for each in itertools.count(exponent))


def _in_ticks(seconds: list[float], tick: float) -> list[int]:
    # Dividing by a power of two is exact; a half rounds to even.
    return [round(value / tick) for value in seconds]
