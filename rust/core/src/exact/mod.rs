//! Exact solving: a dynamic program over downsets decides whether a partition better than a threshold exists.
//!
//! The first `b` blocks of an acyclic partition form a downset: a set of nodes closed under predecessors. So a partition
//! into `k` blocks below a threshold is a chain of downsets from the empty one to the whole graph, of at most `k` steps,
//! each step a block that costs less. The downsets that can be part of such a chain are listed first, then linked level by level.
//! Minimum cuts say beforehand where nodes can be (`domain`). Where downsets are too many, nodes get their blocks one after
//! the other, and of each way only what it has paid and what is still open is kept (`labeling`). Where that is
//! too much all the same, the question is cut in two (`branch.rs`).

mod branch;
mod prove;
mod thresholds;

pub(crate) use branch::Part;
pub use prove::{Params, Progress, Proof, Proven, Reason, prove};
pub use thresholds::Thresholds;

use std::sync::Arc;

use branch::branch;

use crate::bits::has;
use crate::cost::{Instance, Ticks};
use crate::domain::{BRIEFLY, Confines, Known};
use crate::downset;
use crate::effort::{Caps, Halt};
use crate::interrupt::{Interrupt, Interrupted};
use crate::labeling;

/// Steps of the downset DP without windows, which most decisions do not need (those of small tests too).
const STEPS_WITHOUT: u64 = if cfg!(debug_assertions) { 1 << 6 } else { 1 << 18 };
/// Steps of labels without cuts, of graphs of up to so many nodes. Larger ones have more where frontiers are few, since their
/// cuts take seconds: as many times more as they are larger, up to so many times.
const LABEL_STEPS_WITHOUT: u64 = if cfg!(debug_assertions) { 1 << 10 } else { 1 << 24 };
const LARGE: usize = 1 << 10;
const LARGER: usize = 8;

/// Where windows are given, labels and the downset DP have these parts of the steps.
const KNOWN_SHARE: [u64; 2] = [8, 2];

/// Finds a partition whose blocks all cost less than `threshold`, by node; none when there is none that is as `known`.
///
/// # Errors
/// [`Halt`], when a cap is met or `interrupt` was raised; nothing is known then.
pub fn decide(
    instance: &Instance,
    threshold: Ticks,
    known: Option<Known>,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let confine = |confines: Confines| Ok(confines.by_cuts(instance, threshold - 1, BRIEFLY, interrupt)?.map(Arc::new));
    let cuts = known.map_or_else(|| Cuts::AfterSteps(Known::nothing(instance), Box::new(confine)), Cuts::Known);
    decide_within(instance, threshold, cuts, &mut None, caps, interrupt)
}

/// What minimum cuts say of a threshold; none when no partition is better.
pub(crate) type Confined = Result<Option<Arc<Confines>>, Interrupted>;

/// What a decision does about minimum cuts.
pub(crate) enum Cuts<'a> {
    /// Nothing.
    None,
    /// Takes what is known from them, or else.
    Known(Known),
    /// Takes this.
    Recalled(Arc<Confines>),
    /// Asks this when a few steps were not enough, given what follows from what is known.
    AfterSteps(Known, Box<dyn FnOnce(Confines) -> Confined + 'a>),
}

/// As [`decide`]; with parts that are left from before, and those that a halt leaves.
pub(crate) fn decide_within(
    instance: &Instance,
    threshold: Ticks,
    cuts: Cuts<'_>,
    left: &mut Option<Vec<Part>>,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    if threshold <= instance.combinatorial_bound() {
        return Ok(None);
    }
    let mut within =
        |confines: &Confines, caps: &mut Caps| branch(instance, threshold, confines, left, caps, interrupt);
    let confine = |known| Confines::new(instance, threshold - 1, known);
    match cuts {
        Cuts::None => bidirectional(instance, threshold, None, caps, interrupt),
        Cuts::Known(known) => {
            let Some(confines) = confine(known) else { return Ok(None) };
            attempt(instance, threshold, &confines, KNOWN_SHARE.map(|share| caps.steps / share), caps, interrupt)
        }
        Cuts::Recalled(confines) => within(&confines, caps),
        Cuts::AfterSteps(known, ask) => {
            let found = caps.within(STEPS_WITHOUT, |part| bidirectional(instance, threshold, None, part, interrupt));
            if found != Err(Halt::Steps) {
                return found;
            }
            let Some(confines) = confine(known) else { return Ok(None) };
            let windows = &confines.known.windows;
            let more = labeling::MORE * (instance.graph().num_nodes() / LARGE).clamp(1, LARGER);
            let labels = |part: &mut Caps| labeling::assign(instance, threshold, windows, more, part, interrupt);
            let found = caps.within(LABEL_STEPS_WITHOUT, labels);
            match found {
                Err(Halt::Steps | Halt::Memory) => {
                    // Of what cuts leave, frontiers may be few.
                    caps.are_wide = false;
                    let Some(confines) = ask(confines)? else { return Ok(None) };
                    within(&confines, caps)
                }
                found => found,
            }
        }
    }
}

/// Labels, and the downset DP where they halt, with so many steps; by node.
fn attempt(
    instance: &Instance,
    threshold: Ticks,
    confines: &Confines,
    steps: [u64; 2],
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let windows = &confines.known.windows;
    let found =
        caps.within(steps[0], |part| labeling::assign(instance, threshold, windows, labeling::MORE, part, interrupt));
    if found.is_ok() || found == Err(Halt::Interrupted) || steps[1] == 0 {
        return found;
    }
    caps.within(steps[1], |part| bidirectional(instance, threshold, Some(confines), part, interrupt))
}

/// The downset DP, by node.
fn bidirectional(
    instance: &Instance,
    threshold: Ticks,
    confines: Option<&Confines>,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let ends = downset::bidirectional(instance, threshold, confines, caps, interrupt)?;
    Ok(ends.map(|ends| {
        let block = |node: usize| ends.iter().position(|words| has(words, node)).unwrap_or(0);
        (0..instance.graph().num_nodes()).map(block).collect()
    }))
}
