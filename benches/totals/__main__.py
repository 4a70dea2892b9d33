"""``make totals``: the table of totals, written into a folder if one is named; exit status 1 if a model is off.

``python -m totals [--only NAME] [FOLDER]``
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from totals import jax_models, onnx_models, torch_models
from totals.row import HEADER, Row

_TITLE = """# Totals

`make totals`: real architectures as `from_torch`, `from_jax` and `read` count them, beside others. A reference counts
products and convolutions (FlopCounterMode), all operations before compilation (XLA), or all definitions
(`benches/definitions`). "Beside" is what it leaves out: for PyTorch what runs eagerly at 1 per element, 5 to normalise,
and biases; for XLA the products with padding. Bytes are those of each operator that is dispatched, each equation, or
each definition; stored ones are of the distinct parameters and buffers that are read, "+" what the program makes of
nothing.
"""


def main() -> int:
    """Count, show and write."""
    parser = argparse.ArgumentParser(prog="totals", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="models whose name begins so")
    parser.add_argument("folder", nargs="?", type=Path, help="where to write the table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [row for models in (torch_models, jax_models, onnx_models) for row in models.rows(options.only)]
    text = table(rows)
    print(text)
    if options.folder is not None:
        today = dt.datetime.now(tz=dt.UTC).date()
        (options.folder / f"{today}-totals.md").write_text(f"{_TITLE}\n{text}", encoding="utf-8")
    return int(any(row.is_off for row in rows))


def table(rows: Sequence[Row]) -> str:
    """Lay out one line for each model, and name those that are off."""
    lines = [f"| {' | '.join(HEADER)} |", "|" + "---|" * len(HEADER)]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    off = ", ".join(row.model for row in rows if row.is_off)
    return "\n".join([*lines, "", f"{len(rows)} models; over 1 % off, or storing others: {off or 'none'}.", ""])


if __name__ == "__main__":
    sys.exit(main())
