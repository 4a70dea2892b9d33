//! What a node weighs beside what a stage is to hold, whatever their kinds.

use crate::cost::{Budget, Instance, Ticks};
use crate::ids::{NodeId, count};

/// Work where there is one kind of device, else the budget's weights.
pub(super) struct Weights<'a> {
    instance: &'a Instance,
    budget: Option<Budget>,
    total: Ticks,
}

impl<'a> Weights<'a> {
    /// # Complexity
    /// O((nodes + tensors + reads) kinds).
    pub(super) fn new(instance: &'a Instance) -> Self {
        let budget = (instance.num_kinds() > 1).then(|| instance.budget());
        let total = budget.as_ref().map_or(instance.view(0).works(), |budget| &budget.nodes).iter().sum();
        Self { instance, budget, total }
    }

    /// What a node weighs.
    pub(super) fn of(&self, node: NodeId) -> Ticks {
        match &self.budget {
            None => self.instance.view(0).work(node),
            Some(budget) => budget.nodes[node.index()],
        }
    }

    /// One of so many parts of what a stage is to hold when all of them cost the same.
    pub(super) fn share(&self, stage: usize, parts: Ticks) -> Ticks {
        let num_blocks = self.instance.num_blocks();
        match &self.budget {
            None => self.total / (count(num_blocks) * parts),
            Some(budget) => {
                let sums = budget.sums();
                let share = i128::from(self.total) * (sums[stage + 1] - sums[stage]) / sums[num_blocks];
                Ticks::try_from(share).unwrap_or(Ticks::MAX) / parts
            }
        }
    }
}
