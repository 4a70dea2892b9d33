//! The state of a tensor that crosses a position of the order, and its transition when one more node is assigned to a block.

use super::resources::{Pay, Resources};
use crate::cost::Ticks;
use crate::ids::TensorId;

/// The most blocks in which consumers of a tensor can be, so that a set of them fits a word.
pub(super) const MAX_SPAN: usize = 56;
/// The state of a tensor for which no block pays any more, and that restricts no consumer.
const INERT: u64 = u64::MAX;

/// A node that produces or reads a tensor, in a given order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    /// The slot of the tensor's word in the rows before and after the node; none when the word is constant there.
    pub slots: [Option<usize>; 2],
    /// The word before the node, when it is constant.
    pub word: u64,
    pub tensor: TensorId,
    /// Whether blocks pay for the tensor when it crosses between them; and the amounts, with one resource per stage.
    pub is_paid: bool,
    pub import: Ticks,
    pub export: Ticks,
    /// Whether the node produces it; else it reads it.
    pub is_produced: bool,
    /// The block of the lowest bit in the words before and after the node.
    pub bases: [usize; 2],
    /// The first and the last block in which later consumers can be; none when there are none.
    pub rest: Option<(usize, usize)>,
}

/// The state of a tensor on the frontier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// The block of its producer; 0 when that does not matter.
    producer: usize,
    /// Whether its producer has paid for the export, if there is one.
    is_exported: bool,
    /// The blocks that have imported it.
    holders: u128,
}

impl Crossing {
    fn pack(self, base: usize) -> u64 {
        let holders = u64::try_from(self.holders >> base).unwrap_or(INERT);
        u64::try_from(self.producer).unwrap_or(INERT) | u64::from(self.is_exported) << 7 | holders << 8
    }

    fn unpack(word: u64, base: usize) -> Self {
        let producer = usize::try_from(word & 0x7f).unwrap_or(0);
        Self { producer, is_exported: word >> 7 & 1 == 1, holders: u128::from(word >> 8) << base }
    }
}

impl Touch {
    /// Advances the tensor's word in a row; whether the node can be in `block`.
    pub(super) fn advance_in<const ONE: bool>(
        &self,
        resources: &Resources<'_>,
        row: &mut [u64],
        block: usize,
        pays: &mut Vec<Pay>,
    ) -> bool {
        // A slot that is freed is zero again.
        let before = self.slots[0].map_or(self.word, |slot| std::mem::take(&mut row[slot]));
        let Some(after) = self.advance::<ONE>(resources, before, block, pays) else { return false };
        if let Some(slot) = self.slots[1] {
            row[slot] = after;
        }
        true
    }

    /// The tensor's word after the node is assigned to `block`, with payments added to `pays`; none when it cannot be there.
    /// Specialised for `ONE` resource per stage or for several.
    pub(super) fn advance<const ONE: bool>(
        &self,
        resources: &Resources<'_>,
        word: u64,
        block: usize,
        pays: &mut Vec<Pay>,
    ) -> Option<u64> {
        let is_paid = self.is_paid;
        let mut crossing = if self.is_produced {
            Crossing { producer: block, is_exported: false, holders: 0 }
        } else if word == INERT {
            return Some(if self.rest.is_some() { INERT } else { 0 });
        } else {
            Crossing::unpack(word, self.bases[0])
        };
        let Crossing { producer, is_exported, holders } = &mut crossing;
        if *producer > block {
            return None;
        }
        if !self.is_produced && is_paid && *producer != block && *holders >> block & 1 == 0 {
            self.import::<ONE>(resources, block, pays);
            *holders |= 1 << block;
            if *producer != 0 && !*is_exported {
                self.export::<ONE>(resources, *producer, pays);
            }
            *is_exported = true;
        }
        let Some((first, last)) = self.rest else { return Some(0) };
        if *producer > last {
            return None;
        }
        if *producer < first {
            if *producer != 0 && is_paid && !*is_exported {
                self.export::<ONE>(resources, *producer, pays);
            }
            (*producer, *is_exported) = (0, true);
        }
        let can_be = blocks(first.max(*producer), last);
        let without = can_be & !*holders & !(1 << *producer);
        if without == 0 || !is_paid {
            if *producer <= first {
                return Some(INERT);
            }
            (*is_exported, *holders) = (true, can_be);
        } else if *producer == 0 && first == last {
            self.import::<ONE>(resources, last, pays);
            return Some(INERT);
        }
        *holders &= can_be;
        Some(crossing.pack(self.bases[1]))
    }

    fn import<const ONE: bool>(&self, resources: &Resources<'_>, block: usize, pays: &mut Vec<Pay>) {
        if ONE {
            pays.push((block, self.import));
        } else {
            resources.import(self.tensor, block, pays);
        }
    }

    fn export<const ONE: bool>(&self, resources: &Resources<'_>, block: usize, pays: &mut Vec<Pay>) {
        if ONE {
            pays.push((block, self.export));
        } else {
            resources.export(self.tensor, block, pays);
        }
    }
}

/// A range of blocks as a bit set.
fn blocks(first: usize, last: usize) -> u128 {
    (1 << (last + 1)) - (1 << first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_they_are_of() {
        for base in [0, 1, 9] {
            for producer in [0, 1, 64] {
                let holders = blocks(base.max(1), base + MAX_SPAN - 1);
                let word = Crossing { producer, is_exported: true, holders }.pack(base);
                let crossing = Crossing::unpack(word, base);
                assert!(
                    word != INERT
                        && crossing.producer == producer
                        && crossing.is_exported
                        && crossing.holders == holders
                );
            }
        }
    }
}
