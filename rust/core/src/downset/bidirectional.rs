//! The bidirectional dynamic program: links between downsets, level by level, from both ends.
//!
//! Forward level `b` contains the downsets that the nodes of the first `b` stages can be, and those of fewer stages cannot; backward
//! level `b` those whose complements the nodes of the last `b` stages can be, and those of fewer cannot. Every block costs less
//! than the threshold `T`.
//!
//! **Claim.** When `f` forward and `g` backward levels are known and `f + g = k - 1`, there is a partition below `T` into `k` blocks
//! if and only if stage `f + 1` can hold a block, perhaps an empty one, from a downset of a forward level to one of a backward level.
//!
//! **Proof.** The downset of the first `f` stages of such a partition is in some forward level, that before its last `g` stages is
//! in some backward level, and stage `f + 1` holds the block between the two. Conversely, stages whose levels a chain skips stay
//! empty. ∎
//!
//! The block that ends at a downset of level `b` is on stage `b`, with its costs, its limits and its nodes. `stages.rs` gives the
//! levels in which it can begin: with equal stages only the newest one, and empty blocks add nothing.
//!
//! The first `b` blocks pay at most what the downsets of forward level `b - 1` pay, and one block more:
//!
//! ```text
//! load(D) + export(live(D)) <= max { load(D') + export(live(D')) : D' in level b - 1 } + T - 1,
//! ```
//!
//! since a tensor that is live at `D` was live at `D'`, or is exported by the block between them. (With unlike stages, this is in the
//! weights of the budget, and stage `b` can spend its part of it: `cost/budget.rs`.) In the same way the blocks after `D` pay at
//! most what those after a downset of a backward level pay, and one block more for each level that is not known yet. So costs at
//! both ends leave fewer downsets in the middle. Of the two next levels, the one that takes fewer steps is computed.
//!
//! **Dominance.** Let `D` lack a node `u` whose producers are in `D`, and on each kind of device of the later stages let
//!
//! ```text
//! c(what u produces) <= load(u) + c(what u is the last to read).
//! ```
//!
//! If `D` with `u` can be reached with as many stages, `D` is *dominated* and left out: in any partition that continues from `D`,
//! `u` can move to the blocks before. Its block loses the load of `u` and the import of what `u` is the last to read, and imports
//! at most what `u` produces; it stores no more, and the later blocks do not change. No partition is lost: of all those
//! below `T`, the one whose last downset is the largest, then the last but one, and so on, has no dominated downset. On devices
//! that overlap, the model outputs of `u` take the place of its load. `D` with `u` can be reached when the stage may hold `u`, no
//! memory limit counts what it stores, and the block from any `D'` of the levels before is cheap enough,
//!
//! ```text
//! load(D) - load(D') + import(live(D')) + export(live(D)) + load(u) + export(what u produces) < T,
//! ```
//!
//! which bounds `load(D) + export(live(D))` from below. With adjacent links none is left out: the blocks between pay, too. Backward
//! levels keep all downsets: the argument moves nodes to the front, and holds for one end only.

use std::sync::Arc;

use super::end::End;
use super::enumerate::{Budget, Enumerator, Question};
use super::kd_tree::KdTree;
use super::list::{Boundary, Downsets, Met, Priced};
use super::sides::{IN, OUT};
use crate::bits::has;
use crate::cost::{INFINITE, Ticks};
use crate::domain::Domains;
use crate::ids::{count, narrow};
use crate::query::{Effort, Engine, Halt, Query};
use crate::threads;

/// Downsets, and for each the index of one of the last levels from which a block leads to it.
type Reached = (Downsets, Vec<Option<u32>>);

/// A partition below the threshold, by node; none when there is none. Takes at most `steps`, and the reserve of the parameters.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
pub(crate) fn bidirectional(
    query: &Query<'_>,
    domains: Option<&Domains>,
    steps: u64,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    let ends = effort.within(steps, query.params.downset.reserve, |part| Search::new(query, domains).run(part))?;
    if ends.is_none() {
        effort.closed_by = Some(Engine::Levels);
    }
    Ok(ends.map(|ends| {
        let block = |node: usize| {
            let place = ends.iter().position(|(_, words)| has(words, node)).unwrap_or(0);
            // Empty stages come last where it does not matter which they are.
            if query.instance.is_uniform() { place } else { ends[place].0 }
        };
        (0..query.instance.graph().num_nodes()).map(block).collect()
    }))
}

