//! The search that is used unless another is asked for: anneal, slice, recombine.
//!
//! Each round samples partitions near the best one: V-cycles of annealing (`vcycle.rs`), and best slicings of orders, some
//! near the best partition and some far from it. Then the best one is recombined with samples of this round and of those
//! before (`recombine.rs`), and beside it all fences of late are put together anew (`fences.rs`). Annealing is good at
//! which branch goes where, slicing at shifting all fences at once, and the other two at having the best of each at each
//! place: recombination within few samples, down to single branches, fences among thousands, as they are.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::fences::Fences;
use super::lane::{Found, Lane};
use super::merit::Merit;
use super::outcome::{Incumbent, Observe, Outcome, conduct};
use super::recombine::recombine;
use super::starts::{Start, take_starts};
use super::streams::stream;
use crate::cost::{Instance, Ticks};
use crate::error::Error;
use crate::ids::{count, float};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;

/// Independent parts of a round.
const LANES: usize = 2;
/// Samples that are remembered, and nodes of all of them together.
const MAX_SAMPLES: usize = 60;
const MAX_SAMPLE_NODES: usize = 1 << 22;
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
pub fn merge(
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
    let ranks: Vec<Vec<f64>> = starts.iter().map(|start| ranks(&start.order)).collect();
    let mut lanes: Vec<Lane<'_>> = (0..LANES).map(|_| Lane::new(instance, &ranks)).collect();
    let mut fences = Fences::new(instance);
    let mut run = Run::new(incumbent.block_of().to_vec(), instance);
    run.add(starts.into_iter().filter_map(|start| Some(start.partition?.1)));
    // The samples of the run that came to the best partition.
    let mut elite = Vec::new();
    let mut patience = PATIENCE;
    // Whether no run has seen the best partition yet.
    let mut is_unseen = false;
    loop {
        incumbent.progress.rounds += 1;
        let round = incumbent.progress.rounds;
        let work = |(index, lane): (usize, &mut Lane<'_>)| {
            let samples = run.samples.iter().map(Vec::as_slice).collect();
            lane.round((&run.best, run.merit), samples, run.stale, &mut stream(seed, round, index), interrupt)
        };
        let known = incumbent.progress.bottleneck;
        let put_together = || {
            run.newest().for_each(|sample| fences.add(sample));
            fences.best(known, interrupt)
        };
        let (found, mixed) =
            rayon::join(|| lanes.par_iter_mut().enumerate().map(work).collect::<Vec<Found>>(), put_together);
        incumbent.progress.evaluations += found.iter().map(|found| found.evaluations).sum::<u64>();
        run.take(found);
        if run.merit.bottleneck < incumbent.progress.bottleneck {
            incumbent.take(run.merit.bottleneck, || run.best.clone());
            elite.clear();
            is_unseen = false;
        }
        if let Some((merit, mixed)) = mixed.filter(|(merit, _)| merit.bottleneck < incumbent.progress.bottleneck) {
            // Later runs are to find something else, which then can be put together with this.
            if patience == PATIENCE {
                run.begin_at(merit, mixed.clone());
            } else {
                is_unseen = true;
            }
            incumbent.take(merit.bottleneck, || mixed);
        }
        if incumbent.is_done() {
            return;
        }
        if run.stale < patience {
            continue;
        }
        if std::mem::take(&mut is_unseen) {
            run.begin_at(Merit::of(instance, incumbent.block_of()), incumbent.block_of().to_vec());
            continue;
        }
        // What this run has that the best one has not may be what that lacks.
        let mut random = stream(seed, round, LANES);
        let others = run.samples.iter().chain(&elite).chain([&run.best]).map(Vec::as_slice).collect();
        let known = (incumbent.block_of(), incumbent.progress.bottleneck);
        let room = &mut lanes[0].room;
        if let Some((merit, best)) = recombine(instance, known, others, room, STEPS, &mut random, interrupt) {
            run.begin_at(merit, best);
            incumbent.take(run.merit.bottleneck, || run.best.clone());
            run.add(elite.drain(..));
            if incumbent.is_done() {
                return;
            }
        } else {
            if run.merit.bottleneck == incumbent.progress.bottleneck {
                elite = Vec::from(run.samples);
            }
            run = Run::new(lanes[0].anywhere(&mut random, interrupt).unwrap_or(run.best), instance);
            patience += patience / 4;
        }
    }
}

/// The place of every node in an order, in [0, 1).
fn ranks(order: &TopologicalOrder) -> Vec<f64> {
    let mut ranks = vec![0.0; order.nodes().len()];
    for (place, node) in order.nodes().iter().enumerate() {
        ranks[node.index()] = float(count(place)) / float(count(order.nodes().len()));
    }
    ranks
}

/// A run from one start, until nothing better comes for some rounds.
struct Run {
    best: Vec<usize>,
    merit: Merit,
    /// The last samples, the newest at the back.
    samples: VecDeque<Vec<usize>>,
    max_samples: usize,
    /// How many of them are of the last round.
    num_new: usize,
    /// Rounds since the best partition was found.
    stale: u64,
}

impl Run {
    fn new(best: Vec<usize>, instance: &Instance) -> Self {
        let max_samples = (MAX_SAMPLE_NODES / instance.graph().num_nodes()).clamp(LANES, MAX_SAMPLES);
        Self { merit: Merit::of(instance, &best), best, samples: VecDeque::new(), max_samples, num_new: 0, stale: 0 }
    }

    fn begin_at(&mut self, merit: Merit, best: Vec<usize>) {
        (self.merit, self.best, self.stale) = (merit, best, 0);
    }

    fn add(&mut self, samples: impl Iterator<Item = Vec<usize>>) {
        let before = self.samples.len();
        self.samples.extend(samples);
        self.num_new += self.samples.len() - before;
        self.samples.drain(..self.samples.len().saturating_sub(self.max_samples));
    }

    /// The samples of the last round.
    fn newest(&self) -> impl Iterator<Item = &[usize]> {
        self.samples.iter().skip(self.samples.len().saturating_sub(self.num_new)).map(Vec::as_slice)
    }

    /// Takes what the lanes have found in a round.
    fn take(&mut self, found: Vec<Found>) {
        self.stale += 1;
        self.num_new = 0;
        for Found { samples, merit, block_of, .. } in found {
            self.add(samples.into_iter().chain(block_of.clone()));
            if let Some(block_of) = block_of.filter(|_| merit < self.merit) {
                self.begin_at(merit, block_of);
            }
        }
    }
}
