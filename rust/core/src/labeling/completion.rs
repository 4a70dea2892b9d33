//! Completion bounds: what blocks still pay on any way from a frontier to the end.

use super::frontier::{Arc, Frontiers, Layer};
use crate::cost::{INFINITE, Ticks};
use crate::ids::{count, wide};
use crate::query::{Effort, Halt, Query};

/// What blocks still pay from the frontiers of a layer to the end, for those blocks that have paid and will.
#[derive(Debug)]
pub(super) struct Completion {
    /// The first block that still pays, and the last one that has paid; the same when they would not overlap.
    pub first: usize,
    pub last: usize,
    /// Per frontier: the least that blocks up to each, blocks from each on, and each alone pay, and the most that each pays.
    amounts: Vec<Ticks>,
    pub can_end: Vec<bool>,
}

/// The bounds of all layers, the last one included.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
pub(super) fn completions(
    query: &Query<'_>,
    frontiers: &Frontiers,
    effort: &mut Effort,
) -> Result<Vec<Completion>, Halt> {
    let layers = &frontiers.layers;
    let mut lasts = vec![1];
    for layer in layers {
        let paid = layer.arcs.iter().flat_map(|arc| layer.pays(arc)).map(|&(block, _)| block).max();
        lasts.push(paid.unwrap_or(1).max(lasts[lasts.len() - 1]));
    }
    let num_blocks = query.instance.num_blocks();
    let mut all = vec![Completion { first: num_blocks, last: num_blocks, amounts: vec![0; 4], can_end: vec![true] }];
    for (layer, last) in layers.iter().zip(lasts).rev() {
        query.interrupt.check(0)?;
        all.push(all[all.len() - 1].before(layer, last, num_blocks, effort)?);
    }
    all.reverse();
    Ok(all)
}

impl Completion {
    pub(super) fn len(&self) -> usize {
        self.last + 1 - self.first
    }

    /// Up to each block, from each on, each alone; and the most.
    pub(super) fn of(&self, frontier: u32) -> [&[Ticks]; 4] {
        let len = self.len();
        let row = &self.amounts[wide(frontier) * 4 * len..][..4 * len];
        [0, 1, 2, 3].map(|part| &row[part * len..(part + 1) * len])
    }

    /// The bounds before a layer, before which `last` is the last block that has paid.
    fn before(&self, layer: &Layer, last: usize, num_blocks: usize, effort: &mut Effort) -> Result<Self, Halt> {
        let useful = || layer.arcs.iter().filter(|arc| self.can_end[wide(arc.to)]);
        let paid = useful().flat_map(|arc| layer.pays(arc)).map(|&(block, _)| block).min();
        let first = paid.unwrap_or(num_blocks).min(self.first);
        let last = last.max(first);
        let len = last + 1 - first;
        effort.work(count(layer.arcs.len() * 4 * len).unsigned_abs())?;
        effort.take(layer.num_frontiers * 4 * len * size_of::<Ticks>())?;
        let mut row = vec![INFINITE; 4 * len];
        row[3 * len..].fill(-1);
        let amounts = row.repeat(layer.num_frontiers);
        let mut before = Self { first, last, amounts, can_end: vec![false; layer.num_frontiers] };
        for arc in useful() {
            before.can_end[wide(arc.from)] = true;
            before.follow(layer, arc, self);
        }
        Ok(before)
    }

    /// Takes what follows from an arc to a frontier with these bounds.
    fn follow(&mut self, layer: &Layer, arc: &Arc, after: &Self) {
        let (first, last, len) = (self.first, self.last, self.len());
        let [up_to, from, alone, most] = after.of(arc.to);
        let row = &mut self.amounts[wide(arc.from) * 4 * len..][..4 * len];
        for (place, block) in (first..=last).enumerate() {
            let at = block.max(after.first) - after.first;
            let is_closed = block < after.first;
            let mut paid = [0; 3];
            for &(payer, amount) in layer.pays(arc) {
                paid[0] += if payer <= block { amount } else { 0 };
                paid[1] += if payer >= block { amount } else { 0 };
                paid[2] += if payer == block { amount } else { 0 };
            }
            if !is_closed {
                paid[0] += up_to[at];
            }
            paid[1] += from[at];
            let rest = if is_closed { [0; 2] } else { [alone[at], most[at]] };
            for (part, amount) in [paid[0], paid[1], paid[2] + rest[0]].into_iter().enumerate() {
                row[part * len + place] = row[part * len + place].min(amount);
            }
            row[3 * len + place] = row[3 * len + place].max(paid[2] + rest[1]);
        }
    }

    /// Whether blocks can pay what they must, by what they have paid.
    pub(super) fn can_pay(&self, query: &Query<'_>, paid: &[Ticks], frontier: u32) -> bool {
        let max_cost = query.max_cost();
        let [up_to, from, alone, _] = self.of(frontier);
        let mut sum = 0;
        for (place, paid) in paid.iter().enumerate() {
            sum += paid;
            if sum + up_to[place] > max_cost * count(place + 1) || paid + alone[place] > max_cost {
                return false;
            }
        }
        let num_left = query.instance.num_blocks() + 1 - self.first;
        let mut sum = 0;
        paid.iter().enumerate().rev().all(|(place, paid)| {
            sum += paid;
            sum + from[place] <= max_cost * count(num_left - place)
        })
    }
}
