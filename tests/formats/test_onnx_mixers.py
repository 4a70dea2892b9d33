"""Mixers of com.microsoft: loops over tokens, heads and elements count what the rules do."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from onnx_nodes import write_node
from slicegraph.formats.onnx import read

_small = st.integers(1, 5)
_few = settings(max_examples=8)


def _zeros(*shape: int, dtype: type[Any] = np.float32) -> NDArray[Any]:
    return np.zeros(shape, dtype)


def _count(op: str, feeds: dict[str, NDArray[Any]], **options: Any) -> int:
    """Count one operator, whose output has a shape although none is recorded, and which is no guess."""
    with TemporaryDirectory() as folder:
        graph = read(write_node(Path(folder) / "m.onnx", f"com.microsoft:{op}", feeds, **options))
    assert graph.flops is not None
    assert graph.is_guess is not None
    assert not graph.is_guess.any()
    return int(graph.flops.sum())


@_few
@given(_small, _small, st.integers(1, 3), st.integers(1, 3), _small, st.booleans(), st.booleans())
def test_a_query_sees_what_was_selected_and_a_window(
    batch: int, length: int, key_heads: int, groups: int, keys: int, has_window: bool, is_paged: bool
) -> None:
    """Both products and the softmax of each query, head and key that may be selected."""
    width, heads, window = 4, key_heads * groups, 3
    tokens = (batch * length,) if is_paged else (batch, length)
    cache = (6, 2, key_heads, width) if is_paged else (batch, key_heads, 9, width)
    feeds = {
        "q": _zeros(*tokens, heads * width),
        "k": _zeros(*tokens, key_heads * width),
        "v": _zeros(*tokens, key_heads * width),
        "pk": _zeros(*cache),
        "pv": _zeros(*cache),
        "i": _zeros(batch * length, keys, dtype=np.int32),
        "n": _zeros(batch * length, dtype=np.int32),
    }
    before = ["", "", "", ""] if is_paged else ["", ""]
    counted = _count(
        "SparsePagedAttention" if is_paged else "DynamicSparseAttention",
        feeds,
        inputs=["q", "k", "v", "pk", "pv", *before, "i", "n"],
        num_heads=heads,
        kv_num_heads=key_heads,
        local_window_size=window,
        attention_mode="local_plus_selected" if has_window else "selected_only",
    )
    seen = keys + window * has_window
    assert counted == sum(2 * width + 5 + 2 * width for _ in range(batch * length * heads * seen))


@_few
@given(_small, st.integers(1, 3), st.integers(1, 3), _small, _small, st.sampled_from(["linear", "gated_delta"]))
def test_a_state_is_decayed_read_written_and_read(
    tokens: int, key_heads: int, groups: int, width: int, value_width: int, rule: str
) -> None:
    """Each element of each head's state, token by token; packed or in three tensors."""
    heads = key_heads * groups
    state = {"s": _zeros(1, heads, value_width, width)}
    apart = {
        "q": _zeros(tokens, key_heads, width),
        "k": _zeros(tokens, key_heads, width),
        "v": _zeros(tokens, heads, value_width),
    }
    packed = {"q": _zeros(tokens, 2 * key_heads * width + heads * value_width)}
    each = {"linear": 2 + 2, "gated_delta": 1 + 2 + 2 + 2}[rule]
    wanted = sum(each for _ in range(tokens) for _ in range(heads) for _ in range(width * value_width))
    names = ["q", "k", "v", "", "", "", "s"]
    assert _count("GatedDeltaNet", apart | state, inputs=names, update_rule=rule) == wanted
    packed_names = ["q", "", "", "", "", "", "s"]
    assert _count("GatedDeltaNet", packed | state, inputs=packed_names, update_rule=rule) == wanted


@_few
@given(_small, st.integers(1, 3), _small)
def test_a_state_space_runs_its_heads(rows: int, heads: int, width: int) -> None:
    """Four taps, and five operations for each element of a state; the rest is by element of a row."""
    inner, depth = heads * width, 4
    channels = inner + 2 * depth
    feeds = {
        "p": _zeros(rows, 2 * inner + 2 * depth + heads),
        "c": _zeros(2, channels, 3),
        "s": _zeros(2, heads, depth, width),
        "w": _zeros(channels, 4),
        **{name: _zeros(channels if name == "b" else heads) for name in ("b", "d", "a", "k")},
        "n": _zeros(inner),
        "r": _zeros(1, dtype=np.int32),
    }
    counted = _count("Mamba2Verify", feeds, heads=heads, head_dim=width, d_state=depth, n_groups=1)
    assert counted == rows * (channels * (2 * 4 + 2) + heads * width * depth * 5 + inner * (1 + 2 + 2 + 5))


