//! Links between downsets, level by level, from both ends.
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
//! Some downsets of forward levels are of no use. Let `D` leave out a node `u` whose makers are in `D`, and let
//!
//! ```text
//! c(what u makes) <= load(u) + c(what u is the last to read).
//! ```
//!
//! If `D` and `u` together can be reached with as many blocks, `D` is *dominated*: in any partition that goes on from `D`, `u`
//! can move up into what was reached. Its block loses the load of `u` and the import of what it is the last to read, and
//! imports at most what `u` makes; other blocks do not change. So `D` is left out. `D` and `u` together surely can be
//! reached when the block from any `D'` of the level before is cheap enough,
//!
//! ```text
//! load(D) - load(D') + import(live(D')) + export(live(D)) + load(u) + export(what u makes) < T,
//! ```
//!
//! which bounds `load(D) + export(live(D))` from below. Backward levels have all downsets: the argument moves nodes to the
//! front, and holds for one end only.

use rayon::prelude::*;

use super::enumerate::{Enumerator, Purse, Question};
use super::kd_tree::Boxes;
use super::list::{Downsets, Met};
use crate::cost::{INFINITE, Instance, Ticks};
use crate::domain::Confines;
use crate::effort::{Caps, Halt};
use crate::ids::{count, narrow, wide};
use crate::interrupt::Interrupt;

/// Targets between two looks at the caps.
const CHUNK: usize = 1 << 10;
/// Downsets of a level from each of which the blocks are listed one after the other; from more of them, all at once.
const MAX_STARTS: usize = 64;
/// The part of all levels, the last link included, from which on a decision is worth more steps, and how many times more.
const PART: [usize; 2] = [2, 3];
const MORE: u64 = 3;
/// Putting a downset into boxes takes about as long as so many looks at one.
const STEPS_PER_BOXED: u64 = 8;
/// Steps with which a level is tried first.
const FIRST_SHARE: u64 = 1 << 14;

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
}

impl End {
    /// The least load of a downset of the last level, less what a block after it imports at most.
    fn start(&self) -> Ticks {
        let boundaries = &self.reached.boundaries[self.newest..];
        boundaries.iter().map(|boundary| boundary.load - boundary.imports).min().unwrap_or(0)
    }

    fn new(first: Downsets, paid: Ticks) -> Self {
        let mut met = Met::default();
        met.enter(&first, 0);
        Self {
            reached: first,
            parent: vec![0],
            newest: 0,
            num_levels: 0,
            paid,
            most_paid: paid,
            met,
            is_exhausted: false,
        }
    }
}

/// The ends of the blocks of a partition below the threshold, as downsets; none when there is none.
///
/// # Errors
/// [`Halt`], when a cap is met or `interrupt` was raised.
pub(crate) fn bidirectional(
    instance: &Instance,
    threshold: Ticks,
    confines: Option<&Confines>,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<Vec<u64>>>, Halt> {
    let mut search = Search::new(instance, threshold, confines);
    let (mut share, num_blocks) = (FIRST_SHARE, instance.num_blocks());
    let mut more = caps.steps.saturating_mul(MORE);
    loop {
        let num_levels = search.ends.iter().map(|end| end.num_levels).sum::<usize>();
        if num_levels > 0 && PART[1] * (num_levels + 1) >= PART[0] * num_blocks {
            caps.steps = caps.steps.saturating_add(std::mem::take(&mut more));
        }
        if num_levels + 1 >= num_blocks {
            break;
        }
        if search.ends.iter().any(|end| end.is_exhausted) {
            break;
        }
        let mut halts = Vec::new();
        for side in search.sides() {
            let mut part = caps.part(share);
            let level = search.level(side, &mut part, interrupt);
            caps.add(&part, level.is_ok());
            match level {
                Ok(()) => break,
                Err(Halt::Interrupted) => return Err(Halt::Interrupted),
                Err(halt) => {
                    search.steps[side] = share;
                    halts.push(halt);
                }
            }
        }
        if halts.len() == search.ends.len() {
            share = share.saturating_mul(4);
            if caps.steps < share || halts.iter().all(|&halt| halt == Halt::Memory) {
                return Err(halts[0]);
            }
        }
    }
    search.link(caps, interrupt)
}

struct Search<'a> {
    instance: &'a Instance,
    threshold: Ticks,
    confines: Option<&'a Confines>,
    enumerator: Enumerator<'a>,
    ends: [End; 2],
    /// Steps that the last level took, at each end.
    steps: [u64; 2],
    /// Whether parameters play no part.
    is_free_of_memory: bool,
}

impl<'a> Search<'a> {
    fn new(instance: &'a Instance, threshold: Ticks, confines: Option<&'a Confines>) -> Self {
        let mut enumerator = Enumerator::new(instance, confines);
        let (nothing, everything) = (enumerator.nothing(), enumerator.everything());
        let ends = [End::new(nothing, 0), End::new(everything, 0)];
        let is_free_of_memory = instance.is_free_of_memory();
        Self { instance, threshold, confines, enumerator, ends, steps: [0; 2], is_free_of_memory }
    }

    /// The ends, the one first whose last level took fewer steps.
    fn sides(&self) -> [usize; 2] {
        if self.steps[0] <= self.steps[1] { [0, 1] } else { [1, 0] }
    }

