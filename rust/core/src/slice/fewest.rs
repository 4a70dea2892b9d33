//! Can this order be sliced below a threshold at all? One sweep, whatever the number of blocks.

use std::collections::VecDeque;

use super::Slicing;
use super::costs::{SliceCosts, SliceSum};
use crate::cost::Ticks;
use crate::ids::{count, narrow, wide};
use crate::interrupt::{Interrupt, Interrupted};

/// No slicing ends here.
const NONE: u32 = u32::MAX;

/// Fewest slices, each below a threshold, that cover the positions before each end.
///
/// `fewest[j] = 1 + min of fewest[i] over starts i with cost(i, j) < threshold`. A start whose slice reaches the
/// threshold without its exports does so for all later ends, so the starts that are left are in a window that moves
/// right with the end. In it, starts are tried from the left, where `fewest` is least, until no later one can do better.
#[derive(Clone, Debug, Default)]
pub(super) struct Fewest {
    count: Vec<u32>,
    from: Vec<u32>,
    bottleneck: Vec<Ticks>,
    /// Starts of the window at which `fewest` is below (or equal to) all that follow: their values ascend.
    minima: VecDeque<u32>,
}

impl Fewest {
    /// The fewest slices below `threshold` that cover the order, if they are at most `num_blocks`.
    ///
    /// # Complexity
    /// O(nodes + reads) when the leftmost starts serve, as they do but for large `io_out`; O(nodes × window) at worst.
    pub(super) fn slice(
        &mut self,
        costs: &SliceCosts<'_>,
        threshold: Ticks,
        num_blocks: usize,
        interrupt: &Interrupt,
    ) -> Result<Option<Slicing>, Interrupted> {
        let num_nodes = costs.len();
        self.count.clear();
        self.from.clear();
        self.bottleneck.clear();
        self.minima.clear();
        self.push(0, 0, 0);
        let mut window = SliceSum::empty_at(0);
        let mut work_left = costs.total_work();
        for end in 1..=num_nodes {
            interrupt.check(end)?;
            costs.push_back(&mut window);
            work_left -= costs.work_at(end - 1);
            while costs.cost_without_exports(&window) >= threshold {
                if window.start() + 1 == end {
                    return Ok(None);
                }
                costs.pop_front(&mut window);
            }
            while self.minima.front().is_some_and(|&start| wide(start) < window.start()) {
                self.minima.pop_front();
            }
            // Every slicing has a fence post in the window, and at least the work left still before it.
            let Some(used) = self.minima.front().map(|&start| wide(self.count[wide(start)])) else { return Ok(None) };
            if used >= num_blocks || work_left > (threshold - 1).saturating_mul(count(num_blocks - used)) {
                return Ok(None);
            }
            let (fewest, from, bottleneck) = self.best_start(costs, threshold, window);
            self.push(fewest, from, bottleneck);
        }
        let enough = self.count[num_nodes] != NONE && wide(self.count[num_nodes]) <= num_blocks;
        Ok(enough.then(|| Slicing::new(self.ends(num_nodes), num_blocks, self.bottleneck[num_nodes])))
    }

    /// Appends an end; it is also the next start.
    fn push(&mut self, fewest: u32, from: u32, bottleneck: Ticks) {
        let start = narrow(self.count.len());
        self.count.push(fewest);
        self.from.push(from);
        self.bottleneck.push(bottleneck);
        if fewest != NONE {
            while self.minima.back().is_some_and(|&earlier| self.count[wide(earlier)] > fewest) {
                self.minima.pop_back();
            }
            self.minima.push_back(start);
        }
    }

    fn best_start(&self, costs: &SliceCosts<'_>, threshold: Ticks, window: SliceSum) -> (u32, u32, Ticks) {
        let (mut best, mut from, mut bottleneck) = (NONE, NONE, threshold);
        let mut slice = window;
        for &minimum in &self.minima {
            // No start up to this minimum has a smaller value than it.
            if self.count[wide(minimum)].saturating_add(1) >= best {
                break;
            }
            while slice.start() <= wide(minimum) {
                let start = slice.start();
                let candidate = self.count[start].saturating_add(1);
                let cost = costs.cost(&slice);
                if candidate < best && cost < threshold {
                    (best, from, bottleneck) = (candidate, narrow(start), cost.max(self.bottleneck[start]));
                    if candidate == self.count[wide(minimum)] + 1 {
                        break;
                    }
                }
                costs.pop_front(&mut slice);
            }
        }
        (best, from, bottleneck)
    }

    fn ends(&self, num_nodes: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut end = num_nodes;
        while end > 0 {
            ends.push(end);
            end = wide(self.from[end]);
        }
        ends.reverse();
        ends
    }
}
