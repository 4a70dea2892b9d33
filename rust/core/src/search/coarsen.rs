//! Coarsening: small groups of nodes that a search moves as one.
//!
//! Groups are runs of a topological order, so no cycle comes to be between them. The order is depth-first at random, and
//! a node joins the run before it only when it reads from that. Every other time those that read the most expensive tensors from
//! the run are likely to come first. Not a reduction: a partition that is lost may be the best.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::params::VCycleParams;
use super::weights::Weights;
use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, TensorId, float, ticks};
use crate::order::released;

/// The group of every node, and how many there are; no group is in two blocks of the partition.
///
/// # Complexity
/// O(nodes + reads).
pub(super) fn coarsen(
    instance: &Instance,
    params: &VCycleParams,
    block_of: &[usize],
    random: &mut Xoshiro256PlusPlus,
) -> (Vec<usize>, usize) {
    let graph = instance.graph();
    let is_weighed: bool = random.random();
    let weights = Weights::new(instance);
    let mut waiting = graph.num_predecessors().to_vec();
    let mut stack: Vec<NodeId> = graph.nodes().filter(|node| waiting[node.index()] == 0).collect();
    stack.shuffle(random);
    let mut group_of = vec![usize::MAX; graph.num_nodes()];
    let mut num_groups = 0;
    let (mut members, mut work, mut block) = (0, 0, 0);
    while let Some(node) = stack.pop() {
        let is_next = members > 0
            && members < params.max_group
            && block == block_of[node.index()]
            && work + weights.of(node) <= weights.share(block, params.group_parts)
            && graph.producers(node).any(|producer| group_of[producer.index()] + 1 == num_groups);
        if !is_next {
            num_groups += 1;
            (members, work, block) = (0, 0, block_of[node.index()]);
        }
        members += 1;
        work += weights.of(node);
        group_of[node.index()] = num_groups - 1;
        let old = stack.len();
        stack.extend(released(graph, &mut waiting, node));
        stack[old..].shuffle(random);
        if is_weighed && stack.len() > old + 1 {
            let is_of_run = |x: &TensorId| graph.producer(*x).is_some_and(|u| group_of[u.index()] + 1 == num_groups);
            stack[old..].sort_by_cached_key(|&next| {
                let read = instance.paid_reads(next).iter().copied().filter(is_of_run);
                let view = instance.on(block_of[next.index()]);
                let weight: Ticks = read.map(|x| view.transfer(x)).sum();
                ticks((float(weight) * random.random::<f64>()).floor())
            });
        }
    }
    (group_of, num_groups)
}
