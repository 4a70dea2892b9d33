"""Runs cases on any executor, adds a row to the table as each ends, and tells how long it takes."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import slicegraph as sg
from testbed import case as cases
from testbed import ceiling, rival, sources, table
from testbed.case import MANNER, Case, Row


def run_all(todo: Sequence[Case], path: Path, executor: Executor, *, most: int | None = None) -> int:
    """Run what the table lacks, ``most`` cases of it at most; say how many cases failed.

    The rows are the same on every executor, but for what depends on the clock; their order is that in which they end.
    """
    rows = table.read(path)
    _check_manner(rows, todo, path)
    done = {table.key(row) for row in rows}
    missing = [case for case in todo if case.key not in done][:most]
    num_failed, broken, begin = 0, None, time.monotonic()
    with table.appending(path) as writer:
        futures: dict[Future[Row], Case] = {executor.submit(cases.run, case): case for case in missing}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                what = " ".join(futures[future].key)
                try:
                    row = future.result()
                except BrokenExecutor as error:
                    # Others may have ended before.
                    broken = error
                    continue
                except Exception as error:  # noqa: BLE001 - whatever is wrong with one case, the others go on
                    num_failed += 1
                    told = f"FAILED: {type(error).__name__}: {error}"
                else:
                    # Ctrl-C reaches every process of a terminal; what it cut short is run again.
                    if row["status"] == sg.Status.INTERRUPTED:
                        continue
                    writer.writerow(row)
                    told = f"{row['status']} in {row['seconds']} s"
                minutes = (time.monotonic() - begin) / number * (len(missing) - number) / 60
                sys.stderr.write(f"{number}/{len(missing)} {what}: {told}, {minutes:.0f} min left\n")
        finally:
            for future in futures:
                future.cancel()
    if broken is not None:
        raise broken
    return num_failed


def _check_manner(rows: Sequence[Row], todo: Sequence[Case], path: Path) -> None:
    """Refuse to add to rows that were made in another manner: their means would be of nothing."""
    for case in todo[:1]:
        for name, value in zip(MANNER, case.manner, strict=True):
            other = next((row[name] for row in rows if row[name] != value), value)
            if other != value:
                sys.exit(f"{path}: its rows have {name} = {other}, not {value}; give another folder for results")


@contextlib.contextmanager
def local(num_workers: int) -> Iterator[Executor]:
    """Give so many processes of this machine, which end when this one does, however it does."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def dask(address: str) -> Iterator[Executor]:
    """Give the workers of a dask cluster, which see the graphs under the same path and have slicegraph installed."""
    import cloudpickle  # noqa: PLC0415 - an optional dependency
    from distributed import Client  # noqa: PLC0415 - likewise

    for module in (cases, ceiling, rival, sources):
        cloudpickle.register_pickle_by_value(module)
    with Client(address) as client:  # type: ignore[no-untyped-call] # dask's own
        yield _ByValue(client.get_executor())


class _ByValue(Executor):
    """Sends calls with their code, for workers do not have this folder."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - any call
        return self._executor.submit(_Call(functools.partial(function, *args, **kwargs)))


class _Call:
    """A call that is pickled by value; dask alone would take what plain pickle can name by its name."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call

    def __call__(self) -> Any:  # noqa: ANN401 - what it gives
        return self._call()

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        import cloudpickle  # noqa: PLC0415 - an optional dependency

        return cloudpickle.loads, (cloudpickle.dumps(self._call),)


def _end_with_parent() -> None:
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
