//! Rule *windows*: stage windows by minimum cuts.
//!
//! **Claim.** Let `b` be the first block of `v`'s window. If `v` is in `b`, so is each of its ancestors whose window begins at `b`,
//! and each successor whose window ends there; and no node is in it whose window lacks `b` or that stage `b` may not hold. When the
//! least cost of such a block (`cut.rs`) is the threshold or more, `v` is in a later block. Likewise for its last block.
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

/// One end of windows, and the side of each node by the windows as they are.
struct End {
    block: usize,
    is_first: bool,
    barred: Vec<bool>,
    after: Vec<bool>,
    before: Vec<bool>,
}

impl End {
    fn new(reach: &Reach<'_>, windows: &Windows, block: usize, is_first: bool) -> Self {
        Self {
            block,
            is_first,
            barred: (0..windows.first.len()).map(|node| !reach.may_be(windows, node, block)).collect(),
            after: windows.first.iter().map(|&first| first >= block).collect(),
            before: windows.last.iter().map(|&last| last <= block).collect(),
        }
    }

    fn is_of(&self, windows: &Windows, node: usize) -> bool {
        end_of(windows, node, self.is_first) == self.block
    }

    /// Takes the block out of the window of a node, and of those that would have to be there with it.
    fn remove(&mut self, reach: &Reach<'_>, windows: &mut Windows, node: usize) {
        let mut waiting = vec![node];
        while let Some(each) = waiting.pop() {
            if !self.is_of(windows, each) {
                continue;
            }
            self.barred[each] = true;
            if self.is_first {
                windows.first[each] += 1;
                waiting.extend(&reach.order.successors[each]);
            } else {
                windows.last[each] -= 1;
                waiting.extend(&reach.order.predecessors[each]);
            }
            // A barred node is on no side: it is part of the sink.
            self.after[each] = windows.first[each] >= self.block;
            self.before[each] = windows.last[each] <= self.block;
        }
    }
}

fn end_of(windows: &Windows, node: usize, is_first: bool) -> usize {
    if is_first { windows.first[node] } else { windows.last[node] }
}

impl<'r, 'a> Cutting<'r, 'a> {
    pub(crate) fn new(
        reach: &'r Reach<'a>,
        quotient: &'r Quotient<'a>,
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Self, Stop> {
        let network = Network::new(reach.problem.num_nodes(), reach.problem.num_tensors(), steps)?;
        Ok(Self { reach, quotient, network, threshold })
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

    /// Narrows windows by those cuts only that a log names: nodes that are not in a block, the first of their windows or the last.
    /// Those that say nothing, or nothing new, are passed over. Whether there can be such a partition.
    pub(crate) fn replay(
        &mut self,
        (block, is_last): (usize, bool),
        nodes: &[usize],
        windows: &mut Windows,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        let problem = self.reach.problem;
        if !(1..=problem.num_blocks).contains(&block) || nodes.iter().any(|&node| node >= problem.num_nodes()) {
            return Err(Stop::malformed(format!("of block {block} something is said that cannot be")));
        }
        if !self.reach.close(windows, steps)? {
            return Ok(false);
        }
        steps.spend(problem.num_nodes() + nodes.len())?;
        let mut end = End::new(self.reach, windows, block, !is_last);
        for &node in nodes {
            if end.is_of(windows, node) && self.is_expensive(&end, node, steps)? {
                end.remove(self.reach, windows, node);
            }
        }
        self.reach.close(windows, steps)
    }

    /// Asks of all whose first, or last, block this is whether they can be in it; whether some cannot.
    fn ask(&mut self, windows: &mut Windows, block: usize, is_first: bool, steps: &mut Steps) -> Result<bool, Stop> {
        let num_nodes = self.reach.problem.num_nodes();
        steps.spend(1 + num_nodes / 8)?;
        let order = self.reach.order.nodes.iter().copied();
        let nodes: Vec<usize> = order.filter(|&node| end_of(windows, node, is_first) == block).collect();
        if nodes.is_empty() {
            return Ok(false);
        }
        steps.spend(num_nodes)?;
        let mut end = End::new(self.reach, windows, block, is_first);
        let (mut can_be, mut is_narrower) = (vec![false; num_nodes], false);
        // From the middle: a cut says something of many others.
        let mut ranges = vec![(0, nodes.len())];
        while let Some((begin, past)) = ranges.pop() {
            if begin == past {
                continue;
            }
            let middle = begin.midpoint(past);
            let node = nodes[middle];
            ranges.extend([(begin, middle), (middle + 1, past)]);
            if can_be[node] || !end.is_of(windows, node) {
                continue;
            }
            if self.is_expensive(&end, node, steps)? {
                is_narrower = true;
                end.remove(self.reach, windows, node);
            } else {
                self.network.members(num_nodes).for_each(|each| can_be[each] = true);
            }
        }
        Ok(is_narrower)
    }

    /// Whether every block at an end that holds a node costs the threshold.
    fn is_expensive(&mut self, end: &End, node: usize, steps: &mut Steps) -> Result<bool, Stop> {
        let question = Question {
            inside: node,
            with: None,
            kind: self.reach.problem.kind_of[end.block - 1],
            enough: self.threshold,
            barred: &end.barred,
            after: &end.after,
            before: &end.before,
            gains: &[],
            region: &[],
        };
        Ok(self.network.least_cost(self.quotient, &question, steps)? >= self.threshold)
    }
}
