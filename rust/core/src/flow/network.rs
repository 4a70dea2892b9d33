//! A lower bound on the cost of every block that holds some groups, on one kind of device, by a minimum cut.
//!
//! A query gives the groups that must be in the block, the *sources*, and for every group a set of *sides*:
//!
//! - [`AFTER`]: when the block holds a consumer on this side, it holds those of its producers that are on it too;
//! - [`BEFORE`]: when the block holds a producer on this side, it holds those of its consumers that are on it too;
//! - [`ELSEWHERE`]: the block does not hold it.
//!
//! **Claim.** The minimum cut of the network below is at most the cost of any block that holds the sources and satisfies the sides;
//! it is infinite when there is no such block.
//!
//! **Network.** `S` is the source side of a cut; groups elsewhere are merged with the sink. A group in `S` pays its load (an arc to
//! the sink). A
//! tensor made in `S` and read outside pays its export: an arc from its producer to an auxiliary node that is in `S` only with
//! all consumers. A tensor made outside and read in `S` pays its transfer: an arc to its producer from an auxiliary node that is
//! in `S` with any consumer. Infinite arcs enforce the sides: from a group to its neighbours on the same side.
//!
//! **Proof.** The work and the io of a block are the capacity of its cut, and its overflow is at least that of the sources alone. So
//! each such block is a cut of the network at its cost or less, and the minimum cut is no more.
//!
//! Where communication runs beside the computation, a block costs the larger of two terms, which is at least half their sum:
//! half of the cut, and at least the work and the overflow of the sources. Groups that no stage of the kind may hold are elsewhere.
//!
//! **Convexity.** A block holds every group on a path between two of its groups. So when it holds `a`, all descendants of `a` may
//! be on the side `AFTER`, and all ancestors on the side `BEFORE`; and when it holds `a` and a later `z`, the descendants of `a`
//! may be on the side `AFTER` and the ancestors of `z` on the side `BEFORE`.

use std::rc::Rc;

use super::dinic::{Dinic, Residual};
use crate::cost::{INFINITE, Ticks, View};
use crate::ids::{narrow, wide};
use crate::quotient::{GroupId, Quotient};

pub(super) const SINK: u32 = 0;
/// More than any cut below a threshold; four of them fit 64 bits.
pub(super) const ENOUGH: Ticks = INFINITE / 4;
/// The sides of a group, as bits.
pub(crate) const BEFORE: u8 = 1;
pub(crate) const AFTER: u8 = 2;
pub(crate) const ELSEWHERE: u8 = 4;

/// An arc, with the index of its reverse arc and its residual capacity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub(super) to: u32,
    pub(super) back: u32,
    pub(super) left: Ticks,
}

/// The network of one quotient. Its arcs are built once; each query opens its own infinite arcs at the vertices that it reaches.
#[derive(Debug)]
pub(crate) struct Network<'q, 'a> {
    pub(super) quotient: &'q Quotient<'a>,
    /// The costs on the kind of device that the block is on.
    pub(super) view: View<'a>,
    /// Groups by node of the network - 1, and back.
    pub(super) groups: Rc<[GroupId]>,
    pub(super) node_of: Vec<u32>,
    pub(super) successors: Vec<Vec<u32>>,
    pub(super) predecessors: Vec<Vec<u32>>,
    /// Node by node; the first of a group is that to the sink.
    pub(super) arcs: Vec<Arc>,
    pub(super) first: Vec<u32>,
    pub(super) capacity: Vec<Ticks>,
    /// Sides on which both ends must be for an arc to be infinite; none for others.
    pub(super) follows: Vec<u8>,
    pub(super) side: Vec<u8>,
    /// By node, whether its group is elsewhere on this kind.
    pub(super) elsewhere: Vec<u8>,
    pub(super) is_some_elsewhere: bool,
    /// Arcs whose residual capacity has changed since the flow was reset, each once.
    pub(super) changed: Vec<u32>,
    pub(super) is_changed: Vec<bool>,
    pub(super) dinic: Dinic,
    pub(super) question: u32,
    /// By node, the last query that has opened its infinite arcs.
    pub(super) opened: Vec<u32>,
    /// By node, its supply and inflow less its outflow; negative: a demand.
    pub(super) excess: Vec<Ticks>,
    /// The gains of groups that the excess contains, in a sequence of [`Self::least_balance`].
    pub(super) gains: Vec<Ticks>,
    /// The supplies that the excess contains, in a sequence of [`Self::least_balance_among`].
    pub(super) supply: Vec<Ticks>,
    /// Whether an infinite arc is open, that is, has its capacity.
    pub(super) is_open: Vec<bool>,
    /// The nodes with a supply.
    pub(super) sources: Vec<u32>,
    /// The flow to the sink, and the fixed part of the cost.
    pub(super) flow: Ticks,
    /// Arcs that were visited outside of searches.
    pub(super) steps: u64,
}

