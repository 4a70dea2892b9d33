//! Stage windows: the first and the last block that each node can be in.

use super::sum;
use crate::cost::{Allowed, Instance, Ticks};
use crate::ids::{NodeId, wide};

/// What the first blocks of every partition better than a threshold weigh, by node weights (`weights.rs`).
///
/// Entry `b` is about the first `b` blocks, where trailing ones may be empty, or else leading ones. The default knows
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixWeights {
    /// At least.
    pub least: Vec<Ticks>,
    /// At most.
    pub most: Vec<Ticks>,
}

/// The first and the last block of every node, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The first.
    pub earliest: Vec<usize>,
    /// The last.
    pub latest: Vec<usize>,
}

impl Windows {
    /// Of so many nodes, any of so many blocks.
    #[must_use]
    pub fn all(num_nodes: usize, num_blocks: usize) -> Self {
        Self { earliest: vec![1; num_nodes], latest: vec![num_blocks; num_nodes] }
    }

    /// Of the nodes of an instance, from the first block that may hold a node to the last.
    pub(super) fn of(instance: &Instance) -> Self {
        let mut windows = Self::all(instance.graph().num_nodes(), instance.num_blocks());
        if let Some(allowed) = instance.allowed() {
            windows.snap(allowed);
        }
        windows
    }

    /// Ends windows at blocks that may hold the nodes.
    pub(super) fn snap(&mut self, allowed: &Allowed) {
        for (node, (earliest, latest)) in self.earliest.iter_mut().zip(&mut self.latest).enumerate() {
            let mut stages = allowed.stages(NodeId::new(node)).map(|stage| stage + 1);
            let is_in = |block: &usize| (*earliest..=*latest).contains(block);
            let first = stages.find(is_in);
            let last = stages.filter(is_in).last().or(first);
            (*earliest, *latest) = first.zip(last).unwrap_or((*latest + 1, *latest));
        }
    }

    /// How many blocks more than one nodes can be in, all together.
    pub(crate) fn slack(&self) -> usize {
        self.earliest.iter().zip(&self.latest).map(|(first, last)| last - first).sum()
    }

    /// Whether every node has a block.
    pub(super) fn are_open(&self) -> bool {
        self.earliest.iter().zip(&self.latest).all(|(first, last)| first <= last)
    }

    /// Whether a node is always among the first blocks, and whether it never is.
    pub(crate) fn sides(&self, node: u32, num_blocks: usize) -> [bool; 2] {
        [self.latest[wide(node)] <= num_blocks, self.earliest[wide(node)] > num_blocks]
    }
}

impl PrefixWeights {
    /// The first blocks weigh no more than the nodes that can be there, and no less than those that must.
    pub(super) fn tighten(&mut self, windows: &Windows, weights: &[Ticks]) {
        for (blocks, is_most) in [(&windows.earliest, true), (&windows.latest, false)] {
            let mut held = vec![0; self.most.len()];
            for (&block, weight) in blocks.iter().zip(weights) {
                held[block] += weight;
            }
            let mut sum = 0;
            for (b, held) in held.into_iter().enumerate() {
                sum += held;
                if is_most {
                    self.most[b] = self.most[b].min(sum);
                } else {
                    self.least[b] = self.least[b].max(sum);
                }
            }
        }
    }

    /// Blocks weigh at least nothing, and at most what there is room for.
    pub(super) fn spread(&mut self, rooms: &[Ticks]) {
        let Self { least, most } = self;
        for (b, room) in rooms.iter().enumerate() {
            most[b + 1] = most[b + 1].min(most[b].saturating_add(*room));
            least[b + 1] = least[b + 1].max(least[b]);
        }
        for (b, room) in rooms.iter().enumerate().rev() {
            most[b] = most[b].min(most[b + 1]);
            least[b] = least[b].max(least[b + 1].saturating_sub(*room));
        }
    }

    /// How far the least and the most are from each other, all together.
    pub(super) fn slack(&self) -> i128 {
        sum(&self.most) - sum(&self.least)
    }

    pub(super) fn are_open(&self) -> bool {
        self.least.iter().zip(&self.most).all(|(least, most)| least <= most)
    }
}
