//! Reductions against trying every partition.

use std::ops::ControlFlow;

use crate::common::{chain, half_second, instances, is_acyclic, optimum};
use proptest::prelude::*;
use slicegraph_core::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::reduce::{Reduction, Rule, node_bound, reduce};

fn reduced(instance: &Instance, threshold: Ticks) -> Reduction {
    reduce(instance, threshold, &Interrupt::never()).expect("no interrupt")
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn without_a_threshold_the_quotient_has_the_same_optimum(instance in instances(6, 3)) {
        let reduction = reduced(&instance, INFINITE);
        prop_assert!(reduction.infeasible_group.is_none());
        prop_assert!(reduction.merges.iter().all(|merge| matches!(merge.rule, Rule::Pull | Rule::Push)));
        prop_assert_eq!(optimum(&reduction.instance), optimum(&instance));
    }

    #[test]
    fn above_the_optimum_the_quotient_has_the_same_optimum(instance in instances(6, 3), slack in 1..4_i64) {
        let best = optimum(&instance);
        prop_assume!(best < INFINITE);
        let reduction = reduced(&instance, best + 1 + (slack - 1) * half_second(&instance));
        prop_assert!(reduction.infeasible_group.is_none());
        prop_assert_eq!(optimum(&reduction.instance), best);
    }

    #[test]
    fn at_most_at_the_optimum_nothing_better_appears(instance in instances(6, 3), below in 0..4_i64) {
        let best = optimum(&instance);
        let reduction = reduced(&instance, (best - below * half_second(&instance)).max(0));
        prop_assert!(optimum(&reduction.instance) >= best);
    }

    #[test]
    fn a_lifted_partition_is_one_and_costs_the_same(
        instance in instances(8, 3),
        threshold in 0..40_i64,
        blocks in proptest::collection::vec(0..3_usize, 8),
    ) {
        let reduction = reduced(&instance, threshold * half_second(&instance));
        let groups = reduction.instance.graph().num_nodes();
        let blocks: Vec<usize> = blocks[..groups].iter().map(|block| block % instance.num_blocks()).collect();
        prop_assume!(is_acyclic(&reduction.instance, &blocks));
        let lifted = reduction.lift(&blocks);
        prop_assert!(is_acyclic(&instance, &lifted));
        let costs = partition_costs(&instance, &lifted);
        prop_assert_eq!(bottleneck(&partition_costs(&reduction.instance, &blocks)), bottleneck(&costs));
    }

    #[test]
    fn the_node_bound_is_one_and_no_block_with_the_node_is_cheaper(instance in instances(6, 3)) {
        let (node, bound) = node_bound(&instance, &Interrupt::never(), &mut |_| ControlFlow::Continue(()));
        prop_assert!(bound <= optimum(&instance));
        let work = instance.only().work(node);
        prop_assert!(bound >= work);
    }

    #[test]
    fn the_log_tells_the_groups(instance in instances(9, 3), threshold in 0..40_i64) {
        let reduction = reduced(&instance, threshold * half_second(&instance));
        let num_nodes = instance.graph().num_nodes();
        let mut group_of: Vec<usize> = (0..num_nodes).collect();
        for merge in &reduction.merges {
            let [keep, gone] = merge.nodes.map(|node| group_of[node.index()]);
            prop_assert_ne!(keep, gone, "a merge joins two groups");
            group_of.iter_mut().filter(|group| **group == gone).for_each(|group| *group = keep);
        }
        for one in 0..num_nodes {
            for other in 0..num_nodes {
                let is_one = reduction.group_of[one] == reduction.group_of[other];
                prop_assert_eq!(is_one, group_of[one] == group_of[other]);
            }
        }
    }
}

#[test]
fn a_chain_of_expensive_tensors_becomes_one_node() {
    // Nodes of one second, two seconds to cross: no block below two seconds can end between two nodes.
    let instance = chain(1000, 4);
    let reduction = reduced(&instance, 4 * half_second(&instance));
    assert_eq!(reduction.instance.graph().num_nodes(), 1);
}
