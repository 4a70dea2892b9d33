//! The fewest stages, and then the least io, of partitions below a threshold on any stages: a dynamic program over stages and
//! downsets.
//!
//! The nodes of the first `b` stages are a downset. Let `least(b, D)` be the lexicographically least pair of the number of
//! non-empty stages among `1..b` and their io, when they partition `D`, each below the threshold:
//!
//! ```text
//! least(b + 1, D') = least of  least(b, D')                                              stage b + 1 is empty
//!                              least(b, D) + (1, io of the block from D to D' there)     over downsets D within D'
//! ```
//!
//! Pairs add up over stages, and adding the same pair keeps their order, so only the least one of a downset is kept (Bellman's
//! principle). A downset is left out when one stage more makes its pair no less than that of the best partition known.

use std::collections::HashMap;
use std::sync::Arc;

use crate::bits::has;
use crate::cost::{Held, INFINITE, Ticks};
use crate::downset::{Budget, Downsets, Enumerator, Priced, Question};
use crate::ids::{NodeId, TensorId, count};
use crate::query::{Effort, Halt, Query};

/// The steps that computing a block's cost counts for each node.
const NODE_STEPS: u64 = 4;
/// The indices of the empty downset and of the whole graph among all downsets.
const NOTHING: usize = 0;
const EVERYTHING: usize = 1;

/// The number of non-empty stages, and the io of their blocks.
pub(super) type Rank = (usize, Ticks);

/// The least pair of a downset, and the last of its blocks.
#[derive(Clone, Copy, Debug)]
struct Way {
    rank: Rank,
    last: Option<usize>,
}

/// A block: its stage, the downset at its end, and the block before it.
#[derive(Clone, Copy, Debug)]
struct Block {
    stage: usize,
    end: usize,
    before: Option<usize>,
}

/// The state of the dynamic program after a stage.
struct Search<'a> {
    query: &'a Query<'a>,
    known: Rank,
    downsets: Downsets,
    places: HashMap<Vec<u64>, usize>,
    blocks: Vec<Block>,
}

/// A partition below the threshold with the fewest stages and then the least io, by node; none when no pair is less than `known`.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
pub(super) fn least(query: &Query<'_>, known: Rank, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
    let num_nodes = query.instance.graph().num_nodes();
    if num_nodes == 0 {
        return Ok(None);
    }
    let mut enumerator = Enumerator::new(query, None);
    let mut downsets = enumerator.nothing();
    downsets.append(&enumerator.everything(), 0);
    let places = [NOTHING, EVERYTHING].map(|place| (downsets.words(place).to_vec(), place)).into();
    let mut search = Search { query, known, downsets, places, blocks: Vec::new() };
    let mut ways = vec![Some(Way { rank: (0, 0), last: None }), None];
    for stage in 0..query.instance.num_blocks() {
        ways = search.advance(&ways, stage, &mut enumerator, effort)?;
    }
    let Some(way) = ways[EVERYTHING].filter(|way| way.rank < known) else { return Ok(None) };
    let (mut block_of, mut last) = (vec![0; num_nodes], way.last);
    while let Some(Block { stage, end, before }) = last.map(|last| search.blocks[last]) {
        let words = search.downsets.words(end);
        block_of.iter_mut().enumerate().filter(|&(node, _)| has(words, node)).for_each(|(_, block)| *block = stage);
        last = before;
    }
    Ok(Some(block_of))
}

impl Search<'_> {
    /// Computes the least pairs with one stage more.
    fn advance(
        &mut self,
        ways: &[Option<Way>],
        stage: usize,
        enumerator: &mut Enumerator<'_>,
        effort: &mut Effort,
    ) -> Result<Vec<Option<Way>>, Halt> {
        let num_blocks = self.query.instance.num_blocks();
        let budget = Budget {
            before: enumerator.room(0, stage + 1),
            after: enumerator.room(stage + 1, num_blocks),
            blocks: [stage + 1, num_blocks - stage - 1],
            weights: [0, INFINITE],
        };
        let stages = Arc::clone(&enumerator.stages);
        let mut next = ways.to_vec();
        let boundaries = stages.on(stage).boundaries(&self.downsets);
        let starts = self.downsets.clone();
        let priced = Priced { downsets: &starts, boundaries: &boundaries };
        for (start, way) in ways.iter().enumerate().filter(|&(start, _)| start != EVERYTHING) {
            let Some(way) = *way else { continue };
            self.query.interrupt.check(0)?;
            let used = way.rank.0 + 1;
            if (used, way.rank.1) >= self.known {
                continue;
            }
            self.take(stage, way, (starts.words(start), EVERYTHING), &mut next, effort)?;
            if (used + 1, way.rank.1) >= self.known || stage + 1 == num_blocks {
                continue;
            }
            let question =
                Question { budget, stage, start: Some((priced, start)), fixed: None, full: None, io: INFINITE };
            let found = enumerator.list(question, effort)?;
            for index in 0..found.len() {
                if found.words(index) == starts.words(start) {
                    continue;
                }
                let fresh = self.downsets.len();
                let place = *self.places.entry(found.words(index).to_vec()).or_insert(fresh);
                if place == fresh {
                    self.downsets.append(&found, index);
                    next.push(None);
                }
                if place != EVERYTHING {
                    self.take(stage, way, (starts.words(start), place), &mut next, effort)?;
                }
            }
        }
        Ok(next)
    }

    /// Extends the pair of a downset by a block to another downset, if this is the least one there and can still be less than that of
    /// the best partition known.
    fn take(
        &mut self,
        stage: usize,
        way: Way,
        (from, end): (&[u64], usize),
        next: &mut [Option<Way>],
        effort: &mut Effort,
    ) -> Result<(), Halt> {
        let to = self.downsets.words(end);
        effort.transit(1 + NODE_STEPS * count(self.query.instance.graph().num_nodes()).unsigned_abs())?;
        let Some(io) = io_between(self.query, stage, from, to) else { return Ok(()) };
        let rank = (way.rank.0 + 1, way.rank.1 + io);
        let least = (rank.0 + usize::from(end != EVERYTHING), rank.1);
        if least < self.known && next[end].is_none_or(|other| rank < other.rank) {
            next[end] = Some(Way { rank, last: Some(self.blocks.len()) });
            self.blocks.push(Block { stage, end, before: way.last });
            effort.take(size_of::<Block>())?;
            if end == EVERYTHING {
                self.known = rank;
            }
        }
        Ok(())
    }
}

