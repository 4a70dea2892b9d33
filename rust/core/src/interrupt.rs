//! The interrupt: a flag by which a caller on another thread ends long work.

use std::sync::atomic::{AtomicBool, Ordering};

/// How many steps go by between two looks at the flag.
const EVERY: usize = 1024;

/// A flag that long work polls every few thousand steps.
#[derive(Debug, Default)]
pub struct Interrupt(AtomicBool);

/// The work was asked to end before it had its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl Interrupt {
    /// A flag that is not raised.
    #[must_use]
    pub const fn never() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks the work to end.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Polled from inside loops over `step`: looks at the flag at step 0 and then once in a while.
    pub(crate) fn check(&self, step: usize) -> Result<(), Interrupted> {
        if step.is_multiple_of(EVERY) && self.is_raised() { Err(Interrupted) } else { Ok(()) }
    }
}
