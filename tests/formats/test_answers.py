"""What other commands printed, read again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from slicegraph.errors import InputError
from slicegraph.formats.answers import (
    ClaimedBound,
    Claims,
    MeasuredStage,
    SweepRow,
    read_claims,
    read_run,
    read_sweep,
)

PLAN: dict[str, Any] = {
    "format": "slicegraph-plan-1",
    "num_blocks": 2,
    "status": "time_limit",
    "bottleneck": 4,
    "lower_bound": 3.5,
    "bounds": [{"method": "node", "lower_bound": None, "seconds": 0.5, "status": "optimal"}],
    "history": [[0.0, None, 0], [0.5, 4, 3.5]],
}
SWEEP: dict[str, Any] = {
    "graph": {"digest": "d"},
    "rows": [
        {"num_blocks": 3, "bottleneck": 2.0, "lower_bound": 1.0, "status": "time_limit"},
        {"num_blocks": 1, "bottleneck": None, "lower_bound": None, "status": "infeasible"},
    ],
}
RUN: dict[str, Any] = {"stages": [{"block": 1, "run": 0.5, "transfer": 0}]}


def write(folder: Path, data: Any) -> Path:
    path = folder / "file.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_what_a_plan_says_is_read(tmp_path: Path) -> None:
    """Null is infinite."""
    assert read_claims(write(tmp_path, PLAN)) == Claims(
        num_blocks=2,
        status="time_limit",
        bottleneck=4.0,
        lower_bound=3.5,
        bounds=(ClaimedBound(method="node", lower_bound=math.inf, seconds=0.5, status="optimal"),),
        history=((0.0, math.inf, 0.0), (0.5, 4.0, 3.5)),
    )


CERTIFICATE: dict[str, Any] = {
    "format": "slicegraph-certificate-2",
    "num_blocks": 2,
    "tick": 0.25,
    "lower_bound": 14,
    "witness": {"block_of": [0, 1], "bottleneck": 16},
}


def test_what_a_certificate_says_is_read_in_seconds(tmp_path: Path) -> None:
    """It tells ticks, of a quarter of a second here."""
    claims = read_claims(write(tmp_path, CERTIFICATE))
    assert claims is not None
    assert (claims.num_blocks, claims.bottleneck, claims.lower_bound) == (2, 4.0, 3.5)
    assert claims.is_certificate
    for key in ("tick", "lower_bound", "num_blocks", "witness"):
        with pytest.raises(InputError, match=key):
            read_claims(write(tmp_path, CERTIFICATE | {key: "x"}))
    with pytest.raises(InputError, match="lower_bound 4.25 s is above bottleneck 4 s".replace(".", r"\.")):
        read_claims(write(tmp_path, CERTIFICATE | {"lower_bound": 17}))


@pytest.mark.parametrize("data", ["0 1 1", "[0, 1]", {"n": 0}, {"format": "slicegraph-plan-0"}, ""])
def test_a_plan_of_another_shape_says_nothing(data: Any, tmp_path: Path) -> None:
    assert read_claims(write(tmp_path, data)) is None


def test_rows_of_a_sweep_come_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, SWEEP)
    assert read_sweep(path, digest="d") == (
        SweepRow(num_blocks=1, bottleneck=math.inf, lower_bound=math.inf, status="infeasible"),
        SweepRow(num_blocks=3, bottleneck=2.0, lower_bound=1.0, status="time_limit"),
    )
    assert len(read_sweep(path)) == 2
    with pytest.raises(InputError, match="a sweep of another graph"):
        read_sweep(path, digest="e")


def test_stages_of_a_run_are_read(tmp_path: Path) -> None:
    assert read_run(write(tmp_path, RUN)) == (MeasuredStage(block=1, run=0.5, transfer=0.0),)


ODD: list[Any] = [None, True, -1, "1", [], {}, math.nan, math.inf, 10**400, 1.5]
ALLOWED: list[tuple[str, Any]] = [
    ("bottleneck", None),
    ("lower_bound", 1.5),
    ("status", "1"),
    ("bounds", []),
    ("history", []),
]


@pytest.mark.parametrize("key", sorted(set(PLAN) - {"format"}))
def test_what_no_plan_has_is_refused_by_name(key: str, tmp_path: Path) -> None:
    """Whatever it is, and when nothing is there."""
    for value in ODD:
        path = write(tmp_path, PLAN | {key: value})
        if (key, value) in ALLOWED:
            assert read_claims(path) is not None
            continue
        with pytest.raises(InputError) as caught:
            read_claims(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert key in str(caught.value) or "lower_bound 3.5 is above bottleneck 1.5" in str(caught.value)
    if key != "history":
        with pytest.raises(InputError, match=f"{key} is missing"):
            read_claims(write(tmp_path, {name: value for name, value in PLAN.items() if name != key}))


@pytest.mark.parametrize(
    ("read", "data", "message"),
    [
        (read_claims, PLAN | {"lower_bound": 5}, "lower_bound 5 is above bottleneck 4"),
        (read_claims, PLAN | {"bounds": [3]}, "bounds[0] is 3, but an object is asked for"),
        (read_claims, PLAN | {"bounds": [{}]}, "bounds[0]: method is missing"),
        (read_claims, PLAN | {"history": [[1, 2]]}, "history[0] is [1, 2], but a row is seconds"),
        (read_claims, PLAN | {"history": [[0, 1, 1], [None, 2, 1]]}, "history[1] is [None, 2, 1]"),
        (read_claims, "{", "not JSON"),
        (read_sweep, [], "a JSON object is asked for"),
        (read_sweep, {"rows": [{"num_blocks": -1}]}, "rows[0]: num_blocks is -1, but a whole number from 0"),
        (read_run, {"stages": [{"block": 0, "run": None}]}, "stages[0]: run is None, but a number of seconds"),
        (read_run, {}, "stages is missing"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_place(read: Any, data: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(write(tmp_path, data))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_claims, read_sweep, read_run])
def test_a_file_that_is_not_there_is_named(read: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json"):
        read(tmp_path / "nowhere.json")
