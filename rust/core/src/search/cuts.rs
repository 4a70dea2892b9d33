//! Cuts: the best partition whose cuts are all known from others.
//!
//! A *cut* of a partition is here the downset of its first so many blocks. When one downset lies in another, what is between
//! them is a block, whichever partitions they come from and wherever they stood there, and it costs what both boundaries
//! say. So dynamic programming over pairs of cuts finds the best of all partitions that can be put together from them,
//! among many more cuts than recombination (`recombine.rs`) can bear partitions; but only cuts as they are.

use super::objective::Objective;
use super::params::SearchParams;
use super::repeats::Repeats;
use crate::bits::{has, insert, len, nothing};
use crate::cost::{INFINITE, Instance, Ticks, ceil_div};
use crate::downset::{Boundary, Downsets, Met, Point, Stages, cost_between, point};
use crate::ids::{NodeId, TensorId, count, narrow, wide};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;

/// The first two cuts: of no node, and of all.
const ENDS: usize = 2;

/// The cuts of the partitions that a search came across last.
pub(super) struct KnownCuts<'a> {
    instance: &'a Instance,
    /// In how many ways a partition is moved along at a time.
    ways: usize,
    stages: Stages<'a>,
    known: Downsets,
    met: Met,
    /// Cuts that are kept at least, the newest; up to twice as many are.
    least: usize,
    loads: Vec<Ticks>,
    /// None where no cuts are kept.
    repeats: Option<Repeats>,
    /// By cut: where it lies, and which blocks begin there.
    points: Vec<Point>,
    blocks: Vec<Blocks>,
    /// No more expensive blocks are known.
    looked_below: Ticks,
}

/// The blocks that begin at a cut.
#[derive(Clone, Debug, Default)]
struct Blocks {
    /// Where they end, and what they cost.
    ends: Vec<(u32, Ticks)>,
    /// So many cuts have been looked at.
    num_looked_at: usize,
}

/// How a cut can be reached from the empty one: in as few blocks as possible, then at the least bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reached {
    blocks: i64,
    bottleneck: Ticks,
    /// The cut before.
    before: usize,
}

impl<'a> KnownCuts<'a> {
    /// # Complexity
    /// O((nodes + tensors) log nodes).
    pub(super) fn new(instance: &'a Instance, params: &SearchParams, order: &TopologicalOrder) -> Self {
        let num_nodes = instance.graph().num_nodes();
        let own = &params.cuts;
        let is_plain = instance.is_plain();
        let is_kept = num_nodes <= own.max_nodes && is_plain;
        let least = if is_kept { own.min_kept.min(own.max_cut_nodes / num_nodes) } else { 0 };
        let known = Downsets::new(num_nodes);
        let repeats = (least > 0).then(|| Repeats::new(instance, &params.repeats, order));
        let mut cuts = Self {
            instance,
            ways: own.ways,
            stages: Stages::new(instance),
            known,
            met: Met::default(),
            least,
            loads: if is_plain { instance.only().loads() } else { Vec::new() },
            repeats,
            points: Vec::new(),
            blocks: Vec::new(),
            looked_below: INFINITE,
        };
        // Cuts are of no use where stages are unlike (see `best`).
        if is_plain {
            cuts.take(&vec![0; num_nodes]);
        }
        cuts
    }

    /// Whether the network repeats itself so much that a good cut anywhere is one in most layers.
    pub(super) fn is_layered(&self) -> bool {
        self.repeats.as_ref().is_some_and(|repeats| repeats.is_layered)
    }

    /// Takes the cuts of a partition, which may have more blocks than the instance.
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

    /// Takes the cuts of a partition that is moved along by some layers, in other ways every time (`repeats.rs`).
    ///
    /// # Complexity
    /// That of some times [`add`](Self::add).
    pub(super) fn add_moved(&mut self, block_of: &[usize], time: u64) {
        let Some(repeats) = self.repeats.take() else { return };
        if repeats.len() > 0 {
            let first = usize::try_from(time).unwrap_or(0) % repeats.len() * self.ways;
            for way in first..first + self.ways {
                self.add(&repeats.moved(self.instance.graph(), block_of, way % repeats.len()));
            }
        }
        self.repeats = Some(repeats);
    }

