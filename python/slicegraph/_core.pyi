from collections.abc import Callable, Sequence
from os import PathLike
from typing import Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_Node: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], str, bytes, int]
_Stored: TypeAlias = tuple[list[tuple[int, list[int]]], list[tuple[str, int, bool, tuple[str, str, str] | None]]]

__all__ = [
    "Arrays",
    "AtOnce",
    "BlockCost",
    "Domains",
    "Found",
    "Graph",
    "Instance",
    "Kind",
    "Narrowed",
    "Proof",
    "ProofState",
    "Proven",
    "Proving",
    "Quotient",
    "Row",
    "brkga",
    "find_domains",
    "node_bound",
    "onnx_excerpt",
    "onnx_fields",
    "onnx_inputs",
    "onnx_nodes",
    "onnx_skeleton",
    "onnx_stored",
    "onnx_types",
    "price",
    "prove",
    "prove_again",
    "reduce",
    "search",
    "settle",
    "slice_order",
    "slices",
    "stay_near",
]

@final
class Graph:
    def __new__(
        cls,
        *,
        producer: NDArray[np.int64],
        size: NDArray[np.int64],
        consumers: NDArray[np.int64],
        consumer_offsets: NDArray[np.int64],
        is_output: NDArray[np.bool_] | None,
        work: NDArray[np.float64] | None,
        flops: NDArray[np.float64] | None,
        read_bytes: NDArray[np.int64] | None,
        write_bytes: NDArray[np.int64] | None,
        param_bytes: NDArray[np.int64] | None,
        is_view: NDArray[np.bool_] | None,
        state_bytes: NDArray[np.int64] | None = None,
        live_bytes: NDArray[np.int64] | None = None,
        param_size: NDArray[np.int64] | None = None,
        param_readers: NDArray[np.int64] | None = None,
        param_offsets: NDArray[np.int64] | None = None,
    ) -> Graph: ...
    @property
    def num_nodes(self) -> int: ...
    @property
    def num_tensors(self) -> int: ...

@final
class Arrays:
    @property
    def producer(self) -> NDArray[np.int64]: ...
    @property
    def size(self) -> NDArray[np.uint64]: ...
    @property
    def consumers(self) -> NDArray[np.int64]: ...
    @property
    def consumer_offsets(self) -> NDArray[np.int64]: ...
    @property
    def is_output(self) -> NDArray[np.bool_]: ...
    @property
    def work(self) -> NDArray[np.float64]: ...
    @property
    def param_bytes(self) -> NDArray[np.uint64]: ...
    @property
    def state_bytes(self) -> NDArray[np.uint64]: ...
    @property
    def live_bytes(self) -> NDArray[np.uint64]: ...
    @property
    def param_size(self) -> NDArray[np.uint64]: ...
    @property
    def param_readers(self) -> NDArray[np.int64]: ...
    @property
    def param_offsets(self) -> NDArray[np.int64]: ...

@final
class BlockCost:
    @property
    def work(self) -> int: ...
    @property
    def io_in(self) -> int: ...
    @property
    def io_out(self) -> int: ...
    @property
    def overflow(self) -> int: ...
    @property
    def param_bytes(self) -> int: ...
    @property
    def state_bytes(self) -> int: ...
    @property
    def live_bytes(self) -> int: ...
    @property
    def cost(self) -> int | None: ...

@final
class Kind:
    def __new__(
        cls,
        *,
        bandwidth: float,
        flops: float | None = None,
        memory_bandwidth: float | None = None,
        memory: int | None = None,
        overflow_bandwidth: float | None = None,
        memory_limit: int | None = None,
        latency: float = 0.0,
        overlap: bool = False,
        work: NDArray[np.float64] | None = None,
        transfer: NDArray[np.float64] | None = None,
    ) -> Kind: ...

@final
class Row:
    @property
    def work(self) -> NDArray[np.int64]: ...
    @property
    def transfer(self) -> NDArray[np.int64]: ...
    @property
    def params(self) -> NDArray[np.int64]: ...
    @property
    def stored(self) -> NDArray[np.int64]: ...
    @property
    def memory(self) -> int: ...
    @property
    def memory_limit(self) -> int | None: ...
    @property
    def state_limit(self) -> int | None: ...
    @property
    def is_overlap(self) -> bool: ...

@final
class Instance:
    def __new__(
        cls,
        graph: Graph,
        *,
        kinds: list[Kind],
        kind_of: list[int] | int,
        boundary_io: bool,
        pins: list[tuple[int, list[int]]] = ...,
        together: list[list[int]] = ...,
        multipliers: list[int] | None = None,
        is_relay: bool = False,
    ) -> Instance: ...
    @property
    def num_kinds(self) -> int: ...
    @property
    def kind_of(self) -> list[int]: ...
    @property
    def together(self) -> list[list[int]]: ...
    @property
    def multipliers(self) -> list[int]: ...
    @property
    def is_plain(self) -> bool: ...
    def row(self, kind: int) -> Row: ...
    @property
    def allowed(self) -> NDArray[np.bool_] | None: ...
    @property
    def tick(self) -> float: ...
    @property
    def graph(self) -> Graph: ...
    @property
    def arrays(self) -> Arrays: ...
    def combinatorial_bound(self) -> int: ...
    def cone_sums(self, weights: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
    def block_costs(self, block_of: NDArray[np.int64]) -> list[BlockCost]: ...

def slice_order(instance: Instance, order: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]] | None: ...
def stay_near(
    instance: Instance, plan: NDArray[np.int64], start: NDArray[np.int64], threshold: int
) -> tuple[NDArray[np.int32], bool]: ...
def settle(
    instance: Instance, block_of: NDArray[np.int64], poll: Callable[[], bool] | None = None
) -> tuple[NDArray[np.int32], bool, bool]: ...