/// A stage, and the downset at which its block ends.
type Ending = (usize, Vec<u64>);

struct Search<'a> {
    query: &'a Query<'a>,
    domains: Option<&'a Domains>,
    enumerator: Enumerator<'a>,
    ends: [End; 2],
}

impl<'a> Search<'a> {
    fn new(query: &'a Query<'a>, domains: Option<&'a Domains>) -> Self {
        let mut enumerator = Enumerator::new(query, domains);
        let ends = [enumerator.nothing(), enumerator.everything()].map(End::new);
        Self { query, domains, enumerator, ends }
    }

    /// Whether downsets of the next forward level are left out that are dominated.
    fn has_dominated(&self) -> bool {
        let instance = self.query.instance;
        instance.together().is_empty() && !instance.is_relay() && self.enumerator.stages.on(self.stage(0)).is_sum()
    }

    /// The stage of the next level of an end.
    fn stage(&self, side: usize) -> usize {
        let level = self.ends[side].num_levels();
        if side == 0 { level } else { self.query.instance.num_blocks() - 1 - level }
    }

    /// The ends of the blocks of a partition, as downsets; none when there is none.
    fn run(mut self, effort: &mut Effort) -> Result<Option<Vec<Ending>>, Halt> {
        let (params, num_blocks) = (&self.query.params.downset, self.query.instance.num_blocks());
        let mut share = params.first_steps;
        loop {
            let num_levels = self.ends.iter().map(End::num_levels).sum::<usize>();
            if num_levels > 0 && params.in_sight[1] * (num_levels + 1) >= params.in_sight[0] * num_blocks {
                effort.open_reserve(u64::MAX);
            }
            if num_levels + 1 >= num_blocks || self.ends.iter().any(|end| end.is_exhausted) {
                return self.link(effort);
            }
            let halts = self.next_level(share, effort)?;
            if let Some(&halt) = halts.first() {
                share = share.saturating_mul(params.growth);
                if effort.steps() < share || halts.iter().all(|&halt| halt == Halt::Memory) {
                    return Err(halt);
                }
            }
        }
    }

    /// Computes the next level at one end: first at that whose last level took fewer steps, then at the other. Returns the halts of
    /// both ends; nothing when one has succeeded.
    fn next_level(&mut self, steps: u64, effort: &mut Effort) -> Result<Vec<Halt>, Halt> {
        let mut halts = Vec::new();
        for side in if self.ends[0].steps <= self.ends[1].steps { [0, 1] } else { [1, 0] } {
            let mut part = effort.part(steps);
            let level = self.level(side, &mut part);
            effort.give_back(&part, level.is_ok());
            match level {
                Ok(()) => return Ok(Vec::new()),
                Err(Halt::Interrupted) => return Err(Halt::Interrupted),
                Err(halt) => {
                    self.ends[side].steps = steps;
                    halts.push(halt);
                }
            }
        }
        Ok(halts)
    }

    /// Computes the next level at one end.
    fn level(&mut self, side: usize, effort: &mut Effort) -> Result<(), Halt> {
        let (steps, stage) = (effort.steps(), self.stage(side));
        let num_levels = self.ends[side].num_levels();
        // New downsets come from these levels only.
        let back = self.enumerator.stages.as_good(side, num_levels + 1, num_levels);
        let begin = self.ends[side].begin_of(back);
        let num_origins = self.ends[side].reached.len() - begin;
        let is_led = side == 0 && num_origins <= self.query.params.downset.max_starts;
        self.price(side, stage, effort)?;
        let (found, origins) = if num_origins == 0 {
            (Downsets::new(self.query.instance.graph().num_nodes()), Vec::new())
        } else if is_led {
            self.lead(begin, self.budget(side, back), effort)?
        } else {
            self.follow(side, begin, self.budget(side, back), effort)?
        };
        self.ends[side].steps = steps - effort.steps();
        self.extend(side, stage, &found, &origins);
        Ok(())
    }

    /// The kind of a stage; none where there is one.
    fn kind(&self, stage: usize) -> Option<usize> {
        (self.query.instance.num_kinds() > 1).then(|| self.query.instance.kind_of(stage))
    }

