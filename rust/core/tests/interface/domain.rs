//! Windows, incompatible pairs and node weights against trying every partition.

use std::sync::Arc;

use crate::common::{half_second, instances, optimum, partitions, small_params};
use proptest::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::cost::{Device, INFINITE, Instance, Ticks, bottleneck, partition_costs};
use slicegraph_core::domain::{
    DomainCache, Domains, Known, Order, PrefixWeights, Propagation, Windows, incompatibility, incompatible_pairs,
    node_weights,
};
use slicegraph_core::graph::GraphBuilder;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::query::{ExactParams, Query};
use slicegraph_core::reduce::reduce;

/// What the first blocks of all partitions better than a threshold weigh, by loads.
fn prefix_weights(instance: &Instance, threshold: Ticks) -> PrefixWeights {
    let num_blocks = instance.num_blocks();
    let (mut least, mut most) = (vec![INFINITE; num_blocks + 1], vec![0; num_blocks + 1]);
    for block_of in partitions(instance) {
        if bottleneck(&partition_costs(instance, &block_of)) >= threshold {
            continue;
        }
        for end in 0..=num_blocks {
            let nodes = instance.graph().nodes().filter(|node| block_of[node.index()] < end);
            let load = nodes.map(|node| instance.only().load(node)).sum();
            (least[end], most[end]) = (least[end].min(load), most[end].max(load));
        }
    }
    PrefixWeights { least, most }
}

/// The least incompatible pairs, given some.
fn pairs(instance: &Instance, threshold: Ticks, known: &[(NodeId, NodeId)]) -> Vec<(NodeId, NodeId)> {
    let (params, interrupt) = (ExactParams::default(), Interrupt::never());
    let query = Query { instance, threshold, params: &params, interrupt: &interrupt };
    incompatible_pairs(&query, known, &mut 0).expect("no interrupt")
}

