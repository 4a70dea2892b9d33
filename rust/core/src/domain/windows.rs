//! Stage windows: the first and the last block in which each node can be.

use super::sum;
use crate::cost::{Allowed, Instance, Ticks};
use crate::ids::{NodeId, wide};

/// Prefix weights: bounds on the node weight (`weights.rs`) of the first `b` blocks of every partition below a threshold.
///
/// Entry `b` is about the first `b` blocks, where trailing ones may be empty, or else leading ones. The default has no bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixWeights {
    /// The lower bounds.
    pub least: Vec<Ticks>,
    /// The upper bounds.
    pub most: Vec<Ticks>,
}

/// The first and the last block of every node, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The first block of each node.
    pub earliest: Vec<usize>,
    /// The last block of each node.
    pub latest: Vec<usize>,
}

impl Windows {
    /// Windows of all blocks, for each node.
    #[must_use]
    pub fn all(num_nodes: usize, num_blocks: usize) -> Self {
        Self { earliest: vec![1; num_nodes], latest: vec![num_blocks; num_nodes] }
    }

    /// The windows of an instance: from the first block that may hold a node to the last one.
    pub(super) fn of(instance: &Instance) -> Self {
        let mut windows = Self::all(instance.graph().num_nodes(), instance.num_blocks());
        if let Some(allowed) = instance.allowed() {
            windows.snap(allowed);
        }
        windows
    }

    /// Narrows windows so that they begin and end at blocks that may hold the nodes.
    pub(super) fn snap(&mut self, allowed: &Allowed) {
        for (node, (earliest, latest)) in self.earliest.iter_mut().zip(&mut self.latest).enumerate() {
            let mut stages = allowed.stages(NodeId::new(node)).map(|stage| stage + 1);
            let is_in = |block: &usize| (*earliest..=*latest).contains(block);
            let first = stages.find(is_in);
            let last = stages.filter(is_in).last().or(first);
            (*earliest, *latest) = first.zip(last).unwrap_or((*latest + 1, *latest));
        }
    }

    /// The sum of the windows' lengths beyond one block.
    pub(crate) fn slack(&self) -> usize {
        self.earliest.iter().zip(&self.latest).map(|(first, last)| last - first).sum()
    }

    /// Whether no window is empty.
    pub(super) fn are_open(&self) -> bool {
        self.earliest.iter().zip(&self.latest).all(|(first, last)| first <= last)
    }

    /// Whether a node is certainly among the first blocks, and whether it certainly is not.
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

    /// Narrows the bounds by their neighbours: a block weighs at least nothing, and at most its capacity.
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

    /// The sum of the differences between upper and lower bounds.
    pub(super) fn slack(&self) -> i128 {
        sum(&self.most) - sum(&self.least)
    }

    pub(super) fn are_open(&self) -> bool {
        self.least.iter().zip(&self.most).all(|(least, most)| least <= most)
    }
}
