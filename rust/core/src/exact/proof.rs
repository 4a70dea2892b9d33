//! What a proof of a lower bound rests on.

use super::argument::Argument;
use crate::cost::Ticks;
use crate::reduce::Merge;

/// Why no partition is better than a threshold, after merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Every block with this group of the quotient costs at least the threshold: a minimum cut.
    Cut(usize),
    /// What is known of each node of the quotient leaves no partition.
    Domains,
    /// A search for two blocks has closed all its cases: a bisection.
    Bisection,
    /// A search has found no chain of downsets of the quotient that is that cheap, by levels or by labels, in one part or in
    /// several; how many downsets and links were looked at.
    Downsets {
        /// Downsets and labels that were kept.
        downsets: u64,
        /// Links that were looked at, and labels that were tried.
        transitions: u64,
    },
}

/// A lower bound, and all that it takes to check it.
#[derive(Clone, Debug)]
pub struct Proof {
    /// No partition is better, in ticks.
    pub threshold: Ticks,
    /// The merges that lead to the quotient.
    pub merges: Vec<Merge>,
    /// Nodes of the quotient.
    pub num_groups: usize,
    /// Why none of the quotient is better.
    pub reason: Reason,
    /// How that was found, where it was a search.
    pub argument: Argument,
}
