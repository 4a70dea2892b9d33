"""What other commands printed about a model: the claims of a plan, a sweep over stages, a measured run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicegraph.errors import InputError
from slicegraph.formats.files import read_json
from slicegraph.formats.plan import CERTIFICATE, FORMAT


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedBound:
    """One lower bound of a plan.

    Attributes
    ----------
    method
        What found it.
    lower_bound
        Seconds; infinite where nothing fits the memory limit.
    seconds
        That it took.
    status
        How it ended.
    """

    method: str
    lower_bound: float
    seconds: float
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a plan claims of its answer; nothing of it is checked here.

    Attributes
    ----------
    num_blocks
        Stages that were allowed.
    status
        How the run ended.
    bottleneck, lower_bound
        Seconds; infinite where the file has null.
    bounds
        The lower bounds that were computed; none when the file is a certificate.
    history
        Rows of seconds since the start, bottleneck and lower bound by then; none when the file has no history.
    is_certificate
        Whether the file is one, which `slicegraph check` verifies.
    """

    num_blocks: int
    status: str
    bottleneck: float
    lower_bound: float
    bounds: tuple[ClaimedBound, ...]
    history: tuple[tuple[float, float, float], ...]
    is_certificate: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRow:
    """One number of stages.

    Attributes
    ----------
    num_blocks
        Stages that were allowed.
    bottleneck, lower_bound
        Seconds; infinite where the file has null.
    status
        How its run ended.
    """

    num_blocks: int
    bottleneck: float
    lower_bound: float
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredStage:
    """One stage of a measured run: its block, and seconds per request that it computes and copies."""

    block: int
    run: float
    transfer: float


def read_claims(path: Path) -> Claims | None:
    """Read what a plan, or a certificate, says of its answer; None when the file says nothing.

    Raises
    ------
    InputError
        Naming the key that holds something else than a plan has there.
    """
    # A plan may be text: only what `slicegraph solve --json` prints has claims.
    if not _begins_as_object(path):
        return None
    data = read_json(path)
    if not isinstance(data, dict):
        return None
    plan = _Object(path, data)
    if str(data.get("format")).startswith(CERTIFICATE):
        return _certified(plan)
    if data.get("format") != FORMAT:
        return None
    bottleneck, lower_bound = plan.cost("bottleneck"), plan.cost("lower_bound")
    if lower_bound > bottleneck:
        raise InputError(f"{path}: lower_bound {lower_bound:g} is above bottleneck {bottleneck:g}")
    return Claims(
        num_blocks=plan.count("num_blocks"),
        status=plan.text("status"),
        bottleneck=bottleneck,
        lower_bound=lower_bound,
        bounds=tuple(
            ClaimedBound(
                method=bound.text("method"),
                lower_bound=bound.cost("lower_bound"),
                seconds=bound.cost("seconds"),
                status=bound.text("status"),
            )
            for bound in plan.objects("bounds")
        ),
        history=tuple(_history(plan)) if "history" in data else (),
    )


def read_sweep(path: Path, *, digest: str | None = None) -> tuple[SweepRow, ...]:
    """Read what ``slicegraph sweep --json`` printed: a row for each number of stages, in that order.

    Parameters
    ----------
    path
        The file.
    digest
        Of the structure of the graph: a sweep of another one is refused. None: any is taken.

    Raises
    ------
    InputError
        Naming the key that holds something else than a sweep has there.
    """
    sweep = _whole(path)
    if digest is not None and sweep.object("graph").text("digest") != digest:
        raise InputError(f"{path}: a sweep of another graph, or for other --dim; --force takes it")
    rows = [
        SweepRow(
            num_blocks=row.count("num_blocks"),
            bottleneck=row.cost("bottleneck"),
            lower_bound=row.cost("lower_bound"),
            status=row.text("status"),
        )
        for row in sweep.objects("rows")
    ]
    return tuple(sorted(rows, key=lambda row: row.num_blocks))


