//! From a partition to its proof: reduce, decide, and close in from both sides.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::ThreadPoolBuilder;

use super::{Cuts, Thresholds, decide_within};
use crate::cost::{ABOVE_ALL, INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::domain::{BRIEFLY, Confines, Known, PATIENTLY, WHOLE};
use crate::effort::{Caps, Halt};
use crate::error::Error;
use crate::interrupt::{Interrupt, Interrupted};
use crate::reduce::{Merge, Reduction, reduce};

/// By how much more steps thresholds are tried again when there is nothing else left to try.
const GROWTH: u64 = 4;
/// A bracket is not worth halving once it is this part of what was between the bounds: while nothing is proven, and later.
const NARROW: [Ticks; 2] = [1 << 12, 1 << 3];
/// Minimum cuts alone are tried in steps of this part of the best partition's bottleneck: while nothing is proven, and later.
const ROUGH: [Ticks; 2] = [1 << 12, 1 << 8];
/// Where they say nothing of it they are tried so many times at low thresholds, as long as nothing is proven.
const PROBES: usize = 3;
/// The share of charges that is a contradiction more often than not, and how much faster shares grow than thresholds fall.
const FULL: i128 = 98 * WHOLE / 100;
const STEEP: [i128; 2] = [13, 10];
/// As long as nothing is proven, this part of the best partition's bottleneck more than the combinatorial bound is tried.
const FORMAL: [Ticks; 3] = [1 << 13, 1 << 15, 1 << 18];
/// With no more than this part of the best partition's bottleneck open, lower thresholds take as many steps as it, and are
/// tried when so many have not been enough.
const HARDLY: Ticks = 1 << 7;
const PLENTY: u64 = 1 << 30;
/// A partition that is better by no more than this part of what is open is likely to be the best.
const HARDLY_BETTER: Ticks = 8;
/// When lower thresholds that are proven have taken this part of the steps, the best one has more of them.
const COMPARABLE: u64 = 4;
const MAX_THREADS: usize = 4096;

/// Why no partition is better than a threshold, after merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Every block with this group of the quotient costs at least the threshold: a minimum cut.
    Cut(usize),
    /// No chain of downsets of the quotient is that cheap; how many downsets and links were looked at.
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
}

/// What proving may use.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// Steps with which each threshold is tried first.
    pub steps: u64,
    /// Bytes for downsets.
    pub memory: usize,
    /// Worker threads.
    pub threads: usize,
    /// What is known of all partitions better than the best.
    pub known: Option<Known>,
    /// What cuts have said of the instance, where nothing is known.
    pub thresholds: Arc<Thresholds>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// No partition is better, in ticks.
    pub lower_bound: Ticks,
    /// The best partition known, in ticks.
    pub bottleneck: Ticks,
}

/// What is known in the end.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The bounds.
    pub progress: Progress,
    /// A better partition than the one that was given, by node, if there is one.
    pub block_of: Option<Vec<usize>>,
    /// Where the lower bound comes from; none when it was known before, or is the combinatorial bound.
    pub proof: Option<Proof>,
    /// All steps together.
    pub used: Caps,
}

/// Proves that the best partition `known` is optimal, or finds the optimum, or comes as near as it can until it is
/// interrupted, or `report` says so.
///
/// Thresholds are tried between what is proven and the best partition. A threshold that a partition beats lowers the
/// incumbent, one that none beats raises the bound; one that takes too many steps is left for later, and lower ones are
/// tried, which take fewer.
///
/// # Errors
/// [`Error`], when `threads` is out of range.
///
/// # Complexity
/// Exponential in the width of the graph at worst.
pub fn prove(
    instance: &Instance,
    known: Progress,
    params: &Params,
    interrupt: &Interrupt,
    report: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Proven, Error> {
    let threads = params.threads;
    if !(1..=MAX_THREADS).contains(&threads) {
        let rule = format!("there are from 1 to {MAX_THREADS}");
        return Err(Error::Parameter { name: "threads", value: threads.to_string(), rule });
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| Error::Parameter {
        name: "threads",
        value: threads.to_string(),
        rule: error.to_string(),
    })?;
    let mut bracket = Bracket {
        instance,
        interrupt,
        params,
        report,
        has_cuts: true,
        has_begun: false,
        formal: instance.combinatorial_bound(),
        proven: Proven {
            progress: Progress {
                lower_bound: known.lower_bound.max(instance.combinatorial_bound()),
                bottleneck: known.bottleneck.min(ABOVE_ALL),
            },
            block_of: None,
            proof: None,
            used: Caps::new(params.memory, 0),
        },
    };
    // An interrupt leaves what is known so far.
    let _ = pool.install(|| bracket.close_in(params.steps));
    Ok(bracket.proven)
}

/// The threshold for which charges may take all that blocks may cost, given their share at a higher one.
///
/// Charges themselves grow when thresholds fall; by how much is a matter of experience.
fn full(threshold: Ticks, share: i128) -> Ticks {
    let missing = (FULL - share).max(0) * i128::from(threshold) * STEEP[1] / (share.max(1) * STEEP[0]);
    threshold.saturating_sub(Ticks::try_from(missing).unwrap_or(Ticks::MAX))
}

struct Bracket<'a> {
    instance: &'a Instance,
    interrupt: &'a Interrupt,
    params: &'a Params,
    report: &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    /// Whether minimum cuts are of use, as far as is known.
    has_cuts: bool,
    has_begun: bool,
    /// What is proven as a matter of form.
    formal: Ticks,
    proven: Proven,
}

