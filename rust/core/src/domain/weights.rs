//! Charges: each node's share of what its block pays, work and communication together.
//!
//! A block that costs less than a threshold is a part of the graph, and to cut it out costs something. So in every partition
//! better than the threshold a node takes more of its block than its own work, wherever it is. *Charges* are numbers for the
//! nodes such that each block of each such partition costs at least the sum of its nodes' charges. Loads are charges. Larger
//! ones say more wherever one counts what fits into a block: `k` blocks have no room for charges of more than `k` times what a
//! block can cost, and windows (`windows.rs`) follow from what comes before a node and after it.
//!
//! **Pieces.** Join two nodes of a block when one tensor that costs something is made or read by both. So a block falls into
//! pieces that share no such tensor; it costs at least as much as its pieces together, and none costs more than the block.
//! The piece of `v` lies in its *region*: what can be reached from `v` over such tensors through nodes that are not apart
//! from `v` (`incompatible.rs`), whose windows meet that of `v`, and that are charged no more than a block can cost on the way.
//!
//! **Claim.** Let blocks cost at most `c`, and let every piece cost at least its charges. When every set in the region of `v`
//! that holds `v` and costs at most `c` costs at least `s` more than its charges, then `v` can be charged `s` more.
//!
//! **Proof.** Only pieces with `v` are charged more, and they are such sets. A block pays for its pieces.
//!
//! **By minimum cuts.** For `0 < a <= 1`, let `m` be the least `cost(C) - a charges(C)` of all sets `C` in the region with `v`.
//! If `C` costs at most `c`, then `a (cost(C) - charges(C)) >= m - (1 - a) cost(C) >= m - (1 - a) c`, so `s` is at least
//! `(m - (1 - a) c) / a`. With `a = 1` the set that is found may cost more than `c`; then smaller ones are tried, where the lines
//! of two sets cross. When `m > c` for some `a`, no block can hold `v`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::windows::{Windows, sum};
use crate::bits::{has, insert, nothing, unite};
use crate::cost::{Instance, Ticks};
use crate::flow::Network;
use crate::graph::Graph;
use crate::ids::{NodeId, TensorId, count};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;
use crate::quotient::Quotient;

/// Who is far from whom is not found for more nodes: that would take more than 150 MB.
const MAX_NODES: usize = 20_000;
/// After so many nodes it is clear how many the steps are enough for.
const SAMPLE: usize = if cfg!(debug_assertions) { 2 } else { 32 };
/// The `a` of 1, and the least.
const ONE: i64 = 1 << 12;
const LEAST: i64 = ONE / 16;
/// Cuts for one node.
const MAX_CUTS: usize = 8;
/// No more of them when the room that is found is this part of all that there can be.
const ENOUGH: [i128; 2] = [9, 10];

/// In which order nodes take the room that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Makers before readers.
    Forward,
    /// Readers before makers.
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

/// What nodes are charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charges {
    /// Of each node.
    pub of_nodes: Vec<Ticks>,
    /// Whether there were steps for all nodes.
    pub are_all: bool,
}

/// Charges of partitions whose blocks all cost at most `cap`; none when there is no such partition. What is `far` from whom, by
/// [`far`], and `windows` are as in any such partition. Where `steps`, arcs that may be looked at, are not enough for all nodes,
/// the others are charged their loads. What is looked at is taken from `steps`.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// A few minimum cuts for each node that is in no set without room, in its region.
pub fn charges(
    instance: &Instance,
    cap: Ticks,
    far: &[Vec<u64>],
    windows: &Windows,
    order: Order,
    steps: &mut i64,
    interrupt: &Interrupt,
) -> Result<Option<Charges>, Interrupted> {
    let graph = instance.graph();
    let loads = instance.loads();
    // A sum of charges fits 64 bits.
    if cap.checked_mul(count(instance.num_blocks())).is_none() {
        return Ok(Some(Charges { of_nodes: loads, are_all: true }));
    }
    let quotient = Quotient::new(instance);
    let mut charging = Charging {
        instance,
        cap: i128::from(cap),
        windows,
        charges: loads,
        far,
        network: Network::new(&quotient),
        region: Vec::new(),
        is_in: vec![false; graph.num_nodes()],
        met: vec![None; graph.num_tensors()],
        has_no_room: vec![false; graph.num_nodes()],
        factor: ONE,
    };
    let charged = charging.charge_all(order, *steps, interrupt);
    *steps = steps.saturating_sub_unsigned(charging.network.steps());
    Ok(charged?.map(|are_all| Charges { of_nodes: charging.charges, are_all }))
}

