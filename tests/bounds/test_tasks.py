"""Where models are solved does not matter: here, in threads, in processes, on a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event

import pytest

import slicegraph as sg
from strategies import grid, to_instance


@contextmanager
def dask_cluster() -> Iterator[Executor]:
    """Two workers of dask on this machine."""
    distributed = pytest.importorskip("distributed", reason="dask is optional")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@contextmanager
def executor(kind: str) -> Iterator[Executor | None]:
    if kind == "none":
        yield None
    elif kind == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif kind == "processes":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        with warnings.catch_warnings():
            # The cluster's own, of ports and unclosed sockets.
            warnings.simplefilter("ignore")
            with dask_cluster() as cluster:
                yield cluster


@pytest.mark.parametrize("kind", ["none", "threads", "processes", "dask"])
def test_an_executor_gives_the_same_bounds(kind: str) -> None:
    """Seconds, of 16 nodes of 1 s with 1 s between neighbours, in 3 blocks; the optimum is 10."""
    instance = to_instance(grid(4), {"bandwidth": 8.0}, 3)
    with executor(kind) as pool:
        found = {
            method: sg.lower_bound(instance, method=method, upper_bound=10.0, executor=pool)
            for method in ("exact", "bottleneck", "bottleneck_guess")
        }
    assert {bound.status for bound in found.values()} == {"optimal"}
    assert {method: bound.believed_lower_bound for method, bound in found.items()} == {
        "exact": 10.0,
        "bottleneck": 9.0,
        "bottleneck_guess": 10.0,
    }


def test_a_pool_that_is_busy_costs_the_bound_but_not_the_time() -> None:
    """The combinatorial bound is what is left."""
    instance = to_instance(grid(4), {"bandwidth": 8.0}, 3)
    is_over = Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(is_over.wait)
        bound = sg.lower_bound(instance, method="exact", time_limit=0.2, executor=pool)
        is_over.set()
    assert (bound.status, bound.ticks) == ("time_limit", instance.core.combinatorial_bound())


def test_a_graph_that_is_too_large_is_left_to_the_combinatorial_bound() -> None:
    """And what is left to do is said: nothing."""
    instance = to_instance(grid(300), {"bandwidth": 8.0}, 64)
    bound = sg.lower_bound(instance, method="exact", time_limit=30)
    assert (bound.status, bound.ticks) == ("too_large", instance.core.combinatorial_bound())
