//! The budget: one linear inequality for unlike stages, between the weights of nodes and tensors and the capacity of all stages.
//!
//! **Claim.** Let stage `j` have a multiplier `m_j >= 0`, let `u(v)` be the least `m_j load_j(v)` over the stages `j` that may
//! hold `v`, and `e(x)`, `i(x)` the least `m_j export_j(x)` and `m_j transfer_j(x)` over the stages that may make or read `x`.
//! If every block costs at most `cap`, then
//!
//! ```text
//! sum of u(v) + sum of e(x) over cut x + sum of i(x) over the blocks that import x  <=  cap * sum of m_j,
//! ```
//!
//! and the same holds for the first stages by themselves, and for the last.
//!
//! **Proof.** Multiply what block `j` pays by `m_j` and add up. Every node and tensor on the left is paid by some stage, at no
//! less than its least price. A stage that overlaps pays at least its work: its `load` is its work, and its `export` and
//! `transfer` are zero. ∎
//!
//! Rounding terms on the left down and the right side down keeps the claim, since the left side is an integer then.
//! The claim holds for any multipliers; `multipliers.rs` finds good ones.

use super::instance::Instance;
use super::multipliers::{Multipliers, best_multipliers};
use super::ticks::Ticks;
use super::view::View;
use crate::bits::has;
use crate::ids::{NodeId, TensorId, float};

/// The weights of nodes and tensors, and the capacities of stages in the same unit.
#[derive(Clone, Debug)]
pub struct Budget {
    shift: u32,
    /// By kind.
    multipliers: Vec<i64>,
    /// Sums of the multipliers of the stages before each stage.
    sums: Vec<i128>,
    /// By node.
    pub nodes: Vec<Ticks>,
    /// By tensor: what the block of its producer pays more when another block reads it.
    pub exports: Vec<Ticks>,
    /// By tensor: what every block pays that reads it and does not contain its producer.
    pub imports: Vec<Ticks>,
}

impl Budget {
    /// The number of stages.
    #[must_use]
    pub fn num_stages(&self) -> usize {
        self.sums.len() - 1
    }

    /// The multiplier of each kind.
    #[must_use]
    pub fn multipliers(&self) -> &[i64] {
        &self.multipliers
    }

    /// Sums of the multipliers of the stages before each stage, and of all.
    #[must_use]
    pub fn sums(&self) -> &[i128] {
        &self.sums
    }

    /// The capacity of the stages `first..last` together when each costs at most `cap`.
    #[must_use]
    pub fn room(&self, first: usize, last: usize, cap: Ticks) -> i128 {
        (i128::from(cap) * (self.sums[last] - self.sums[first])) >> self.shift
    }

    /// The weight of a cost on a kind, rounded down.
    #[must_use]
    pub fn take(&self, kind: usize, cost: Ticks) -> Ticks {
        scaled(self.multipliers[kind], cost, self.shift)
    }
}

fn scaled(multiplier: i64, cost: Ticks, shift: u32) -> Ticks {
    Ticks::try_from((i128::from(multiplier) * i128::from(cost)) >> shift).unwrap_or(Ticks::MAX)
}

/// The load of a node on a kind; on one that overlaps, its work.
pub(super) fn load(view: View<'_>, node: NodeId) -> Ticks {
    if view.is_overlap() { view.work(node) } else { view.load(node) }
}

/// The kinds of the stages that may hold each node, as bits; none when all may.
pub(super) fn kinds_of_nodes(instance: &Instance) -> Option<Vec<u64>> {
    let allowed = instance.allowed.as_ref()?;
    Some(instance.graph().nodes().map(|v| instance.kinds_of(allowed.of(v))).collect())
}

impl Instance {
    /// The kinds that have a stage, as bits.
    pub(crate) fn used_kinds(&self) -> u64 {
        if self.num_kinds() == 1 { 1 } else { self.kind_of.iter().fold(0, |mask, &kind| mask | 1 << kind) }
    }

    /// The kinds of some stages, as bits.
    pub(crate) fn kinds_of(&self, stages: &[u64]) -> u64 {
        let stages = (0..self.num_blocks()).filter(|&stage| has(stages, stage));
        stages.fold(0, |kinds, stage| kinds | 1 << self.kind_of(stage))
    }

    /// The number of stages of each kind.
    pub(super) fn stages_of_kinds(&self) -> Vec<i64> {
        let mut counts = vec![0; self.num_kinds()];
        (0..self.num_blocks()).for_each(|stage| counts[self.kind_of(stage)] += 1);
        counts
    }

    /// As [`Budget::take`].
    pub(crate) fn weigh(&self, kind: usize, cost: Ticks) -> Ticks {
        scaled(self.multipliers.of_kinds[kind], cost, self.multipliers.shift)
    }

