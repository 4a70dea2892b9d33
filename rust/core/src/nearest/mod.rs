//! A partition below a threshold that is near a plan: it moves few bytes of parameters, and then few nodes.
//!
//! [`stay_near`] improves a partition below the threshold
//!
//! 1. by slicing orders in which the blocks of the plan, or those of the best partition so far, are consecutive: the nearest of all
//!    slicings of an order below the threshold is found exactly (`slices.rs`);
//! 2. by moving a node back to its block of the plan, with all nodes that have to move with it (`returns.rs`);
//! 3. by annealing, from the plan and from the best partition so far (`repair.rs`), after which 1 and 2 are repeated.
//!
//! The method is a heuristic: a nearer partition may exist.

mod repair;
mod returns;
mod slices;

pub use repair::Annealing;

use std::ops::{Add, AddAssign, Sub};

use crate::cost::{Instance, Ticks, bottleneck, partition_costs};
use crate::graph::Graph;
use crate::ids::{NodeId, count, float};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;

/// The limits of [`stay_near`].
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// Steps of the dynamic program for all orders, each a slice and a block; and steps of moves.
    pub steps: [u64; 2],
    /// Entries of the table of the dynamic program; not measured.
    pub table: usize,
    /// Annealings, each from the plan and from the best partition so far.
    pub annealings: [Annealing; 2],
}

impl Default for Params {
    fn default() -> Self {
        let annealing = Annealing { steps: 1 << 9, excess: 10.0, temperatures: [3.0, 0.03] };
        let annealings = [annealing, Annealing { excess: 100.0, ..annealing }];
        Self { steps: [1 << 30, 1 << 24], table: 1 << 24, annealings }
    }
}

/// Bytes of parameters and number of some nodes; bytes count first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    bytes: i64,
    nodes: i64,
}

impl Weight {
    fn of(graph: &Graph, node: NodeId) -> Self {
        Self { bytes: i64::try_from(graph.param_bytes(node)).unwrap_or(i64::MAX), nodes: 1 }
    }
}

impl Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, nodes: self.nodes + other.nodes }
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Weight {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { bytes: self.bytes - other.bytes, nodes: self.nodes - other.nodes }
    }
}

/// What moves from the plan to a partition.
fn distance(graph: &Graph, plan: &[usize], block_of: &[usize]) -> Weight {
    let moved = graph.nodes().filter(|node| plan[node.index()] != block_of[node.index()]);
    moved.fold(Weight::default(), |sum, node| sum + Weight::of(graph, node))
}

/// A partition whose blocks cost less than `threshold`, near `plan`, and at most as far from it as `start`.
///
/// An interrupt leaves the best so far.
///
/// # Panics
/// When `plan` or `start` is no partition.
///
/// # Complexity
/// O(nodes + reads) and the steps of `params`.
#[must_use]
pub fn stay_near(
    instance: &Instance,
    plan: &[usize],
    start: &[usize],
    threshold: Ticks,
    params: &Params,
    interrupt: &Interrupt,
) -> Vec<usize> {
    let search = Search { instance, plan, threshold, params, interrupt };
    if search.is_below(plan) {
        return plan.to_vec();
    }
    let mut best = start.to_vec();
    // What was found before an interrupt counts.
    let _ = search.run(&mut best);
    best
}

struct Search<'a> {
    instance: &'a Instance,
    plan: &'a [usize],
    threshold: Ticks,
    params: &'a Params,
    interrupt: &'a Interrupt,
}

