//! The loop of the exact solver: it reduces the instance at each threshold that `bracket.rs` chooses, decides it, and moves the
//! lower bound or the incumbent.

use std::ops::ControlFlow;

use super::argument::Argument;
use super::bracket::{Bounds, Bracket, Event, Task};
use super::branch::Parts;
use super::decide::{Stage, decide_in_two, decide_known, decide_within, decide_without_cuts};
use super::proof::{Proof, Reason};
use super::state::ProofState;
use super::sweep::{By, Found, Sweep};
use crate::bisection::times;
use crate::cost::{ABOVE_ALL, Instance, Ticks, bottleneck, partition_costs};
use crate::domain::{Domains, Fact, Known};
use crate::error::Error;
use crate::ids::count;
use crate::interrupt::{Interrupt, Interrupted};
use crate::query::{Counts, Effort, Engine, Halt, Query};
use crate::reduce::{Reduction, reduce};
use crate::threads;

const MAX_THREADS: usize = 4096;

/// The limits of a call of [`prove`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most steps for each threshold of the first pass.
    pub steps: u64,
    /// The most steps of all thresholds together, arcs of minimum cuts included. Cuts that have begun when it is used up are
    /// finished.
    pub work: u64,
    /// The most bytes for downsets.
    pub memory: usize,
    /// The number of worker threads.
    pub threads: usize,
}

/// The lower bound and the incumbent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The proven lower bound, in ticks.
    pub lower_bound: Ticks,
    /// The bottleneck of the best partition known, in ticks.
    pub bottleneck: Ticks,
}

/// The result of [`prove`].
#[derive(Clone, Debug)]
pub struct Proven {
    /// Both bounds at the end.
    pub progress: Progress,
    /// A partition better than the given one, by node, if one was found.
    pub block_of: Option<Vec<usize>>,
    /// The proof of the lower bound; none when this call has not raised it, or it is the combinatorial bound.
    pub proof: Option<Proof>,
    /// The counters of all thresholds together.
    pub counts: Counts,
    /// The steps of all thresholds together, arcs of minimum cuts included; the same on every machine and with any number of
    /// threads.
    pub work: u64,
}

/// Raises the lower bound and improves the partition until they meet, the work is used up, the interrupt is raised, or `report`
/// breaks. `known` holds for all partitions better than the best one; `state` is what earlier calls have kept.
///
/// Thresholds are tried between the lower bound and the bottleneck of the best partition. A threshold that is decided gives
/// either a better partition or a larger lower bound. One that takes too many steps is left for later, and lower ones, which
/// take fewer, are tried. A call that ends because its work is used up is deterministic in all that it returns and keeps.
///
/// # Errors
/// [`Error`], when `threads` is out of range.
///
/// # Complexity
/// Exponential in the width of the graph at worst.
pub fn prove(
    instance: &Instance,
    progress: Progress,
    limits: Limits,
    known: Option<&Known>,
    state: &ProofState,
    interrupt: &Interrupt,
    report: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Proven, Error> {
    let threads = limits.threads;
    if !(1..=MAX_THREADS).contains(&threads) {
        let rule = format!("there are from 1 to {MAX_THREADS}");
        return Err(Error::Parameter { name: "threads", value: threads.to_string(), rule });
    }
    let mut prover = Prover {
        instance,
        interrupt,
        limits,
        known,
        state,
        report,
        waiting: Vec::new(),
        proven: Proven {
            progress: Progress {
                lower_bound: progress.lower_bound.max(instance.combinatorial_bound()),
                bottleneck: progress.bottleneck.min(ABOVE_ALL),
            },
            block_of: None,
            proof: None,
            counts: Counts::default(),
            work: 0,
        },
    };
    // After an interrupt the results so far are returned.
    let _ = threads::on(threads, || prover.close_in())?;
    Ok(prover.proven)
}

/// The state of one call: it carries out the tasks of the bracket.
struct Prover<'a> {
    instance: &'a Instance,
    interrupt: &'a Interrupt,
    limits: Limits,
    known: Option<&'a Known>,
    state: &'a ProofState,
    report: &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    /// A stack of thresholds that wait for minimum cuts: a formal threshold is above the one that waits for it.
    waiting: Vec<Attempt>,
    proven: Proven,
}

