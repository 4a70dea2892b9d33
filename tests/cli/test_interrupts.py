"""Signals: what a command leaves when one comes, at a few of the times that `interrupts` draws."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interrupts import SIGNALS, Verb, draws, is_listening, trial, verbs
from slicegraph.interrupts import put_off

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux shows them")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verb]:
    """What is interrupted."""
    return verbs(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("signum", SIGNALS)
@pytest.mark.parametrize("name", ["solve", "split", "profile", "run"])
def test_a_signal_ends_a_command_cleanly_whenever_it_comes(
    name: str, signum: signal.Signals, commands: dict[str, Verb], tmp_path: Path
) -> None:
    """Its status, an answer that is whole, files that are whole, and nothing else that stays."""
    trial(commands[name], signum, next(draws(commands[name], seed=signum)), tmp_path)


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_while_modules_load_is_silent(
    signum: signal.Signals, commands: dict[str, Verb], tmp_path: Path
) -> None:
    """The first thing that the command does is to listen."""
    assert trial(commands["solve"], signum, 0.0, tmp_path) == "nothing"


def test_a_signal_that_a_shell_ignores_is_ignored(commands: dict[str, Verb], tmp_path: Path) -> None:
    """As for what runs in the background without job control, and under nohup."""
    command = [sys.executable, "-m", "slicegraph_command", *commands["solve"].arguments, "--time-limit", "2"]
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],  # noqa: S607 - any shell does
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        while not is_listening(child.pid):
            time.sleep(0.01)
        for _ in range(3):
            child.send_signal(signal.SIGINT)
            time.sleep(0.3)
        assert json.loads(child.communicate()[0])["status"] != "interrupted"
        assert child.returncode == 0


_PROGRAM = """
import os, signal, sys, time
from slicegraph.interrupts import listen, put_off, stop_listening
listen()
try:
    with put_off():
        with put_off():
            os.kill(os.getpid(), int(sys.argv[1]))
            time.sleep(0.1)
        print("whole")
    print("never")
except KeyboardInterrupt:
    # A process that passes signals on may send one twice.
    os.kill(os.getpid(), int(sys.argv[1]))
    print("raised")
if len(sys.argv) > 2:
    time.sleep(1.5)
    os.kill(os.getpid(), int(sys.argv[1]))
    print("never")
assert stop_listening() == int(sys.argv[1])
os.kill(os.getpid(), int(sys.argv[1]))
print("done")
"""


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_waits_until_what_is_begun_is_whole(signum: signal.Signals) -> None:
    """It is raised then, once; one that comes later while things end is the end."""
    run = subprocess.run([sys.executable, "-c", _PROGRAM, str(int(signum))], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("whole\nraised\ndone\n", "")
    again = [sys.executable, "-u", "-c", _PROGRAM, str(int(signum)), "again"]
    run = subprocess.run(again, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (128 + signum, "whole\nraised\n", "")


_EXECUTED = """
import os, sys, time
from slicegraph.interrupts import listen
listen()
try:
    exec("os.kill(os.getpid(), int(sys.argv[1])); time.sleep(1)")
except KeyboardInterrupt:
    sys.exit(7)
"""


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_within_executed_text_keeps_the_exit_status(signum: signal.Signals) -> None:
    """Imports execute text; Python ends by SIGINT what its own exception has left."""
    run = subprocess.run([sys.executable, "-c", _EXECUTED, str(int(signum))], check=False)
    assert run.returncode == 7


_IMPORTED = """
import os, sys, time
sys.path.insert(0, sys.argv[2])
from slicegraph.interrupts import listen
listen()
try:
    import module
    time.sleep(10)
except KeyboardInterrupt:
    assert module.is_loaded
    sys.exit(7)
"""


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_waits_until_a_module_is_loaded(signum: signal.Signals, tmp_path: Path) -> None:
    """Some that are compiled end the process when an exception passes through them."""
    text = "import os, sys, time\nos.kill(os.getpid(), int(sys.argv[1]))\ntime.sleep(0.1)\nis_loaded = True\n"
    (tmp_path / "module.py").write_text(text)
    run = subprocess.run([sys.executable, "-c", _IMPORTED, str(int(signum)), str(tmp_path)], check=False)
    assert run.returncode == 7


def test_a_library_leaves_signals_to_its_user() -> None:
    """Ctrl-C is raised at once, wherever Python's own handler raises it."""
    before = [signal.getsignal(signum) for signum in SIGNALS]

    def write() -> None:
        with put_off():
            signal.raise_signal(signal.SIGINT)
            raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        write()
    assert [signal.getsignal(signum) for signum in SIGNALS] == before
