//! Tie-breaking among partitions of equal bottleneck: the fewest blocks, and then the least io.
//!
//! Every block that is not empty takes a device, so a block that does not lower the bottleneck is waste; and transfers load the
//! memory that the stages share. Let `T` be the bottleneck of a known partition. [`settle`] searches for a partition whose blocks
//! cost at most `T`
//!
//! 1. among the slicings of some orders, one of them that of the partition's own blocks (`slice/frugal.rs`);
//! 2. with one block fewer than the best known, and so on, by the exact solver; with unlike stages, on fewer stages (`fewer.rs`);
//! 3. with as many blocks and the least io, by a dynamic program over downsets (`chain.rs`), or if that halts, by moving single
//!    nodes (`moves.rs`).
//!
//! With unlike devices, memory limits or other constraints, step 3 is a dynamic program that minimises the number of stages, too
//! (`least.rs`). There, nodes that must be together are first merged into one.
//!
//! **Claim.** When neither 2 nor 3 halts, the result has the fewest blocks of all partitions whose blocks cost at most `T`, and of
//! these the least io.
//!
//! **Proof.** Both search the quotient of the reductions at threshold `T + 1`. It is enough that for every partition whose blocks
//! cost at most `T` the quotient has one with at most as many non-empty blocks and at most as much io. *Together* and *cycle* lose
//! none of these partitions. *Pull* (`reduce/pull.rs`, names as there) moves `v` to the block of `u`, which is not empty, so no
//! block is added. The io changes by at most
//!
//! ```text
//! export(o) + c(n) - export(s)   in the block of u,
//! c(o) - c(s)                    in the block that v leaves.
//! ```
//!
//! The first is at most `-load(v)` by the rule. The second is at most 0: `c(o) <= export(o) + load(v)`, since a tensor of `o` that
//! is not paid as an export is a model output that is paid in the load, and `export(o) + load(v) <= export(s) <= c(s)`. *Push* is
//! similar, with `c(n) + export(o that others read) - c(s) <= -load(u)` in the block that `u` moves to, and `export(n) - export(o) <=
//! c(s) - load(u) - export(o) <= export(s) - export(o) <= 0` in the block that it leaves. With unlike stages the rules require this
//! of every kind that may hold the nodes. ∎

mod chain;
mod fewer;
mod least;
mod moves;
#[cfg(test)]
mod tests;

use crate::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::domain::Known;
use crate::exact::decide;
use crate::ids::{count, float};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;
use crate::query::{Effort, ExactParams, Halt, Query};
use crate::reduce::{Reduction, join_together, reduce};
use crate::slice::Slicer;
use crate::threads;
use least::Rank;

/// The limits of [`settle`].
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// Steps for slicings, for each number of blocks that is decided, and for the least io.
    pub steps: [u64; 3],
    /// Bytes for downsets.
    pub memory: usize,
    /// The most nodes of a graph for which fewer blocks are decided if some of the `k` are not used; if all are used; and for which
    /// the least io is searched by more than slicings and moves.
    pub max_nodes: [usize; 3],
}

impl Default for Params {
    fn default() -> Self {
        // Measured on 2026-11-30, 14 networks, k = 2, 8 and 32: with 2^21, 2^20 and 2^22 steps and no limit of nodes the
        // median solve took 2.5 times as long, for 7 % less io and nowhere fewer blocks.
        Self { steps: [1 << 15, 1 << 15, 1 << 20], memory: 1 << 27, max_nodes: [1 << 11, 1 << 8, 1 << 6] }
    }
}

/// A partition, with the criteria of tie-breaking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The block of each node; where stages are alike no block before the last is empty.
    pub block_of: Vec<usize>,
    /// The number of blocks that are not empty.
    pub num_blocks: usize,
    /// The io of all blocks together.
    pub io: Ticks,
    /// Whether no partition whose blocks cost as little has fewer blocks, or as many and less io.
    pub is_least: bool,
}

impl Settled {
    fn of(instance: &Instance, block_of: &[usize]) -> Self {
        let block_of = if instance.is_uniform() { numbered(block_of) } else { block_of.to_vec() };
        let (num_blocks, io) = rank(instance, &block_of);
        Self { block_of, num_blocks, io, is_least: false }
    }

    fn rank(&self) -> Rank {
        (self.num_blocks, self.io)
    }

