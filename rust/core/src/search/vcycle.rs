//! V-cycles: anneal a coarse graph within the blocks of a partition, then ever finer ones.

use std::borrow::Cow;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::anneal::anneal_from;
use super::coarsen::coarsen;
use super::walk::{Annealed, Heat, SQUARINGS};
use crate::cost::{Instance, Ticks};
use crate::ids::{count, float};
use crate::interrupt::Interrupt;

/// Graphs are coarsened down to so many nodes per block, while a step takes away a tenth.
const MIN_NODES_PER_BLOCK: usize = 8;
const MAX_LEFT: usize = 9;
/// Graphs above this are annealed as they are: with so many nodes a coarser graph costs more than it gains.
const MAX_NODES: usize = 100_000;
/// Temperatures: of the coarsest graph at first, drawn anew each time within a factor of `SPREAD`; of the others at
/// first; and of all in the end.
const HOT: f64 = 1.0;
const SPREAD: f64 = 4.0;
const WARM: f64 = 0.1;
const COLD: f64 = 0.01;
/// What moves an average node is about this much energy over the number of nodes per block; no graph is warmer than that
/// times two, and none ends warmer than a fifth of it.
const ENERGY: f64 = 8.0;

/// Anneals a partition on all levels, with so many moves per node that can move.
///
/// A level that finds something better than `bottleneck` hands that down, else where it ended.
///
/// # Complexity
/// O(nodes + reads) but for sorting, and O(degree) per move.
pub(super) fn v_cycle(
    instance: &Instance,
    block_of: &[usize],
    bottleneck: Ticks,
    sweeps: f64,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> Annealed {
    let mut levels = vec![Cow::Borrowed(instance)];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut block_of = block_of.to_vec();
    loop {
        let fine = &levels[levels.len() - 1];
        let num_nodes = fine.graph().num_nodes();
        if num_nodes < MIN_NODES_PER_BLOCK * fine.num_blocks() || num_nodes > MAX_NODES {
            break;
        }
        let (group_of, num_groups) = coarsen(fine, &block_of, random);
        if num_groups * 10 > num_nodes * MAX_LEFT {
            break;
        }
        let coarse = fine.quotient(&group_of, num_groups);
        let mut coarse_block_of = vec![0; num_groups];
        for (&group, block) in group_of.iter().zip(block_of) {
            coarse_block_of[group] = block;
        }
        block_of = coarse_block_of;
        levels.push(Cow::Owned(coarse));
        groups.push(group_of);
    }
    let energy = ENERGY * float(count(instance.num_blocks())) / float(count(instance.graph().num_nodes()));
    let (warm, cold) = (WARM.min(2.0 * energy), COLD.min(0.2 * energy));
    let mut hot = if groups.is_empty() { warm } else { HOT * SPREAD.powf(random.random_range(-1.0..=1.0)) };
    let squarings = random.random_range(SQUARINGS);
    let mut moves = 0;
    loop {
        let level = levels.pop().expect("the finest level ends the loop");
        let annealed = anneal_from(&level, &block_of, sweeps, Heat { hot, cold, squarings }, random, interrupt);
        moves += annealed.moves;
        let Some(group_of) = groups.pop() else { return Annealed { moves, ..annealed } };
        let coarse = if annealed.objective.bottleneck < bottleneck { annealed.best } else { annealed.last };
        block_of = group_of.iter().map(|&group| coarse[group]).collect();
        hot = warm;
    }
}
