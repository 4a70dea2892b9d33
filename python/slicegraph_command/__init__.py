"""The command's first steps, outside of the package: its import takes a moment, in which signals come, too."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> int:
    """Run ``slicegraph``; give its exit status, which is 130 after Ctrl-C and 143 after SIGTERM."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        # A shell without job control has what it runs in the background ignore Ctrl-C.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _end)
    from slicegraph import interrupts  # noqa: PLC0415 - see above
    from slicegraph.cli import main as run  # noqa: PLC0415 - see above

    interrupts.listen()
    try:
        status = run()
    except KeyboardInterrupt:
        # After the command's last word.
        status = 130
    received = interrupts.stop_listening()
    return status if received is None or status == 2 else 128 + received  # noqa: PLR2004 - see `slicegraph.cli.main`


def _end(signum: int, _frame: FrameType | None) -> None:
    """Nothing has begun, so there is nothing to say and nothing to clear away."""
    os._exit(128 + signum)
