"""The policy of `solve` as tables: no thread, no clock, no sleep.

`mutants.py` beside this file changes the policy in these ways, each of which fails a test here:

 1. the chain begins at once after the sweep (``lead`` 8 to 0)
 2. a hardly better partition begins the chain anew (``hardly_better`` .998 to 2)
 3. the exact model is begun however far away (``close`` .95 to 0)
 4. turns do not grow (``growth`` 4 to 1)
 5. proofs begin before the search has had a round (``first_rounds`` 1 to 0)
 6. a partition that is hardly better ends the turn after the sweep (``beaten_after_sweep`` 32 to 8)
 7. a turn is left before the sweep wherever a partition is much better (``is_close`` is not asked)
 8. the exact model is solved again in every turn
 9. frontiers that are too many in the first turn begin the chain
10. a turn that finds partitions does not count as swept
11. what another worker has proven is not told to the exact solver (``narrow``): in `test_workers`
12. a turn ends when its time is over although no worker has news
13. the models of dense graphs wait for the exact solver's sweep (``is_dense`` is not asked)
14. graphs that are not dense are dense (``dense`` 1.8 to 1)
15. the exact solver goes on beside packings (``is_brief`` is not asked when a turn ends)
16. it has another turn beside them
17. its turn beside them is as long as any (``brief_seconds`` .25 to 1)
"""

from __future__ import annotations

import pytest

from slicegraph.solve.events import (
    Begun,
    Broken,
    Closed,
    End,
    Event,
    Improved,
    MethodEnded,
    Proven,
    Report,
    Reproved,
    Run,
    Swept,
    TimeUsed,
    Wait,
    Widened,
)
from slicegraph.solve.schedule import Phase, Schedule, after, new_schedule, next_task
from slicegraph.solve.turn import Turn, ends_decision, ends_turn, news

ALL = ("downsets", "chain", "exact")
NO_PARTITION = 2**52
FIRST, MORE = 2**27, 2**29


def begun(methods: tuple[str, ...] = ALL, *events: Event, now: float = 0.0) -> Schedule:
    """Give the schedule that has begun, after these events at one time."""
    state = new_schedule(methods, no_partition=NO_PARTITION)
    for event in (Begun(), *events):
        state = after(state, event, now)
    return state


def ended(worker: str, method: str, status: str, lower_bound: int = 0, *, has_more: bool = False) -> MethodEnded:
    return MethodEnded(worker=worker, method=method, status=status, lower_bound=lower_bound, has_more=has_more)


def test_nothing_is_proven_before_the_search_has_had_a_round_or_a_second() -> None:
    """Proofs need a good partition."""
    state = new_schedule(ALL, no_partition=NO_PARTITION)
    assert [state.may_prove(now, rounds) for now, rounds in ((0.5, 0), (0.5, 1), (1.0, 0), (1.01, 0))] == [
        False,
        True,
        False,
        True,
    ]
    assert next_task(state, "exact", 0.0)[1] == Wait()
    assert not state.search_waits


def test_the_exact_solver_goes_first_and_the_search_waits_for_its_first_turn() -> None:
    """Narrow graphs are solved then, faster when the search does not take the processors."""
    state, task = next_task(begun(ALL, Improved(bottleneck=100)), "exact", 0.0)
    assert task == Run(method="downsets", seconds=1.0, steps=FIRST)
    assert next_task(state, "relaxed", 0.0)[1] == Wait()
    assert state.search_waits
    for event in (TimeUsed(), ended("exact", "downsets", "time_limit"), Broken(worker="exact"), Closed()):
        assert not after(state, event, 1.0).search_waits


def test_a_run_that_begins_with_a_partition_tries_its_threshold_with_fewer_steps() -> None:
    """The sweep comes after it, and proves more sooner; then there are as many as ever."""
    state = new_schedule(ALL, no_partition=NO_PARTITION, is_warm=True)
    for event in (Improved(bottleneck=100), Begun()):
        state = after(state, event, 0.0)
    assert next_task(state, "exact", 0.0)[1] == Run(method="downsets", seconds=1.0, steps=2**24)
    assert next_task(after(state, Swept(), 0.5), "exact", 0.5)[1] == Run(method="downsets", seconds=1.0, steps=MORE)


