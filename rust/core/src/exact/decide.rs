//! The cascade that decides one threshold: what takes little first.
//!
//! 1. Two blocks: bisection.
//! 2. The downset DP without domains, for milliseconds.
//! 3. Label setting in the windows that follow without minimum cuts, where memory does not count.
//! 4. Minimum cuts narrow the domains; then labels and the DP again.
//! 5. Windows are cut in two, and each part is decided by itself (`branch.rs`).

use super::attempt::attempt;
use super::branch::{Parts, branch};
use crate::bisection::{bisect, is_taken};
use crate::domain::{Domains, Known};
use crate::downset::bidirectional;
use crate::ids::count;
use crate::labeling::assign;
use crate::query::{Effort, Halt, Query};

/// What comes of the stages without minimum cuts.
pub(super) enum Stage {
    /// A partition by node, or none when there is none.
    Decided(Option<Vec<usize>>),
    /// It is open, and this is known without cuts.
    Open(Box<Domains>),
}

/// Finds a partition better than the threshold, by node; none when there is none that is as `known`.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised; nothing is known then.
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

/// A partition better than the threshold that is as `known`: there are no cuts and no parts.
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

/// What comes of bisection; none where there are not two blocks, or it takes too much.
pub(super) fn decide_in_two(query: &Query<'_>, effort: &mut Effort) -> Option<Result<Option<Vec<usize>>, Halt>> {
    let found = is_taken(query.instance).then(|| bisect(query, effort))?;
    (!matches!(found, Err(Halt::Steps | Halt::Memory))).then_some(found)
}

/// The next two stages, which most thresholds do not need more than; `known` is what is known of all better partitions.
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

/// The other stages, in domains that hold all better partitions. `parts` are what is left of them from before; when it halts,
/// what is left then; when parts have decided it, how each was closed.
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
        // Where cuts have said nothing of the whole, parts are as large for long.
        Err(halt @ (Halt::Steps | Halt::Memory)) if domains.are_of_use => branch(query, domains, halt, parts, effort),
        Err(halt) => Err(halt),
    }
}
