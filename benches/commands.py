"""Whole commands of two builds in turn: processor seconds of each, from its first to its last instruction.

    python benches/commands.py OLD/bin/python [--repeat 15] [MODEL.onnx ...] > rows.csv

OLD is an interpreter in which another build is installed; this one is NEW. A row is a command with the least and the
median processor time of both builds, in milliseconds, and the ratio of the medians. The first rows are the interpreter
without anything, the version and the help. Modules are compiled before, in a folder of its own for each build.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx

_MODEL = Path(onnx.__file__).parent / "backend/test/data/light/light_resnet50.onnx"
_NATIVE = (
    '{"format": "slicegraph-graph-1", "name": "chain", "nodes": {"op": ["A", "B"], "work": [1, 2]},'
    ' "tensors": {"producer": [0], "size": [64], "consumers": [[1]]}}'
)
COLUMNS = ("command", "old_least", "old_median", "new_least", "new_median", "ratio")


def processor_seconds(python: Path, words: Sequence[str], cache: str) -> float:
    """Run a command and give the processor time that it and what it starts take."""
    command = [str(python), *words]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(python, command, environment, file_actions=silent)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {status}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="the interpreter of another build")
    parser.add_argument("models", nargs="*", default=[str(_MODEL)])
    parser.add_argument("--repeat", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        native = Path(folder, "chain.json")
        native.write_text(_NATIVE, encoding="utf-8")
        command = ["slicegraph"]
        commands = [["-c", "pass"], [*command, "--version"], [*command, "--help"]]
        for model in [str(native), *options.models]:
            commands += [
                [*command, "solve", model, "-k", "8", "--device", "testbed", *more] for more in ([], ["--json"])
            ]
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for words in commands:
            times: list[list[float]] = [[], []]
            for turn in range(options.repeat + 1):
                for build, python in enumerate((options.old, Path(sys.executable))):
                    # The script as users run it, without a shell between.
                    script = [str(python.with_name(words[0])), *words[1:]] if words[0] == "slicegraph" else words
                    seconds = processor_seconds(python, script, str(Path(folder, str(build))))
                    if turn:
                        times[build].append(seconds * 1e3)
            cells = [figure for each in times for figure in (min(each), statistics.median(each))]
            shown = [f"{cell:.1f}" for cell in cells]
            writer.writerow([" ".join(words), *shown, f"{cells[1] / cells[3]:.2f}" if cells[3] else ""])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
