"""A few changed inputs of every kind; `make fuzz` tries many more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from fuzz import mutations
from fuzz.targets import GRAPH, TARGETS

NUMBERS = 150
"""Inputs of a target."""
GROUPS = [list(TARGETS)[first::3] for first in range(3)]
"""Targets that share a process: most of the time of one target is the process's start."""


@pytest.mark.parametrize("targets", GROUPS, ids=" ".join)
def test_nothing_but_a_refusal_comes_of_a_changed_input(targets: list[str]) -> None:
    """In a process of their own: native code that crashes, or an input that hangs, ends that one alone."""
    inputs = NUMBERS * len(targets)
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--target", *targets, "--inputs", str(inputs), "--jobs", "1"],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    each = ", ".join(f"{NUMBERS} {target}" for target in targets)
    assert done.stdout.startswith(f"{inputs} inputs in "), done.stdout
    assert done.stdout.endswith(f"0 failures ({each})\n"), done.stdout


def test_an_input_is_a_function_of_its_number() -> None:
    """What failed can be tried again; and other numbers are other inputs."""
    made = [[_changed(number) for number in range(100)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 80


def _changed(number: int) -> str:
    return repr(mutations.document(Random(number), GRAPH))  # noqa: S311 - no secret
