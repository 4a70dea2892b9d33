"""The native file: both spellings, round trips, and every way to be broken."""

from __future__ import annotations

import copy
import gzip
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.errors import InputError
from slicegraph.formats import native
from strategies import CHAIN, graphs, memory, to_graph

ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(data=graphs())
@ONE_FOLDER
def test_a_graph_survives_writing_and_reading(data: dict[str, Any], tmp_path: Path) -> None:
    """Plain and compressed; the digest covers all numbers, names are compared apart."""
    graph = to_graph(data, node_name=[f"node {i}" for i in range(len(data["nodes"]["op"]))], **memory(data))
    for name in ("graph.json", "graph.json.gz"):
        sg.write(graph, tmp_path / name)
        again = sg.read(tmp_path / name)
        assert again.digest == graph.digest
        assert (again.name, again.arrays.op, again.arrays.node_name) == (
            graph.name,
            graph.arrays.op,
            graph.arrays.node_name,
        )


@pytest.mark.parametrize("spelling", ["slicegraph-graph-1", "slicegraph-raw-1"])
def test_both_spellings_are_read_and_unknown_keys_ignored(spelling: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(
        json.dumps(CHAIN | {"format": spelling, "family": "test", "device": {"bandwidth": 5.0, "cores": 3}})
    )
    instance = sg.Instance(sg.read(path), num_blocks=2)
    assert instance.device == sg.Device(bandwidth=5.0)


def test_the_same_graph_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.json.gz", "b.json.gz"):
        sg.write(to_graph(CHAIN), tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="POSIX file rights")
def test_a_written_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    sg.write(to_graph(CHAIN), tmp_path / "graph.json")
    (tmp_path / "other").touch()
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("graph.json", "other")]
    assert rights[0] == rights[1]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """A graph that cannot be written in one go does not touch the file, nor leave another beside it."""
    (tmp_path / "graph.json").mkdir()
    with pytest.raises(sg.InputError, match=r"graph\.json: a folder, and only files are written"):
        sg.write(to_graph(CHAIN), tmp_path / "graph.json")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.json"]
    with pytest.raises(sg.InputError, match="No such file or directory"):
        sg.write(to_graph(CHAIN), tmp_path / "nowhere" / "graph.json")
    with pytest.raises(sg.InputError, match=r"graph\.onnx: graphs are written as \.json or \.json\.gz"):
        sg.write(to_graph(CHAIN), tmp_path / "graph.onnx")


def broken(change: Callable[[Any], object]) -> bytes:
    data = copy.deepcopy(CHAIN)
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "more than 1,000 deep"),
        (b"\x1f\x8b\x08", "the compressed data ends early or is damaged"),
        (gzip.compress(b"{}" * 1000, mtime=0)[:-9], "the compressed data ends early or is damaged"),
        (b"[]", "a graph file holds one JSON object"),
        (
            b"{}",
            '"format" is None, but "slicegraph-graph-1" is asked for; planners\' inputs take --format msr or piper',
        ),
        (broken(lambda g: g.update(format="other")), "\"format\" is 'other', but"),
        (broken(lambda g: g.pop("nodes")), '"nodes" is missing'),
        (broken(lambda g: g.update(tensors=3)), '"tensors" is not an object'),
        (broken(lambda g: g["nodes"].pop("op")), '"nodes.op" is missing'),
        (broken(lambda g: g["nodes"].pop("work")), '"nodes.work" is missing, and so is "nodes.flops"'),
        (broken(lambda g: g["nodes"].update(work="much")), '"nodes.work" is not a list'),
        (broken(lambda g: g["nodes"].update(work=[1, 2, "3"])), r"nodes\.work\[2\] = '3' is not a finite number"),
        (
            broken(lambda g: g["nodes"].update(work=[1, 2, float("nan")])),
            r"nodes\.work\[2\] = nan is not a finite number",
        ),
        (broken(lambda g: g["nodes"].update(work=[1, 2, -1])), r"node 2: work -1\.0 is negative"),
        (broken(lambda g: g["nodes"].update(work=[1, 2])), '"nodes.op" has 3 entries, but there are 2 nodes'),
        (broken(lambda g: g["nodes"].update(work=[], op=[])), "graph: num_nodes = 0"),
        (broken(lambda g: g["tensors"].pop("size")), '"tensors.size" is missing'),
        (
            broken(lambda g: g["tensors"].update(size=[8, 1.5])),
            r"tensors\.size\[1\] = 1\.5 is not a whole number of 64",
        ),
        (broken(lambda g: g["tensors"].update(size=[8, 2**70])), r"tensors\.size\[1\] = 1180591620717411303424 is not"),
        (
            broken(lambda g: g["tensors"].update(producer=[0, True])),
            r"tensors\.producer\[1\] = True is not a whole number",
        ),
        (broken(lambda g: g["tensors"].update(consumers=[[1], 2])), r"tensors\.consumers\[1\] = 2 is not a list"),
        (
            broken(lambda g: g["tensors"].update(consumers=[[1], ["2"]])),
            "tensors.consumers.* = '2' is not a whole number",
        ),
        (broken(lambda g: g["tensors"].update(consumers=[[1]])), "consumer_offsets: length 2, but there are 2 tensors"),
        (
            broken(lambda g: g["tensors"].update(consumers=[[1], [40]])),
            "tensor 1: consumer 40 is not below num_nodes = 3",
        ),
        (
            broken(lambda g: g["tensors"].update(is_output=[2, 0])),
            r"tensors\.is_output\[0\] = 2 is not true, false, 0 or 1",
        ),
        (broken(lambda g: g["nodes"].update(dtype=["float32", 1, ""])), r"nodes\.dtype\[1\] = 1 is not a string"),
        (broken(lambda g: g["nodes"].update(dtype=["float32"])), "dtype: length 1, but there are 3 nodes"),
        (
            broken(lambda g: g["nodes"].update(state_bytes=[1, 2, 0.5])),
            r"nodes\.state_bytes\[2\] = 0\.5 is not",
        ),
        (broken(lambda g: g["nodes"].update(live_bytes=[1, 2, -5])), "node 2: live_bytes -5 is negative"),
        (broken(lambda g: g["nodes"].update(work_on=[1])), '"nodes.work_on" is not an object'),
        (broken(lambda g: g["nodes"].update(work_on={"gpu": 1})), '"nodes.work_on.gpu" is not a list'),
        (
            broken(lambda g: g["nodes"].update(work_on={"gpu": [1, None, float("nan")]})),
            r"nodes\.work_on\.gpu\[2\] = nan is not a finite number or null",
        ),
        (broken(lambda g: g.update(params=[1])), '"params" is not an object'),
        (broken(lambda g: g.update(params={"size": [1]})), '"params.readers" is missing'),
        (broken(lambda g: g.update(params={"readers": [[1]]})), '"params.size" is missing'),
        (broken(lambda g: g.update(params={"size": [1], "readers": [1]})), r"params\.readers\[0\] = 1 is not a list"),
        (
            broken(lambda g: g.update(params={"size": [1], "readers": [[0], [1]]})),
            '"params.size" has 1 entries, "params.readers" 2',
        ),
        (
            broken(lambda g: g.update(params={"size": [1], "readers": [[0, 7]]})),
            "parameter 0: reader 7 is not a node",
        ),
        (broken(lambda g: g.update(device=[])), '"device" is not an object'),
        (broken(lambda g: g.update(name=3)), '"name" is not a string'),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    """The line names the file, the culprit and the rule."""
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(sg.InputError, match=message) as error:
        sg.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@given(patch=st.binary(max_size=40), begin=st.integers(0, 400), length=st.integers(0, 400))
