//! Node weights: a lower bound on each node's share of its block's cost, work and communication together.
//!
//! *Node weights* at a threshold are numbers such that each block of each partition below it takes at least the sum of its nodes'
//! weights of the budget (`cost::budget`): its cost, or with several kinds of devices, its cost times the multiplier of its kind. The
//! weights of the budget (loads, with devices of one kind) are node weights. Larger ones exist, since a block below the threshold
//! is only a part of the graph and pays for the tensors that connect it to the rest. They prove more: if all nodes weigh more
//! than the capacity of all blocks, there is no partition, and windows follow from the weights of ancestors and descendants
//! (`propagation.rs`).
//!
//! **Pieces.** The *pieces* of a block are its connected components, where two nodes are adjacent if one tensor that costs something
//! is produced or read by both. A block costs at least as much as its pieces together, and none costs more than the block. The
//! piece of `v` lies in its *region*: the nodes that are connected with `v` over such tensors through nodes that are compatible with
//! `v` (`incompatible.rs`), whose windows meet that of `v`, that may be on this kind of device, and whose weights on the path sum
//! to at most the cost of a block.
//!
//! **Claim.** Let blocks cost at most `c`, and let every piece take at least its weights of the budget. If on each kind of
//! device in the window of `v` every set in the region of `v` that holds `v` and costs at most `c` takes at least `s` more than
//! its weights, then the weight of `v` can be raised by `s`.
//!
//! **Proof.** Only pieces with `v` weigh more, and they are such sets. A block pays for its pieces.
//!
//! On a device that overlaps, a block can cost less than its pieces together: it takes at least its work, and nodes that can be on
//! such a device weigh no more than that.
//!
//! **By minimum cuts.** On one kind, weights are taken in its ticks: divided by its multiplier. For `0 < a <= 1`, let `m` be the
//! least `cost(C) - a weights(C)` of all sets `C` in the region with `v`.
//! If `C` costs at most `c`, then `a (cost(C) - weights(C)) >= m - (1 - a) cost(C) >= m - (1 - a) c`, so `s` is at least
//! `(m - (1 - a) c) / a`. With `a = 1` the set that is found may cost more than `c`; then smaller `a` are tried, where the lines
//! of two sets cross. If `m > c` for some `a`, no block of this kind can hold `v`.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::facts::Fact;
use super::sum;
use super::windows::Windows;
use crate::bits::{has, insert, nothing};
use crate::cost::Ticks;
use crate::flow::Networks;
use crate::graph::Graph;
use crate::ids::{NodeId, TensorId};
use crate::interrupt::Interrupted;
use crate::order::TopologicalOrder;
use crate::query::Query;
use crate::quotient::Quotient;

/// The `a` of 1, as an integer, and the least `a`.
const ONE: i64 = 1 << 12;
const LEAST: i64 = ONE / 16;

/// The order in which node weights are raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Producers before consumers.
    Forward,
    /// Consumers before producers.
    Backward,
    /// From the middle to both ends.
    Outward,
}

impl Order {
    fn of(self, graph: &Graph) -> Vec<NodeId> {
        let mut nodes = TopologicalOrder::natural(graph).nodes().to_vec();
        match self {
            Self::Forward => {}
            Self::Backward => nodes.reverse(),
            Self::Outward => {
                let mut places: Vec<usize> = (0..nodes.len()).collect();
                places.sort_by_key(|place| (2 * place).abs_diff(nodes.len()));
                nodes = places.into_iter().map(|place| nodes[place]).collect();
            }
        }
        nodes
    }
}

/// The result of [`node_weights`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeWeights {
    /// The weights in units of the budget, by node.
    pub weights: Vec<Ticks>,
    /// Whether the steps were enough for all nodes.
    pub are_complete: bool,
}

