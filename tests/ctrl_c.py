"""A command that gets Ctrl-C when it has been at work for some time, however long Python took to start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

_PROGRAM = """
import os, signal, sys, threading
from slicegraph.cli import audit, main, solve, sweep
timer = threading.Timer(float(sys.argv[1]), os.kill, (os.getpid(), signal.SIGINT))
timer.daemon = True
timer.start()
sys.exit(main(sys.argv[2:]))
"""
_PATIENCE = 20
"""Seconds to come to an end."""


def run_until_ctrl_c(arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run ``slicegraph`` with these arguments and interrupt it after so many seconds."""
    command = [sys.executable, "-c", _PROGRAM, str(seconds), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds + _PATIENCE, check=False)
