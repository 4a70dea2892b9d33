//! Topological orders, and keys that decode to them.

mod common;

use common::{chain, message, ordered_instances};
use proptest::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::graph::Graph;
use slicegraph_core::order::TopologicalOrder;

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