/// Node weights of a query; none when they leave no partition. `incompatible` are rows of
/// [`incompatibility`](super::incompatibility), and `windows` hold in every partition below the threshold. The arcs that cuts visit
/// are subtracted from `steps`; when none are left, the other nodes keep the weights of the budget. With devices of one kind, the
/// cuts that have raised weights or left no partition are added to `facts`.
///
/// # Errors
/// [`Interrupted`], when the interrupt was raised first.
///
/// # Complexity
/// A few minimum cuts for each node that is in no set whose weights are all that it costs, in its region.
pub fn node_weights(
    query: &Query<'_>,
    incompatible: &[Vec<u64>],
    windows: &Windows,
    order: Order,
    steps: &mut i64,
    facts: &mut Vec<Fact>,
) -> Result<Option<NodeWeights>, Interrupted> {
    let (instance, graph) = (query.instance, query.instance.graph());
    let weights = instance.node_weights();
    let capacity = sum(&instance.rooms(query.max_cost()));
    // A sum of weights fits 64 bits.
    if i64::try_from(capacity).is_err() {
        return Ok(Some(NodeWeights { weights, are_complete: true }));
    }
    let quotient = Quotient::new(instance);
    let mut weighing = Weighing {
        query,
        quotient: &quotient,
        capacity,
        max_cost: i128::from(query.max_cost()),
        windows,
        ticks: (0..instance.num_kinds())
            .map(|kind| weights.iter().map(|&weight| instance.ticks_of(kind, weight)).collect())
            .collect(),
        weights,
        incompatible,
        networks: Networks::new(&quotient),
        region: Vec::new(),
        is_in: vec![false; graph.num_nodes()],
        met: vec![0; graph.num_tensors()],
        num_regions: 0,
        is_full: vec![false; graph.num_nodes()],
        factors: vec![ONE; instance.num_kinds()],
        raised: Vec::new(),
    };
    let found = weighing.weigh_all(order, *steps);
    *steps = steps.saturating_sub_unsigned(weighing.networks.steps());
    if instance.num_kinds() == 1 && !weighing.raised.is_empty() {
        facts.push(Fact::Weights(std::mem::take(&mut weighing.raised)));
    }
    Ok(found?.map(|are_complete| NodeWeights { weights: weighing.weights, are_complete }))
}

/// A set of least value for some `a`: this `a`, its cost and its weight.
type Line = (i64, i128, i128);

/// The amount by which a node's weight can be raised, in ticks of a kind; and a set for which more would be wrong, if found.
type Rise = (i128, Option<Vec<usize>>);

/// The state of raising weights, one node after the other.
struct Weighing<'q, 'a> {
    query: &'a Query<'a>,
    quotient: &'q Quotient<'a>,
    /// The capacity of all blocks together.
    capacity: i128,
    max_cost: i128,
    windows: &'a Windows,
    weights: Vec<Ticks>,
    /// By kind, the weights in its ticks, rounded up.
    ticks: Vec<Vec<Ticks>>,
    incompatible: &'a [Vec<u64>],
    networks: Networks<'q, 'a>,
    /// The region of a node, the node first.
    region: Vec<usize>,
    is_in: Vec<bool>,
    /// Per tensor, the last region that has met it, counted from 1.
    met: Vec<u64>,
    num_regions: u64,
    /// Nodes in sets that weigh as much as they cost: their weights cannot be raised.
    is_full: Vec<bool>,
    /// By kind, the `a` that was best for the last node.
    factors: Vec<i64>,
    /// Nodes whose weights are raised, and the `a` of each.
    raised: Vec<(usize, i64)>,
}

impl Weighing<'_, '_> {
    /// Raises the weights of all nodes, one after the other, or of a sample where there are too few steps. Returns whether it was all;
    /// none when a node weighs more than a block can cost, or all nodes more than all blocks can.
    fn weigh_all(&mut self, order: Order, steps: i64) -> Result<Option<bool>, Interrupted> {
        let capacity = self.capacity;
        let mut total = sum(&self.weights);
        if total > capacity {
            return Ok(None);
        }
        let nodes = order.of(self.query.instance.graph());
        let (mut place, mut visited) = (0, 0);
        while place < nodes.len() {
            self.query.interrupt.check(0)?;
            let node = nodes[place].index();
            if !self.is_full[node] {
                total -= i128::from(self.weights[node]);
                if !self.raise(node) {
                    return Ok(None);
                }
                total += i128::from(self.weights[node]);
                if total > capacity {
                    return Ok(None);
                }
            }
            visited += 1;
            let left = steps.saturating_sub_unsigned(self.networks.steps());
            let Ok(left @ 1..) = usize::try_from(left) else { break };
            let used = usize::try_from(self.networks.steps()).unwrap_or(usize::MAX);
            let needed = used.saturating_mul(nodes.len() - place) / visited;
            place += if visited < self.query.params.domain.sample { 1 } else { needed.div_ceil(left).max(1) };
        }
        Ok(Some(visited == nodes.len()))
    }

