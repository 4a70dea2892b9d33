//! What blocks still pay on any way from a frontier to the end.

use crate::frontiers::{Arc, Layer, wide};
use crate::problem::INFINITE;
use crate::resources::Resources;
use crate::stop::{Steps, Stop};

/// Bytes that all bounds may take.
const MAX_BYTES: usize = 1 << 29;

/// What blocks still pay from the frontiers at a place of the order to the end, for blocks that have paid and still will.
pub(crate) struct Completion {
    /// The first block, from 0, that still pays, and the last one that has paid; the same when they would not overlap.
    pub first: usize,
    pub last: usize,
    /// Per frontier: for each sum the least and the most that it still takes; for each block the least that the first sums of
    /// blocks up to it, and from it on, take together.
    amounts: Vec<i64>,
    pitch: usize,
    pub can_end: Vec<bool>,
}

/// The bounds at all places, the last one included.
pub(crate) fn completions(
    layers: &[Layer],
    resources: &Resources<'_>,
    num_blocks: usize,
    steps: &mut Steps,
) -> Result<Vec<Completion>, Stop> {
    let pitch = resources.pitch;
    let mut lasts = vec![0];
    for layer in layers {
        let paid = layer.arcs.iter().flat_map(|arc| layer.pays(arc)).map(|(sum, _)| sum / pitch).max();
        lasts.push(paid.unwrap_or(0).max(lasts[lasts.len() - 1]));
    }
    let end = num_blocks - 1;
    let amounts = vec![0; 2 * pitch + 2];
    let mut all = vec![Completion { first: end, last: end, amounts, pitch, can_end: vec![true] }];
    let mut bytes = 0;
    for (layer, last) in layers.iter().zip(lasts).rev() {
        let before = all[all.len() - 1].before(layer, last, end, MAX_BYTES - bytes, steps)?;
        bytes += before.amounts.len() * size_of::<i64>();
        all.push(before);
    }
    all.reverse();
    Ok(all)
}

/// The bounds of one frontier.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    /// Per sum.
    pub least: &'a [i64],
    pub most: &'a [i64],
    /// Per block, of first sums.
    pub up_to: &'a [i64],
    pub from: &'a [i64],
}

impl Completion {
    /// Blocks of a label.
    pub(crate) fn num_blocks(&self) -> usize {
        self.last + 1 - self.first
    }

    /// Sums of a label.
    pub(crate) fn len(&self) -> usize {
        self.num_blocks() * self.pitch
    }

    fn width(&self) -> usize {
        2 * self.len() + 2 * self.num_blocks()
    }

    pub(crate) fn of(&self, frontier: u32) -> Bounds<'_> {
        let (len, width) = (self.len(), self.width());
        let row = &self.amounts[wide(frontier) * width..][..width];
        let (least, row) = row.split_at(len);
        let (most, row) = row.split_at(len);
        let (up_to, from) = row.split_at(self.num_blocks());
        Bounds { least, most, up_to, from }
    }

    /// The bounds before a layer, before which `last` is the last block that has paid.
    fn before(&self, layer: &Layer, last: usize, end: usize, bytes: usize, steps: &mut Steps) -> Result<Self, Stop> {
        let pitch = self.pitch;
        let useful = || layer.arcs.iter().filter(|arc| self.can_end[wide(arc.to)]);
        let paid = useful().flat_map(|arc| layer.pays(arc)).map(|(sum, _)| sum / pitch).min();
        let first = paid.unwrap_or(end).min(self.first);
        let can_end = vec![false; layer.num_before];
        let mut before = Self { first, last: last.max(first), amounts: Vec::new(), pitch, can_end };
        let (len, width) = (before.len(), before.width());
        steps.spend((layer.arcs.len() + layer.num_before) * width)?;
        if layer.num_before.saturating_mul(width) > bytes / size_of::<i64>() {
            return Err(Stop::Budget);
        }
        let mut row = vec![INFINITE; width];
        row[len..2 * len].fill(-1);
        before.amounts = row.repeat(layer.num_before);
        let mut pays = vec![0; (end + 1) * pitch];
        for arc in useful() {
            before.can_end[wide(arc.from)] = true;
            before.follow(layer, arc, self, &mut pays);
        }
        Ok(before)
    }

    /// Takes what follows from an arc; `pays` is all zeros, and is so again.
    fn follow(&mut self, layer: &Layer, arc: &Arc, after: &Self, pays: &mut [i64]) {
        let (pitch, first, len, width) = (self.pitch, self.first, self.len(), self.width());
        let mut to_pay = 0;
        for (sum, amount) in layer.pays(arc) {
            pays[sum] = amount;
            to_pay += if sum.is_multiple_of(pitch) { amount } else { 0 };
        }
        let then = after.of(arc.to);
        let row = &mut self.amounts[wide(arc.from) * width..][..width];
        let (least, row) = row.split_at_mut(len);
        let (most, row) = row.split_at_mut(len);
        let (up_to, from) = row.split_at_mut(len / pitch);
        let mut paid = 0;
        for block in 0..len / pitch {
            // A block that is closed afterwards pays no more.
            let open = (first + block).checked_sub(after.first);
            for place in 0..pitch {
                let sum = block * pitch + place;
                let here = pays[(first + block) * pitch + place];
                let [less, more] = open.map_or([0; 2], |open| {
                    let at = open * pitch + place;
                    [then.least[at], then.most[at]]
                });
                least[sum] = least[sum].min(here + less);
                most[sum] = most[sum].max(here + more);
            }
            from[block] = from[block].min(to_pay - paid + then.from[open.unwrap_or(0)]);
            paid += pays[(first + block) * pitch];
            up_to[block] = up_to[block].min(paid + open.map_or(0, |open| then.up_to[open]));
        }
        layer.pays(arc).for_each(|(sum, _)| pays[sum] = 0);
    }
}
