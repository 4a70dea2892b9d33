"""Known optima, from a Markdown table."""

from __future__ import annotations

from pathlib import Path

from testbed.optima import Optimum, optimum_of, read_optima


def test_a_head_may_stand_for_several_numbers_of_blocks(tmp_path: Path) -> None:
    """And tables of something else, before it and behind it, are left alone."""
    path = tmp_path / "optima.md"
    table = "| graph | k=2 | 4, 8 |\n|---|---|---|\n| net | 5000 | ≤4000 |\n"
    others = "| input | optimum (seconds) |\n|---|---|\n| net | 5 (0.1) |\n"
    path.write_text(f"Text.\n\n{others}\nText.\n\n{table}\nText.\n\n{others}", encoding="utf-8")
    optima = read_optima(path)
    assert optima == {
        ("net_inference", 2): Optimum(5.0, is_proven=True),
        ("net_inference", 4): Optimum(4.0, is_proven=False),
        ("net_inference", 8): Optimum(4.0, is_proven=False),
    }
    assert optimum_of({"graph": "some_net_inference", "k": "2"}, optima) == Optimum(5.0, is_proven=True)
    assert optimum_of({"graph": "some_net_inference", "k": "3"}, optima) is None
    assert optimum_of({"graph": "some_net_training", "k": "2"}, optima) is None
