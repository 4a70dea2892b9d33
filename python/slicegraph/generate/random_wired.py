"""Randomly wired convolutional networks."""

from __future__ import annotations

from dataclasses import dataclass

from slicegraph.errors import InputError
from slicegraph.generate import models
from slicegraph.generate.checks import check_counts, check_probabilities, check_seed
from slicegraph.generate.facts import FactsBuilder
from slicegraph.generate.stream import Stream
from slicegraph.graph import Graph

_COLOURS, _FEATURES, _CLASSES = 3, 1280, 1000


def random_wired(
    *,
    num_stages: int = 3,
    nodes_per_stage: int = 32,
    degree: int = 4,
    rewiring: float = 0.75,
    channels: int = 78,
    resolution: int = 224,
    batch: int = 1,
    seed: int = 0,
) -> Graph:
    """Make a randomly wired image classifier: RandWire-WS of the paper's small regime, by default.

    Two convolutions halve the picture twice, then come stages. A stage is a random graph of Watts and Strogatz, whose
    nodes are in the order of the ring, and every wired node is a weighted sum of what it reads, a ReLU, a 3 x 3
    convolution of each channel, one of 1 x 1 across channels, and a batch norm. Wired nodes that have no input read the
    stage's input and halve the picture; those that no node reads are averaged. Each stage has twice the channels of the
    one before. A convolution to 1,280 channels, an average over the picture and a linear layer end it.

    Parameters
    ----------
    num_stages
        Randomly wired stages.
    nodes_per_stage, degree, rewiring
        Of the Watts-Strogatz graphs WS(n, k, p): nodes, neighbours of each in the ring (an even number below n), and
        the probability that an edge gets another end.
    channels
        Of the first stage, an even number.
    resolution
        Height and width of the picture.
    batch
        Pictures at once.
    seed
        From 0 to 2^64 - 1.

    Returns
    -------
    Graph
        With flops, bytes read and written, and parameters, by formula, at two bytes for each element. It names no
        device.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Notes
    -----
    O(nodes + reads); about five nodes for each wired one. By default some 580 million multiplications with additions
    and 5.7 million parameters; the paper has 583 and 5.6. Source: Xie, Kirillov, Girshick, He, *Exploring Randomly
    Wired Neural Networks for Image Recognition*, ICCV 2019.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.generate.random_wired(seed=2)
    >>> graph.name
    'random_wired-3x32-c78-s2'
    >>> instance = sg.Instance(graph, device=sg.Device.preset("edgetpu"), num_blocks=4)
    """
    check_counts(num_stages=num_stages, resolution=resolution, batch=batch)
    check_counts(2, degree=degree, channels=channels)
    for name, value in (("degree", degree), ("channels", channels)):
        if value % 2:
            raise InputError(f"{name} = {value}, but it is even")
    check_counts(degree + 1, nodes_per_stage=nodes_per_stage)
    check_probabilities(rewiring=rewiring)
    check_seed(seed)
    stream = Stream(seed)
    builder = FactsBuilder(f"random_wired-{num_stages}x{nodes_per_stage}-c{channels}-s{seed}")
    picture = _Maps(builder.model_input(batch * _COLOURS * resolution**2), batch, _COLOURS, resolution)
    maps = _unit(builder, "conv1", picture, channels // 2, 2)
    maps = _unit(builder, "conv2", _elementwise(builder, "relu", "conv2.relu", [maps]), channels, 2)
    for stage in range(num_stages):
        edges = models.watts_strogatz(stream, nodes_per_stage, degree=degree, rewiring=rewiring)
        reads: list[list[int]] = [[] for _ in range(nodes_per_stage)]
        for node, other in edges.T.tolist():
            reads[max(node, other)].append(min(node, other))
        maps = _stage(builder, f"stage{stage}", maps, channels << stage, reads)
    maps = _elementwise(builder, "relu", "head.relu", [maps])
    maps = _unit(builder, "head", maps, _FEATURES, 1, kernel=1)
    maps = _elementwise(builder, "relu", "head.relu2", [maps])
    pooled = builder.node("mean", "head.pool", [maps.tensor], batch * _FEATURES, flops=maps.elements)
    flops = batch * _CLASSES * (2 * _FEATURES + 1)
    parameters = (_FEATURES + 1) * _CLASSES
    builder.model_output(
        builder.node("linear", "head.linear", [pooled], batch * _CLASSES, flops=flops, parameters=parameters)
    )
    return builder.graph()


@dataclass(frozen=True, slots=True)
class _Maps:
    """A tensor of pictures."""

    tensor: int
    batch: int
    channels: int
    side: int

    @property
    def elements(self) -> int:
        return self.batch * self.channels * self.side**2


def _stage(builder: FactsBuilder, name: str, maps: _Maps, channels: int, reads: list[list[int]]) -> _Maps:
    """Wire one stage; ``reads`` are the lower nodes that each node reads."""
    made: list[_Maps] = []
    for node, sources in enumerate(reads):
        label = f"{name}.{node}"
        inputs = [made[source] for source in sorted(sources)] or [maps]
        if len(inputs) > 1:
            inputs = [_elementwise(builder, "weighted_sum", f"{label}.sum", inputs, has_weights=True)]
        relu = _elementwise(builder, "relu", f"{label}.relu", inputs)
        stride = 1 if sources else 2
        deep = _convolution(builder, f"{label}.depthwise", relu, relu.channels, stride, kernel=3, groups=relu.channels)
        made.append(_unit(builder, label, deep, channels, 1, kernel=1))
    is_read = set().union(*reads)
    last = [made[node] for node in range(len(made)) if node not in is_read]
    return _elementwise(builder, "average", f"{name}.average", last) if len(last) > 1 else last[0]


def _unit(builder: FactsBuilder, name: str, maps: _Maps, channels: int, stride: int, *, kernel: int = 3) -> _Maps:
    """Convolve and normalize."""
    maps = _convolution(builder, f"{name}.conv", maps, channels, stride, kernel=kernel, groups=1)
    tensor = builder.node(
        "batch_norm",
        f"{name}.batch_norm",
        [maps.tensor],
        maps.elements,
        flops=2 * maps.elements,
        parameters=4 * channels,
    )
    return _Maps(tensor, maps.batch, channels, maps.side)


def _convolution(
    builder: FactsBuilder, name: str, maps: _Maps, channels: int, stride: int, *, kernel: int, groups: int
) -> _Maps:
    side = -(-maps.side // stride)
    weights = channels * (maps.channels // groups) * kernel**2
    positions = maps.batch * side**2
    tensor = builder.node(
        "conv", name, [maps.tensor], positions * channels, flops=2 * positions * weights, parameters=weights
    )
    return _Maps(tensor, maps.batch, channels, side)


def _elementwise(builder: FactsBuilder, op: str, name: str, inputs: list[_Maps], *, has_weights: bool = False) -> _Maps:
    """Combine pictures of one shape: one operation for each of their elements, or, with weights, one more to add it."""
    maps, count = inputs[0], len(inputs)
    tensor = builder.node(
        op,
        name,
        [each.tensor for each in inputs],
        maps.elements,
        flops=(2 * count - 1 if has_weights else count) * maps.elements,
        parameters=count if has_weights else 0,
    )
    return _Maps(tensor, maps.batch, maps.channels, maps.side)
