"""``python -m proofs``: so many rounds, or as long, from a number on; or one of them, by its number."""

from __future__ import annotations

import argparse
import collections
import time

from proofs.rounds import WrongError, attempt


def main() -> int:
    """Go through rounds, print the count, and give 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m proofs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10_000, help="how many (default: 10000)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: 0)")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long at most (default: 600)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begin, counts, failures = time.monotonic(), collections.Counter[str](), 0
    done = 0
    for number in range(options.first, options.first + options.rounds):
        if time.monotonic() - begin > options.seconds:
            break
        try:
            counts += attempt(options.seed, number)
        except WrongError as error:
            failures += 1
            print(f"--seed {options.seed} --first {number} --rounds 1: {error}", flush=True)  # noqa: T201 - asked for
        done += 1
    each = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    last = options.first + done
    print(  # noqa: T201 - likewise
        f"{done} rounds to {last} in {time.process_time():.0f} s, {failures} failures ({each})", flush=True
    )
    return int(failures > 0)
