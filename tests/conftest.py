"""Hypothesis profiles: some hundred examples in a test run, and most in a soak; and Ctrl-C for what tests run."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=200, deadline=None, suppress_health_check=_QUIET, print_blob=True)
settings.register_profile("soak", max_examples=20_000, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "quick")

# A shell that runs the tests in the background has them, and all that they start, ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
