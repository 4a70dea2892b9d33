//! Budgets of steps and bytes, and counters.
//!
//! Budgets only shrink. A part of a budget takes its steps from the whole, and returns those that it has not used. A part can have
//! a *reserve*, fixed when it is made: steps that it may use only when it is near its end. They are used before its other steps,
//! so the whole pays only for steps beyond the reserve.

use std::sync::Arc;

use crate::interrupt::Interrupted;

/// A budget of steps and bytes, and the counts of what has been done with it.
#[derive(Clone, Debug)]
pub struct Effort {
    bytes: usize,
    steps: u64,
    reserve: u64,
    /// The counters.
    pub counts: Counts,
    /// The engine that has last proven that there is no partition.
    pub closed_by: Option<Engine>,
}

/// The methods that decide a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Levels of downsets.
    Levels,
    /// Labels in the natural order.
    NaturalLabels,
    /// Labels in post-order.
    PostOrderLabels,
    /// Bisection, by a tree of cases: its numbers, as a log has them.
    Bisection(Arc<[usize]>),
}

/// Counters of work; the same on every machine and with any number of threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Downsets and labels that were kept.
    pub downsets: u64,
    /// Links between downsets that were examined, cells of k-d trees included, and labels that were tried.
    pub transitions: u64,
    /// Decisions of the enumeration of downsets.
    pub branches: u64,
    /// Label settings that have ended because of too many frontiers.
    pub wide: u64,
}

/// Why a decision was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The steps are used up.
    Steps,
    /// The memory is used up.
    Memory,
    /// The interrupt was raised.
    Interrupted,
}

impl From<Interrupted> for Halt {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.downsets += other.downsets;
        self.transitions += other.transitions;
        self.branches += other.branches;
        self.wide += other.wide;
    }
}

impl Effort {
    /// So many bytes of memory and so many steps.
    #[must_use]
    pub fn new(bytes: usize, steps: u64) -> Self {
        Self { bytes, steps, reserve: 0, counts: Counts::default(), closed_by: None }
    }

    /// Bytes that are left.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Steps that are left, without the reserve.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes steps.
    pub(crate) fn work(&mut self, steps: u64) -> Result<(), Halt> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(drop).ok_or(Halt::Steps)
    }

    /// Counts links, one step each.
    pub(crate) fn transit(&mut self, transitions: u64) -> Result<(), Halt> {
        self.counts.transitions += transitions;
        self.work(transitions)
    }

    /// Counts a decision of the enumeration, which takes so many steps.
    pub(crate) fn branch(&mut self, steps: u64) -> Result<(), Halt> {
        self.counts.branches += 1;
        self.work(steps)
    }

    /// Counts a downset that is kept.
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), Halt> {
        self.counts.downsets += 1;
        self.take(bytes)
    }

    /// Takes memory.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Halt> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Halt::Memory)?;
        Ok(())
    }

    /// A part with at most so many steps and all the memory; to be given back.
    pub(crate) fn part(&mut self, steps: u64) -> Self {
        let part = Self::new(self.bytes, steps.min(self.steps));
        self.steps -= part.steps;
        part
    }

    /// Takes back what a part has left, the memory as it is now only when the part's result is kept.
    pub(crate) fn give_back(&mut self, part: &Self, is_kept: bool) {
        self.steps = self.steps.saturating_add(part.steps);
        self.counts.add(&part.counts);
        self.closed_by = part.closed_by.clone().or(self.closed_by.take());
        if is_kept {
            self.bytes = part.bytes;
        }
    }

    /// Does something with at most so many steps, and `times` as many in reserve; its memory is free afterwards.
    pub(crate) fn within<T>(&mut self, steps: u64, times: u64, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut part = self.part(steps);
        let given = part.steps;
        part.reserve = given.saturating_mul(times);
        let done = work(&mut part);
        part.steps = part.steps.min(given);
        self.give_back(&part, false);
        done
    }

    /// Makes the reserve, or at most so many steps of it, available; what is above that is gone.
    pub(crate) fn open_reserve(&mut self, most: u64) {
        self.steps = self.steps.saturating_add(std::mem::take(&mut self.reserve).min(most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_gives_back_what_it_has_not_used() {
        let mut effort = Effort::new(10, 100);
        let used = effort.within(30, 0, |part| {
            part.take(4).expect("enough memory");
            part.open_reserve(u64::MAX);
            (part.work(20), part.work(20))
        });
        assert_eq!(used, (Ok(()), Err(Halt::Steps)));
        assert_eq!((effort.steps(), effort.bytes()), (70, 10));
    }

    #[test]
    fn what_the_reserve_pays_for_costs_the_whole_nothing() {
        for (used, left) in [(20, 100), (60, 100), (80, 80), (90, 70)] {
            let mut effort = Effort::new(0, 100);
            let done = effort.within(30, 2, |part| {
                part.open_reserve(u64::MAX);
                part.work(used)
            });
            assert_eq!((done, effort.steps()), (Ok(()), left));
        }
        let mut effort = Effort::new(0, 100);
        assert_eq!(effort.within(30, 2, |part| part.work(31)), Err(Halt::Steps), "the reserve is closed");
        assert_eq!(effort.within(30, 2, |part| (part.open_reserve(5), part.work(36)).1), Err(Halt::Steps));
    }
}
