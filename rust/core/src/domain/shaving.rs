//! Shaving: minimum cuts that remove the first, or the last, block from a node's window.
//!
//! **Claim.** Let `e` be the first block in the window of `v`. If `v` is in block `e`, then so is each producer of what `v` reads
//! whose first block is `e` too, and so on; in the same way consumers follow their producers when `e` is the last block of both;
//! and nodes that may not be in `e`, or whose windows are without it, are elsewhere. If a minimum cut (`flow`), with the costs on
//! the device of `e`, shows that every such block costs at least the threshold, then `v` is after block `e`. Likewise for the last
//! block.
//!
//! **Proof.** Blocks never decrease along a tensor, so the block of `v` in any partition below the threshold satisfies all these
//! conditions, and the cut is a lower bound on its cost.
//!
//! Where many paths meet this removes much more than incompatible pairs: all nodes that must be in one block with `v` are paid
//! for together.

use super::facts::Fact;
use super::propagation::Propagation;
use super::windows::Windows;
use crate::bits::has;
use crate::cost::{Allowed, Ticks};
use crate::flow::{AFTER, BEFORE, ELSEWHERE, Network, Networks};
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::query::Query;
use crate::quotient::Quotient;

/// A block, as the first or as the last one of windows.
#[derive(Clone, Copy)]
struct End {
    block: usize,
    /// Whether it is the first block of the windows.
    is_first: bool,
}

impl End {
    fn is_of(self, windows: &Windows, node: usize) -> bool {
        (if self.is_first { windows.earliest[node] } else { windows.latest[node] }) == self.block
    }

    /// The sides of a node in the network for this block (`flow`).
    fn side(self, Windows { earliest, latest }: &Windows, node: usize) -> u8 {
        let is_elsewhere = earliest[node] > self.block || latest[node] < self.block;
        (u8::from(latest[node] <= self.block) * BEFORE)
            | (u8::from(earliest[node] >= self.block) * AFTER)
            | (u8::from(is_elsewhere) * ELSEWHERE)
    }
}

impl Propagation {
    /// Narrows the windows by minimum cuts; returns false when they leave no partition. The arcs that cuts visit are subtracted from
    /// `steps`; when none are left, it ends early. Cuts that have removed a block are added to `facts`.
    ///
    /// # Errors
    /// [`Interrupted`], when the interrupt was raised first; the windows are valid all the same.
    ///
    /// # Complexity
    /// O(nodes) minimum cuts, each of which visits only nodes around one, up to the cost of the threshold.
    pub fn shave(
        &self,
        query: &Query<'_>,
        windows: &mut Windows,
        steps: &mut i64,
        facts: &mut Vec<Fact>,
    ) -> Result<bool, Interrupted> {
        let quotient = Quotient::new(query.instance);
        let mut networks = Networks::new(&quotient);
        for is_first in [true, false] {
            for place in 1..=self.num_blocks() {
                let block = if is_first { place } else { self.num_blocks() + 1 - place };
                let mut shaving = Shaving {
                    propagation: self,
                    network: networks.on(query.instance.kind_of(block - 1)),
                    allowed: query.instance.allowed(),
                    threshold: query.threshold,
                    end: End { block, is_first },
                    removed: Vec::new(),
                };
                shaving.run(windows, steps, query.interrupt)?;
                if !shaving.removed.is_empty() {
                    facts.push(Fact::Cuts { block, is_last: !is_first, nodes: shaving.removed });
                }
                self.follow_edges(windows);
                if !windows.are_open() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// The state of shaving at one block.
struct Shaving<'s, 'q, 'a> {
    propagation: &'s Propagation,
    network: &'s mut Network<'q, 'a>,
    allowed: Option<&'s Allowed>,
    threshold: i64,
    end: End,
    /// Nodes from whose windows a cut has removed the block.
    removed: Vec<usize>,
}

impl Shaving<'_, '_, '_> {
    /// Tries every node whose window begins, or ends, at this block.
    fn run(&mut self, windows: &mut Windows, steps: &mut i64, interrupt: &Interrupt) -> Result<(), Interrupted> {
        let (end, begun) = (self.end, self.network.steps());
        let most = *steps;
        let nodes = self.propagation.order.iter().map(|node| node.index());
        let nodes: Vec<usize> = nodes.filter(|&node| end.is_of(windows, node)).collect();
        let mut can_be = vec![false; self.propagation.order.len()];
        // By bisection of the order. If a node can be in the block, so can those that must be in the block with it; if not, those
        // that need it in the block cannot either.
        let mut ranges = vec![(0, nodes.len())];
        while let Some((begin, past)) = ranges.pop() {
            *steps = most.saturating_sub_unsigned(self.network.steps() - begun);
            if begin == past || *steps <= 0 {
                continue;
            }
            interrupt.check(0)?;
            let middle = usize::midpoint(begin, past);
            let node = nodes[middle];
            ranges.extend([(begin, middle), (middle + 1, past)]);
            if can_be[node] || !end.is_of(windows, node) {
                continue;
            }
            if self.least_cost(windows, node) < self.threshold {
                self.network.cheapest().for_each(|other| can_be[other] = true);
            } else {
                self.removed.push(node);
                self.remove(node, windows);
            }
        }
        Ok(())
    }

    /// A lower bound on the cost of this block if it holds a node.
    fn least_cost(&mut self, windows: &Windows, node: usize) -> Ticks {
        let (end, threshold, sources) = (self.end, self.threshold, std::iter::once(node));
        let Some(allowed) = self.allowed else {
            return self.network.least_cost_among(sources, threshold, |v| end.side(windows, v));
        };
        let may_be = |v: usize| has(allowed.of(NodeId::new(v)), end.block - 1);
        if !may_be(node) {
            return threshold;
        }
        let side = |v: usize| end.side(windows, v) | (u8::from(!may_be(v)) * ELSEWHERE);
        self.network.least_cost_among(sources, threshold, side)
    }

    /// Removes the block from a node's window, and from those of the nodes that need this one in the block.
    fn remove(&self, node: usize, windows: &mut Windows) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            if !self.end.is_of(windows, node) {
                continue;
            }
            if self.end.is_first {
                windows.earliest[node] += 1;
                stack.extend(&self.propagation.successors[node]);
            } else {
                windows.latest[node] -= 1;
                stack.extend(&self.propagation.predecessors[node]);
            }
        }
    }
}
