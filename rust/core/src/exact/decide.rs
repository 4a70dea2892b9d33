//! The cascade that decides one threshold, cheap methods first.
//!
//! 1. For two blocks: bisection.
//! 2. The downset DP without domains, for milliseconds.
//! 3. Label setting in the windows that propagation alone gives, on devices without memory limits.
//! 4. Minimum cuts narrow the domains; then labels and the DP run again.
//! 5. Branching: a window is split in two, and each part is decided alone (`branch.rs`).

use super::attempt::attempt;
use super::branch::{Parts, branch};
use crate::bisection::{bisect, is_taken};
use crate::domain::{Domains, Known};
use crate::downset::bidirectional;
use crate::ids::count;
use crate::labeling::assign;
use crate::query::{Effort, Halt, Query};

/// The result of the steps without minimum cuts.
pub(super) enum Stage {
    /// Decided: a partition by node, or none when there is none.
    Decided(Option<Vec<usize>>),
    /// Still open, with the domains that follow without cuts.
    Open(Box<Domains>),
}

/// Finds a partition below the threshold, by node; none when there is none. `known` holds for all such partitions.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised: the threshold is undecided.
pub fn decide(query: &Query<'_>, known: Option<Known>, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
    if let Some(known) = known {
        return decide_known(query, known, effort);
    }
    if let Some(found) = decide_in_two(query, effort) {
        return found;
    }
    match decide_without_cuts(query, Known::nothing(query.instance), effort)? {
        Stage::Decided(found) => Ok(found),
        Stage::Open(domains) => match domains.by_cuts(query, query.params.domain.brief_steps, &mut 0)? {
            Ok(domains) => decide_within(query, &domains, &mut None, effort),
            Err(_) => Ok(None),
        },
    }
}

/// Decides the threshold in the domains that follow from `known`, without minimum cuts and branching.
///
/// # Errors
/// See [`decide`].
pub(super) fn decide_known(query: &Query<'_>, known: Known, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
    if query.threshold <= query.instance.combinatorial_bound() {
        return Ok(None);
    }
    let Some(domains) = Domains::new(query, known) else { return Ok(None) };
    let steps = query.params.decide.known_shares.map(|share| effort.steps() / share);
    attempt(query, &domains, steps, effort)
}

/// The result of bisection; none when it does not apply (other than two blocks), or halts for steps or memory.
pub(super) fn decide_in_two(query: &Query<'_>, effort: &mut Effort) -> Option<Result<Option<Vec<usize>>, Halt>> {
    let found = is_taken(query.instance).then(|| bisect(query, effort))?;
    (!matches!(found, Err(Halt::Steps | Halt::Memory))).then_some(found)
}

/// Steps 2 and 3 of the cascade, which are enough for most thresholds; `known` holds for all better partitions.
///
/// # Errors
/// See [`decide`].
pub(super) fn decide_without_cuts(query: &Query<'_>, known: Known, effort: &mut Effort) -> Result<Stage, Halt> {
    let params = &query.params.decide;
    if query.threshold <= query.instance.combinatorial_bound() {
        return Ok(Stage::Decided(None));
    }
    match bidirectional(query, None, params.downset_steps, effort) {
        Err(Halt::Steps) => {}
        found => return found.map(Stage::Decided),
    }
    let Some(domains) = Domains::new(query, known) else { return Ok(Stage::Decided(None)) };
    if !query.instance.is_free_of_memory() {
        return Ok(Stage::Open(Box::new(domains)));
    }
    let times = count(query.instance.graph().num_nodes() / params.large).unsigned_abs().clamp(1, params.max_times);
    let times = query.params.labeling.times * times;
    match assign(query, &domains.known.windows, params.label_steps, times, effort) {
        Err(Halt::Steps | Halt::Memory) => Ok(Stage::Open(Box::new(domains))),
        found => found.map(Stage::Decided),
    }
}

/// Labels, the DP and branching in domains that contain all better partitions. `parts` are the open parts of an earlier call; on a
/// halt, those still open; after a decision by branching, they hold the argument.
///
/// # Errors
/// See [`decide`].
pub(super) fn decide_within(
    query: &Query<'_>,
    domains: &Domains,
    parts: &mut Option<Parts>,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    if query.threshold <= query.instance.combinatorial_bound() {
        return Ok(None);
    }
    let steps = query.params.decide.shares.map(|share| effort.steps() / share);
    match attempt(query, domains, steps, effort) {
        Ok(found) => {
            *parts = None;
            Ok(found)
        }
        // If cuts have not narrowed the whole, its parts stay as large down to a great depth.
        Err(halt @ (Halt::Steps | Halt::Memory)) if domains.are_of_use => branch(query, domains, halt, parts, effort),
        Err(halt) => Err(halt),
    }
}
