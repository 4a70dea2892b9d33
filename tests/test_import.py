"""What an import and a command load, and that public names are what their modules say."""

from __future__ import annotations

import ast
import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import slicegraph as sg

_IMPORT = "import sys, slicegraph, slicegraph.cli; print(' '.join(sys.modules))"
_COMMAND = """
import sys
from slicegraph_command import main
assert main() == 0
print(' '.join(sys.modules))
"""
_NEVER = {
    "onnx",
    "onnxruntime",
    "jax",
    "torch",
    "highspy",
    "jsonschema",
    "google.protobuf",
    "rich.console",
    "rich.table",
}
_NOT_FOR_HELP = _NEVER | {"numpy", "rich", "json", "dataclasses", "slicegraph._core", "slicegraph.cli.solve"}
_NOT_FOR_VERSION = _NOT_FOR_HELP | {"argparse", "re", "typing", "slicegraph.cli"}
_NOT_WITHOUT_NEED = _NEVER | {
    "numpy.ma",
    "numpy.random",
    "slicegraph.bounds.builder",
    "slicegraph.solve.arrangements",
    "slicegraph.solve.counted",
    "slicegraph.solve.relaxed",
    "slicegraph.solve.run",
    "slicegraph.stages",
    "slicegraph.sweep",
}
_CHAIN = (
    '{"format": "slicegraph-graph-1", "name": "chain", "nodes": {"op": ["A", "B"], "work": [1, 2]},'
    ' "tensors": {"producer": [0], "size": [64], "consumers": [[1]]}}'
)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    path = tmp_path / "chain.json"
    path.write_text(_CHAIN)
    return path


def loaded(program: str, *arguments: str | Path) -> set[str]:
    """The modules that a process has loaded at its end."""
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def test_importing_loads_only_what_every_user_needs() -> None:
    """Modules with public names are loaded when one of them is first used."""
    assert loaded(_IMPORT) & _NOT_FOR_HELP == set()


@pytest.mark.parametrize(
    ("words", "unwanted"), [(["--version"], _NOT_FOR_VERSION), (["--help"], _NOT_FOR_HELP), (["solve", "-h"], _NEVER)]
)
def test_help_and_version_load_next_to_nothing(words: list[str], unwanted: set[str]) -> None:
    """The version needs no parser, help no arrays, and a verb's help no library that its run may need."""
    assert loaded(_COMMAND, *words) & unwanted == set()


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_graph_that_is_solved_at_once_loads_no_solver_and_no_reader_of_models(chain: Path, more: list[str]) -> None:
    """Nor what draws tables, where there is no terminal."""
    assert loaded(_COMMAND, "solve", chain, "-k", "2", "--device", "testbed", *more) & _NOT_WITHOUT_NEED == set()


def test_every_public_name_is_what_its_module_says() -> None:
    """Types are told of the same names, from the same modules, and `dir` lists them before they are loaded."""
    source = ast.parse(Path(str(sg.__file__)).read_text(encoding="utf-8"))
    block = next(each for each in source.body if isinstance(each, ast.If))
    typed = {
        alias.name: statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert {*typed, "__version__"} == set(sg.__all__) <= set(dir(sg))
    assert {"jax", "torch"} <= set(dir(sg))
    for name, module in typed.items():
        home = importlib.import_module(f"{module}.{name}" if module == "slicegraph" else str(module))
        assert getattr(sg, name) is (home if module == "slicegraph" else getattr(home, name))


def test_a_name_stays_what_it_is_when_the_module_of_that_name_is_loaded() -> None:
    """Functions such as `audit` and `search` live in modules of their names."""
    program = "import slicegraph.{0}, slicegraph.bounds, slicegraph as sg; assert not hasattr(sg.{0}, '__path__')"
    for name in ("audit", "search", "solve"):
        check = f"; assert sg.{name}.__name__ == '{name}'; print(*sg.presets.PRESETS)"
        assert "testbed" in loaded(program.format(name) + check)
    assert callable(sg.search)
    for name in ("nothing", "__nothing__"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(sg, name)


def test_the_package_is_pickled_by_name() -> None:
    """As of any module, which functions that are sent to other processes with their code may hold."""
    assert pickle.loads(pickle.dumps(sg)) is sg  # noqa: S301 - made here
