//! Dominance: if one label at a frontier has paid no more in any block than another, the other is dropped.

use crate::cost::Ticks;

/// Each label is compared with the last so many in lexicographic order. With 20, 100, 400 and 2,000 of them: one of five graphs
/// had three times as many labels with 20, the others hardly differ (2026-11-23.md, "Frontiers and labels").
const RECENT: usize = 64;
/// The longest label.
pub(super) const WIDEST: usize = 128;

/// The origin of a label: the label before it, and the block of the node between.
pub(super) type Origin = (u32, u32);

/// The labels, of length `len`, that none of the [`RECENT`] kept before them dominates; in lexicographic order.
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
    // Labels arrive in a few runs that are almost sorted.
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
    /// The same, transposed and in large units, so that one label is compared with all by vector instructions.
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

    /// Whether one of them dominates a label that comes after them in the order, so that they have paid no more in the first block.
    fn has_less(&self, label: &[Ticks; LEN]) -> bool {
        let is_no_more = |other: &[Ticks; LEN]| other.iter().zip(label).all(|(other, paid)| other <= paid);
        let Some(last) = self.num_entered.checked_sub(1) else { return false };
        let is_last_less = is_no_more(&self.labels[last % RECENT]);
        // With two blocks, the last label that was kept has paid least in the second.
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

/// An amount in units of 2^22 ticks: costs below 2^52 fit; larger amounts are equal.
fn rough(paid: Ticks) -> i32 {
    i32::try_from(paid >> 22).unwrap_or(i32::MAX - 1)
}
