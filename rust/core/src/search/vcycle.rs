//! V-cycles: anneal a coarse graph within the blocks of a partition, then ever finer ones.

use std::borrow::Cow;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::anneal::anneal_from;
use super::coarsen::coarsen;
use super::params::SearchParams;
use super::walk::{Annealed, Heat, draw_squarings};
use crate::cost::{Instance, Ticks};
use crate::ids::{count, float};
use crate::interrupt::Interrupt;

/// Anneals a partition on all levels, with so many moves per node that can move.
///
/// A level that finds something better than `bottleneck` hands that down, else where it ended.
///
/// # Complexity
/// O(nodes + reads) but for sorting, and O(degree) per move.
pub(super) fn v_cycle(
    instance: &Instance,
    params: &SearchParams,
    block_of: &[usize],
    bottleneck: Ticks,
    sweeps: f64,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> Annealed {
    let SearchParams { v_cycle: own, moves: move_params, .. } = params;
    let mut levels = vec![Cow::Borrowed(instance)];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut block_of = block_of.to_vec();
    loop {
        let fine = &levels[levels.len() - 1];
        let num_nodes = fine.graph().num_nodes();
        if num_nodes < own.min_nodes_per_block * fine.num_blocks() || num_nodes > own.max_nodes {
            break;
        }
        let (group_of, num_groups) = coarsen(fine, own, &block_of, random);
        if num_groups * 10 > num_nodes * own.max_left {
            break;
        }
        // After an interrupt the loop below runs from this level, and makes no moves.
        let Ok(coarse) = fine.quotient(&group_of, num_groups, interrupt) else { break };
        let mut coarse_block_of = vec![0; num_groups];
        for (&group, block) in group_of.iter().zip(block_of) {
            coarse_block_of[group] = block;
        }
        block_of = coarse_block_of;
        levels.push(Cow::Owned(coarse));
        groups.push(group_of);
    }
    let energy = own.energy * float(count(instance.num_blocks())) / float(count(instance.graph().num_nodes()));
    let (warm, cold) = (own.warm.min(own.max_warm * energy), own.cold.min(own.max_cold * energy));
    let mut hot = if groups.is_empty() { warm } else { own.hot * own.spread.powf(random.random_range(-1.0..=1.0)) };
    let squarings = draw_squarings(move_params, random);
    let mut moves = 0;
    loop {
        let level = levels.pop().expect("the finest level ends the loop");
        let annealed =
            anneal_from(&level, move_params, &block_of, sweeps, Heat { hot, cold, squarings }, random, interrupt);
        moves += annealed.moves;
        let Some(group_of) = groups.pop() else { return Annealed { moves, ..annealed } };
        let coarse = if annealed.objective.bottleneck < bottleneck { annealed.best } else { annealed.last };
        block_of = group_of.iter().map(|&group| coarse[group]).collect();
        hot = warm;
    }
}
