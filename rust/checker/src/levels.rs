//! Rule *levels*: the downsets that the first stages can hold, and those before the last stages, level by level from both ends.
//!
//! **Claim.** When levels of `f` stages from the front and of all but `f + 1` stages from the back are known, and no block on the stage
//! between them leads from a downset of the ones to one of the others, nor is any of both, there is no better partition.
//!
//! **Proof.** Let some partition be better; where nodes are left out by dominance (`blocks.rs`), the one that it keeps. The first
//! `b` blocks of a partition make a downset. By induction over levels, that downset is in one of the first `b` levels from the front, and
//! that of all but the last `g` blocks is in one of the first `g` levels from the back, where a partition with fewer blocks than stages
//! has its last stages empty (from the back: its stages between). A block leads from the one to the next, or back; so the next one
//! is found, unless it is left out:
//!
//! - It was reached on an earlier stage. Then it is in a level.
//! - The block begins in an earlier level than those that are looked at: those from the last earlier stage on that is of the same kind
//!   and may hold all that this one may. The block would fit there, with the stages between empty; that is a better partition,
//!   too, so by induction it was found there. (Of a part of the windows this is not so, and each stage looks again at all that was
//!   reached: the windows could bar the block there. But where nodes weigh more than all stages but one can pay, none is empty: the
//!   first `b` blocks of a better partition are reached on stage `b` and on none before.)
//! - It is dominated, at the front only. The kept partition has no such downset, however it is reached.
//! - Stages cannot pay or hold it (`downsets.rs`). What blocks pay up to a downset, weighed, is at least the load before it and the
//!   exports of what is live there: so much for the downset where a block begins, of some level, and what its stage can pay. And what
//!   they pay after it is at least the load of the rest and the imports of what is live: so much for a downset of a level from the
//!   back, by induction, and what the stages up to there can pay. From the back it is the same in the mirror. Windows, what the
//!   first and the last blocks weigh at most (`reach.rs`), and the limits of stages hold for all better partitions.
//!
//! So stage `f + 1` has a block from one to the other, or there is nothing in it. Whatever is found is real: blocks that are cheap
//! enough, in a row. Where stages are alike and a level is empty, no later one has a downset. Which end is next says nothing of what
//! is proved: it is the one whose last level took fewer steps. ∎

use std::collections::HashSet;
use std::rc::Rc;

use crate::bits::Bits;
use crate::blocks::{Blocks, Sums};
use crate::capacities::{Capacities, Prefixes, is_free_of_memory, origins};
use crate::downsets::{Downset, Downsets, Question};
use crate::incidence::Incidence;
use crate::params::PARAMS;
use crate::reach::{Reach, Windows};
use crate::sides::{Side, Start};
use crate::stop::{Steps, Stop};

/// Bytes that downsets may take.
const MAX_BYTES: usize = 1 << 29;

/// Whether a partition in the windows is better than the threshold; `is_part` where they are a part of all that there can be, and
/// stages may be empty.
pub(crate) fn has_better(
    reach: &Reach<'_>,
    (windows, is_part): (&Windows, bool),
    load: &[i128],
    threshold: i64,
    steps: &mut Steps,
) -> Result<bool, Stop> {
    let facts = Facts::new(reach, (windows, is_part), threshold);
    let mut downsets = Downsets::new((reach.problem, &reach.order), [load, &reach.weight], threshold, steps)?;
    let mut ends = [End::new(&facts, &mut downsets, 0, steps)?, End::new(&facts, &mut downsets, 1, steps)?];
    let mut share = PARAMS.level;
    while ends[0].levels.len() + ends[1].levels.len() <= reach.problem.num_blocks {
        let cheaper = usize::from(ends[0].steps > ends[1].steps);
        let mut found = Err(Stop::Budget);
        for side in [cheaper, 1 - cheaper] {
            let before = steps.left();
            found = steps.part(share, |steps| extend(&facts, &mut ends, side, &mut downsets, steps));
            ends[side].steps = before - steps.left();
            if found != Err(Stop::Budget) {
                break;
            }
        }
        match found {
            Ok(Some(has_better)) => return Ok(has_better),
            Ok(None) => {}
            Err(Stop::Budget) if share >= steps.left() => return Err(Stop::Budget),
            Err(Stop::Budget) => share = share.saturating_mul(PARAMS.level_growth),
            Err(stop) => return Err(stop),
        }
    }
    are_linked(&facts, &ends, steps)
}

