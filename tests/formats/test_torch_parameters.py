"""What a PyTorch model keeps: each parameter once, as it is packed, and state; skipped where PyTorch is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.formats.arrays import GraphArrays
from traced import shared, stored

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
nn, functional = torch.nn, torch.nn.functional

_Module: Any = torch.nn.Module


def _arrays(module: Any, *args: Any) -> GraphArrays:
    with torch.no_grad():
        return sg.from_torch(module.eval(), args).arrays


def _own(graph: GraphArrays) -> list[int]:
    assert graph.param_bytes is not None
    return [int(size) for size in graph.param_bytes]


def _bytes(tensors: Any) -> int:
    """Add up the bytes of distinct tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in {id(each): each for each in tensors}.values())


class _Reading(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """Multiplies with what functions make of its weight, one product after the other."""

    def __init__(self, *made: Callable[[Any], Any], weight: Any = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4) if weight is None else weight, requires_grad=False)
        self.made = made

    def forward(self, x: Any) -> Any:
        for make in self.made:
            x = x @ make(self.weight)
        return x


READ_TWICE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "itself": (lambda w: w, lambda w: w),
    "its transpose": (lambda w: w, lambda w: w.t()),
    "views of all": (lambda w: w.view(16).view(4, 4), lambda w: w.permute(1, 0)),
    "another type": (lambda w: w.bfloat16().float(), lambda w: w),
    "negated twice": (lambda w: -w, lambda w: -w),
    "detached": (lambda w: w.detach(), lambda w: w.clone()),
}


@pytest.mark.parametrize("made", READ_TWICE)
def test_what_two_nodes_make_of_a_parameter_is_stored_once(made: str) -> None:
    graph = _arrays(_Reading(*READ_TWICE[made]), torch.ones(2, 4))
    assert list(graph.op) == ["matmul", "matmul"]
    assert shared(graph) == [(64, [0, 1])]
    assert _own(graph) == [0, 0]


def test_pieces_of_a_parameter_are_stored_as_pieces() -> None:
    """Layers that are stacked in one weight are no shared parameter; a piece that is taken twice is."""
    takes = [lambda w: w[0], lambda w: w[1], lambda w: w[1], lambda w: w.unbind(0)[2]]
    graph = _arrays(_Reading(*takes, weight=torch.ones(3, 4, 4)), torch.ones(2, 4))
    assert _own(graph) == [64, 0, 0, 64]
    assert shared(graph) == [(64, [1, 2])]


