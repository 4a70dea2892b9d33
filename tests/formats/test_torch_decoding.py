"""Language models, a step at a time and a prompt at once: operations and bytes by formula."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import slicegraph as sg  # noqa: E402
from slicegraph.formats.arrays import GraphArrays  # noqa: E402

_Module: Any = nn.Module

BATCH, HEADS, KEY_HEADS, LENGTH, SIZE = 2, 4, 2, 32, 8
WIDTH = HEADS * SIZE
KEYS = KEY_HEADS * SIZE
ROTATED = 3.5  # two products, a sum, and half a negation for each element
FLOAT, LONG = 4, 8


class Step(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """One token of each sequence: its key and value go into caches, and it attends to all of them."""

    def __init__(self, write: str) -> None:
        super().__init__()
        self.write = write
        self.query, self.out = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.both = nn.Linear(WIDTH, 2 * KEYS, bias=False)
        self.register_buffer("keys", torch.zeros(BATCH, KEY_HEADS, LENGTH, SIZE))
        self.register_buffer("values", torch.zeros(BATCH, KEY_HEADS, LENGTH, SIZE))
        self.register_buffer("rates", 10000.0 ** -(torch.arange(0, SIZE, 2) / SIZE), persistent=False)

    def put(self, cache: Any, at: Any, row: Any) -> None:
        if self.write == "index_copy":
            cache.index_copy_(2, at, row)
        elif self.write == "index":
            cache[:, :, at] = row
        else:
            cache.scatter_(2, at.view(1, 1, 1, 1).expand(row.shape), row)

    def forward(self, x: Any, at: Any) -> Any:
        length = x.shape[1]
        query = self.query(x).view(BATCH, length, HEADS, SIZE).transpose(1, 2)
        key, value = self.both(x).view(BATCH, length, 2 * KEY_HEADS, SIZE).transpose(1, 2).chunk(2, 1)
        angles = at[:, None] * self.rates
        cosine, sine = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)

        def turned(y: Any) -> Any:
            left, right = y.chunk(2, -1)
            return y * cosine + torch.cat([-right, left], -1) * sine

        self.put(self.keys, at, turned(key))
        self.put(self.values, at, value)
        seen = torch.arange(LENGTH) <= at[:, None]
        found = functional.scaled_dot_product_attention(
            turned(query), self.keys, self.values, attn_mask=seen, enable_gqa=True
        )
        return self.out(found.transpose(1, 2).reshape(x.shape))


def _trace(module: Any, *args: Any) -> GraphArrays:
    with torch.no_grad():
        return sg.from_torch(module.eval(), args).arrays


def _of(graph: GraphArrays, op: str) -> list[tuple[int, int, int]]:
    """What each node of an operator computes, reads and writes."""
    assert graph.flops is not None
    assert graph.read_bytes is not None
    assert graph.write_bytes is not None
    columns = zip(graph.op, graph.flops, graph.read_bytes, graph.write_bytes, strict=True)
    return [(int(flops), int(read), int(written)) for each, flops, read, written in columns if each == op]


def _total(graph: GraphArrays) -> int:
    assert graph.flops is not None
    return int(graph.flops.sum())


def _stored(graph: GraphArrays) -> int:
    assert graph.param_bytes is not None
    return int(graph.param_bytes.sum()) + (0 if graph.param_size is None else int(graph.param_size.sum()))


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("write", ["index_copy", "index", "scatter"])
def test_a_step_writes_its_rows_and_reads_its_caches(write: str, length: int) -> None:
    """A token, or some at once: all products, scores with the whole cache, and of the caches the new rows written."""
    if write == "scatter" and length > 1:
        pytest.skip("that program scatters one position")
    graph = _trace(Step(write), torch.ones(BATCH, length, WIDTH), torch.arange(length))
    tokens = BATCH * length
    products = 2 * tokens * WIDTH * (WIDTH + 2 * KEYS + WIDTH)
    attention = tokens * HEADS * LENGTH * (2 * SIZE + 5 + 2 * SIZE)
    angles = 3 * length * SIZE // 2
    rotations = int(ROTATED * tokens * (WIDTH + KEYS))
    assert _total(graph) == products + attention + angles + rotations + length * LENGTH
    rows, cache = tokens * KEYS * FLOAT, BATCH * KEYS * LENGTH * FLOAT
    op = "index_put" if write == "index" else write
    assert _of(graph, op) == [(0, rows + length * LONG, rows)] * 2
    masks = length * LENGTH
    ((_, read, written),) = _of(graph, "scaled_dot_product_attention")
    assert (read, written) == (tokens * WIDTH * FLOAT + 2 * cache + masks, tokens * WIDTH * FLOAT)
    assert graph.state_bytes is not None
    assert int(graph.state_bytes.sum()) == 2 * cache
    # The positions of keys are made of nothing.
    weights = (2 * WIDTH * WIDTH + 2 * WIDTH * KEYS) * FLOAT
    assert _stored(graph) == weights + SIZE // 2 * FLOAT + LENGTH * LONG
    assert graph.is_guess is not None
    assert not graph.is_guess.any()


class Experts(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """The best two of eight experts for each token, by their rows or in groups."""

    def __init__(self, *, is_grouped: bool, kind: Any = torch.float32) -> None:
        super().__init__()
        self.is_grouped = is_grouped
        self.router = nn.Linear(16, 8, bias=False, dtype=kind)
        self.up = nn.Parameter(torch.zeros(8, 16, 32, dtype=kind), requires_grad=False)
        self.down = nn.Parameter(torch.zeros(8, 32, 16, dtype=kind), requires_grad=False)

    def forward(self, x: Any) -> Any:
        best, chosen = self.router(x).softmax(-1).topk(2)
        if not self.is_grouped:
            hidden = functional.silu(torch.einsum("tw,tkwi->tki", x, self.up[chosen]))
            return torch.einsum("tki,tkiw,tk->tw", hidden, self.down[chosen], best)
        order = chosen.flatten().argsort()
        ends = torch.bincount(chosen.flatten(), minlength=8).cumsum(0).int()
        product: Any = vars(torch)["_grouped_mm"]
        hidden = functional.silu(product(x[order // 2], self.up, offs=ends))
        return product(hidden, self.down, offs=ends) * best.flatten()[order][:, None]


@pytest.mark.parametrize("tokens", [1, 12])
def test_a_token_pays_for_the_experts_that_are_chosen(tokens: int) -> None:
    """Two of eight, however many there are: their products, and the bytes of no more than were chosen."""
    graph = _trace(Experts(is_grouped=False), torch.ones(tokens, 16))
    (up, down) = _of(graph, "index")
    assert [up[1:], down[1:]] == [(tokens * 2 * (16 * 32 * FLOAT + LONG), tokens * 2 * 16 * 32 * FLOAT)] * 2
    kind = torch.bfloat16
    grouped = _trace(Experts(is_grouped=True, kind=kind), torch.ones(tokens, 16, dtype=kind))
    first, second = _of(grouped, "_grouped_mm")
    assert first[0] == second[0] == 2 * tokens * 2 * 16 * 32
    weights, offsets = min(2 * tokens, 8) * 16 * 32 * 2, 8 * 4
    assert (first[1], second[1]) == (tokens * 2 * 16 * 2 + weights + offsets, tokens * 2 * 32 * 2 + weights + offsets)
    assert _stored(graph) == (16 * 8 + 2 * 8 * 16 * 32) * FLOAT


class Packed(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """Weights of four or eight bits, made real in each run."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits
        shape, kind = ((32, 16), torch.uint8) if bits == 4 else ((32, 32), torch.int8)
        self.register_buffer("weight", torch.zeros(shape, dtype=kind))
        self.register_buffer("scale", torch.ones(32, 1, dtype=torch.bfloat16))

    def forward(self, x: Any) -> Any:
        weight = self.weight
        if self.bits == 4:
            weight = torch.stack([weight & 15, weight >> 4], -1).flatten(1) - 8
        return functional.linear(x, weight.to(torch.bfloat16) * self.scale)


