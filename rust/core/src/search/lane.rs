//! A part of a round, with its buffers: anneal, slice, recombine.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::recombine::{Room, recombine};
use super::vcycle::v_cycle;
use crate::cost::{Instance, Ticks};
use crate::ids::{count, float};
use crate::interrupt::Interrupt;
use crate::order::{Kahn, TopologicalOrder};
use crate::slice::Slicer;

/// Moves of annealing per node that can move, and by how much more for each round without anything better.
const SWEEPS: f64 = 20.0;
const EFFORT: f64 = 1.05;
const MAX_GROWTHS: u64 = 60;
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

/// What a lane has found in a round.
pub(super) struct Found {
    /// Moves and orders that were tried.
    pub(super) evaluations: u64,
    /// Partitions that it came across.
    pub(super) samples: Vec<Vec<usize>>,
    /// The best bottleneck, also when it is not its own.
    pub(super) value: Ticks,
    /// A better partition than the one that it began with.
    pub(super) block_of: Option<Vec<usize>>,
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
pub(super) struct Lane<'a> {
    instance: &'a Instance,
    /// The places of the nodes in the orders that are known, in [0, 1).
    ranks: &'a [Vec<f64>],
    kahn: Kahn,
    keys: Vec<f64>,
    order: TopologicalOrder,
    slicer: Slicer<'a>,
    /// How many classes it can recombine.
    pub(super) room: Room,
}

impl<'a> Lane<'a> {
    /// # Complexity
    /// O(nodes) memory.
    pub(super) fn new(instance: &'a Instance, ranks: &'a [Vec<f64>]) -> Self {
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

    /// Samples partitions near the best one and recombines it with these and with others, after so many rounds without
    /// anything better.
    pub(super) fn round(
        &mut self,
        (best, value): (&[usize], Ticks),
        others: Vec<&[usize]>,
        stale: u64,
        random: &mut Xoshiro256PlusPlus,
        interrupt: &Interrupt,
    ) -> Found {
        let instance = self.instance;
        let growth = EFFORT.powf(float(stale.min(MAX_GROWTHS).cast_signed()));
        let annealed = v_cycle(instance, best, value, SWEEPS * growth, random, interrupt);
        let mut found = Found { evaluations: annealed.moves, samples: Vec::new(), value, block_of: None };
        found.take(annealed.bottleneck, &annealed.best);
        let last = annealed.last;
        let orders = MAX_ORDER_NODES / instance.graph().num_nodes();
        for _ in 0..orders.clamp(1, NEAR_ORDERS) {
            let from = if random.random() { found.block_of.as_deref().unwrap_or(best) } else { &last };
            self.shake(from, random);
            self.slice(&mut found, interrupt);
        }
        for _ in 0..orders.min(FAR_ORDERS) {
            self.mix(found.block_of.as_deref().unwrap_or(best), random);
            self.slice(&mut found, interrupt);
        }
        found.samples.push(last);
        let others = others.into_iter().chain(found.samples.iter().map(Vec::as_slice)).collect();
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
    pub(super) fn anywhere(
        &mut self,
        random: &mut Xoshiro256PlusPlus,
        interrupt: &Interrupt,
    ) -> Option<(Ticks, Vec<usize>)> {
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