    /// The least cost on a kind that has this weight.
    pub(crate) fn ticks_of(&self, kind: usize, weight: Ticks) -> Ticks {
        let multiplier = i128::from(self.multipliers.of_kinds[kind]);
        let ticks = ((i128::from(weight) << self.multipliers.shift) + multiplier - 1) / multiplier;
        Ticks::try_from(ticks).unwrap_or(Ticks::MAX)
    }

    /// The capacity of each stage when it costs at most `cap`.
    #[must_use]
    pub fn rooms(&self, cap: Ticks) -> Vec<Ticks> {
        (0..self.num_blocks()).map(|stage| self.weigh(self.kind_of(stage), cap)).collect()
    }

    /// The node weights of the budget.
    ///
    /// # Complexity
    /// O((nodes + produced tensors) kinds).
    #[must_use]
    pub fn node_weights(&self) -> Vec<Ticks> {
        let (masks, all) = (kinds_of_nodes(self), self.used_kinds());
        if self.num_kinds() == 1 && masks.is_none() {
            return self.graph().nodes().map(|v| load(self.view(0), v)).collect();
        }
        let least = |v: NodeId| {
            let kinds = masks.as_ref().map_or(all, |masks| masks[v.index()]);
            let views = self.views().filter(|view| kinds >> view.kind() & 1 == 1);
            views.map(|view| self.weigh(view.kind(), load(view, v))).min().unwrap_or(0)
        };
        self.graph().nodes().map(least).collect()
    }

    /// Multipliers for which the bound on the mean block is large.
    ///
    /// # Complexity
    /// O(nodes kinds^2) times a constant where there are several kinds.
    pub(super) fn find_multipliers(&self) -> Multipliers {
        if self.num_kinds() == 1 {
            return Multipliers::default();
        }
        let works: Vec<Vec<f64>> =
            self.views().map(|view| self.graph().nodes().map(|v| float(load(view, v))).collect()).collect();
        best_multipliers(&works, kinds_of_nodes(self).as_deref(), &self.stages_of_kinds())
    }

    /// The budget of the costs of blocks.
    ///
    /// # Complexity
    /// O((nodes + tensors + reads) kinds).
    #[must_use]
    pub fn budget(&self) -> Budget {
        let Multipliers { of_kinds: multipliers, shift } = self.multipliers.clone();
        let mut sums = Vec::with_capacity(self.num_blocks() + 1);
        sums.push(0);
        let mut sum = 0;
        for stage in 0..self.num_blocks() {
            sum += i128::from(multipliers[self.kind_of(stage)]);
            sums.push(sum);
        }
        let (graph, all) = (self.graph(), self.used_kinds());
        if self.is_uniform() && !self.only().is_overlap() {
            // The general case below, specialised.
            let view = self.only();
            let exports = graph.tensors().map(|x| view.export(x)).collect();
            let (nodes, imports) = (self.node_weights(), view.transfers().to_vec());
            return Budget { shift, multipliers, sums, nodes, exports, imports };
        }
        let masks = kinds_of_nodes(self);
        let mask = |v: NodeId| masks.as_ref().map_or(all, |masks| masks[v.index()]);
        let least = |kinds: u64, cost: &dyn Fn(View<'_>) -> Ticks| {
            let costs = self.views().filter(|view| kinds >> view.kind() & 1 == 1);
            costs.map(|view| scaled(multipliers[view.kind()], cost(view), shift)).min().unwrap_or(0)
        };
        let moved = |view: View<'_>, cost: Ticks| if view.is_overlap() { 0 } else { cost };
        let export = |x: TensorId| {
            let kinds = graph.producer(x).map_or(all, &mask);
            least(kinds, &|view| moved(view, view.export(x)))
        };
        let import = |x: TensorId| {
            let kinds = graph.consumers(x).iter().fold(0, |kinds, &v| kinds | mask(v));
            least(kinds, &|view| moved(view, view.transfer(x)))
        };
        Budget {
            nodes: self.node_weights(),
            exports: graph.tensors().map(export).collect(),
            imports: graph.tensors().map(import).collect(),
            shift,
            multipliers,
            sums,
        }
    }
}

/// The sum of the multipliers of all stages.
pub(super) fn all_room(multipliers: &[i64], counts: &[i64]) -> i128 {
    multipliers.iter().zip(counts).map(|(&multiplier, &stages)| i128::from(multiplier) * i128::from(stages)).sum()
}

/// The least weight of a cost over the kinds of a mask, not rounded.
pub(super) fn least_weight(
    instance: &Instance,
    multipliers: &[i64],
    kinds: u64,
    cost: &dyn Fn(View<'_>) -> Ticks,
) -> i128 {
    let views = instance.views().filter(|view| kinds >> view.kind() & 1 == 1);
    views.map(|view| i128::from(multipliers[view.kind()]) * i128::from(cost(view))).min().unwrap_or(0)
}