/// Per node, the nodes that are apart from it, before it or after it, as bits; `apart` are the least pairs. None for a graph
/// that is too large.
///
/// # Complexity
/// 3/8 nodes^2 bytes, and edges x nodes / 64 steps.
#[must_use]
pub fn far(graph: &Graph, apart: &[(NodeId, NodeId)]) -> Vec<Vec<u64>> {
    let num_nodes = graph.num_nodes();
    if num_nodes > MAX_NODES {
        return Vec::new();
    }
    let mut far = vec![nothing(num_nodes); num_nodes];
    let mut order = TopologicalOrder::natural(graph).nodes().to_vec();
    for is_after in [true, false] {
        order.reverse();
        let mut next = vec![Vec::new(); num_nodes];
        let mut pairs = next.clone();
        for u in graph.nodes() {
            for &v in graph.successors(u) {
                let (from, to) = if is_after { (u, v) } else { (v, u) };
                next[from.index()].push(to.index());
            }
        }
        for &(u, v) in apart {
            let (from, to) = if is_after { (u, v) } else { (v, u) };
            pairs[from.index()].push(to.index());
        }
        // The node itself with all on that side of it, and those of them that are apart from it.
        let mut side = vec![nothing(num_nodes); num_nodes];
        let mut rows = side.clone();
        for node in order.iter().map(|node| node.index()) {
            let (mut here, mut row) = (nothing(num_nodes), nothing(num_nodes));
            insert(&mut here, node);
            for &other in &next[node] {
                unite(&mut here, &side[other]);
                unite(&mut row, &rows[other]);
            }
            pairs[node].iter().for_each(|&other| unite(&mut row, &side[other]));
            unite(&mut far[node], &row);
            (side[node], rows[node]) = (here, row);
        }
    }
    far
}

/// A set that is the least for an `a`: that, what it costs, and its charges.
type Line = (i64, i128, i128);

/// What one node after the other is charged.
struct Charging<'q, 'a> {
    instance: &'a Instance,
    cap: i128,
    windows: &'a Windows,
    charges: Vec<Ticks>,
    far: &'a [Vec<u64>],
    network: Network<'q, 'a>,
    /// The region of a node, the node first.
    region: Vec<usize>,
    is_in: Vec<bool>,
    /// Per tensor, the last node whose region has met it.
    met: Vec<Option<usize>>,
    /// Nodes that are in sets whose charges are all that they cost.
    has_no_room: Vec<bool>,
    /// The `a` that was best for the last node.
    factor: i64,
}

impl Charging<'_, '_> {
    /// Charges all nodes more, one after the other, or where there are too few steps every so many of them; whether it was all,
    /// and none when that is what a block cannot cost, or all of them.
    fn charge_all(&mut self, order: Order, steps: i64, interrupt: &Interrupt) -> Result<Option<bool>, Interrupted> {
        let room = self.cap * i128::from(count(self.instance.num_blocks()));
        let mut charged = sum(&self.charges);
        if charged > room {
            return Ok(None);
        }
        let nodes = order.of(self.instance.graph());
        let (mut place, mut visited) = (0, 0);
        while place < nodes.len() {
            interrupt.check(0)?;
            let node = nodes[place].index();
            if !self.has_no_room[node] {
                charged -= i128::from(self.charges[node]);
                if !self.charge(node) {
                    return Ok(None);
                }
                charged += i128::from(self.charges[node]);
                if charged > room {
                    return Ok(None);
                }
            }
            visited += 1;
            let left = steps.saturating_sub_unsigned(self.network.steps());
            let Ok(left @ 1..) = usize::try_from(left) else { break };
            let used = usize::try_from(self.network.steps()).unwrap_or(usize::MAX);
            let needed = used.saturating_mul(nodes.len() - place) / visited;
            place += if visited < SAMPLE { 1 } else { needed.div_ceil(left).max(1) };
        }
        Ok(Some(visited == nodes.len()))
    }

