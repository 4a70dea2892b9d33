//! Slices of random orders that cost less than a threshold: the first columns of column generation.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::cost::{Instance, Ticks, partition_costs};
use crate::ids::NodeId;
use crate::order::TopologicalOrder;

/// The maximal slices of random orders that cost less than a threshold, without overflow: of each order, the longest slice from
/// each node, unless it is a part of the one before. For instances of one kind of device that pays sums.
///
/// # Complexity
/// O(orders nodes (nodes + reads)).
#[must_use]
pub fn slices(instance: &Instance, threshold: Ticks, num_orders: usize, seed: u64) -> Vec<Vec<NodeId>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut found = Vec::new();
    for _ in 0..num_orders {
        let keys: Vec<f64> = instance.graph().nodes().map(|_| random.random()).collect();
        if let Ok(order) = TopologicalOrder::from_keys(instance.graph(), &keys) {
            slices_of(instance, order.nodes(), threshold, &mut found);
        }
    }
    found
}

fn slices_of(instance: &Instance, order: &[NodeId], threshold: Ticks, found: &mut Vec<Vec<NodeId>>) {
    let (mut block_of, mut end) = (vec![1; order.len()], 0);
    for begin in 0..order.len() {
        let start = end;
        while let Some(next) = order.get(end) {
            block_of[next.index()] = 0;
            let longer = &partition_costs(instance, &block_of)[0];
            let longer = longer.work + longer.io_in + longer.io_out;
            if longer >= threshold {
                block_of[next.index()] = 1;
                break;
            }
            end += 1;
        }
        if end > start {
            found.push(order[begin..end].to_vec());
        }
        block_of[order[begin].index()] = 1;
        end = end.max(begin + 1);
    }
}