@final
class Quotient:
    @property
    def instance(self) -> Instance: ...
    @property
    def group_of(self) -> NDArray[np.int32]: ...
    @property
    def merges(self) -> list[tuple[str, int, int]]: ...

def reduce(instance: Instance, threshold: int | None, poll: Callable[[], bool] | None = None) -> Quotient | None: ...
def find_domains(
    quotient: Instance,
    group_of: NDArray[np.int32],
    threshold: int,
    *,
    state: ProofState,
    is_patient: bool = False,
    poll: Callable[[], bool] | None = None,
) -> Domains | None: ...
def node_bound(instance: Instance, poll: Callable[[int], bool]) -> tuple[int, int]: ...

@final
class ProofState:
    def __new__(cls) -> Self: ...
    @property
    def stuck(self) -> int | None: ...
    @property
    def are_wide(self) -> bool: ...
    def narrow(self, lower_bound: int, bottleneck: int) -> None: ...

@final
class Narrowed:
    @property
    def least(self) -> list[int]: ...
    @property
    def most(self) -> list[int]: ...
    @property
    def windows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...

@final
class Domains:
    @property
    def weights(self) -> NDArray[np.int64]: ...
    @property
    def incompatible(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
    @property
    def narrowed(self) -> Narrowed: ...
    @property
    def are_of_use(self) -> bool: ...
    def narrow(
        self,
        least: Sequence[int],
        most: Sequence[int],
        windows: tuple[NDArray[np.int64], NDArray[np.int64]],
        poll: Callable[[], bool] | None = None,
    ) -> Narrowed | None: ...

def price(
    instance: Instance,
    weights: NDArray[np.int64],
    factors: NDArray[np.int64],
    *,
    threshold: int,
    target: int,
    kept: int,
    seeds: list[int],
    max_cases: int,
    max_steps: int,
    enough: int,
    ends: Callable[[], bool],
) -> tuple[list[str], list[list[int]], list[list[int]], list[int], int, NDArray[np.int64]] | None: ...
def slices(instance: Instance, *, threshold: int, num_orders: int, seed: int) -> list[list[int]]: ...

@final
class Proof:
    @property
    def threshold(self) -> int: ...
    @property
    def merges(self) -> list[tuple[str, int, int]]: ...
    @property
    def num_groups(self) -> int: ...
    @property
    def group(self) -> int | None: ...
    @property
    def downsets(self) -> int: ...
    @property
    def transitions(self) -> int: ...
    @property
    def hints(self) -> bytes: ...

@final
class AtOnce:
    @staticmethod
    def first(instance: Instance, known: NDArray[np.int64] | None = None) -> AtOnce | None: ...
    def close(self) -> AtOnce | None: ...
    @property
    def block_of(self) -> NDArray[np.int32]: ...
    @property
    def bottleneck(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def proof(self) -> Proof | None: ...

@final
class Proven:
    @property
    def lower_bound(self) -> int: ...
    @property
    def bottleneck(self) -> int: ...
    @property
    def block_of(self) -> NDArray[np.int32] | None: ...
    @property
    def proof(self) -> Proof | None: ...
    @property
    def downsets(self) -> int: ...
    @property
    def transitions(self) -> int: ...
    @property
    def work(self) -> int: ...
    @property
    def is_interrupted(self) -> bool: ...

def prove(
    instance: Instance,
    *,
    lower_bound: int,
    bottleneck: int | None,
    steps: int,
    work: int,
    memory: int,
    threads: int,
    known: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None,
    state: ProofState,
    poll: Callable[[int, int], bool],
) -> Proven: ...

@final
class Found:
    @property
    def block_of(self) -> NDArray[np.int32]: ...
    @property
    def bottleneck(self) -> int | None: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def is_interrupted(self) -> bool: ...

def search(
    instance: Instance,
    *,
    method: str,
    seed: int,
    threads: int,
    target: int,
    start: list[int] | None,
    poll: Callable[[int | None, int, int], bool],
) -> Found: ...
def brkga(
    instance: Instance,
    *,
    population: int,
    elite: float,
    mutants: float,
    bias: float,
    generations: int | None,
    is_seeded: bool,
    is_memetic: bool,
    seed: int,
    threads: int,
    target: int,
    poll: Callable[[int | None, int, int], bool],
) -> Found: ...
def onnx_excerpt(model: bytes, positions: Sequence[int], shown: Sequence[str]) -> bytes: ...
def onnx_fields(number: int, contents: Sequence[bytes]) -> bytes: ...
def onnx_inputs(named: Sequence[tuple[str, bytes]]) -> bytes: ...
def onnx_nodes(model: bytes) -> tuple[list[_Node], bool] | None: ...
def onnx_skeleton(path: PathLike[str], kept: int) -> bytes: ...
def onnx_stored(model: bytes) -> _Stored | None: ...
def onnx_types(model: bytes) -> tuple[list[bytes], list[str], list[int]]: ...
def prove_again(
    problem: bytes, log: bytes, steps: int, ends: Callable[[], bool] | None = None
) -> tuple[str, str, int | None, int, list[tuple[str, int, int]]]: ...

@final
class Proving:
    @staticmethod
    def begin(problem: bytes, log: bytes, threshold: int, steps: int) -> Proving | None: ...
    def apply(self, step: bytes, steps: int) -> bool: ...
    def fork(self) -> Proving: ...
    @property
    def num_cases(self) -> int: ...
    def next(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int], list[int]] | None: ...
