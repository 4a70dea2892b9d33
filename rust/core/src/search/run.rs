//! Runs: rounds from one start, until nothing better comes for some of them; and the graph that they go over.

use std::collections::VecDeque;
use std::sync::Arc;

use rayon::prelude::*;

use super::cuts::KnownCuts;
use super::objective::Objective;
use super::outcome::Incumbent;
use super::params::{HybridParams, SearchParams};
use super::sampler::{Found, Sampler};
use super::streams::stream;
use crate::cost::{Instance, Ticks};
use crate::ids::{count, float};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;

/// Independent parts of a round.
pub(super) const SAMPLERS: usize = 2;
/// A graph that runs go over, with all that they use and leave behind.
pub(super) struct Workspace<'a> {
    pub(super) samplers: Vec<Sampler<'a>>,
    cuts: KnownCuts<'a>,
}

impl<'a> Workspace<'a> {
    /// # Complexity
    /// O((nodes + tensors) log nodes).
    pub(super) fn new(instance: &'a Instance, params: &'a SearchParams, orders: &[TopologicalOrder]) -> Self {
        let ranks: Arc<[Vec<f64>]> = orders.iter().map(ranks).collect();
        let cuts = KnownCuts::new(instance, params, &orders[0]);
        let sampler = |_| Sampler::new(instance, params, Arc::clone(&ranks), cuts.is_layered());
        let samplers = (0..SAMPLERS).map(sampler).collect();
        Self { samplers, cuts }
    }

    /// One round of a run; and the best partition between the newest cuts, when it is below a threshold.
    pub(super) fn round(
        &mut self,
        run: &mut Run,
        threshold: Ticks,
        seed: u64,
        incumbent: &mut Incumbent<'_>,
        interrupt: &Interrupt,
    ) -> Option<(Objective, Vec<usize>)> {
        let Self { samplers, cuts } = self;
        incumbent.progress.rounds += 1;
        let round = incumbent.progress.rounds;
        let work = |(index, sampler): (usize, &mut Sampler<'a>)| {
            let samples = run.samples.iter().map(Vec::as_slice).collect();
            sampler.round((&run.best, run.objective), samples, run.stale, &mut stream(seed, round, index), interrupt)
        };
        let put_together = || {
            run.newest().chain(run.prefixes()).for_each(|block_of| cuts.add(block_of));
            // Samples and prefixes differ more from time to time than the best one does.
            let moved = [Some(run.best.as_slice()), run.newest().next(), run.prefixes().next()];
            moved.into_iter().flatten().zip(3 * round..).for_each(|(block_of, time)| cuts.add_moved(block_of, time));
            cuts.best(threshold, interrupt)
        };
        let (found, mixed) =
            rayon::join(|| samplers.par_iter_mut().enumerate().map(work).collect::<Vec<Found>>(), put_together);
        incumbent.progress.evaluations += found.iter().map(|found| found.evaluations).sum::<u64>();
        run.take(found);
        mixed
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
pub(super) struct Run {
    pub(super) best: Vec<usize>,
    pub(super) objective: Objective,
    /// The last samples, the newest at the back.
    pub(super) samples: VecDeque<Vec<usize>>,
    max_samples: usize,
    /// How many of them are of the last round.
    num_new: usize,
    /// The cheap prefixes of the orders of the last round.
    prefixes: Vec<Vec<usize>>,
    /// Rounds since the best partition was found.
    pub(super) stale: u64,
}

impl Run {
    pub(super) fn new(best: Vec<usize>, instance: &Instance, params: &HybridParams) -> Self {
        let max_samples = (params.max_sample_nodes / instance.graph().num_nodes()).clamp(SAMPLERS, params.max_samples);
        let objective = Objective::of(instance, &best);
        Self { best, objective, samples: VecDeque::new(), max_samples, num_new: 0, prefixes: Vec::new(), stale: 0 }
    }

    pub(super) fn begin_at(&mut self, objective: Objective, best: Vec<usize>) {
        (self.objective, self.best, self.stale) = (objective, best, 0);
    }

    pub(super) fn add(&mut self, samples: impl Iterator<Item = Vec<usize>>) {
        let before = self.samples.len();
        self.samples.extend(samples);
        self.num_new += self.samples.len() - before;
        self.samples.drain(..self.samples.len().saturating_sub(self.max_samples));
    }

    /// The samples of the last round.
    fn newest(&self) -> impl Iterator<Item = &[usize]> {
        self.samples.iter().skip(self.samples.len().saturating_sub(self.num_new)).map(Vec::as_slice)
    }

    fn prefixes(&self) -> impl Iterator<Item = &[usize]> {
        self.prefixes.iter().map(Vec::as_slice)
    }

    /// Takes what the samplers have found in a round.
    fn take(&mut self, found: Vec<Found>) {
        self.stale += 1;
        self.num_new = 0;
        self.prefixes.clear();
        for Found { samples, prefixes, objective, block_of, .. } in found {
            self.prefixes.extend(prefixes);
            self.add(samples.into_iter().chain(block_of.clone()));
            if let Some(block_of) = block_of.filter(|_| objective < self.objective) {
                self.begin_at(objective, block_of);
            }
        }
    }
}
