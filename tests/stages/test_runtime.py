"""onnxruntime's telemetry: off, unless the user's environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import chain

_STUB = """
import os
said = os.environ["ORT_DISABLE_TELEMETRY"]
def disable_telemetry_events():
    global said
    said += ", called"
"""
_ASK = "from slicegraph.stages.onnx.runtime import onnxruntime; print(onnxruntime.said)"


@pytest.mark.parametrize(("users", "said"), [(None, "1, called"), ("0", "0"), ("", ""), ("1", "1")])
def test_telemetry_is_turned_off_before_it_is_loaded_unless_the_user_chose(
    users: str | None, said: str, tmp_path: Path
) -> None:
    """Asked of a stand-in: a package that is told to send something would send it."""
    (tmp_path / "onnxruntime.py").write_text(_STUB)
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"PYTHONPATH": str(tmp_path)} | ({} if users is None else {"ORT_DISABLE_TELEMETRY": users})
    run = subprocess.run([sys.executable, "-c", _ASK], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == f"{said}\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="where the package keeps what it sends, on Linux")
@pytest.mark.parametrize("verb", ["profile", "verify-split", "run"])
def test_no_verb_leaves_what_telemetry_leaves(verb: str, tmp_path: Path) -> None:
    """The package keeps an identifier and a queue in the user's cache when it has something to send."""
    model, home = chain(tmp_path / "stages"), tmp_path / "home"
    home.mkdir()
    arguments = {
        "profile": [str(model), "-o", str(tmp_path / "graph.json"), "--runs", "1"],
        "verify-split": [str(tmp_path / "stages"), str(model)],
        "run": [str(tmp_path / "stages"), "--requests", "1"],
    }
    # With none of the variables by which it sees that it is tested.
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = [sys.executable, "-m", "slicegraph", verb, *arguments[verb]]
    subprocess.run(command, env=environment, capture_output=True, check=False)
    assert list(home.iterdir()) == []
