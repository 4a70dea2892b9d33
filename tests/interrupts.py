"""Signals at random times: what a command leaves when Ctrl-C or SIGTERM comes, wherever it is at work.

By hand, with so many of each signal, dealt out to the verbs in turn: ``python tests/interrupts.py 100``. What must hold
of each run:

- exit status 130 or 143, or the verb's own when it had ended before;
- on standard output one whole JSON object or nothing, on standard error at most a line that says so;
- every file that was asked for whole or not there, and no other file, neither beside them nor in TMPDIR;
- no process and no named shared memory.

A signal comes when the command has begun to listen, which is its first act. Until then Python itself starts.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import slicegraph as sg
from pipelines import chain
from strategies import grid

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 60.0
"""Seconds after which a command, or what it started, is taken to stay for ever."""
_SHARED = Path("/dev/shm")  # noqa: S108 - only looked at


@dataclass(frozen=True, slots=True)
class Verb:
    """What is interrupted.

    Attributes
    ----------
    arguments
        Of the command, which stands in a folder of its own.
    seconds
        In which the signal comes.
    check
        Raises when what was written in the folder is not whole.
    """

    arguments: tuple[str, ...]
    seconds: float
    check: Callable[[Path], object]


def verbs(folder: Path) -> dict[str, Verb]:
    """Write models into a folder, and give the commands that work on them."""
    model = chain(folder / "stages", (1, 1, 40), width=96)
    (folder / "grid.json").write_text(json.dumps(grid(12)))
    large = chain(folder / "large", (20, 20, 40), width=384)
    (folder / "plan.json").write_text(json.dumps([node // 30 for node in range(sg.read(large).num_nodes)]))
    solve = ("solve", str(folder / "grid.json"), "-k", "6", "--bandwidth", "8", "--json", "--certificate", "c.json")
    profile = ("profile", str(model), "-o", "graph.json", "--runs", "3000", "--json")
    return {
        "solve": Verb(solve, 4.0, lambda here: _hold(folder / "grid.json", here)),
        "split": Verb(("split", str(large), str(folder / "plan.json"), "-o", "out", "--json"), 3.0, _is_split),
        "profile": Verb(profile, 3.0, lambda here: _each(here, "graph.json", sg.read)),
        "run": Verb(("run", str(folder / "stages"), "--seconds", "60", "--json"), 4.0, lambda here: _each(here, "")),
    }


def trial(verb: Verb, signum: int, seconds: float, folder: Path) -> str:
    """Interrupt a command so many seconds after it began to listen; say how it ended."""
    here, scratch, token = folder / "here", folder / "scratch", secrets.token_hex(8)
    here.mkdir(parents=True)
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "slicegraph_command", *verb.arguments],
        cwd=here,
        env={**os.environ, "TMPDIR": str(scratch), "SLICEGRAPH_TRIAL": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            _wait_for(lambda: is_listening(child.pid) or child.poll() is not None, "it does not listen")
            time.sleep(seconds)
            child.send_signal(signum)
            out, err = child.communicate(timeout=_PATIENCE)
        finally:
            child.kill()
    assert child.returncode in (0, 128 + signum), f"exit status {child.returncode}: {err}"
    assert re.fullmatch(r"(slicegraph: interrupted: .*\n(slicegraph: the processor was shared .*\n)?)?", err), err
    if out or child.returncode == 0:
        json.loads(out)
    verb.check(here)
    assert list(scratch.iterdir()) == [], f"left in TMPDIR: {list(scratch.iterdir())}"
    _wait_for(lambda: not _marked(token), "a process stays")
    return "done before" if child.returncode == 0 else "an answer" if out else "nothing"


def _each(here: Path, name: str, read: Callable[[Path], object] = lambda _: None) -> None:
    """Require that there is no file but one, and that this can be read."""
    found = [entry.name for entry in here.iterdir()]
    assert found in ([], [name]), found
    if found:
        read(here / name)


def _hold(model: Path, here: Path) -> None:
    _each(here, "c.json", lambda path: sg.check(sg.read(model), sg.Certificate.read(path)))


def _is_split(here: Path) -> None:
    _each(here, "out")
    if (here / "out").exists():
        manifest = json.loads((here / "out" / "manifest.json").read_text())
        names = {"manifest.json", "annotated.onnx", *(stage["file"] for stage in manifest["stages"])}
        assert {entry.name for entry in (here / "out").iterdir()} == names
        for stage in manifest["stages"]:
            assert hashlib.sha256((here / "out" / stage["file"]).read_bytes()).hexdigest() == stage["sha256"]


def is_listening(pid: int) -> bool:
    """Whether a command hears signals."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt"):
                return bool(int(line.split()[1], 16) & 1 << (signal.SIGTERM - 1))
    return False


def _marked(token: str) -> list[str]:
    """Find the processes that a trial has started, by their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if token.encode() in (entry / "environ").read_bytes():
                    found.append(entry.name)
    return found


def _wait_for(is_true: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.01)


def draws(verb: Verb, seed: int) -> Iterator[float]:
    """Give times at which signals come, in seconds."""
    draw = random.Random(seed)  # noqa: S311 - times, not secrets
    while True:
        yield draw.uniform(0.0, verb.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, help="of each signal")
    parser.add_argument("--seed", type=int, default=0, help="of the times (default: 0)")
    options = parser.parse_args()
    ends: Counter[tuple[str, str, str]] = Counter()
    shared = set(_SHARED.iterdir()) if _SHARED.is_dir() else set()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commands = verbs(folder)
        for signum in SIGNALS:
            times = {name: draws(verb, options.seed + signum) for name, verb in commands.items()}
            for index in range(options.count):
                name = list(commands)[index % len(commands)]
                seconds, where = next(times[name]), folder / f"{signum}-{index}"
                try:
                    end = trial(commands[name], signum, seconds, where)
                except AssertionError as error:
                    end = "WRONG"
                    print(f"{name}, {signum.name} after {seconds:.3f} s: {error}", flush=True)  # noqa: T201 - a script
                ends[name, signum.name, end] += 1
    for (name, signal_name, end), count in sorted(ends.items()):
        print(f"{name:8} {signal_name:8} {end:12} {count:4}")  # noqa: T201 - a script
    left = (set(_SHARED.iterdir()) if _SHARED.is_dir() else set()) - shared
    print(f"shared memory: {sorted(map(str, left)) or 'none left'}")  # noqa: T201 - a script
    sys.exit(any(end == "WRONG" for _, _, end in ends))


if __name__ == "__main__":
    main()