@_few
@given(_small, _small, _small, _small, _small, st.booleans())
def test_an_attending_recurrence_looks_at_its_memory(
    steps: int, batch: int, hidden: int, length: int, depth: int, has_layer: bool
) -> None:
    """One step: the LSTM of input and attention, the query's layer, a tanh and a product per place, and the mean."""
    entered, width, wide = 3, 2, 4
    attended = wide if has_layer else depth
    stored = {
        "w": _zeros(1, 4 * hidden, entered + attended),
        "r": _zeros(1, 4 * hidden, hidden),
        "qw": _zeros(1, hidden, width),
        "mw": _zeros(1, depth, width),
        "v": _zeros(1, width),
        **({"aw": _zeros(1, depth + hidden, wide)} if has_layer else {}),
    }
    feeds = {"x": _zeros(steps, batch, entered), "m": _zeros(batch, length, depth)}
    names = ["x", "w", "r", "", "", "", "", "", "qw", "mw", "v", "m", "", *(["aw"] if has_layer else [])]
    counted = _count("AttnLSTM", feeds, stored=stored, inputs=names, hidden_size=hidden)
    step = 2 * 4 * hidden * (entered + attended + hidden) + 13 * hidden
    step += 2 * hidden * width + length * (4 * width + 5 + 2 * depth)
    step += 2 * (depth + hidden) * wide * has_layer
    assert counted == steps * batch * step + 2 * batch * length * depth * width


@_few
@given(_small, _small, _small, _small, st.booleans())
def test_streams_are_mixed(rows: int, branches: int, width: int, rank: int, has_mix: bool) -> None:
    """Each stream's element by its gate, beside what comes of thin factors and of other streams."""
    streams = {"x": _zeros(rows, branches, width)}
    flat = {"x": _zeros(rows, branches * width)}
    assert _count("HyperConnectionPreMix", streams | {"g": _zeros(rows, branches)}) == 2 * rows * branches * width
    mix = {"s": _zeros(rows, branches, branches)} if has_mix else {}
    more = {"b": _zeros(rows, width), "g": _zeros(rows, branches)}
    counted = _count("HyperConnectionPostMix", streams | more | mix)
    assert counted == rows * branches * width * (2 + 2 * branches * has_mix)
    inner = branches * width
    stored = {
        "n": _zeros(inner),
        "d": _zeros(inner, rank),
        "u": _zeros(rank, inner),
        "i": _zeros(inner, branches),
    }
    counted = _count("HyperConnectionLowRankMix", flat, stored=stored, num_branches=branches)
    products = 2 * inner * rank + 2 * rank * inner + 2 * inner * branches
    assert counted == rows * (products + inner * (5 + 1 + 2) + 2 * rank + 3 * branches)


@pytest.mark.parametrize("is_projected", [False, True])
def test_a_router_scores_all_experts(is_projected: bool) -> None:
    """A sigmoid, a bias and a choice for each; a projection of each token before, if asked to."""
    stored = {"b": _zeros(8)} | ({"w": _zeros(8, 16)} if is_projected else {})
    feeds = {"x": _zeros(3, 16 if is_projected else 8)}
    counted = _count("MoEGroupRouter", feeds, stored=stored, top_k=2, outputs=["y"])
    assert counted == 3 * 8 * (3 + (2 * 16 if is_projected else 1))


def test_gates_rotations_and_words_count_by_definition() -> None:
    """Norms at 5 per element, rotations at 3, a convolution of characters at 2 per product."""
    keys = {name: _zeros(1, 3, 2, 8) for name in ("k", "q")}
    engram = keys | {"v": _zeros(1, 3, 8)} | {name: _zeros(2, 8) for name in ("n", "m")}
    assert _count("EngramGate", engram) == 3 * 2 * (8 * (5 + 5 + 2 + 1) + 5)
    rotated = {"x": _zeros(1, 3, 2, 8), "s": _zeros(8), "p": _zeros(1, dtype=np.int64)}
    rotated |= {name: _zeros(9, 2) for name in ("c", "d")}
    assert _count("RMSNormRotary", rotated, rotary_embedding_dim=4) == 3 * 2 * (8 * 5 + 4 * 3)
    words = {"w": _zeros(6, 1, 3, 4), "b": _zeros(6), "c": _zeros(30, 4)}
    counted = _count("WordConvEmbedding", {"x": _zeros(2, 7, dtype=np.int32)}, stored=words, conv_window_size=3)
    assert counted == 2 * 5 * 6 * (2 * 3 * 4 + 3)
