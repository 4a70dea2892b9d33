//! A partition that keeps every node where it may be, near one that does not.

use crate::cost::Instance;
use crate::ids::NodeId;
use crate::order::TopologicalOrder;

/// The partition in which every node, in this order, is in the stage next to the one that is wanted for it, of those that may hold
/// it and leave a stage to all that come after; none when there is no partition. Limits play no part.
///
/// # Complexity
/// O(nodes stages + reads).
pub(super) fn fitted(instance: &Instance, order: &TopologicalOrder, wanted: &[usize]) -> Option<Vec<usize>> {
    let (graph, last) = (instance.graph(), instance.num_blocks() - 1);
    let may_be = |node: NodeId| move |&block: &usize| instance.may_be(node, block);
    // The last stage for each node that leaves one to all that come after.
    let mut latest = vec![last; graph.num_nodes()];
    for &node in order.nodes().iter().rev() {
        let most = graph.successors(node).iter().map(|other| latest[other.index()]).min().unwrap_or(last);
        latest[node.index()] = (0..=most).rev().find(may_be(node))?;
    }
    let mut block_of = vec![0; graph.num_nodes()];
    for &node in order.nodes() {
        let earliest = graph.producers(node).map(|other| block_of[other.index()]).max().unwrap_or(0);
        let wanted = wanted[node.index()];
        let blocks = (earliest..=latest[node.index()]).filter(may_be(node));
        block_of[node.index()] = blocks.min_by_key(|&block| block.abs_diff(wanted))?;
    }
    Some(block_of)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::super::streams::stream;
    use super::*;
    use crate::cases::{random_partition, random_unrelayed};
    use crate::cost::check_partition;
    use crate::ids::count;

    #[test]
    fn a_partition_is_found_where_there_is_one_and_kept_where_it_is_one() {
        let (mut num_none, mut num_moved, mut num_kept) = (0, 0, 0);
        for case in 0..8000 {
            let mut random = stream(12, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..6), random.random_range(1..4));
            let instance = random_unrelayed(&mut random, num_nodes, num_blocks);
            let order = TopologicalOrder::natural(instance.graph());
            let is_valid = |block_of: &[usize]| {
                let blocks: Vec<i64> = block_of.iter().copied().map(count).collect();
                check_partition(&instance, &blocks).is_ok()
            };
            let wanted = random_partition(&mut random, &instance);
            let found = fitted(&instance, &order, &wanted);
            if let Some(block_of) = &found {
                assert!(is_valid(block_of), "case {case}");
                assert_eq!(*block_of == wanted, is_valid(&wanted), "case {case}");
                num_moved += usize::from(*block_of != wanted);
                num_kept += usize::from(*block_of == wanted);
            } else {
                let codes = 0..num_blocks.pow(u32::try_from(num_nodes).expect("few"));
                let any = |code: usize| {
                    let blocks = (0..num_nodes).scan(code, |code, _| {
                        let block = *code % num_blocks;
                        *code /= num_blocks;
                        Some(block)
                    });
                    is_valid(&blocks.collect::<Vec<_>>())
                };
                assert!(!codes.into_iter().any(any), "case {case}");
                num_none += 1;
            }
        }
        assert!(num_none > 5 && num_moved > 300 && num_kept > 1000, "{num_none} {num_moved} {num_kept}");
    }
}