    /// The downsets of the first blocks of a partition, from none to all.
    fn take(&mut self, block_of: &[usize]) {
        let (instance, graph) = (self.instance, self.instance.graph());
        let mut members = vec![Vec::new(); block_of.iter().max().map_or(0, |last| last + 1)];
        for node in graph.nodes() {
            members[block_of[node.index()]].push(node);
        }
        let mut words = nothing(graph.num_nodes());
        let mut at = Boundary::default();
        let mut consumers_in = vec![0; graph.num_tensors()];
        // The tensors that may be live; model inputs are from the beginning.
        let is_input = |x: &TensorId| graph.producer(*x).is_none() && instance.only().transfer(*x) > 0;
        let mut open: Vec<TensorId> = graph.tensors().filter(|x| instance.boundary_io() && is_input(x)).collect();
        for members in std::iter::once(Vec::new()).chain(members) {
            for &node in &members {
                self.enter(node, &mut at, &mut consumers_in, &mut open);
                insert(&mut words, node.index());
            }
            open.retain(|&x| wide(consumers_in[x.index()]) < graph.consumers(x).len());
            if !self.met.has(&self.known, &words) {
                at.exports = open.iter().map(|&x| instance.only().export(x)).sum();
                at.imports = open.iter().map(|&x| instance.only().transfer(x)).sum();
                let live = open.iter().map(|&x| (narrow(x.index()), consumers_in[x.index()]));
                self.known.push(&words, at, live);
                self.met.enter(&self.known, self.known.len() - 1);
                self.points.push(point(self.known.priced(), self.known.len() - 1, &self.stages.kind(0)));
                self.blocks.push(Blocks::default());
            }
        }
    }

    /// Adds a node to the downset that ends at a boundary.
    fn enter(&self, node: NodeId, at: &mut Boundary, consumers_in: &mut [u32], open: &mut Vec<TensorId>) {
        at.load += self.loads[node.index()];
        at.params += self.instance.only().params()[node.index()];
        at.bytes += self.instance.graph().param_bytes(node);
        for &x in self.instance.paid_reads(node) {
            consumers_in[x.index()] += 1;
        }
        open.extend(self.instance.paid_produces(node));
    }

    /// Keeps the newest cuts.
    fn forget(&mut self) {
        let dropped = ENDS..self.known.len() - self.least;
        let now = |cut: usize| if cut < dropped.end { cut } else { cut - dropped.len() };
        let is_kept = |cut: usize| !dropped.contains(&cut);
        self.known = self.known.select((0..self.known.len()).filter(|&cut| is_kept(cut)));
        self.met = Met::default();
        for cut in 0..self.known.len() {
            self.met.enter(&self.known, cut);
        }
        self.points.drain(dropped.clone());
        self.blocks.drain(dropped.clone());
        for Blocks { ends, num_looked_at } in &mut self.blocks {
            ends.retain(|end| is_kept(wide(end.0)));
            for end in ends {
                end.0 = narrow(now(wide(end.0)));
            }
            *num_looked_at = num_looked_at.saturating_sub(dropped.len()).max(ENDS.min(*num_looked_at));
        }
    }

    /// The best partition between known cuts, when it is below a threshold.
    ///
    /// # Complexity
    /// A look at each pair of cuts of which one is new, or at all pairs when the threshold has risen; O(pairs that are
    /// blocks) per threshold that is tried.
    pub(super) fn best(&mut self, mut threshold: Ticks, interrupt: &Interrupt) -> Option<(Objective, Vec<usize>)> {
        if !self.instance.is_plain() {
            return None;
        }
        if threshold > self.looked_below {
            self.blocks.fill(Blocks::default());
        }
        self.looked_below = threshold;
        let place = |cut: usize| (self.load(cut), len(self.known.words(cut)), cut);
        let mut order: Vec<_> = (0..self.known.len()).map(place).collect();
        order.sort_unstable();
        let order: Vec<usize> = order.into_iter().map(|(_, _, cut)| cut).collect();
        let mut found = None;
        while let Some(block_of) = self.below(threshold, &order, interrupt) {
            let objective = Objective::of(self.instance, &block_of);
            debug_assert!(objective.bottleneck < threshold, "blocks cost what their cuts say");
            threshold = objective.bottleneck;
            found = Some((objective, block_of));
        }
        found
    }

