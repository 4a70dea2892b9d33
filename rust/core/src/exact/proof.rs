//! The proof of a lower bound, for a certificate.

use super::argument::Argument;
use crate::cost::Ticks;
use crate::reduce::Merge;

/// Why no partition is below a threshold, in the quotient by merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Every block with this group of the quotient costs at least the threshold: a minimum cut.
    Cut(usize),
    /// The domains of the quotient's nodes leave no partition.
    Domains,
    /// A bisection, the branch and bound for two blocks, has closed all its cases.
    Bisection,
    /// The downset DP or label setting has found no partition of the quotient, in one part or in several.
    Downsets {
        /// Downsets and labels that were kept.
        downsets: u64,
        /// Links between downsets, and labels, that were examined.
        transitions: u64,
    },
}

/// A lower bound, with all that a checker needs.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The lower bound, in ticks: no partition is below it.
    pub threshold: Ticks,
    /// The merges that give the quotient.
    pub merges: Vec<Merge>,
    /// The number of nodes of the quotient.
    pub num_groups: usize,
    /// Why no partition of the quotient is below it.
    pub reason: Reason,
    /// The hints of the search, if there was one.
    pub argument: Argument,
}
