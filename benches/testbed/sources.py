"""Where the graphs of a table come from: the files of a folder, or REGAL's models, made when they are needed."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import slicegraph as sg

REGAL = "regal"
"""What stands in place of a folder for the graphs after REGAL's models."""
MODELS = ("barabasi_albert", "erdos_renyi", "stochastic_block", "watts_strogatz")
NUM_SEEDS = 250
"""Of each model: 1,000 graphs in all, as many as the paper took from REGAL."""
_SUFFIXES = (".json.gz", ".json", ".onnx", ".pbtxt", ".txt")


@dataclass(frozen=True, slots=True)
class File:
    """A graph in a file, under a path that every process finds."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without the suffix of its format."""
        suffix = next((suffix for suffix in _SUFFIXES if self.path.name.endswith(suffix)), "")
        return self.path.name.removesuffix(suffix)

    @property
    def is_graph(self) -> bool:
        """Whether the file may hold a graph."""
        return self.name != self.path.name

    def read(self) -> sg.Graph:
        """Read the graph."""
        return sg.read(self.path)


@dataclass(frozen=True, slots=True)
class Regal:
    """A random graph of `slicegraph.generate.regal`, which brings its own device."""

    model: str
    seed: int

    @property
    def name(self) -> str:
        """Model and seed."""
        return f"regal_{self.model}_{self.seed}"

    def read(self) -> sg.Graph:
        """Make the graph."""
        return sg.generate.regal(model=self.model, seed=self.seed)


Source = File | Regal


def sources(where: str) -> Mapping[str, Source]:
    """Give the graphs of a folder, or the thousand of `REGAL`, by name."""
    found: dict[str, Source] = {}
    for source in _regal() if where == REGAL else _files(Path(where)):
        if (other := found.setdefault(source.name, source)) != source and isinstance(other, File):
            sys.exit(f"{where}: a graph of the name {source.name} is in {other.path.name}, too")
    return found


def _regal() -> Iterator[Source]:
    return itertools.starmap(Regal, itertools.product(MODELS, range(NUM_SEEDS)))


def _files(folder: Path) -> Iterator[Source]:
    files = (File(path.resolve()) for path in folder.glob("*"))
    return (file for file in files if file.is_graph)
