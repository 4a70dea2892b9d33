"""Ctrl-C and SIGTERM, as the command takes them: both end what is running, but not halfway through a file.

A library does not decide what signals mean. Without `listen`, which the command alone calls, nothing here has an
effect, and Ctrl-C is Python's own `KeyboardInterrupt`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Final, final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_AGAIN: Final = 1.0
"""Seconds after which a second signal is meant as one; programs that pass signals on send them twice."""

_SOON: Final = 0.01
"""Seconds after which it is tried again to raise one, where it could not be."""


class Interrupt(KeyboardInterrupt):
    """A signal, as the command raises it.

    Python ends a process by SIGINT itself, whatever its exit status is to be, when an exception that is exactly a
    `KeyboardInterrupt` has left an ``exec``, of which imports have many.
    """


@final
class _State:
    """What has been heard; the main thread alone changes it."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.when = 0.0
        self.depth = 0
        self.is_pending = False


_state = _State()


def listen() -> None:
    """Make the first signal an `Interrupt`, and a second one, a second later, the end; ignored ones stay so."""
    for signum in SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _on_signal)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _raise)


def stop_listening() -> int | None:
    """Ignore what comes from now on, and give the signal that was received."""
    for signum in SIGNALS:
        if signal.getsignal(signum) is _on_signal:
            signal.signal(signum, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    return _state.received


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Finish what is begun here before a signal is raised; only the command's own signals wait."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.depth += 1
    try:
        yield
    finally:
        _state.depth -= 1
        if _state.is_pending and not _state.depth:
            _state.is_pending = False
            raise Interrupt


def _on_signal(signum: int, frame: FrameType | None) -> None:
    if _state.received is None:
        _state.received, _state.when = signum, time.monotonic()
        _raise(0, frame)
    elif time.monotonic() - _state.when > _AGAIN:
        os._exit(128 + signum)


def _raise(_alarm: int, frame: FrameType | None) -> None:
    """Raise what was received, or see that it is raised soon."""
    if _state.depth:
        _state.is_pending = True
    elif hasattr(signal, "setitimer") and _is_importing(frame):
        signal.setitimer(signal.ITIMER_REAL, _SOON)
    else:
        raise Interrupt


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being loaded: some that are compiled end the process when an exception passes through."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
