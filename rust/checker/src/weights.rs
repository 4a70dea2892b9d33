//! Rule *weights*: node weights, lower bounds on each node's share of its block's cost, communication included.
//!
//! **Pieces.** Join two nodes of a block when one tensor that costs something is made or read by both. So a block falls into pieces
//! that share no such tensor; it costs at least as much as its pieces together, and none costs more than the block. The piece of `v`
//! lies in its *region*: what can be reached from `v` over such tensors through nodes that are compatible with `v`
//! (`incompatible.rs`), whose windows meet that of `v`, and that weigh no more than a block can cost on the way.
//!
//! **Claim.** Let blocks cost at most `c`, and let every piece cost at least what its nodes weigh. Let `m` be at most
//! `cost(C) - a weights(C)` for every set `C` of the region with `v`, for some `0 < a <= 1`. Then `v` can weigh
//! `(m - (1 - a) c) / a` more, and when `m > c` no block can hold `v`.
//!
//! **Proof.** Only pieces with `v` weigh more, and they are such sets. One that costs at most `c` has
//! `a (cost(C) - weights(C)) >= m - (1 - a) cost(C) >= m - (1 - a) c`. A block pays for its pieces. ∎
//!
//! The least of `cost(C) - a weights(C)` is a minimum cut (`cut.rs`). This is for one kind of device that pays the sum; weights begin
//! with the loads, and what a block pays beyond that only makes it cost more.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::cut::{Network, Question};
use crate::problem::NONE;
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::stop::{Steps, Stop};

/// The `a` of 1, and the least.
const ONE: i64 = 1 << 12;
const LEAST: i64 = ONE / 16;
/// Cuts for a node at most.
const MAX_CUTS: usize = 6;

/// Raises weights, one node after the other.
pub(crate) struct Weighing<'r, 'a> {
    reach: &'r Reach<'a>,
    quotient: &'r Quotient<'a>,
    network: Network,
    max_cost: i64,
    /// Per node, the tensors that cost something and that it makes or reads.
    touching: Vec<Vec<usize>>,
    region: Vec<usize>,
    /// Whether a node is not in the region.
    barred: Vec<bool>,
    weights: Vec<i64>,
    /// The `a` that was best for the last node.
    factor: i64,
}

