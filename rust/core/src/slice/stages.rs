//! The slices of one order on all stages: what each costs where, and what the stages can spend on the rest of the order.

use super::costs::SliceCosts;
use crate::cost::{Budget, Instance, Ticks};
use crate::ids::{NodeId, count};
use crate::order::TopologicalOrder;

/// Slice costs for each kind of device.
#[derive(Clone, Debug)]
pub(super) struct Stages<'a> {
    instance: &'a Instance,
    /// By kind.
    costs: Vec<SliceCosts<'a>>,
    /// By position; empty where stages are alike.
    nodes: Vec<NodeId>,
    /// None with one kind, where work is all that is weighed.
    budget: Option<Budget>,
    total: Ticks,
}

impl<'a> Stages<'a> {
    /// Buffers for an instance; [`load`](Self::load) an order before anything else.
    pub(super) fn new(instance: &'a Instance) -> Self {
        let budget = (instance.num_kinds() > 1).then(|| instance.budget());
        let total = budget.as_ref().map_or(instance.view(0).works(), |budget| &budget.nodes).iter().sum();
        let costs = (0..instance.num_kinds()).map(|kind| SliceCosts::new(instance, kind)).collect();
        Self { instance, costs, nodes: Vec::new(), budget, total }
    }

    /// Takes the order whose slices are asked about next.
    pub(super) fn load(&mut self, order: &TopologicalOrder) {
        for costs in &mut self.costs {
            costs.load(order);
        }
        if !self.instance.is_uniform() {
            self.nodes.clear();
            self.nodes.extend(order.nodes());
        }
    }

    /// The number of positions.
    pub(super) fn len(&self) -> usize {
        self.costs[0].len()
    }

    pub(super) fn num_stages(&self) -> usize {
        self.instance.num_blocks()
    }

    /// Whether all stages are alike.
    pub(super) fn are_alike(&self) -> bool {
        self.instance.is_uniform()
    }

    /// Whether all slices have simple costs ([`SliceCosts::is_simple`]).
    pub(super) fn are_simple(&self) -> bool {
        self.costs.iter().all(SliceCosts::is_simple)
    }

    /// The costs of slices at a stage, without regard to which nodes it may hold.
    pub(super) fn on(&self, stage: usize) -> &SliceCosts<'a> {
        &self.costs[self.instance.kind_of(stage)]
    }

    /// Whether a stage may hold the node at a position.
    #[inline]
    pub(super) fn may_be(&self, position: usize, stage: usize) -> bool {
        self.instance.allowed().is_none() || self.instance.may_be(self.nodes[position], stage)
    }

    /// What all nodes take of the room.
    pub(super) fn total(&self) -> Ticks {
        self.total
    }

    /// What the node at a position takes of the room at least.
    #[inline]
    pub(super) fn weight(&self, position: usize) -> Ticks {
        match &self.budget {
            None => self.costs[0].work_at(position),
            Some(budget) => budget.nodes[self.nodes[position].index()],
        }
    }

    /// What the stages from this one on can spend when each costs at most `cap`.
    pub(super) fn room(&self, stage: usize, cap: Ticks) -> i128 {
        let num_stages = self.num_stages();
        match &self.budget {
            None => i128::from(cap) * i128::from(count(num_stages - stage)),
            Some(budget) => budget.room(stage, num_stages, cap),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_unlike;
    use crate::cost::INFINITE;
    use crate::slice::{SliceSum, naive};

    /// However a slice is reached, it costs what the definition says of a block, and without imports no more when it shrinks.
    #[test]
    fn every_slice_costs_at_every_stage_what_the_block_costs() {
        let (mut num_stored, mut num_over) = (0, 0);
        for case in 0..2000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let num_nodes = random.random_range(1..8);
            let instance = random_unlike(&mut random, num_nodes, 3);
            let order = TopologicalOrder::natural(instance.graph());
            let mut stages = Stages::new(&instance);
            stages.load(&order);
            num_stored += instance.graph().num_params();
            for stage in 0..3 {
                let costs = stages.on(stage).slices();
                for start in 0..=if stage == 0 { 0 } else { num_nodes } {
                    let mut slice = SliceSum::empty_at(start);
                    while slice.end() < num_nodes {
                        costs.push_back(&mut slice);
                        let (end, mut shrunk) = (slice.end(), slice);
                        if stage < 2 || end == num_nodes {
                            let is_allowed = (start..end).all(|position| stages.may_be(position, stage));
                            let cost = if is_allowed { costs.cost(&slice) } else { INFINITE };
                            let truth = naive::slice_cost(&instance, &order, stage, start, end).cost;
                            assert_eq!(cost, truth, "case {case}");
                            num_over += usize::from(costs.cost(&slice) == INFINITE);
                        }
                        while shrunk.start() < end {
                            let more = [costs.cost_without_imports(&shrunk), costs.cost_without_io(&shrunk)];
                            costs.pop_front(&mut shrunk);
                            assert!(costs.cost_without_imports(&shrunk) <= more[0], "case {case}");
                            assert!(costs.cost_without_io(&shrunk) <= more[1], "case {case}");
                        }
                        while shrunk.start() > start {
                            costs.push_front(&mut shrunk);
                        }
                        assert_eq!(shrunk, slice, "case {case}");
                    }
                }
            }
        }
        assert!(num_stored > 500 && num_over > 1000, "{num_stored} {num_over}");
    }
}