    fn improve(&mut self, instance: &Instance, block_of: &[usize]) -> bool {
        let other = Self::of(instance, block_of);
        let is_better = other.rank() < self.rank();
        if is_better {
            *self = other;
        }
        is_better
    }
}

/// The number of blocks of a partition that are not empty, and the io of all together.
fn rank(instance: &Instance, block_of: &[usize]) -> Rank {
    let costs = partition_costs(instance, block_of);
    let mut is_used = vec![false; costs.len()];
    for &block in block_of {
        is_used[block] = true;
    }
    let io = costs.iter().map(|block| block.io_in + block.io_out).sum();
    (is_used.iter().filter(|&&is_used| is_used).count(), io)
}

/// The same partition with its blocks renumbered, so that none before the last is empty.
#[must_use]
pub fn numbered(block_of: &[usize]) -> Vec<usize> {
    let mut number = vec![0; block_of.iter().max().map_or(0, |last| last + 1)];
    for &block in block_of {
        number[block] = 1;
    }
    let mut used = 0;
    for block in &mut number {
        used += *block;
        *block = used - *block;
    }
    block_of.iter().map(|&block| number[block]).collect()
}

/// A partition of no larger bottleneck than the given one's, of the fewest blocks and then the least io that is found.
///
/// After an interrupt it returns the best so far. A partition that breaks a limit is at most renumbered, when stages are alike.
///
/// # Panics
/// When `block_of` is no partition.
///
/// # Complexity
/// O(nodes + reads) and the steps of `params`, for each number of blocks that is decided.
#[must_use]
pub fn settle(instance: &Instance, block_of: &[usize], params: &Params, interrupt: &Interrupt) -> Settled {
    let Ok(groups) = join_together(instance, interrupt) else { return Settled::of(instance, block_of) };
    if let Some(groups) = groups {
        let mut of_groups = vec![0; groups.instance.graph().num_nodes()];
        groups.group_of.iter().zip(block_of).for_each(|(&group, &block)| of_groups[group] = block);
        let settled = settle(&groups.instance, &of_groups, params, interrupt);
        return Settled { block_of: groups.lift(&settled.block_of), ..settled };
    }
    let most = bottleneck(&partition_costs(instance, block_of));
    let mut best = Settled::of(instance, block_of);
    if most == INFINITE {
        return best;
    }
    let exact = &ExactParams::default();
    let search = Search { instance, params, exact, threshold: most + 1, least: instance.least_blocks(most), interrupt };
    // What was found before an interrupt counts.
    let _ = search.run(&mut best);
    best
}

struct Search<'a> {
    instance: &'a Instance,
    params: &'a Params,
    exact: &'a ExactParams,
    threshold: Ticks,
    /// A lower bound on the number of blocks.
    least: usize,
    interrupt: &'a Interrupt,
}

