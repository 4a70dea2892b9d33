"""What tuning has found, for people: a row for each round, then the stages of the best plan."""

from __future__ import annotations

from collections.abc import Iterator

from slicegraph.errors import printable
from slicegraph.report import numbers
from slicegraph.report.clocks import parting
from slicegraph.report.screen import Screen, Table
from slicegraph.tuning import Round, Tuning


def tuning_to_text(tuning: Tuning) -> str:
    """Give predicted and measured seconds of each round, and of each stage of the best."""
    screen = Screen()
    graph = tuning.graph
    screen.say(f"{printable(graph.name) or 'graph'}: {graph.num_nodes} nodes, {graph.num_tensors} tensors")
    if tuning.best is None:
        screen.say("no plan was measured in time; the one that is given has the costs of the profile")
        return screen.text
    rounds = Table(heads=("round", "work of", "predicted", "measured", "error", "took", ""), left=("work of",))
    for index, one in enumerate(tuning.rounds):
        is_best = index == tuning.best
        rounds.add((str(index + 1), *_row(one), "<" if is_best else ""), is_bold=is_best)
    screen.show(rounds)
    best, costs = tuning.rounds[tuning.best], tuning.result.block_costs
    used = sorted(set(tuning.result.block_of.tolist()))
    screen.say(f"stages of round {tuning.best + 1}, the best as measured, one thread each")
    stages = Table(heads=("stage", "nodes", "predicted", "corrected", "measured", "error", ""))
    for stage, block in zip(best.stages, used, strict=True):
        is_bottleneck = stage.measured == best.measured
        cells = (
            str(block),
            str(int((tuning.result.block_of == block).sum())),
            *(numbers.time(seconds) for seconds in (stage.predicted, costs[block].cost, stage.measured)),
            _error(costs[block].cost, stage.measured),
            "<" if is_bottleneck else "",
        )
        stages.add(cells, is_bold=is_bottleneck)
    screen.show(stages)
    return screen.text


def notes(tuning: Tuning) -> Iterator[str]:
    """Say, a line each, what disturbed the measurements, and what ended them early."""
    if tuning.is_interrupted:
        count = len(tuning.rounds)
        yield f"interrupted: what is given rests on {count} {'round' if count == 1 else 'rounds'}"
    stages = [stage for one in tuning.rounds for stage in one.stages]
    if stages:
        worst = max(stages, key=lambda stage: stage.wall - stage.measured)
        yield from parting("a stage", worst.wall, worst.measured)


def _row(one: Round) -> tuple[str, ...]:
    times = (numbers.time(one.predicted), numbers.time(one.measured))
    return (one.start, *times, _error(one.predicted, one.measured), numbers.time(one.seconds))


def _error(predicted: float, measured: float) -> str:
    return f"{predicted / measured - 1:+.1%}" if measured else "-"
