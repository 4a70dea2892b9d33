//! Costs and bounds of whole partitions.

use std::sync::Arc;

use crate::common::{instances, optimum};
use proptest::collection::vec;
use proptest::prelude::*;
use slicegraph_core::Error;
use slicegraph_core::cost::{Device, INFINITE, Instance, bottleneck, partition_costs};
use slicegraph_core::graph::GraphBuilder;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::order::TopologicalOrder;
use slicegraph_core::reduce::reduce;
use slicegraph_core::search;
use slicegraph_core::slice::slice_order;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// No partition beats the combinatorial bound.
    #[test]
    fn the_combinatorial_bound_never_exceeds_the_optimum(instance in instances(6, 4)) {
        prop_assert!(instance.combinatorial_bound() <= optimum(&instance));
    }
}

/// Chains with figures at the ends of what is allowed, each by itself, and parallel tensors; or what is refused.
fn extremes() -> impl Strategy<Value = Result<Instance, Error>> {
    let seconds = || prop_oneof![Just(0.0), Just(5e-324), Just(1e-300), Just(1.0), Just(6e14), Just(1e15)];
    let bytes = || prop_oneof![Just(0_i64), Just(1), Just(1 << 50), Just(1 << 53)];
    let rate = || prop_oneof![Just(5e-324), Just(1e-300), Just(1.0), Just(1e300), Just(f64::MAX)];
    let room = || proptest::option::of(prop_oneof![Just(0_u64), Just(1), Just(1 << 50), Just(1 << 53)]);
    let num_blocks = prop_oneof![Just(1_usize), Just(2), Just(5), Just(1 << 20)];
    let nodes = vec((seconds(), bytes(), bytes(), 0..3_usize, any::<bool>()), 1..6);
    (nodes, rate(), rate(), room(), room(), num_blocks, any::<bool>()).prop_map(
        |(nodes, bandwidth, overflow_bandwidth, memory, memory_limit, num_blocks, boundary_io)| {
            let mut builder = GraphBuilder::default();
            let all: Vec<_> = nodes.iter().map(|node| builder.add_node(node.0)).collect();
            let mut is_output = Vec::new();
            for (index, &(_, _, size, parallel, output)) in nodes.iter().enumerate() {
                let consumer = all.get(index + 1..index + 2).unwrap_or_default();
                for _ in 0..parallel {
                    builder.add_tensor(Some(all[index]), size, consumer);
                    is_output.push(output);
                }
            }
            builder.is_output = Some(is_output);
            builder.param_bytes = Some(nodes.iter().map(|node| node.1).collect());
            let overflow_bandwidth = Some(overflow_bandwidth);
            let device = Device { memory, memory_limit, overflow_bandwidth, ..Device::with_bandwidth(bandwidth) };
            Instance::uniform(Arc::new(builder.freeze()?), &device, num_blocks, boundary_io)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Nothing overflows or panics, and bounds hold, whatever figures are allowed.
    #[test]
    fn extreme_figures_are_refused_or_cost_what_the_definition_says(instance in extremes()) {
        let Ok(instance) = instance else { return Ok(()) };
        let never = Interrupt::never();
        let num_nodes = instance.graph().num_nodes();
        let order = TopologicalOrder::from_keys(instance.graph(), &vec![0.0; num_nodes]).expect("finite keys");
        let sliced = slice_order(&instance, &order, &never).expect("no interrupt");
        let least = sliced.map_or(INFINITE, |slicing| {
            let costs = partition_costs(&instance, &slicing.block_of(&order));
            assert_eq!(bottleneck(&costs), slicing.bottleneck());
            slicing.bottleneck()
        });
        prop_assert!(instance.combinatorial_bound() <= least);
        let reduction = reduce(&instance, INFINITE, &never).expect("no interrupt");
        // A chain has one order, so its slicings are its partitions, before and after merges that keep an optimum.
        let keys = vec![0.0; reduction.instance.graph().num_nodes()];
        let order = TopologicalOrder::from_keys(reduction.instance.graph(), &keys).expect("finite keys");
        let sliced = slice_order(&reduction.instance, &order, &never).expect("no interrupt");
        let reduced = sliced.map_or(INFINITE, |slicing| slicing.bottleneck());
        if (0..num_nodes - 1).all(|node| !instance.graph().produces(slicegraph_core::NodeId::new(node)).is_empty()) {
            prop_assert_eq!(reduced, least);
        }
        let target = instance.combinatorial_bound();
        let mut rounds = |_| std::ops::ControlFlow::Break(());
        let request = search::Request { seed: 0, threads: 1, target, start: None };
        search::hybrid(&instance, &search::SearchParams::default(), &request, &never, &mut rounds).expect("a thread");
    }
}
