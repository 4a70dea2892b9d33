//! Why checking ends early, and the steps that it may take.

/// Why nothing is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The steps that were allowed are used up, or the bytes.
    Budget,
    /// The caller interrupted the check.
    Interrupted,
    /// Everything was looked at, and the claim is still open.
    Open,
    /// The bytes are no problem or no log.
    Malformed(String),
    /// An entry of the log is not true, or a partition beats the claim; which merge it is, where it is one.
    Refused {
        /// The index of the merge.
        merge: Option<usize>,
        /// What is wrong, in a line.
        reason: String,
    },
}

impl Stop {
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { merge: None, reason: reason.into() }
    }

    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }
}

/// Counts steps: arcs, nodes and labels that are looked at. There is no clock, so the same steps give the same verdict anywhere.
#[derive(Clone)]
pub struct Steps<'a> {
    left: u64,
    /// How many are left when it is next asked whether to end.
    next_look: u64,
    is_ended: &'a (dyn Fn() -> bool + Sync),
}

/// Steps between two looks at whether to end.
const LOOK: u64 = 1 << 20;

impl<'a> Steps<'a> {
    /// So many are allowed.
    #[must_use]
    pub fn new(steps: u64) -> Self {
        Self::until(steps, &|| false)
    }

    /// So many are allowed, until it is said to end.
    #[must_use]
    pub fn until(steps: u64, is_ended: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { left: steps, next_look: steps.saturating_sub(LOOK), is_ended }
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Uses up steps.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let is_enough = steps <= self.left;
        self.left = self.left.saturating_sub(steps);
        if self.left < self.next_look {
            self.next_look = self.left.saturating_sub(LOOK);
            if (self.is_ended)() {
                return Err(Stop::Interrupted);
            }
        }
        if is_enough { Ok(()) } else { Err(Stop::Budget) }
    }

    /// Gives a part of the steps to an attempt; what it has used is used.
    pub(crate) fn part<T>(&mut self, most: u64, attempt: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        let given = most.min(self.left);
        let mut part = Self::until(given, self.is_ended);
        let found = attempt(&mut part);
        self.left -= given - part.left;
        found
    }
}
