//! The search that is used unless another is asked for: anneal, slice, recombine.
//!
//! Each round samples partitions near the best one: V-cycles of annealing (`vcycle.rs`), and good slicings of orders, some
//! near the best partition and some far from it. Then the best one is recombined with samples of this round and of those
//! before (`recombine.rs`), and beside it all cuts of late are put together anew (`cuts.rs`). Annealing is good at
//! which branch goes where, slicing at shifting all cuts at once, and the other two at having the best of each at each
//! place: recombination within few samples, down to single branches, cuts among thousands, as they are.
//!
//! After one round every run begins where a search of contractions of the graph ended (`contract.rs`, `presearch.rs`).

use super::objective::Objective;
use super::outcome::{Incumbent, Observe, Outcome, conduct};
use super::presearch::presearch;
use super::recombine::recombine;
use super::run::{Run, SAMPLERS, Workspace};
use super::starts::{Start, take_starts};
use super::streams::stream;
use crate::cost::{Instance, Ticks};
use crate::error::Error;
use crate::interrupt::Interrupt;

/// Steps of the exact method per threshold, when a run ends.
const STEPS: u64 = 2_000_000;
/// Rounds without anything better after which the first run ends; each has a quarter more than the one before.
const PATIENCE: u64 = 20;

/// Searches for a partition of least bottleneck.
///
/// Begins with four orders that need no luck (`starts.rs`). `observe` is told of the natural order cut where the work is
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
    seed: u64,
    threads: usize,
    target: Ticks,
    interrupt: &Interrupt,
    observe: Observe<'_>,
) -> Result<Outcome, Error> {
    conduct(instance, threads, target, interrupt, observe, |instance, incumbent| {
        if let Some(starts) = take_starts(instance, incumbent, interrupt) {
            run(instance, seed, incumbent, starts, interrupt);
        }
    })
}

fn run(instance: &Instance, seed: u64, incumbent: &mut Incumbent<'_>, starts: Vec<Start>, interrupt: &Interrupt) {
    let (orders, partitions): (Vec<_>, Vec<_>) = starts.into_iter().map(|start| (start.order, start.partition)).unzip();
    let mut workspace = Workspace::new(instance, &orders);
    let mut run = Run::new(incumbent.block_of().to_vec(), instance);
    run.add(partitions.into_iter().filter_map(|partition| Some(partition?.1)));
    // The samples of the run that came to the best partition.
    let mut elite = Vec::new();
    let mut patience = PATIENCE;
    // Evaluations when the run began.
    let mut begun = 0;
    // Whether no run has seen the best partition yet.
    let mut is_unseen = false;
    while !incumbent.is_done() {
        // Who wants a fair partition at once has it by now.
        if incumbent.progress.rounds == 1
            && let Some(begun_run) = presearch(instance, seed, 0, incumbent, interrupt)
        {
            run = begun_run;
            begun = incumbent.progress.evaluations;
            continue;
        }
        let known = incumbent.progress.bottleneck;
        let mixed = workspace.round(&mut run, known, seed, incumbent, interrupt);
        if run.objective.bottleneck < incumbent.progress.bottleneck {
            incumbent.take(run.objective.bottleneck, || run.best.clone());
            elite.clear();
            is_unseen = false;
        }
        if let Some((objective, mixed)) =
            mixed.filter(|(objective, _)| objective.bottleneck < incumbent.progress.bottleneck)
        {
            // Later runs are to find something else, which then can be put together with this.
            if patience == PATIENCE {
                run.begin_at(objective, mixed.clone());
            } else {
                is_unseen = true;
            }
            incumbent.take(objective.bottleneck, || mixed);
        }
        if run.stale < patience {
            continue;
        }
        if std::mem::take(&mut is_unseen) {
            run.begin_at(Objective::of(instance, incumbent.block_of()), incumbent.block_of().to_vec());
            continue;
        }
        // What this run has that the best one has not may be what that lacks.
        let mut random = stream(seed, incumbent.progress.rounds, SAMPLERS);
        let others = run.samples.iter().chain(&elite).chain([&run.best]).map(Vec::as_slice).collect();
        let known = (incumbent.block_of(), incumbent.progress.bottleneck);
        let limit = &mut workspace.samplers[0].limit;
        if let Some((objective, best)) = recombine(instance, known, others, limit, STEPS, &mut random, interrupt) {
            run.begin_at(objective, best);
            incumbent.take(run.objective.bottleneck, || run.best.clone());
            run.add(elite.drain(..));
        } else {
            if run.objective.bottleneck == incumbent.progress.bottleneck {
                elite = Vec::from(run.samples);
            }
            let spent = incumbent.progress.evaluations - begun;
            run = presearch(instance, seed, spent, incumbent, interrupt).unwrap_or_else(|| {
                Run::new(workspace.samplers[0].anywhere(&mut random, interrupt).unwrap_or(run.best), instance)
            });
            begun = incumbent.progress.evaluations;
            patience += patience / 4;
        }
    }
}
