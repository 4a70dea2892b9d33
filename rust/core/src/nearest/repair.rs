//! Simulated annealing of what moves and of what blocks cost too much.
//!
//! The energy of a partition is the part of the weight of the plan that moves, and a multiple of what its blocks cost above the
//! threshold, in thresholds. One node after the other goes to a block next to its own, or to that of the plan. A step up is taken
//! when it is below the temperature times a number drawn from 0 to 1, which needs no function that machines round differently.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Search, Weight};
use crate::cost::Ticks;
use crate::ids::{NodeId, count, float, narrow};
use crate::interrupt::Interrupted;
use crate::search::{Assignment, Sums};

/// The part of the energy that nodes count for where there are parameters.
const PART_OF_NODES: f64 = 1e-3;

/// One annealing.
#[derive(Clone, Copy, Debug)]
pub struct Annealing {
    /// Steps for each node.
    pub steps: usize,
    /// What a threshold that is exceeded once more adds to the energy.
    pub excess: f64,
    /// The temperature of the first step and of the last, in parts of what all nodes weigh in the mean.
    pub temperatures: [f64; 2],
}

/// Anneals from a partition; what it ends with may have blocks that are not below the threshold.
///
/// # Errors
/// [`Interrupted`], when the interrupt was raised first.
///
/// # Complexity
/// O(steps × degree).
pub(super) fn anneal(
    search: &Search<'_>,
    start: &[usize],
    annealing: &Annealing,
    seed: u64,
) -> Result<Vec<usize>, Interrupted> {
    let instance = search.instance;
    let num_nodes = instance.graph().num_nodes();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut walk = Walk::new(search, start, annealing.excess);
    let num_steps = annealing.steps.saturating_mul(num_nodes);
    let [hot, cold] = annealing.temperatures.map(|part| part / float(count(num_nodes)));
    for step in 0..num_steps {
        search.interrupt.check(step)?;
        let temperature = hot + (cold - hot) * float(count(step)) / float(count(num_steps));
        let node = NodeId::new(random.random_range(0..num_nodes));
        let Some(to) = walk.propose(node, random.random_range(0..3)) else { continue };
        walk.try_shift(node, to, temperature * random.random::<f64>());
    }
    Ok(walk.assignment.to_blocks())
}

struct Walk<'a> {
    plan: &'a [usize],
    assignment: Assignment<'a>,
    most: Ticks,
    excess: f64,
    /// What each node adds to the energy when it moves.
    weights: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(search: &Search<'a>, start: &[usize], excess: f64) -> Self {
        let graph = search.instance.graph();
        let total = graph.nodes().fold(Weight::default(), |sum, node| sum + Weight::of(graph, node));
        let of_nodes = if total.bytes == 0 { 1.0 } else { PART_OF_NODES };
        let weigh = |node: NodeId| {
            let Weight { bytes, nodes } = Weight::of(graph, node);
            float(bytes) / float(total.bytes.max(1)) + of_nodes * float(nodes) / float(total.nodes)
        };
        let assignment = Assignment::new(search.instance, start);
        let weights = graph.nodes().map(weigh).collect();
        Self { plan: search.plan, assignment, most: search.threshold - 1, excess, weights }
    }

    /// The block before the node's own, the one after it, or the nearest to that of the plan; none where it cannot go.
    fn propose(&self, node: NodeId, which: u32) -> Option<u32> {
        let (low, high) = self.assignment.range(node);
        let from = self.assignment.block(node);
        let to = match which {
            0 => from.max(low + 1) - 1,
            1 => (from + 1).min(high),
            _ => narrow(self.plan[node.index()]).clamp(low, high),
        };
        (to != from).then_some(to)
    }

    fn try_shift(&mut self, node: NodeId, to: u32, most: f64) {
        let from = self.assignment.block(node);
        let home = narrow(self.plan[node.index()]);
        let sums = self.assignment.shifted(node, to);
        let before = self.above(from) + self.above(to);
        let after = self.above_of(from, sums.0) + self.above_of(to, sums.1);
        let weight = self.weights[node.index()];
        let moves = f64::from(i8::from(to != home) - i8::from(from != home)) * weight;
        if moves + self.excess * (after - before) < most {
            self.assignment.shift(node, to, sums);
        }
    }

    fn above(&self, block: u32) -> f64 {
        self.above_of(block, self.assignment.sums(block))
    }

    /// How far a block is above what it may cost and hold, in parts of that.
    fn above_of(&self, block: u32, sums: Sums) -> f64 {
        let above = (self.assignment.busy(block, sums) - self.most).max(0);
        float(above) / float(self.most.max(1)) + self.assignment.excess(block, sums)
    }
}
