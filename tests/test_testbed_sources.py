"""The graphs of a testbed: files of a folder, and REGAL's models, which need no file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from testbed.sources import MODELS, NUM_SEEDS, Regal, sources


def test_regal_is_a_thousand_graphs_of_four_models() -> None:
    """Each by its name the same graph again, and no two alike."""
    found = sources("regal")
    assert len(found) == 1000
    assert Counter(source.model for source in found.values() if isinstance(source, Regal)) == dict.fromkeys(
        MODELS, NUM_SEEDS
    )
    some = [found[f"regal_{model}_{seed}"] for model in MODELS for seed in (0, 249)]
    graphs = [source.read() for source in some]
    assert [source.read().digest for source in some] == [graph.digest for graph in graphs]
    assert len({graph.digest for graph in graphs}) == len(graphs)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("net.json", "other.json", "notes.md", "net.json.gz"):
        (tmp_path / name).touch()
    with pytest.raises(SystemExit, match=r"a graph of the name net is in net\.json"):
        sources(str(tmp_path))
    (tmp_path / "net.json").unlink()
    assert sorted(sources(str(tmp_path))) == ["net", "other"]