def test_what_is_proved_again_of_an_earlier_answer_counts() -> None:
    """It raises the bound, never lowers it, and ends the run when it meets the best partition."""
    state = begun(ALL, Improved(bottleneck=100), Reproved(lower_bound=70), Reproved(lower_bound=60))
    assert (state.lower_bound, state.recorded, state.is_met) == (70, 70, False)
    assert after(state, Reproved(lower_bound=100), 1.0).is_met


def test_the_chain_begins_when_the_exact_solver_has_swept_and_is_too_wide_or_has_had_its_lead() -> None:
    """8 s after the sweep, or at once where frontiers are too many."""
    state = begun(ALL, Improved(bottleneck=100))
    assert next_task(after(state, Widened(), 1.0), "relaxed", 1.0)[1] == Wait()
    state = after(state, Swept(), 2.0)
    assert next_task(state, "relaxed", 2.0)[1] == Wait(until=10.0)
    assert next_task(after(state, Swept(), 5.0), "relaxed", 9.9)[1] == Wait(until=10.0)
    chain = Run(method="chain", seconds=1.0, steps=MORE)
    assert next_task(state, "relaxed", 10.0)[1] == chain
    assert next_task(after(state, Widened(), 3.0), "relaxed", 3.0)[1] == chain


def test_models_of_dense_graphs_begin_after_the_first_turn_of_the_exact_solver() -> None:
    """From 1.8 reads per node on, without its sweep; many graphs are solved in that turn."""
    for density, task in ((1.79, Wait()), (1.8, Run(method="chain", seconds=1.0, steps=FIRST))):
        state = new_schedule(ALL, no_partition=NO_PARTITION, density=density)
        state = after(state, Begun(), 0.0)
        assert next_task(state, "relaxed", 0.5)[1] == Wait()
        assert next_task(after(state, TimeUsed(), 1.0), "relaxed", 1.0)[1] == task


@pytest.mark.parametrize(
    ("density", "num_nodes", "is_packable", "methods", "is_packed", "is_brief"),
    [
        (1.8, 64, True, ALL, True, True),
        (1.8, 63, True, ALL, True, False),
        (1.79, 64, True, ALL, False, False),
        (1.8, 64, False, ALL, False, False),
        (1.8, 64, True, ("downsets",), False, False),
    ],
)
def test_the_exact_solver_ends_with_its_first_turn_where_packings_prove(
    density: float, num_nodes: int, methods: tuple[str, ...], *, is_packable: bool, is_packed: bool, is_brief: bool
) -> None:
    """It proves nothing of large dense graphs in three blocks and more, and takes the time of packings."""
    state = new_schedule(
        methods, no_partition=NO_PARTITION, density=density, num_nodes=num_nodes, is_packable=is_packable
    )
    assert (state.is_packed, state.is_brief) == (is_packed, is_brief)
    for event in (Begun(), Improved(bottleneck=1000)):
        state = after(state, event, 0.0)
    state, task = next_task(state, "exact", 0.0)
    if methods == ALL:
        assert next_task(after(state, TimeUsed(), 1.0), "relaxed", 1.0)[1] == (
            Wait() if density < 1.8 else Run(method="chain", seconds=1.0, steps=FIRST)
        )
    assert task == Run(method="downsets", seconds=0.25 if is_brief else 1.0, steps=FIRST)
    assert not ends_turn(state, turn(is_first=True), report(), 0.9)
    assert ends_turn(state, turn(is_first=True), report(), 1.0) is is_brief
    state = after(state, ended("exact", "downsets", "time_limit", 10), 1.0)
    state, task = next_task(state, "exact", 1.0)
    assert (task == End()) is is_brief
    assert not state.is_done


