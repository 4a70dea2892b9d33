//! Fences: the best partition whose fences are all known from others.
//!
//! A *fence* of a partition is the downset of its first so many blocks. When one downset lies in another, what is between
//! them is a block, whichever partitions they come from and wherever they stood there, and it costs what both boundaries
//! say. So dynamic programming over pairs of fences finds the best of all partitions that can be put together from them,
//! among many more fences than recombination (`recombine.rs`) can bear partitions; but only fences as they are.

use super::merit::Merit;
use super::repeats::Repeats;
use crate::bits::{has, insert, len, nothing};
use crate::cost::{Instance, Ticks, ceil_div};
use crate::exact::{Boundary, Downsets, Met, Point, cost_between, point};
use crate::ids::{NodeId, TensorId, count, narrow, wide};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;

/// Fences that are kept at least, the newest; up to twice as many are. Fewer when they have more nodes than that together.
const FENCES: usize = 1500;
const MAX_FENCE_NODES: usize = 1 << 24;
/// No fences are kept of graphs of more nodes: their boundaries are too long.
const MAX_NODES: usize = 20_000;
/// In how many ways a partition is moved along at a time.
const WAYS: usize = 4;
/// The first two fences: of no node, and of all.
const ENDS: usize = 2;

/// The fences of the partitions that a search came across last.
pub(super) struct Fences<'a> {
    instance: &'a Instance,
    known: Downsets,
    met: Met,
    least: usize,
    loads: Vec<Ticks>,
    /// None where no fences are kept.
    repeats: Option<Repeats>,
}

/// A fence that can be reached from the empty one, in as few blocks as possible.
struct Reached {
    fence: usize,
    blocks: u32,
    /// The place of the fence before among those that can be reached.
    before: usize,
}

impl<'a> Fences<'a> {
    /// # Complexity
    /// O((nodes + tensors) log nodes).
    pub(super) fn new(instance: &'a Instance, order: &TopologicalOrder) -> Self {
        let num_nodes = instance.graph().num_nodes();
        let least = if num_nodes > MAX_NODES { 0 } else { FENCES.min(MAX_FENCE_NODES / num_nodes) };
        let known = Downsets::new(num_nodes);
        let repeats = (least > 0).then(|| Repeats::new(instance, order));
        let mut fences = Self { instance, known, met: Met::default(), least, loads: instance.loads(), repeats };
        fences.take(&vec![0; num_nodes]);
        fences
    }

    /// Takes the fences of a partition.
    ///
    /// # Complexity
    /// O(nodes + tensors + reads), and per block what is live between it and the next.
    pub(super) fn add(&mut self, block_of: &[usize]) {
        if self.least > 0 {
            self.take(block_of);
            if self.known.len() > 2 * self.least + ENDS {
                self.forget();
            }
        }
    }

    /// Takes the fences of a partition that is moved along by some layers, in other ways every time (`repeats.rs`).
    ///
    /// # Complexity
    /// That of some times [`add`](Self::add).
    pub(super) fn add_moved(&mut self, block_of: &[usize], time: u64) {
        let Some(repeats) = self.repeats.take() else { return };
        if repeats.len() > 0 {
            let first = usize::try_from(time).unwrap_or(0) % repeats.len() * WAYS;
            for way in first..first + WAYS {
                self.add(&repeats.moved(self.instance.graph(), block_of, way % repeats.len()));
            }
        }
        self.repeats = Some(repeats);
    }

    /// The downsets of the first blocks of a partition, from none to all.
    fn take(&mut self, block_of: &[usize]) {
        let (instance, graph) = (self.instance, self.instance.graph());
        let mut members = vec![Vec::new(); instance.num_blocks()];
        for node in graph.nodes() {
            members[block_of[node.index()]].push(node);
        }
        let mut words = nothing(graph.num_nodes());
        let mut at = Boundary::default();
        let mut readers_in = vec![0; graph.num_tensors()];
        // The tensors that may be live; model inputs are from the beginning.
        let is_input = |x: &TensorId| graph.producer(*x).is_none() && instance.transfer(*x) > 0;
        let mut open: Vec<TensorId> = graph.tensors().filter(|x| instance.boundary_io() && is_input(x)).collect();
        for members in std::iter::once(Vec::new()).chain(members) {
            for &node in &members {
                self.enter(node, &mut at, &mut readers_in, &mut open);
                insert(&mut words, node.index());
            }
            open.retain(|&x| wide(readers_in[x.index()]) < graph.consumers(x).len());
            if !self.met.has(&self.known, &words) {
                at.exports = open.iter().map(|&x| instance.export(x)).sum();
                at.imports = open.iter().map(|&x| instance.transfer(x)).sum();
                let live = open.iter().map(|&x| (narrow(x.index()), readers_in[x.index()]));
                self.known.push(&words, at, live);
                self.met.enter(&self.known, self.known.len() - 1);
            }
        }
    }

