//! The search that is used unless another is asked for: anneal, slice, recombine.
//!
//! Each round samples partitions near the best one: V-cycles of annealing (`vcycle.rs`), and good slicings of orders, some
//! near the best partition and some far from it. Then the best one is recombined with samples of this round and of those
//! before (`recombine.rs`), and beside it the newest cuts are put together anew (`cuts.rs`). Annealing decides
//! which branch goes where, slicing shifts all cuts at once, and the other two take the best of several partitions at each
//! place: recombination from few samples, down to single branches; `cuts.rs` from thousands of cuts, each as it is.
//!
//! After one round every run begins where a search of contractions of the graph ended (`contract.rs`, `presearch.rs`); the
//! first one at a partition that was given, where there is one that is better than the orders.

use super::objective::Objective;
use super::outcome::{Incumbent, Observe, Outcome, Request, conduct};
use super::params::SearchParams;
use super::presearch::presearch;
use super::recombine::recombine;
use super::run::{Run, SAMPLERS, Workspace};
use super::starts::{Start, take_starts};
use super::streams::stream;
use crate::cost::Instance;
use crate::error::Error;
use crate::interrupt::Interrupt;

/// Searches for a partition of least bottleneck.
///
/// Begins with four fixed orders (`starts.rs`). `observe` is told of the natural order cut where the work is
/// even, of the best of these orders, and of every round, and ends the search when it breaks; so does a bottleneck that
/// reaches `target`, a bound that nothing can beat. The answer depends on the seed, not on `threads`; two are of use.
///
/// # Errors
/// [`Error::Parameter`], when no thread can be started.
///
/// # Panics
/// When a worker thread panics.
///
/// # Complexity
/// O(nodes log nodes + reads) per round in practice.
pub fn hybrid(
    instance: &Instance,
    params: &SearchParams,
    request: &Request<'_>,
    interrupt: &Interrupt,
    observe: Observe<'_>,
) -> Result<Outcome, Error> {
    conduct(instance, request, interrupt, observe, |instance, incumbent| {
        if let Some(starts) = take_starts(instance, incumbent, interrupt) {
            let mut runs = Runs::new(instance, params, request.seed, incumbent.block_of(), starts, interrupt);
            runs.is_warm = incumbent.is_at_start();
            runs.go(incumbent);
        }
    })
}

/// Runs, one after the other.
struct Runs<'a> {
    instance: &'a Instance,
    params: &'a SearchParams,
    seed: u64,
    interrupt: &'a Interrupt,
    workspace: Workspace<'a>,
    run: Run,
    /// The samples of the run that came to the best partition.
    elite: Vec<Vec<usize>>,
    /// Rounds without anything better after which the run ends.
    patience: u64,
    /// Evaluations when the run began.
    begun: u64,
    /// Whether no run has seen the best partition yet.
    is_unseen: bool,
    /// Whether the first run begins at a partition that was given, and goes on until nothing better comes.
    is_warm: bool,
}

impl<'a> Runs<'a> {
    fn new(
        instance: &'a Instance,
        params: &'a SearchParams,
        seed: u64,
        best: &[usize],
        starts: Vec<Start>,
        interrupt: &'a Interrupt,
    ) -> Self {
        let (orders, partitions): (Vec<_>, Vec<_>) =
            starts.into_iter().map(|start| (start.order, start.partition)).unzip();
        let workspace = Workspace::new(instance, params, &orders);
        let mut run = Run::new(best.to_vec(), instance, &params.hybrid);
        run.add(partitions.into_iter().filter_map(|partition| Some(partition?.1)));
        let patience = params.hybrid.patience;
        let elite = Vec::new();
        Self {
            instance,
            params,
            seed,
            interrupt,
            workspace,
            run,
            elite,
            patience,
            begun: 0,
            is_unseen: false,
            is_warm: false,
        }
    }

    fn go(mut self, incumbent: &mut Incumbent<'_>) {
        while !incumbent.is_done() {
            // The first round is over the graph itself, so that a stop after it already finds a fair partition.
            if incumbent.progress.rounds == 1
                && !self.is_warm
                && let Some(run) = presearch(self.instance, self.params, self.seed, 0, incumbent, self.interrupt)
            {
                self.run = run;
                self.begun = incumbent.progress.evaluations;
                continue;
            }
            self.round(incumbent);
            if self.run.stale < self.patience {
                continue;
            }
            if std::mem::take(&mut self.is_unseen) {
                let best = incumbent.block_of();
                self.run.begin_at(Objective::of(self.instance, best), best.to_vec());
            } else {
                self.end_run(incumbent);
            }
        }
    }