def test_a_worker_alone_begins_at_once() -> None:
    """Without the exact solver there is nothing to wait for."""
    assert next_task(begun(("chain",)), "relaxed", 0.0)[1] == Run(method="chain", seconds=1.0, steps=FIRST)


@pytest.mark.parametrize(
    ("proven", "has_more", "is_run"),
    [(94, True, False), (95, True, True), (94, False, True)],
)
def test_the_exact_model_is_not_begun_far_from_its_end_while_the_chain_goes_on(
    proven: int, *, has_more: bool, is_run: bool
) -> None:
    """It is of use only when it ends: 95 % have to be proven."""
    state, _ = next_task(begun(("chain", "exact"), Improved(bottleneck=100)), "relaxed", 0.0)
    state = after(state, ended("relaxed", "chain", "time_limit", proven, has_more=has_more), 0.5)
    task = next_task(state, "relaxed", 0.5)[1]
    assert task == (Run(method="exact", seconds=1.0, steps=FIRST) if is_run else Wait(until=1.0))


def test_a_turn_that_took_all_of_its_time_makes_the_next_one_four_times_as_long() -> None:
    """One that ended early does not."""
    state, _ = next_task(begun(("chain",), Improved(bottleneck=100)), "relaxed", 0.0)
    early = after(state, ended("relaxed", "chain", "time_limit"), 0.5)
    early, task = next_task(early, "relaxed", 0.5)
    assert task == Wait(until=1.0)
    again = next_task(after(early, Improved(bottleneck=99), 0.6), "relaxed", 0.6)[1]
    assert again == Run(method="chain", seconds=1.0, steps=FIRST)
    late = after(state, ended("relaxed", "chain", "time_limit"), 1.2)
    assert next_task(late, "relaxed", 1.2)[1] == Run(method="chain", seconds=4.0, steps=FIRST)


def test_a_method_that_is_final_waits_for_a_better_partition() -> None:
    """More time gives nothing."""
    state, _ = next_task(begun(("bottleneck",), Improved(bottleneck=100)), "relaxed", 0.0)
    state, task = next_task(after(state, ended("relaxed", "bottleneck", "optimal", 80), 0.5), "relaxed", 0.5)
    assert (task, state.worker("relaxed").phase) == (Wait(), Phase.SETTLED)
    assert next_task(state, "relaxed", 99.0)[1] == Wait()
    better = after(state, Improved(bottleneck=90), 99.0)
    assert next_task(better, "relaxed", 99.0)[1] == Run(method="bottleneck", seconds=4.0, steps=FIRST)


@pytest.mark.parametrize("status", ["too_large", "failed"])
def test_a_worker_whose_methods_can_do_nothing_ends(status: str) -> None:
    """And what waits for it goes on."""
    state, _ = next_task(begun(ALL, Improved(bottleneck=100)), "exact", 0.0)
    state, task = next_task(after(state, ended("exact", "downsets", status), 0.5), "exact", 0.5)
    assert (task, state.worker("exact").phase) == (End(), Phase.DONE)
    assert isinstance(next_task(state, "relaxed", 0.5)[1], Run)
    assert not state.is_done


def test_bounds_that_meet_end_every_worker() -> None:
    """The best partition's bottleneck is proven: nothing is left to do."""
    state = begun(ALL, Improved(bottleneck=100), ended("exact", "downsets", "optimal", 100))
    assert state.is_met
    for name in ("exact", "relaxed"):
        state, task = next_task(state, name, 0.0)
        assert task == End()
    assert state.is_done


def test_without_a_partition_only_all_ticks_meet() -> None:
    """None fits the memory limit when no threshold has one."""
    assert not begun(ALL, ended("exact", "downsets", "optimal", 100)).is_met
    assert begun(ALL, ended("exact", "downsets", "optimal", NO_PARTITION)).is_met


