//! How good a partition is, where its bottleneck alone would not tell.
//!
//! Networks repeat themselves, so that often many blocks cost the same: the bottleneck alone tells no difference until all
//! of them are cheaper. So the objective is lexicographic.

use crate::cost::{BlockCost, Instance, Ticks, bottleneck, partition_costs};

/// Least is best: first the bottleneck, then how many blocks cost that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Objective {
    /// What the most expensive block costs.
    pub(super) bottleneck: Ticks,
    /// How many blocks cost that.
    pub(super) num_expensive: usize,
}

impl Objective {
    /// # Complexity
    /// O(nodes + reads).
    pub(super) fn of(instance: &Instance, block_of: &[usize]) -> Self {
        let mut costs = partition_costs(instance, block_of);
        costs.resize(instance.num_blocks(), BlockCost::default());
        let bottleneck = bottleneck(&costs);
        Self { bottleneck, num_expensive: costs.iter().filter(|block| block.cost == bottleneck).count() }
    }
}
