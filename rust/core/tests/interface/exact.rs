//! The exact solver against trying every partition.

use std::ops::ControlFlow;

use crate::common::{half_second, instances, is_acyclic, message, optimum, small_params};
use proptest::prelude::*;
use slicegraph_core::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use slicegraph_core::domain::{Known, Windows};
use slicegraph_core::exact::{Limits, Progress, ProofState, Proven, Reason, decide, prove};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::query::{Effort, Halt, Query};

const BYTES: usize = 1 << 26;
const LIMITS: Limits = Limits { steps: 64, work: u64::MAX, memory: BYTES, threads: 1 };

fn decided(
    instance: &Instance,
    threshold: Ticks,
    known: Option<&Known>,
    (bytes, steps): (usize, u64),
) -> Result<Option<Vec<usize>>, Halt> {
    let (params, interrupt) = (small_params(), Interrupt::never());
    let query = Query { instance, threshold, params: &params, interrupt: &interrupt };
    decide(&query, known.cloned(), &mut Effort::new(bytes, steps))
}

fn found(instance: &Instance, threshold: Ticks) -> Option<Vec<usize>> {
    decided(instance, threshold, None, (BYTES, u64::MAX)).expect("enough effort")
}

/// Proves in a turn that ends when the report says so.
fn run(
    instance: &Instance,
    incumbent: Ticks,
    limits: Limits,
    state: &ProofState,
    report: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Proven {
    let known = Progress { lower_bound: 0, bottleneck: incumbent };
    prove(instance, known, limits, None, state, &Interrupt::never(), report).expect("good parameters")
}

fn proven(instance: &Instance, incumbent: Ticks, threads: usize) -> Proven {
    let state = ProofState::new(small_params());
    run(instance, incumbent, Limits { threads, ..LIMITS }, &state, &mut |_| ControlFlow::Continue(()))
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn a_threshold_is_beaten_exactly_above_the_optimum(instance in instances(7, 4), slack in 1..5_i64) {
        let best = optimum(&instance);
        if best < INFINITE {
            prop_assert!(found(&instance, best).is_none());
            prop_assert!(found(&instance, best - slack * half_second(&instance)).is_none());
            for above in [1, slack * half_second(&instance)] {
                let block_of = found(&instance, best + above).expect("the optimum is better");
                prop_assert!(is_acyclic(&instance, &block_of));
                prop_assert!(bottleneck(&partition_costs(&instance, &block_of)) < best + above);
            }
        } else {
            prop_assert!(found(&instance, 1 << 52).is_none());
        }
    }

    #[test]
    fn proving_ends_at_the_optimum(instance in instances(7, 4), slack in 0..30_i64) {
        let best = optimum(&instance);
        let incumbent = if best < INFINITE { best + slack * half_second(&instance) } else { INFINITE };
        let Proven { progress: Progress { lower_bound, bottleneck: found }, block_of, proof, .. } =
            proven(&instance, incumbent, 1);
        if best < INFINITE {
            prop_assert_eq!((lower_bound, found), (best, best));
            prop_assert_eq!(block_of.is_some(), slack > 0);
        } else {
            prop_assert!(lower_bound >= 1 << 52 && block_of.is_none());
        }
        if let Some(block_of) = block_of {
            prop_assert_eq!(bottleneck(&partition_costs(&instance, &block_of)), best);
        }
        let source = proof.map_or(instance.combinatorial_bound(), |proof| proof.threshold);
        prop_assert_eq!(source, lower_bound);
    }

    #[test]
    fn what_cuts_have_said_serves_other_turns(
        instance in instances(7, 4),
        slacks in prop::collection::vec(0..30_i64, 2..4),
        reports in 1..4_usize,
    ) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let state = ProofState::new(small_params());
        for (turn, slack) in slacks.iter().enumerate() {
            let incumbent = best + slack * half_second(&instance);
            // The first turn is ended early.
            let mut left = if turn == 0 { reports } else { usize::MAX };
            let mut report = |_| {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let Proven { progress, .. } = run(&instance, incumbent, LIMITS, &state, &mut report);
            prop_assert!(progress.lower_bound <= best && progress.bottleneck >= best);
            prop_assert!(turn == 0 || progress.lower_bound == progress.bottleneck);
        }
    }

    /// Turns that their work ends say what is true, end at the optimum, and are the same with any number of threads.
    #[test]
    fn work_ends_a_turn_and_decides_what_comes_of_it(instance in instances(7, 4), work in 0..200_u64) {
        let best = optimum(&instance);
        let turns = |threads: usize| {
            let (state, mut work, mut turns) = (ProofState::new(small_params()), work, Vec::new());
            let mut incumbent = INFINITE;
            loop {
                let limits = Limits { work, threads, ..LIMITS };
                let proven = run(&instance, incumbent, limits, &state, &mut |_| ControlFlow::Continue(()));
                let Progress { lower_bound, bottleneck } = proven.progress;
                incumbent = incumbent.min(bottleneck);
                turns.push((proven.progress, proven.block_of, proven.counts, proven.work));
                if lower_bound >= bottleneck {
                    break turns;
                }
                assert!(proven.work >= work, "{} of {work} steps", proven.work);
                work = 2 * work + 1;
            }
        };
        let one = turns(1);
        for (progress, ..) in &one {
            prop_assert!(progress.lower_bound <= best || best == INFINITE);
            prop_assert!(progress.bottleneck >= best.min(1 << 52));
        }
        prop_assert_eq!(turns(2), one);
    }

    #[test]
    fn within_the_windows_of_all_better_partitions_nothing_is_lost(instance in instances(6, 3)) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let threshold = best + 1 + half_second(&instance);
        let mut known = Known::nothing(&instance);
        let Windows { earliest, latest } = &mut known.windows;
        earliest.fill(instance.num_blocks());
        latest.fill(1);
        for block_of in crate::common::partitions(&instance) {
            if bottleneck(&partition_costs(&instance, &block_of)) < threshold {
                for (node, block) in block_of.into_iter().enumerate() {
                    earliest[node] = earliest[node].min(block + 1);
                    latest[node] = latest[node].max(block + 1);
                }
            }
        }
        let found = |threshold| decided(&instance, threshold, Some(&known), (BYTES, u64::MAX)).expect("enough effort");
        prop_assert!(found(threshold).is_some());
        prop_assert!(found(best).is_none());
    }

    #[test]
    fn threads_change_nothing(instance in instances(9, 4)) {
        let (one, two) = (proven(&instance, INFINITE, 1), proven(&instance, INFINITE, 2));
        prop_assert_eq!(one.progress, two.progress);
        prop_assert_eq!(&one.block_of, &two.block_of);
        prop_assert_eq!(one.counts, two.counts);
    }

    #[test]
    fn little_effort_gives_no_answer_or_the_right_one_and_enough_of_it_the_right_one(
        instance in instances(7, 4),
        steps in 0..2000_u64,
        bytes in 0..5000_usize,
    ) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        for (threshold, is_beaten) in [(best, false), (best + 1, true)] {
            let (mut bytes, mut steps) = (bytes, steps);
            // A halt is for want of effort alone: with ever more of it there is an answer.
            let found = loop {
                match decided(&instance, threshold, None, (bytes, steps)) {
                    Ok(found) => break found,
                    Err(halt) => prop_assert!(halt != Halt::Interrupted, "no interrupt"),
                }
                prop_assert!(steps < 1 << 26 && bytes < BYTES, "{} steps and {} bytes", steps, bytes);
                (steps, bytes) = (2 * steps + 1, 2 * bytes + 1);
            };
            prop_assert_eq!(found.is_some(), is_beaten);
        }
    }
}

