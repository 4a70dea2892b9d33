"""Sums of blocks in lanes, against lists."""

from __future__ import annotations

import itertools

from scopes import cases
from slicegraph.certificate.resources import Resources

LANE = 64


def lanes(sums: list[int]) -> int:
    return sum(each << LANE * lane for lane, each in enumerate(sums))


def test_lanes_are_lists() -> None:
    num_sums = set()
    for case in cases(150, has_links=False):
        reach, _ = case.scope()
        resources = Resources.of(reach.quotient, case.problem, case.threshold)
        if resources is None:
            continue
        num_blocks, count = case.problem.num_blocks, resources.guards.bit_count()
        num_sums.add(count // num_blocks)
        one, other = ([case.random.choice([0, 1, 5, 2**52, 2**58]) for _ in range(count)] for _ in range(2))
        assert resources.least(lanes(one), lanes(other)) == lanes(list(map(min, one, other)))
        assert resources.most(lanes(one), lanes(other)) == lanes(list(map(max, one, other)))
        is_within = all(sum_ <= cap for sum_, cap in zip(one, other, strict=True))
        assert resources.are_within(lanes(one), lanes(other)) == is_within
        firsts = one[:num_blocks]
        assert resources.up_to_each(lanes(one)) == lanes(list(itertools.accumulate(firsts)))
        assert resources.from_each(lanes(one)) == lanes(list(itertools.accumulate(firsts[::-1]))[::-1])
        assert resources.first_sum(lanes(one)) == sum(firsts)
        caps = [resources.caps >> LANE * lane & 2**LANE - 1 for lane in range(count)]
        assert resources.room_after(lanes(one)) == lanes(
            [max(0, cap - sum_) for cap, sum_ in zip(caps, one, strict=True)]
        )
    assert num_sums >= {1, 2, 3}


def test_a_block_within_its_caps_is_one_below_the_threshold() -> None:
    """Blocks of one node, by the definition."""
    answers = set()
    for case in cases(400, has_links=False):
        reach, _ = case.scope()
        resources = Resources.of(reach.quotient, case.problem, case.threshold)
        if resources is None:
            continue
        for node in range(case.problem.num_nodes):
            for stage in range(case.problem.num_blocks):
                costs = case.unlike.block_cost({node}, stage)
                if not case.unlike.may_be(node, stage):
                    continue
                sums = resources.of_node(node, stage + 1)
                for tensor in reach.quotient.touching[node]:
                    is_made = reach.quotient.producer[tensor] == node
                    of_io = resources.of_export if is_made else resources.of_import
                    sums += of_io(tensor, stage + 1)
                is_better = costs is not None and costs["cost"] < case.threshold
                assert resources.are_within(sums, resources.caps) == is_better
                answers.add(is_better)
    assert answers == {True, False}
