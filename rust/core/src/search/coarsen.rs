//! Coarsening: small groups of nodes that a search moves as one.
//!
//! Groups are runs of a topological order, so no cycle comes to be between them. The order is depth-first at random, and
//! a node joins the run before it only when it reads from that. Not a reduction: a partition that is lost may be the best.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::cost::Instance;
use crate::ids::{NodeId, count};

/// Nodes of a group at most.
const MAX_NODES: usize = 3;
/// A group holds at most this part of an even share of the work.
const MAX_PART: i64 = 4;

/// The group of every node, and how many there are; no group is in two blocks of the partition.
///
/// # Complexity
/// O(nodes + reads).
pub(super) fn coarsen(instance: &Instance, block_of: &[usize], random: &mut Xoshiro256PlusPlus) -> (Vec<usize>, usize) {
    let graph = instance.graph();
    let max_work = instance.total_work() / (count(instance.num_blocks()) * MAX_PART);
    let mut waiting = graph.num_predecessors().to_vec();
    let mut stack: Vec<NodeId> = graph.nodes().filter(|node| waiting[node.index()] == 0).collect();
    stack.shuffle(random);
    let mut group_of = vec![usize::MAX; graph.num_nodes()];
    let mut num_groups = 0;
    let (mut members, mut work, mut block) = (0, 0, 0);
    while let Some(node) = stack.pop() {
        let is_next = members > 0
            && members < MAX_NODES
            && work + instance.work(node) <= max_work
            && block == block_of[node.index()]
            && graph.producers(node).any(|producer| group_of[producer.index()] + 1 == num_groups);
        if !is_next {
            num_groups += 1;
            (members, work, block) = (0, 0, block_of[node.index()]);
        }
        members += 1;
        work += instance.work(node);
        group_of[node.index()] = num_groups - 1;
        let old = stack.len();
        for &successor in graph.successors(node) {
            waiting[successor.index()] -= 1;
            if waiting[successor.index()] == 0 {
                stack.push(successor);
            }
        }
        stack[old..].shuffle(random);
    }
    (group_of, num_groups)
}
