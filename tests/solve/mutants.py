"""Changes of the policy of `solve`, each of which has to fail a test: ``python tests/solve/mutants.py`` tries them all.

A mutant is a copy of the package in which one expression is another; the tests beside this file run against it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent / "python"
MUTANTS = {
    "the chain begins at once": ("params", "lead: float = 8.0", "lead: float = 0.0"),
    "a hardly better partition begins the chain anew": (
        "params",
        "hardly_better: float = 0.998",
        "hardly_better: float = 2.0",
    ),
    "the exact model is begun anywhere": ("params", "close: float = 0.95", "close: float = 0.0"),
    "turns do not grow": ("params", "growth: float = 4.0", "growth: float = 1.0"),
    "proofs do not wait for a round": ("params", "first_rounds: int = 1", "first_rounds: int = 0"),
    "a turn is left for less after the sweep": (
        "params",
        "beaten_after_sweep: int = 32",
        "beaten_after_sweep: int = 8",
    ),
    "a turn is left far from a proof": ("turn", "and (is_swept or state.is_close)", "and True"),
    "the exact model is solved again": ("schedule", "(state.is_exact_solved or", "(False or"),
    "the first turn's frontiers count": ("turn", "report.is_wide and not turn.is_first", "report.is_wide"),
    "finding partitions is no sweep": ("turn", "report.is_swept or finds_partitions", "report.is_swept"),
    "the exact solver is not told": ("worker", "known.narrow(now_known.lower_bound, now_known.best)", "pass"),
    "models of dense graphs wait": ("schedule", "(state.is_dense and state.has_tried)", "False"),
    "other graphs are dense": ("params", "dense: float = 1.8", "dense: float = 1.0"),
    "the exact solver goes on beside packings": ("turn", "is_over and state.is_brief", "False"),
    "it has another turn beside packings": ("schedule", 'state.is_brief and worker.name == "exact"', "False"),
    "its turn beside packings is as long": ("params", "brief_seconds: float = 0.25", "brief_seconds: float = 1.0"),
    "a turn ends without news": ("turn", "(is_over and has_news and is_swept)", "(is_over and is_swept)"),
}


def survives(name: str) -> bool:
    """Whether all tests pass although the policy is another one."""
    module, old, new = MUTANTS[name]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "slicegraph"
        shutil.copytree(PACKAGE / "slicegraph", copy, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / "solve" / f"{module}.py"
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            sys.exit(f"{name}: {old!r} stands {text.count(old)} times in solve/{module}.py")
        path.write_text(text.replace(old, new), encoding="utf-8")
        tests = [HERE / "test_schedule.py", HERE / "test_worker.py"]
        command = "import sys, pytest; sys.path.insert(0, sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
        done = subprocess.run(
            [sys.executable, "-c", command, folder, "-x", "-q", "-n0", "-p", "no:cacheprovider", *map(str, tests)],
            cwd=HERE.parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            sys.exit(f"{name}: the tests did not run\n{done.stdout}{done.stderr}")
        return done.returncode == 0


def main() -> int:
    """Try every mutant, and say which survive."""
    survivors = [name for name in MUTANTS if survives(name)]
    sys.stdout.write(f"{len(MUTANTS)} mutants, {len(survivors)} survive: {', '.join(survivors) or 'none'}\n")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
