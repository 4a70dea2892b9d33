//! Small graphs, solved on the calling thread: a few orders are sliced, and the downset DP decides thresholds below the best one.
//!
//! Most small graphs are narrow: the downset DP decides a threshold in fewer steps than a round of search takes, and an optimal
//! first partition would save only a few thresholds. So if `n` is small, thresholds between the combinatorial bound and the best
//! slicing are decided first, each with few steps. When one of them takes more, the graph is left to the search and the exact
//! solver.
//!
//! **Claim.** The result is an optimum, with a proof like that of [`prove`](crate::exact::prove()): the quotient at the threshold
//! that is the optimum has no chain of downsets.
//!
//! **Proof.** Thresholds are decided on the quotient at the best slicing's bottleneck `T`. Every partition of it is one of the
//! graph. If the graph has a partition below some `t < T`, it is below `T`, so the quotient has one that is no worse: if it has none
//! below `t`, the graph has none. The last threshold, the optimum, is decided on its own quotient. ∎

use crate::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::downset::bidirectional;
use crate::exact::{Argument, Proof, Reason};
use crate::graph::Graph;
use crate::ids::{count, float};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;
use crate::query::{Counts, Effort, Engine, ExactParams, Query};
use crate::reduce::{Reduction, reduce};
use crate::slice::slice_order;
use crate::ties;

/// The limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Nodes of the largest graph.
    pub max_nodes: usize,
    /// The most blocks.
    pub max_blocks: usize,
    /// Steps of each threshold, and as many more for each node.
    pub steps: [u64; 2],
    /// Bytes for downsets.
    pub memory: usize,
    /// Thresholds between the bounds are decided until so small a part of the bottleneck is open.
    pub open: Ticks,
}

impl Default for Params {
    fn default() -> Self {
        // Record of 2026-12-01, calls.
        Self { max_nodes: 1 << 11, max_blocks: 1 << 10, steps: [1 << 14, 1 << 6], memory: 1 << 26, open: 1 << 9 }
    }
}

impl Params {
    /// Where a partition is known: it is seldom far from an optimum, and a search that would find a better one is worth less.
    #[must_use]
    pub fn of_known() -> Self {
        // Record of 2026-12-01, sweeps.
        Self { steps: [1 << 18, 1 << 10], ..Self::default() }
    }
}

/// The orders that are sliced.
const ORDERS: [fn(&Graph) -> TopologicalOrder; 4] = [
    TopologicalOrder::natural,
    TopologicalOrder::post_order,
    TopologicalOrder::depth_first,
    TopologicalOrder::breadth_first,
];

/// A partition, and what is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// The block of every node.
    pub block_of: Vec<usize>,
    /// Its bottleneck in ticks.
    pub bottleneck: Ticks,
    /// Orders that were sliced to begin with.
    pub evaluations: u64,
}

/// The best slicing of some orders, or a partition that is known where none is better; none when the graph is too large, or no
/// order can be sliced within limits.
///
/// # Complexity
/// That of a reduction, and of slicing so many orders.
#[must_use]
pub fn first(instance: &Instance, known: Option<&[usize]>, params: &Params, interrupt: &Interrupt) -> Option<Best> {
    let num_nodes = instance.graph().num_nodes();
    if num_nodes > params.max_nodes || instance.num_blocks() > params.max_blocks || !instance.is_uniform() {
        return None;
    }
    let quotient = reduce(instance, INFINITE, interrupt).ok()?;
    if quotient.infeasible_group.is_some() || !quotient.instance.is_plain() {
        return None;
    }
    let mut best = Incumbent { instance, interrupt, bottleneck: INFINITE, block_of: Vec::new() };
    if let Some(known) = known {
        best.take(known.to_vec());
    }
    for order in ORDERS {
        best.slice(&quotient, &order(quotient.instance.graph()));
    }
    let Incumbent { bottleneck, block_of, .. } = best;
    (bottleneck < INFINITE).then(|| Best { block_of, bottleneck, evaluations: count(ORDERS.len()).unsigned_abs() })
}

