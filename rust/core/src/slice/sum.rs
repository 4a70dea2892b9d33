//! A slice with the sums that give its cost.

use crate::cost::{Held, Ticks};

/// A slice `[start, end)` with its sums. [`Slices`](super::Slices) moves its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceSum {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) work: Ticks,
    pub(super) io_in: Ticks,
    pub(super) io_out: Ticks,
    pub(super) params: Ticks,
    pub(super) bytes: u64,
}

impl SliceSum {
    /// The empty slice at a position.
    #[must_use]
    pub fn empty_at(position: usize) -> Self {
        Self { start: position, end: position, work: 0, io_in: 0, io_out: 0, params: 0, bytes: 0 }
    }

    /// The first position in the slice.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// Tensors read in the slice and made before it.
    pub(super) fn io_in(&self) -> Ticks {
        self.io_in
    }

    /// What the slice stores, with so much state and so many bytes of live tensors.
    pub(super) fn held(&self, state: u64, live: u64) -> Held {
        Held { params: self.params, bytes: self.bytes, state, live }
    }

    /// What the slice pays for tensors.
    pub(super) fn io(&self) -> Ticks {
        self.io_in + self.io_out
    }

    /// The first position after the slice.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end
    }
}