/// Works out the next level of an end; where that says it, whether there is a better partition.
fn extend(
    facts: &Facts<'_>,
    ends: &mut [End; 2],
    side: usize,
    downsets: &mut Downsets<'_>,
    steps: &mut Steps,
) -> Result<Option<bool>, Stop> {
    let stage = facts.stage(ends, side);
    let barred = facts.barred(stage, steps)?;
    let starts = ends[side].starts(facts, stage);
    let bytes: usize = ends.iter().map(|end| end.bytes).sum();
    let mut next = Next { downsets: Vec::new(), met: HashSet::new(), bytes };
    let is_single = starts.len() <= PARAMS.max_starts;
    for chunk in starts.chunks(if is_single { 1 } else { starts.len() }) {
        let question = facts.question(ends, side, (chunk, &barred), downsets.total_load(), steps)?;
        for found in downsets.list(&question, MAX_BYTES.saturating_sub(next.bytes), steps)? {
            if ends[side].met.contains(&found.inside) || next.met.contains(&found.inside) {
                continue;
            }
            let joined = facts.join((side, stage), chunk, (&found, &barred), steps)?;
            let Some((start, sums)) = joined else { continue };
            let has_dominated = side == 0 && facts.has_dominated;
            if !has_dominated || !facts.blocks[0].is_dominated([start, &found], &sums, &barred, steps)? {
                next.push(found)?;
            }
        }
    }
    let is_empty = next.downsets.is_empty();
    ends[side].push(next, side, bytes);
    let [front, back] = ends;
    let is_whole = front.met.contains(&back.levels[0][0].inside) || back.met.contains(&front.levels[0][0].inside);
    Ok(if is_whole { Some(true) } else { (is_empty && facts.is_last_empty()).then_some(false) })
}

