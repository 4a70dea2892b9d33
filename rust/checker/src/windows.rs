//! R7, windows by minimum cuts.
//!
//! **Claim.** Let `b` be the first block of `v`'s window. In block `b` it would be with each predecessor whose window begins there
//! too, and so on from there; with each successor that must not be later than `b`; and without anybody who cannot be in `b`. When
//! the least cost of such a block (`cut.rs`) is the threshold or more, `v` comes later. Likewise for its last block.
//!
//! **Proof.** A predecessor of `v` is in no later block than `v`, and in none before `b`. On a path from one node of a block to
//! another all are in it. ∎

use crate::cut::{Network, Question};
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::stop::{Steps, Stop};

/// Asks cuts about windows.
pub(crate) struct Cutting<'r, 'a> {
    reach: &'r Reach<'a>,
    quotient: &'r Quotient<'a>,
    network: Network,
    threshold: i64,
}

impl<'r, 'a> Cutting<'r, 'a> {
    pub(crate) fn new(reach: &'r Reach<'a>, quotient: &'r Quotient<'a>, threshold: i64) -> Self {
        let network = Network::new(reach.problem.num_nodes(), reach.problem.num_tensors());
        Self { reach, quotient, network, threshold }
    }

    /// Narrows windows by cuts and by what follows from them, until nothing changes; whether there can be such a partition.
    pub(crate) fn narrow(&mut self, windows: &mut Windows, steps: &mut Steps) -> Result<bool, Stop> {
        let num_blocks = self.reach.problem.num_blocks;
        loop {
            let before = windows.clone();
            for is_first in [true, false] {
                for place in 1..=num_blocks {
                    let block = if is_first { place } else { num_blocks + 1 - place };
                    if self.ask(windows, block, is_first, steps)? && !self.reach.close(windows, steps)? {
                        return Ok(false);
                    }
                }
            }
            if *windows == before {
                return Ok(true);
            }
        }
    }

    /// Asks of all whose first, or last, block this is whether they can be in it; whether some cannot.
    fn ask(&mut self, windows: &mut Windows, block: usize, is_first: bool, steps: &mut Steps) -> Result<bool, Stop> {
        let num_nodes = self.reach.problem.num_nodes();
        steps.spend(1 + num_nodes / 8)?;
        let order = self.reach.order.nodes.iter().copied();
        let is_here =
            |windows: &Windows, node: usize| (if is_first { windows.first[node] } else { windows.last[node] }) == block;
        let nodes: Vec<usize> = order.filter(|&node| is_here(windows, node)).collect();
        if nodes.is_empty() {
            return Ok(false);
        }
        steps.spend(num_nodes)?;
        let mut barred: Vec<bool> = (0..num_nodes).map(|node| !self.reach.may_be(windows, node, block)).collect();
        let mut after: Vec<bool> = windows.first.iter().map(|&first| first >= block).collect();
        let mut before: Vec<bool> = windows.last.iter().map(|&last| last <= block).collect();
        let (mut can_be, mut is_narrower) = (vec![false; num_nodes], false);
        // From the middle: a cut says something of many others.
        let mut ranges = vec![(0, nodes.len())];
        while let Some((begin, end)) = ranges.pop() {
            if begin == end {
                continue;
            }
            let middle = begin.midpoint(end);
            let node = nodes[middle];
            ranges.extend([(begin, middle), (middle + 1, end)]);
            if can_be[node] || !is_here(windows, node) {
                continue;
            }
            let kind = self.reach.problem.kind_of[block - 1];
            let question = Question {
                inside: node,
                kind,
                enough: self.threshold,
                barred: &barred,
                after: &after,
                before: &before,
                gains: &[],
                region: &[],
            };
            if self.network.least_cost(self.quotient, &question, steps)? < self.threshold {
                self.network.members(num_nodes).for_each(|each| can_be[each] = true);
                continue;
            }
            is_narrower = true;
            let mut waiting = vec![node];
            while let Some(each) = waiting.pop() {
                if !is_here(windows, each) {
                    continue;
                }
                barred[each] = true;
                if is_first {
                    windows.first[each] += 1;
                    waiting.extend(&self.reach.order.successors[each]);
                } else {
                    windows.last[each] -= 1;
                    waiting.extend(&self.reach.order.predecessors[each]);
                }
                // Who is barred is on no side: it is the sink.
                after[each] = windows.first[each] >= block;
                before[each] = windows.last[each] <= block;
            }
        }
        Ok(is_narrower)
    }
}