#[test]
fn an_interrupt_leaves_what_was_known() {
    let instance = crate::common::chain(50, 4);
    let interrupt = Interrupt::never();
    interrupt.raise();
    let known = Progress { lower_bound: 0, bottleneck: INFINITE };
    let state = ProofState::default();
    let proven = prove(&instance, known, LIMITS, None, &state, &interrupt, &mut |_| ControlFlow::Continue(()))
        .expect("good parameters");
    assert_eq!(proven.progress.lower_bound, instance.combinatorial_bound());
    assert!(proven.proof.is_none() && proven.block_of.is_none());
}

#[test]
fn a_report_can_end_it() {
    let instance = crate::common::chain(50, 4);
    let limits = Limits { steps: 1 << 20, ..LIMITS };
    let mut num_reports = 0;
    let mut report = |_| {
        num_reports += 1;
        if num_reports == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let proven = run(&instance, INFINITE, limits, &ProofState::default(), &mut report);
    assert_eq!(num_reports, 2);
    assert!(proven.block_of.is_some() != proven.proof.is_some(), "the first news is a partition or a bound");
    assert!(proven.progress.lower_bound < proven.progress.bottleneck);
}

#[test]
fn an_expensive_node_is_reason_enough() {
    // One second to cross between nodes of one second: whatever stands with the one in the middle, it is three.
    let instance = crate::common::chain(3, 3);
    let all = instance.only().works().iter().sum::<Ticks>();
    let proven = proven(&instance, all, 1);
    assert_eq!(proven.progress, Progress { lower_bound: all, bottleneck: all });
    assert!(matches!(proven.proof.expect("above the combinatorial bound").reason, Reason::Cut(_)));
}

#[test]
fn threads_out_of_range_are_named() {
    let instance = crate::common::chain(5, 3);
    let known = Progress { lower_bound: 0, bottleneck: INFINITE };
    let (limits, state) = (Limits { threads: 0, ..LIMITS }, ProofState::default());
    let report = &mut |_| ControlFlow::Continue(());
    let refused = prove(&instance, known, limits, None, &state, &Interrupt::never(), report);
    assert_eq!(message(refused), "threads = 0, but there are from 1 to 4096");
}
