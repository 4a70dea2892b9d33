//! Nodes move back to their block of the plan, with all that have to move with them.
//!
//! A producer must not come after its consumers. So a node that moves back takes with it each producer that is in a later block
//! than it goes to, each consumer that is in an earlier one, and what those ask for in turn. All of them go to their blocks of the
//! plan, which is a partition. None was there: a producer `u` of `v` that is after `plan(v)` is after `plan(u) <= plan(v)`, and a
//! consumer likewise. So every move that is made lessens the distance.

use super::Weight;
use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, narrow, wide};
use crate::interrupt::{Interrupt, Interrupted};
use crate::search::Assignment;

/// Moves nodes back as long as all blocks cost less than `threshold`, those of most weight first, in so many steps.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first; what was found is kept.
///
/// # Complexity
/// O(nodes + reads) and the steps.
pub(super) fn descend(
    instance: &Instance,
    plan: &[usize],
    best: &mut Vec<usize>,
    threshold: Ticks,
    steps: &mut u64,
    interrupt: &Interrupt,
) -> Result<(), Interrupted> {
    let graph = instance.graph();
    let mut returns = Returns { plan, assignment: Assignment::new(instance, best), threshold, steps };
    let mut nodes: Vec<NodeId> = graph.nodes().collect();
    nodes.sort_by_key(|&node| std::cmp::Reverse(Weight::of(graph, node)));
    let mut is_interrupted = Ok(());
    'passes: loop {
        let mut has_moved = false;
        for &node in &nodes {
            is_interrupted = interrupt.check(0);
            if is_interrupted.is_err() || *returns.steps == 0 {
                break 'passes;
            }
            has_moved |= !returns.is_home(node) && returns.send_home(node);
        }
        if !has_moved {
            break;
        }
    }
    *best = returns.assignment.to_blocks();
    is_interrupted
}

struct Returns<'a> {
    plan: &'a [usize],
    assignment: Assignment<'a>,
    threshold: Ticks,
    steps: &'a mut u64,
}

impl Returns<'_> {
    fn is_home(&self, node: NodeId) -> bool {
        self.home(node) == self.assignment.block(node)
    }

    fn home(&self, node: NodeId) -> u32 {
        narrow(self.plan[node.index()])
    }

    /// Moves a node to its block of the plan, with all that has to move, unless a block then costs too much; whether it did.
    fn send_home(&mut self, node: NodeId) -> bool {
        let Some(nodes) = self.together(node) else { return false };
        let from: Vec<u32> = nodes.iter().map(|&node| self.assignment.block(node)).collect();
        let mut touched = from.clone();
        for &node in &nodes {
            self.shift(node, self.home(node));
            touched.push(self.home(node));
        }
        touched.sort_unstable();
        touched.dedup();
        let cost = |block: &u32| self.assignment.cost(*block, self.assignment.sums(*block));
        if touched.iter().all(|block| cost(block) < self.threshold) {
            return true;
        }
        for (&node, &block) in nodes.iter().zip(&from).rev() {
            self.shift(node, block);
        }
        false
    }

    fn shift(&mut self, node: NodeId, to: u32) {
        let sums = self.assignment.shifted(node, to);
        self.assignment.shift(node, to, sums);
    }

    /// The node and all that has to move with it; none when the steps do not suffice.
    fn together(&mut self, node: NodeId) -> Option<Vec<NodeId>> {
        let graph = self.assignment.instance().graph();
        let (mut nodes, mut next) = (vec![node], 0);
        let mut is_in = vec![false; graph.num_nodes()];
        is_in[node.index()] = true;
        while let Some(&node) = nodes.get(next) {
            next += 1;
            let home = self.home(node);
            let after = self.assignment.predecessors(node).iter().filter(|&&other| self.assignment.block(other) > home);
            let before = graph.successors(node).iter().filter(|&&other| self.assignment.block(other) < home);
            let added: Vec<NodeId> = after.chain(before).copied().filter(|other| !is_in[other.index()]).collect();
            *self.steps = self.steps.checked_sub(1 + u64::from(narrow(added.len())))?;
            for other in added {
                if !std::mem::replace(&mut is_in[other.index()], true) {
                    nodes.push(other);
                }
            }
        }
        debug_assert!(nodes.iter().all(|node| wide(self.assignment.block(*node)) != self.plan[node.index()]));
        Some(nodes)
    }
}
