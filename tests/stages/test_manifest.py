"""Whatever stands in a manifest, its readers give an answer or one line."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from pipelines import chain
from slicegraph.stages.pipeline.folder import read_split

WRONG: tuple[Any, ...] = (
    *(None, True, -1, 5, 0.5, 2**62, 10**400, 1e308, float("nan"), float("inf")),
    *("", "x", "a\0b", "..", "../stage0.onnx", "/dev/null", "float64", "model", "\x1b[2J\n"),
    *([], [None], ["x"], [-1], [2**40], [2**62, 2**62], [10**400], [[1]], {}, {"name": 5}),
)
Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """All places in a document, but the whole."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*at, key)
        yield from places(part, (*at, key))


def put(document: Any, place: Place, value: Any) -> None:
    for key in place[:-1]:
        document = document[key]
    document[place[-1]] = value


def drop(document: Any, place: Place) -> None:
    for key in place[:-1]:
        document = document[key]
    del document[place[-1]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three stages, with what was predicted of them."""
    chain(tmp_path / "stages")
    return tmp_path / "stages"


def complaint(folder: Path, changed: Any, what: str) -> str:
    """Let both readers have the manifest; nothing but an `InputError` of one line may come out."""
    (folder / "manifest.json").write_text(json.dumps(changed))
    said = ""
    readers = (lambda: read_split(folder), lambda: sg.verify_split(folder, folder.parent / "stages.onnx"))
    for reader in readers:
        try:
            reader()
        except sg.InputError as error:
            said += str(error)
        except Exception as error:  # noqa: BLE001 - which is what must not be
            pytest.fail(f"{what}: {error!r}")
    assert said.isprintable(), what
    return said


def test_a_manifest_with_any_entry_wrong_is_read_or_refused_in_one_line(folder: Path) -> None:
    """Every entry, with some values of all kinds in its place, or gone."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["predicted"] = {"bottleneck": 1.0, "device": {"bandwidth": 1e9}}
    assert complaint(folder, manifest, "as it was") == ""
    num_refused = 0
    for index, place in enumerate(places(manifest)):
        for wrong in WRONG[index % 7 :: 7]:
            changed = copy.deepcopy(manifest)
            put(changed, place, wrong)
            num_refused += bool(complaint(folder, changed, f"{place}: {wrong!r:.80}"))
        changed = copy.deepcopy(manifest)
        drop(changed, place)
        num_refused += bool(complaint(folder, changed, f"{place} is gone"))
    assert num_refused > 200


@pytest.mark.parametrize(
    ("place", "wrong", "rule"),
    [
        (("stages", 0, "inputs", 0, "name"), ["x"], "\"name\" is ['x'], but a string without a null character"),
        (("stages", 0, "outputs", 0, "name"), "y\0", '"name" is'),
        (("inputs", 0, "shape"), [2**62, 2**62], "of no more than 2^53 elements"),
        (("inputs", 0, "shape"), [2**45], "bytes while it is drawn, and this machine has"),
        (("stages", 1, "file"), "a\0b", '"file" is'),
        (("outputs", 0, "name"), "other", "does not return 'other'"),
        (("model", "dims"), {"n": 10**400}, "an object of sizes"),
        (("stages", 1, "outputs", 0, "to"), [{}], 'stages and "model"'),
        (("predicted",), {"bottleneck": 10**400, "device": {}}, 'predicted "bottleneck" is 1000'),
    ],
    ids=lambda value: f"{value!r:.40}",
)
def test_a_wrong_entry_is_named_with_its_rule(folder: Path, place: Place, wrong: Any, rule: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    put(manifest, place, wrong)
    assert rule in complaint(folder, manifest, str(place))
