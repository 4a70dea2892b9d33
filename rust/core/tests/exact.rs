//! The dynamic program over downsets against trying every partition.

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use common::{half_second, instances, is_acyclic, message, optimum};
use proptest::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::cost::{Device, INFINITE, Instance, Ticks, bottleneck, partition_costs};
use slicegraph_core::domain::{
    BRIEFLY, Confines, Known, Narrowing, Order, PATIENTLY, Reach, SHAVING, Windows, apart, charges, far,
};
use slicegraph_core::effort::{Caps, Halt};
use slicegraph_core::exact::{Params, Progress, Proven, Reason, Thresholds, decide, prove};
use slicegraph_core::graph::GraphBuilder;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::reduce::reduce;

const BYTES: usize = 1 << 26;

fn decided(instance: &Instance, threshold: Ticks) -> Option<Vec<usize>> {
    decide(instance, threshold, None, &mut Caps::new(BYTES, u64::MAX), &Interrupt::never()).expect("no cap")
}

/// What the first blocks of all partitions better than a threshold hold.
fn reach(instance: &Instance, threshold: Ticks) -> Reach {
    let num_blocks = instance.num_blocks();
    let (mut least, mut most) = (vec![INFINITE; num_blocks + 1], vec![0; num_blocks + 1]);
    for block_of in common::partitions(instance) {
        if bottleneck(&partition_costs(instance, &block_of)) >= threshold {
            continue;
        }
        for end in 0..=num_blocks {
            let nodes = instance.graph().nodes().filter(|node| block_of[node.index()] < end);
            let load = nodes.map(|node| instance.load(node)).sum();
            (least[end], most[end]) = (least[end].min(load), most[end].max(load));
        }
    }
    Reach { least, most }
}

fn confined(instance: &Instance, cap: Ticks) -> Option<Confines> {
    let confines = Confines::new(instance, cap, Known::nothing(instance))?;
    confines.by_cuts(instance, cap, PATIENTLY, &Interrupt::never()).expect("nobody interrupts")
}