class _Tied(_Module):  # type: ignore[misc] # see above
    """A language model whose last layer is its first table, and a buffer its transpose."""

    def __init__(self, words: int, width: int, depth: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width)
        self.places = nn.Embedding(64, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.table.weight
        self.register_buffer("turned", self.table.weight.detach().t(), persistent=False)

    def forward(self, x: Any) -> Any:
        x = self.table(x) + self.places(torch.arange(x.shape[1], device=x.device))
        for layer in self.layers:
            x = layer(x)
        return self.head(x), x @ self.turned


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_tied_table_is_stored_once(device: str) -> None:
    """Wherever it is: on the device ``meta`` no tensor has an address. All in all, a model stores what it stores."""
    with torch.device(device):
        module = _Tied(500, 16, 2)
        graph = _arrays(module, torch.ones(1, 8, dtype=torch.long))
    assert shared(graph)[0][0] == 500 * 16 * 4
    assert len(shared(graph)[0][1]) == 3
    assert stored(graph) == _bytes(module.parameters())
    # What is not tied counts as often as it is read.
    other = nn.Linear(16, 500, bias=False, device=device)
    module.head.weight = other.weight
    with torch.device(device):
        assert stored(_arrays(module, torch.ones(1, 8, dtype=torch.long))) == _bytes(module.parameters())


class _Attention(_Module):  # type: ignore[misc] # see above
    """Attention with fewer heads of keys than of queries, turned by place, over what it has kept."""

    def __init__(self, width: int, heads: int, kept_heads: int, length: int) -> None:
        super().__init__()
        self.heads, self.kept_heads, self.size = heads, kept_heads, width // heads
        self.q, self.o = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.k, self.v = (nn.Linear(width, kept_heads * self.size, bias=False) for _ in range(2))
        for name in ("keys", "values"):
            self.register_buffer(name, torch.zeros(1, kept_heads, length, self.size), persistent=False)

    def forward(self, x: Any, turn: tuple[Any, Any], place: Any) -> Any:
        def heads(y: Any, count: int) -> Any:
            return y.view(1, -1, count, self.size).transpose(1, 2)

        def turned(y: Any) -> Any:
            half = self.size // 2
            return y * turn[0] + torch.cat([-y[..., half:], y[..., :half]], -1) * turn[1]

        q, k = turned(heads(self.q(x), self.heads)), turned(heads(self.k(x), self.kept_heads))
        self.keys.index_copy_(2, place, k)
        self.values.index_copy_(2, place, heads(self.v(x), self.kept_heads))
        k, v = (kept.repeat_interleave(self.heads // self.kept_heads, 1) for kept in (self.keys, self.values))
        return self.o(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape))


class _Layer(_Module):  # type: ignore[misc] # see above
    def __init__(self, width: int, inner: int, length: int) -> None:
        super().__init__()
        self.attention = _Attention(width, 8, 2, length)
        self.before, self.between = nn.RMSNorm(width), nn.RMSNorm(width)
        self.gate, self.up = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Any, turn: tuple[Any, Any], place: Any) -> Any:
        x = x + self.attention(self.before(x), turn, place)
        y = self.between(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class _Llama(_Module):  # type: ignore[misc] # see above
    """A step of decoding: one word, with what was before it in a cache."""

    def __init__(self, words: int, width: int, inner: int, depth: int, length: int) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(words, width), nn.Linear(width, words, bias=False)
        self.layers = nn.ModuleList(_Layer(width, inner, length) for _ in range(depth))
        self.norm = nn.RMSNorm(width)
        self.register_buffer("rates", torch.ones(width // 16), persistent=False)

    def forward(self, word: Any, place: Any) -> Any:
        x, angles = self.table(word), place[:, None].to(self.rates.dtype) * self.rates
        angles = torch.cat([angles, angles], -1)
        for layer in self.layers:
            x = layer(x, (angles.cos(), angles.sin()), place)
        return self.head(self.norm(x))


def test_a_decoding_step_stores_its_parameters_and_keeps_its_cache() -> None:
    """Both to the byte; every weight has one reader, and the cache is of the nodes that write it, and no output."""
    with torch.device("meta"):
        module = _Llama(words=1000, width=256, inner=512, depth=3, length=128).to(torch.bfloat16)
        graph = _arrays(module, torch.ones(1, 1, dtype=torch.long), torch.ones(1, dtype=torch.long))
    caches = [buffer for name, buffer in module.named_buffers() if "keys" in name or "values" in name]
    assert shared(graph) == []
    assert stored(graph) == _bytes(module.parameters()) + _bytes([module.rates])
    assert graph.state_bytes is not None
    kept = {graph.op[node]: int(graph.state_bytes[node]) for node in np.flatnonzero(graph.state_bytes).tolist()}
    assert kept == {"index_copy": _bytes(caches[:1])}
    assert graph.state_bytes.sum() == _bytes(caches)
    assert graph.is_output is not None
    assert graph.is_output.sum() == 1
    assert graph.dtype is not None
    products = {dtype for op, dtype in zip(graph.op, graph.dtype, strict=True) if op in {"linear", "matmul"}}
    assert products == {"bfloat16"}


class _Packed(_Module):  # type: ignore[misc] # see above
    """Weights of four bits, two to a byte, unpacked at run time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("packed", torch.zeros(width, width // 2, dtype=torch.uint8))
        self.register_buffer("scale", torch.ones(width, 1, dtype=torch.bfloat16))

    def forward(self, x: Any) -> Any:
        pair = torch.stack([self.packed & 15, self.packed >> 4], -1)
        return functional.linear(x, pair.flatten(1).to(torch.bfloat16) * self.scale)


def test_packed_weights_are_stored_and_read_as_they_are_packed() -> None:
    module = nn.Sequential(*[_Packed(64) for _ in range(3)])
    graph = _arrays(module, torch.ones(1, 64, dtype=torch.bfloat16))
    assert list(graph.op) == ["linear"] * 3
    assert _own(graph) == [64 * 32 + 128] * 3
    assert graph.read_bytes is not None
    assert graph.read_bytes.tolist() == [128 + 64 * 32 + 128] * 3
    assert stored(graph) == _bytes(module.buffers())
    one = _Packed(64)
    twice = nn.Sequential(one, one)
    assert stored(_arrays(twice, torch.ones(1, 64, dtype=torch.bfloat16))) == _bytes(one.buffers())


def test_weights_that_are_cast_in_each_run_are_stored_as_they_are_given() -> None:
    """A model of single precision that multiplies in bfloat16 takes four bytes for a weight, and reads two."""
    graph = _arrays(_Reading(lambda w: w.bfloat16()), torch.ones(2, 4, dtype=torch.bfloat16))
    assert (_own(graph), graph.dtype) == ([64], ("bfloat16",))
    assert graph.read_bytes is not None
    assert graph.read_bytes.tolist() == [16 + 32]


@given(
    widths=st.lists(st.sampled_from(["int8", "bfloat16", "float32"]), min_size=1, max_size=3),
    reads=st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6),
)
@settings(max_examples=15, deadline=None)
def test_the_bytes_of_a_model_are_those_of_its_parameters(widths: list[str], reads: list[tuple[int, bool]]) -> None:
    """However often each is read: each once, and in a run of nodes those that these read."""
    reads = [(index % len(widths), is_turned) for index, is_turned in reads]

    class Model(_Module):  # type: ignore[misc] # see above
        def __init__(self) -> None:
            super().__init__()
            held = [torch.ones(4, 4, dtype=getattr(torch, width)) for width in widths]
            self.held = nn.ParameterList(nn.Parameter(each, requires_grad=False) for each in held)

        def forward(self, x: Any) -> Any:
            for index, is_turned in reads:
                weight = self.held[index].float()
                x = x @ (weight.t() if is_turned else weight)
            return x

    module = Model()
    graph = _arrays(module, torch.ones(2, 4))
    size = [parameter.numel() * parameter.element_size() for parameter in module.held]
    own = np.array(_own(graph))
    for begin in range(len(reads)):
        for end in range(begin + 1, len(reads) + 1):
            held = own[begin:end].sum() + sum(
                size for size, readers in shared(graph) if any(begin <= node < end for node in readers)
            )
            assert held == sum(size[index] for index in {index for index, _ in reads[begin:end]})


def test_a_product_computes_in_the_type_of_its_operands() -> None:
    """A mask in single precision or a scale is no operand; a product of whole numbers is one of whole numbers."""
    q = torch.ones(1, 2, 4, 8, dtype=torch.bfloat16)

    class Masked(_Module):  # type: ignore[misc] # see above
        def forward(self, q: Any, mask: Any) -> Any:
            return functional.scaled_dot_product_attention(q, q, q, attn_mask=mask)

    assert _arrays(Masked(), q, torch.ones(4, 4)).dtype == ("bfloat16",)

    class Whole(_Module):  # type: ignore[misc] # see above
        def forward(self, x: Any) -> Any:
            return torch._int_mm(x, x) > 0  # noqa: SLF001 - PyTorch's own name

    assert _arrays(Whole(), torch.ones(32, 32, dtype=torch.int8)).dtype == ("int8", "int32")