/// All that minimum cuts say of a threshold.
fn narrowed(instance: &Instance, threshold: Ticks) -> Option<Domains> {
    let (params, interrupt) = (ExactParams::default(), Interrupt::never());
    let query = Query { instance, threshold, params: &params, interrupt: &interrupt };
    let domains = Domains::new(&query, Known::nothing(instance))?;
    domains.by_cuts(&query, params.domain.patient_steps, &mut 0).expect("no interrupt").ok()
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn no_cheap_block_holds_an_incompatible_pair(
        instance in instances(7, 3),
        threshold in 0..60_i64,
        more in 0..10_i64,
    ) {
        let [threshold, more] = [threshold, more].map(|halves| halves * half_second(&instance));
        let found = |threshold, known: &[_]| {
            let mut pairs = pairs(&instance, threshold, known);
            pairs.sort_unstable();
            pairs
        };
        let pairs = found(threshold, &[]);
        prop_assert_eq!(&found(threshold, &found(threshold + more, &[])), &pairs);
        for block_of in partitions(&instance) {
            let costs = partition_costs(&instance, &block_of);
            for &(u, v) in &pairs {
                let [first, last] = [u, v].map(|node| block_of[node.index()]);
                prop_assert!(first <= last);
                prop_assert!(first < last || costs[first].cost >= threshold);
            }
        }
    }

    #[test]
    fn windows_hold_every_better_partition(instance in instances(6, 4), slack in 0..8_i64) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let (threshold, num_blocks) = (best + 1 + slack * half_second(&instance), instance.num_blocks());
        let (params, interrupt) = (ExactParams::default(), Interrupt::never());
        let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
        let loads = instance.only().loads();
        let propagation = Propagation::new(&query, &loads, &pairs(&instance, threshold, &[]));
        let truth = prefix_weights(&instance, threshold);
        for known in [PrefixWeights::default(), truth.clone()] {
            let mut narrowed = known;
            let mut windows = Windows::all(loads.len(), num_blocks);
            prop_assert!(propagation.narrow(&mut narrowed, &mut windows));
            let can_be = propagation.shave(&query, &mut windows, &mut { params.domain.window_steps }, &mut Vec::new());
            prop_assert!(can_be.expect("no interrupt"));
            prop_assert!(propagation.narrow(&mut narrowed, &mut windows));
            for end in 0..=num_blocks {
                prop_assert!(narrowed.least[end] <= truth.least[end] && truth.most[end] <= narrowed.most[end]);
            }
            for block_of in partitions(&instance) {
                if bottleneck(&partition_costs(&instance, &block_of)) < threshold {
                    for (node, block) in block_of.into_iter().enumerate() {
                        prop_assert!((windows.earliest[node]..=windows.latest[node]).contains(&(block + 1)));
                    }
                }
            }
        }
    }

    #[test]
    fn blocks_of_better_partitions_cost_at_least_what_their_nodes_weigh(
        instance in instances(7, 4),
        slack in 0..8_i64,
        few in 0..400_i64,
    ) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let threshold = best + 1 + slack * half_second(&instance);
        let domains = narrowed(&instance, threshold).expect("the optimum is better");
        let (params, interrupt) = (small_params(), Interrupt::never());
        let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
        let rows = incompatibility(instance.graph(), &pairs(&instance, threshold, &[]), usize::MAX);
        let Known { windows, weights: loads } = Known::nothing(&instance);
        let mut found = vec![domains.known.weights.clone()];
        let enough = params.domain.patient_steps;
        for order in [Order::Forward, Order::Backward, Order::Outward] {
            // With few steps, and where incompatible nodes are not known, as of large graphs.
            for (steps, rows) in [(enough, &*rows), (few, &rows), (few, &[])] {
                let weights = node_weights(&query, rows, &windows, order, &mut { steps }, &mut Vec::new());
                let weights = weights.expect("no interrupt").expect("the optimum is better");
                prop_assert!(weights.are_complete || steps == few);
                found.push(weights.weights);
            }
        }
        for block_of in partitions(&instance) {
            let costs = partition_costs(&instance, &block_of);
            if bottleneck(&costs) >= threshold {
                continue;
            }
            for weights in &found {
                let mut sums = vec![0; instance.num_blocks()];
                for (node, &block) in block_of.iter().enumerate() {
                    prop_assert!(weights[node] >= loads[node]);
                    sums[block] += weights[node];
                }
                prop_assert!(sums.iter().zip(&costs).all(|(sum, cost)| *sum <= cost.cost));
            }
            for (node, &block) in block_of.iter().enumerate() {
                let windows = &domains.known.windows;
                prop_assert!((windows.earliest[node]..=windows.latest[node]).contains(&(block + 1)));
            }
            for end in 0..=instance.num_blocks() {
                let weights = block_of.iter().zip(&domains.known.weights);
                let sum: Ticks = weights.filter(|&(&block, _)| block < end).map(|(_, weight)| weight).sum();
                prop_assert!((domains.prefixes.least[end]..=domains.prefixes.most[end]).contains(&sum));
            }
        }
    }

    #[test]
    fn what_is_kept_of_a_threshold_holds_for_all_better_partitions_of_their_quotients(
        instance in instances(6, 3),
        slacks in prop::collection::vec((-2..12_i64, any::<bool>()), 1..5),
    ) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let (params, interrupt, cache) = (ExactParams::default(), Interrupt::never(), DomainCache::default());
        for (slack, is_patient) in slacks {
            let threshold = best + 1 + slack * half_second(&instance) / 2;
            let reduction = reduce(&instance, threshold, &interrupt).expect("no interrupt");
            if reduction.infeasible_group.is_some() || threshold < 1 {
                continue;
            }
            let (quotient, group_of) = (&*reduction.instance, &reduction.group_of);
            let steps = if is_patient { params.domain.patient_steps } else { params.domain.brief_steps };
            let query = Query { instance: quotient, threshold, params: &params, interrupt: &interrupt };
            let above = cache.above(quotient, group_of, threshold).known;
            let mut all_known = vec![above];
            if let Ok(domains) = cache.ask(&query, group_of, steps, &mut 0).expect("no interrupt") {
                let again = cache.recall(&query, group_of, steps).expect("it was asked");
                prop_assert_eq!(&again.known, &domains.known);
                all_known.push(domains.known.clone());
            } else {
                prop_assert!(best >= threshold);
            }
            for block_of in partitions(quotient) {
                let costs = partition_costs(quotient, &block_of);
                if bottleneck(&costs) >= threshold {
                    continue;
                }
                for Known { windows, weights } in &all_known {
                    let mut sums = vec![0; quotient.num_blocks()];
                    for (group, &block) in block_of.iter().enumerate() {
                        prop_assert!((windows.earliest[group]..=windows.latest[group]).contains(&(block + 1)));
                        sums[block] += weights[group];
                    }
                    prop_assert!(sums.iter().zip(&costs).all(|(sum, cost)| *sum <= cost.cost));
                }
            }
        }
    }
}

/// Nodes of ten seconds in a row, and two seconds for each tensor between two of them.
fn row(num_nodes: usize, num_blocks: usize) -> Instance {
    let mut builder = GraphBuilder::default();
    let nodes: Vec<NodeId> = (0..num_nodes).map(|_| builder.add_node(10.0)).collect();
    nodes.windows(2).for_each(|pair| {
        builder.add_tensor(Some(pair[0]), 2, &[pair[1]]);
    });
    let graph = Arc::new(builder.freeze().expect("a row"));
    Instance::uniform(graph, &Device::with_bandwidth(1.0), num_blocks, false).expect("small numbers")
}

#[test]
fn nodes_that_no_block_can_hold_with_another_weigh_all_that_they_pay() {
    let instance = row(4, 4);
    let second = instance.only().work(NodeId::new(0)) / 10;
    let weights = narrowed(&instance, 14 * second + 1).expect("each node alone").known.weights;
    assert_eq!(weights, [12, 14, 14, 12].map(|seconds| seconds * second));
}

#[test]
fn more_than_the_blocks_can_cost_together_is_more_than_nodes_can_weigh() {
    // A pair costs 22 at the ends and 24 in the middle: two blocks of two are 22 each, three blocks of one or two no less.
    let instance = row(4, 2);
    let second = instance.only().work(NodeId::new(0)) / 10;
    for (threshold, can_be) in [(22 * second + 1, true), (22 * second, false)] {
        assert_eq!(narrowed(&instance, threshold).is_some(), can_be);
    }
}