fn proven(instance: &Instance, incumbent: Ticks, threads: usize) -> Proven {
    let known = Progress { lower_bound: 0, bottleneck: incumbent };
    let params = Params { steps: 64, memory: BYTES, threads, ..Params::default() };
    prove(instance, known, &params, &Interrupt::never(), &mut |_| ControlFlow::Continue(())).expect("good parameters")
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn a_threshold_is_beaten_exactly_above_the_optimum(instance in instances(7, 4), slack in 1..5_i64) {
        let best = optimum(&instance);
        if best < INFINITE {
            prop_assert!(decided(&instance, best).is_none());
            prop_assert!(decided(&instance, best - slack * half_second(&instance)).is_none());
            for above in [1, slack * half_second(&instance)] {
                let block_of = decided(&instance, best + above).expect("the optimum is better");
                prop_assert!(is_acyclic(&instance, &block_of));
                prop_assert!(bottleneck(&partition_costs(&instance, &block_of)) < best + above);
            }
        } else {
            prop_assert!(decided(&instance, 1 << 52).is_none());
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
        let params = Params { steps: 64, memory: BYTES, threads: 1, ..Params::default() };
        for (turn, slack) in slacks.iter().enumerate() {
            let known = Progress { lower_bound: 0, bottleneck: best + slack * half_second(&instance) };
            // The first turn is ended early.
            let mut left = if turn == 0 { reports } else { usize::MAX };
            let mut report = |_| {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let Proven { progress, .. } =
                prove(&instance, known, &params, &Interrupt::never(), &mut report).expect("good parameters");
            prop_assert!(progress.lower_bound <= best && progress.bottleneck >= best);
            prop_assert!(turn == 0 || progress.lower_bound == progress.bottleneck);
        }
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
        for block_of in common::partitions(&instance) {
            if bottleneck(&partition_costs(&instance, &block_of)) < threshold {
                for (node, block) in block_of.into_iter().enumerate() {
                    earliest[node] = earliest[node].min(block + 1);
                    latest[node] = latest[node].max(block + 1);
                }
            }
        }
        let decided = |threshold| {
            let (known, mut caps) = (Some(known.clone()), Caps::new(BYTES, u64::MAX));
            decide(&instance, threshold, known, &mut caps, &Interrupt::never()).expect("no cap")
        };
        prop_assert!(decided(threshold).is_some());
        prop_assert!(decided(best).is_none());
    }

    #[test]
    fn windows_hold_every_better_partition(instance in instances(6, 4), slack in 0..8_i64) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let (threshold, num_blocks) = (best + 1 + slack * half_second(&instance), instance.num_blocks());
        let pairs = apart(&instance, threshold, &[], &Interrupt::never()).expect("nobody interrupts");
        let loads = instance.loads();
        let narrowing = Narrowing::new(instance.graph(), &loads, num_blocks, threshold - 1, &pairs);
        let truth = reach(&instance, threshold);
        for known in [Reach::default(), truth.clone()] {
            let mut narrowed = known;
            let mut windows = Windows::all(loads.len(), num_blocks);
            prop_assert!(narrowing.narrow(&mut narrowed, &mut windows));
            let can_be = narrowing.shave(&instance, threshold, &mut windows, &mut { SHAVING }, &Interrupt::never());
            prop_assert!(can_be.expect("nobody interrupts"));
            prop_assert!(narrowing.narrow(&mut narrowed, &mut windows));
            for end in 0..=num_blocks {
                prop_assert!(narrowed.least[end] <= truth.least[end] && truth.most[end] <= narrowed.most[end]);
            }
            for block_of in common::partitions(&instance) {
                if bottleneck(&partition_costs(&instance, &block_of)) < threshold {
                    for (node, block) in block_of.into_iter().enumerate() {
                        prop_assert!((windows.earliest[node]..=windows.latest[node]).contains(&(block + 1)));
                    }
                }
            }
        }
    }

    #[test]
    fn charges_are_never_more_than_what_a_block_of_a_better_partition_costs(
        instance in instances(7, 4),
        slack in 0..8_i64,
        few in 0..400_i64,
    ) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let cap = best + slack * half_second(&instance);
        let confines = confined(&instance, cap).expect("the optimum is not dearer");
        let pairs = apart(&instance, cap + 1, &[], &Interrupt::never()).expect("nobody interrupts");
        let far = far(instance.graph(), &pairs);
        let Known { windows, charges: loads } = Known::nothing(&instance);
        let mut found = vec![confines.known.charges.clone()];
        for order in [Order::Forward, Order::Backward, Order::Outward] {
            // With few steps, and where it is not known who is far from whom, as of large graphs.
            for (steps, far) in [(PATIENTLY, &*far), (few, &far), (few, &[])] {
                let charges = charges(&instance, cap, far, &windows, order, &mut { steps }, &Interrupt::never());
                let charges = charges.expect("nobody interrupts").expect("the optimum is not dearer");
                prop_assert!(charges.are_all || steps == few);
                found.push(charges.of_nodes);
            }
        }
        for block_of in common::partitions(&instance) {
            let costs = partition_costs(&instance, &block_of);
            if bottleneck(&costs) > cap {
                continue;
            }
            for charges in &found {
                let mut sums = vec![0; instance.num_blocks()];
                for (node, &block) in block_of.iter().enumerate() {
                    prop_assert!(charges[node] >= loads[node]);
                    sums[block] += charges[node];
                }
                prop_assert!(sums.iter().zip(&costs).all(|(sum, cost)| *sum <= cost.cost));
            }
            for (node, &block) in block_of.iter().enumerate() {
                let windows = &confines.known.windows;
                prop_assert!((windows.earliest[node]..=windows.latest[node]).contains(&(block + 1)));
            }
            for end in 0..=instance.num_blocks() {
                let sum: Ticks =
                    block_of.iter().zip(&confines.known.charges).filter(|&(&block, _)| block < end).map(|(_, charge)| charge).sum();
                prop_assert!((confines.reach.least[end]..=confines.reach.most[end]).contains(&sum));
            }
        }
    }

    #[test]
    fn what_is_kept_of_thresholds_holds_for_all_better_partitions_of_their_quotients(
        instance in instances(6, 3),
        slacks in prop::collection::vec((-2..12_i64, any::<bool>()), 1..5),
    ) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let thresholds = Thresholds::default();
        for (slack, is_patient) in slacks {
            let threshold = best + 1 + slack * half_second(&instance) / 2;
            let reduction = reduce(&instance, threshold, &Interrupt::never()).expect("nobody interrupts");
            if reduction.infeasible_group.is_some() || threshold < 1 {
                continue;
            }
            let (quotient, patience) = (&*reduction.instance, if is_patient { PATIENTLY } else { BRIEFLY });
            let (above, _) = thresholds.above(quotient, &reduction.group_of, threshold);
            let asked = thresholds.ask(quotient, &reduction.group_of, threshold, patience, &Interrupt::never());
            let mut all_known = vec![above];
            if let Some(confines) = asked.expect("nobody interrupts") {
                let again = thresholds.recall(&reduction.group_of, threshold, patience).expect("it was asked");
                prop_assert_eq!(&again.known, &confines.known);
                all_known.push(confines.known.clone());
            } else {
                prop_assert!(best >= threshold);
            }
            for block_of in common::partitions(quotient) {
                let costs = partition_costs(quotient, &block_of);
                if bottleneck(&costs) >= threshold {
                    continue;
                }
                for Known { windows, charges } in &all_known {
                    let mut sums = vec![0; quotient.num_blocks()];
                    for (group, &block) in block_of.iter().enumerate() {
                        prop_assert!((windows.earliest[group]..=windows.latest[group]).contains(&(block + 1)));
                        sums[block] += charges[group];
                    }
                    prop_assert!(sums.iter().zip(&costs).all(|(sum, cost)| *sum <= cost.cost));
                }
            }
        }
    }

    #[test]
    fn threads_change_nothing(instance in instances(9, 4)) {
        let (one, two) = (proven(&instance, INFINITE, 1), proven(&instance, INFINITE, 2));
        prop_assert_eq!(one.progress, two.progress);
        prop_assert_eq!(&one.block_of, &two.block_of);
        let counts = |proven: &Proven| (proven.used.downsets, proven.used.transitions, proven.used.branches);
        prop_assert_eq!(counts(&one), counts(&two));
    }

    #[test]
    fn a_cap_gives_no_answer_or_the_right_one(instance in instances(7, 4), steps in 0..2000_u64, bytes in 0..5000_usize) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        for (threshold, is_beaten) in [(best, false), (best + 1, true)] {
            match decide(&instance, threshold, None, &mut Caps::new(bytes, steps), &Interrupt::never()) {
                Ok(found) => prop_assert_eq!(found.is_some(), is_beaten),
                Err(halt) => prop_assert!(matches!(halt, Halt::Steps | Halt::Memory)),
            }
        }
    }
}

