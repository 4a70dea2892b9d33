"""Devices and constraints, as they are typed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cli import machines, main
from slicegraph.cli.parser import make_parser
from strategies import CHAIN

NAMED = CHAIN | {"nodes": CHAIN["nodes"] | {"name": ["embed", "layer", "head"]}}


@pytest.fixture
def chain(tmp_path: Path) -> str:
    """The path of a chain of three nodes with names."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(NAMED))
    return str(path)


def instance_of(chain: str, *typed: str) -> sg.Instance:
    """The problem that ``solve`` puts together."""
    options = make_parser(["solve"]).parse_args(["solve", chain, *typed])
    graph = sg.read(chain)
    return machines.make_instance(options, graph, num_blocks=options.num_blocks, boundary_io=options.boundary_io)


def test_presets_with_counts_are_the_stages(chain: str) -> None:
    """Their number is k, which may be typed, too."""
    instance = instance_of(chain, "--devices", "a100:2,edgetpu")
    a100, edge = sg.Device.preset("a100"), sg.Device.preset("edgetpu")
    assert instance.devices == (a100, a100, edge)
    assert instance.order == "given"
    assert instance_of(chain, "--devices", "a100:2,edgetpu", "-k", "3").devices == instance.devices
    anyhow = instance_of(chain, "--devices", "a100,edgetpu,a100", "--any-order")
    assert (anyhow.order, anyhow.num_arrangements) == ("any", 3)


def test_a_file_gives_the_stages(chain: str, tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    path.write_text(json.dumps([{"preset": "a100", "count": 2}, {"bandwidth": 5, "overlap": True, "name": "slow"}]))
    instance = instance_of(chain, "--devices", str(path))
    assert list(instance.machine.names()) == ["a100", "a100", "slow"]
    assert instance.devices[2] == sg.Device(bandwidth=5.0, overlap=True)


def test_constraints_name_nodes_and_stages_from_0(chain: str) -> None:
    """By name, glob or index; what is typed twice holds twice."""
    pins = ["--pin", "embed=0", "--pin", "*e*=0..1", "--forbid", "2=0", "--together", "l*", "--together", "[eh]*"]
    constraints = instance_of(chain, "-k", "3", *pins[:-4]).constraints
    assert constraints == sg.Constraints(pin=[("embed", [0]), ("*e*", [0, 1])], forbid={"2": 0})
    assert instance_of(chain, "-k", "3", *pins[:6]).resolved.stages == {0: (0,), 1: (0, 1), 2: (1,)}
    assert instance_of(chain, "-k", "2", "--together", "[el]*").resolved.together == ((0, 1),)


def test_single_figures_have_units(chain: str) -> None:
    device = instance_of(chain, "-k", "2", "--latency", "5us", "--overlap", "--flops", "fp32=2TFLOPS").device
    testbed = sg.Device.preset("testbed")
    assert (device.latency, device.overlap, device.bandwidth) == (5e-6, True, testbed.bandwidth)
    assert device.flops == {"fp32": 2e12}
    a100 = instance_of(chain, "-k", "2", "--device", "a100", "--flops", "fp32=156TFLOPS").device
    assert a100.flops == {**sg.Device.preset("a100").flops, "fp32": 156e12}  # type: ignore[dict-item] # a table


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ([], "the following arguments are required: -k/--num-blocks, or --devices (see slicegraph solve --help)"),
        (["--devices", "a100:2", "-k", "3"], "--num-blocks 3: --devices lists 2 devices, one per stage"),
        (["--devices", "a100", "-k", "3"], "--num-blocks 3: --devices lists 1 device, one per stage"),
        (["--devices", "a100:0"], "--devices: 'a100:0': a pipeline has from 1 to 2^20 stages"),
        (["--devices", "a100:1,t4:1048576"], "--devices: 't4:1048576': a pipeline has from 1 to 2^20 stages"),
        (["--devices", "a100:x"], "--devices: 'a100:x' is no preset with a count, such as a100:2, and no .json file"),
        (["--devices", "b200"], "--devices: no preset 'b200', but testbed, a100, "),
        (["--devices", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["--devices", "a100", "--bandwidth", "5"], "--bandwidth: --devices gives every device"),
        (["--devices", "a100", "--device", "h100"], "--device: --devices gives every device"),
        (["-k", "2", "--any-order"], "--any-order: it is of --devices"),
        (["-k", "2", "--latency", "-1"], "--latency -1.0 is not a number of seconds from 0 to 1e15"),
        (["-k", "2", "--latency", "5GB"], "argument --latency: '5GB' is not a time"),
        (["-k", "2", "--work", "gpu"], "device: work 'gpu': the graph's work_on has no such row, nor any"),
        (["-k", "2", "--flops", "float=1"], "--flops has a rate of 'float', but types are fp64, fp32"),
        (["-k", "2", "--pin", "head"], "argument --pin: 'head' is not NODES=STAGE,..."),
        (["-k", "2", "--pin", "head=x"], "argument --pin: 'x' is neither a stage nor a range of stages"),
        (["-k", "2", "--pin", "tail=0"], "--pin: 'tail' is the name of no node"),
        (["-k", "2", "--forbid", "t*=0"], "--forbid: 't*' matches the name of no node"),
        (["-k", "2", "--pin", "head=2"], "--pin of 'head': there is no stage 2, but stages 0..1"),
        (["-k", "2", "--together", "t*"], "--together: 't*' matches the name of no node"),
        (["-k", "2", "--pin", "head=0", "--forbid", "head=0"], "node 2 ('head'): no stage is left: all are forbidden"),
        (
            ["-k", "2", "--pin", "embed=1", "--pin", "head=0"],
            "node 0 ('embed') may not be before stage 1, and node 2 ('head'), which comes after it, not after stage 0",
        ),
    ],
)
def test_wrong_usage_is_one_line(
    chain: str, typed: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["solve", chain, *typed]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"slicegraph: {message}")
    assert captured.err.count("\n") == 1


