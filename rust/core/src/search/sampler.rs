//! A sampler: one of the independent parts of a round, with its buffers: anneal, slice, recombine.

use std::ops::RangeInclusive;
use std::sync::Arc;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::fit::fitted;
use super::objective::Objective;
use super::params::SearchParams;
use super::prefixes::cheap_prefixes;
use super::recombine::{ClassLimit, recombine, within};
use super::vcycle::v_cycle;
use crate::cost::{BlockCost, Instance, bottleneck, partition_costs};
use crate::ids::{count, float, ticks};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::{Deep, Kahn, TopologicalOrder};
use crate::slice::{Slicer, Slicing};

/// How keys become an order: all branches beside each other as the keys say, or one after the other (`order/deep.rs`).
#[derive(Clone, Copy, Debug)]
enum Decoder {
    Kahn,
    Down,
    Up,
}

/// What a sampler has found in a round.
pub(super) struct Found {
    /// Moves and orders that were tried.
    pub(super) evaluations: u64,
    /// Partitions that it came across.
    pub(super) samples: Vec<Vec<usize>>,
    /// The cheap prefixes of its orders, where the network is made of layers.
    pub(super) prefixes: Vec<Vec<usize>>,
    /// Of the best partition, also when that is not its own.
    pub(super) objective: Objective,
    /// A better partition than the one that it began with.
    pub(super) block_of: Option<Vec<usize>>,
}

impl Found {
    fn take(&mut self, objective: Objective, block_of: &[usize]) {
        if objective < self.objective {
            self.objective = objective;
            self.block_of = Some(block_of.to_vec());
        }
    }
}

/// A part of every round, with its buffers.
pub(super) struct Sampler<'a> {
    instance: &'a Instance,
    params: &'a SearchParams,
    /// The places of the nodes in the orders that are known, in [0, 1).
    ranks: Arc<[Vec<f64>]>,
    kahn: Kahn,
    deep: Deep,
    keys: Vec<f64>,
    order: TopologicalOrder,
    slicer: Slicer<'a>,
    /// Whether cheap prefixes are worth the time.
    is_layered: bool,
    /// How many classes it can recombine, of all blocks and of some.
    pub(super) limit: ClassLimit<'a>,
    limit_within: ClassLimit<'a>,
}

impl<'a> Sampler<'a> {
    /// # Complexity
    /// O(nodes) memory.
    pub(super) fn new(
        instance: &'a Instance,
        params: &'a SearchParams,
        ranks: Arc<[Vec<f64>]>,
        is_layered: bool,
    ) -> Self {
        Self {
            instance,
            params,
            ranks,
            kahn: Kahn::new(instance.graph()),
            deep: Deep::new(instance.graph()),
            keys: vec![0.0; instance.graph().num_nodes()],
            order: TopologicalOrder::empty(),
            slicer: Slicer::new(instance),
            is_layered,
            limit: ClassLimit::new(instance, &params.recombination),
            limit_within: ClassLimit::new(instance, &params.recombination),
        }
    }

    /// Samples partitions near the best one and recombines it with these and with others, after so many rounds without
    /// anything better.
    pub(super) fn round(
        &mut self,
        (best, objective): (&[usize], Objective),
        others: Vec<&[usize]>,
        stale: u64,
        random: &mut Xoshiro256PlusPlus,
        interrupt: &Interrupt,
    ) -> Found {
        let (instance, params) = (self.instance, &self.params.sampler);
        let growth = params.effort.powf(float(stale.min(params.max_growths).cast_signed()));
        let size = float(count(instance.graph().num_nodes())) / params.many_nodes;
        let sweeps = (params.sweeps / size.max(1.0)).max(params.fewest_sweeps) * growth;
        let annealed = v_cycle(instance, self.params, best, objective.bottleneck, sweeps, random, interrupt);
        let mut found =
            Found { evaluations: annealed.moves, samples: Vec::new(), prefixes: Vec::new(), objective, block_of: None };
        found.take(annealed.objective, &annealed.best);
        let last = annealed.last;
        let orders = params.max_order_nodes / instance.graph().num_nodes();
        for _ in 0..orders.clamp(1, params.near_orders) {
            let from = if random.random() { found.block_of.as_deref().unwrap_or(best) } else { &last };
            self.shake(from, random);
            self.slice(Decoder::Kahn, &mut found, random, interrupt);
        }
        for _ in 0..orders.min(params.far_orders) {
            self.mix(found.block_of.as_deref().unwrap_or(best), random);
            let decoder = [Decoder::Kahn, Decoder::Down, Decoder::Up][random.random_range(0..3)];
            self.slice(decoder, &mut found, random, interrupt);
        }
        found.samples.push(last);
        let others: Vec<&[usize]> = others.into_iter().chain(found.samples.iter().map(Vec::as_slice)).collect();
        let known = (found.block_of.as_deref().unwrap_or(best), found.objective.bottleneck);
        let recombination = &self.params.recombination;
        let steps = recombination.steps_per_block * float(count(instance.num_blocks())) * growth;
        let steps = ticks(steps.ceil()).unsigned_abs();
        let window =
            if random.random() { window(instance, known.0, recombination.fewest_blocks, random) } else { None };
        let parts: Vec<Vec<usize>>;
        let (others, limit) = match window {
            Some(blocks) => {
                parts = others.iter().map(|other| within(&blocks, known.0, other)).collect();
                (parts.iter().map(Vec::as_slice).collect(), &mut self.limit_within)
            }
            None => (others, &mut self.limit),
        };
        if let Some((objective, block_of)) = recombine(instance, known, others, limit, steps, random, interrupt) {
            found.take(objective, &block_of);
        }
        found
    }

