//! The search that is used unless another is asked for: anneal, slice, recombine.
//!
//! Each round samples partitions near the best one: V-cycles of annealing (`vcycle.rs`), and best slicings of orders, some
//! near the best partition and some far from it. Then the best one is recombined with samples of this round and of those
//! before (`recombine.rs`). Annealing is good at which branch goes where, slicing at shifting all fences at once, and
//! recombination at having the best of each at each place.

use std::collections::VecDeque;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::outcome::{Incumbent, Observe, Outcome, pool};
use super::recombine::{Room, recombine};
use super::starts::{Start, take_starts};
use super::streams::stream;
use super::vcycle::v_cycle;
use crate::cost::{Instance, Ticks};
use crate::error::Error;
use crate::ids::{count, float};
use crate::interrupt::Interrupt;
use crate::order::{Kahn, TopologicalOrder};
use crate::slice::Slicer;

/// Independent parts of a round.
const LANES: usize = 2;
/// Samples that are remembered, and nodes of all of them together.
const MAX_SAMPLES: usize = 60;
const MAX_SAMPLE_NODES: usize = 1 << 22;
/// Moves of annealing per node that can move, and by how much more for each round without anything better.
const SWEEPS: f64 = 20.0;
const EFFORT: f64 = 1.05;
const MAX_GROWTHS: u64 = 60;
/// Rounds without anything better after which the first run ends; each has a quarter more than the one before.
const PATIENCE: u64 = 20;
/// Orders per round near the best partition and far from it; fewer when they have more than so many nodes together.
const NEAR_ORDERS: usize = 3;
const FAR_ORDERS: usize = 4;
const MAX_ORDER_NODES: usize = 100_000;
/// Positions by which an order near the best partition is shaken, at most.
const MAX_SHAKE: f64 = 50.0;
/// Share of the keys of an order far from it that are random, at most.
const MAX_RANDOM: f64 = 0.5;
/// A slicing is a sample when it is at most this part of the best bottleneck above it.
const MARGIN: Ticks = 10;

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
    let mut incumbent = Incumbent::new(instance, target, interrupt, observe);
    pool(threads)?.install(|| {
        if let Some(starts) = take_starts(instance, &mut incumbent, interrupt) {
            run(instance, seed, &mut incumbent, starts, interrupt);
        }
    });
    Ok(incumbent.into_outcome())
}

