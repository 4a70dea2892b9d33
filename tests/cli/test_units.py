"""Numbers with units, as they are typed."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.cli import units

READERS = (units.num_bytes, units.bytes_per_second, units.flops, units.seconds, units.fraction)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (units.num_bytes, "64GB", 64e9),
        (units.num_bytes, "8MiB", 8 * 2**20),
        (units.num_bytes, "1.5 GiB", 1.5 * 2**30),
        (units.num_bytes, "12B", 12.0),
        (units.num_bytes, "3kB", 3000.0),
        (units.bytes_per_second, "300GB/s", 300e9),
        (units.bytes_per_second, "2.039TB/s", 2.039e12),
        (units.flops, "312TFLOPS", 312e12),
        (units.flops, "4TFLOP/s", 4e12),
        (units.seconds, "5ms", 0.005),
        (units.seconds, "0.1ms", 1e-4),
        (units.seconds, "7us", 7e-6),
        (units.seconds, "7\u00b5s", 7e-6),
        (units.seconds, "2min", 120.0),
        (units.fraction, "5%", 0.05),
        (units.fraction, "0.7%", 0.007),
        (units.fraction, "-5%", -0.05),
        (units.num_bytes, "1e3MB", 1e9),
        (units.target, "5ms", 0.005),
        (units.target, "200/s", 0.005),
        (units.target, "0.5 /s", 2.0),
        (units.target, "3", 3.0),
        (units.rates, "312TFLOPS", 312e12),
    ],
)
def test_a_unit_is_its_factor(read: Callable[[str], float], text: str, value: float) -> None:
    """Rounded once: the value is the float nearest to what was typed."""
    assert read(text) == value


@pytest.mark.parametrize("read", READERS)
@given(st.floats(allow_nan=False))
def test_a_plain_number_is_in_units_of_the_si(read: Callable[[str], float], value: float) -> None:
    assert read(repr(value)) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (units.num_bytes, "64GB/s"),
        (units.num_bytes, "64gb"),
        (units.num_bytes, "64Gb"),
        (units.num_bytes, "GB"),
        (units.num_bytes, "6 4GB"),
        (units.bytes_per_second, "300GB"),
        (units.flops, "312TB/s"),
        (units.seconds, "5m"),
        (units.seconds, "5 parsecs"),
        (units.seconds, ""),
        (units.seconds, "1e9999999999s"),
        (units.seconds, "\u0665s"),
        (units.fraction, "5ms"),
        (units.fraction, "five%"),
    ],
)
def test_another_unit_is_refused_with_examples(read: Callable[[str], float], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a .*, alone or with a unit, as"):
        read(text)


@pytest.mark.parametrize("read", READERS)
@given(st.text())
def test_any_text_is_a_number_or_refused(read: Callable[[str], float], text: str) -> None:
    try:
        value = read(text)
    except argparse.ArgumentTypeError:
        return
    assert isinstance(value, float)


def test_a_number_beyond_all_is_infinite() -> None:
    assert math.isinf(units.num_bytes("9e999EB"))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", [3]), ("1..4", [1, 2, 3, 4]), ("8,2, 4,2", [2, 4, 8]), ("1..3,2..5,32", [1, 2, 3, 4, 5, 32]), ("7..7", [7])],
)
def test_numbers_of_stages_are_lists_and_ranges(text: str, numbers: list[int]) -> None:
    assert units.whole_numbers(text) == numbers


@pytest.mark.parametrize(
    "text", ["", "1..", "..3", "1...3", "3..1", "0", "-1", "1.5", "2^3", "1048577", "9" * 99, "\u0661"]
)
def test_what_is_no_number_of_stages_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        units.whole_numbers(text)


@pytest.mark.parametrize("text", ["0", "0/s", "-1/s", "nan", "inf", "1e999", "5/min", "5 GB", "/s", "1e-999/s"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        units.target(text)


def test_rates_by_type_are_a_table() -> None:
    assert units.rates("fp32=19.5TFLOPS,bf16=3e14") == {"fp32": 19.5e12, "bf16": 3e14}
    with pytest.raises(argparse.ArgumentTypeError, match="has two rates of fp32"):
        units.rates("fp32=1,fp32=2")
    with pytest.raises(argparse.ArgumentTypeError, match="'fast' is not a rate of operations"):
        units.rates("fp32=fast")


def test_stages_are_numbers_and_ranges_from_0() -> None:
    assert units.stages("2") == [2]
    assert units.stages("0..2,5, 1") == [0, 1, 2, 5]
    for wrong in ("", "-1", "2..1", "1.5", "0...2", "9999999"):
        with pytest.raises(argparse.ArgumentTypeError, match="is neither a stage nor a range of stages"):
            units.stages(wrong)
