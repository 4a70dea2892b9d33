"""The door to the onnxruntime package, which sends telemetry unless it is told not to; here it is told.

Its builds from 1.29 on send what models are loaded, and how, to their maker. The variable ``ORT_DISABLE_TELEMETRY``,
which it reads when it is loaded, turns all of that off; builds for Windows have a call of their own. Where the user's
environment sets the variable, to anything, that counts.
"""

from __future__ import annotations

import os
from typing import Final

_SWITCH: Final = "ORT_DISABLE_TELEMETRY"

_is_users_choice = _SWITCH in os.environ
os.environ.setdefault(_SWITCH, "1")

import onnxruntime  # noqa: E402 - see above

if not _is_users_choice:
    onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