    /// One round of the run.
    fn round(&mut self, incumbent: &mut Incumbent<'_>) {
        let known = incumbent.progress.bottleneck;
        let mixed = self.workspace.round(&mut self.run, known, self.seed, incumbent, self.interrupt);
        if self.run.objective.bottleneck < incumbent.progress.bottleneck {
            incumbent.take(self.run.objective.bottleneck, || self.run.best.clone());
            self.elite.clear();
            self.is_unseen = false;
        }
        if let Some((objective, mixed)) = mixed.filter(|mixed| mixed.0.bottleneck < incumbent.progress.bottleneck) {
            // Later runs are to find something else, which then can be put together with this.
            if self.patience == self.params.hybrid.patience {
                self.run.begin_at(objective, mixed.clone());
            } else {
                self.is_unseen = true;
            }
            incumbent.take(objective.bottleneck, || mixed);
        }
    }

    /// Recombines the best partition with those of the run: what the run has that the best one has not may be what that
    /// lacks. When nothing better comes of it, the next run begins.
    fn end_run(&mut self, incumbent: &mut Incumbent<'_>) {
        let Self { instance, params, interrupt, .. } = *self;
        let mut random = stream(self.seed, incumbent.progress.rounds, SAMPLERS);
        let run = &self.run;
        let others = run.samples.iter().chain(&self.elite).chain([&run.best]).map(Vec::as_slice).collect();
        let known = (incumbent.block_of(), incumbent.progress.bottleneck);
        let (limit, steps) = (&mut self.workspace.samplers[0].limit, params.hybrid.final_steps);
        if let Some((objective, best)) = recombine(instance, known, others, limit, steps, &mut random, interrupt) {
            self.run.begin_at(objective, best);
            incumbent.take(objective.bottleneck, || self.run.best.clone());
            self.run.add(self.elite.drain(..));
            return;
        }
        if self.run.objective.bottleneck == incumbent.progress.bottleneck {
            self.elite = Vec::from(std::mem::take(&mut self.run.samples));
        }
        let spent = incumbent.progress.evaluations - self.begun;
        self.run = presearch(instance, params, self.seed, spent, incumbent, interrupt).unwrap_or_else(|| {
            let anywhere = self.workspace.samplers[0].anywhere(&mut random, interrupt);
            Run::new(anywhere.unwrap_or_else(|| std::mem::take(&mut self.run.best)), instance, &params.hybrid)
        });
        self.begun = incumbent.progress.evaluations;
        self.patience += self.patience / params.hybrid.growth;
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use rand::RngExt;

    use super::super::outcome::SearchProgress;
    use super::super::{anneal, brkga};
    use super::*;
    use crate::cases::{least_of, random_unlike};
    use crate::cost::{INFINITE, bottleneck, check_partition, partition_costs};
    use crate::ids::count;

    /// On small instances of unlike stages no search says less than the truth, and nearly always each finds the best.
    #[test]
    fn searches_of_unlike_stages_find_the_best_and_claim_no_more() {
        let searches = [hybrid, anneal, brkga];
        let (mut num_found, mut num_feasible, mut num_unlike) = ([0; 3], 0, 0);
        for case in 0..300 {
            let mut random = stream(14, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..4));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let each: Vec<usize> = (0..num_nodes).collect();
            let least = least_of(&instance, &each, num_nodes);
            num_feasible += usize::from(least < INFINITE);
            num_unlike += usize::from(!instance.is_uniform());
            for (index, search) in searches.into_iter().enumerate() {
                let request = Request { seed: 1, threads: 1, target: least, start: None };
                let mut observe = |progress: SearchProgress| {
                    if progress.rounds > 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                let never = Interrupt::never();
                let outcome = search(&instance, &SearchParams::default(), &request, &never, &mut observe);
                let outcome = outcome.expect("a thread");
                assert!(outcome.progress.bottleneck >= least, "case {case}");
                num_found[index] += usize::from(outcome.progress.bottleneck == least && least < INFINITE);
                if outcome.progress.bottleneck < INFINITE {
                    let blocks: Vec<i64> = outcome.block_of.iter().copied().map(count).collect();
                    assert!(check_partition(&instance, &blocks).is_ok(), "case {case}");
                    let cost = bottleneck(&partition_costs(&instance, &outcome.block_of));
                    assert_eq!(cost, outcome.progress.bottleneck, "case {case}");
                }
            }
        }
        assert!(num_feasible > 200 && num_unlike > 150, "{num_feasible} {num_unlike}");
        assert!(num_found.iter().all(|&found| found * 100 > num_feasible * 95), "{num_found:?} of {num_feasible}");
    }
}