/// Whether a block, perhaps an empty one, leads from what is reached from the front to what is reached from the back.
fn are_linked(facts: &Facts<'_>, ends: &[End; 2], steps: &mut Steps) -> Result<bool, Stop> {
    let stage = facts.stage(ends, 0);
    let barred = facts.barred(stage, steps)?;
    let mut starts: Vec<&Downset> = ends[0].levels.iter().flatten().collect();
    let kind = facts.reach.problem.kind_of[stage];
    starts.sort_by_key(|start| start.points[kind].work);
    for target in ends[1].levels.iter().flatten() {
        if facts.join((0, stage), &starts, (target, &barred), steps)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is reached from an end.
struct End {
    levels: Vec<Vec<Downset>>,
    met: HashSet<Bits>,
    /// The most that is paid between the end and a downset of each level.
    paid: Vec<i128>,
    /// For each stage from the end on, the first level from which its blocks lead to something new.
    origins: Vec<usize>,
    /// Steps of the last level, and bytes of all.
    steps: u64,
    bytes: usize,
}

/// A level that is worked out.
struct Next {
    downsets: Vec<Downset>,
    met: HashSet<Bits>,
    /// Of all levels.
    bytes: usize,
}

impl Next {
    fn push(&mut self, found: Downset) -> Result<(), Stop> {
        self.bytes += found.num_bytes();
        if self.bytes > MAX_BYTES {
            return Err(Stop::Budget);
        }
        self.met.insert(found.inside.clone());
        self.downsets.push(found);
        Ok(())
    }
}

impl End {
    fn new(facts: &Facts<'_>, downsets: &mut Downsets<'_>, side: usize, steps: &mut Steps) -> Result<Self, Stop> {
        let first = downsets.end([Side::Out, Side::In][side]);
        let problem = facts.reach.problem;
        let origins = if facts.is_part { vec![0; problem.num_blocks] } else { origins(problem, side == 1, steps)? };
        let met = HashSet::from([first.inside.clone()]);
        Ok(Self { levels: vec![vec![first]], met, paid: vec![0], origins, steps: 0, bytes: 0 })
    }

    /// The first level in which blocks of the next level begin.
    fn origin(&self) -> usize {
        self.origins[self.levels.len() - 1]
    }

    /// The downsets of these levels, those of less load first.
    fn starts(&self, facts: &Facts<'_>, stage: usize) -> Vec<&Downset> {
        let mut starts: Vec<&Downset> = self.levels[self.origin()..].iter().flatten().collect();
        starts.sort_by_key(|start| start.points[facts.reach.problem.kind_of[stage]].work);
        starts
    }

    /// The most that is paid between the end and a downset of the levels from one on.
    fn most_paid(&self, origin: usize) -> i128 {
        self.paid[origin..].iter().copied().max().unwrap_or(0)
    }

    fn push(&mut self, next: Next, side: usize, bytes: usize) {
        self.bytes += next.bytes - bytes;
        self.paid.push(next.downsets.iter().map(|downset| downset.paid[side]).max().unwrap_or(0));
        self.met.extend(next.met);
        self.levels.push(next.downsets);
    }
}

/// What is known of all that is looked for.
struct Facts<'r> {
    reach: &'r Reach<'r>,
    windows: &'r Windows,
    /// Whether windows are a part of all that there can be, and stages may be empty.
    is_part: bool,
    has_dominated: bool,
    /// Whether what the first blocks weigh at most holds for whatever dominance leads to, too.
    is_weighed: bool,
    capacities: Capacities,
    threshold: i64,
    blocks: Vec<Blocks<'r>>,
}

impl<'r> Facts<'r> {
    fn new(reach: &'r Reach<'r>, (windows, is_any_part): (&'r Windows, bool), threshold: i64) -> Self {
        let (problem, num_blocks) = (reach.problem, reach.problem.num_blocks);
        let (capacities, of_nodes) = (Capacities::new(problem, threshold), Rc::new(Incidence::new(problem)));
        let least = (0..num_blocks).map(|stage| capacities.pay.between(stage, stage + 1)).min().unwrap_or(0);
        let is_part = is_any_part && reach.total() <= capacities.pay.between(0, num_blocks) - least;
        let has_dominated = problem.is_alike() && !problem.kinds[0].is_overlap && !is_part;
        Self {
            reach,
            windows,
            is_part,
            has_dominated,
            is_weighed: !is_any_part || !has_dominated,
            capacities,
            threshold,
            blocks: (0..problem.kinds.len()).map(|kind| Blocks::new(reach, &of_nodes, kind, threshold)).collect(),
        }
    }

    /// Whether nothing comes after an empty level.
    fn is_last_empty(&self) -> bool {
        self.reach.problem.is_alike() && !self.is_part
    }

    /// Whether loads and exports can say that a downset is dominated: what blocks store plays no part, and loads are multiples of
    /// ticks.
    fn is_filled(&self) -> bool {
        let on = self.reach.problem.on(0);
        self.has_dominated && is_free_of_memory(on) && on.multiplier > 0
    }

    /// The stage of the next level of an end.
    fn stage(&self, ends: &[End; 2], side: usize) -> usize {
        let level = ends[side].levels.len() - 1;
        if side == 0 { level } else { self.reach.problem.num_blocks - 1 - level }
    }

    /// The nodes that a stage cannot hold.
    fn barred(&self, stage: usize, steps: &mut Steps) -> Result<Bits, Stop> {
        let num_nodes = self.reach.problem.num_nodes();
        steps.spend(num_nodes)?;
        let mut barred = Bits::none(num_nodes);
        let nodes = (0..num_nodes).filter(|&node| !self.reach.may_be(self.windows, node, stage + 1));
        nodes.for_each(|node| barred.insert(node));
        Ok(barred)
    }

    /// Which downsets blocks can lead to on the next stage of an end, from these starts.
    fn question<'q>(
        &self,
        ends: &[End; 2],
        side: usize,
        (starts, barred): (&[&'q Downset], &'q Bits),
        total_load: i128,
        steps: &mut Steps,
    ) -> Result<Question<'q>, Stop> {
        let (num_blocks, stage, [front, back]) = (self.reach.problem.num_blocks, self.stage(ends, side), ends);
        let place = if side == 0 { stage + 1 } else { stage };
        let room = self.capacities.pay.between(stage, stage + 1);
        let [known, left] = [front.levels.len() - 1, num_blocks + 1 - back.levels.len()];
        let paid = if side == 0 {
            [front.most_paid(front.origin()) + room, back.most_paid(0) + self.capacities.pay.between(place, left)]
        } else {
            [front.most_paid(0) + self.capacities.pay.between(known, place), back.most_paid(back.origin()) + room]
        };
        let weight = [self.windows.most[place], self.windows.most_at_end[num_blocks - place]];
        let both = |sums: &Prefixes| [sums.between(0, place), sums.between(place, num_blocks)];
        Ok(Question {
            must: self.sides(side, place, (starts, barred), steps)?,
            paid,
            weight: if self.is_weighed { weight } else { [both(&self.capacities.pay)[0], weight[1]] },
            bytes: both(&self.capacities.bytes),
            state: both(&self.capacities.state),
            start: match starts {
                [start] => {
                    Some(Start { inside: &start.inside, kind: self.reach.problem.kind_of[stage], is_back: side == 1 })
                }
                _ => None,
            },
            full: (side == 0 && self.is_filled()).then(|| {
                let least = starts.iter().map(|start| total_load - start.paid[1]).min().unwrap_or(0);
                (room + least, barred)
            }),
        })
    }

    /// The nodes that are before a boundary in every case, and those after it: by windows, and by the downsets to start from.
    fn sides(
        &self,
        side: usize,
        place: usize,
        (starts, barred): (&[&Downset], &Bits),
        steps: &mut Steps,
    ) -> Result<[Bits; 2], Stop> {
        let (num_nodes, Windows { first, last, .. }) = (self.reach.problem.num_nodes(), self.windows);
        steps.spend(num_nodes + starts.len() * barred.num_words())?;
        let [mut all, mut any] = [(); 2].map(|()| starts[0].inside.clone());
        for start in starts {
            all.keep(&start.inside);
            any.unite(&start.inside);
        }
        let [mut inside, mut outside] = [(); 2].map(|()| Bits::none(num_nodes));
        for node in 0..num_nodes {
            let (is_in, is_out) = if side == 0 {
                (all.has(node), barred.has(node) && !any.has(node))
            } else {
                (barred.has(node) && all.has(node), !any.has(node))
            };
            if is_in || last[node] <= place {
                inside.insert(node);
            }
            if is_out || first[node] > place {
                outside.insert(node);
            }
        }
        Ok([inside, outside])
    }

    /// One of the starts, by load, that a block of a stage joins with a downset, and what it takes.
    fn join<'q>(
        &self,
        (side, stage): (usize, usize),
        starts: &[&'q Downset],
        (found, barred): (&Downset, &Bits),
        steps: &mut Steps,
    ) -> Result<Option<(&'q Downset, Sums)>, Stop> {
        let kind = self.reach.problem.kind_of[stage];
        let here = found.points[kind].work;
        let (least, most) =
            if side == 0 { (here - (self.threshold - 1), here) } else { (here, here + (self.threshold - 1)) };
        let begin = starts.partition_point(|start| start.points[kind].work < least);
        let end = starts.partition_point(|start| start.points[kind].work <= most);
        for &start in &starts[begin..end] {
            let pair = if side == 0 { [start, found] } else { [found, start] };
            if let Some(sums) = self.blocks[kind].between(pair, barred, steps)? {
                return Ok(Some((start, sums)));
            }
        }
        Ok(None)
    }
}