@ONE_FOLDER
def test_a_damaged_file_is_refused_or_a_graph(patch: bytes, begin: int, length: int, tmp_path_factory: Any) -> None:
    """Nothing but InputError, whatever bytes are overwritten."""
    content = json.dumps(CHAIN).encode()
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_bytes(content[:begin] + patch + content[begin + length :])
    try:
        graph = sg.read(path)
    except sg.InputError:
        return
    assert graph.num_nodes >= 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(sg.InputError, match=r"nothing\.json: No such file or directory"):
        sg.read(tmp_path / "nothing.json")
    with pytest.raises(
        sg.InputError, match=r"model\.pb: no known suffix \(\.onnx, .*\.json, .*\); name the format: onnx, "
    ):
        sg.read(tmp_path / "model.pb")
    with pytest.raises(sg.InputError, match=r"no format 'caffe', but onnx, .* and "):
        sg.read(tmp_path / "model.json", format="caffe")
    with pytest.raises(sg.InputError, match="dimensions are given, but only ONNX models have named ones"):
        sg.read(tmp_path / "model.json", dims={"batch": 1})


VALUES = st.one_of(st.booleans(), st.none(), st.text(max_size=2), st.integers(), st.floats(), st.just(10**400))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    work=st.lists(VALUES | st.floats() | st.just(1e300), min_size=1, max_size=3),
    size=st.integers(-(2**65), 2**65) | VALUES,
)
def test_lists_are_taken_only_where_each_value_is_right(work: list[Any], size: object, tmp_path: Path) -> None:
    """A whole list is checked at once; the rule is that of its values, and the first wrong one is named."""
    path = tmp_path / "graph.json"
    tensors = {"producer": [0], "size": [size], "consumers": [[]]}
    nodes = {"op": ["Op"] * len(work), "work": work}
    path.write_text(json.dumps({"format": "slicegraph-graph-1", "nodes": nodes, "tensors": tensors}))
    is_size = type(size) is int and abs(size) < 2**63
    wrong = next((at for at, each in enumerate(work) if type(each) not in {int, float} or not abs(each) <= 1e300), None)
    if is_size and wrong is None:
        arrays = native.read(path)
        assert arrays.work is not None
        assert (arrays.work.tolist(), arrays.size.tolist()) == (work, [size])
        return
    with pytest.raises(InputError) as raised:
        native.read(path)
    named = f"tensors.size[0] = {size!r}" if not is_size else f"nodes.work[{wrong}]"
    assert named[:60] in str(raised.value)