    /// Adds the sums of an end's downsets on the kind of a stage, if there are several kinds.
    fn price(&mut self, side: usize, stage: usize, effort: &mut Effort) -> Result<(), Halt> {
        let Some(kind) = self.kind(stage) else { return Ok(()) };
        let num_new = self.ends[side].price(kind, self.enumerator.stages.prices(kind));
        let words = self.query.instance.graph().num_nodes().div_ceil(u64::BITS as usize);
        effort.work(count(num_new * words).unsigned_abs() * self.query.params.downset.node_steps)?;
        effort.take(num_new * size_of::<Boundary>())
    }

    /// The budget of the blocks on both sides of a downset of an end's next level.
    fn budget(&self, side: usize, back: usize) -> Budget {
        let (here, there, rooms) = (&self.ends[side], &self.ends[1 - side], &self.enumerator.rooms);
        let (num_blocks, stage) = (self.query.instance.num_blocks(), self.stage(side));
        let num_left = num_blocks - 1 - here.num_levels();
        let near = here.most_paid(back).saturating_add(rooms.of(stage));
        let far = |first: usize, last: usize| there.most_paid(0).saturating_add(rooms.between(first, last));
        let (before, after, blocks) = if side == 0 {
            (near, far(stage + 1, num_blocks - there.num_levels()), [here.num_levels() + 1, num_left])
        } else {
            (far(there.num_levels(), stage), near, [num_left, here.num_levels() + 1])
        };
        let weights = self
            .domains
            .map_or([0, INFINITE], |Domains { prefixes, .. }| [prefixes.least[blocks[0]], prefixes.most[blocks[0]]]);
        Budget { before, after, blocks, weights }
    }

    /// What blocks lead to from each of the forward downsets from a place on, one after the other, and where from.
    fn lead(&mut self, begin: usize, budget: Budget, effort: &mut Effort) -> Result<Reached, Halt> {
        let (forward, stage) = (&self.ends[0], self.stage(0));
        let full = self.has_dominated().then_some(self.query.threshold);
        let mut all = Downsets::new(self.query.instance.graph().num_nodes());
        let (mut met, mut starts) = (Met::default(), Vec::new());
        let priced = forward.priced(self.kind(stage));
        let stages = Arc::clone(&self.enumerator.stages);
        let on = stages.on(stage);
        for start in begin..forward.reached.len() {
            let fixed = on.forbidden_without(forward.reached.words(start));
            let fixed = fixed.as_deref().map(|nodes| (nodes, OUT));
            let question = Question { budget, stage, start: Some((priced, start)), fixed, full, io: INFINITE };
            let found = self.enumerator.list(question, effort)?;
            for index in 0..found.len() {
                let words = found.words(index);
                let is_new = !forward.met.has(&forward.reached, words) && !met.has(&all, words);
                // What is not in the sums.
                let is_block = || {
                    !on.has_look()
                        || priced.block_below(start, found.priced(), index, &on, self.query.threshold).is_some()
                };
                if is_new && is_block() {
                    all.append(&found, index);
                    met.enter(&all, all.len() - 1);
                    starts.push(Some(narrow(start)));
                }
            }
        }
        Ok((all, starts))
    }

    /// The downsets around which blocks can pay, and for each one from a place on that a block leads to it from.
    fn follow(&mut self, side: usize, begin: usize, budget: Budget, effort: &mut Effort) -> Result<Reached, Halt> {
        let (here, stage) = (&self.ends[side], self.stage(side));
        let start = || here.start(begin, self.kind(stage));
        let full = (side == 0 && self.has_dominated()).then(|| self.query.threshold + start());
        let fixed = self.enumerator.stages.on(stage).forbidden_beyond(&here.reached, begin, side == 0);
        let fixed = fixed.as_deref().map(|nodes| (nodes, [OUT, IN][side]));
        let question = Question { budget, stage, start: None, fixed, full, io: INFINITE };
        let found = self.enumerator.list(question, effort)?;
        let fresh = (0..found.len()).filter(|&index| !here.met.has(&here.reached, found.words(index)));
        let found = found.select(fresh);
        let origins = self.origins(&found, side, begin, effort)?;
        Ok((found, origins))
    }