def test_what_the_mip_solver_says_ends_no_run() -> None:
    """It cannot be proved again: the exact solver goes on."""
    state = begun(ALL, Improved(bottleneck=100))
    state = after(state, ended("relaxed", "exact", "optimal", 99), 6.0)
    assert not state.is_met
    assert isinstance(next_task(state, "exact", 60.0)[1], Run)


def test_the_exact_model_is_not_solved_again() -> None:
    """It has no more to say: in the next turn the chain has all of the time."""
    state = begun(ALL, Improved(bottleneck=100), Swept(), Widened())
    state, _ = next_task(state, "relaxed", 0.0)
    state = after(state, ended("relaxed", "chain", "optimal", 99), 0.2)
    state, task = next_task(state, "relaxed", 0.2)
    assert task == Run(method="exact", seconds=1.0, steps=MORE)
    state = after(state, ended("relaxed", "exact", "optimal", 99), 0.6)
    state, task = next_task(state, "relaxed", 0.6)
    assert task == Wait(until=1.0)
    state, task = next_task(state, "relaxed", 1.0)
    assert task == Run(method="chain", seconds=4.0, steps=MORE)
    state = after(state, ended("relaxed", "chain", "optimal", 99), 1.1)
    assert next_task(state, "relaxed", 1.1)[1] == Wait()


@pytest.mark.parametrize(
    ("known", "best", "proven", "is_renewed"),
    [
        (None, None, 0, False),
        (None, 100, 0, True),
        (1000, 1000, 999, False),
        (1000, 999, 0, False),
        (1000, 998, 0, False),
        (1000, 997, 0, True),
        (1000, 999, 950, True),
    ],
)
def test_a_hardly_better_partition_leaves_the_quotient_as_it_is(
    known: int | None, best: int | None, proven: int, *, is_renewed: bool
) -> None:
    """Unless so much is proven that the rest may be within reach: the chain would begin anew."""
    state = begun(ALL, ended("relaxed", "chain", "time_limit", proven))
    if best is not None:
        state = after(state, Improved(bottleneck=best), 0.0)
    assert state.renews_quotient(known) is is_renewed


def test_a_partition_that_is_no_better_is_no_news() -> None:
    """The best one stays."""
    state = begun(ALL, Improved(bottleneck=100))
    assert after(state, Improved(bottleneck=100), 0.0) is state
    assert after(state, Improved(bottleneck=101), 0.0) is state
    assert after(state, Improved(bottleneck=99), 0.0).bottleneck == 99


def test_what_a_method_proves_while_it_runs_counts_until_it_sums_up() -> None:
    """At most the best bottleneck: nothing is said of partitions that are no better. Then evidence counts."""
    state = begun(ALL, Improved(bottleneck=100))
    state = after(state, Proven(worker="exact", lower_bound=120), 0.0)
    assert state.lower_bound == 100
    state = after(begun(ALL, Improved(bottleneck=100)), Proven(worker="exact", lower_bound=60), 0.0)
    state = after(state, Proven(worker="exact", lower_bound=50), 0.0)
    assert state.lower_bound == 60
    assert after(state, ended("exact", "downsets", "time_limit", 40), 0.0).lower_bound == 40


def test_a_closed_run_ends_everything() -> None:
    """Whatever phase a worker is in."""
    for event in (Swept(), TimeUsed(), Improved(bottleneck=7)):
        state = begun(ALL, event, Closed())
        assert [next_task(state, name, 0.0)[1] for name in ("exact", "relaxed")] == [End(), End()]


def report(lower_bound: int = 0, bottleneck: int = 1000, *, is_swept: bool = False, is_wide: bool = False) -> Report:
    return Report(lower_bound=lower_bound, bottleneck=bottleneck, is_swept=is_swept, is_wide=is_wide)


def turn(*, is_first: bool = False, bottleneck: int | None = 1000) -> Turn:
    return Turn(begin=0.0, seconds=1.0, bottleneck=bottleneck, is_first=is_first)


