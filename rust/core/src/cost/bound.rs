//! Lower bounds on every bottleneck that need only sums and maxima of costs.

use super::budget::{all_room, kinds_of_nodes, least_weight, load};
use super::instance::Instance;
use super::ticks::{ABOVE_ALL, INFINITE, Ticks, ceil_div};
use super::view::View;
use crate::error::Error;
use crate::ids::{NodeId, TensorId, count};

/// Sums over all nodes and inputs, weighted by multipliers.
struct Demand {
    /// Of what they cost.
    time: i128,
    /// The same with what streams in of all that is stored; none where memory is ample.
    streamed: Option<i128>,
}

impl Instance {
    /// The combinatorial lower bound on every bottleneck: the larger of the mean block cost and the most expensive node.
    ///
    /// Lemma 3.3 of the paper, max(W / k, max work of a node), extended by all that every partition pays: parameters beyond the
    /// memory of all devices overflow in some block, and with `boundary_io` each model input that is read is paid at least
    /// once and each model output once. With unlike stages, the mean is weighted by multipliers (`budget`), and a node has its least
    /// cost over the stages that may hold it. The bound is above every block's cost when a node is above the memory limit of
    /// every stage that may hold it, or all nodes together are above that of all devices: then no partition is feasible.
    #[must_use]
    pub fn combinatorial_bound(&self) -> Ticks {
        self.combinatorial_bound
    }

    /// The same problem with other multipliers of its kinds: those of a problem that differs in the order of its stages.
    ///
    /// # Errors
    /// [`Error::Parameter`] when they are not one for each kind, or one is not from 1 to 2^20.
    pub fn with_multipliers(mut self, of_kinds: Vec<i64>) -> Result<Self, Error> {
        let are_fit = of_kinds.len() == self.num_kinds() && of_kinds.iter().all(|&each| (1..=1 << 20).contains(&each));
        if !are_fit {
            let rule = "there is one from 1 to 2^20 for each kind".to_owned();
            return Err(Error::Parameter { name: "multipliers", value: format!("{of_kinds:?}"), rule });
        }
        self.multipliers.of_kinds = of_kinds;
        self.combinatorial_bound = self.combine();
        Ok(self)
    }

    pub(super) fn combine(&self) -> Ticks {
        if self.is_work_all() {
            // The general case below, specialised to one pass.
            let works = self.only().works();
            return ceil_div(works.iter().sum(), count(self.num_blocks()))
                .max(works.iter().copied().fold(0, Ticks::max));
        }
        let stages = self.stages_of_kinds();
        if !self.has_room(&stages) {
            return ABOVE_ALL;
        }
        let masks = kinds_of_nodes(self);
        let all = self.used_kinds();
        let mut bound = self.mean(&self.demand(masks.as_deref()), &stages);
        for v in self.graph().nodes() {
            let kinds = masks.as_ref().map_or(all, |masks| masks[v.index()]);
            let views = self.views().filter(|view| kinds >> view.kind() & 1 == 1);
            match views.map(|view| self.alone(view, v)).min() {
                None | Some(INFINITE) => return ABOVE_ALL,
                Some(cost) => bound = bound.max(cost),
            }
        }
        bound
    }

    /// Whether, on equal stages, every partition is sure to pay for work only.
    fn is_work_all(&self) -> bool {
        self.is_uniform() && !self.boundary_io() && self.is_free_of_memory()
    }

    /// A lower bound on the cost of a block with a node, on a kind.
    fn alone(&self, view: View<'_>, node: NodeId) -> Ticks {
        let graph = self.graph();
        let touched = || graph.reads(node).iter().chain(graph.produces(node)).copied();
        let mut held = view.held(node);
        let params = if graph.num_params() == 0 { &[] } else { graph.reads(node) };
        for x in params.iter().copied().filter(|&x| graph.stored(x) > 0) {
            held.bytes += graph.stored(x);
            held.params += view.stored(x);
        }
        view.cost(view.work(node), self.boundary_cost(view, &mut touched()), &held)
    }

