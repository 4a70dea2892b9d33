//! Lists of downsets, with the sums that give the costs of blocks between them.

use std::collections::HashMap;

use crate::bits::{has, hash};
use crate::cost::Ticks;
use crate::ids::{narrow, wide};

/// A tensor that is live at a downset, and how many of its consumers are in it.
pub(crate) type Live = (u32, u32);

/// Sums over the nodes and the live tensors of a downset, on one kind of device.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Boundary {
    /// Ticks in which its nodes run, and where communication is not beside that, in which model outputs are paid.
    pub load: Ticks,
    /// Model outputs that are paid, where communication is beside the computation.
    pub outputs: Ticks,
    pub params: Ticks,
    pub bytes: u64,
    /// The exports of its live tensors, paid by the blocks of their producers, and their imports, paid by the blocks of consumers.
    pub exports: Ticks,
    pub imports: Ticks,
}

/// A list of downsets.
#[derive(Clone, Debug)]
pub(crate) struct Downsets {
    pub boundaries: Vec<Boundary>,
    words_per_set: usize,
    words: Vec<u64>,
    live: Vec<Live>,
    ends: Vec<usize>,
}

impl Downsets {
    /// No downset of so many nodes.
    pub(crate) fn new(num_nodes: usize) -> Self {
        Self {
            boundaries: Vec::new(),
            words_per_set: num_nodes.div_ceil(64),
            words: Vec::new(),
            live: Vec::new(),
            ends: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.boundaries.len()
    }

    /// Bytes that one more downset with so many live tensors takes.
    pub(crate) fn bytes_for(&self, num_live: usize) -> usize {
        self.words_per_set * size_of::<u64>()
            + size_of::<Boundary>()
            + num_live * size_of::<Live>()
            + size_of::<usize>()
    }

    /// Adds a downset; its live tensors need not be in order.
    pub(crate) fn push(&mut self, words: &[u64], boundary: Boundary, live: impl Iterator<Item = Live>) {
        let begin = self.live.len();
        self.live.extend(live);
        self.live[begin..].sort_unstable();
        self.ends.push(self.live.len());
        self.words.extend_from_slice(words);
        self.boundaries.push(boundary);
    }

    pub(crate) fn words(&self, index: usize) -> &[u64] {
        &self.words[index * self.words_per_set..][..self.words_per_set]
    }

    /// Whether a node is in a downset.
    pub(crate) fn contains(&self, index: usize, node: usize) -> bool {
        has(self.words(index), node)
    }

    pub(crate) fn live(&self, index: usize) -> &[Live] {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.live[begin..self.ends[index]]
    }

    /// Adds a downset of another list.
    pub(crate) fn append(&mut self, others: &Self, index: usize) {
        self.push(others.words(index), others.boundaries[index], others.live(index).iter().copied());
    }

    /// The downsets at these places, in this order.
    pub(crate) fn select(&self, places: impl Iterator<Item = usize>) -> Self {
        let mut selected = Self { words_per_set: self.words_per_set, ..Self::new(0) };
        for place in places {
            selected.append(self, place);
        }
        selected
    }

    /// With the sums that are in the list.
    pub(crate) fn priced(&self) -> Priced<'_> {
        Priced { downsets: self, boundaries: &self.boundaries }
    }
}

/// A list of downsets with sums on one kind of device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Priced<'a> {
    pub downsets: &'a Downsets,
    pub boundaries: &'a [Boundary],
}

impl<'a> Priced<'a> {
    pub(crate) fn words(self, index: usize) -> &'a [u64] {
        self.downsets.words(index)
    }

    pub(crate) fn live(self, index: usize) -> &'a [Live] {
        self.downsets.live(index)
    }
}

/// A hash set of downsets; equal hashes are confirmed by comparing the nodes.
#[derive(Debug, Default)]
pub(crate) struct Met(HashMap<u64, u32>);

impl Met {
    /// Enters a downset of a list.
    pub(crate) fn enter(&mut self, downsets: &Downsets, index: usize) {
        self.0.entry(hash(downsets.words(index))).or_insert(narrow(index));
    }

    /// Whether a downset was entered.
    pub(crate) fn has(&self, downsets: &Downsets, words: &[u64]) -> bool {
        self.0.get(&hash(words)).is_some_and(|&index| downsets.words(wide(index)) == words)
    }
}
