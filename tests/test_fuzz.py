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


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_but_a_refusal_comes_of_a_changed_input(target: str) -> None:
    """In a process of its own: native code that crashes, or an input that hangs, ends that one alone."""
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--target", target, "--inputs", str(NUMBERS), "--jobs", "1"],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(f"{NUMBERS} inputs in "), done.stdout


def test_an_input_is_a_function_of_its_number() -> None:
    """What failed can be tried again; and other numbers are other inputs."""
    made = [[_changed(number) for number in range(100)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 80


def _changed(number: int) -> str:
    return repr(mutations.document(Random(number), GRAPH))  # noqa: S311 - no secret