impl<'r, 'a> Weighing<'r, 'a> {
    /// None where blocks are not paid for by one sum of one kind.
    pub(crate) fn new(
        reach: &'r Reach<'a>,
        quotient: &'r Quotient<'a>,
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Option<Self>, Stop> {
        let problem = reach.problem;
        if problem.kinds.len() > 1 || problem.kinds[0].is_overlap {
            return Ok(None);
        }
        let network = Network::new(problem.num_nodes(), problem.num_tensors(), steps)?;
        steps.spend(2 * quotient.touching.iter().map(BTreeSet::len).sum::<usize>())?;
        let is_paid = |&tensor: &usize| problem.kinds[0].transfer[tensor] > 0;
        let touching = quotient.touching.iter().map(|tensors| tensors.iter().copied().filter(is_paid).collect());
        Ok(Some(Self {
            reach,
            quotient,
            network,
            max_cost: threshold - 1,
            touching: touching.collect(),
            region: Vec::new(),
            barred: vec![true; problem.num_nodes()],
            weights: Vec::new(),
            factor: ONE,
        }))
    }

    /// Weights, raised in the order of the nodes or against it; none when a node, or all of them, are more than blocks can hold.
    pub(crate) fn raise(
        &mut self,
        windows: &Windows,
        is_forward: bool,
        steps: &mut Steps,
    ) -> Result<Option<Vec<i64>>, Stop> {
        self.begin();
        let mut nodes = self.reach.order.nodes.clone();
        if !is_forward {
            nodes.reverse();
        }
        for node in nodes {
            if !self.raise_one(node, windows, None, steps)? {
                return Ok(None);
            }
        }
        Ok(self.end())
    }

    /// Weights, raised for those nodes only that a log names, in its order, each by the one cut of its factor; none when a node, or all
    /// of them, are more than blocks can hold.
    pub(crate) fn replay(
        &mut self,
        claims: &[(usize, i64)],
        windows: &Windows,
        steps: &mut Steps,
    ) -> Result<Option<Vec<i64>>, Stop> {
        self.begin();
        for &(node, factor) in claims {
            if node >= self.weights.len() || !(1..=ONE).contains(&factor) {
                return Err(Stop::malformed(format!("{node} cannot weigh more by a factor of {factor}")));
            }
            if !self.raise_one(node, windows, Some(factor), steps)? {
                return Ok(None);
            }
        }
        Ok(self.end())
    }

    /// Weights are loads.
    fn begin(&mut self) {
        let costs = &self.quotient.kinds[0];
        self.weights = costs.work.iter().zip(&costs.outputs).map(|(work, outputs)| work + outputs).collect();
    }

    /// The weights, when blocks can hold them all.
    fn end(&self) -> Option<Vec<i64>> {
        let room = self.reach.problem.kind_of.iter().map(|_| i128::from(self.max_cost)).sum::<i128>();
        let total: i128 = self.weights.iter().copied().map(i128::from).sum();
        (total <= room).then(|| self.weights.clone())
    }

    /// Raises the weight of a node, by the cut of a factor or by several; whether a block can hold it.
    fn raise_one(
        &mut self,
        node: usize,
        windows: &Windows,
        factor: Option<i64>,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        self.explore(node, windows, steps)?;
        let rise = match factor {
            Some(factor) => {
                let (least, _) = self.balance(node, factor, steps)?;
                (least <= self.max_cost).then(|| i64::try_from(self.rise_by(least, factor).max(0)).unwrap_or(0))
            }
            None => self.rise(node, steps)?,
        };
        for &each in &self.region {
            self.barred[each] = true;
        }
        let Some(rise) = rise else { return Ok(false) };
        self.weights[node] += rise;
        Ok(self.weights[node] <= self.max_cost)
    }

    /// By how much a weight can be raised where this is the least balance for a factor.
    fn rise_by(&self, least: i64, factor: i64) -> i128 {
        let (one, a) = (i128::from(ONE), i128::from(factor));
        (i128::from(least) * one - (one - a) * i128::from(self.max_cost)).div_euclid(a)
    }

    /// Works out the region of a node, the nearest first.
    fn explore(&mut self, node: usize, windows: &Windows, steps: &mut Steps) -> Result<(), Stop> {
        let problem = self.reach.problem;
        self.region.clear();
        let mut heap = BinaryHeap::from([Reverse((self.weights[node], node))]);
        while let Some(Reverse((path, each))) = heap.pop() {
            if !std::mem::replace(&mut self.barred[each], false) {
                continue;
            }
            self.region.push(each);
            for &tensor in &self.touching[each] {
                let producer = problem.producer[tensor];
                steps.spend(1 + problem.consumers[tensor].len())?;
                for &near in problem.consumers[tensor].iter().chain((producer != NONE).then_some(&producer)) {
                    let begin = windows.first[near].max(windows.first[node]);
                    let is_near =
                        begin <= windows.last[near].min(windows.last[node]) && !self.reach.incompatible.has(node, near);
                    let path = path + self.weights[near];
                    if is_near && self.barred[near] && path <= self.max_cost {
                        heap.push(Reverse((path, near)));
                    }
                }
            }
        }
        Ok(())
    }

    /// By how much a node's weight can be raised; none when no block can hold it.
    fn rise(&mut self, node: usize, steps: &mut Steps) -> Result<Option<i64>, Stop> {
        let most = i128::from(self.max_cost);
        let (mut rise, mut factor) = (0, self.factor);
        // The largest factor whose set was cheap enough, and the least whose set was not.
        let (mut low, mut high) = (None, None);
        for _ in 0..MAX_CUTS {
            let (least, cost) = self.balance(node, factor, steps)?;
            if least > self.max_cost {
                return Ok(None);
            }
            let here = self.rise_by(least, factor);
            if here > rise {
                (rise, self.factor) = (here, factor);
            }
            if cost <= most {
                low = Some(factor);
            } else {
                high = Some(factor);
            }
            let next = match (low, high) {
                (None, _) => factor * 3 / 4,
                (Some(_), None) if factor == ONE => break,
                (Some(_), None) => (factor * 4 / 3 + 1).min(ONE),
                (Some(low), Some(high)) => low.midpoint(high),
            };
            if next < LEAST || low == Some(next) || high == Some(next) || high.is_some_and(|high| next > high) {
                break;
            }
            factor = next;
        }
        Ok(Some(i64::try_from(rise).unwrap_or(0)))
    }

    /// The least of what a set in the region costs less `a` times its weights, and what such a set costs.
    fn balance(&mut self, node: usize, factor: i64, steps: &mut Steps) -> Result<(i64, i128), Stop> {
        let one = i128::from(ONE);
        let gain = |weight: i64| (i128::from(weight) * i128::from(factor) + one - 1) / one;
        let mut gains = vec![0; self.weights.len()];
        for &each in &self.region {
            gains[each] = i64::try_from(gain(self.weights[each])).unwrap_or(i64::MAX);
        }
        let question = Question {
            inside: node,
            with: None,
            kind: 0,
            enough: i64::MAX,
            barred: &self.barred,
            after: &[],
            before: &[],
            gains: &gains,
            region: &self.region,
        };
        steps.spend(self.region.len() + self.weights.len() / 16)?;
        let least = self.network.least_balance(self.quotient, &question, steps)?;
        let members = self.network.members(self.weights.len());
        Ok((least, i128::from(least) + members.map(|each| i128::from(gains[each])).sum::<i128>()))
    }
}
