//! The bidirectional dynamic program: links between downsets, level by level, from both ends.
//!
//! Forward level `b` are the downsets that `b` blocks can be and no fewer, backward level `b` those after which `b` blocks
//! are enough and no fewer, every block cheaper than the threshold `T`. A shortest chain of blocks from the empty downset
//! to the whole graph passes through forward level `b` after `b` blocks and is in backward level `b` before its last `b`.
//! So when `f` forward and `g` backward levels are known and `f + g = k - 1`, some block leads from the one to the other,
//! or there is no partition better than `T` into `k` blocks.
//!
//! What the first `b` blocks can pay is what the downsets of forward level `b - 1` pay at most, and one block more:
//!
//! ```text
//! load(D) + export(live(D)) <= max { load(D') + export(live(D')) : D' in level b - 1 } + T - 1,
//! ```
//!
//! since what is live at `D` was live at `D'`, or is exported by the block between them. In the same way what is after
//! `D` pays at most what is after a downset of a backward level, and one block more for each level that is not known
//! yet. So costs at one end make the downsets in the middle fewer. Of the two next levels, the one that takes fewer steps is
//! worked out.
//!
//! Some downsets of forward levels are of no use. Let `D` leave out a node `u` whose producers are in `D`, and let
//!
//! ```text
//! c(what u produces) <= load(u) + c(what u is the last to read).
//! ```
//!
//! If `D` and `u` together can be reached with as many blocks, `D` is *dominated*: in any partition that goes on from `D`, `u`
//! can move up into what was reached. Its block loses the load of `u` and the import of what it is the last to read, and
//! imports at most what `u` produces; other blocks do not change. So `D` is left out. `D` and `u` together surely can be
//! reached when the block from any `D'` of the level before is cheap enough,
//!
//! ```text
//! load(D) - load(D') + import(live(D')) + export(live(D)) + load(u) + export(what u produces) < T,
//! ```
//!
//! which bounds `load(D) + export(live(D))` from below. Backward levels have all downsets: the argument moves nodes to the
//! front, and holds for one end only.

use rayon::prelude::*;

use super::enumerate::{Budget, Enumerator, Question};
use super::kd_tree::KdTree;
use super::list::{Downsets, Met};
use crate::bits::has;
use crate::cost::{INFINITE, Ticks};
use crate::domain::Domains;
use crate::ids::{count, narrow, wide};
use crate::query::{Effort, Halt, Query};

/// What can be reached from one end.
struct End {
    /// All of it, level by level.
    reached: Downsets,
    /// The downset one block nearer to the end.
    parent: Vec<u32>,
    /// Where the last level begins.
    newest: usize,
    num_levels: usize,
    /// The most that is paid between the end and a downset of the last level, and of any level.
    paid: Ticks,
    most_paid: Ticks,
    met: Met,
    is_exhausted: bool,
    /// Steps that the last level took, or was given.
    steps: u64,
}

impl End {
    fn new(first: Downsets) -> Self {
        let mut met = Met::default();
        met.enter(&first, 0);
        Self {
            reached: first,
            parent: vec![0],
            newest: 0,
            num_levels: 0,
            paid: 0,
            most_paid: 0,
            met,
            is_exhausted: false,
            steps: 0,
        }
    }

    /// The least load of a downset of the last level, less what a block after it imports at most.
    fn start(&self) -> Ticks {
        let boundaries = &self.reached.boundaries[self.newest..];
        boundaries.iter().map(|boundary| boundary.load - boundary.imports).min().unwrap_or(0)
    }

    /// The downsets of the last level.
    fn num_newest(&self) -> usize {
        self.reached.len() - self.newest
    }

    /// A downset, and those one block after the other nearer to the end.
    fn follow(&self, mut index: usize) -> Vec<Vec<u64>> {
        let mut words = vec![self.reached.words(index).to_vec()];
        while index != 0 {
            index = wide(self.parent[index]);
            words.push(self.reached.words(index).to_vec());
        }
        words
    }
}

/// A partition below the threshold, by node; none when there is none. Takes at most so many steps, and as many more in reserve
/// as the parameters say.
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
    Ok(ends.map(|ends| {
        let block = |node: usize| ends.iter().position(|words| has(words, node)).unwrap_or(0);
        (0..query.instance.graph().num_nodes()).map(block).collect()
    }))
}

struct Search<'a> {
    query: &'a Query<'a>,
    domains: Option<&'a Domains>,
    enumerator: Enumerator<'a>,
    ends: [End; 2],
    /// Whether parameters play no part.
    is_free_of_memory: bool,
}

impl<'a> Search<'a> {
    fn new(query: &'a Query<'a>, domains: Option<&'a Domains>) -> Self {
        let mut enumerator = Enumerator::new(query, domains);
        let ends = [enumerator.nothing(), enumerator.everything()].map(End::new);
        Self { query, domains, enumerator, ends, is_free_of_memory: query.instance.is_free_of_memory() }
    }

