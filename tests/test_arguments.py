"""Wrong arguments, of every public call: `InputError`, and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slicegraph as sg
from onnx_models import write

GRAPH: dict[str, Any] = {
    "work": [1, 2, 3],
    "producer": [0, 1],
    "size": [8, 8],
    "consumers": [1, 2],
    "consumer_offsets": [0, 1, 2],
}
WRONG: tuple[Any, ...] = (
    *(None, True, 5, -1, 0, 0.5, -0.0, 2**63, 2**64, 10**400, float("nan"), float("inf"), -1e308, 1j),
    *("", "x", "a\0b", "a100", b"bytes", "\x1b[2J"),
    *([], [None], ["x"], [[1], [1, 2]], [0, 0, 0], [-1, 2**70, 0], (1, "a"), {}, {"x": 1}, {1: 2}, {"bandwidth": "x"}),
    *(np.int64(3), np.float32(2.5), np.bool_(1), np.array(3), np.zeros((2, 2)), np.zeros(3), np.array(["a", "b", "c"])),
    *(np.array([1, 2, 3], dtype=object), np.array([np.nan] * 3), np.array([2**64 - 1] * 3, dtype=np.uint64)),
    *(np.zeros(0), np.array([1, 2, 3], dtype="datetime64[s]"), np.array([1 + 1j] * 3), np.arange(3, dtype=np.int8)),
    *(object(), object, len, lambda: None, sg.Device(bandwidth=1.0), range(3), iter([1]), {1, 2}),
)


def instance() -> sg.Instance:
    return sg.Instance(sg.Graph(**GRAPH), device=sg.Device(bandwidth=64), num_blocks=2)


def solved() -> sg.Result:
    return sg.solve(instance(), threads=1)


CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Graph": (
        sg.Graph,
        {
            **GRAPH,
            "flops": [1, 2, 3],
            "read_bytes": [1, 2, 3],
            "write_bytes": [1, 2, 3],
            "param_bytes": [1, 2, 3],
            "is_view": [0, 0, 1],
            "is_output": [False, True],
            "state_bytes": [1, 2, 3],
            "live_bytes": [1, 2, 3],
            "dtype": ["float32", "", "int8"],
            "work_on": {"gpu": [1, 2, float("nan")]},
            "param_size": [5],
            "param_readers": [0, 1],
            "param_offsets": [0, 2],
            "op": ["a", "b", "c"],
            "node_name": ["a", "b", "c"],
            "tensor_name": ["x", "y"],
            "name": "g",
            "kernel": [0, 1, 1],
            "device": {"bandwidth": 1.0},
        },
    ),
    "Instance": (
        sg.Instance,
        {
            "graph": sg.Graph(**GRAPH),
            "device": sg.Device(bandwidth=64),
            "num_blocks": 2,
            "boundary_io": False,
            "by_kernel": True,
        },
    ),
    "Instance.of devices": (
        sg.Instance,
        {
            "graph": sg.Graph(**GRAPH),
            "devices": [sg.Device(bandwidth=64), sg.Device(bandwidth=32)],
            "order": "any",
            "constraints": sg.Constraints(together=[[0, 1]]),
        },
    ),
    "Constraints": (sg.Constraints, {"pin": {"a": 0}, "forbid": {0: [1]}, "together": [["a", 1]]}),
    "Constraints.from_mapping": (sg.Constraints.from_mapping, {"data": {}}),
    "Instance.block_costs": (sg.Instance.block_costs, {"self": instance(), "block_of": [0, 0, 1]}),
    "Device": (
        sg.Device,
        {
            "bandwidth": 1.0,
            "flops": 1.0,
            "memory_bandwidth": 1.0,
            "memory": 1,
            "overflow_bandwidth": 1.0,
            "memory_limit": 100,
            "latency": 0.0,
            "overlap": False,
            "work": None,
            "name": "left",
        },
    ),
    "Plan.write": (sg.Plan.write, {"self": sg.Plan({}), "path": "/"}),
    "Device.preset": (sg.Device.preset, {"name": "a100"}),
    "Device.from_mapping": (sg.Device.from_mapping, {"figures": {"bandwidth": 1.0}}),
    "BrkgaParams": (
        sg.BrkgaParams,
        {
            "population": 10,
            "elite": 0.3,
            "mutants": 0.1,
            "bias": 0.7,
            "generations": 3,
            "seeded": True,
            "memetic": True,
        },
    ),
    "MaxRuntime": (sg.MaxRuntime, {"seconds": 1.0}),
    "MaxEvaluations": (sg.MaxEvaluations, {"evaluations": 1}),
    "MaxWork": (sg.MaxWork, {"steps": 1}),
    "TargetGap": (sg.TargetGap, {"max_gap": 0.1}),
    "MaxRuntime | ": (sg.MaxRuntime.__or__, {"self": sg.MaxRuntime(1), "other": sg.TargetGap(0.1)}),
    "MaxRuntime & ": (sg.MaxRuntime.__and__, {"self": sg.MaxRuntime(1), "other": sg.TargetGap(0.1)}),
    "solve": (
        sg.solve,
        {
            "instance": instance(),
            "stop": sg.MaxRuntime(0.05),
            "seed": 0,
            "threads": 1,
            "method": "brkga",
            "params": sg.BrkgaParams(population=4),
            "display": False,
            "warm_start": [0, 0, 1],
            "stay_near": [0, 0, 1],
            "slack": 0.01,
            "callback": None,
        },
    ),
    "search": (
        sg.search,
        {
            "instance": instance(),
            "stop": sg.MaxRuntime(0.05),
            "seed": 0,
            "threads": 1,
            "method": "brkga",
            "params": sg.BrkgaParams(population=4),
            "callback": None,
        },
    ),
    "slice_order": (sg.slice_order, {"instance": instance(), "order": [0, 1, 2]}),
    "lower_bound": (
        sg.lower_bound,
        {"instance": instance(), "method": "node", "time_limit": 1, "upper_bound": 7.0, "executor": None},
    ),
    "solve_many": (
        sg.solve_many,
        {"instances": [instance()], "executor": None, "stop": sg.MaxRuntime(1), "seed": 0, "threads": 1, "params": None}
        | {"method": "auto"},
    ),
    "Instance.replace": (
        sg.Instance.replace,
        {"self": instance(), "work": [1, 2, 3], "num_blocks": 2, "device": None, "devices": None, "constraints": None}
        | {"boundary_io": False},
    ),
    "Graph.with_work": (sg.Graph.with_work, {"self": sg.Graph(**GRAPH), "work": [1, 2, 3]}),
    "grain": (
        sg.grain,
        {"graph": sg.Graph(**GRAPH, node_name=["h.0/a", "h.1/a", "h.1/b"]), "by": "layer"},
    ),
    "sweep": (
        sg.sweep,
        {
            "graph": sg.Graph(**GRAPH),
            "device": sg.Device(bandwidth=64),
            "num_blocks": [1, 2],
            "boundary_io": False,
            "target": 4.0,
            "time_limit": 1.0,
            "max_gap": 0.0,
            "seed": 0,
            "threads": 1,
            "executor": None,
            "known": None,
            "callback": None,
            "display": False,
        },
    ),
    "Sweep.fewest": (
        sg.Sweep.fewest,
        {"self": sg.sweep(sg.Graph(**GRAPH), device=sg.Device(bandwidth=64), num_blocks=[2], threads=1), "target": 4.0},
    ),
    "compare": (sg.compare, {"instance": instance(), "a": [0, 0, 1], "b": [0, 1, 1]}),
    "live_bytes": (sg.live_bytes, {"graph": sg.Graph(**GRAPH)}),
    "explain": (sg.explain, {"result": solved(), "time_limit": 1, "threads": 1}),
    "audit": (
        sg.audit,
        {
            "instance": instance(),
            "block_of": [0, 0, 1],
            "stop": sg.MaxRuntime(1),
            "seed": 0,
            "threads": 1,
            "display": False,
        },
    ),
    "check": (
        sg.check,
        {
            "graph": sg.Graph(**GRAPH),
            "certificate": solved().certificate,
            "device": None,
            "num_blocks": 2,
            "boundary_io": None,
            "budget": 9,
        },
    ),
    "Certificate.of": (sg.Certificate.of, {"document": {}}),
    "Certificate.read": (sg.Certificate.read, {"path": "no such file"}),
    "read": (sg.read, {"path": "model.onnx", "format": "onnx", "dims": {}, "flops": {}}),
    "write": (sg.write, {"graph": sg.Graph(**GRAPH), "path": "no such folder/x.json"}),
    "profile": (
        sg.profile,
        {"model_path": "no such file", "dims": {}, "runs": 1, "warmup": 0, "threads": 1, "seed": 0, "fused": True},
    ),
    "tune": (
        sg.tune,
        {
            "model": "no such file",
            "num_blocks": 2,
            "dims": {},
            "inputs": {},
            "runs": 1,
            "rounds": 1,
            "tolerance": 0.1,
            "time_limit": 1.0,
            "boundary_io": False,
            "seed": 0,
            "show": None,
        },
    ),
    "run_pipeline": (
        sg.run_pipeline,
        {
            "directory": "no such folder",
            "requests": 1,
            "seconds": 1,
            "warmup": 1,
            "depth": 1,
            "threads": 1,
            "seed": 0,
            "compare": None,
        },
    ),
    "verify_split": (
        sg.verify_split,
        {"directory": "stages", "model": "model.onnx", "seed": 0, "dims": {}, "inputs": {}, "tolerance": 0.1},
    ),
    "split": (
        sg.split,
        {"model": "model.onnx", "block_of": [0, 1], "directory": "stages", "dims": {}, "instance": None},
    ),
    "with_measured": (
        sg.with_measured,
        {"graph": sg.Graph(**GRAPH), "source": {0: 1.0}, "device": sg.Device(bandwidth=64)},
    ),
    "from_torch": (sg.from_torch, {"model": None, "args": (), "kwargs": {}, "name": "x"}),
    "from_networkx": (sg.from_networkx, {"graph": 5, "work": "work", "size": "size"}),
    "from_jax": (sg.from_jax, {"function": 5, "args": (), "kwargs": {}, "param_argnums": 0, "name": "x"}),
}


@pytest.mark.filterwarnings("default")  # numpy's own, of conversions that are refused behind it
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_an_input_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every argument, with values of all kinds in its place: the call answers or says what is wrong in one line."""
    monkeypatch.chdir(tmp_path)
    model = write(tmp_path / "model.onnx", "g (float[2] x) => (float[2] b) { a = Relu(x) b = Exp(a) }")
    if name != "split":
        sg.split(model, [0, 1], "stages")
    call, arguments = CALLS[name]
    for parameter in arguments:
        if parameter == "self":
            continue
        for wrong in WRONG:
            if parameter in ("callback", "stop") and callable(wrong):
                continue  # what is called may raise what it likes
            given = {**arguments, parameter: wrong}
            own = [given.pop("self")] if "self" in given else []
            said = ""
            try:
                call(*own, **given)
            except (sg.InputError, sg.CertificateError) as error:
                said = str(error)
            except BaseException as error:  # noqa: BLE001 - a panic is no Exception
                pytest.fail(f"{name}({parameter}={wrong!r}): {type(error).__name__}: {error}")
            assert said.isprintable()


