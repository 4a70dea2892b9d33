//! The budgets of ranges of stages, and the bytes that they may store.

use crate::cost::{Budget, INFINITE, Instance, Ticks};
use crate::ids::count;

/// More bytes than any graph has.
const AMPLE: u128 = 1 << 80;

/// Sums over the stages from the first on.
#[derive(Debug)]
pub(super) struct Rooms {
    num_stages: usize,
    /// What one stage may spend where all are alike, and else what the first stages may spend.
    each: Ticks,
    sums: Vec<i128>,
    /// Bytes that the first stages may store; empty when there is no limit.
    bytes: Vec<u128>,
}

impl Rooms {
    /// With blocks that cost at most so much, in the units of the budget, or of costs where there is none.
    pub(super) fn new(instance: &Instance, budget: Option<&Budget>, max_cost: Ticks) -> Self {
        let num_stages = instance.num_blocks();
        let sums = budget
            .map_or_else(Vec::new, |budget| (0..=num_stages).map(|stage| budget.room(0, stage, max_cost)).collect());
        let mut bytes = Vec::new();
        if instance.views().any(|view| view.memory_limit().is_some()) {
            let limit = |stage| instance.on(stage).memory_limit().map_or(AMPLE, u128::from);
            bytes.push(0);
            bytes.extend((0..num_stages).scan(0, |sum, stage| {
                *sum += limit(stage);
                Some(*sum)
            }));
        }
        Self { num_stages, each: max_cost, sums, bytes }
    }

    /// What the stages of a range may spend together.
    pub(super) fn between(&self, first: usize, last: usize) -> Ticks {
        if self.sums.is_empty() {
            return self.each.saturating_mul(count(last - first));
        }
        Ticks::try_from(self.sums[last] - self.sums[first]).unwrap_or(INFINITE)
    }

    /// What one stage may spend.
    pub(super) fn of(&self, stage: usize) -> Ticks {
        if self.sums.is_empty() { self.each } else { self.between(stage, stage + 1) }
    }

    /// Whether so many of the first stages, and so many of the last, can store what is before a boundary and after it.
    pub(super) fn fit(&self, before: u64, after: u64, [first, last]: [usize; 2]) -> bool {
        self.bytes.is_empty()
            || (u128::from(before) <= self.bytes[first]
                && u128::from(after) <= self.bytes[self.num_stages] - self.bytes[self.num_stages - last])
    }
}