@pytest.mark.parametrize(
    ("reported", "begun_with", "now", "brings"),
    [
        (report(), turn(), 0.5, ()),
        (report(is_swept=True), turn(), 0.5, (Swept(),)),
        (report(bottleneck=999), turn(), 0.5, (Swept(),)),
        (report(bottleneck=999), turn(bottleneck=None), 0.5, ()),
        (report(is_wide=True), turn(), 0.5, (Widened(),)),
        (report(is_wide=True), turn(is_first=True), 0.5, ()),
        (report(), turn(), 1.0, (TimeUsed(),)),
    ],
)
def test_a_report_of_the_exact_solver_tells_what_others_wait_for(
    reported: Report, begun_with: Turn, now: float, brings: tuple[Event, ...]
) -> None:
    """Where it finds partitions there is nothing to sweep; of the first partition frontiers may be too many."""
    assert news(begun_with, reported, now)[1:] == brings
    assert news(begun_with, reported, now)[0] == Proven(worker="exact", lower_bound=0)


@pytest.mark.parametrize(
    ("best", "swept", "now", "is_first", "ends"),
    [
        (1000, True, 0.9, True, False),
        (1000, True, 1.0, True, True),
        (1000, False, 1.0, True, False),
        (1000, True, 9.0, False, False),
        (999, True, 1.0, False, True),
        (999, False, 9.0, False, False),
    ],
)
def test_a_turn_of_the_exact_solver_goes_on_after_the_sweep_as_long_as_no_worker_has_news(
    best: int, *, swept: bool, now: float, is_first: bool, ends: bool
) -> None:
    """The first turn ends with its time, so that the search goes on; before the sweep none does."""
    state = begun(ALL, Improved(bottleneck=best), *([Swept()] if swept else []))
    assert ends_turn(state, turn(is_first=is_first), report(), now) is ends


@pytest.mark.parametrize(
    ("best", "swept", "proven", "now", "ends"),
    [
        (960, True, 0, 0.25, True),  # 40 of 1000 open are more than a 32nd
        (970, True, 0, 0.25, False),  # 30 are not
        (960, True, 0, 0.24, False),  # a quarter of the turn is taken at least
        (960, False, 0, 0.25, False),  # before the sweep all of it, far from a proof
        (990, False, 941, 0.25, True),  # 95 % of 990 are proven, and 10 of 59 open are more than an eighth
        (990, False, 940, 0.25, False),  # not quite 95 %
        (993, False, 944, 0.25, False),  # 7 of 56 are an eighth, and no more
    ],
)
def test_a_much_better_partition_ends_a_turn_early(
    best: int, *, swept: bool, proven: int, now: float, ends: bool
) -> None:
    """Thresholds that another worker beats teach nothing; what comes before the sweep is left only near a proof."""
    state = begun(ALL, Improved(bottleneck=best), *([Swept()] if swept else []))
    state = after(state, Proven(worker="exact", lower_bound=proven), 0.0)
    assert ends_turn(state, turn(), report(lower_bound=proven), now) is ends


def test_a_bound_that_meets_the_best_partition_ends_a_turn() -> None:
    """So does the end of the run."""
    state = begun(ALL, Improved(bottleneck=1000))
    assert ends_turn(state, turn(), report(lower_bound=1000), 0.0)
    assert not ends_turn(state, turn(), report(lower_bound=999), 0.0)
    assert ends_turn(after(state, Closed(), 0.0), turn(), report(), 0.0)


@pytest.mark.parametrize(
    ("best", "proven", "now", "ends"),
    [(1000, 0, 0.0, False), (999, 0, 0.0, True), (1000, 1000, 0.0, True), (1000, 0, 1.0, True)],
)
def test_what_the_chain_asks_ends_with_an_answer_its_time_or_a_better_partition(
    best: int, proven: int, now: float, *, ends: bool
) -> None:
    """A threshold that is beaten needs no decision."""
    state = begun(ALL, Improved(bottleneck=best))
    assert ends_decision(state, turn(), report(lower_bound=proven), now) is ends
