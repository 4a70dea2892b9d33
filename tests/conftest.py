"""Hypothesis profiles: some hundred examples in a test run, and most in a soak."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=300, deadline=None, suppress_health_check=_QUIET, print_blob=True)
settings.register_profile("soak", max_examples=20_000, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "quick")