    /// The ends of the blocks of a partition, as downsets; none when there is none.
    fn run(mut self, effort: &mut Effort) -> Result<Option<Vec<Vec<u64>>>, Halt> {
        let (params, num_blocks) = (&self.query.params.downset, self.query.instance.num_blocks());
        let mut share = params.first_steps;
        loop {
            let num_levels = self.ends.iter().map(|end| end.num_levels).sum::<usize>();
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

    /// Works out the next level at one end, at that whose last level took fewer steps if it can with so many. Why it could not
    /// at either end; nothing when it could.
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

    /// Works out the next level at one end.
    fn level(&mut self, side: usize, effort: &mut Effort) -> Result<(), Halt> {
        let steps = effort.steps();
        let budget = self.budget(side);
        let here = &self.ends[side];
        let is_led = side == 0 && here.num_newest() <= self.query.params.downset.max_starts;
        let (found, origins) = if is_led {
            self.lead(budget, effort)?
        } else {
            let full = (side == 0 && self.is_free_of_memory).then(|| self.query.threshold + here.start());
            let found = self.enumerator.list(Question { budget, start: None, full, io: INFINITE }, effort)?;
            let fresh = (0..found.len()).filter(|&index| !here.met.has(&here.reached, found.words(index)));
            let found = found.select(fresh);
            let origins = self.origins(&found, side, effort)?;
            (found, origins)
        };
        self.ends[side].steps = steps - effort.steps();
        self.extend(side, &found, &origins);
        Ok(())
    }

    /// What blocks can pay around the boundaries of the next level of an end.
    fn budget(&self, side: usize) -> Budget {
        let (here, there) = (&self.ends[side], &self.ends[1 - side]);
        let max_cost = self.query.max_cost();
        let num_left = self.query.instance.num_blocks() - 1 - here.num_levels;
        let near = here.paid + max_cost;
        let far = there.most_paid.saturating_add(max_cost.saturating_mul(count(num_left - there.num_levels)));
        let (mut before, mut after, mut blocks) = (near, far, [here.num_levels + 1, num_left]);
        if side == 1 {
            (before, after, blocks) = (far, near, [num_left, here.num_levels + 1]);
        }
        let weights = self
            .domains
            .map_or([0, INFINITE], |Domains { prefixes, .. }| [prefixes.least[blocks[0]], prefixes.most[blocks[0]]]);
        Budget { before, after, blocks, weights }
    }

    /// What blocks lead to from each downset of the last forward level, one after the other, and where from.
    fn lead(&mut self, budget: Budget, effort: &mut Effort) -> Result<(Downsets, Vec<Option<u32>>), Halt> {
        let forward = &self.ends[0];
        let full = self.is_free_of_memory.then_some(self.query.threshold);
        let mut all = Downsets::new(self.query.instance.graph().num_nodes());
        let (mut met, mut starts) = (Met::default(), Vec::new());
        for start in forward.newest..forward.reached.len() {
            let question = Question { budget, start: Some((&forward.reached, start)), full, io: INFINITE };
            let found = self.enumerator.list(question, effort)?;
            for index in 0..found.len() {
                let words = found.words(index);
                if !forward.met.has(&forward.reached, words) && !met.has(&all, words) {
                    all.append(&found, index);
                    met.enter(&all, all.len() - 1);
                    starts.push(Some(narrow(start)));
                }
            }
        }
        Ok((all, starts))
    }

    /// For each downset, one of the last level that a block leads to it from.
    fn origins(&self, found: &Downsets, side: usize, effort: &mut Effort) -> Result<Vec<Option<u32>>, Halt> {
        let End { reached, newest, .. } = &self.ends[side];
        let tree = self.tree(reached, *newest, effort)?;
        let mut origins = Vec::with_capacity(found.len());
        let places: Vec<usize> = (0..found.len()).collect();
        for chunk in places.chunks(self.query.params.downset.chunk) {
            let tried: Vec<(Option<usize>, u64)> =
                chunk.par_iter().map(|&index| tree.find(found, index, side == 0, self.query.threshold)).collect();
            for (origin, transitions) in tried {
                effort.transit(transitions)?;
                origins.push(origin.map(narrow));
            }
            self.query.interrupt.check(0)?;
        }
        Ok(origins)
    }

    fn tree<'t>(&self, downsets: &'t Downsets, begin: usize, effort: &mut Effort) -> Result<KdTree<'t>, Halt>
    where
        'a: 't,
    {
        let entries = count(downsets.len() - begin).unsigned_abs();
        effort.work(self.query.params.downset.entry_steps * entries)?;
        Ok(KdTree::new(downsets, begin, self.query))
    }

    /// Takes what was reached as the next level of an end.
    fn extend(&mut self, side: usize, found: &Downsets, origins: &[Option<u32>]) {
        let (end, total) = (&mut self.ends[side], self.query.instance.total_load());
        end.num_levels += 1;
        end.newest = end.reached.len();
        end.paid = 0;
        for (index, origin) in origins.iter().enumerate() {
            let Some(origin) = origin else { continue };
            end.reached.append(found, index);
            end.parent.push(*origin);
            end.met.enter(&end.reached, end.reached.len() - 1);
            let boundary = &found.boundaries[index];
            let paid = [boundary.load + boundary.exports, total - boundary.load + boundary.imports][side];
            end.paid = end.paid.max(paid);
        }
        end.most_paid = end.most_paid.max(end.paid);
        end.is_exhausted = end.newest == end.reached.len();
    }

    /// Looks for one block from what is reached forward to what is reached backward.
    fn link(&self, effort: &mut Effort) -> Result<Option<Vec<Vec<u64>>>, Halt> {
        let [forward, backward] = &self.ends;
        let tree = self.tree(&forward.reached, 0, effort)?;
        let targets: Vec<usize> = (0..backward.reached.len()).collect();
        for chunk in targets.chunks(self.query.params.downset.chunk) {
            let tried: Vec<(Option<usize>, u64)> = chunk
                .par_iter()
                .map(|&target| tree.find(&backward.reached, target, true, self.query.threshold))
                .collect();
            for (&target, (origin, transitions)) in chunk.iter().zip(tried) {
                effort.transit(transitions)?;
                if let Some(origin) = origin {
                    let mut ends = forward.follow(origin);
                    ends.pop();
                    ends.reverse();
                    ends.extend(backward.follow(target));
                    return Ok(Some(ends));
                }
            }
            self.query.interrupt.check(0)?;
        }
        Ok(None)
    }
}