    fn load(&self, cut: usize) -> Ticks {
        self.known.boundaries[cut].load
    }

    /// A partition below a threshold; `order` has every cut after all that lie in it.
    fn below(&mut self, threshold: Ticks, order: &[usize], interrupt: &Interrupt) -> Option<Vec<usize>> {
        let last = *order.last()?;
        let num_blocks = count(self.instance.num_blocks());
        let blocks_for = |load: Ticks| ceil_div(load, (threshold - 1).max(1));
        let mut reached: Vec<Option<Reached>> = vec![None; order.len()];
        reached[order[0]] = Some(Reached { blocks: 0, bottleneck: 0, before: order[0] });
        for (place, &cut) in order.iter().enumerate() {
            let most = num_blocks - blocks_for(self.load(last) - self.load(cut));
            let Some(way) = reached[cut].filter(|way| way.blocks <= most) else { continue };
            if interrupt.is_raised() {
                return None;
            }
            self.look(cut, &order[place + 1..]);
            for &(end, cost) in self.blocks[cut].ends.iter().filter(|end| end.1 < threshold) {
                let on = Reached { blocks: way.blocks + 1, bottleneck: way.bottleneck.max(cost), before: cut };
                let known = &mut reached[wide(end)];
                *known = Some(known.map_or(on, |known| known.min(on)));
            }
        }
        reached[last].filter(|way| way.blocks <= num_blocks).map(|_| self.partition(&reached, last))
    }

    /// Finds the blocks from a cut to those of `ends` that are new, in order of load.
    fn look(&mut self, from: usize, ends: &[usize]) {
        let Blocks { ends: mut found, num_looked_at } = std::mem::take(&mut self.blocks[from]);
        let (below, load) = (self.looked_below, self.load(from));
        let (known, stage) = (self.known.priced(), self.stages.kind(0));
        for &to in ends.iter().take_while(|&&to| self.load(to) - load < below).filter(|&&to| to >= num_looked_at) {
            // Most pairs are too far from each other.
            if cost_between(&self.points[from], &self.points[to], &stage) < below
                && let Some(cost) = known.block_below(from, known, to, &stage, below)
            {
                found.push((narrow(to), cost));
            }
        }
        self.blocks[from] = Blocks { ends: found, num_looked_at: self.known.len() };
    }

