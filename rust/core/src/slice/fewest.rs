//! The sweep: whether an order has a slicing below a threshold, with the fewest slices, in one pass. For equal stages only.

use super::Slicing;
use super::costs::Slices;
use super::stages::Stages;
use super::sum::SliceSum;
use crate::cost::{INFINITE, Ticks, ceil_div};
use crate::ids::{count, narrow, wide};
use crate::interrupt::{Interrupt, Interrupted};

/// No slicing ends here.
const NONE: u32 = u32::MAX;

/// The result of a sweep.
pub(super) enum Sweep {
    /// The fewest slices below the threshold.
    Found(Slicing),
    /// There is no slicing below any threshold up to this one, which is at least the given one.
    NoneBelow(Ticks),
}

/// A level: the starts that are reached with the same number of slices.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// From the last of them to the current end.
    slice: SliceSum,
    /// At most `io_in` of any slice from one of them to the current end.
    min_io_in: Ticks,
}

/// Fewest slices, each below a threshold, that cover the positions before each end.
///
/// `count[j] = 1 + min of count[i] over starts i with cost(i, j) < threshold`. Starts of one count (a level) are equally good, so
/// levels are tried from the least, and in each one the last start first: its slice has the least work and mostly is below the
/// threshold. If not, the level has few ends left: all its starts are scanned, and the least `io_in` among them, which never
/// falls as the end moves on, rules out most later ends without another scan.
#[derive(Clone, Debug, Default)]
pub(super) struct Fewest {
    count: Vec<u32>,
    from: Vec<u32>,
    bottleneck: Vec<Ticks>,
    levels: Vec<Level>,
    /// The least cost at or above the threshold; thresholds up to it have the same result.
    least_refused: Ticks,
}

impl Fewest {
    /// The fewest slices below `threshold` that cover the order, if they are at most `num_blocks`.
    ///
    /// # Complexity
    /// O(nodes + reads) but for the scans of levels that are nearly spent; O(nodes × window) at worst.
    pub(super) fn slice<const ANY: bool>(
        &mut self,
        costs: Slices<'_, ANY>,
        stages: &Stages<'_>,
        threshold: Ticks,
        interrupt: &Interrupt,
    ) -> Result<Sweep, Interrupted> {
        debug_assert!(stages.are_alike());
        let (num_blocks, num_nodes) = (stages.num_stages(), stages.len());
        self.count.clear();
        self.from.clear();
        self.bottleneck.clear();
        self.levels.clear();
        self.least_refused = INFINITE;
        self.push(0, 0, 0);
        let mut first_level = 0;
        let mut work_left = stages.total();
        for end in 1..=num_nodes {
            interrupt.check(end)?;
            for level in &mut self.levels[first_level..] {
                costs.push_back(&mut level.slice);
            }
            // A level whose last start is too far by work alone reaches no later end either.
            while let Some(level) = self.levels.get(first_level) {
                let cost = costs.cost_without_io(&level.slice);
                if cost < threshold {
                    break;
                }
                self.least_refused = self.least_refused.min(cost);
                first_level += 1;
            }
            work_left -= stages.weight(end - 1);
            // Every slicing has a boundary among the starts that are left, and at least the work left after it.
            let blocks_left = count(num_blocks) - count(first_level);
            if first_level == self.levels.len() || work_left > (threshold - 1).saturating_mul(blocks_left) {
                let enough = if blocks_left > 0 { ceil_div(work_left, blocks_left) } else { INFINITE };
                return Ok(Sweep::NoneBelow(self.least_refused.min(enough).max(threshold)));
            }
            let (level, from, bottleneck) = self.best_start(costs, threshold, first_level);
            // A position that needs all blocks is no start.
            let level = if end < num_nodes && wide(level) >= num_blocks { NONE } else { level };
            self.push(level, from, bottleneck);
        }
        if self.count[num_nodes] == NONE {
            return Ok(Sweep::NoneBelow(self.least_refused.max(threshold)));
        }
        Ok(Sweep::Found(Slicing::new(self.ends(num_nodes), num_blocks, self.bottleneck[num_nodes])))
    }

    /// Appends an end; it is also the next start.
    fn push(&mut self, level: u32, from: u32, bottleneck: Ticks) {
        let start = self.count.len();
        self.count.push(level);
        self.from.push(from);
        self.bottleneck.push(bottleneck);
        if level != NONE {
            let fresh = Level { slice: SliceSum::empty_at(start), min_io_in: 0 };
            if wide(level) == self.levels.len() {
                self.levels.push(fresh);
            }
            self.levels[wide(level)] = fresh;
        }
    }

    /// The least count of an end, the start and the bottleneck behind it.
    fn best_start<const ANY: bool>(
        &mut self,
        costs: Slices<'_, ANY>,
        threshold: Ticks,
        first_level: usize,
    ) -> (u32, u32, Ticks) {
        for index in first_level..self.levels.len() {
            let level = self.levels[index];
            let io = level.min_io_in.saturating_add(level.slice.io() - level.slice.io_in());
            let cost = costs.cost_with_io(&level.slice, io);
            if cost >= threshold {
                self.least_refused = self.least_refused.min(cost);
                continue;
            }
            let mut slice = level.slice;
            let mut min_io_in = INFINITE;
            loop {
                let start = slice.start();
                if wide(self.count[start]) == index {
                    let cost = costs.cost(&slice);
                    if cost < threshold {
                        return (narrow(index) + 1, narrow(start), cost.max(self.bottleneck[start]));
                    }
                    self.least_refused = self.least_refused.min(cost);
                    min_io_in = min_io_in.min(slice.io_in());
                }
                let cost = costs.cost_without_io(&slice);
                if cost >= threshold {
                    // This start and those before it are too far from all later ends, too.
                    self.least_refused = self.least_refused.min(cost);
                    break;
                }
                if start == 0 {
                    break;
                }
                costs.push_front(&mut slice);
            }
            self.levels[index].min_io_in = min_io_in;
        }
        (NONE, NONE, INFINITE)
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