def test_unlike_stages_are_costed_each_on_its_own_device(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Typed, or as the plan says that it was made for."""
    a, b, machine = (tmp_path / name for name in ("a.json", "b.json", "machine.json"))
    a.write_text("[0, 0, 1]")
    b.write_text("[0, 1, 1]")
    machine.write_text(json.dumps([{"bandwidth": 64}, {"bandwidth": 16}]))
    assert main(["compare", chain, str(a), str(b), "--devices", str(machine), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"]["bottleneck"], found["b"]["bottleneck"]) == (3.5, 5.5)
    assert found["device"] is None
    assert [row["bandwidth"] for row in found["machine"]] == [64.0, 16.0]
    devices = [sg.Device(bandwidth=64.0), sg.Device(bandwidth=8.0)]
    instance = sg.Instance(sg.read(chain), devices=devices, constraints=sg.Constraints(pin={"head": 1}))
    result_of(instance, np.array([0, 0, 1], np.int32), (combinatorial(instance),)).plan.write(a)
    assert main(["compare", chain, str(a), str(b), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"]["bottleneck"], found["b"]["bottleneck"]) == (4.0, 6.0)
    page = tmp_path / "page.html"
    assert main(["report", chain, str(a), "-o", str(page)]) == 0
    assert "--devices machine.json --pin head=1" in page.read_text()
    a.write_text(a.read_text().replace('"bandwidth": 8.0', '"bandwidth": 0'))
    assert main(["compare", chain, str(a), str(b)]) == 2
    assert capsys.readouterr().err == (f"slicegraph: {a}: devices[1]: bandwidth 0 is not a positive finite number\n")


def test_a_problem_is_typed_again_from_its_words(chain: str) -> None:
    """What a report shows to check an answer is the question."""
    typed = [
        ["-k", "3", "--device", "a100", "--pin", "head=1,2"],
        ["-k", "3", "--bandwidth", "64", "--flops", "fp32=2,int8=4", "--memory-bandwidth", "3", "--latency", "1us"],
        ["-k", "4", "--bandwidth", "64", "--overlap", "--forbid", "0=1..3", "--together", "l*"],
        ["--devices", "a100:2,edgetpu:1", "--together", "*e*"],
    ]
    for words in typed:
        instance = instance_of(chain, *words)
        again = instance_of(chain, *machines.question_words(instance))
        assert (again.devices, again.constraints) == (instance.devices, instance.constraints)


def test_every_verb_that_takes_a_device_takes_several(capsys: pytest.CaptureFixture[str]) -> None:
    """But for one that is about one kind: a sweep over numbers of stages."""
    (verbs,) = (each for each in make_parser([])._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001 - the only way to the verbs
    helps = {}
    for name in verbs.choices:
        with pytest.raises(SystemExit):
            make_parser([name]).parse_args([name, "--help"])
        helps[name] = capsys.readouterr().out
    takes = {name for name, text in helps.items() if "--device" in text and "--devices LIST" in text}
    assert takes == {"solve", "audit", "check", "compare", "report", "split"}
    assert {name for name, text in helps.items() if "--device " in text} == takes | {"sweep"}


def test_links_of_neighbours_are_typed_kept_in_the_plan_and_pinned_by_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first node's tensor goes by the second stage, which pays for it twice: 6 more than without."""
    path, certificate, plan = (tmp_path / name for name in ("fork.json", "fork.cert.json", "fork.plan.json"))
    tensors = {"producer": [0, 1, 0], "size": [1, 1, 3], "consumers": [[1], [2], [2]]}
    path.write_text(json.dumps(CHAIN | {"nodes": CHAIN["nodes"] | {"work": [20, 20, 20]}, "tensors": tensors}))
    asked = [str(path), "-k", "3", "--bandwidth", "1"]
    pins = ["--pin", "0=0", "--pin", "1=1", "--pin", "2=2", "--adjacent"]
    assert main(["solve", *asked, *pins, "--certificate", str(certificate), "--plan", str(plan), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [block["cost"] for block in answer["block_costs"]] == [24, 28, 24]
    assert (answer["status"], answer["constraints"]["adjacent"]) == ("optimal", True)
    assert main(["check", str(path), str(certificate), "-k", "3", "--bandwidth", "1", *pins, "--require-gap", "0"]) == 0
    assert "only neighbours are linked" in capsys.readouterr().out
    assert main(["check", str(path), str(certificate), "-k", "3", "--bandwidth", "1", *pins[:-1]]) == 1
    assert "other links between stages" in capsys.readouterr().err
    assert main(["audit", str(path), str(plan), "-k", "3", "--bandwidth", "1", "--adjacent", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bottleneck"] == 28


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--boundary-io"],
            "--adjacent: with boundary_io it is not said which stages hand on model inputs and outputs",
        ),
        (["--method", "chain"], "method 'chain': it does not count what stages hand on"),
        (["--why"], "it takes devices of one kind without overlap, no constraints"),
    ],
)
def test_what_does_not_count_relays_refuses_them(
    chain: str, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["solve", chain, "-k", "2", "--adjacent", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