def test_every_public_call_is_tried() -> None:
    """What is new in the package is tried here too; records that only hold what they are given have no rules."""
    records = {
        "BlockCost",
        "Bound",
        "Coverage",
        "CutTensor",
        "Difference",
        "Group",
        "PipelineRun",
        "Progress",
        "Result",
        "Round",
        "Slicing",
        "Stage",
        "StageRun",
        "StageTime",
        "SweepRow",
        "Target",
        "Tuning",
        "Verdict",
    }
    others = {
        "__version__",
        "Comparison",
        "Explanation",
        "CertificateError",
        "InputError",
        "StageError",
        "Status",
        "Stop",
        "generate",
    }
    tried = {name.partition(".")[0] for name in CALLS} | {"Certificate"}
    assert set(sg.__all__) - records - others - tried == set()


@pytest.mark.parametrize("family", sg.generate.__all__)
def test_a_wrong_parameter_of_a_family_is_an_input_error(family: str) -> None:
    """Each parameter of a family of synthetic graphs by itself; sizes that would fill memory are no wrong types."""
    make = getattr(sg.generate, family)
    for parameter in inspect.signature(make).parameters:
        for wrong in WRONG:
            if isinstance(wrong, int | float) and not isinstance(wrong, bool) and wrong > 1:
                continue
            said = ""
            try:
                make(**{parameter: wrong})
            except sg.InputError as error:
                said = str(error)
            except BaseException as error:  # noqa: BLE001 - a panic is no Exception
                pytest.fail(f"{family}({parameter}={wrong!r}): {type(error).__name__}: {error}")
            assert said.isprintable()


def test_arrays_of_a_graph_are_read_only_copies() -> None:
    """What a certificate is about does not change behind it."""
    work = np.array([1.0, 2.0, 3.0])
    graph = sg.Graph(**{**GRAPH, "work": work})
    work[0] = 9.0
    assert graph.arrays.work is not None
    assert graph.arrays.work.tolist() == [1.0, 2.0, 3.0]
    for array in (graph.arrays.work, graph.arrays.producer, graph.arrays.size, graph.arrays.consumer_offsets):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_arrays_of_an_answer_are_read_only() -> None:
    """A certificate is made of them when it is asked for."""
    result = solved()
    before = result.certificate.document
    problem = instance()
    for array in (result.block_of, problem.work, problem.transfer, problem.params):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    slicing = sg.slice_order(problem, [0, 1, 2])
    for array in (slicing.block_of, slicing.boundaries, sg.search(problem, threads=1, stop=sg.MaxRuntime(0)).block_of):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    assert sg.audit(problem, np.array([0, 0, 1]), threads=1).block_of.flags.writeable is False
    assert result.certificate.document == before