    /// Adds a node to the downset that ends at a boundary.
    fn enter(&self, node: NodeId, at: &mut Boundary, readers_in: &mut [u32], open: &mut Vec<TensorId>) {
        at.load += self.loads[node.index()];
        at.params += self.instance.params()[node.index()];
        at.bytes += self.instance.graph().param_bytes(node);
        for &x in self.instance.paid_reads(node) {
            readers_in[x.index()] += 1;
        }
        open.extend(self.instance.paid_produces(node));
    }

    /// Keeps the newest fences.
    fn forget(&mut self) {
        let kept = (0..ENDS).chain(self.known.len() - self.least..self.known.len());
        self.known = self.known.select(kept);
        self.met = Met::default();
        for fence in 0..self.known.len() {
            self.met.enter(&self.known, fence);
        }
    }

    /// The best partition between known fences, when it is below a threshold.
    ///
    /// # Complexity
    /// O(fences^2) per threshold that is tried, with a look at the nodes and live tensors of the pairs that may be blocks.
    pub(super) fn best(&self, mut threshold: Ticks, interrupt: &Interrupt) -> Option<(Merit, Vec<usize>)> {
        let sizes: Vec<usize> = (0..self.known.len()).map(|fence| len(self.known.words(fence))).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_unstable_by_key(|&fence| (self.load(fence), sizes[fence]));
        let points: Vec<Point> = (0..sizes.len()).map(|fence| point(&self.known, fence, self.instance)).collect();
        let mut found = None;
        while let Some(block_of) = self.below(threshold, &order, &points, interrupt) {
            let merit = Merit::of(self.instance, &block_of);
            debug_assert!(merit.bottleneck < threshold, "blocks cost what their fences say");
            threshold = merit.bottleneck;
            found = Some((merit, block_of));
        }
        found
    }

    fn load(&self, fence: usize) -> Ticks {
        self.known.boundaries[fence].load
    }

    /// A partition below a threshold; `order` has every fence after all that lie in it.
    fn below(&self, threshold: Ticks, order: &[usize], points: &[Point], interrupt: &Interrupt) -> Option<Vec<usize>> {
        let total = self.load(*order.last()?);
        let blocks_for = |load: Ticks| ceil_div(load, (threshold - 1).max(1));
        let mut reached = vec![Reached { fence: order[0], blocks: 0, before: 0 }];
        // Those before this place have too little load for a block to end at the fence.
        let mut low = 0;
        for &fence in &order[1..] {
            if interrupt.is_raised() {
                return None;
            }
            let load = self.load(fence);
            while reached.get(low).is_some_and(|from| load - self.load(from.fence) >= threshold) {
                low += 1;
            }
            let most = count(self.instance.num_blocks()) - blocks_for(total - load);
            let least = blocks_for(load);
            let mut best: Option<Reached> = None;
            for (place, from) in reached.iter().enumerate().skip(low) {
                let blocks = from.blocks + 1;
                let is_fewer = best.as_ref().map_or(i64::from(blocks) <= most, |best| blocks < best.blocks);
                // Most pairs are too far from each other.
                if is_fewer
                    && cost_between(&points[from.fence], &points[fence]) < threshold
                    && self.known.is_block(from.fence, &self.known, fence, self.instance, threshold)
                {
                    best = Some(Reached { fence, blocks, before: place });
                    if i64::from(blocks) == least {
                        break;
                    }
                }
            }
            reached.extend(best);
        }
        let last = reached.len() - 1;
        (reached[last].fence == order[order.len() - 1]).then(|| self.partition(&reached, last))
    }