    /// The kinds of device on which a node can be, in its window.
    fn kinds(&self, node: usize) -> Vec<usize> {
        let instance = self.query.instance;
        let window = self.windows.earliest[node]..=self.windows.latest[node];
        let stages = window.map(|block| block - 1).filter(|&stage| instance.may_be(NodeId::new(node), stage));
        let kinds: BTreeSet<usize> =
            if instance.num_kinds() == 1 { [0].into() } else { stages.map(|stage| instance.kind_of(stage)).collect() };
        kinds.into_iter().collect()
    }

    /// Raises a node's weight if possible; returns false when no block can hold the node.
    fn raise(&mut self, node: usize) -> bool {
        let instance = self.query.instance;
        let kinds = self.kinds(node);
        let mut least: Option<(Ticks, Option<Vec<usize>>)> = None;
        let mut most = -1;
        for &kind in &kinds {
            let (rise, set) = if kinds.iter().any(|&kind| instance.view(kind).is_overlap()) {
                (0, None)
            } else {
                self.explore(node, kind);
                let rise = self.rise(kind);
                if rise.as_ref().is_none_or(|(rise, _)| *rise > 0) {
                    self.raised.push((node, self.factors[kind]));
                }
                let Some(rise) = rise else { continue };
                rise
            };
            let rise = instance.weigh(kind, Ticks::try_from(rise).unwrap_or(Ticks::MAX / 2));
            if least.as_ref().is_none_or(|(least, _)| rise < *least) {
                least = Some((rise, set));
            }
            most = most.max(instance.weigh(kind, self.query.max_cost()));
        }
        let Some((rise, set)) = least else { return false };
        self.weights[node] += rise;
        for (kind, ticks) in self.ticks.iter_mut().enumerate() {
            ticks[node] = instance.ticks_of(kind, self.weights[node]);
        }
        if let Some(set) = set {
            self.fill(&set);
        }
        // Whether it is still no more than a block can cost.
        self.weights[node] <= most
    }

    /// The least by which sets of the region cost more than they weigh, on a kind of device; none when no block can hold the
    /// region's first node.
    fn rise(&mut self, kind: usize) -> Option<Rise> {
        let (one, enough) = (i128::from(ONE), self.query.params.domain.enough);
        let (mut rise, mut set) = (0, None);
        // The last set that costs too much, and the last one that does not.
        let (mut expensive, mut cheap): (Option<Line>, Option<Line>) = (None, None);
        let mut factor = self.factors[kind];
        for _ in 0..self.query.params.domain.max_cuts {
            let (least, (cost, weight), nodes) = self.cut(kind, factor);
            if least > self.max_cost {
                self.factors[kind] = factor;
                return None;
            }
            if factor == ONE && cost <= self.max_cost {
                set = Some(nodes);
            }
            let a = i128::from(factor);
            let here = (least * one - (one - a) * self.max_cost).div_euclid(a);
            if here >= rise {
                (rise, self.factors[kind]) = (here, factor);
            }
            *(if cost <= self.max_cost { &mut cheap } else { &mut expensive }) = Some((factor, cost, weight));
            let next = match (expensive, cheap) {
                (Some((_, cost, weight)), Some((_, less, lighter))) if weight > lighter => {
                    let next = (cost - less) * one / (weight - lighter);
                    // The rise is at most the value where both lines cross.
                    let most = ((cost - weight) * (self.max_cost - less) + (less - lighter) * (cost - self.max_cost))
                        / (cost - less);
                    if most * enough[0] <= rise.max(0) * enough[1] {
                        break;
                    }
                    i64::try_from(next).unwrap_or(ONE)
                }
                (Some(_), None) => factor * 3 / 4,
                (None, Some(_)) if factor < ONE => (factor * 4 / 3 + 1).min(ONE),
                _ => break,
            };
            let is_between =
                cheap.is_none_or(|(least, ..)| next > least) && expensive.is_none_or(|(most, ..)| next < most);
            if next < LEAST || !is_between {
                break;
            }
            factor = next;
        }
        Some((rise, set))
    }