/// A threshold that is being decided.
struct Attempt {
    threshold: Ticks,
    reduction: Reduction,
    /// The steps that it began with.
    given: u64,
    effort: Effort,
    /// The open parts that an earlier turn has left of it.
    parts: Option<Parts>,
    /// The facts of the domains, and the argument of closed parts.
    facts: Vec<Fact>,
    argument: Option<Argument>,
}

impl Prover<'_> {
    fn close_in(&mut self) -> Result<(), Interrupted> {
        self.report()?;
        let (params, marks) = (&self.state.params.bracket, &self.state.marks);
        let combinatorial = self.instance.combinatorial_bound();
        let mut bracket = Bracket::new(params, combinatorial, marks.stuck().is_some(), self.limits.steps);
        let mut event = Ok(Event::Begun);
        while let Ok(happened) = event {
            let task;
            (bracket, task) = bracket.next(happened, self.bounds());
            event = match task {
                Task::End => return Ok(()),
                _ if self.left() == 0 => Err(Interrupted),
                Task::Decide { threshold, steps, has_cuts } => self.decide(threshold, steps, has_cuts),
                Task::Resume => self.resume(),
                Task::Sweep { above, formal, has_cuts } => self.sweep(above, formal, has_cuts),
            };
        }
        while let Some(attempt) = self.waiting.pop() {
            self.keep(attempt, false);
        }
        event.map(drop)
    }

    /// The steps that are left for all thresholds.
    fn left(&self) -> u64 {
        self.limits.work.saturating_sub(self.proven.work)
    }

    fn spend(&mut self, steps: u64) {
        self.proven.work = self.proven.work.saturating_add(steps);
    }

    fn bounds(&self) -> Bounds {
        let Progress { lower_bound: lower, bottleneck: upper } = self.proven.progress;
        Bounds { lower, upper, floor: self.state.marks.floor() }
    }

    /// Decides one threshold within `steps`. With `has_cuts`, it stops before the minimum cuts, and the threshold waits for them.
    fn decide(&mut self, threshold: Ticks, steps: u64, has_cuts: bool) -> Result<Event, Interrupted> {
        let Some(reduction) = self.reduce(threshold)? else { return Ok(Event::Decided { left: steps, has_cuts }) };
        let times = times(&reduction.instance, &self.state.params.bisection);
        let given = steps.saturating_mul(times).min(self.left());
        let effort = Effort::new(self.limits.memory, given);
        let parts = self.state.open.take(&reduction.group_of, threshold);
        let mut attempt = Attempt { threshold, reduction, given, effort, parts, facts: Vec::new(), argument: None };
        let (state, interrupt) = (self.state, self.interrupt);
        let Reduction { instance, group_of, .. } = &attempt.reduction;
        let query = Query { instance, threshold, params: &state.params, interrupt };
        if let Some(known) = self.known {
            let known = known.of_groups(group_of, instance.graph().num_nodes());
            let found = decide_known(&query, known, &mut attempt.effort);
            let is_wide = attempt.effort.counts.wide > 0;
            return self.finish(attempt, found, is_wide, has_cuts);
        }
        if let Some(found) = decide_in_two(&query, &mut attempt.effort) {
            return self.finish(attempt, found, false, has_cuts);
        }
        if let Some(domains) = state.domains.recall(&query, group_of, state.params.domain.brief_steps) {
            return self.decide_within(attempt, &domains, domains.are_of_use);
        }
        let above = state.domains.above(instance, group_of, threshold);
        attempt.facts = above.facts;
        match decide_without_cuts(&query, above.known, &mut attempt.effort) {
            Ok(Stage::Open(domains)) if !has_cuts => self.decide_within(attempt, &domains, false),
            Ok(Stage::Open(_)) => {
                // Cuts can take seconds, and the labels after them longer.
                self.waiting.push(attempt);
                Ok(Event::NeedsCuts)
            }
            Ok(Stage::Decided(found)) => {
                if attempt.effort.closed_by == Some(Engine::Levels) {
                    // The first downset DP runs without domains.
                    attempt.facts.clear();
                }
                self.finish(attempt, Ok(found), false, has_cuts)
            }
            Err(halt) => self.finish(attempt, Err(halt), false, has_cuts),
        }
    }

    /// Asks minimum cuts for the threshold that waits for them, and decides it.
    fn resume(&mut self) -> Result<Event, Interrupted> {
        let Some(attempt) = self.waiting.pop() else { return Ok(Event::NeedsCuts) };
        let (state, Reduction { instance, group_of, .. }) = (self.state, &attempt.reduction);
        let params = &state.params;
        let query = Query { instance, threshold: attempt.threshold, params, interrupt: self.interrupt };
        let mut arcs = 0;
        let asked = state.domains.ask(&query, group_of, params.domain.brief_steps, &mut arcs);
        self.spend(arcs);
        match asked {
            Ok(Ok(domains)) => self.decide_within(attempt, &domains, domains.are_of_use),
            Ok(Err(facts)) => self.finish(Attempt { facts, ..attempt }, Ok(None), false, true),
            Err(Interrupted) => self.finish(attempt, Err(Halt::Interrupted), false, true),
        }
    }

    /// Decides one threshold in domains.
    fn decide_within(&mut self, mut attempt: Attempt, domains: &Domains, has_cuts: bool) -> Result<Event, Interrupted> {
        let Attempt { threshold, reduction, effort, parts, facts, argument, .. } = &mut attempt;
        let wide_before = effort.counts.wide;
        let params = &self.state.params;
        let query = Query { instance: &reduction.instance, threshold: *threshold, params, interrupt: self.interrupt };
        let found = decide_within(&query, domains, parts, effort);
        if found.is_ok() {
            *argument = parts.take().map(|parts| parts.argument);
        }
        if !domains.facts.is_empty() {
            facts.clone_from(&domains.facts);
        }
        // Domains by cuts may have few frontiers, so only these count.
        let is_wide = effort.counts.wide > wide_before;
        self.finish(attempt, found, is_wide, has_cuts)
    }

    /// Records the result for a threshold.
    fn finish(
        &mut self,
        attempt: Attempt,
        found: Result<Option<Vec<usize>>, Halt>,
        is_wide: bool,
        has_cuts: bool,
    ) -> Result<Event, Interrupted> {
        let (threshold, counts, left) = (attempt.threshold, attempt.effort.counts, attempt.effort.steps());
        let found = match found {
            Ok(found) => found,
            Err(halt) => {
                self.keep(attempt, is_wide);
                return if halt == Halt::Interrupted { Err(Interrupted) } else { Ok(Event::Halted { has_cuts }) };
            }
        };
        self.spend(attempt.given.saturating_sub(left));
        self.count(threshold, counts, is_wide);
        if let Some(blocks) = found {
            self.lower(attempt.reduction.lift(&blocks))?;
        } else {
            let Counts { downsets, transitions, .. } = counts;
            let reason = match &attempt.effort.closed_by {
                Some(Engine::Bisection(_)) => Reason::Bisection,
                None if attempt.argument.is_none() => Reason::Domains,
                _ => Reason::Downsets { downsets, transitions },
            };
            let argument = attempt.argument.unwrap_or_else(|| Argument::new(&attempt.facts, attempt.effort.closed_by));
            self.raise(threshold, attempt.reduction, reason, argument)?;
        }
        Ok(Event::Decided { left, has_cuts })
    }

    /// Keeps the open parts of a threshold that has halted.
    fn keep(&mut self, attempt: Attempt, is_wide: bool) {
        let Attempt { threshold, reduction, given, effort, parts, .. } = attempt;
        self.spend(given.saturating_sub(effort.steps()));
        if let Some(parts) = parts {
            let max_kept = self.state.params.branch.max_kept;
            self.state.open.keep(&reduction.group_of, threshold, parts, max_kept);
        }
        self.count(threshold, effort.counts, is_wide);
    }

    fn count(&mut self, threshold: Ticks, counts: Counts, is_wide: bool) {
        if threshold == self.proven.progress.bottleneck {
            self.state.marks.set_wide(is_wide);
        }
        self.proven.counts.add(&counts);
    }

    /// Runs the sweep: domains alone, by minimum cuts if they narrow anything, without downsets and labels.
    fn sweep(&mut self, above: Ticks, formal: Ticks, has_cuts: bool) -> Result<Event, Interrupted> {
        let (state, params) = (self.state, self.state.params.in_sweep());
        let patient = params.domain.patient_steps;
        let above = state.marks.stuck().map_or(above, |stuck| above.min(stuck));
        let share = state.domains.share(above).filter(|_| has_cuts);
        let mut sweep = Sweep::new(above, share, params.bracket.probes, has_cuts);
        while let Some(trial) = sweep.below(state.marks.ceiling()).next(self.bounds(), formal, &params.bracket) {
            let threshold = trial.threshold;
            if self.left() == 0 {
                return Err(Interrupted);
            }
            let Some(reduction) = self.reduce(threshold)? else {
                sweep.take(trial, Found::Group);
                continue;
            };
            let params = if trial.by == By::Further { &state.params } else { &params };
            let query = Query { instance: &reduction.instance, threshold, params, interrupt: self.interrupt };
            let mut arcs = 0;
            let mut ask = |steps| state.domains.ask(&query, &reduction.group_of, steps, &mut arcs);
            let share = match trial.by {
                By::Windows => Domains::new(&query, Known::nothing(&reduction.instance))
                    .map_or_else(|| Err(Vec::new()), |known| Ok(known.share())),
                By::Probe => ask(params.domain.brief_steps)?.map(|known| known.share()),
                By::Cuts => ask(patient)?.map(|known| known.share()),
                By::Further => state
                    .domains
                    .ask_further(&query, &reduction.group_of, patient, &mut arcs)?
                    .map(|known| known.share()),
            };
            self.spend(arcs);
            sweep.take(trial, share.as_ref().map_or(Found::Proof, |&share| Found::Stuck(share)));
            if let Err(facts) = share {
                self.raise(threshold, reduction, Reason::Domains, Argument::new(&facts, None))?;
            }
        }
        state.marks.lower_stuck(sweep.above);
        Ok(Event::Swept { has_cuts: sweep.has_cuts })
    }

    /// The quotient at a threshold; none when a minimum cut proves the threshold at once.
    fn reduce(&mut self, threshold: Ticks) -> Result<Option<Reduction>, Interrupted> {
        let reduction = reduce(self.instance, threshold, self.interrupt)?;
        self.spend(count(self.instance.graph().num_nodes()).unsigned_abs());
        let Some(group) = reduction.infeasible_group else { return Ok(Some(reduction)) };
        self.raise(threshold, reduction, Reason::Cut(group), Argument::default()).map(|()| None)
    }

    fn raise(
        &mut self,
        threshold: Ticks,
        reduction: Reduction,
        reason: Reason,
        argument: Argument,
    ) -> Result<(), Interrupted> {
        let num_groups = reduction.instance.graph().num_nodes();
        // A formal threshold may have raised the lower bound further in the meantime.
        if threshold > self.proven.progress.lower_bound {
            self.proven.progress.lower_bound = threshold;
            self.proven.proof = Some(Proof { threshold, merges: reduction.merges, num_groups, reason, argument });
        }
        self.report()
    }

    fn lower(&mut self, block_of: Vec<usize>) -> Result<(), Interrupted> {
        let bottleneck = bottleneck(&partition_costs(self.instance, &block_of));
        if bottleneck < self.proven.progress.bottleneck {
            self.proven.progress.bottleneck = bottleneck;
            self.proven.block_of = Some(block_of);
        }
        self.report()
    }

    fn report(&mut self) -> Result<(), Interrupted> {
        if (self.report)(self.proven.progress).is_break() { Err(Interrupted) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
