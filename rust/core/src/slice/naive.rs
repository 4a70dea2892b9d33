//! The slicing recurrence without any pruning, in O(nodes² × blocks): a reference for tests and benches.

use super::{SliceCosts, SliceSum};
use crate::cost::{BlockCost, INFINITE, Instance, Ticks, partition_costs};
use crate::order::TopologicalOrder;

/// Least bottleneck of one order on the first `b` stages, for `b` in `1..=num_blocks`, without any pruning:
/// `best[b][j] = min over i <= j of max(best[b - 1][i], cost_b(i, j))`.
#[must_use]
pub fn least_bottlenecks(instance: &Instance, order: &TopologicalOrder) -> Vec<Ticks> {
    let mut kinds: Vec<SliceCosts<'_>> =
        (0..instance.num_kinds()).map(|kind| SliceCosts::new(instance, kind)).collect();
    for costs in &mut kinds {
        costs.load(order);
    }
    let (num_nodes, num_blocks) = (order.nodes().len(), instance.num_blocks());
    let mut best = vec![vec![INFINITE; num_nodes + 1]; num_blocks + 1];
    best[0][0] = 0;
    for end in 0..=num_nodes {
        let mut slices = vec![SliceSum::empty_at(end); kinds.len()];
        let mut is_allowed = vec![true; num_blocks];
        // From the end backwards: the slice [start, end) grows at its front.
        for start in (0..end).rev() {
            for (costs, slice) in kinds.iter().zip(&mut slices) {
                costs.slices().push_front(slice);
            }
            for b in 1..=num_blocks {
                let kind = instance.kind_of(b - 1);
                is_allowed[b - 1] &= instance.may_be(order.nodes()[start], b - 1);
                if is_allowed[b - 1] {
                    best[b][end] = best[b][end].min(best[b - 1][start].max(kinds[kind].slices().cost(&slices[kind])));
                }
            }
        }
        for b in 1..=num_blocks {
            best[b][end] = best[b][end].min(best[b - 1][end]);
        }
    }
    (1..=num_blocks).map(|b| best[b][num_nodes]).collect()
}

/// The cost of one slice at a stage, from the definition of a block's cost.
///
/// # Panics
/// When there is no stage before that one, or after it, for what is before or after the slice.
#[must_use]
pub fn slice_cost(instance: &Instance, order: &TopologicalOrder, stage: usize, start: usize, end: usize) -> BlockCost {
    let mut block_of = vec![stage; order.nodes().len()];
    for node in &order.nodes()[..start] {
        block_of[node.index()] = stage - 1;
    }
    for node in &order.nodes()[end..] {
        block_of[node.index()] = stage + 1;
    }
    partition_costs(instance, &block_of).get(stage).copied().unwrap_or_default()
}
