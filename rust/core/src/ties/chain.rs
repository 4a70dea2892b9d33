//! The least io of all partitions into a number of blocks below a threshold: a dynamic program over downsets.
//!
//! The first `b` blocks of a partition are a downset. Let `io(b, D)` be the least io of `b` blocks, each below the threshold, that
//! partition `D`:
//!
//! ```text
//! io(b + 1, D') = least of io(b, D) + io of the block from D to D' over downsets D within D'.
//! ```
//!
//! Every tensor that is live at `D` is imported at least once after it. So the io of a partition through `D` is at least `io(b, D)`
//! and the import of the live tensors. `D` is left out when that is not less than the io of the best partition known; the
//! enumeration of the blocks from `D` uses the same bound (`downset/enumerate.rs`).

use std::collections::HashMap;
use std::sync::Arc;

use crate::bits::has;
use crate::cost::INFINITE;
use crate::cost::Ticks;
use crate::downset::{Budget, Downsets, Enumerator, Question, Stage};
use crate::ids::count;
use crate::query::{Effort, Halt, Query};

/// The downsets of the first `b` blocks, the least io of each, and the index of its predecessor.
struct Level {
    downsets: Downsets,
    io: Vec<Ticks>,
    from: Vec<usize>,
}

/// A partition of least io into the instance's number of blocks, each below the threshold, by node; none when there is none with
/// less io than `known`.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
pub(super) fn least_io(query: &Query<'_>, known: Ticks, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
    let Query { instance, threshold, .. } = *query;
    let graph = instance.graph();
    // Model outputs that are paid are part of the loads here.
    let outputs: Ticks = graph.nodes().map(|v| instance.only().load(v) - instance.only().work(v)).sum();
    let (max_cost, num_blocks, known) = (query.max_cost(), instance.num_blocks(), known - outputs);
    let mut enumerator = Enumerator::new(query, None);
    let stages = Arc::clone(&enumerator.stages);
    let (nothing, everything) = (enumerator.nothing(), enumerator.everything());
    let mut levels = vec![Level { downsets: nothing, io: vec![0], from: vec![0] }];
    for before in 1..num_blocks {
        let (level, on) = (&levels[before - 1], stages.on(before - 1));
        let after = num_blocks - before;
        let pay = |blocks: usize| max_cost.saturating_mul(count(blocks));
        let budget = Budget { before: pay(before), after: pay(after), blocks: [before, after], weights: [0, INFINITE] };
        let mut next = Level { downsets: Downsets::new(graph.num_nodes()), io: Vec::new(), from: Vec::new() };
        let mut places: HashMap<Vec<u64>, usize> = HashMap::new();
        for start in 0..level.downsets.len() {
            let room = known - 1 - level.io[start];
            let (start_at, stage) = (Some((level.downsets.priced(), start)), before - 1);
            let question = Question { budget, stage, start: start_at, fixed: None, full: None, io: room };
            let found = enumerator.list(question, effort)?;
            for index in 0..found.len() {
                let Some(io) = io_between(level, start, &found, index, &on, threshold) else { continue };
                if io > room - found.boundaries[index].imports {
                    continue;
                }
                let io = level.io[start] + io;
                let fresh = next.io.len();
                let place = *places.entry(found.words(index).to_vec()).or_insert(fresh);
                if place == fresh {
                    next.downsets.append(&found, index);
                    next.io.push(io);
                    next.from.push(start);
                } else if io < next.io[place] {
                    next.io[place] = io;
                    next.from[place] = start;
                }
            }
            effort.transit(count(found.len()).unsigned_abs())?;
        }
        levels.push(next);
    }
    let last = &levels[num_blocks - 1];
    let end = |start: usize| {
        let io = io_between(last, start, &everything, 0, &stages.on(num_blocks - 1), threshold)?;
        Some((last.io[start] + io, start)).filter(|&(io, _)| io < known)
    };
    let Some((_, mut place)) = (0..last.downsets.len()).filter_map(end).min() else { return Ok(None) };
    let mut block_of = vec![num_blocks - 1; graph.num_nodes()];
    for (before, level) in levels.iter().enumerate().skip(1).rev() {
        let words = level.downsets.words(place);
        for (node, block) in block_of.iter_mut().enumerate().filter(|&(node, _)| has(words, node)) {
            debug_assert!(*block >= before, "node {node}");
            *block = before - 1;
        }
        place = level.from[place];
    }
    Ok(Some(block_of))
}

/// The io of the block from a downset of a level to another downset; none when it costs `threshold` or more.
fn io_between(
    level: &Level,
    start: usize,
    others: &Downsets,
    end: usize,
    stage: &Stage<'_>,
    threshold: Ticks,
) -> Option<Ticks> {
    let cost = level.downsets.priced().block_below(start, others.priced(), end, stage, threshold)?;
    let (from, to) = (&level.downsets.boundaries[start], &others.boundaries[end]);
    Some(cost - (to.load - from.load) - stage.view.overflow(to.params - from.params))
}
