//! Topological orders, and keys that decode to them.

use std::collections::BTreeSet;

use crate::common::{chain, message, ordered_instances};
use proptest::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::graph::{Graph, GraphBuilder};
use slicegraph_core::order::{TopologicalOrder, cone_sums};

fn indices(order: &TopologicalOrder) -> Vec<i64> {
    order.nodes().iter().map(|node| i64::try_from(node.index()).expect("a small number")).collect()
}

/// The rule of decoding, taken at its word: of all nodes whose producers are placed, the least key, then the least index.
fn decode_slowly(graph: &Graph, keys: &[f64]) -> Vec<NodeId> {
    let mut order: Vec<NodeId> = Vec::new();
    while order.len() < graph.num_nodes() {
        let is_ready = |node: &NodeId| {
            let made_before = |x| graph.producer(x).is_none_or(|producer| order.contains(&producer));
            !order.contains(node) && graph.reads(*node).iter().all(|&x| made_before(x))
        };
        let key = |node: &NodeId| keys[node.index()];
        let next = graph.nodes().filter(is_ready).min_by(|a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
        order.push(next.expect("a graph has no cycle"));
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn decoding_takes_the_ready_node_of_least_key(
        (instance, _) in ordered_instances(10, 1), keys in proptest::collection::vec(-2..3_i8, 10))
    {
        let graph = instance.graph();
        let keys: Vec<f64> = keys.into_iter().take(graph.num_nodes()).map(f64::from).collect();
        let order = TopologicalOrder::from_keys(graph, &keys).expect("finite keys");
        prop_assert_eq!(order.nodes(), decode_slowly(graph, &keys));
    }

    #[test]
    fn every_way_to_make_an_order_makes_a_topological_one((instance, order) in ordered_instances(10, 1)) {
        let graph = instance.graph();
        let natural = TopologicalOrder::natural(graph);
        let (deep, broad) = (TopologicalOrder::depth_first(graph), TopologicalOrder::breadth_first(graph));
        for order in [order, natural, deep, broad, TopologicalOrder::post_order(graph)] {
            prop_assert_eq!(TopologicalOrder::new(graph, &indices(&order)), Ok(order.clone()));
        }
    }
}

#[test]
fn what_is_no_topological_order_is_refused_by_name() {
    let instance = chain(3, 1);
    let refused = |order: &[i64]| message(TopologicalOrder::new(instance.graph(), order));
    assert_eq!(refused(&[0, 1]), "order: length 2, but there are 3 nodes");
    assert_eq!(refused(&[0, 1, 7]), "order[2] = 7, but nodes are 0..3");
    assert_eq!(refused(&[0, 0, 1]), "order[1] = 0, but it stands at position 0 already");
    assert_eq!(refused(&[0, 2, 1]), "order[1] = 2, but a node that it reads from comes later");
    let keys = |keys: &[f64]| message(TopologicalOrder::from_keys(instance.graph(), keys));
    assert_eq!(keys(&[0.0]), "keys: length 1, but there are 3 nodes");
    assert_eq!(keys(&[0.0, f64::NAN, 0.0]), "keys[1] = NaN, but a key is a finite number");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// More than 64 nodes, so that reachability goes in several words.
    #[test]
    fn cone_sums_are_those_of_following_every_edge(
        num_nodes in 1..150_usize, edges in proptest::collection::vec((0..150_usize, 0..150_usize), 0..300))
    {
        let mut builder = GraphBuilder::default();
        let nodes: Vec<NodeId> = (0..num_nodes).map(|_| builder.add_node(1.0)).collect();
        for (a, b) in edges {
            // Nodes are not listed in topological order.
            let (producer, consumer) = (nodes[a.max(b) % num_nodes], nodes[a.min(b) % num_nodes]);
            if producer > consumer {
                builder.add_tensor(Some(producer), 1, &[consumer]);
            }
        }
        let graph = builder.freeze().expect("edges go down");
        let weights: Vec<i64> = (0..num_nodes).map(|node| i64::try_from(node * node + 1).expect("small")).collect();
        let reach: Vec<BTreeSet<usize>> = nodes.iter().map(|&node| reachable(&graph, node)).collect();
        let sums = cone_sums(&graph, &weights);
        for node in 0..num_nodes {
            let descendants: i64 = reach[node].iter().map(|&other| weights[other]).sum();
            let ancestors: i64 = (0..num_nodes).filter(|&other| reach[other].contains(&node)).map(|v| weights[v]).sum();
            prop_assert_eq!((sums.ancestors[node], sums.descendants[node]), (ancestors, descendants));
        }
    }
}

/// The node and all that can be reached from it.
fn reachable(graph: &Graph, node: NodeId) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([node.index()]);
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        stack.extend(graph.successors(node).iter().filter(|successor| reached.insert(successor.index())));
    }
    reached
}
