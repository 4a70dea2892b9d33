//! Dominance: of two labels at a frontier of which one has paid no more in any block, the other is of no use.

use crate::cost::Ticks;

/// Labels that each is compared with, the last ones in lexicographic order. With 20, 100, 400 and 2,000 of them: one of five
/// graphs had three times as many labels with 20, the others hardly differ (2026-11-23.md, "Frontiers and labels").
const RECENT: usize = 64;
/// Resources that labels can be of, at most.
pub(super) const WIDEST: usize = 128;

/// Where a label comes from: the label before it, and the block of the node between.
pub(super) type Origin = (u32, u32);

/// The labels of so many blocks for which no other one near them has paid no more in any block.
pub(super) fn useful(costs: &[Ticks], origins: &[Origin], len: usize) -> (Vec<Ticks>, Vec<Origin>) {
    match len {
        1 => useful_of::<1>(costs, origins, len),
        2 => useful_of::<2>(costs, origins, len),
        3 => useful_of::<3>(costs, origins, len),
        4 => useful_of::<4>(costs, origins, len),
        5..=6 => useful_of::<6>(costs, origins, len),
        7..=8 => useful_of::<8>(costs, origins, len),
        9..=16 => useful_of::<16>(costs, origins, len),
        17..=32 => useful_of::<32>(costs, origins, len),
        33..=64 => useful_of::<64>(costs, origins, len),
        _ => useful_of::<WIDEST>(costs, origins, len),
    }
}

fn useful_of<const LEN: usize>(costs: &[Ticks], origins: &[Origin], len: usize) -> (Vec<Ticks>, Vec<Origin>) {
    let mut labels: Vec<([Ticks; LEN], Origin)> = costs
        .chunks_exact(len)
        .zip(origins)
        .map(|(costs, &origin)| {
            let mut label = [0; LEN];
            label[..len].copy_from_slice(costs);
            (label, origin)
        })
        .collect();
    // They come in a few runs that are sorted already, more or less.
    #[expect(clippy::stable_sort_primitive, reason = "which takes less for runs that are sorted")]
    labels.sort();
    let mut recent = Recent::<LEN>::new(len);
    let (mut kept, mut from): (Vec<Ticks>, Vec<Origin>) = (Vec::new(), Vec::new());
    for (label, origin) in labels {
        if !recent.has_less(&label) {
            recent.enter(&label);
            kept.extend_from_slice(&label[..len]);
            from.push(origin);
        }
    }
    (kept, from)
}

/// The last labels that were kept, in lexicographic order.
struct Recent<const LEN: usize> {
    labels: [[Ticks; LEN]; RECENT],
    /// The same block by block, in large units, so that many are compared at once.
    rough: [[i32; RECENT]; LEN],
    len: usize,
    num_entered: usize,
}

impl<const LEN: usize> Recent<LEN> {
    fn new(len: usize) -> Self {
        Self { labels: [[0; LEN]; RECENT], rough: [[i32::MAX; RECENT]; LEN], len, num_entered: 0 }
    }

    fn enter(&mut self, label: &[Ticks; LEN]) {
        let place = self.num_entered % RECENT;
        self.labels[place] = *label;
        for (row, &paid) in self.rough.iter_mut().zip(label) {
            row[place] = rough(paid);
        }
        self.num_entered += 1;
    }

    /// Whether one of them has paid no more in any block than a label that comes after them, and so has in the first.
    fn has_less(&self, label: &[Ticks; LEN]) -> bool {
        let is_no_more = |other: &[Ticks; LEN]| other.iter().zip(label).all(|(other, paid)| other <= paid);
        let Some(last) = self.num_entered.checked_sub(1) else { return false };
        let is_last_less = is_no_more(&self.labels[last % RECENT]);
        // Of two blocks, the last one has paid least in the second.
        if is_last_less || self.len <= 2 {
            return is_last_less;
        }
        let mut is_less = [true; RECENT];
        for (row, &paid) in self.rough.iter().zip(label).take(self.len).skip(1) {
            let paid = rough(paid);
            is_less.iter_mut().zip(row).for_each(|(is_less, other)| *is_less &= *other <= paid);
        }
        let mut entered = is_less.iter().zip(&self.labels).take(self.num_entered);
        entered.any(|(is_less, other)| *is_less && is_no_more(other))
    }
}

/// In units of which costs, below 2^52, have few enough; larger ones are as one.
fn rough(paid: Ticks) -> i32 {
    i32::try_from(paid >> 22).unwrap_or(i32::MAX - 1)
}
