//! A query of the exact solver (an instance and a threshold), its budgets of steps and bytes, and the tuned numbers.

mod effort;
mod params;

pub use effort::{Counts, Effort, Engine, Halt};
pub use params::{
    BisectionParams, BracketParams, BranchParams, DecideParams, DomainParams, DownsetParams, ExactParams,
    LabelingParams,
};

use crate::cost::{Instance, Ticks};
use crate::interrupt::Interrupt;

/// The question whether an instance has a partition whose blocks all cost less than a threshold.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The problem, or a quotient of it.
    pub instance: &'a Instance,
    /// In ticks, at least 1.
    pub threshold: Ticks,
    /// The tuned numbers; answers do not depend on them.
    pub params: &'a ExactParams,
    /// Ends the work early.
    pub interrupt: &'a Interrupt,
}

impl Query<'_> {
    /// The most that a block can cost: costs are integers.
    pub(crate) fn max_cost(&self) -> Ticks {
        self.threshold - 1
    }
}
