//! Topological orders, keys decoded to them in several ways, and what every order has in common: the cones of the nodes.

mod cones;
mod deep;
mod kahn;

pub use cones::{ConeSums, cone_sums};
pub(crate) use deep::Deep;
pub use kahn::Kahn;

use crate::error::Error;
use crate::graph::Graph;
use crate::ids::{NodeId, count, float, narrow};
use crate::interrupt::{Interrupt, Interrupted};

/// A permutation of the nodes in which every producer comes before its consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologicalOrder(Vec<NodeId>);

impl TopologicalOrder {
    /// The order that a decoding without an interrupt leaves.
    fn whole(decode: impl FnOnce(&mut Self) -> Result<(), Interrupted>) -> Self {
        let mut order = Self::empty();
        let decoded = decode(&mut order);
        debug_assert!(decoded.is_ok());
        order
    }

    /// Checks that `order`, node indices by position, is a topological order of `graph`.
    ///
    /// # Errors
    /// [`Error`], naming the first position that breaks a rule.
    ///
    /// # Complexity
    /// O(nodes + distinct producer-consumer pairs).
    pub fn new(graph: &Graph, order: &[i64]) -> Result<Self, Error> {
        let num_nodes = graph.num_nodes();
        if order.len() != num_nodes {
            let rule = format!("there are {num_nodes} nodes");
            return Err(Error::Length { array: "order", length: order.len(), rule });
        }
        let mut position = vec![u32::MAX; num_nodes];
        let mut waiting = graph.num_predecessors().to_vec();
        let mut nodes = Vec::with_capacity(num_nodes);
        for (place, &value) in order.iter().enumerate() {
            let wrong = |rule| Error::Order { position: place, node: value, rule };
            let index = usize::try_from(value).ok().filter(|&index| index < num_nodes);
            let index = index.ok_or_else(|| wrong(format!("nodes are 0..{num_nodes}")))?;
            let node = NodeId::new(index);
            if position[index] != u32::MAX {
                return Err(wrong(format!("it stands at position {} already", position[index])));
            }
            if waiting[index] > 0 {
                return Err(wrong("a node that it reads from comes later".to_string()));
            }
            position[index] = narrow(place);
            for successor in graph.successors(node) {
                waiting[successor.index()] -= 1;
            }
            nodes.push(node);
        }
        Ok(Self(nodes))
    }

    /// An order of no nodes, to decode into.
    pub(crate) fn empty() -> Self {
        Self(Vec::new())
    }

    /// The order in which the graph lists its nodes, or the nearest to it: always the ready node of least index.
    #[must_use]
    pub fn natural(graph: &Graph) -> Self {
        Kahn::new(graph).decode(graph, &indices(graph))
    }

    /// Decodes keys: always the ready node of least key, ties to the least index.
    ///
    /// # Errors
    /// [`Error`], when there is not one finite key per node.
    ///
    /// # Complexity
    /// O(pairs + nodes log nodes).
    pub fn from_keys(graph: &Graph, keys: &[f64]) -> Result<Self, Error> {
        if keys.len() != graph.num_nodes() {
            let rule = format!("there are {} nodes", graph.num_nodes());
            return Err(Error::Length { array: "keys", length: keys.len(), rule });
        }
        if let Some(node) = keys.iter().position(|key| !key.is_finite()) {
            return Err(Error::Key { node, key: keys[node] });
        }
        Ok(Kahn::new(graph).decode(graph, keys))
    }

    /// Depth-first: a node's branch is followed to where it must wait before the next branch is begun.
    ///
    /// # Complexity
    /// O(nodes + distinct producer-consumer pairs).
    #[must_use]
    pub fn depth_first(graph: &Graph) -> Self {
        Self::whole(|order| Deep::new(graph).down(graph, &indices(graph), order, &Interrupt::never()))
    }

    /// Breadth-first: nodes in the order in which they become ready.
    ///
    /// # Complexity
    /// O(nodes + distinct producer-consumer pairs).
    #[must_use]
    pub fn breadth_first(graph: &Graph) -> Self {
        let mut waiting = graph.num_predecessors().to_vec();
        let mut order: Vec<NodeId> = graph.nodes().filter(|node| waiting[node.index()] == 0).collect();
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            order.extend(released(graph, &mut waiting, node));
        }
        Self(order)
    }

    /// Post-order: from each node that feeds no other, first all that it needs, then itself; what it needs in the order in
    /// which the graph lists the tensors, which is not that of their producers in a quotient. So a source stands right before
    /// its first consumer, not at the front, where it would be cut off from it.
    ///
    /// # Complexity
    /// O(nodes + reads).
    #[must_use]
    pub fn post_order(graph: &Graph) -> Self {
        Self::whole(|order| Deep::new(graph).up(graph, &vec![0.0; graph.num_nodes()], order, &Interrupt::never()))
    }

    /// The nodes by position.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.0
    }
}

/// The nodes that are ready once a node is placed; `waiting` counts the producers that each node still waits for.
pub(crate) fn released(graph: &Graph, waiting: &mut [u32], node: NodeId) -> impl Iterator<Item = NodeId> {
    graph.successors(node).iter().copied().filter(|successor| {
        let waiting = &mut waiting[successor.index()];
        *waiting -= 1;
        *waiting == 0
    })
}

/// Each node's index, as a key.
fn indices(graph: &Graph) -> Vec<f64> {
    graph.nodes().map(|node| float(count(node.index()))).collect()
}
