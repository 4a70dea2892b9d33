"""The command's first steps, outside of the package: its import takes a moment, in which signals come, too."""

from __future__ import annotations

import os
import sys
from types import FrameType


def main() -> int:
    """Run ``slicegraph``; give its exit status, which is 130 after Ctrl-C and 143 after SIGTERM."""
    if sys.argv[1:] == ["--version"] and _tells_version():
        return 0
    # Nothing here multiplies matrices, and the threads for that take longer to start than a small model to solve.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import signal  # noqa: PLC0415 - it takes longer to load than the version to tell

    def end(signum: int, _frame: FrameType | None) -> None:
        """Nothing has begun, so there is nothing to say and nothing to clear away."""
        os._exit(128 + signum)

    for signum in (signal.SIGINT, signal.SIGTERM):
        # A shell without job control has what it runs in the background ignore Ctrl-C.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, end)
    from slicegraph import interrupts  # noqa: PLC0415 - signals come while it loads, too
    from slicegraph.cli import main as run  # noqa: PLC0415 - likewise

    interrupts.listen()
    try:
        status = run()
    except KeyboardInterrupt:
        # After the command's last word.
        status = 130
    received = interrupts.stop_listening()
    return status if received is None or status == 2 else 128 + received  # noqa: PLR2004 - see `slicegraph.cli.main`


def _tells_version() -> bool:
    """Print the version, which needs nothing else; where that fails, the command says why."""
    from slicegraph.version import __version__  # noqa: PLC0415 - for this alone

    try:
        print(f"slicegraph {__version__}", flush=True)  # noqa: T201 - the command line
    except (OSError, ValueError):
        return False
    return sys.stdout is not None
