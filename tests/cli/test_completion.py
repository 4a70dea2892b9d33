"""Completions: the shells read them, and bash and fish complete verbs, options, choices and files by them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from slicegraph.cli import main

COMPLETE_IN_BASH = """
words=("$@")
source "${words[0]}"
COMP_WORDS=("${words[@]:1}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ $(complete -p slicegraph) =~ -F\\ ([^ ]+) ]]
"${BASH_REMATCH[1]}"
printf "%s\\n" "${COMPREPLY[@]}"
"""
CASES = [
    (["s"], {"solve", "sweep", "split"}),
    (["solve", "--max"], {"--max-gap"}),
    (["emit", "plan.json", "--to", "v"], {"vllm"}),
    (["completion", ""], {"bash", "zsh", "fish"}),
]


def shell(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} is installed")
    return path


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", request.param]) == 0
    name: str = request.param
    path = tmp_path / name
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    return path


@pytest.mark.parametrize("script", ["bash", "zsh", "fish"], indirect=True)
def test_the_shell_reads_it(script: Path) -> None:
    subprocess.run([shell(script.name), "-n", script], check=True)


@pytest.mark.parametrize(("typed", "completions"), CASES)
@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_what_was_begun(script: Path, typed: list[str], completions: set[str]) -> None:
    command = [shell("bash"), "-c", COMPLETE_IN_BASH, "bash", str(script), "slicegraph", *typed]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == completions


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_files_where_a_model_belongs(script: Path) -> None:
    (script.parent / "model.onnx").touch()
    command = [shell("bash"), "-c", COMPLETE_IN_BASH, "bash", str(script), "slicegraph", "solve", "mod"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=script.parent)
    assert done.stdout.split() == ["model.onnx"]


@pytest.mark.parametrize(("typed", "completions"), CASES)
@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish_completes_what_was_begun(script: Path, typed: list[str], completions: set[str]) -> None:
    line = " ".join(["slicegraph", *typed])
    command = [shell("fish"), "--no-config", "-c", f'source {script}; complete -C "{line}"']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {row.split("\t")[0] for row in done.stdout.splitlines()} == completions


def test_other_shells_are_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "csh"]) == 2
    assert "argument shell: invalid choice: 'csh'" in capsys.readouterr().err
