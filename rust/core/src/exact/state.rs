//! The state that the exact solver keeps for one instance: shared by all its turns and by the thresholds of the chain.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::branch::Parts;
use crate::cost::{INFINITE, Ticks};
use crate::domain::DomainCache;
use crate::query::ExactParams;

/// The kept state. All queries with it are about quotients of one instance, with the same parameters.
#[derive(Debug, Default)]
pub struct ProofState {
    /// The tuned numbers.
    pub params: ExactParams,
    /// The domains that minimum cuts have given.
    pub domains: DomainCache,
    /// The progress of all turns.
    pub marks: Marks,
    /// The open parts of thresholds that were branched on.
    pub(super) open: OpenParts,
}

impl ProofState {
    /// The state before the first turn.
    #[must_use]
    pub fn new(params: ExactParams) -> Self {
        Self { params, ..Self::default() }
    }
}

/// The bounds and findings that turns share.
#[derive(Debug)]
pub struct Marks {
    stuck: Mutex<Option<Ticks>>,
    are_wide: AtomicBool,
    floor: AtomicI64,
    ceiling: AtomicI64,
}

impl Default for Marks {
    fn default() -> Self {
        let [floor, ceiling] = [0, INFINITE].map(AtomicI64::new);
        Self { stuck: Mutex::default(), are_wide: AtomicBool::default(), floor, ceiling }
    }
}

impl Marks {
    /// About the least threshold that minimum cuts alone do not prove; none before the first sweep. The sweep has tried the
    /// thresholds between the lower bound and it.
    #[must_use]
    pub fn stuck(&self) -> Option<Ticks> {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lower_stuck(&self, threshold: Ticks) {
        let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        *stuck = Some(stuck.map_or(threshold, |least| least.min(threshold)));
    }

    /// Whether there were too many frontiers when a turn last tried the incumbent's bottleneck (`labeling`).
    #[must_use]
    pub fn are_wide(&self) -> bool {
        self.are_wide.load(Ordering::Relaxed)
    }

    pub(super) fn set_wide(&self, are_wide: bool) {
        self.are_wide.store(are_wide, Ordering::Relaxed);
    }

    /// The largest lower bound that [`narrow`](Self::narrow) was given.
    pub(super) fn floor(&self) -> Ticks {
        self.floor.load(Ordering::Relaxed)
    }

    /// The least bottleneck that [`narrow`](Self::narrow) was given.
    pub(super) fn ceiling(&self) -> Ticks {
        self.ceiling.load(Ordering::Relaxed)
    }

    /// Takes a lower bound and the bottleneck of a partition, from any method of the run.
    pub fn narrow(&self, lower_bound: Ticks, bottleneck: Ticks) {
        self.floor.fetch_max(lower_bound, Ordering::Relaxed);
        self.ceiling.fetch_min(bottleneck, Ordering::Relaxed);
    }
}

/// The open parts of undecided thresholds, the latest at the back.
#[derive(Debug, Default)]
pub(super) struct OpenParts(Mutex<Vec<Open>>);

/// The open parts of one threshold of a quotient.
#[derive(Debug)]
struct Open {
    threshold: Ticks,
    group_of: Vec<usize>,
    parts: Parts,
}

impl OpenParts {
    /// Removes and returns the open parts of a threshold; none when it was not branched on.
    pub(super) fn take(&self, group_of: &[usize], threshold: Ticks) -> Option<Parts> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open.iter().position(|each| each.threshold == threshold && each.group_of == group_of)?;
        Some(open.remove(place).parts)
    }

    /// Keeps open parts for another turn, of at most `max_kept` thresholds.
    pub(super) fn keep(&self, group_of: &[usize], threshold: Ticks, parts: Parts, max_kept: usize) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() == max_kept {
            open.remove(0);
        }
        open.push(Open { threshold, group_of: group_of.to_vec(), parts });
    }
}