    /// Charges a node more, if there is room; whether a block can hold it.
    fn charge(&mut self, node: usize) -> bool {
        self.explore(node);
        let one = i128::from(ONE);
        let mut room = 0;
        // Of the sets that cost too much and of those that do not, the last ones.
        let (mut dear, mut cheap): (Option<Line>, Option<Line>) = (None, None);
        let mut factor = self.factor;
        for _ in 0..MAX_CUTS {
            let (least, cost, charges) = self.cut(factor);
            if least > self.cap {
                return false;
            }
            let a = i128::from(factor);
            let here = (least * one - (one - a) * self.cap).div_euclid(a);
            if here >= room {
                (room, self.factor) = (here, factor);
            }
            let is_cheap = cost <= self.cap;
            *(if is_cheap { &mut cheap } else { &mut dear }) = Some((factor, cost, charges));
            let next = match (dear, cheap) {
                (Some((_, cost, charges)), Some((_, less, fewer))) if charges > fewer => {
                    let next = (cost - less) * one / (charges - fewer);
                    // No more than this, where the lines cross.
                    let most =
                        ((cost - charges) * (self.cap - less) + (less - fewer) * (cost - self.cap)) / (cost - less);
                    if most * ENOUGH[0] <= room.max(0) * ENOUGH[1] {
                        break;
                    }
                    i64::try_from(next).unwrap_or(ONE)
                }
                (Some(_), None) => factor * 3 / 4,
                (None, Some(_)) if factor < ONE => (factor * 4 / 3 + 1).min(ONE),
                _ => break,
            };
            let is_between = cheap.is_none_or(|(least, ..)| next > least) && dear.is_none_or(|(most, ..)| next < most);
            if next < LEAST || !is_between {
                break;
            }
            factor = next;
        }
        self.charges[node] += Ticks::try_from(room).unwrap_or(Ticks::MAX / 2);
        // More than a block can cost.
        i128::from(self.charges[node]) <= self.cap
    }

    /// The least of what a set in the region pays less `a` times its charges, and such a set: its cost and its charges.
    fn cut(&mut self, factor: i64) -> (i128, i128, i128) {
        let Self { network, region, is_in, charges, .. } = self;
        let gain = |node: usize| {
            let gain = (i128::from(charges[node]) * i128::from(factor) + i128::from(ONE) - 1) / i128::from(ONE);
            Ticks::try_from(gain).unwrap_or(Ticks::MAX)
        };
        let gains: Vec<(usize, Ticks)> = region.iter().map(|&node| (node, gain(node))).collect();
        let least = network.least_balance(&gains, |node| is_in[node]);
        let nodes: Vec<usize> = network.cheapest().collect();
        let cost = least + nodes.iter().map(|&node| i128::from(gain(node))).sum::<i128>();
        let sum = nodes.iter().map(|&node| i128::from(charges[node])).sum();
        if factor == ONE && cost <= self.cap {
            self.fill(&nodes);
        }
        (least, cost, sum)
    }

    /// There is no room in a set any more; its nodes need not be asked about, if the set is in their region.
    fn fill(&mut self, nodes: &[usize]) {
        let Windows { earliest, latest } = self.windows;
        let mut set = nothing(self.is_in.len());
        for &node in nodes {
            insert(&mut set, node);
        }
        let first = nodes.iter().map(|&node| latest[node]).min().unwrap_or(0);
        let last = nodes.iter().map(|&node| earliest[node]).max().unwrap_or(0);
        for &node in nodes {
            let is_near = self.far.get(node).is_none_or(|far| far.iter().zip(&set).all(|(far, set)| far & set == 0));
            if is_near && earliest[node] <= first && last <= latest[node] {
                self.has_no_room[node] = true;
            }
        }
    }

    /// Finds the region of a node, nearest nodes first.
    fn explore(&mut self, node: usize) {
        let (graph, Windows { earliest, latest }) = (self.instance.graph(), self.windows);
        for other in self.region.drain(..) {
            self.is_in[other] = false;
        }
        let is_paid =
            |x: TensorId| self.instance.transfer(x) > 0 && (graph.producer(x).is_some() || self.instance.boundary_io());
        // The least charges of what leads from the node to another, both included.
        let mut open = BinaryHeap::from([Reverse((self.charges[node], node))]);
        while let Some(Reverse((path, here))) = open.pop() {
            if std::mem::replace(&mut self.is_in[here], true) {
                continue;
            }
            self.region.push(here);
            let here = NodeId::new(here);
            for &x in graph.reads(here).iter().chain(graph.produces(here)) {
                if !is_paid(x) || self.met[x.index()].replace(node) == Some(node) {
                    continue;
                }
                for other in graph.producer(x).into_iter().chain(graph.consumers(x).iter().copied()) {
                    let other = other.index();
                    let is_met = earliest[other] <= latest[node] && earliest[node] <= latest[other];
                    let path = path.saturating_add(self.charges[other]);
                    let is_far = self.far.get(node).is_some_and(|far| has(far, other));
                    if !self.is_in[other] && is_met && i128::from(path) <= self.cap && !is_far {
                        open.push(Reverse((path, other)));
                    }
                }
            }
        }
    }
}
