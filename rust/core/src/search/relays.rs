//! What blocks hand on, in a partition whose nodes move from a block to one next to it.
//!
//! Where tensors are handed on, a block that is not empty pays for all that is live before it and after it. When nodes move
//! between two blocks next to each other, the boundary between these is all that changes.

use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, TensorId, narrow, wide};

/// A tensor that moving nodes touch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) tensor: TensorId,
    /// How many of its consumers move.
    pub(super) consumers: u32,
    /// Whether its producer moves.
    pub(super) is_made: bool,
}

/// Of all boundaries and blocks.
#[derive(Clone, Debug)]
pub(super) struct Relays<'a> {
    instance: &'a Instance,
    /// By kind and boundary, what tensors take that are live there; boundary `b` is before block `b`.
    live: Vec<Vec<Ticks>>,
    /// Nodes by block.
    counts: Vec<u32>,
}

/// What one node touches when it moves.
pub(super) fn touches(instance: &Instance, node: NodeId) -> impl Iterator<Item = Touch> {
    let reads = instance.paid_reads(node).iter().map(|&tensor| Touch { tensor, consumers: 1, is_made: false });
    reads.chain(instance.paid_produces(node).iter().map(|&tensor| Touch { tensor, consumers: 0, is_made: true }))
}

impl<'a> Relays<'a> {
    /// None where no tensor is handed on.
    pub(super) fn new(instance: &'a Instance, block_of: &[u32]) -> Option<Self> {
        if !instance.is_relay() {
            return None;
        }
        let (graph, num_blocks) = (instance.graph(), instance.num_blocks());
        let live = vec![vec![0; num_blocks + 1]; instance.num_kinds()];
        let mut relays = Self { instance, live, counts: vec![0; num_blocks] };
        for v in graph.nodes() {
            relays.counts[wide(block_of[v.index()])] += 1;
            for &x in instance.paid_produces(v) {
                let last = graph.consumers(x).iter().map(|w| block_of[w.index()]).max().unwrap_or(0);
                for boundary in block_of[v.index()] + 1..=last {
                    relays.add(x, boundary, 1);
                }
            }
        }
        Some(relays)
    }

    fn add(&mut self, tensor: TensorId, boundary: u32, sign: Ticks) {
        for (live, view) in self.live.iter_mut().zip(self.instance.views()) {
            live[wide(boundary)] += sign * view.transfer(tensor);
        }
    }

    /// How the io of two blocks next to each other, which `was` so much, changes when so many nodes that touch these tensors move
    /// from one to the other.
    pub(super) fn io_of_shift(
        &self,
        block_of: &[u32],
        touched: impl Iterator<Item = Touch>,
        num_nodes: usize,
        [from, to]: [u32; 2],
        was: [Ticks; 2],
    ) -> (Ticks, Ticks) {
        debug_assert_eq!(from.abs_diff(to), 1);
        let (instance, graph) = (self.instance, self.instance.graph());
        let (boundary, is_up) = (from.max(to), to > from);
        let kinds = [from, to].map(|block| instance.kind_of(wide(block)));
        let mut live = kinds.map(|kind| self.live[kind][wide(boundary)]);
        for Touch { tensor, consumers, is_made } in touched {
            let after = narrow(graph.consumers(tensor).iter().filter(|w| block_of[w.index()] >= boundary).count());
            let was_before = graph.producer(tensor).is_some_and(|u| block_of[u.index()] < boundary);
            let is_before = if is_made { !is_up } else { was_before };
            let is_after = if is_up { after + consumers > 0 } else { after > consumers };
            let change = Ticks::from(is_before && is_after) - Ticks::from(was_before && after > 0);
            for (live, kind) in live.iter_mut().zip(kinds) {
                *live += change * instance.view(kind).transfer(tensor);
            }
        }
        let other =
            |kind: usize, block: u32| self.live[kind][wide(if block == boundary { boundary + 1 } else { block })];
        let is_empty = wide(self.counts[wide(from)]) == num_nodes;
        let source = if is_empty { 0 } else { live[0] + other(kinds[0], from) };
        (source - was[0], live[1] + other(kinds[1], to) - was[1])
    }

    /// Moves a node to a block next to its own.
    pub(super) fn shift(&mut self, block_of: &mut [u32], node: NodeId, to: u32) {
        let from = block_of[node.index()];
        self.count(block_of, node, from.max(to), -1);
        block_of[node.index()] = to;
        self.count(block_of, node, from.max(to), 1);
        self.counts[wide(from)] -= 1;
        self.counts[wide(to)] += 1;
    }

    /// Counts what is live at a boundary of what a node touches.
    fn count(&mut self, block_of: &[u32], node: NodeId, boundary: u32, sign: Ticks) {
        let (instance, graph) = (self.instance, self.instance.graph());
        for &x in instance.paid_reads(node).iter().chain(instance.paid_produces(node)) {
            let is_made = graph.producer(x).is_some_and(|u| block_of[u.index()] < boundary);
            if is_made && graph.consumers(x).iter().any(|w| block_of[w.index()] >= boundary) {
                self.add(x, boundary, sign);
            }
        }
    }
}
