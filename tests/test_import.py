"""What an import costs."""

from __future__ import annotations

import subprocess
import sys


def test_importing_loads_only_what_every_user_needs() -> None:
    """Libraries that only some commands use are imported when used."""
    program = "import sys, slicegraph, slicegraph.cli; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"onnx", "onnxruntime", "jax", "torch", "rich", "highspy", "google.protobuf"}.isdisjoint(run.stdout.split())
