"""``slicegraph device measure``: this machine as a device file."""

from __future__ import annotations

import argparse
import json

from slicegraph.cli import output
from slicegraph.errors import InputError


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    parser.add_argument("action", choices=("measure",), metavar="measure", help="measure one thread of this processor")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the device file to write (.json), which verbs take for a preset"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, what the file holds")


def run(options: argparse.Namespace) -> int:
    """Measure, write, print, and give the exit status."""
    if options.output is not None:
        if not options.output.lower().endswith(".json"):
            raise InputError(f"--output {options.output}: devices are written as .json")
        output.check_place("--output", options.output)
    # Imported when used: it loads all that stages take.
    from slicegraph.report.device import device_to_text  # noqa: PLC0415 - see above
    from slicegraph.stages.this_machine import measure_this_machine  # noqa: PLC0415 - see above

    measured = measure_this_machine()
    writes = [] if options.output is None else [lambda: measured.write(options.output)]
    output.deliver(lambda: json.dumps(measured.document) + "\n" if options.json else device_to_text(measured), *writes)
    return 0
