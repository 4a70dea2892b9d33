//! The slicing of one order: sweeps, thresholds and the DP against their slow twins.

use crate::common::{is_acyclic, ordered_instances};
use proptest::prelude::*;
use slicegraph_core::cost::{INFINITE, Instance, bottleneck, partition_costs};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::order::TopologicalOrder;
use slicegraph_core::slice::{SliceCosts, SliceSum, Slicer, Slicing, naive};

static NEVER: Interrupt = Interrupt::never();

/// The instance with three blocks at least, so that any slice is a block of some partition.
fn with_room(instance: Instance, order: TopologicalOrder) -> Option<(Instance, TopologicalOrder)> {
    (instance.num_blocks() >= 3).then_some((instance, order))
}

/// What a slicing claims, from the definition of a partition's cost.
fn assert_claim_holds(instance: &Instance, order: &TopologicalOrder, slicing: &Slicing) {
    let boundaries = slicing.boundaries();
    assert_eq!((boundaries.len(), boundaries[0]), (instance.num_blocks() + 1, 0));
    assert_eq!(boundaries[boundaries.len() - 1], order.nodes().len());
    let block_of = slicing.block_of(order);
    assert!(is_acyclic(instance, &block_of));
    assert_eq!(bottleneck(&partition_costs(instance, &block_of)), slicing.bottleneck());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// However a slice is reached, its cost is that of the block of its nodes.
    #[test]
    fn every_slice_costs_what_the_definition_says((instance, order) in ordered_instances(7, 5)
        .prop_filter_map("three blocks", |(i, o)| with_room(i, o)))
    {
        let mut costs = SliceCosts::new(&instance, 0);
        costs.load(&order);
        let num_nodes = costs.len();
        let costs = costs.slices();
        for start in 0..=num_nodes {
            let mut slice = SliceSum::empty_at(start);
            let mut without_exports = 0;
            for end in start..=num_nodes {
                let truth = naive::slice_cost(&instance, &order, 1, start, end);
                prop_assert_eq!(costs.cost(&slice), truth.cost);
                prop_assert!(without_exports <= costs.cost_without_exports(&slice));
                without_exports = costs.cost_without_exports(&slice);

                let mut shrunk = slice;
                while shrunk.start() < end {
                    let without_imports = costs.cost_without_imports(&shrunk);
                    costs.pop_front(&mut shrunk);
                    prop_assert!(costs.cost_without_imports(&shrunk) <= without_imports);
                    prop_assert_eq!(costs.cost(&shrunk), naive::slice_cost(&instance, &order, 1, shrunk.start(), end).cost);
                }
                while shrunk.start() > start {
                    costs.push_front(&mut shrunk);
                }
                prop_assert_eq!(shrunk, slice);
                if end < num_nodes {
                    costs.push_back(&mut slice);
                }
            }
        }
    }

    /// The DP's table holds, for every block count, the least bottleneck of all slicings.
    #[test]
    fn the_table_is_exact_for_every_block_count((instance, order) in ordered_instances(12, 8)) {
        let expected = naive::least_bottlenecks(&instance, &order);
        let mut slicer = Slicer::new(&instance);
        slicer.load(&order);
        let table = slicer.fill_table(None, &NEVER).expect("never interrupted");
        for (index, &least) in expected.iter().enumerate() {
            prop_assert_eq!(table[index].unwrap_or(INFINITE), least);
            if let Some(slicing) = slicer.slicing(index + 1) {
                let ends = slicing.boundaries().windows(2).filter(|ends| ends[0] < ends[1]).count();
                prop_assert!(ends <= index + 1);
                prop_assert_eq!(slicing.bottleneck(), least);
            }
        }
    }

    /// With an incumbent, entries below it are exact and the others say none.
    #[test]
    fn an_incumbent_hides_only_what_does_not_improve_on_it(
        (instance, order) in ordered_instances(12, 8), numerator in 0..8_i64)
    {
        let expected = naive::least_bottlenecks(&instance, &order);
        let least = expected[expected.len() - 1];
        let incumbent = if least == INFINITE { INFINITE } else { (least + 1).saturating_mul(numerator + 4) / 8 };
        let incumbent = incumbent.max(1);
        let mut slicer = Slicer::new(&instance);
        slicer.load(&order);
        let table = slicer.fill_table(Some(incumbent), &NEVER).expect("never interrupted");
        for (entry, least) in table.into_iter().zip(expected) {
            prop_assert_eq!(entry, Some(least).filter(|&least| least < incumbent));
        }
    }

    /// A slicing below a threshold is found exactly when there is one, and is what it says.
    #[test]
    fn a_threshold_is_met_exactly_when_it_can_be((instance, order) in ordered_instances(12, 8), offset in -1..=1_i64) {
        let least = *naive::least_bottlenecks(&instance, &order).last().expect("a block");
        prop_assume!(least != INFINITE);
        let mut slicer = Slicer::new(&instance);
        slicer.load(&order);
        let found = slicer.below(least + offset, &NEVER).expect("never interrupted");
        prop_assert_eq!(found.is_some(), offset > 0);
        if let Some(slicing) = found {
            assert_claim_holds(&instance, &order, &slicing);
        }
    }

    /// The best slicing of an order is as good as the naive DP's, and costs what it says.
    #[test]
    fn the_best_slicing_of_an_order_is_found((instance, order) in ordered_instances(14, 10)) {
        let least = *naive::least_bottlenecks(&instance, &order).last().expect("a block");
        let mut slicer = Slicer::new(&instance);
        slicer.load(&order);
        let found = slicer.best(None, &NEVER).expect("never interrupted");
        prop_assert_eq!(found.as_ref().map_or(INFINITE, Slicing::bottleneck), least);
        if let Some(slicing) = found {
            assert_claim_holds(&instance, &order, &slicing);
        }
    }
}
