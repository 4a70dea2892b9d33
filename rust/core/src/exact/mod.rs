//! Exact solving: a dynamic program over downsets decides whether a partition better than a threshold exists.
//!
//! The first `b` blocks of an acyclic partition form a downset: a set of nodes closed under predecessors. So a partition
//! into `k` blocks below a threshold is a chain of downsets from the empty one to the whole graph, of at most `k` steps,
//! each step a block that costs less. The downsets that can be part of such a chain are listed first, then linked level by level.
//! Minimum cuts say beforehand where nodes can be (`confines.rs`). Where downsets are too many, nodes get their blocks one after
//! the other, and of each way only what it has paid and what is still open is kept (`frontier.rs`, `labels.rs`). Where that is
//! too much all the same, the question is cut in two (`branch.rs`).

mod boxes;
mod branch;
mod charges;
mod confines;
mod downsets;
mod enumerate;
mod frontier;
mod labels;
mod levels;
mod prove;
mod thresholds;
mod windows;

pub(crate) use boxes::{Point, cost_between, point};
pub(crate) use branch::Part;
pub use charges::{Charges, Order, charges, far};
pub use confines::{BRIEFLY, Confines, Known, PATIENTLY, SHAVING};
pub(crate) use downsets::{Boundary, Downsets, Met};
pub use prove::{Params, Progress, Proof, Proven, Reason, prove};
pub use thresholds::Thresholds;
pub use windows::{Narrowing, Windows};

use std::sync::Arc;

use branch::branch;

use crate::bits::has;
use crate::cost::{Instance, Ticks};
use crate::ids::count;
use crate::interrupt::{Interrupt, Interrupted};

/// A branch of the enumeration, and a node that it decides, take about as long as so many links.
const STEPS_PER_BRANCH: u64 = 16;
const STEPS_PER_NODE: u64 = 8;
/// Steps of the downset DP without windows, which most decisions do not need (those of small tests too).
const STEPS_WITHOUT: u64 = if cfg!(debug_assertions) { 1 << 6 } else { 1 << 18 };
/// Steps of labels without cuts, of graphs of up to so many nodes. Larger ones have more where frontiers are few, since their
/// cuts take seconds: as many times more as they are larger, up to so many times.
const LABEL_STEPS_WITHOUT: u64 = if cfg!(debug_assertions) { 1 << 10 } else { 1 << 24 };
const LARGE: usize = 1 << 10;
const LARGER: usize = 8;

/// Where windows are given, labels and the downset DP have these parts of the steps.
const KNOWN_SHARE: [u64; 2] = [8, 2];

/// What a decision may use, and what it has used.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Bytes of memory for downsets that are still allowed.
    pub bytes: usize,
    /// Steps, of the enumeration and of the links, that are still allowed.
    pub steps: u64,
    /// Downsets and labels that were kept.
    pub downsets: u64,
    /// Links between downsets that were looked at, boxes of them included, and labels that were tried.
    pub transitions: u64,
    /// Decisions of the enumeration.
    pub branches: u64,
    /// Whether frontiers were too many.
    pub are_wide: bool,
}

impl Caps {
    /// Nothing used yet.
    #[must_use]
    pub fn new(bytes: usize, steps: u64) -> Self {
        Self { bytes, steps, downsets: 0, transitions: 0, branches: 0, are_wide: false }
    }

    fn branch(&mut self, decided: usize) -> Result<(), Halt> {
        self.branches += 1;
        self.work(STEPS_PER_BRANCH + STEPS_PER_NODE * count(decided).unsigned_abs())
    }

    fn work(&mut self, steps: u64) -> Result<(), Halt> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(drop).ok_or(Halt::Steps)
    }

    /// Caps of at most so many steps, which are taken away; what they use is to be added.
    fn part(&mut self, steps: u64) -> Self {
        let part = Self::new(self.bytes, steps.min(self.steps));
        self.steps -= part.steps;
        part
    }

    /// Gives back the steps that a part has not used, and counts what it has; the memory only when its result is kept.
    fn add(&mut self, part: &Self, is_kept: bool) {
        self.steps = self.steps.saturating_add(part.steps);
        self.count(part);
        if is_kept {
            self.bytes = part.bytes;
        }
    }

    /// Does something with so many steps, of which what it does not take is given back; it may give itself more.
    fn within<T>(&mut self, steps: u64, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut part = self.part(steps);
        let given = part.steps;
        let done = work(&mut part);
        part.steps = part.steps.min(given);
        self.add(&part, false);
        done
    }

    /// Adds the counts of another one.
    fn count(&mut self, other: &Self) {
        self.downsets += other.downsets;
        self.transitions += other.transitions;
        self.branches += other.branches;
        self.are_wide |= other.are_wide;
    }

    fn transit(&mut self, transitions: u64) -> Result<(), Halt> {
        self.transitions += transitions;
        self.work(transitions)
    }

    fn keep(&mut self, bytes: usize) -> Result<(), Halt> {
        self.downsets += 1;
        self.take(bytes)
    }

    fn take(&mut self, bytes: usize) -> Result<(), Halt> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Halt::Memory)?;
        Ok(())
    }
}

/// What the first blocks of every partition below a threshold are charged (`charges.rs`).
///
/// Entry `b` is about the first `b` blocks, where trailing ones may be empty, or else leading ones. The default knows
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// At least.
    pub least: Vec<Ticks>,
    /// At most.
    pub most: Vec<Ticks>,
}

/// Why a decision was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// So many steps were not enough.
    Steps,
    /// So much memory was not enough.
    Memory,
    /// The interrupt was raised.
    Interrupted,
}

impl From<Interrupted> for Halt {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

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
        Cuts::None => chain(instance, threshold, None, caps, interrupt),
        Cuts::Known(known) => {
            let Some(confines) = confine(known) else { return Ok(None) };
            attempt(instance, threshold, &confines, KNOWN_SHARE.map(|share| caps.steps / share), caps, interrupt)
        }
        Cuts::Recalled(confines) => within(&confines, caps),
        Cuts::AfterSteps(known, ask) => {
            let found = caps.within(STEPS_WITHOUT, |part| chain(instance, threshold, None, part, interrupt));
            if found != Err(Halt::Steps) {
                return found;
            }
            let Some(confines) = confine(known) else { return Ok(None) };
            let windows = &confines.known.windows;
            let more = labels::MORE * (instance.graph().num_nodes() / LARGE).clamp(1, LARGER);
            let labels = |part: &mut Caps| labels::assign(instance, threshold, windows, more, part, interrupt);
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
        caps.within(steps[0], |part| labels::assign(instance, threshold, windows, labels::MORE, part, interrupt));
    if found.is_ok() || found == Err(Halt::Interrupted) || steps[1] == 0 {
        return found;
    }
    caps.within(steps[1], |part| chain(instance, threshold, Some(confines), part, interrupt))
}

/// The downset DP, by node.
fn chain(
    instance: &Instance,
    threshold: Ticks,
    confines: Option<&Confines>,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let ends = levels::chain(instance, threshold, confines, caps, interrupt)?;
    Ok(ends.map(|ends| {
        let block = |node: usize| ends.iter().position(|words| has(words, node)).unwrap_or(0);
        (0..instance.graph().num_nodes()).map(block).collect()
    }))
}