    /// The partition that ends at a cut.
    fn partition(&self, reached: &[Option<Reached>], mut cut: usize) -> Vec<usize> {
        let mut block_of = vec![0; self.instance.graph().num_nodes()];
        while let Some(way) = reached[cut].filter(|way| way.blocks > 0) {
            cut = way.before;
            let words = self.known.words(cut);
            for (node, block) in block_of.iter_mut().enumerate() {
                *block += usize::from(!has(words, node));
            }
        }
        // The empty cut counted for every node.
        for block in &mut block_of {
            *block -= 1;
        }
        block_of
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::RngExt;

    use super::super::streams::stream;
    use super::*;
    use crate::cases::{loose_nodes, random_instance, random_partition};
    use crate::cost::{bottleneck, check_partition, partition_costs};

    /// The least bottleneck of all partitions whose cuts are among these, sets of nodes.
    fn least(instance: &Instance, cuts: &[Vec<bool>], nested: &mut Vec<usize>) -> Ticks {
        let num_nodes = instance.graph().num_nodes();
        let block_of: Vec<i64> =
            (0..num_nodes).map(|node| count(nested.iter().filter(|&&cut| !cuts[cut][node]).count())).collect();
        let mut least = check_partition(instance, &block_of)
            .map_or(INFINITE, |block_of| bottleneck(&partition_costs(instance, &block_of)));
        if nested.len() + 1 < instance.num_blocks() {
            for next in 0..cuts.len() {
                let is_inside =
                    nested.last().is_none_or(|&last| (0..num_nodes).all(|v| !cuts[last][v] || cuts[next][v]));
                if is_inside && nested.last() != Some(&next) {
                    nested.push(next);
                    least = least.min(self::least(instance, cuts, nested));
                    nested.pop();
                }
            }
        }
        least
    }

    #[test]
    fn the_best_between_known_cuts_is_found() {
        let (mut num_found, mut num_forgotten) = (0, 0);
        for case in 0..3000 {
            let mut random = stream(2, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let mut params = SearchParams::default();
            let keeps_all: bool = random.random();
            if !keeps_all {
                params.cuts.min_kept = random.random_range(1..4);
            }
            let mut known = KnownCuts::new(&instance, &params, &TopologicalOrder::natural(instance.graph()));
            let mut seen: BTreeSet<Vec<bool>> = [false, true].map(|is_in| vec![is_in; num_nodes]).into();
            for _ in 0..random.random_range(1..8) {
                let before = known.known.len();
                let block_of = random_partition(&mut random, &instance);
                known.add(&block_of);
                seen.extend((1..num_blocks).map(|end| block_of.iter().map(|&block| block < end).collect()));
                num_forgotten += usize::from(known.known.len() < before);
                if random.random() {
                    continue;
                }
                let cuts: Vec<Vec<bool>> = (0..known.known.len())
                    .map(|cut| (0..num_nodes).map(|node| has(known.known.words(cut), node)).collect())
                    .collect();
                // Those of the partitions, each once, and all of them where none had to be forgotten.
                let is_all = cuts.len() == seen.len();
                assert_eq!(cuts.iter().collect::<BTreeSet<_>>().len(), cuts.len(), "case {case}");
                assert!(cuts.iter().all(|cut| seen.contains(cut)), "case {case}");
                assert!(is_all || !keeps_all, "case {case}");
                let least = least(&instance, &cuts, &mut Vec::new());
                // What is looked for may become more, and less.
                let threshold =
                    if random.random() { INFINITE } else { least.saturating_add(random.random_range(-1..2)) };
                let found = known.best(threshold, &Interrupt::never());
                let is_there = least < threshold;
                num_found += usize::from(is_there);
                let value = found.as_ref().map(|found| found.0.bottleneck);
                assert_eq!(value, is_there.then_some(least), "case {case}");
                let is_true = |(objective, block_of): (Objective, Vec<usize>)| {
                    objective == Objective::of(&instance, &block_of)
                        && objective.bottleneck == bottleneck(&partition_costs(&instance, &block_of))
                };
                assert!(found.is_none_or(is_true), "case {case}");
            }
        }
        assert!(num_found > 1000 && num_forgotten > 300);
    }

    #[test]
    fn the_newest_cuts_are_kept_and_the_ends() {
        let mut params = SearchParams::default();
        let (num_nodes, min_kept) = (100, 100);
        params.cuts.min_kept = min_kept;
        let instance = loose_nodes(&vec![1.0; num_nodes], 2);
        let mut known = KnownCuts::new(&instance, &params, &TopologicalOrder::natural(instance.graph()));
        let mut num_forgotten = 0;
        for first in 0..3 * min_kept {
            let before = known.known.len();
            let is_last = |node: usize| usize::from(node * node % (first + 2) > first / 2);
            known.add(&(0..num_nodes).map(is_last).collect::<Vec<_>>());
            assert!((before.min(min_kept)..=2 * min_kept + ENDS).contains(&known.known.len()));
            num_forgotten += usize::from(known.known.len() < before);
        }
        assert!(num_forgotten > 0);
        assert_eq!([0, 1].map(|end| len(known.known.words(end))), [0, num_nodes]);
        let halves: Vec<usize> = (0..num_nodes).map(|node| usize::from(node % 2 == 0)).collect();
        known.add(&halves);
        known.forget();
        let best = known.best(INFINITE, &Interrupt::never());
        assert_eq!(
            best.map(|(objective, _)| objective.bottleneck),
            Some(bottleneck(&partition_costs(&instance, &halves)))
        );
    }
}