@pytest.mark.parametrize("bits", [4, 8])
def test_packed_weights_are_read_as_they_are_packed(bits: int) -> None:
    """A decoding step reads half a byte or a byte for each weight, and multiplies as with any."""
    graph = _trace(Packed(bits), torch.ones(3, 32, dtype=torch.bfloat16))
    packed = 32 * 32 * bits // 8 + 32 * 2
    assert _of(graph, "linear") == [(2 * 3 * 32 * 32, 3 * 32 * 2 + packed, 3 * 32 * 2)]
    assert _stored(graph) == packed


def test_tables_that_differ_are_stored_apart() -> None:
    """The same operator with other operands, in another order, or one of them twice, makes another table."""

    class Tables(_Module):  # type: ignore[misc] # its type is not known where it is not installed
        def forward(self, x: Any) -> Any:
            a, b = torch.arange(SIZE) / 3, torch.arange(SIZE) / 5
            made = [a - b, b - a, a - b, torch.addcmul(a, a, b), torch.addcmul(a, b, b), a * 2, a * 3]
            for each in made:
                x = torch.relu(x * each)
            return x

    assert _stored(_trace(Tables(), torch.ones(4, SIZE))) == 6 * SIZE * FLOAT


@pytest.mark.parametrize("is_anew", [False, True])
def test_a_table_that_all_layers_read_is_stored_once(is_anew: bool) -> None:
    """Rotations and masks that are made of nothing, once or in each of twelve layers, take their bytes once."""

    class Layers(_Module):  # type: ignore[misc] # its type is not known where it is not installed
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(SIZE, SIZE, bias=False) for _ in range(12)])

        def forward(self, x: Any) -> Any:
            angles = torch.outer(torch.arange(LENGTH), torch.arange(SIZE) / SIZE)
            cosine, mask = angles.cos(), torch.ones(LENGTH, LENGTH).tril()
            for layer in self.layers:
                if is_anew:
                    angles = torch.outer(torch.arange(LENGTH), torch.arange(SIZE) / SIZE)
                    cosine, mask = angles.cos(), torch.ones(LENGTH, LENGTH).tril()
                x = mask @ (layer(x) * cosine)
            return x

    graph = _trace(Layers(), torch.ones(LENGTH, SIZE))
    assert _stored(graph) == (12 * SIZE * SIZE + LENGTH * SIZE + LENGTH * LENGTH) * FLOAT