impl Search<'_> {
    fn run(&self, best: &mut Settled) -> Result<(), Interrupted> {
        if self.is_final(best) {
            return Ok(());
        }
        let graph = self.instance.graph();
        let mut steps = self.params.steps[0];
        self.slice(best, &mut steps)?;
        self.try_order(best, &TopologicalOrder::natural(graph), &mut steps)?;
        let is_slack = best.num_blocks < self.instance.num_blocks();
        if is_slack {
            // Fewer blocks are likely where some are not used.
            for order in [TopologicalOrder::depth_first, TopologicalOrder::breadth_first, TopologicalOrder::post_order]
            {
                self.try_order(best, &order(graph), &mut steps)?;
            }
        }
        if self.is_final(best) {
            return Ok(());
        }
        let [of_unused, of_used, of_io] = self.params.max_nodes;
        let of_fewest = if is_slack { of_unused } else { of_used };
        let is_open = best.num_blocks > self.least && graph.num_nodes() <= of_fewest;
        if is_open || graph.num_nodes() <= of_io {
            let reduction = reduce(self.instance, self.threshold, self.interrupt)?;
            // On one thread, so that the result does not depend on the caller's number of threads.
            let Ok(done) = threads::on(1, || self.exactly(best, &reduction)) else { return Ok(()) };
            done?;
        }
        if !best.is_least && self.instance.is_plain() {
            moves::descend(self.instance, best, self.threshold, &mut steps, self.interrupt)?;
            self.slice(best, &mut steps)?;
        }
        Ok(())
    }

    /// Whether nothing can be improved; `best` is marked as least then.
    fn is_final(&self, best: &mut Settled) -> bool {
        // The only block of a partition pays the same on any stage, if they are alike.
        let is_only = best.num_blocks <= 1 && self.instance.is_uniform();
        best.is_least = best.num_blocks <= self.least && (is_only || best.io == 0);
        best.is_least
    }

    /// Slices orders in which the blocks are consecutive, as long as the partition improves.
    fn slice(&self, best: &mut Settled, steps: &mut u64) -> Result<(), Interrupted> {
        loop {
            let keys: Vec<f64> = best.block_of.iter().map(|&block| float(count(block))).collect();
            let Ok(order) = TopologicalOrder::from_keys(self.instance.graph(), &keys) else { return Ok(()) };
            if !self.try_order(best, &order, steps)? {
                return Ok(());
            }
        }
    }

    fn try_order(&self, best: &mut Settled, order: &TopologicalOrder, steps: &mut u64) -> Result<bool, Interrupted> {
        let mut slicer = Slicer::new(self.instance);
        slicer.load(order);
        let mut slicing = slicer.frugal(self.threshold, steps, self.interrupt)?;
        if slicing.is_none() {
            slicing = slicer.below(self.threshold, self.interrupt)?;
        }
        Ok(slicing.is_some_and(|slicing| best.improve(self.instance, &slicing.block_of(order))))
    }

    /// Steps 2 and 3, within the limits of steps.
    fn exactly(&self, best: &mut Settled, reduction: &Reduction) -> Result<(), Interrupted> {
        let is_fewest = if self.instance.is_uniform() {
            self.fewest(best, reduction)?
        } else {
            fewer::descend(self, best, reduction)?
        };
        let is_small = self.instance.graph().num_nodes() <= self.params.max_nodes[2];
        if !self.instance.is_plain() {
            return if is_small { self.least(best, reduction) } else { Ok(()) };
        }
        if self.is_final(best) || best.num_blocks <= 1 || !is_small {
            return Ok(());
        }
        let quotient = reduction.instance.with_num_blocks(best.num_blocks);
        let mut effort = Effort::new(self.params.memory, self.params.steps[2]);
        match chain::least_io(&self.query(&quotient), best.io, &mut effort) {
            Ok(found) => {
                if let Some(blocks) = found {
                    best.improve(self.instance, &reduction.lift(&blocks));
                }
                best.is_least = is_fewest;
            }
            Err(Halt::Interrupted) => return Err(Interrupted),
            Err(Halt::Steps | Halt::Memory) => {}
        }
        Ok(())
    }

    /// The fewest stages and the least io, whatever the stages are.
    fn least(&self, best: &mut Settled, reduction: &Reduction) -> Result<(), Interrupted> {
        let mut effort = Effort::new(self.params.memory, self.params.steps[2]);
        match least::least(&self.query(&reduction.instance), best.rank(), &mut effort) {
            Ok(found) => {
                if let Some(blocks) = found {
                    best.improve(self.instance, &reduction.lift(&blocks));
                }
                best.is_least = true;
            }
            Err(Halt::Interrupted) => return Err(Interrupted),
            Err(Halt::Steps | Halt::Memory) => {}
        }
        Ok(())
    }

    fn query<'a>(&'a self, quotient: &'a Instance) -> Query<'a> {
        let Self { threshold, exact, interrupt, .. } = *self;
        Query { instance: quotient, threshold, params: exact, interrupt }
    }

    /// Decides whether one block fewer is enough, and so on; returns whether it is proven that fewer are not.
    fn fewest(&self, best: &mut Settled, reduction: &Reduction) -> Result<bool, Interrupted> {
        while best.num_blocks > self.least {
            let quotient = reduction.instance.with_num_blocks(best.num_blocks - 1);
            let mut effort = Effort::new(self.params.memory, self.params.steps[1]);
            match decide(&self.query(&quotient), Some(Known::nothing(&quotient)), &mut effort) {
                Ok(Some(blocks)) => {
                    best.improve(self.instance, &reduction.lift(&blocks));
                    self.slice(best, &mut { self.params.steps[0] })?;
                }
                Ok(None) => return Ok(true),
                Err(Halt::Interrupted) => return Err(Interrupted),
                Err(Halt::Steps | Halt::Memory) => return Ok(false),
            }
        }
        Ok(true)
    }
}
