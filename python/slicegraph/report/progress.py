"""One live line on a terminal while a run lasts: best, proven, gap, time."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self, final

from slicegraph.report import numbers
from slicegraph.stop import Progress

if TYPE_CHECKING:
    from rich.live import Live

_REFRESHES_PER_SECOND = 8


@final
class ProgressLine:
    """A line on standard error, shown while the context lasts and gone after it. Without a terminal it does nothing.

    Parameters
    ----------
    is_wanted
        Whether to show the line at all.
    """

    def __init__(self, *, is_wanted: bool) -> None:
        self._is_wanted = is_wanted and sys.stderr.isatty()
        self._live: Live | None = None
        self._shown_at = -1.0

    def __enter__(self) -> Self:
        if self._is_wanted:
            # Imported when used: rich takes longer to load than the rest of the package.
            from rich.console import Console  # noqa: PLC0415 - see above
            from rich.live import Live  # noqa: PLC0415 - see above

            self._live = Live(console=Console(stderr=True, highlight=False), transient=True, auto_refresh=False)
            self._live.start()
        return self

    def update(self, progress: Progress) -> None:
        """Show how far the run is; calls that come too often are passed over."""
        if self._live is None or progress.seconds - self._shown_at < 1 / _REFRESHES_PER_SECOND:
            return
        self._shown_at = progress.seconds
        self._live.update(_line(progress), refresh=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


def _line(progress: Progress) -> str:
    return (
        f"best {numbers.time(progress.bottleneck)}   proven {numbers.time(progress.lower_bound)}   "
        f"gap {numbers.percent(progress.gap)}   {progress.evaluations} tried   {progress.seconds:.0f} s"
    )