/// An optimum, of all optima the one that [`ties::settle`] gives, and why nothing is better: none where the combinatorial bound
/// says it. None when that takes more steps; it is to begin at what [`first`] gives, which is small enough.
///
/// The answer is deterministic. It takes some milliseconds; `interrupt` ends it earlier.
///
/// # Complexity
/// O(log(1 / open)) thresholds of so many steps, and as many reductions.
#[must_use]
pub fn close(
    instance: &Instance,
    first: &Best,
    params: &Params,
    interrupt: &Interrupt,
) -> Option<(Best, Option<Proof>)> {
    let Best { bottleneck, ref block_of, evaluations } = *first;
    let best = Incumbent { instance, interrupt, bottleneck, block_of: block_of.clone() };
    let mut bracket = Bracket { params, lower: instance.combinatorial_bound(), best };
    let proof = bracket.close()?;
    let Incumbent { bottleneck, block_of, .. } = bracket.best;
    let settled = ties::settle(instance, &block_of, &ties::Params::default(), interrupt);
    Some((Best { block_of: settled.block_of, bottleneck, evaluations }, proof))
}

/// The best partition so far; infinite without one.
struct Incumbent<'a> {
    instance: &'a Instance,
    interrupt: &'a Interrupt,
    bottleneck: Ticks,
    block_of: Vec<usize>,
}

impl Incumbent<'_> {
    fn take(&mut self, block_of: Vec<usize>) {
        let value = bottleneck(&partition_costs(self.instance, &block_of));
        if value < self.bottleneck {
            (self.bottleneck, self.block_of) = (value, block_of);
        }
    }

    fn slice(&mut self, quotient: &Reduction, order: &TopologicalOrder) {
        if let Ok(Some(slicing)) = slice_order(&quotient.instance, order, self.interrupt)
            && slicing.bottleneck() < self.bottleneck
        {
            self.take(quotient.lift(&slicing.block_of(order)));
        }
    }
}

struct Bracket<'a> {
    params: &'a Params,
    lower: Ticks,
    best: Incumbent<'a>,
}