fn run(instance: &Instance, seed: u64, incumbent: &mut Incumbent<'_>, starts: Vec<Start>, interrupt: &Interrupt) {
    let ranks: Vec<Vec<f64>> = starts.iter().map(|start| ranks(&start.order)).collect();
    let mut lanes: Vec<Lane<'_>> = (0..LANES).map(|_| Lane::new(instance, &ranks)).collect();
    let mut run = Run::new(incumbent.progress.bottleneck, incumbent.block_of().to_vec(), instance);
    run.add(starts.into_iter().filter_map(|start| Some(start.partition?.1)));
    // The samples of the run that came to the best partition.
    let mut elite = Vec::new();
    let mut patience = PATIENCE;
    loop {
        incumbent.progress.rounds += 1;
        let round = incumbent.progress.rounds;
        let work = |(index, lane): (usize, &mut Lane<'_>)| lane.round(&run, &mut stream(seed, round, index), interrupt);
        let found: Vec<Found> = lanes.par_iter_mut().enumerate().map(work).collect();
        incumbent.progress.evaluations += found.iter().map(|found| found.evaluations).sum::<u64>();
        run.take(found);
        if run.value < incumbent.progress.bottleneck {
            incumbent.take(run.value, || run.best.clone());
            elite.clear();
        }
        if incumbent.is_done() {
            return;
        }
        if run.stale < patience {
            continue;
        }
        // What this run has that the best one has not may be what that lacks.
        let mut random = stream(seed, round, LANES);
        let others = run.samples.iter().chain(&elite).chain([&run.best]).map(Vec::as_slice).collect();
        let known = (incumbent.block_of(), incumbent.progress.bottleneck);
        if let Some((value, best)) = recombine(instance, known, others, &mut lanes[0].room, &mut random, interrupt) {
            incumbent.take(value, || best.clone());
            (run.value, run.best, run.stale) = (value, best, 0);
            run.add(elite.drain(..));
            if incumbent.is_done() {
                return;
            }
        } else {
            if run.value == incumbent.progress.bottleneck {
                elite = Vec::from(run.samples);
            }
            let (value, best) =
                lanes[0].anywhere(&mut random, interrupt).unwrap_or_else(|| (run.value, run.best.clone()));
            run = Run::new(value, best, instance);
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
    value: Ticks,
    best: Vec<usize>,
    /// The last samples, the newest at the back.
    samples: VecDeque<Vec<usize>>,
    max_samples: usize,
    /// Rounds since the best partition was found.
    stale: u64,
}

impl Run {
    fn new(value: Ticks, best: Vec<usize>, instance: &Instance) -> Self {
        let max_samples = (MAX_SAMPLE_NODES / instance.graph().num_nodes()).clamp(LANES, MAX_SAMPLES);
        Self { value, best, samples: VecDeque::new(), max_samples, stale: 0 }
    }

    fn add(&mut self, samples: impl Iterator<Item = Vec<usize>>) {
        self.samples.extend(samples);
        self.samples.drain(..self.samples.len().saturating_sub(self.max_samples));
    }

    /// Takes what the lanes have found in a round.
    fn take(&mut self, found: Vec<Found>) {
        self.stale += 1;
        for Found { samples, value, block_of, .. } in found {
            self.add(samples.into_iter().chain(block_of.clone()));
            if let Some(block_of) = block_of.filter(|_| value < self.value) {
                (self.value, self.best, self.stale) = (value, block_of, 0);
            }
        }
    }
}

/// What a lane has found in a round.
struct Found {
    evaluations: u64,
    samples: Vec<Vec<usize>>,
    value: Ticks,
    /// A better partition than the one that it began with.
    block_of: Option<Vec<usize>>,
}

impl Found {
    fn take(&mut self, value: Ticks, block_of: &[usize]) {
        if value < self.value {
            self.value = value;
            self.block_of = Some(block_of.to_vec());
        }
    }
}

/// A part of every round, with its buffers.
struct Lane<'a> {
    instance: &'a Instance,
    ranks: &'a [Vec<f64>],
    kahn: Kahn,
    keys: Vec<f64>,
    order: TopologicalOrder,
    slicer: Slicer<'a>,
    room: Room,
}

impl<'a> Lane<'a> {
    fn new(instance: &'a Instance, ranks: &'a [Vec<f64>]) -> Self {
        Self {
            instance,
            ranks,
            kahn: Kahn::new(instance.graph()),
            keys: vec![0.0; instance.graph().num_nodes()],
            order: TopologicalOrder::empty(),
            slicer: Slicer::new(instance),
            room: Room::new(instance),
        }
    }

    fn round(&mut self, run: &Run, random: &mut Xoshiro256PlusPlus, interrupt: &Interrupt) -> Found {
        let (instance, best, value) = (self.instance, &run.best[..], run.value);
        let growth = EFFORT.powf(float(run.stale.min(MAX_GROWTHS).cast_signed()));
        let annealed = v_cycle(instance, best, value, SWEEPS * growth, random, interrupt);
        let mut found = Found { evaluations: annealed.moves, samples: Vec::new(), value, block_of: None };
        found.take(annealed.bottleneck, &annealed.best);
        let last = annealed.last;
        let orders = MAX_ORDER_NODES / instance.graph().num_nodes();
        for _ in 0..orders.clamp(1, NEAR_ORDERS) {
            let from = if random.random() { found.block_of.as_deref().unwrap_or(best) } else { &last };
            let from = from.to_vec();
            self.shake(&from, random);
            self.slice(&mut found, interrupt);
        }
        for _ in 0..orders.min(FAR_ORDERS) {
            let from = found.block_of.clone();
            self.mix(from.as_deref().unwrap_or(best), random);
            self.slice(&mut found, interrupt);
        }
        found.samples.push(last);
        let others = run.samples.iter().chain(&found.samples).map(Vec::as_slice).collect();
        let known = (found.block_of.as_deref().unwrap_or(best), found.value);
        if let Some((value, block_of)) = recombine(instance, known, others, &mut self.room, random, interrupt) {
            found.take(value, &block_of);
        }
        found
    }

    /// Keys of an order that a partition allows: block by block, within a block as in one of the known orders, shaken.
    fn shake(&mut self, block_of: &[usize], random: &mut Xoshiro256PlusPlus) {
        let ranks = &self.ranks[random.random_range(0..self.ranks.len())];
        let shake = random.random_range(0.0..MAX_SHAKE) / float(count(ranks.len()));
        for ((key, rank), &block) in self.keys.iter_mut().zip(ranks).zip(block_of) {
            let shaken = (rank + random.random_range(-1.0..=1.0) * shake).clamp(0.0, 1.0);
            *key = float(count(block)) + shaken / 2.0;
        }
    }

    /// Keys of one of the known orders, or of one that a partition allows, some of them random.
    fn mix(&mut self, block_of: &[usize], random: &mut Xoshiro256PlusPlus) {
        let ranks = &self.ranks[random.random_range(0..self.ranks.len())];
        let is_near = random.random_range(0..self.ranks.len() + 2) >= self.ranks.len();
        let share = random.random_range(0.0..MAX_RANDOM);
        let blocks = float(count(self.instance.num_blocks()));
        for ((key, rank), &block) in self.keys.iter_mut().zip(ranks).zip(block_of) {
            *key = if random.random_bool(share) {
                random.random()
            } else if is_near {
                (float(count(block)) + rank / 2.0) / blocks
            } else {
                *rank
            };
        }
    }

    /// A partition that owes nothing to any other: the best slicing of a random order.
    fn anywhere(&mut self, random: &mut Xoshiro256PlusPlus, interrupt: &Interrupt) -> Option<(Ticks, Vec<usize>)> {
        self.keys.fill_with(|| random.random());
        self.kahn.decode_into(self.instance.graph(), &self.keys, &mut self.order, interrupt).ok()?;
        self.slicer.load(&self.order);
        let slicing = self.slicer.best(None, interrupt).ok()??;
        Some((slicing.bottleneck(), slicing.block_of(&self.order)))
    }

    /// Slices the order of the keys; a good slicing is a sample.
    fn slice(&mut self, found: &mut Found, interrupt: &Interrupt) {
        found.evaluations += 1;
        let decoded = self.kahn.decode_into(self.instance.graph(), &self.keys, &mut self.order, interrupt);
        if decoded.is_err() {
            return;
        }
        self.slicer.load(&self.order);
        let cutoff = found.value.saturating_add(found.value / MARGIN);
        if let Ok(Some(slicing)) = self.slicer.best(Some(cutoff), interrupt) {
            let block_of = slicing.block_of(&self.order);
            found.take(slicing.bottleneck(), &block_of);
            found.samples.push(block_of);
        }
    }
}
