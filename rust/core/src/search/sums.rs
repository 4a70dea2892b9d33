//! What a block is made of, and what it costs on its device.

use crate::cost::{Held, INFINITE, Ticks, View};
use crate::ids::bytes_as_float;

/// What a block is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Ticks of work.
    pub(crate) work: Ticks,
    /// Ticks of io.
    pub(crate) io: Ticks,
    /// What it stores.
    pub(crate) held: Held,
}

/// What a device makes of such sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    memory: Ticks,
    /// Of bytes, and of state.
    limits: [u64; 2],
    is_overlap: bool,
}

impl Rule {
    pub(super) fn new(view: View<'_>) -> Self {
        let limits = [view.memory_limit(), view.state_limit()].map(|limit| limit.unwrap_or(u64::MAX));
        Self { memory: view.memory(), limits, is_overlap: view.is_overlap() }
    }

    /// The cost of a block of such sums.
    pub(super) fn cost(&self, sums: Sums) -> Ticks {
        let [bytes, state] = self.limits;
        let is_over = sums.held.bytes + sums.held.live > bytes || sums.held.state > state;
        if is_over { INFINITE } else { self.busy(sums) }
    }

    /// What a block of such sums would cost if there were no limits.
    pub(super) fn busy(&self, sums: Sums) -> Ticks {
        let overflow = (sums.held.params - self.memory).max(0);
        if self.is_overlap { (sums.work + overflow).max(sums.io) } else { sums.work + sums.io + overflow }
    }

    /// How far a block of such sums is over its limits, in limits; 1 at least when it is, else 0.
    pub(super) fn excess(&self, sums: Sums) -> f64 {
        let [bytes, state] = self.limits;
        excess(sums.held.bytes + sums.held.live, bytes) + excess(sums.held.state, state)
    }
}

/// By how much more than a limit that is, in limits, and 1; 0 within the limit.
fn excess(bytes: u64, limit: u64) -> f64 {
    if bytes > limit { 1.0 + bytes_as_float(bytes - limit) / bytes_as_float(limit.max(1)) } else { 0.0 }
}