impl Bracket<'_> {
    /// Closes in from both sides; none when that takes more steps. The proof of the bound that is met.
    #[expect(clippy::option_option, reason = "whether it has closed in, and what that takes to check")]
    fn close(&mut self) -> Option<Option<Proof>> {
        let Incumbent { instance, interrupt, .. } = self.best;
        let mut narrow = None;
        // What is proven in between has no proof at its own threshold.
        while instance.combinatorial_bound() < self.best.bottleneck {
            let threshold = self.best.bottleneck;
            let open = threshold - self.lower;
            if let Some(quotient) = narrow.as_ref().filter(|_| open > (threshold / self.params.open).max(1)) {
                let middle = self.lower + open / 2;
                if self.decide(quotient, middle)?.is_some() {
                    self.lower = middle;
                }
                continue;
            }
            let quotient = reduce(instance, threshold, interrupt).ok()?;
            let (reason, argument) = if let Some(group) = quotient.infeasible_group {
                (Reason::Cut(group), Argument::default())
            } else if let Some(Counts { downsets, transitions, .. }) = self.decide(&quotient, threshold)? {
                (Reason::Downsets { downsets, transitions }, Argument::new(&[], Some(Engine::Levels)))
            } else {
                narrow.get_or_insert(quotient);
                continue;
            };
            let num_groups = quotient.instance.graph().num_nodes();
            return Some(Some(Proof { threshold, merges: quotient.merges, num_groups, reason, argument }));
        }
        Some(None)
    }

    /// What it has taken to see that no partition is better than a threshold; none when there is one, which is taken. None of
    /// either when that takes more steps.
    #[expect(clippy::option_option, reason = "whether it is decided, and how")]
    fn decide(&mut self, quotient: &Reduction, threshold: Ticks) -> Option<Option<Counts>> {
        let (params, interrupt) = (&ExactParams::default(), self.best.interrupt);
        let query = Query { instance: &quotient.instance, threshold, params, interrupt };
        let [each, of_node] = self.params.steps;
        let steps = each + of_node * count(quotient.instance.graph().num_nodes()).unsigned_abs();
        let mut effort = Effort::new(self.params.memory, steps);
        let Some(blocks) = bidirectional(&query, None, steps, &mut effort).ok()? else {
            return Some(Some(effort.counts));
        };
        let keys: Vec<f64> = blocks.iter().map(|&block| float(count(block))).collect();
        self.best.take(quotient.lift(&blocks));
        if let Ok(order) = TopologicalOrder::from_keys(quotient.instance.graph(), &keys) {
            self.best.slice(quotient, &order);
        }
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::{least_of, random_instance, random_together, random_unlike};
    use crate::cost::check_partition;

    /// What is given is an optimum with a proof at its own threshold, and where nothing is proven the combinatorial bound is met.
    #[test]
    fn what_is_solved_at_once_is_optimal() {
        let (params, never) = (Params::default(), Interrupt::never());
        let (mut num_solved, mut num_joined, mut num_proven, mut num_cuts) = (0, 0, 0, 0);
        for case in 0..800 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..5));
            let of_case = if case % 2 == 0 { random_instance } else { random_together };
            let instance = of_case(&mut random, num_nodes, num_blocks);
            let Some(sliced) = first(&instance, None, &params, &never) else { continue };
            let known = match case % 3 {
                0 => close(&instance, &sliced, &params, &never).map(|(best, _)| best.block_of),
                1 => Some(vec![0; num_nodes]),
                _ => None,
            };
            let first = first(&instance, known.as_deref(), &params, &never).expect("it was sliced");
            assert!(first.bottleneck <= sliced.bottleneck, "case {case}");
            let (best, proof) = close(&instance, &first, &params, &never).expect("few nodes");
            let each: Vec<usize> = (0..num_nodes).collect();
            let least = least_of(&instance, &each, num_nodes);
            assert!(best.bottleneck == least && first.bottleneck >= least, "case {case}");
            for given in [&first, &best] {
                let blocks: Vec<i64> = given.block_of.iter().copied().map(count).collect();
                assert!(check_partition(&instance, &blocks).is_ok(), "case {case}");
                let cost = bottleneck(&partition_costs(&instance, &given.block_of));
                assert_eq!(cost, given.bottleneck, "case {case}");
            }
            assert_eq!(proof.as_ref().map_or(instance.combinatorial_bound(), |proof| proof.threshold), least);
            num_solved += 1;
            num_joined += usize::from(!instance.together().is_empty());
            num_proven += usize::from(proof.is_some());
            num_cuts += usize::from(proof.is_some_and(|proof| matches!(proof.reason, Reason::Cut(_))));
        }
        assert!(
            num_solved > 300 && num_joined > 4 && num_proven > 60 && num_cuts > 10,
            "{num_solved} {num_joined} {num_proven} {num_cuts}"
        );
    }

    #[test]
    fn what_takes_more_is_left_as_it_is() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
        let never = Interrupt::never();
        let instance = random_instance(&mut random, 30, 3);
        let params = Params { steps: [0, 0], ..Params::default() };
        let first_of = |instance: &Instance, params: &Params| first(instance, None, params, &never);
        let first = first_of(&instance, &params).expect("a slicing");
        assert!(close(&instance, &first, &params, &never).is_none());
        assert!(first_of(&instance, &Params { max_nodes: 29, ..params.clone() }).is_none());
        assert!(first_of(&instance, &Params { max_blocks: 2, ..params.clone() }).is_none());
        let unlike = (0..100).map(|_| random_unlike(&mut random, 3, 2));
        assert!(
            unlike.filter(|instance| !instance.is_uniform()).all(|instance| first_of(&instance, &params).is_none())
        );
    }
}