impl Search<'_> {
    fn run(&self, best: &mut Vec<usize>) -> Result<(), Interrupted> {
        let graph = self.instance.graph();
        let [mut steps, mut moves] = self.params.steps;
        let orders = [TopologicalOrder::natural(graph), TopologicalOrder::depth_first(graph)]
            .into_iter()
            .chain([TopologicalOrder::breadth_first(graph), TopologicalOrder::post_order(graph)]);
        for order in orders {
            let mut position = vec![0; graph.num_nodes()];
            for (place, node) in order.nodes().iter().enumerate() {
                position[node.index()] = place;
            }
            self.slice(self.plan, &position, best, &mut steps)?;
            self.slice(best.clone().as_slice(), &position, best, &mut steps)?;
        }
        self.polish(best, &mut steps, &mut moves)?;
        for (seed, annealing) in (0..).zip(&self.params.annealings) {
            for start in [self.plan.to_vec(), best.clone()] {
                let mut found = repair::anneal(self, &start, annealing, seed)?;
                if !self.is_below(&found) {
                    continue;
                }
                self.polish(&mut found, &mut steps, &mut moves)?;
                self.take(found, best);
            }
        }
        Ok(())
    }

    fn is_below(&self, block_of: &[usize]) -> bool {
        bottleneck(&partition_costs(self.instance, block_of)) < self.threshold
    }

    /// Takes a partition when it is nearer.
    fn take(&self, found: Vec<usize>, best: &mut Vec<usize>) {
        let graph = self.instance.graph();
        if distance(graph, self.plan, &found) < distance(graph, self.plan, best) {
            *best = found;
        }
    }

    /// Slices and moves back in turn, as long as the partition improves.
    fn polish(&self, best: &mut Vec<usize>, steps: &mut u64, moves: &mut u64) -> Result<(), Interrupted> {
        let graph = self.instance.graph();
        loop {
            let before = distance(graph, self.plan, best);
            self.slice(self.plan, best.clone().as_slice(), best, steps)?;
            self.slice(best.clone().as_slice(), self.plan, best, steps)?;
            returns::descend(self.instance, self.plan, best, self.threshold, moves, self.interrupt)?;
            if distance(graph, self.plan, best) >= before {
                return Ok(());
            }
        }
    }

    /// Slices the order by the first keys and then by the second, and takes the slicing when it is nearer.
    fn slice(
        &self,
        first: &[usize],
        then: &[usize],
        best: &mut Vec<usize>,
        steps: &mut u64,
    ) -> Result<(), Interrupted> {
        let graph = self.instance.graph();
        let width = then.iter().max().map_or(1, |most| most + 1);
        let keys: Vec<f64> = first.iter().zip(then).map(|(&one, &two)| float(count(one * width + two))).collect();
        let Ok(order) = TopologicalOrder::from_keys(graph, &keys) else { return Ok(()) };
        if let Some(found) = slices::nearest(self, &order, steps)? {
            self.take(found, best);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::{random_instance, random_partition};
    use crate::cost::INFINITE;

    /// What stays in place in each slicing of an order into so many blocks below a threshold, at most; slice after slice.
    fn nearest_slicing(search: &Search<'_>, order: &TopologicalOrder, ends: &mut Vec<usize>) -> Option<Weight> {
        let (graph, num_nodes) = (search.instance.graph(), order.nodes().len());
        if ends.len() + 1 == search.instance.num_blocks() {
            let mut block_of = vec![0; num_nodes];
            for (place, node) in order.nodes().iter().enumerate() {
                block_of[node.index()] = ends.iter().filter(|&&end| end <= place).count();
            }
            return search.is_below(&block_of).then(|| distance(graph, search.plan, &block_of));
        }
        let mut nearest = None;
        for end in ends.last().copied().unwrap_or(0)..=num_nodes {
            ends.push(end);
            let found = nearest_slicing(search, order, ends);
            nearest = [nearest, found].into_iter().flatten().min();
            ends.pop();
        }
        nearest
    }

    #[test]
    fn the_nearest_slicing_of_an_order_is_found() {
        let (mut random, mut num_moved, mut num_none) = (Xoshiro256PlusPlus::seed_from_u64(1), 0, 0);
        for case in 0..2000 {
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let plan = random_partition(&mut random, &instance);
            let keys: Vec<f64> = (0..num_nodes).map(|_| random.random()).collect();
            let order = TopologicalOrder::from_keys(instance.graph(), &keys).expect("a key for each");
            let bound = instance.combinatorial_bound();
            let threshold = bound + random.random_range(0..=bound.max(1));
            let (params, interrupt) = (Params::default(), Interrupt::never());
            let search = Search { instance: &instance, plan: &plan, threshold, params: &params, interrupt: &interrupt };
            let found = slices::nearest(&search, &order, &mut { params.steps[0] }).expect("no interrupt");
            let least = nearest_slicing(&search, &order, &mut Vec::new());
            assert!(found.as_ref().is_none_or(|found| search.is_below(found)), "case {case}");
            let found = found.map(|found| distance(instance.graph(), &plan, &found));
            assert_eq!(found, least, "case {case}");
            num_moved += usize::from(least.is_some_and(|least| least > Weight::default()));
            num_none += usize::from(least.is_none());
        }
        assert!(num_moved > 200 && num_none > 200, "{num_moved} {num_none}");
    }

    #[test]
    fn each_way_to_better_a_partition_keeps_below_the_threshold_and_comes_no_further() {
        let (mut random, mut num_nearer) = (Xoshiro256PlusPlus::seed_from_u64(2), 0);
        for case in 0..1000 {
            let num_nodes = random.random_range(1..40);
            let instance = random_instance(&mut random, num_nodes, 4);
            let (plan, start) = (random_partition(&mut random, &instance), random_partition(&mut random, &instance));
            let known = bottleneck(&partition_costs(&instance, &start));
            if known == INFINITE {
                continue;
            }
            let threshold = known + random.random_range(1..10);
            let (params, interrupt) = (Params::default(), Interrupt::never());
            let before = distance(instance.graph(), &plan, &start);
            let mut returned = start.clone();
            let mut steps = params.steps[1];
            returns::descend(&instance, &plan, &mut returned, threshold, &mut steps, &interrupt).expect("as above");
            let found = stay_near(&instance, &plan, &start, threshold, &params, &interrupt);
            for block_of in [returned, found] {
                assert!(bottleneck(&partition_costs(&instance, &block_of)) < threshold, "case {case}");
                let after = distance(instance.graph(), &plan, &block_of);
                assert!(after <= before, "case {case}");
                num_nearer += usize::from(after < before);
            }
        }
        assert!(num_nearer > 1000, "{num_nearer}");
    }
}
