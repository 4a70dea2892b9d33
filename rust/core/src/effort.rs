//! What the exact solver may use for one decision, and why it gives one up.

use crate::ids::count;
use crate::interrupt::Interrupted;

/// A branch of the enumeration, and a node that it decides, take about as long as so many links.
const STEPS_PER_BRANCH: u64 = 16;
const STEPS_PER_NODE: u64 = 8;
/// What a decision may use, and what it has used.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Bytes of memory for downsets that are still allowed.
    pub bytes: usize,
    /// Steps, of the enumeration and of the links, that are still allowed.
    pub steps: u64,
    /// Downsets and labels that were kept.
    pub downsets: u64,
    /// Links between downsets that were looked at, boxes of them included, and labels that were tried.
    pub transitions: u64,
    /// Decisions of the enumeration.
    pub branches: u64,
    /// Whether frontiers were too many.
    pub are_wide: bool,
}

impl Caps {
    /// Nothing used yet.
    #[must_use]
    pub fn new(bytes: usize, steps: u64) -> Self {
        Self { bytes, steps, downsets: 0, transitions: 0, branches: 0, are_wide: false }
    }

    pub(crate) fn branch(&mut self, decided: usize) -> Result<(), Halt> {
        self.branches += 1;
        self.work(STEPS_PER_BRANCH + STEPS_PER_NODE * count(decided).unsigned_abs())
    }

    pub(crate) fn work(&mut self, steps: u64) -> Result<(), Halt> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(drop).ok_or(Halt::Steps)
    }

    /// Caps of at most so many steps, which are taken away; what they use is to be added.
    pub(crate) fn part(&mut self, steps: u64) -> Self {
        let part = Self::new(self.bytes, steps.min(self.steps));
        self.steps -= part.steps;
        part
    }

    /// Gives back the steps that a part has not used, and counts what it has; the memory only when its result is kept.
    pub(crate) fn add(&mut self, part: &Self, is_kept: bool) {
        self.steps = self.steps.saturating_add(part.steps);
        self.count(part);
        if is_kept {
            self.bytes = part.bytes;
        }
    }

    /// Does something with so many steps, of which what it does not take is given back; it may give itself more.
    pub(crate) fn within<T>(&mut self, steps: u64, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut part = self.part(steps);
        let given = part.steps;
        let done = work(&mut part);
        part.steps = part.steps.min(given);
        self.add(&part, false);
        done
    }

    /// Adds the counts of another one.
    pub(crate) fn count(&mut self, other: &Self) {
        self.downsets += other.downsets;
        self.transitions += other.transitions;
        self.branches += other.branches;
        self.are_wide |= other.are_wide;
    }

    pub(crate) fn transit(&mut self, transitions: u64) -> Result<(), Halt> {
        self.transitions += transitions;
        self.work(transitions)
    }

    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), Halt> {
        self.downsets += 1;
        self.take(bytes)
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Halt> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Halt::Memory)?;
        Ok(())
    }
}

/// Why a decision was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// So many steps were not enough.
    Steps,
    /// So much memory was not enough.
    Memory,
    /// The interrupt was raised.
    Interrupted,
}

impl From<Interrupted> for Halt {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}
