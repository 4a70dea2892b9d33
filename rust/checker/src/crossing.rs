//! The state of a tensor at a frontier: what later nodes must know of a tensor that has readers without a block.
//!
//! Nodes are assigned to blocks in a topological order. The cost of later assignments depends on the tensor's producer block, the
//! blocks that hold the tensor already, and whether its producer has paid the export. Less is kept where the stage windows of the
//! remaining readers decide more, so that more partial assignments share a frontier:
//!
//! - When all remaining readers are in later blocks than the producer, the export is certain and is paid at once. From then on the
//!   producer's block matters only for precedence.
//! - When only one block is possible for the remaining readers and it must import the tensor, the import is paid at once.
//! - When every block that can still read the tensor holds it or pays nothing, only precedence matters, and only where it excludes
//!   a block of a reader's window.

use crate::resources::Resources;

/// A tensor of which nothing matters any more.
pub(crate) const INERT: u128 = u128::MAX;
/// Blocks at most: one bit each.
pub(crate) const MAX_BLOCKS: usize = 64;
const BLOCK_BITS: u32 = 64;
const SENT_BIT: u32 = 80;

/// What a node has to do with a tensor, in a given order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub tensor: usize,
    /// Whether the node makes it; else it reads it.
    pub is_made: bool,
    /// Whether blocks that do not share it pay anything.
    pub is_paid: bool,
    /// The first and the last block of readers that come later, if any do.
    pub rest: Option<(usize, usize)>,
    /// Where its word is in the row.
    pub slot: usize,
}

#[derive(Clone, Copy)]
struct Word {
    /// Where it was made; 0 when that does not matter.
    made_in: usize,
    /// Whether its producer has paid.
    is_sent: bool,
    /// Blocks that have it, beside the producer's.
    holders: u64,
}

impl Word {
    fn pack(self) -> u128 {
        let made_in = u128::try_from(self.made_in).unwrap_or(0);
        u128::from(self.holders) | made_in << BLOCK_BITS | u128::from(self.is_sent) << SENT_BIT
    }

    fn unpack(word: u128) -> Self {
        let holders = u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0);
        let made_in = usize::try_from(word >> BLOCK_BITS & 0xff).unwrap_or(0);
        Self { made_in, is_sent: word >> SENT_BIT & 1 == 1, holders }
    }
}

fn bit(block: usize) -> u64 {
    if block == 0 { 0 } else { 1 << (block - 1) }
}

/// These blocks.
fn range(first: usize, last: usize) -> u64 {
    let below = |block: usize| if block >= MAX_BLOCKS { u64::MAX } else { (1 << block) - 1 };
    below(last) & !below(first - 1)
}

impl Touch {
    /// What becomes of a tensor's word when the node gets a block, and what is paid; none when it cannot be there. 0 is the word of
    /// a tensor that is not there yet, or not any more.
    pub(crate) fn advance(
        &self,
        resources: &Resources<'_>,
        word: u128,
        block: usize,
        pays: &mut Vec<(usize, i64)>,
    ) -> Option<u128> {
        let mut now = if self.is_made {
            Word { made_in: block, is_sent: false, holders: 0 }
        } else if word == INERT {
            return Some(if self.rest.is_some() { INERT } else { 0 });
        } else {
            Word::unpack(word)
        };
        if now.made_in > block {
            return None;
        }
        let has_it = now.made_in == block || now.holders & bit(block) != 0;
        if !self.is_made && self.is_paid && !has_it {
            resources.pay_import(self.tensor, block, pays);
            now.holders |= bit(block);
            if now.made_in != 0 && !now.is_sent {
                resources.pay_export(self.tensor, now.made_in, pays);
            }
            now.is_sent = true;
        }
        let Some((first, last)) = self.rest else { return Some(0) };
        if now.made_in > last {
            return None;
        }
        if now.made_in < first {
            if now.made_in != 0 && self.is_paid && !now.is_sent {
                resources.pay_export(self.tensor, now.made_in, pays);
            }
            (now.made_in, now.is_sent) = (0, true);
        }
        let can_be = range(first.max(now.made_in), last);
        let are_without = can_be & !now.holders & !bit(now.made_in);
        if are_without == 0 || !self.is_paid {
            if now.made_in <= first {
                return Some(INERT);
            }
            (now.is_sent, now.holders) = (true, can_be);
        } else if now.made_in == 0 && first == last {
            resources.pay_import(self.tensor, last, pays);
            return Some(INERT);
        }
        now.holders &= can_be;
        Some(now.pack())
    }
}
