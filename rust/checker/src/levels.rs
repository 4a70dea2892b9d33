//! R11, levels: downsets that the first stages can hold, stage by stage.
//!
//! **Claim.** When no chain of downsets leads from the empty one to all nodes, each step a block below the threshold on its stage,
//! there is no better partition.
//!
//! **Proof.** The first blocks of a partition make a downset, and each block leads from one to the next (`blocks.rs` lists all that
//! can follow). Since stages may stay empty, the fewest stages with which a downset is reached are what counts, so each is reached
//! once, breadth first. A stage that may hold no more than an earlier one of its kind adds nothing to what was reached before that
//! one: the block would fit there. (Of a part of the windows this is not so, and each stage looks again at all that was reached: the
//! windows could bar the block there. But where nodes weigh more than all stages but one can pay, none is empty: the first `b`
//! blocks of a better partition are reached on stage `b` and on none before, or the stages between could stay empty.) ∎
//!
//! A downset is left out when the stages that are left cannot pay the load of the rest and the tensors that the rest reads and
//! does not make, once each, or what the rest weighs; or when windows (`reach.rs`, `windows.rs`) say that
//! no better partition has it there.

use std::collections::HashSet;

use crate::bits::Bits;
use crate::blocks::{Blocks, Rest, Visitor};
use crate::problem::Problem;
use crate::reach::{Reach, Windows};
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
    let problem = reach.problem;
    let num_blocks = problem.num_blocks;
    let rooms = rooms(problem, threshold);
    let least = rooms.windows(2).map(|pair| pair[0] - pair[1]).min().unwrap_or(0);
    let is_part = is_part && reach.total() <= rooms[0] - least;
    let has_dominated = problem.is_alike() && !problem.kinds[0].is_overlap && !is_part;
    let weights = (load, &reach.weight[..]);
    let blocks_on = |kind| Blocks::new(problem, &reach.order, weights, kind, (threshold, has_dominated));
    let blocks: Vec<Blocks<'_>> = (0..problem.kinds.len()).map(blocks_on).collect();
    let whole = blocks[0].whole();
    let mut level = Level {
        reached: HashSet::from([whole.inside.clone()]),
        next: Vec::new(),
        needed: Bits::none(0),
        room: 0,
        num_nodes: problem.num_nodes(),
    };
    let mut levels = vec![vec![whole]];
    let back = if is_part { vec![0; num_blocks] } else { origins(problem, steps)? };
    for stage in 0..num_blocks {
        let (barred, needed) = sides(reach, windows, stage, steps)?;
        (level.needed, level.room) = (needed, rooms[stage + 1]);
        for before in levels[back[stage]..].iter().flatten() {
            if blocks[problem.kind_of[stage]].after(before, &barred, steps, &mut level)? {
                return Ok(true);
            }
        }
        levels.push(std::mem::take(&mut level.next));
    }
    Ok(false)
}

/// Downsets that are reached, and those that are new on a stage.
struct Level {
    reached: HashSet<Bits>,
    next: Vec<Rest>,
    /// Who must be in, and what the stages that are left may pay.
    needed: Bits,
    room: i128,
    num_nodes: usize,
}

impl Visitor for Level {
    fn wants(&self, after: &Rest) -> bool {
        self.needed.is_within(&after.inside)
            && after.load.max(after.weight) <= self.room
            && !self.reached.contains(&after.inside)
    }

    fn take(&mut self, after: Rest, steps: &mut Steps) -> Result<bool, Stop> {
        let num_words = after.inside.num_words();
        steps.spend(num_words)?;
        if (2 * 8 * num_words + 128) * self.reached.len() > MAX_BYTES {
            return Err(Stop::Budget);
        }
        let is_all = after.num_inside == self.num_nodes;
        self.reached.insert(after.inside.clone());
        self.next.push(after);
        Ok(is_all)
    }
}

/// What the stages from each on may pay, weighed.
fn rooms(problem: &Problem, threshold: i64) -> Vec<i128> {
    let mut rooms = vec![0];
    for stage in (0..problem.num_blocks).rev() {
        let room = i128::from(problem.on(stage).multiplier) * i128::from(threshold - 1);
        rooms.push(rooms[rooms.len() - 1] + room);
    }
    rooms.reverse();
    rooms
}

/// For each stage the first level from which its blocks lead to something new.
fn origins(problem: &Problem, steps: &mut Steps) -> Result<Vec<usize>, Stop> {
    let num_nodes = problem.num_nodes();
    // Who may be on each stage, where not everybody may be everywhere.
    let mut holds: Vec<Bits> = Vec::new();
    if let Some(allowed) = &problem.allowed {
        steps.spend(problem.num_blocks.saturating_mul(num_nodes))?;
        holds = vec![Bits::none(num_nodes); problem.num_blocks];
        for (node, stages) in allowed.iter().enumerate() {
            stages.iter().for_each(|stage| holds[stage].insert(node));
        }
    }
    let mut origins = Vec::with_capacity(problem.num_blocks);
    for stage in 0..problem.num_blocks {
        let mut origin = 0;
        for earlier in (0..stage).rev() {
            steps.spend(1 + holds.first().map_or(0, Bits::num_words))?;
            let is_alike = problem.kind_of[earlier] == problem.kind_of[stage];
            if is_alike && (holds.is_empty() || holds[stage].is_within(&holds[earlier])) {
                origin = earlier + 1;
                break;
            }
        }
        origins.push(origin);
    }
    Ok(origins)
}

/// Who cannot be among the first stages up to one, and who must be.
fn sides(reach: &Reach<'_>, windows: &Windows, stage: usize, steps: &mut Steps) -> Result<(Bits, Bits), Stop> {
    let num_nodes = reach.problem.num_nodes();
    steps.spend(num_nodes)?;
    let [mut barred, mut needed] = [(); 2].map(|()| Bits::none(num_nodes));
    for node in 0..num_nodes {
        if !reach.may_be(windows, node, stage + 1) {
            barred.insert(node);
        }
        if windows.last[node] <= stage + 1 {
            needed.insert(node);
        }
    }
    Ok((barred, needed))
}
