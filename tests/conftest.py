"""Hypothesis profiles: the same examples in every test run, many new ones in a soak; and Ctrl-C for what tests run."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow]
# A test run has one verdict, on every machine and every day: it draws from the test alone and remembers nothing.
settings.register_profile(
    "quick", max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=_QUIET
)
settings.register_profile(
    "soak", max_examples=20_000, derandomize=False, deadline=None, suppress_health_check=_QUIET, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "quick")

# A shell that runs the tests in the background has them, and all that they start, ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