    /// Keys of an order that a partition allows: block by block, within a block as in one of the known orders, shaken.
    fn shake(&mut self, block_of: &[usize], random: &mut Xoshiro256PlusPlus) {
        let ranks = &self.ranks[random.random_range(0..self.ranks.len())];
        let shake = random.random_range(0.0..self.params.sampler.max_shake) / float(count(ranks.len()));
        for ((key, rank), &block) in self.keys.iter_mut().zip(ranks).zip(block_of) {
            let shaken = (rank + random.random_range(-1.0..=1.0) * shake).clamp(0.0, 1.0);
            *key = float(count(block)) + shaken / 2.0;
        }
    }

    /// Keys of one of the known orders, or of one that a partition allows, some of them random.
    fn mix(&mut self, block_of: &[usize], random: &mut Xoshiro256PlusPlus) {
        let ranks = &self.ranks[random.random_range(0..self.ranks.len())];
        let is_near = random.random_range(0..self.ranks.len() + 2) >= self.ranks.len();
        let share = random.random_range(0.0..self.params.sampler.max_random);
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

    /// The best slicing of a random order, which depends on no other partition; where the order has none and stages are not
    /// alike, a partition next to an even slicing.
    pub(super) fn anywhere(&mut self, random: &mut Xoshiro256PlusPlus, interrupt: &Interrupt) -> Option<Vec<usize>> {
        self.keys.fill_with(|| random.random());
        self.decode(Decoder::Kahn, interrupt).ok()?;
        self.slicer.load(&self.order);
        match self.slicer.best(None, interrupt).ok()? {
            Some(slicing) => Some(slicing.block_of(&self.order)),
            None if self.instance.is_uniform() => None,
            None => {
                let even = Slicing::even(self.instance, &self.order).block_of(&self.order);
                fitted(self.instance, &self.order, &even)
            }
        }
    }

    /// The order of the keys.
    fn decode(&mut self, decoder: Decoder, interrupt: &Interrupt) -> Result<(), Interrupted> {
        let (graph, order) = (self.instance.graph(), &mut self.order);
        match decoder {
            Decoder::Kahn => self.kahn.decode_into(graph, &self.keys, order, interrupt),
            Decoder::Down => self.deep.down(graph, &self.keys, order, interrupt),
            Decoder::Up => self.deep.up(graph, &self.keys, order, interrupt),
        }
    }

    /// Slices the order of the keys; a good slicing is a sample.
    fn slice(&mut self, decoder: Decoder, found: &mut Found, random: &mut Xoshiro256PlusPlus, interrupt: &Interrupt) {
        found.evaluations += 1;
        if self.decode(decoder, interrupt).is_err() {
            return;
        }
        if self.is_layered {
            let per_block = self.params.sampler.prefixes_per_block;
            found.prefixes.push(cheap_prefixes(self.instance, &self.order, per_block, random.random()));
        }
        self.slicer.load(&self.order);
        let best = found.objective.bottleneck;
        let cutoff = best.saturating_add(best / self.params.sampler.margin);
        if let Ok(Some(slicing)) = self.slicer.near(best, cutoff, interrupt) {
            let block_of = slicing.block_of(&self.order);
            if slicing.bottleneck() <= best {
                found.take(Objective::of(self.instance, &block_of), &block_of);
            }
            found.samples.push(block_of);
        }
    }
}

/// So many blocks at least and half of them at most, with all that cost the most; none when these are too far from each other.
fn window(
    instance: &Instance,
    block_of: &[usize],
    fewest: usize,
    random: &mut Xoshiro256PlusPlus,
) -> Option<RangeInclusive<usize>> {
    let mut blocks = partition_costs(instance, block_of);
    blocks.resize(instance.num_blocks(), BlockCost::default());
    let highest = bottleneck(&blocks);
    let is_expensive = |block: &BlockCost| block.cost == highest;
    let (first, last) = (blocks.iter().position(is_expensive)?, blocks.iter().rposition(is_expensive)?);
    let most = blocks.len() / 2;
    if most < fewest {
        return None;
    }
    let length = random.random_range(fewest..=most);
    if last - first >= length {
        return None;
    }
    let low = random.random_range((last + 1).saturating_sub(length)..=first.min(blocks.len() - length));
    Some(low..=low + length - 1)
}
