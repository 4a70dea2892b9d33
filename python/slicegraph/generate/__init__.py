"""Synthetic computation graphs of several families, for tests and experiments.

A graph is a function of its parameters alone: what is random comes from the integers of numpy's PCG64, a stream that
numpy guarantees, by operations that round in one way only. So a seed means the same graph on every machine. Nodes are
listed in a topological order; a tensor that no node reads is a model output, and every node reads some tensor.
"""

from slicegraph.generate.layered import layered
from slicegraph.generate.lstm_grid import lstm_grid
from slicegraph.generate.random_wired import random_wired
from slicegraph.generate.regal import regal
from slicegraph.generate.series_parallel import series_parallel
from slicegraph.generate.transformer_tower import transformer_tower

__all__ = ["layered", "lstm_grid", "random_wired", "regal", "series_parallel", "transformer_tower"]