impl Bracket<'_> {
    fn close_in(&mut self, mut steps: u64) -> Result<(), Interrupted> {
        self.tell()?;
        let (mut first, mut is_swept) = (INFINITE, self.params.thresholds.stuck().is_some());
        loop {
            // Often the best partition's bottleneck takes hardly more steps than what is far below it.
            let begin = self.proven.progress.lower_bound;
            let (mut threshold, mut above, mut below, mut is_again) = (INFINITE, INFINITE, 0, false);
            loop {
                let Progress { lower_bound: before, bottleneck: was } = self.proven.progress;
                if before >= was {
                    return Ok(());
                }
                let is_best = threshold >= was;
                threshold = threshold.clamp(before + 1, was);
                let left = self.attempt(threshold, steps)?;
                let is_decided = left.is_some();
                if !is_decided {
                    above = threshold;
                    if !is_swept {
                        self.begin(steps)?;
                        self.sweep(above.min(self.proven.progress.bottleneck))?;
                        is_swept = true;
                    }
                }
                let Progress { lower_bound, bottleneck } = self.proven.progress;
                // What somebody else has proven need not be proven again.
                let floor = lower_bound.max(self.params.thresholds.floor());
                let open = above.min(bottleneck) - floor;
                let narrow = NARROW[usize::from(lower_bound > self.formal)];
                let is_hardly = open <= bottleneck / HARDLY && steps < PLENTY;
                let is_narrow = open.saturating_mul(narrow) <= bottleneck - begin || is_hardly;
                if !is_decided && is_narrow || open <= 1 && above < INFINITE {
                    break;
                }
                if above < INFINITE {
                    below += left.map_or(0, |left| steps - left.min(steps));
                    if below > steps / COMPARABLE {
                        break;
                    }
                }
                // What took too many steps last time, twice as far as the last step went, or half of what is left.
                let leap = floor.saturating_add((lower_bound - before).saturating_mul(2));
                let middle = floor + (open + 1) / 2;
                is_again =
                    is_best && is_decided && !is_again && (was - bottleneck).saturating_mul(HARDLY_BETTER) <= open;
                threshold = match (lower_bound > before, above < INFINITE) {
                    // Once, since there may be many that are hardly better than each other.
                    (false, false) if is_again => INFINITE,
                    (true, true) => leap.min(middle),
                    (true, false) => leap,
                    (false, true) if is_best && (floor + 1..above).contains(&first) => first,
                    (false, _) => middle,
                };
            }
            first = above;
            steps = steps.saturating_mul(GROWTH);
        }
    }

    /// Proves little more than the combinatorial bound, once, which takes hardly any steps.
    fn begin(&mut self, steps: u64) -> Result<(), Interrupted> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let has_cuts = self.has_cuts;
        for part in FORMAL {
            let Progress { lower_bound, bottleneck } = self.proven.progress;
            if lower_bound > self.instance.combinatorial_bound() || lower_bound >= bottleneck {
                break;
            }
            self.attempt((lower_bound + bottleneck / part).clamp(lower_bound + 1, bottleneck), steps)?;
            self.formal = self.proven.progress.lower_bound;
        }
        // What cuts say there does not say whether they are of use above.
        self.has_cuts = has_cuts;
        Ok(())
    }

    /// Proves what windows alone prove, roughly, by minimum cuts where they are of use: that takes no steps.
    fn sweep(&mut self, above: Ticks) -> Result<(), Interrupted> {
        let thresholds = Arc::clone(&self.params.thresholds);
        let mut above = thresholds.stuck().map_or(above, |stuck| above.min(stuck));
        let (mut share, mut probes) = (thresholds.share(above).filter(|_| self.has_cuts), PROBES);
        loop {
            let Progress { lower_bound, bottleneck } = self.proven.progress;
            let open = above - lower_bound;
            let is_proven = lower_bound > self.formal;
            if (open / 2).saturating_mul(ROUGH[usize::from(is_proven)]) <= bottleneck {
                break;
            }
            let (least, most) = (lower_bound + (open / 3).max(1), above - (open / 8).max(1));
            let is_probe = !self.has_cuts && !is_proven && probes > 0;
            let threshold = match share {
                // Where cuts say nothing of the best partition's bottleneck they may say something of much less.
                _ if is_probe => lower_bound + (open / 8).max(1),
                // A share that should have been enough says no more of how far down it is.
                Some(FULL..) => lower_bound + open / 2,
                Some(share) => full(above, share).clamp(least, most),
                None => least,
            };
            let Some(reduction) = self.reduce(threshold)? else { continue };
            let patience = if is_probe { Some(BRIEFLY) } else { self.has_cuts.then_some(PATIENTLY) };
            let confines = self.confine(&reduction, threshold, patience)?;
            probes -= usize::from(is_probe);
            self.has_cuts |= is_probe && confines.is_none();
            if let Some(confines) = confines {
                (above, share) = (threshold, self.has_cuts.then(|| confines.narrowing.share()));
            } else {
                self.raise(threshold, reduction, Reason::Downsets { downsets: 0, transitions: 0 })?;
            }
        }
        thresholds.keep_stuck(above);
        Ok(())
    }

    /// The quotient at a threshold; none when a minimum cut proves the threshold at once.
    fn reduce(&mut self, threshold: Ticks) -> Result<Option<Reduction>, Interrupted> {
        let reduction = reduce(self.instance, threshold, self.interrupt)?;
        let Some(group) = reduction.infeasible_group else { return Ok(Some(reduction)) };
        self.raise(threshold, reduction, Reason::Cut(group)).map(|()| None)
    }

    /// What is known of partitions better than a threshold, by minimum cuts with some patience; none when there is none.
    fn confine(
        &self,
        reduction: &Reduction,
        threshold: Ticks,
        patience: Option<i64>,
    ) -> Result<Option<Arc<Confines>>, Interrupted> {
        let Reduction { instance, group_of, .. } = reduction;
        let Some(patience) = patience else {
            return Ok(Confines::new(instance, threshold - 1, Known::nothing(instance)).map(Arc::new));
        };
        self.params.thresholds.ask(instance, group_of, threshold, patience, self.interrupt)
    }

    /// Decides one threshold, if that takes no more than so many steps; how many are left.
    fn attempt(&mut self, threshold: Ticks, steps: u64) -> Result<Option<u64>, Interrupted> {
        let Some(reduction) = self.reduce(threshold)? else { return Ok(Some(steps)) };
        let mut caps = Caps::new(self.params.memory, steps);
        let Reduction { instance, group_of, .. } = &reduction;
        let (thresholds, interrupt) = (&self.params.thresholds, self.interrupt);
        let mut is_of_use = self.has_cuts;
        let patience = is_of_use.then_some(BRIEFLY);
        let cuts = if let Some(known) = &self.params.known {
            Cuts::Known(known.of_groups(group_of, instance.graph().num_nodes()))
        } else if let Some(confines) = thresholds.recall(group_of, threshold, BRIEFLY) {
            is_of_use = confines.are_of_use;
            Cuts::Recalled(confines)
        } else {
            let (above, _) = thresholds.above(instance, group_of, threshold);
            let ask = |confines| {
                let Some(patience) = patience else { return Ok(Some(Arc::new(confines))) };
                // Cuts can take seconds, and what labels do after them more.
                self.begin(steps)?;
                let confines = thresholds.ask(instance, group_of, threshold, patience, interrupt)?;
                is_of_use = confines.as_ref().map_or(is_of_use, |confines| confines.are_of_use);
                Ok(confines)
            };
            Cuts::AfterSteps(above, Box::new(ask))
        };
        let mut left = thresholds.take_parts(group_of, threshold);
        let decision = decide_within(instance, threshold, cuts, &mut left, &mut caps, interrupt);
        if let (Err(_), Some(parts)) = (&decision, left) {
            thresholds.keep_parts(group_of, threshold, parts);
        }
        self.has_cuts = is_of_use;
        if threshold == self.proven.progress.bottleneck {
            thresholds.tell_wide(caps.are_wide);
        }
        self.proven.used.count(&caps);
        match decision {
            Err(Halt::Interrupted) => Err(Interrupted),
            Err(Halt::Steps | Halt::Memory) => Ok(None),
            Ok(None) => {
                let reason = Reason::Downsets { downsets: caps.downsets, transitions: caps.transitions };
                self.raise(threshold, reduction, reason).map(|()| Some(caps.steps))
            }
            Ok(Some(blocks)) => self.lower(reduction.lift(&blocks)).map(|()| Some(caps.steps)),
        }
    }

    fn raise(&mut self, threshold: Ticks, reduction: Reduction, reason: Reason) -> Result<(), Interrupted> {
        let num_groups = reduction.instance.graph().num_nodes();
        // What has begun in the meantime may have proven more, or found a better partition.
        if threshold > self.proven.progress.lower_bound {
            self.proven.progress.lower_bound = threshold;
            self.proven.proof = Some(Proof { threshold, merges: reduction.merges, num_groups, reason });
        }
        self.tell()
    }

    fn lower(&mut self, block_of: Vec<usize>) -> Result<(), Interrupted> {
        let bottleneck = bottleneck(&partition_costs(self.instance, &block_of));
        if bottleneck < self.proven.progress.bottleneck {
            self.proven.progress.bottleneck = bottleneck;
            self.proven.block_of = Some(block_of);
        }
        self.tell()
    }

    fn tell(&mut self) -> Result<(), Interrupted> {
        if (self.report)(self.proven.progress).is_break() { Err(Interrupted) } else { Ok(()) }
    }
}
