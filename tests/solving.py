"""The solver inside this process, without workers, for thousands of small models."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from slicegraph.bounds import highs
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.worker import Request


class InProcess(Executor):
    """Solves a request where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_kwargs: Any) -> Future[Any]:
        """Solve `args[0]`, whatever ``fn`` would have done with it."""
        assert fn.__name__ == "solve_model"
        request = args[0]
        assert isinstance(request, Request)
        known = [Outcome()]
        highs.solve(request, report=known.append)
        future: Future[Any] = Future()
        future.set_result(known[-1])
        return future