    /// The partition whose last fence is at a place.
    fn partition(&self, reached: &[Reached], mut place: usize) -> Vec<usize> {
        let mut block_of = vec![0; self.instance.graph().num_nodes()];
        while place > 0 {
            place = reached[place].before;
            let words = self.known.words(reached[place].fence);
            for (node, block) in block_of.iter_mut().enumerate() {
                *block += usize::from(!has(words, node));
            }
        }
        // The empty fence counted for every node.
        for block in &mut block_of {
            *block -= 1;
        }
        block_of
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::RngExt;

    use super::super::streams::stream;
    use super::*;
    use crate::cases::{random_instance, random_partition};
    use crate::cost::{Device, INFINITE, bottleneck, check_partition, partition_costs};
    use crate::graph::GraphBuilder;

    /// The least bottleneck of all partitions whose fences are among these, sets of nodes.
    fn least(instance: &Instance, fences: &[Vec<bool>], chain: &mut Vec<usize>) -> Ticks {
        let num_nodes = instance.graph().num_nodes();
        let block_of: Vec<i64> =
            (0..num_nodes).map(|node| count(chain.iter().filter(|&&fence| !fences[fence][node]).count())).collect();
        let mut least = check_partition(instance.graph(), instance.num_blocks(), &block_of)
            .map_or(INFINITE, |block_of| bottleneck(&partition_costs(instance, &block_of)));
        if chain.len() + 1 < instance.num_blocks() {
            for next in 0..fences.len() {
                let is_inside =
                    chain.last().is_none_or(|&last| (0..num_nodes).all(|v| !fences[last][v] || fences[next][v]));
                if is_inside && chain.last() != Some(&next) {
                    chain.push(next);
                    least = least.min(self::least(instance, fences, chain));
                    chain.pop();
                }
            }
        }
        least
    }

    #[test]
    fn the_best_between_known_fences_is_found() {
        for case in 0..3000 {
            let mut random = stream(2, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let mut known = Fences::new(&instance, &TopologicalOrder::natural(instance.graph()));
            let mut fences: Vec<Vec<bool>> = Vec::new();
            for _ in 0..random.random_range(0..4) {
                let block_of = random_partition(&mut random, &instance);
                known.add(&block_of);
                fences
                    .extend((1..instance.num_blocks()).map(|end| block_of.iter().map(|&block| block < end).collect()));
            }
            fences.sort_unstable();
            fences.dedup();
            let least = least(&instance, &fences, &mut Vec::new());
            let found = known.best(INFINITE, &Interrupt::never());
            assert_eq!(found.as_ref().map_or(INFINITE, |found| found.0.bottleneck), least, "case {case}");
            let is_true = |(merit, block_of): (Merit, Vec<usize>)| {
                merit == Merit::of(&instance, &block_of)
                    && merit.bottleneck == bottleneck(&partition_costs(&instance, &block_of))
            };
            assert!(found.is_none_or(is_true), "case {case}");
            assert_eq!(known.best(least, &Interrupt::never()), None, "case {case}");
        }
    }

    #[test]
    fn the_newest_fences_are_kept_and_the_ends() {
        let mut builder = GraphBuilder::default();
        for _ in 0..FENCES {
            builder.add_node(1.0);
        }
        let graph = Arc::new(builder.freeze().expect("there are no edges"));
        let instance = Instance::new(graph, &Device::with_bandwidth(1.0), 2, false).expect("small numbers");
        let mut known = Fences::new(&instance, &TopologicalOrder::natural(instance.graph()));
        for first in 0..3 * FENCES {
            known.add(&(0..FENCES).map(|node| usize::from(node * node % (first + 2) > first / 2)).collect::<Vec<_>>());
            assert!(known.known.len() <= 2 * FENCES + ENDS);
        }
        assert_eq!([0, 1].map(|end| len(known.known.words(end))), [0, FENCES]);
        let halves: Vec<usize> = (0..FENCES).map(|node| usize::from(node % 2 == 0)).collect();
        known.add(&halves);
        known.forget();
        let best = known.best(INFINITE, &Interrupt::never());
        assert_eq!(best.map(|(merit, _)| merit.bottleneck), Some(bottleneck(&partition_costs(&instance, &halves))));
    }
}