    /// For each downset, one of those from a place on that a block leads to it from.
    fn origins(
        &self,
        found: &Downsets,
        side: usize,
        begin: usize,
        effort: &mut Effort,
    ) -> Result<Vec<Option<u32>>, Halt> {
        let stage = self.stage(side);
        let tree = self.tree(self.ends[side].priced(self.kind(stage)), begin, stage, effort)?;
        let mut origins = Vec::with_capacity(found.len());
        let places: Vec<usize> = (0..found.len()).collect();
        for chunk in places.chunks(self.query.params.downset.chunk) {
            let find = |&index: &usize| tree.find(found.priced(), index, side == 0, self.query.threshold);
            let tried: Vec<(Option<usize>, u64)> = threads::each(chunk, find);
            for (origin, transitions) in tried {
                effort.transit(transitions)?;
                origins.push(origin.map(narrow));
            }
            self.query.interrupt.check(0)?;
        }
        Ok(origins)
    }

    fn tree<'t>(
        &'t self,
        downsets: Priced<'t>,
        begin: usize,
        stage: usize,
        effort: &mut Effort,
    ) -> Result<KdTree<'t>, Halt> {
        let (params, entries) = (&self.query.params.downset, count(downsets.boundaries.len() - begin).unsigned_abs());
        effort.work(params.entry_steps * entries)?;
        Ok(KdTree::new(downsets, begin, self.enumerator.stages.on(stage), params.leaf))
    }

    /// Takes what was reached as the next level of an end.
    fn extend(&mut self, side: usize, stage: usize, found: &Downsets, origins: &[Option<u32>]) {
        let kind = self.kind(stage);
        let num_blocks = self.query.instance.num_blocks();
        let (end, other) = {
            let [one, two] = &mut self.ends;
            if side == 0 { (one, &*two) } else { (two, &*one) }
        };
        let mut paid: Ticks = 0;
        for (index, origin) in origins.iter().enumerate() {
            let Some(origin) = origin else { continue };
            end.push(found, index, *origin, kind);
            paid = paid.max(self.enumerator.paid_at(found.priced(), index)[side]);
        }
        end.end_level(paid);
        // No stage that is left leads anywhere where no stage before it did since the last downsets were new.
        let (now, last) = (end.num_levels(), end.last_level());
        let mut left = now + 1..=num_blocks - other.num_levels();
        end.is_exhausted = left.all(|level| self.enumerator.stages.as_good(side, level, now) > last);
    }

    /// Searches for one block, perhaps empty, from a forward downset to a backward one.
    fn link(&mut self, effort: &mut Effort) -> Result<Option<Vec<Ending>>, Halt> {
        let stage = self.stage(0);
        for side in [0, 1] {
            self.price(side, stage, effort)?;
        }
        let [forward, backward] = &self.ends;
        let [from, to] = [forward, backward].map(|end| end.priced(self.kind(stage)));
        let tree = self.tree(from, 0, stage, effort)?;
        let targets: Vec<usize> = (0..backward.reached.len()).collect();
        for chunk in targets.chunks(self.query.params.downset.chunk) {
            let tried: Vec<(Option<usize>, u64)> =
                threads::each(chunk, |&target| tree.find(to, target, true, self.query.threshold));
            for (&target, (origin, transitions)) in chunk.iter().zip(tried) {
                effort.transit(transitions)?;
                if let Some(origin) = origin {
                    return Ok(Some(self.chain(origin, target)));
                }
            }
            self.query.interrupt.check(0)?;
        }
        Ok(None)
    }

    /// The blocks up to a forward downset, the one from there to a backward one, and those after it.
    fn chain(&self, origin: usize, target: usize) -> Vec<Ending> {
        let [forward, backward] = &self.ends;
        let (link, num_blocks) = (self.stage(0), self.query.instance.num_blocks());
        let words = |end: &End, index: usize| end.reached.words(index).to_vec();
        let mut before = forward.chain(origin);
        before.reverse();
        let mut ends: Vec<Ending> =
            before.iter().skip(1).map(|&index| (forward.level_of(index) - 1, words(forward, index))).collect();
        let after = backward.chain(target);
        ends.push((link, words(backward, target)));
        for pair in after.windows(2) {
            ends.push((num_blocks - backward.level_of(pair[0]), words(backward, pair[1])));
        }
        ends
    }
}

#[cfg(test)]
mod tests;
