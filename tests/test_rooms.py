"""The rooms of the Rust core use each other downwards only, and no file or function is too long to read in one go."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "rust/core/src"
PACKAGE = ROOT / "python"
ROOMS = (
    *("ids", "bits", "error", "interrupt", "threads", "graph", "cost", "order", "slice"),
    *(
        "query",
        "quotient",
        "flow",
        "bisection",
        "reduce",
        "domain",
        "packing",
        "downset",
        "labeling",
        "exact",
        "search",
        "nearest",
        "ties",
        "at_once",
    ),
)
"""The modules of the crate, each above all that it may use."""
TEST_ONLY = {"cases"}
"""Modules that exist in tests only: every test may use them, and they may use everything."""

MAX_LINES = 400
MAX_FUNCTION_LINES = 60


def code(path: Path) -> str:
    """Give a file without its comments."""
    return re.sub(r"//.*", "", path.read_text(encoding="utf-8"))


def names_after(prefix: str, text: str) -> set[str]:
    """Give the first name of every path that begins so, grouped imports included."""
    names = set(re.findall(rf"\b{prefix}::(\w+)", text))
    for group in re.findall(rf"\b{prefix}::\{{((?:[^{{}}]|\{{[^{{}}]*\}})*)\}}", text):
        names |= set(re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\{[^{}]*\}", "", group)))
    return names


def test_the_order_names_every_room() -> None:
    """A new module has its place in the order, and none is listed that is gone."""
    modules = set(re.findall(r"\bmod (\w+);", code(CORE / "lib.rs")))
    assert modules - TEST_ONLY == set(ROOMS)


def test_the_architecture_names_every_room() -> None:
    """Modules of the core, crates, and folders of the package; and it names none that is gone."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set()
    for place in re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE):
        stem, _, rest = place.partition("{")
        names, _, end = rest.partition("}")
        named |= {stem + name + end for name in names.split(",")}
    crates = [path.parent for path in (ROOT / "rust").glob("*/Cargo.toml")]
    rooms = [CORE / room if (CORE / room).is_dir() else CORE / f"{room}.rs" for room in ROOMS]
    folders = [path for path in PACKAGE.glob("slicegraph/*/") if (path / "__init__.py").exists()]
    found = {str(path.relative_to(ROOT)) for path in (*crates, *rooms, *folders, PACKAGE / "slicegraph_command")}
    assert found <= named
    assert [place for place in named if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_rooms_below_it_only(room: str) -> None:
    """Neither its code nor its tests name a room above, so that there is no cycle of rooms either."""
    files = sorted((CORE / room).rglob("*.rs")) if (CORE / room).is_dir() else [CORE / f"{room}.rs"]
    assert files
    for file in files:
        used = names_after("crate", code(file)) & set(ROOMS)
        assert used <= set(ROOMS[: ROOMS.index(room) + 1]), file.relative_to(ROOT)


@pytest.mark.parametrize("room", [room for room in ROOMS if (CORE / room).is_dir()])
def test_the_files_of_a_room_have_no_cycle(room: str) -> None:
    """What two files need stands in one of them, or in a third one below both."""
    files = {path.stem: code(path) for path in (CORE / room).glob("*.rs") if path.stem != "mod"}
    uses = {name: (names_after(r"(?<!super::)super", text) & set(files)) - {name} for name, text in files.items()}
    list(graphlib.TopologicalSorter(uses).static_order())


def sources() -> list[Path]:
    """List all source files of the project."""
    folders = ("rust", "python", "tests", "benches")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".rs", ".py", ".pyi"}]
    return sorted(path for path in files if not {"target", ".venv"} & set(path.parts))


def test_no_source_file_is_too_long() -> None:
    """A file of more lines holds more than one concept."""
    assert len(sources()) > len(ROOMS)
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Give the name and the number of lines of each function, docstrings not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            docstring = node.body[0] if ast.get_docstring(node) is not None else None
            documented = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
            yield node.name, node.end_lineno - node.lineno + 1 - documented


def test_no_function_is_too_long() -> None:
    """A function of the package that takes more lines does more than one thing."""
    lengths = {(path.name, name): length for path in PACKAGE.rglob("*.py") for name, length in functions(path)}
    assert len(lengths) > MAX_LINES
    assert {place: length for place, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_lines_of_a_function_are_counted_without_its_docstring(tmp_path: Path) -> None:
    """From its name to its end, a function inside it included."""
    path = tmp_path / "module.py"
    lines = ["def one(", "    x,", "):", '    """Two', "    lines.", '    """', "    def two(): pass", "    return x"]
    path.write_text("\n".join([*lines, "async def three(): pass", ""]))
    assert dict(functions(path)) == {"one": 5, "two": 1, "three": 1}


def test_grouped_imports_are_seen() -> None:
    """However a path is written, its first name counts."""
    text = "use crate::{bits::{has, len}, exact};\nlet x = crate::cost::Ticks::MAX; super::super::streams::stream()"
    assert names_after("crate", text) == {"bits", "exact", "cost"}
    assert names_after(r"(?<!super::)super", text) == {"super"}