    /// Works out the next level at one end.
    fn level(&mut self, side: usize, caps: &mut Caps, interrupt: &Interrupt) -> Result<(), Halt> {
        let (here, there) = (&self.ends[side], &self.ends[1 - side]);
        let block = self.threshold - 1;
        let num_left = self.instance.num_blocks() - 1 - here.num_levels;
        let more = count(num_left - there.num_levels);
        let near = here.paid + block;
        let far = there.most_paid.saturating_add(block.saturating_mul(more));
        let (mut before, mut after, mut blocks) = (near, far, [here.num_levels + 1, num_left]);
        if side == 1 {
            (before, after, blocks) = (far, near, [num_left, here.num_levels + 1]);
        }
        let charges = self
            .confines
            .map_or([0, INFINITE], |Confines { reach, .. }| [reach.least[blocks[0]], reach.most[blocks[0]]]);
        let purse = Purse { before, after, blocks, charges };
        let steps = caps.steps;
        let is_led = side == 0 && here.reached.len() - here.newest <= MAX_STARTS;
        let (found, origins) = if is_led {
            self.lead(purse, caps, interrupt)?
        } else {
            let full = (side == 0 && self.is_free_of_memory).then(|| self.threshold + here.start());
            let found = self.enumerator.list(Question { purse, block, start: None, full }, caps, interrupt)?;
            let fresh = (0..found.len()).filter(|&index| !here.met.has(&here.reached, found.words(index)));
            let found = found.select(fresh);
            let origins = self.origins(&found, side, caps, interrupt)?;
            (found, origins)
        };
        self.steps[side] = steps - caps.steps;
        self.extend(side, &found, &origins);
        Ok(())
    }

    /// What blocks lead to from each downset of the last forward level, one after the other, and where from.
    fn lead(
        &mut self,
        purse: Purse,
        caps: &mut Caps,
        interrupt: &Interrupt,
    ) -> Result<(Downsets, Vec<Option<u32>>), Halt> {
        let (forward, block) = (&self.ends[0], self.threshold - 1);
        let full = self.is_free_of_memory.then_some(self.threshold);
        let mut all = Downsets::new(self.instance.graph().num_nodes());
        let (mut met, mut starts) = (Met::default(), Vec::new());
        for start in forward.newest..forward.reached.len() {
            let question = Question { purse, block, start: Some((&forward.reached, start)), full };
            let found = self.enumerator.list(question, caps, interrupt)?;
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
    fn origins(
        &self,
        found: &Downsets,
        side: usize,
        caps: &mut Caps,
        interrupt: &Interrupt,
    ) -> Result<Vec<Option<u32>>, Halt> {
        let End { reached, newest, .. } = &self.ends[side];
        caps.work(STEPS_PER_BOXED * count(reached.len() - newest).unsigned_abs())?;
        let boxes = Boxes::new(reached, *newest, self.instance);
        let mut origins = Vec::with_capacity(found.len());
        let places: Vec<usize> = (0..found.len()).collect();
        for chunk in places.chunks(CHUNK) {
            let tried: Vec<(Option<usize>, u64)> =
                chunk.par_iter().map(|&index| boxes.find(found, index, side == 0, self.threshold)).collect();
            for (origin, transitions) in tried {
                caps.transit(transitions)?;
                origins.push(origin.map(narrow));
            }
            interrupt.check(0)?;
        }
        Ok(origins)
    }

    /// Takes what was reached as the next level of an end.
    fn extend(&mut self, side: usize, found: &Downsets, origins: &[Option<u32>]) {
        let (end, total) = (&mut self.ends[side], self.instance.total_load());
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
    fn link(&self, caps: &mut Caps, interrupt: &Interrupt) -> Result<Option<Vec<Vec<u64>>>, Halt> {
        let [forward, backward] = &self.ends;
        caps.work(STEPS_PER_BOXED * count(forward.reached.len()).unsigned_abs())?;
        let boxes = Boxes::new(&forward.reached, 0, self.instance);
        let targets: Vec<usize> = (0..backward.reached.len()).collect();
        for chunk in targets.chunks(CHUNK) {
            let tried: Vec<(Option<usize>, u64)> =
                chunk.par_iter().map(|&target| boxes.find(&backward.reached, target, true, self.threshold)).collect();
            for (&target, (origin, transitions)) in chunk.iter().zip(tried) {
                caps.transit(transitions)?;
                if let Some(origin) = origin {
                    return Ok(Some(self.ends_of_blocks(origin, target)));
                }
            }
            interrupt.check(0)?;
        }
        Ok(None)
    }

    fn ends_of_blocks(&self, origin: usize, target: usize) -> Vec<Vec<u64>> {
        let [forward, backward] = &self.ends;
        let follow = |end: &End, mut index: usize| {
            let mut words = vec![end.reached.words(index).to_vec()];
            while index != 0 {
                index = wide(end.parent[index]);
                words.push(end.reached.words(index).to_vec());
            }
            words
        };
        let mut ends = follow(forward, origin);
        ends.pop();
        ends.reverse();
        ends.extend(follow(backward, target));
        ends
    }
}