    /// Whether the memory limits of the stages, counted by kind, add up to at least all that must be stored.
    fn has_room(&self, stages: &[i64]) -> bool {
        let graph = self.graph();
        if self.views().zip(stages).any(|(view, &stages)| stages > 0 && view.memory_limit().is_none()) {
            return true;
        }
        let own = graph.nodes().map(|v| u128::from(graph.param_bytes(v)) + u128::from(graph.state_bytes(v)));
        let is_read = |x: &TensorId| !graph.consumers(*x).is_empty();
        let bytes =
            own.sum::<u128>() + graph.tensors().filter(is_read).map(|x| u128::from(graph.stored(x))).sum::<u128>();
        let room = |view: View<'_>, stages: i64| {
            u128::from(view.memory_limit().unwrap_or(0)) * u128::from(stages.unsigned_abs())
        };
        bytes <= self.views().zip(stages).map(|(view, &stages)| room(view, stages)).sum::<u128>()
    }

    /// A lower bound on the weight of all nodes, and of the inputs that are paid.
    fn demand(&self, masks: Option<&[u64]>) -> Demand {
        let (graph, all, multipliers) = (self.graph(), self.used_kinds(), &self.multipliers.of_kinds);
        let sum_over_nodes = |cost: &dyn Fn(View<'_>, NodeId) -> Ticks| {
            let least = |v: NodeId| {
                let kinds = masks.map_or(all, |masks| masks[v.index()]);
                least_weight(self, multipliers, kinds, &|view| cost(view, v))
            };
            graph.nodes().map(least).sum::<i128>()
        };
        let is_input = |x: &TensorId| graph.producer(*x).is_none() && !graph.consumers(*x).is_empty();
        let sum_over_inputs = |cost: &dyn Fn(View<'_>, TensorId) -> Ticks| {
            if !self.boundary_io() && graph.num_params() == 0 {
                return 0;
            }
            let inputs = graph.tensors().filter(is_input);
            inputs.map(|x| least_weight(self, multipliers, all, &|view| cost(view, x))).sum::<i128>()
        };
        let moved = |view: View<'_>, x| if self.boundary_io() && !view.is_overlap() { view.transfer(x) } else { 0 };
        let time = sum_over_nodes(&load) + sum_over_inputs(&moved);
        let streamed = (!self.views().all(View::has_ample_memory)).then(|| {
            sum_over_nodes(&|view, v| load(view, v) + view.params()[v.index()])
                + sum_over_inputs(&|view, x| moved(view, x) + view.stored(x))
        });
        Demand { time, streamed }
    }

    /// A lower bound on the mean block cost, weighted by multipliers, given the number of stages of each kind.
    fn mean(&self, demand: &Demand, stages: &[i64]) -> Ticks {
        let multipliers = &self.multipliers.of_kinds;
        let room = all_room(multipliers, stages);
        let resident = |((view, &multiplier), &stages): ((View<'_>, &i64), &i64)| {
            i128::from(multiplier).saturating_mul(i128::from(stages)).saturating_mul(i128::from(view.memory()))
        };
        let spilled =
            demand.streamed.map(|all| all - self.views().zip(multipliers).zip(stages).map(resident).sum::<i128>());
        let paid = demand.time.max(spilled.unwrap_or(0));
        let mean = paid.div_euclid(room) + i128::from(paid.rem_euclid(room) > 0);
        Ticks::try_from(mean).unwrap_or(ABOVE_ALL)
    }

    /// A lower bound on what these model inputs or outputs cost.
    fn boundary_cost(&self, view: View<'_>, tensors: &mut dyn Iterator<Item = TensorId>) -> Ticks {
        if !self.boundary_io() {
            return 0;
        }
        let crosses = |x: &TensorId| match self.graph().producer(*x) {
            None => !self.graph().consumers(*x).is_empty(),
            Some(_) => self.graph().is_output(*x),
        };
        tensors.filter(crosses).map(|x| view.transfer(x)).sum()
    }

    /// A lower bound on the number of blocks of partitions with a bottleneck of `cost`: with fewer, the mean block costs more, or
    /// holds more than the memory limit. At most the number of nodes; one with unlike stages.
    pub(crate) fn least_blocks(&self, cost: Ticks) -> usize {
        if !self.is_uniform() {
            return 1;
        }
        let demand = if self.is_work_all() {
            // The general case, specialised.
            let time = self.only().works().iter().map(|&work| i128::from(work)).sum();
            Demand { time, streamed: None }
        } else {
            self.demand(None)
        };
        let is_enough = |num_blocks: usize| {
            let stages = [count(num_blocks)];
            self.mean(&demand, &stages) <= cost && self.has_room(&stages)
        };
        let (mut low, mut high) = (1, self.graph().num_nodes().max(1));
        while low < high {
            let middle = low.midpoint(high);
            if is_enough(middle) { high = middle } else { low = middle + 1 }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use crate::cases::{least_of, random_partition, random_unlike};
    use crate::cost::{INFINITE, bottleneck, partition_costs};

    #[test]
    fn no_partition_beats_the_bound_or_breaks_the_budget() {
        let (mut num_tight, mut num_within, mut num_infeasible) = (0, 0, 0);
        for case in 0..2000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..6), random.random_range(1..4));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let each: Vec<usize> = (0..num_nodes).collect();
            let (best, bound) = (least_of(&instance, &each, num_nodes), instance.combinatorial_bound());
            assert!(bound <= best, "case {case}: {bound} above {best}");
            num_tight += usize::from(2 * bound > best && best < INFINITE);
            num_infeasible += usize::from(best == INFINITE);
            let block_of = random_partition(&mut random, &instance);
            let cap = bottleneck(&partition_costs(&instance, &block_of));
            if cap == INFINITE {
                continue;
            }
            num_within += 1;
            let (graph, budget) = (instance.graph(), instance.budget());
            let split = random.random_range(0..=num_blocks);
            let mut paid = [0_i128; 2];
            let side = |block: usize| usize::from(block >= split);
            for v in graph.nodes() {
                let block = block_of[v.index()];
                paid[side(block)] += i128::from(budget.nodes[v.index()]);
            }
            for x in graph.tensors() {
                let home = graph.producer(x).map(|v| block_of[v.index()]);
                let mut importing: Vec<usize> = graph.consumers(x).iter().map(|v| block_of[v.index()]).collect();
                importing.sort_unstable();
                importing.dedup();
                importing.retain(|&block| Some(block) != home && (home.is_some() || instance.boundary_io()));
                if let (Some(home), false) = (home, importing.is_empty()) {
                    paid[side(home)] += i128::from(budget.exports[x.index()]);
                }
                for &block in &importing {
                    paid[side(block)] += i128::from(budget.imports[x.index()]);
                }
            }
            assert!(paid[0] <= budget.room(0, split, cap), "case {case}");
            assert!(paid[1] <= budget.room(split, num_blocks, cap), "case {case}");
        }
        assert!(
            num_tight > 300 && num_within > 500 && num_infeasible > 20,
            "{num_tight} {num_within} {num_infeasible}"
        );
    }
}
