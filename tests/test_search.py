"""The searches: never below the optimum, reproducible, and obedient."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
import unlike
from strategies import CHAIN, devices, graphs, to_graph, to_instance

PARAMS = sg.BrkgaParams(population=20, generations=20)
# How each search is asked for on small graphs, and when it has surely looked at all there is.
SEARCHES: dict[str, dict[str, Any]] = {
    "hybrid": {"stop": sg.MaxEvaluations(10_000)},
    "anneal": {"stop": sg.MaxEvaluations(20_000)},
    "brkga": {"params": PARAMS},
    "memetic": {"params": sg.BrkgaParams(population=20, generations=20, seeded=True, memetic=True)},
}


def run(name: str, instance: sg.Instance, **options: Any) -> sg.Result:
    """Search with the options that go with the name."""
    method = "brkga" if name == "memetic" else name
    return sg.search(instance, method=method, **SEARCHES[name], **options)


@pytest.mark.parametrize("name", SEARCHES)
@given(graphs(max_nodes=5), devices(), st.integers(1, 3), st.booleans())
@settings(max_examples=settings().max_examples // 2)
def test_a_search_finds_the_optimum_of_small_graphs(
    name: str, data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool
) -> None:
    """Its partition is acyclic, costs what the oracle says, and is the best there is."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    ticks = oracle.snap(data, device)
    options: dict[str, Any] = {"boundary_io": boundary_io, "memory_limit": device.get("memory_limit")}
    result = run(name, instance, threads=1)

    optimum = oracle.optimum(data, ticks, num_blocks, **options)
    if not result.block_of.size:
        assert optimum == float("inf") or name == "anneal"
        assert result.status in (sg.Status.INFEASIBLE, sg.Status.TIME_LIMIT)
        return
    assert oracle.is_acyclic(data, result.block_of.tolist())
    truth = oracle.bottleneck(oracle.block_costs(data, ticks, result.block_of.tolist(), num_blocks, **options))
    # Annealing alone may end anywhere above.
    assert truth == optimum or (name == "anneal" and truth > optimum)
    assert result.bottleneck == (float("inf") if truth == float("inf") else instance.seconds(int(truth)))
    assert result.lower_bound <= result.bottleneck
    assert (result.status is sg.Status.OPTIMAL) == (result.lower_bound == result.bottleneck)


@pytest.mark.parametrize("name", SEARCHES)
@given(unlike.instances())
@settings(max_examples=settings().max_examples // 2)
def test_a_search_finds_the_optimum_of_unlike_stages(name: str, instance: sg.Instance) -> None:
    """With all that can be asked and stored: its partition is allowed, costs what is said, and is the best."""
    optimum = unlike.optimum(instance)
    result = run(name, instance, threads=1)
    if not result.block_of.size:
        assert optimum == math.inf or name == "anneal"
        return
    blocks = instance.core.block_costs(result.block_of.astype(np.int64))
    truth = max(math.inf if block.cost is None else block.cost for block in blocks)
    assert result.bottleneck == instance.seconds(int(truth))
    # Slicings of topological orders and moves of single nodes may miss what constraints leave.
    assert truth >= optimum
    assert truth == optimum or name != "hybrid"


def test_devices_in_any_order_are_refused() -> None:
    devices = {sg.Device(bandwidth=1.0): 1, sg.Device(bandwidth=2.0): 1}
    instance = sg.Instance(to_graph(CHAIN), devices=devices, order="any")
    with pytest.raises(sg.InputError, match="method 'hybrid': it takes devices in a given order"):
        sg.search(instance)


@pytest.mark.parametrize("name", SEARCHES)
@given(graphs(max_nodes=12), devices(), st.integers(2, 4), st.integers(0, 2**64 - 1))
@settings(max_examples=50)
def test_same_seed_same_answer_on_any_number_of_threads(
    name: str, data: dict[str, Any], device: dict[str, Any], num_blocks: int, seed: int
) -> None:
    instance = to_instance(data, device, num_blocks)
    one, two = (run(name, instance, seed=seed, threads=threads) for threads in (1, 2))
    assert one.block_of.tolist() == two.block_of.tolist()
    assert one.evaluations == two.evaluations


@pytest.mark.parametrize("name", ["hybrid", "anneal"])
def test_same_seed_same_answer_on_a_graph_that_is_not_solved_at_once(name: str) -> None:
    """Rounds of many steps, with restarts; seeds differ."""
    instance = layered_instance(num_layers=30, width=10)
    options: dict[str, Any] = {"method": name, "stop": sg.MaxEvaluations(100_000)}
    one, two, other = (
        sg.search(instance, seed=seed, threads=threads, **options) for seed, threads in ((1, 1), (1, 2), (2, 2))
    )
    assert one.block_of.tolist() == two.block_of.tolist()
    assert one.evaluations == two.evaluations
    assert other.block_of.tolist() != one.block_of.tolist()


@pytest.mark.parametrize("name", SEARCHES)
def test_no_partition_within_the_memory_limit_is_an_infinite_bottleneck(name: str) -> None:
    """Each node fits, and so does the sum, but no two stages hold 3 + 3 + 3 with at most 5 each."""
    graph = to_graph(CHAIN, param_bytes=[3, 3, 3])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1.0, memory_limit=5), num_blocks=2)
    result = run(name, instance)
    assert result.bottleneck == float("inf")
    assert (result.gap, result.ratio) == (1.0, 0.0)