def read_run(path: Path) -> tuple[MeasuredStage, ...]:
    """Read what ``slicegraph run --json`` printed: the stages, in order.

    Raises
    ------
    InputError
        Naming the key that holds something else than a run has there.
    """
    return tuple(
        MeasuredStage(block=row.count("block"), run=row.seconds("run"), transfer=row.seconds("transfer"))
        for row in _whole(path).objects("stages")
    )


def _begins_as_object(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    # Compressed, or an object.
    return start[:2] == b"\x1f\x8b" or start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def _whole(path: Path) -> _Object:
    data = read_json(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: a JSON object is asked for")
    return _Object(path, data)


def _certified(certificate: _Object) -> Claims:
    """Give what a certificate says, in seconds; it tells ticks."""
    tick, witness = certificate.seconds("tick"), certificate.object("witness")
    bottleneck, lower_bound = witness.seconds("bottleneck") * tick, certificate.seconds("lower_bound") * tick
    if lower_bound > bottleneck:
        raise InputError(f"{certificate.where}: lower_bound {lower_bound:g} s is above bottleneck {bottleneck:g} s")
    return Claims(
        num_blocks=certificate.count("num_blocks"),
        status="certified" if lower_bound < bottleneck else "certified optimal",
        bottleneck=bottleneck,
        lower_bound=lower_bound,
        bounds=(),
        history=(),
        is_certificate=True,
    )


def _history(plan: _Object) -> Iterator[tuple[float, float, float]]:
    for index, row in enumerate(plan.list("history")):
        match row:
            case [seconds, bottleneck, lower_bound] if _is_cost(seconds) and _is_null_or_cost(bottleneck, lower_bound):
                yield float(seconds), _cost(bottleneck), _cost(lower_bound)
            case _:
                rule = "a row is seconds, a bottleneck or null, and a lower bound or null"
                raise InputError(f"{plan.where}: history[{index}] is {row!r:.80}, but {rule}")


class _Object:
    """An object in a file; every complaint names where it stands."""

    def __init__(self, where: object, data: dict[str, Any]) -> None:
        self.where = where
        self._data = data

    def text(self, key: str) -> str:
        value = self._get(key)
        return value if isinstance(value, str) else self._refuse(key, "text")

    def count(self, key: str) -> int:
        value = self._get(key)
        return value if type(value) is int and 0 <= value < 2**31 else self._refuse(key, "a whole number from 0")

    def seconds(self, key: str) -> float:
        value = self._get(key)
        return float(value) if _is_cost(value) else self._refuse(key, "a number of seconds")

    def cost(self, key: str) -> float:
        value = self._get(key)
        return _cost(value) if _is_null_or_cost(value) else self._refuse(key, "a number of seconds or null")

    def list(self, key: str) -> list[Any]:
        value = self._get(key)
        return value if isinstance(value, list) else self._refuse(key, "a list")

    def object(self, key: str) -> _Object:
        value = self._get(key)
        return _Object(f"{self.where}: {key}", value) if isinstance(value, dict) else self._refuse(key, "an object")

    def objects(self, key: str) -> Iterator[_Object]:
        for index, value in enumerate(self.list(key)):
            where = f"{self.where}: {key}[{index}]"
            if not isinstance(value, dict):
                raise InputError(f"{where} is {value!r:.80}, but an object is asked for")
            yield _Object(where, value)

    def _get(self, key: str) -> Any:  # noqa: ANN401 - anything can stand in a file
        if key not in self._data:
            raise InputError(f"{self.where}: {key} is missing")
        return self._data[key]

    def _refuse(self, key: str, wanted: str) -> Any:  # noqa: ANN401 - it gives nothing
        raise InputError(f"{self.where}: {key} is {self._data[key]!r:.80}, but {wanted} is asked for")


def _is_cost(value: object) -> bool:
    """Whether a value is a finite number from 0; a whole number may have too many digits to be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return 0 <= float(value) < math.inf
    except OverflowError:
        return False


def _is_null_or_cost(*values: object) -> bool:
    return all(value is None or _is_cost(value) for value in values)


def _cost(value: float | None) -> float:
    return math.inf if value is None else float(value)