    /// The least `cost - a weights` of a set in the region, its cost and its weights, and the set.
    fn cut(&mut self, kind: usize, factor: i64) -> (i128, (i128, i128), Vec<usize>) {
        let Self { networks, region, is_in, ticks, .. } = self;
        let ticks = &ticks[kind];
        let gain = |node: usize| {
            let gain = (i128::from(ticks[node]) * i128::from(factor) + i128::from(ONE) - 1) / i128::from(ONE);
            Ticks::try_from(gain).unwrap_or(Ticks::MAX)
        };
        let gains: Vec<(usize, Ticks)> = region.iter().map(|&node| (node, gain(node))).collect();
        let network = networks.on(kind);
        let least = network.least_balance(&gains, |node| is_in[node]);
        let nodes: Vec<usize> = network.cheapest().collect();
        let cost = least + nodes.iter().map(|&node| i128::from(gain(node))).sum::<i128>();
        let sum = nodes.iter().map(|&node| i128::from(ticks[node])).sum();
        (least, (cost, sum), nodes)
    }

    /// Marks the nodes of a set that weighs as much as it costs, if the set is in their region.
    fn fill(&mut self, nodes: &[usize]) {
        let Windows { earliest, latest } = self.windows;
        let mut set = nothing(self.is_in.len());
        for &node in nodes {
            insert(&mut set, node);
        }
        let first = nodes.iter().map(|&node| latest[node]).min().unwrap_or(0);
        let last = nodes.iter().map(|&node| earliest[node]).max().unwrap_or(0);
        for &node in nodes {
            let row = self.incompatible.get(node);
            let is_compatible = row.is_none_or(|row| row.iter().zip(&set).all(|(row, set)| row & set == 0));
            if is_compatible && earliest[node] <= first && last <= latest[node] {
                self.is_full[node] = true;
            }
        }
    }

    /// Finds the region of a node on a kind of device, nearest nodes first.
    fn explore(&mut self, node: usize, kind: usize) {
        let Windows { earliest, latest } = self.windows;
        let (instance, graph) = (self.query.instance, self.query.instance.graph());
        for other in self.region.drain(..) {
            self.is_in[other] = false;
        }
        let view = instance.view(kind);
        let is_paid = |x: TensorId| view.transfer(x) > 0 && (graph.producer(x).is_some() || instance.boundary_io());
        let may_be = |other: usize| instance.is_uniform() || self.quotient.group(other).may_be_on(kind);
        let most = instance.weigh(kind, self.query.max_cost());
        self.num_regions += 1;
        // Dijkstra's algorithm: the least weight of a path from the node to another, both included.
        let mut open = BinaryHeap::from([Reverse((self.weights[node], node))]);
        while let Some(Reverse((path, here))) = open.pop() {
            if std::mem::replace(&mut self.is_in[here], true) {
                continue;
            }
            self.region.push(here);
            let here = NodeId::new(here);
            for &x in graph.reads(here).iter().chain(graph.produces(here)) {
                if !is_paid(x) || std::mem::replace(&mut self.met[x.index()], self.num_regions) == self.num_regions {
                    continue;
                }
                for other in graph.producer(x).into_iter().chain(graph.consumers(x).iter().copied()) {
                    let other = other.index();
                    let is_met = earliest[other] <= latest[node] && earliest[node] <= latest[other];
                    let path = path.saturating_add(self.weights[other]);
                    let is_incompatible = self.incompatible.get(node).is_some_and(|row| has(row, other));
                    if !self.is_in[other] && is_met && path <= most && !is_incompatible && may_be(other) {
                        open.push(Reverse((path, other)));
                    }
                }
            }
        }
    }
}
