//! Kahn's algorithm with a priority queue: random keys to topological orders.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{TopologicalOrder, released};
use crate::graph::Graph;
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};

/// A key as an integer of the same order (`f64::total_cmp`), which a heap compares in one instruction.
pub(super) type Rank = u64;

pub(super) fn rank(key: f64) -> Rank {
    // Adding zero turns -0.0 into 0.0, which must tie.
    let bits = (key + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The buffers of Kahn's algorithm, kept from one decoding to the next.
#[derive(Clone, Debug)]
pub struct Kahn {
    waiting: Vec<u32>,
    ready: BinaryHeap<Reverse<(Rank, NodeId)>>,
}

impl Kahn {
    /// Buffers for graphs of this size.
    #[must_use]
    pub fn new(graph: &Graph) -> Self {
        Self { waiting: Vec::with_capacity(graph.num_nodes()), ready: BinaryHeap::new() }
    }

    /// Decodes one finite key per node: always the ready node of least key, ties to the least index.
    ///
    /// # Panics
    /// When there are fewer keys than nodes.
    ///
    /// # Complexity
    /// O(pairs + nodes log nodes).
    #[must_use]
    pub fn decode(&mut self, graph: &Graph, keys: &[f64]) -> TopologicalOrder {
        TopologicalOrder::whole(|order| self.decode_into(graph, keys, order, &Interrupt::never()))
    }

    /// Like [`decode`](Self::decode), into an order that is there already.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first; the order is then not whole.
    pub(crate) fn decode_into(
        &mut self,
        graph: &Graph,
        keys: &[f64],
        order: &mut TopologicalOrder,
        interrupt: &Interrupt,
    ) -> Result<(), Interrupted> {
        let order = &mut order.0;
        order.clear();
        self.waiting.clear();
        self.waiting.extend_from_slice(graph.num_predecessors());
        let ranked = |node: NodeId| Reverse((rank(keys[node.index()]), node));
        self.ready.clear();
        self.ready.extend(graph.nodes().filter(|node| self.waiting[node.index()] == 0).map(ranked));
        while let Some(Reverse((_, node))) = self.ready.pop() {
            order.push(node);
            interrupt.check(order.len())?;
            for successor in released(graph, &mut self.waiting, node) {
                self.ready.push(ranked(successor));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_order_as_keys_do() {
        let keys = [-1e300, -1.0, -1e-300, 0.0, 1e-300, 0.5, 0.5 + f64::EPSILON, 1.0, 1e300];
        assert!(keys.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])));
        assert_eq!(rank(-0.0), rank(0.0));
    }
}
