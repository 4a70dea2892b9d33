//! The downsets that are reached from one end, level by level.

use std::sync::Arc;

use super::list::{Boundary, Downsets, Met, Priced};
use super::prices::Prices;
use crate::cost::Ticks;
use crate::ids::wide;

/// The downsets that blocks lead to from the empty one, or from which blocks lead to the whole graph.
pub(super) struct End {
    /// All of them, level by level; where there are several kinds, the sums of each are on the kind of its level.
    pub reached: Downsets,
    /// Sums on each kind, of the first of them; empty where there is one kind.
    rows: Vec<Vec<Boundary>>,
    /// The downset at the other boundary of the block that leads to each one.
    parent: Vec<u32>,
    /// Where levels begin, from level 0, the end itself; and where the next one will.
    begins: Vec<usize>,
    /// The most that is paid between the end and a downset of each level.
    paid: Vec<Ticks>,
    pub met: Met,
    pub is_exhausted: bool,
    /// Steps that the last level took, or was given.
    pub steps: u64,
}

impl End {
    pub(super) fn new(first: Downsets) -> Self {
        let mut met = Met::default();
        met.enter(&first, 0);
        Self {
            reached: first,
            rows: Vec::new(),
            parent: vec![0],
            begins: vec![0, 1],
            paid: vec![0],
            met,
            is_exhausted: false,
            steps: 0,
        }
    }

    /// Levels that are known, level 0 not counted.
    pub(super) fn num_levels(&self) -> usize {
        self.paid.len() - 1
    }

    /// Where a level begins.
    pub(super) fn begin_of(&self, level: usize) -> usize {
        self.begins[level]
    }

    /// The level of a downset.
    pub(super) fn level_of(&self, index: usize) -> usize {
        self.begins.partition_point(|&begin| begin <= index) - 1
    }

    /// The last level that has downsets.
    pub(super) fn last_level(&self) -> usize {
        self.level_of(self.reached.len() - 1)
    }

    /// The most that is paid between the end and a downset of the levels from one on.
    pub(super) fn most_paid(&self, level: usize) -> Ticks {
        self.paid[level..].iter().copied().max().unwrap_or(0)
    }

    /// The least load of a downset from a place on, less what a block after it imports at most, on a kind.
    pub(super) fn start(&self, begin: usize, kind: Option<usize>) -> Ticks {
        let boundaries = &self.priced(kind).boundaries[begin..];
        boundaries.iter().map(|boundary| boundary.load - boundary.imports).min().unwrap_or(0)
    }

    /// Adds a downset of the next level, with sums on a kind if there are several, and the one that a block leads to it from.
    pub(super) fn push(&mut self, found: &Downsets, index: usize, origin: u32, kind: Option<usize>) {
        self.reached.append(found, index);
        self.parent.push(origin);
        self.met.enter(&self.reached, self.reached.len() - 1);
        if let Some(kind) = kind {
            self.rows[kind].push(found.boundaries[index]);
        }
    }

    /// Ends the next level, in which so much is paid at most.
    pub(super) fn end_level(&mut self, paid: Ticks) {
        self.begins.push(self.reached.len());
        self.paid.push(paid);
    }

    /// Adds sums on a kind for all downsets that have none, and says how many.
    pub(super) fn price(&mut self, kind: usize, prices: &Arc<Prices>) -> usize {
        self.rows.resize(self.rows.len().max(kind + 1), Vec::new());
        let begin = self.rows[kind].len();
        for index in begin..self.reached.len() {
            let bytes = self.reached.boundaries[index].bytes;
            let sums = prices.boundary(self.reached.words(index), self.reached.live(index), bytes);
            self.rows[kind].push(sums);
        }
        self.reached.len() - begin
    }

    /// All downsets with sums on a kind, for which they have been worked out, or on the only one.
    pub(super) fn priced(&self, kind: Option<usize>) -> Priced<'_> {
        kind.map_or_else(
            || self.reached.priced(),
            |kind| Priced { downsets: &self.reached, boundaries: &self.rows[kind] },
        )
    }

    /// A downset, and those one block after the other nearer to the end.
    pub(super) fn chain(&self, mut index: usize) -> Vec<usize> {
        let mut chain = vec![index];
        while index != 0 {
            index = wide(self.parent[index]);
            chain.push(index);
        }
        chain
    }
}
