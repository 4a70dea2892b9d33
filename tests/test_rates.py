"""Rates by type of number."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.rates import KEYS, Rates, key_of

A100 = {"fp32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "fp16": 300e12, "int8": 624e12}
BITS = {"fp64": 64, "fp32": 32, "tf32": 19, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4, "int4": 4}
NODE_TYPES = ("float64", "float32", "tf32", "bfloat16", "float16", "float8_e4m3fn", "int8", "float4_e2m1fn", "int4")


@pytest.mark.parametrize(
    ("dtype", "rate"),
    [
        ("float32", 19.5e12),
        ("FLOAT", 19.5e12),
        ("int32", 19.5e12),
        ("bfloat16", 312e12),
        ("float16", 300e12),
        ("tf32", 156e12),
        ("uint8", 624e12),
        ("bool", 624e12),
        # Missing: the next wider, of two of one width the slower; then the slowest.
        ("float8_e5m2", 300e12),
        ("int4", 624e12),
        ("float64", 19.5e12),
        ("complex128", 19.5e12),
        # Unknown: bf16.
        ("", 312e12),
        (None, 312e12),
        ("posit16", 312e12),
    ],
)
def test_a_node_runs_at_the_rate_of_its_type(dtype: str | None, rate: float) -> None:
    assert Rates(A100).of(dtype) == rate


def test_float32_never_runs_as_tf32_unless_the_node_says_so() -> None:
    """TF32 rounds what float32 holds: who wants it types it as the rate of fp32, or calls the nodes tf32."""
    rates = Rates({"tf32": 156e12, "bf16": 312e12, "fp16": 10e12})
    assert rates.of("float32") == 10e12
    assert rates.of("tf32") == 156e12


@given(st.dictionaries(st.sampled_from(KEYS), st.floats(1.0, 1e18), min_size=1), st.sampled_from(NODE_TYPES))
def test_what_the_table_lacks_is_never_narrower(table: dict[str, float], dtype: str) -> None:
    """By the definition, from scratch: its own rate, else that of a wider type, else the slowest."""
    key = key_of(dtype)
    assert key is not None
    holds = [each for each in table if each != "tf32" and (each[:2] == "fp" or each == "bf16" or key[:3] == "int")]
    wider = [each for each in holds if BITS[each] > BITS[key]]
    found = Rates(table).of(dtype)
    if key in table:
        assert found == table[key]
    elif wider:
        width = min(BITS[each] for each in wider)
        assert found == min(table[each] for each in wider if BITS[each] == width)
    else:
        assert found == min(table.values())


def test_a_table_is_frozen_hashable_and_in_one_order() -> None:
    """So a device is: equal tables are equal devices, whatever the order in which they were typed."""
    one, other = sg.Device(bandwidth=1.0, flops=A100), sg.Device(bandwidth=1.0, flops=dict(reversed(A100.items())))
    assert one == other
    assert len({one, other}) == 1
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own
    assert list(one.to_mapping()["flops"]) == list(A100)
    assert one != sg.Device(bandwidth=1.0, flops=312e12)
    with pytest.raises(TypeError, match="does not support item assignment"):
        one.flops["fp32"] = 1.0  # type: ignore[index]


def test_rates_of_numpy_are_rates() -> None:
    table: dict[str, Any] = {"fp32": np.float32(2.0), "int8": np.int64(3)}
    assert Rates(table) == {"fp32": 2.0, "int8": 3.0}


def test_per_node_is_of_each() -> None:
    assert Rates(A100).per_node(["float32", "", "int8"]).tolist() == [19.5e12, 312e12, 624e12]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "device: flops is a table without a rate"),
        ({"float32": 1.0}, "device: flops has a rate of 'float32', but types are fp64, fp32, tf32"),
        ({5: 1.0}, "device: flops has a rate of 5, but types are fp64, fp32, tf32"),
        ({"fp32": 0.0}, "device: flops of fp32 0.0 is not a positive finite number"),
        ({"fp32": math.nan}, "device: flops of fp32 nan is not a positive finite number"),
        ({"fp32": "fast"}, "device: flops of fp32 'fast' is not a positive finite number"),
        ({"fp32": True}, "device: flops of fp32 True is not a positive finite number"),
    ],
)
def test_a_table_that_is_none_is_refused(table: Any, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.Device(bandwidth=1.0, flops=table)