impl<'q, 'a> Network<'q, 'a> {
    /// Builds the network for a kind of device in O(nodes + reads).
    pub(crate) fn new(quotient: &'q Quotient<'a>, view: View<'a>) -> Self {
        let groups: Rc<[GroupId]> = quotient.groups().collect();
        let mut node_of = vec![SINK; quotient.graph().num_nodes()];
        for (index, &group) in groups.iter().enumerate() {
            node_of[group] = narrow(index + 1);
        }
        let is_elsewhere = |&group: &GroupId| !quotient.group(group).may_be_on(view.kind());
        let elsewhere = groups.iter().map(|group| u8::from(is_elsewhere(group)) * ELSEWHERE);
        let elsewhere: Vec<u8> = std::iter::once(0).chain(elsewhere).collect();
        let mut network = Self {
            quotient,
            view,
            is_some_elsewhere: elsewhere.iter().any(|&side| side != 0),
            elsewhere,
            successors: vec![Vec::new(); groups.len() + 1],
            predecessors: vec![Vec::new(); groups.len() + 1],
            side: vec![0; groups.len() + 1],
            arcs: Vec::new(),
            first: Vec::new(),
            capacity: Vec::new(),
            follows: Vec::new(),
            changed: Vec::new(),
            is_changed: Vec::new(),
            dinic: Dinic::default(),
            question: 0,
            opened: Vec::new(),
            excess: Vec::new(),
            gains: Vec::new(),
            supply: Vec::new(),
            is_open: Vec::new(),
            sources: Vec::new(),
            flow: 0,
            steps: 0,
            groups,
            node_of,
        };
        network.build();
        network
    }

    pub(super) fn arcs_of(&self, node: u32) -> std::ops::Range<usize> {
        wide(self.first[wide(node)])..wide(self.first[wide(node) + 1])
    }

    pub(super) fn push(&mut self, arc: u32, pushed: Ticks) {
        let back = self.arcs[wide(arc)].back;
        self.arcs[wide(arc)].left -= pushed;
        self.arcs[wide(back)].left += pushed;
        self.note(arc);
    }

    pub(super) fn note(&mut self, arc: u32) {
        if !std::mem::replace(&mut self.is_changed[wide(arc)], true) {
            self.changed.push(arc);
        }
    }

    /// Augments the flow until it is maximum or reaches `threshold`; `side` gives the sides of a group's node.
    pub(super) fn cut(&mut self, threshold: Ticks, side: impl Fn(u32) -> u8) {
        for place in 0..self.sources.len() {
            // Most of the flow goes directly to the sink, over the first arc of the node.
            let (source, arc) = (wide(self.sources[place]), self.first[wide(self.sources[place])]);
            let pushed = self.excess[source].min(self.arcs[wide(arc)].left);
            if pushed > 0 {
                self.push(arc, pushed);
                self.excess[source] -= pushed;
                self.flow += pushed;
            }
        }
        let mut dinic = std::mem::take(&mut self.dinic);
        dinic.augment(&mut Question { network: self, side, threshold });
        self.dinic = dinic;
    }
}

/// The residual network of one query. The sink, groups elsewhere and nodes with a negative excess have a demand.
struct Question<'n, 'q, 'a, S> {
    network: &'n mut Network<'q, 'a>,
    side: S,
    threshold: Ticks,
}

impl<S: Fn(u32) -> u8> Residual for Question<'_, '_, '_, S> {
    fn arcs(&self, node: u32) -> std::ops::Range<usize> {
        self.network.arcs_of(node)
    }

    fn head(&self, arc: usize) -> u32 {
        self.network.arcs[arc].to
    }

    fn back(&self, arc: usize) -> usize {
        wide(self.network.arcs[arc].back)
    }

    fn room(&self, arc: usize) -> Ticks {
        self.network.arcs[arc].left
    }

    fn supply(&self, node: u32) -> Ticks {
        self.network.excess[wide(node)]
    }

    fn demand(&self, node: u32) -> Ticks {
        let is_elsewhere = || wide(node) <= self.network.groups.len() && (self.side)(node) & ELSEWHERE != 0;
        if node == SINK || is_elsewhere() { Ticks::MAX } else { -self.network.excess[wide(node)] }
    }

    fn sources(&self, list: &mut Vec<u32>) {
        let Network { sources, excess, .. } = &*self.network;
        list.extend(sources.iter().filter(|&&source| excess[wide(source)] > 0));
    }

    fn missing(&self) -> Ticks {
        self.threshold - self.network.flow
    }

    /// Opens the infinite arcs from a node, once per query.
    fn open(&mut self, node: u32) {
        let Self { network, side, .. } = self;
        let is_group = wide(node) < network.opened.len();
        if !is_group || !network.gains.is_empty() || network.opened[wide(node)] == network.question {
            return;
        }
        network.opened[wide(node)] = network.question;
        let here = side(node);
        for arc in network.arcs_of(node) {
            let both = here & network.follows[arc];
            if both != 0 && side(network.arcs[arc].to) & both != 0 && !network.is_open[arc] {
                network.is_open[arc] = true;
                network.arcs[arc].left += ENOUGH;
                network.note(narrow(arc));
            }
        }
    }

    fn push(&mut self, arc: usize, amount: Ticks) {
        self.network.push(narrow(arc), amount);
    }

    fn deliver(&mut self, source: u32, end: u32, amount: Ticks) {
        let Network { excess, flow, .. } = &mut *self.network;
        excess[wide(source)] -= amount;
        if end != SINK {
            excess[wide(end)] += amount;
        }
        *flow += amount;
    }
}