#[test]
fn an_interrupt_leaves_what_was_known() {
    let instance = common::chain(50, 4);
    let interrupt = Interrupt::never();
    interrupt.raise();
    let known = Progress { lower_bound: 0, bottleneck: INFINITE };
    let params = Params { steps: 64, memory: BYTES, threads: 1, ..Params::default() };
    let proven =
        prove(&instance, known, &params, &interrupt, &mut |_| ControlFlow::Continue(())).expect("good parameters");
    assert_eq!(proven.progress.lower_bound, instance.combinatorial_bound());
    assert!(proven.proof.is_none() && proven.block_of.is_none());
}

#[test]
fn a_report_can_end_it() {
    let instance = common::chain(50, 4);
    let known = Progress { lower_bound: 0, bottleneck: INFINITE };
    let params = Params { steps: 1 << 20, memory: BYTES, threads: 1, ..Params::default() };
    let mut num_reports = 0;
    let mut report = |_| {
        num_reports += 1;
        if num_reports == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let proven = prove(&instance, known, &params, &Interrupt::never(), &mut report).expect("good parameters");
    assert_eq!(num_reports, 2);
    assert!(proven.block_of.is_some() != proven.proof.is_some(), "the first news is a partition or a bound");
    assert!(proven.progress.lower_bound < proven.progress.bottleneck);
}

#[test]
fn a_dear_node_is_reason_enough() {
    // One second to cross between nodes of one second: whatever stands with the one in the middle, it is three.
    let instance = common::chain(3, 3);
    let all = instance.total_work();
    let proven = proven(&instance, all, 1);
    assert_eq!(proven.progress, Progress { lower_bound: all, bottleneck: all });
    assert!(matches!(proven.proof.expect("above the combinatorial bound").reason, Reason::Cut(_)));
}

#[test]
fn threads_out_of_range_are_named() {
    let instance = common::chain(5, 3);
    let known = Progress { lower_bound: 0, bottleneck: INFINITE };
    let params = Params { steps: 1, memory: BYTES, threads: 0, ..Params::default() };
    let refused = prove(&instance, known, &params, &Interrupt::never(), &mut |_| ControlFlow::Continue(()));
    assert_eq!(message(refused), "threads = 0, but there are from 1 to 4096");
}

/// Nodes of ten seconds in a row, and two seconds for each tensor between two of them.
fn row(num_nodes: usize, num_blocks: usize) -> Instance {
    let mut builder = GraphBuilder::default();
    let nodes: Vec<NodeId> = (0..num_nodes).map(|_| builder.add_node(10.0)).collect();
    nodes.windows(2).for_each(|pair| {
        builder.add_tensor(Some(pair[0]), 2, &[pair[1]]);
    });
    let graph = Arc::new(builder.freeze().expect("a row"));
    Instance::new(graph, &Device::with_bandwidth(1.0), num_blocks, false).expect("small numbers")
}

#[test]
fn nodes_that_no_block_can_hold_with_another_are_charged_all_that_they_pay() {
    let instance = row(4, 4);
    let second = instance.work(NodeId::new(0)) / 10;
    let charges = confined(&instance, 14 * second).expect("each node alone").known.charges;
    assert_eq!(charges, [12, 14, 14, 12].map(|seconds| seconds * second));
}

#[test]
fn more_than_the_blocks_can_cost_together_cannot_be_charged() {
    // A pair costs 22 at the ends and 24 in the middle: two blocks of two are 22 each, three blocks of one or two no less.
    let instance = row(4, 2);
    let second = instance.work(NodeId::new(0)) / 10;
    for (cap, can_be) in [(22 * second, true), (22 * second - 1, false)] {
        assert_eq!(confined(&instance, cap).is_some(), can_be);
    }
}
