"""What the checker is made of."""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from pathlib import Path

RUST = Path(__file__).parents[2] / "rust"
NEVER_CALLED = {"slicegraph.stages.this_machine"}
"""What a device imports when it is asked to measure the machine at hand, which a check never does."""
PACKAGES = {"slicegraph", "slicegraph.certificate", "slicegraph.formats"}


def imports_of(name: str) -> set[str]:
    """What a module of ours names in its imports; a package counts when more than its modules is taken from it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    if not spec.origin.endswith(".py"):
        return set()
    names = set()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            inner = {f"{node.module}.{alias.name}" for alias in node.names} if node.module in PACKAGES else set()
            modules = {each for each in inner if importlib.util.find_spec(each)}
            names |= modules
            if not inner or modules != inner:
                names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_the_compiled_checker_depends_on_nothing() -> None:
    """Its crate has no dependency but for tests, and its door opens no other."""
    manifest = tomllib.loads((RUST / "checker/Cargo.toml").read_text(encoding="utf-8"))
    assert "dependencies" not in manifest
    assert "slicegraph_core" not in (RUST / "py/src/checker.rs").read_text(encoding="utf-8")


def test_the_checker_shares_no_code_with_what_solves() -> None:
    """All that it imports, directly or not, is its own, errors, argument checks, files, arrays and the device.

    Of the compiled module it takes one function, which calls the compiled checker alone.
    """
    reached: set[str] = set()
    waiting = {"slicegraph.certificate.check"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= {each for each in imports_of(name) if each.startswith("slicegraph")} - reached - NEVER_CALLED
    certificate = """
        bisection blocks bounds budget check closing codec compiled costs cut downsets flow frontiers hints incompatible
        labels log model narrowed node order packing places prices problem question quotient reach reduction relaxation
        resources rows searching seconds structure tally ticks tree wanted weights windows
    """
    assert reached - PACKAGES == {
        "slicegraph._core",
        *(f"slicegraph.certificate.{name}" for name in certificate.split()),
        *(f"slicegraph.formats.{name}" for name in ("arrays", "files", "limits", "writing")),
        *(f"slicegraph.{name}" for name in ("checks", "constraints", "device", "errors", "interrupts")),
        *(f"slicegraph.{name}" for name in ("machine", "presets", "rates")),
    }
