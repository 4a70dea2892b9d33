//! The slow twin: the slicing recurrence as it is written, in O(nodes² × blocks). For tests and benches.

use super::{SliceCosts, SliceSum};
use crate::cost::{BlockCost, INFINITE, Instance, Ticks, partition_costs};
use crate::order::TopologicalOrder;

/// Least bottleneck with at most `b` blocks of one order, for `b` in `1..=num_blocks`, without any pruning:
/// `best[b][j] = min over i <= j of max(best[b - 1][i], cost(i, j))`.
#[must_use]
pub fn least_bottlenecks(instance: &Instance, order: &TopologicalOrder) -> Vec<Ticks> {
    let mut costs = SliceCosts::new(instance);
    costs.load(order);
    let (num_nodes, num_blocks) = (order.nodes().len(), instance.num_blocks());
    let mut best = vec![vec![INFINITE; num_nodes + 1]; num_blocks + 1];
    best[0][0] = 0;
    for end in 0..=num_nodes {
        let mut slice = SliceSum::empty_at(end);
        for b in 1..=num_blocks {
            best[b][end] = best[b - 1][end];
        }
        // From the end backwards: the slice [start, end) grows at its front.
        while slice.start() > 0 {
            costs.push_front(&mut slice);
            let cost = costs.cost(&slice);
            for b in 1..=num_blocks {
                best[b][end] = best[b][end].min(best[b - 1][slice.start()].max(cost));
            }
        }
    }
    (1..=num_blocks).map(|b| best[b][num_nodes]).collect()
}

/// The cost of one slice, from the definition of a block's cost.
///
/// # Panics
/// When the instance has fewer than three blocks, which are what comes before, in and after the slice.
#[must_use]
pub fn slice_cost(instance: &Instance, order: &TopologicalOrder, start: usize, end: usize) -> BlockCost {
    let mut block_of = vec![0; order.nodes().len()];
    for (position, node) in order.nodes().iter().enumerate() {
        block_of[node.index()] = usize::from(position >= start) + usize::from(position >= end);
    }
    partition_costs(instance, &block_of).get(1).copied().unwrap_or_default()
}
