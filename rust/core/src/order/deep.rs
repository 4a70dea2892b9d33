//! Depth-first orders from keys: from the sources down, or from the sinks up.

use std::cmp::Reverse;

use super::kahn::rank;
use super::{TopologicalOrder, released};
use crate::graph::Graph;
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};

/// The buffers of depth-first orders, kept from one decoding to the next.
///
/// Where Kahn's algorithm (`kahn.rs`) goes on with all branches beside each other unless the keys say otherwise, here keys
/// say only which branch comes first: one that is begun is followed as far as it goes.
#[derive(Clone, Debug)]
pub(crate) struct Deep {
    waiting: Vec<u32>,
    is_seen: Vec<bool>,
    stack: Vec<Step>,
}

/// What is to be done with a node: to place it, or to place all that it needs first.
#[derive(Clone, Copy, Debug)]
enum Step {
    Place(NodeId),
    Follow(NodeId),
}

impl Step {
    fn node(self) -> NodeId {
        let (Self::Place(node) | Self::Follow(node)) = self;
        node
    }
}

impl Deep {
    pub(crate) fn new(graph: &Graph) -> Self {
        let num_nodes = graph.num_nodes();
        Self { waiting: Vec::with_capacity(num_nodes), is_seen: Vec::with_capacity(num_nodes), stack: Vec::new() }
    }

    /// Down: a node's branch is followed to where it must wait before the next branch is begun, the one of least key first;
    /// ties to the node of least index.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first; the order is then not whole.
    ///
    /// # Complexity
    /// O(pairs), but for sorting the successors of each node.
    pub(crate) fn down(
        &mut self,
        graph: &Graph,
        keys: &[f64],
        order: &mut TopologicalOrder,
        interrupt: &Interrupt,
    ) -> Result<(), Interrupted> {
        let Self { waiting, stack, .. } = self;
        let order = &mut order.0;
        order.clear();
        waiting.clear();
        waiting.extend_from_slice(graph.num_predecessors());
        stack.clear();
        stack.extend(graph.nodes().filter(|node| waiting[node.index()] == 0).map(Step::Place));
        sort(stack, keys);
        while let Some(step) = stack.pop() {
            order.push(step.node());
            interrupt.check(order.len())?;
            let old = stack.len();
            stack.extend(released(graph, waiting, step.node()).map(Step::Place));
            sort(&mut stack[old..], keys);
        }
        Ok(())
    }

    /// Up: from each node that feeds no other, first all that it needs, then itself; always those of least key first, ties to
    /// the tensor of least index.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first; the order is then not whole.
    ///
    /// # Complexity
    /// O(reads), but for sorting the producers of what each node reads.
    pub(crate) fn up(
        &mut self,
        graph: &Graph,
        keys: &[f64],
        order: &mut TopologicalOrder,
        interrupt: &Interrupt,
    ) -> Result<(), Interrupted> {
        let Self { is_seen, stack, .. } = self;
        let order = &mut order.0;
        order.clear();
        is_seen.clear();
        is_seen.resize(graph.num_nodes(), false);
        stack.clear();
        stack.extend(graph.nodes().filter(|&node| graph.successors(node).is_empty()).map(Step::Follow));
        sort(stack, keys);
        while let Some(step) = stack.pop() {
            match step {
                Step::Place(node) => {
                    order.push(node);
                    interrupt.check(order.len())?;
                }
                // A node is followed once, from the first node that needs it.
                Step::Follow(node) if !std::mem::replace(&mut is_seen[node.index()], true) => {
                    stack.push(Step::Place(node));
                    let old = stack.len();
                    stack.extend(graph.producers(node).filter(|other| !is_seen[other.index()]).map(Step::Follow));
                    sort(&mut stack[old..], keys);
                }
                Step::Follow(_) => {}
            }
        }
        Ok(())
    }
}

/// Sorts steps so that the node of least key is taken first, from the end; ties to the one that stands first.
fn sort(steps: &mut [Step], keys: &[f64]) {
    if steps.len() > 1 {
        steps.reverse();
        steps.sort_by_key(|step| Reverse(rank(keys[step.node().index()])));
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_instance;
    use crate::graph::GraphBuilder;
    use crate::ids::count;

    /// What comes of it taken at its word, by recursion.
    fn up_slowly(graph: &Graph, keys: &[f64], wanted: &mut Vec<NodeId>, placed: &mut Vec<NodeId>) {
        wanted.sort_by(|a, b| keys[a.index()].total_cmp(&keys[b.index()]));
        for &node in &*wanted {
            if !placed.contains(&node) {
                up_slowly(graph, keys, &mut graph.producers(node).collect(), placed);
                placed.push(node);
            }
        }
    }

    fn down_slowly(graph: &Graph, keys: &[f64], ready: &mut Vec<NodeId>, placed: &mut Vec<NodeId>) {
        ready.sort_by(|a, b| keys[a.index()].total_cmp(&keys[b.index()]));
        for &node in &*ready {
            placed.push(node);
            let is_ready = |next: &NodeId| graph.producers(*next).all(|other| placed.contains(&other));
            let mut next = graph.successors(node).iter().copied().filter(is_ready).collect();
            down_slowly(graph, keys, &mut next, placed);
        }
    }

    #[test]
    fn branches_are_followed_by_key() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
        let (mut deep, mut order) = (None, TopologicalOrder::empty());
        for case in 0..2000 {
            let num_nodes = random.random_range(1..12);
            let instance = random_instance(&mut random, num_nodes, 1);
            let graph = instance.graph();
            let keys: Vec<f64> = (0..num_nodes).map(|_| f64::from(random.random_range(-2..3_i8))).collect();
            let deep = deep.get_or_insert_with(|| Deep::new(graph));
            let is_valid = |order: &TopologicalOrder| {
                let places: Vec<i64> = order.nodes().iter().map(|node| count(node.index())).collect();
                TopologicalOrder::new(graph, &places).is_ok()
            };
            let mut placed = Vec::new();
            deep.down(graph, &keys, &mut order, &Interrupt::never()).expect("no interrupt");
            let mut ready = graph.nodes().filter(|&node| graph.producers(node).next().is_none()).collect();
            down_slowly(graph, &keys, &mut ready, &mut placed);
            assert_eq!(order.nodes(), placed, "case {case}");
            assert!(is_valid(&order), "case {case}");
            placed.clear();
            deep.up(graph, &keys, &mut order, &Interrupt::never()).expect("no interrupt");
            let mut last = graph.nodes().filter(|&node| graph.successors(node).is_empty()).collect();
            up_slowly(graph, &keys, &mut last, &mut placed);
            assert_eq!(order.nodes(), placed, "case {case}");
            assert!(is_valid(&order), "case {case}");
        }
    }

    #[test]
    fn post_orders_take_tensors_as_they_are_listed() {
        let mut builder = GraphBuilder::default();
        let nodes = [1.0; 3].map(|work| builder.add_node(work));
        for producer in [1, 0] {
            builder.add_tensor(Some(nodes[producer]), 1, &[nodes[2]]);
        }
        let graph = builder.freeze().expect("edges go up");
        assert_eq!(TopologicalOrder::post_order(&graph).nodes(), [1, 0, 2].map(|index: usize| nodes[index]));
    }
}