/// The io of a stage's block between two downsets, from the definition; none when the stage may not hold it or it costs the
/// threshold or more.
fn io_between(query: &Query<'_>, stage: usize, from: &[u64], to: &[u64]) -> Option<Ticks> {
    let (instance, graph, view) = (query.instance, query.instance.graph(), query.instance.on(stage));
    let is_in = |v: NodeId| has(to, v.index()) && !has(from, v.index());
    let (mut work, mut io, mut held) = (0, 0, Held::default());
    for v in graph.nodes().filter(|&v| is_in(v)) {
        if !instance.may_be(v, stage) {
            return None;
        }
        work += view.work(v);
        held.add(&view.held(v));
        let is_first = |x: TensorId| graph.consumers(x).iter().copied().find(|&w| is_in(w)) == Some(v);
        for &x in graph.reads(v).iter().filter(|&&x| is_first(x)) {
            if graph.producer(x).map_or_else(|| instance.boundary_io(), |u| !is_in(u)) {
                io += view.transfer(x);
            }
            held.bytes += graph.stored(x);
            held.params += view.stored(x);
        }
        let leaves = |x: TensorId| instance.is_paid_output(x) || graph.consumers(x).iter().any(|&w| !is_in(w));
        io += graph.produces(v).iter().filter(|&&x| leaves(x)).map(|&x| view.transfer(x)).sum::<Ticks>();
    }
    if instance.is_relay() {
        io += handed_on(query, stage, from, to);
    }
    (view.cost(work, io, &held) < query.threshold).then_some(io)
}

/// What a stage's block between two downsets pays to hand on tensors that are produced before it and read after it.
fn handed_on(query: &Query<'_>, stage: usize, from: &[u64], to: &[u64]) -> Ticks {
    let (graph, view) = (query.instance.graph(), query.instance.on(stage));
    let has_after = |x: TensorId| graph.consumers(x).iter().any(|w| !has(to, w.index()));
    let is_made = |x: TensorId| graph.producer(x).is_some_and(|u| has(from, u.index()));
    let is_read = |x: TensorId| graph.consumers(x).iter().any(|w| has(to, w.index()) && !has(from, w.index()));
    let relays = graph.tensors().filter(|&x| is_made(x) && has_after(x));
    relays.map(|x| view.transfer(x) * if is_read(x) { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_unlike;
    use crate::cost::{Instance, bottleneck, check_partition, partition_costs};
    use crate::interrupt::Interrupt;
    use crate::query::ExactParams;
    use crate::ties::rank;
    use crate::ties::tests::partitions;

    /// Of all partitions below a threshold.
    fn ranks(instance: &Instance, threshold: Ticks) -> Vec<Rank> {
        let is_below = |block_of: &Vec<usize>| bottleneck(&partition_costs(instance, block_of)) < threshold;
        partitions(instance).into_iter().filter(is_below).map(|block_of| rank(instance, &block_of)).collect()
    }

    #[test]
    fn the_least_of_all_partitions_is_found_when_it_is_less_than_what_is_known() {
        let (mut num_found, mut num_none) = (0, 0);
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..5));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let threshold = random.random_range(1..=instance.combinatorial_bound().min(1 << 52) * 2 + 1);
            let (params, interrupt) = (ExactParams::default(), Interrupt::never());
            let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
            let least_rank = ranks(&instance, threshold).into_iter().min();
            for known in least_rank.map_or(vec![(9, 0)], |(used, io)| vec![(9, 0), (used, io), (used, io + 1)]) {
                let mut effort = Effort::new(1 << 26, u64::MAX);
                let found = least(&query, known, &mut effort).expect("enough effort");
                let expected = least_rank.filter(|&rank| rank < known);
                assert_eq!(found.as_ref().map(|block_of| rank(&instance, block_of)), expected, "case {case}");
                if let Some(block_of) = &found {
                    let blocks: Vec<i64> = block_of.iter().map(|&block| count(block)).collect();
                    check_partition(&instance, &blocks).expect("a partition");
                    assert!(bottleneck(&partition_costs(&instance, block_of)) < threshold, "case {case}");
                }
                num_found += usize::from(found.is_some());
                num_none += usize::from(found.is_none());
            }
        }
        assert!(num_found > 2000 && num_none > 1000, "{num_found} {num_none}");
    }
}