def wide_instance(num_nodes: int) -> sg.Instance:
    """Independent pairs of nodes: far from what a search of a second can finish."""
    half = num_nodes // 2
    graph = sg.Graph(
        work=[1.0 + node % 7 for node in range(num_nodes)],
        producer=range(half),
        size=[8 + tensor % 5 for tensor in range(half)],
        consumers=range(half, num_nodes),
        consumer_offsets=range(half + 1),
    )
    return sg.Instance(graph, device=sg.Device(bandwidth=10.0), num_blocks=8)


def layered_instance(num_layers: int, width: int) -> sg.Instance:
    """Layers of nodes, each of which reads from two of the layer before: full of partitions that are almost as good."""
    random = np.random.default_rng(1)
    num_nodes = num_layers * width
    consumers: list[list[int]] = [[] for _ in range(num_nodes)]
    for node in range(width, num_nodes):
        first = (node // width - 1) * width
        for source in random.choice(width, 2, replace=False):
            consumers[first + int(source)].append(node)
    graph = sg.Graph(
        work=random.integers(1, 20, num_nodes),
        producer=range(num_nodes),
        size=random.integers(1, 20, num_nodes),
        consumers=[node for readers in consumers for node in readers],
        consumer_offsets=np.concatenate(([0], np.cumsum([len(readers) for readers in consumers]))),
    )
    return sg.Instance(graph, device=sg.Device(bandwidth=5.0), num_blocks=6)


def test_a_stop_is_asked_before_the_first_order_is_sliced() -> None:
    """Where io outweighs the work by far, slicing one order takes long; the even cut is the answer until then."""
    result = sg.search(wide_instance(1000), stop=sg.MaxEvaluations(0))
    assert result.status is sg.Status.TIME_LIMIT
    assert (result.evaluations, result.bottleneck < float("inf")) == (0, True)


def test_what_is_no_stop_is_refused_at_the_door() -> None:
    """A number is none, nor is a class of stops, which could be called."""
    for wrong in (60, sg.MaxRuntime, None):
        with pytest.raises(sg.InputError, match=r"stop: .* is neither a slicegraph\.Stop nor a callable"):
            sg.search(wide_instance(10), stop=wrong)  # type: ignore[arg-type]  # what is tested


def test_any_callable_of_a_progress_is_a_stop() -> None:
    """Asked like any other; what it answers is taken for true or false."""
    result = sg.search(wide_instance(10), stop=lambda progress: progress.evaluations)
    assert result.status is sg.Status.TIME_LIMIT
    assert result.evaluations > 0


def test_a_stop_that_fails_is_passed_on() -> None:
    """An exception in the caller's own stop ends the search and reaches the caller."""

    class Broken(sg.Stop):
        def __call__(self, progress: sg.Progress) -> bool:
            raise RuntimeError(f"broken after {progress.evaluations}")

    with pytest.raises(RuntimeError, match="broken after 0"):
        sg.search(wide_instance(100), stop=Broken())


def test_a_population_that_fills_the_memory_is_refused() -> None:
    """Memory that is not there would end the process."""
    params = sg.BrkgaParams(population=2**20)
    with pytest.raises(sg.InputError, match="population = 1048576: keys of 1000 nodes each fill the memory"):
        sg.search(wide_instance(1000), method="brkga", params=params)


def test_a_generation_that_is_too_long_is_cut_short() -> None:
    """A time limit is kept although one generation takes much longer, and the partition so far is given."""
    begin = time.perf_counter()
    instance = wide_instance(100_000)
    prepared = time.perf_counter() - begin
    params = sg.BrkgaParams(population=1000)
    result = sg.search(instance, method="brkga", stop=sg.MaxRuntime(0.3), params=params)
    assert result.status is sg.Status.TIME_LIMIT
    assert result.bottleneck < float("inf")
    # Not a measurement: an uncut generation takes minutes.
    assert result.seconds < 10 + prepared


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
def test_ctrl_c_gives_the_best_so_far() -> None:
    """A search in another process is interrupted and still has its partition."""
    program = textwrap.dedent("""
        import os, signal, threading, time
        import slicegraph as sg
        from test_search import wide_instance
        instance = wide_instance(20_000)
        sent = []
        def send():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.5, send).start()
        result = sg.search(instance, stop=sg.MaxRuntime(60))
        print(result.status, result.bottleneck < float("inf"), time.perf_counter() - sent[0])
    """)
    folder = str(Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": folder},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, has_partition, seconds = run.stdout.split()
    assert (status, has_partition) == ("interrupted", "True")
    assert float(seconds) < 10
    assert signal.SIGINT.name not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed = -1, but it is a whole number from 0"),
        ({"method": "genetic"}, "method 'genetic': there is none, but hybrid, anneal, brkga"),
        ({"params": PARAMS}, "params: they are of method 'brkga', not 'hybrid'"),
        ({"threads": 0}, "threads = 0, but it is a whole number from 1 to 1024"),
        ({"threads": 100_000}, "threads = 100000, but it is a whole number from 1 to 1024"),
        ({"method": "brkga", "params": sg.BrkgaParams(population=2)}, r"population = 2, but it is from 4 to 2\^20"),
        ({"method": "brkga", "params": sg.BrkgaParams(elite=0.9)}, r"elite = 0.9, but it is a share in \(0, 0.5\]"),
        ({"method": "brkga", "params": sg.BrkgaParams(mutants=0.5)}, r"mutants = 0.5, but it is a share in \[0, 0.5\)"),
        ({"method": "brkga", "params": sg.BrkgaParams(bias=1.0)}, r"bias = 1, but it is a probability in \[0.5, 1\)"),
        (
            {"method": "brkga", "params": sg.BrkgaParams(generations=-1)},
            "generations = -1, but it is a whole number from 0",
        ),
    ],
)
def test_a_parameter_out_of_range_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.search(to_instance(CHAIN, {"bandwidth": 1.0}, 2), **arguments)


def test_brkga_begins_with_random_keys_alone() -> None:
    """As in the paper; the natural order, which is far better here, is among them only when it is asked for."""
    graph = sg.generate.layered(num_layers=50, width=8, transfer_ratio=1.0, seed=1)
    instance = sg.Instance(graph, num_blocks=8)
    natural = sg.slice_order(instance, range(graph.num_nodes)).bottleneck

    def first(*, seeded: bool) -> float:
        params = sg.BrkgaParams(population=4, generations=0, seeded=seeded)
        result = sg.search(instance, method="brkga", params=params)
        assert result.evaluations == 4
        return result.bottleneck

    assert first(seeded=True) <= natural < first(seeded=False)


def test_brkga_that_is_ended_at_once_has_a_partition() -> None:
    """The natural order cut where the work is even."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    result = sg.search(instance, method="brkga", stop=sg.MaxEvaluations(0))
    assert (result.evaluations, len(result.block_of)) == (0, 3)
