//! Completion bounds: the least and the most that blocks still pay on any path from a frontier to the end.

use super::dominance::WIDEST;
use super::frontier::{Arc, Frontiers, Layer};
use super::resources::{MOST, Resources};
use crate::cost::{INFINITE, Ticks};
use crate::ids::{count, wide};
use crate::query::{Effort, Halt, Query};

/// The completion bounds of the frontiers of a layer, for the blocks that both have paid before and can pay after it.
#[derive(Debug)]
pub(super) struct Completion {
    /// The first block that can still pay, and the last one that has paid (at least `first`): labels are of these blocks.
    pub first: usize,
    pub last: usize,
    /// The number of resources of a block.
    pitch: usize,
    /// Per frontier and resource: the least that all blocks up to each one, all blocks from each one on, and each one alone still
    /// pay; and the most that each one pays.
    amounts: Vec<Ticks>,
    pub can_end: Vec<bool>,
}

/// The bounds of all layers, the last one included.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised, or when labels are too long.
pub(super) fn completions<const ONE: bool>(
    query: &Query<'_>,
    frontiers: &Frontiers,
    resources: &Resources<'_>,
    effort: &mut Effort,
) -> Result<Vec<Completion>, Halt> {
    let (layers, pitch) = (&frontiers.layers, resources.pitch);
    let mut lasts = vec![1];
    for layer in layers {
        let paid = layer.arcs.iter().flat_map(|arc| layer.pays(arc)).map(|&(resource, _)| resource / pitch).max();
        lasts.push(paid.unwrap_or(1).max(lasts[lasts.len() - 1]));
    }
    let num_blocks = query.instance.num_blocks();
    let amounts = vec![0; 4 * pitch];
    let mut all = vec![Completion { first: num_blocks, last: num_blocks, pitch, amounts, can_end: vec![true] }];
    for (layer, last) in layers.iter().zip(lasts).rev() {
        query.interrupt.check(0)?;
        let before = all[all.len() - 1].before::<ONE>(layer, last, num_blocks, effort)?;
        if before.len() > WIDEST {
            return Err(Halt::Steps);
        }
        all.push(before);
    }
    all.reverse();
    Ok(all)
}

impl Completion {
    /// The length of labels.
    pub(super) fn len(&self) -> usize {
        (self.last + 1 - self.first) * self.pitch
    }

    /// The initial amounts of the blocks in labels.
    pub(super) fn starts<'a>(&self, resources: &'a Resources<'_>) -> &'a [Ticks] {
        &resources.starts[self.first * self.pitch..(self.last + 1) * self.pitch]
    }

    /// The four rows of a frontier: up to each block, from each block on, each one alone; and the most.
    pub(super) fn of(&self, frontier: u32) -> [&[Ticks]; 4] {
        let len = self.len();
        let row = &self.amounts[wide(frontier) * 4 * len..][..4 * len];
        [0, 1, 2, 3].map(|part| &row[part * len..(part + 1) * len])
    }

    /// The bounds before a layer, given those after it; `last` is the last block that has paid before it.
    fn before<const ONE: bool>(
        &self,
        layer: &Layer,
        last: usize,
        num_blocks: usize,
        effort: &mut Effort,
    ) -> Result<Self, Halt> {
        let pitch = self.pitch;
        let useful = || layer.arcs.iter().filter(|arc| self.can_end[wide(arc.to)]);
        let paid = useful().flat_map(|arc| layer.pays(arc)).map(|&(resource, _)| resource / pitch).min();
        let first = paid.unwrap_or(num_blocks).min(self.first);
        let last = last.max(first);
        let len = (last + 1 - first) * pitch;
        effort.work(count(layer.arcs.len() * 4 * len).unsigned_abs())?;
        effort.take(layer.num_frontiers * 4 * len * size_of::<Ticks>())?;
        let mut row = vec![INFINITE; 4 * len];
        row[3 * len..].fill(-1);
        let amounts = row.repeat(layer.num_frontiers);
        let mut before = Self { first, last, pitch, amounts, can_end: vec![false; layer.num_frontiers] };
        let mut here = vec![0; len];
        for arc in useful() {
            before.can_end[wide(arc.from)] = true;
            before.follow::<ONE>(layer, arc, self, &mut here);
        }
        Ok(before)
    }

    /// Updates the bounds with an arc to a frontier whose bounds are in `after`. `here` is scratch: zeros before and after the call.
    fn follow<const ONE: bool>(&mut self, layer: &Layer, arc: &Arc, after: &Self, here: &mut [Ticks]) {
        let pitch = if ONE { 1 } else { self.pitch };
        let (first, len) = (self.first * pitch, here.len());
        let [up_to, from, alone, most] = after.of(arc.to);
        let mut to_pay = [0; MOST];
        for &(resource, amount) in layer.pays(arc) {
            to_pay[if ONE { 0 } else { resource % pitch }] += amount;
            if let Some(here) = here.get_mut(resource - first) {
                *here += amount;
            }
        }
        let row = &mut self.amounts[wide(arc.from) * 4 * len..][..4 * len];
        let num_closed = after.first * pitch - first;
        let (mut paid, mut class) = ([0; MOST], 0);
        for place in 0..len {
            let is_closed = place < num_closed;
            let at = if is_closed { class } else { place - num_closed };
            let amount = here[place];
            let rest = to_pay[class] - paid[class] + from[at];
            paid[class] += amount;
            let open = if is_closed { [0; 3] } else { [up_to[at], alone[at], most[at]] };
            let least = [paid[class] + open[0], rest, amount + open[1]];
            for (part, amount) in least.into_iter().enumerate() {
                row[part * len + place] = row[part * len + place].min(amount);
            }
            row[3 * len + place] = row[3 * len + place].max(amount + open[2]);
            if !ONE {
                class = if class + 1 == pitch { 0 } else { class + 1 };
            }
        }
        here.fill(0);
    }

    /// Whether the capacities allow what blocks have paid and the least that they still pay.
    pub(super) fn can_pay<const ONE: bool>(&self, resources: &Resources<'_>, paid: &[Ticks], frontier: u32) -> bool {
        let (capacity, pitch) = (resources.capacity, if ONE { 1 } else { self.pitch });
        let [up_to, from, alone, _] = self.of(frontier);
        let mut sums = [0; MOST];
        for (block, paid) in paid.chunks_exact(pitch).enumerate() {
            for (class, paid) in paid.iter().enumerate() {
                let place = block * pitch + class;
                sums[class] += paid;
                if sums[class] + up_to[place] > capacity * count(block + 1) || paid + alone[place] > capacity {
                    return false;
                }
            }
        }
        let num_left = resources.num_stages() + 1 - self.first;
        // Blocks after those of the label have paid their initial amounts only.
        let mut sums = if ONE { [0; MOST] } else { resources.starts_after(self.last) };
        paid.chunks_exact(pitch).enumerate().rev().all(|(block, paid)| {
            paid.iter().enumerate().all(|(class, paid)| {
                sums[class] += paid;
                sums[class] + from[block * pitch + class] <= capacity * count(num_left - block)
            })
        })
    }
}
