//! What a graph may be made of.

use crate::common::message;
use slicegraph_core::NodeId;
use slicegraph_core::graph::GraphBuilder;

/// Two nodes, one tensor from the first to the second.
fn pair() -> GraphBuilder {
    GraphBuilder {
        work: Some(vec![1.0, 2.0]),
        producer: vec![0],
        size: vec![8],
        consumers: vec![1],
        consumer_offsets: vec![0, 1],
        ..GraphBuilder::default()
    }
}

#[test]
fn a_graph_knows_both_ends_of_every_tensor() {
    let mut builder = GraphBuilder::default();
    let [first, second, third] = [1.0, 2.0, 3.0].map(|work| builder.add_node(work));
    let input = builder.add_tensor(None, 1, &[first, third]);
    let x = builder.add_tensor(Some(first), 2, &[third, second]);
    let y = builder.add_tensor(Some(first), 3, &[third]);
    let graph = builder.freeze().expect("a sound graph");
    assert_eq!((graph.num_nodes(), graph.num_tensors()), (3, 3));
    assert_eq!((graph.producer(input), graph.producer(x)), (None, Some(first)));
    assert_eq!(graph.consumers(x), [third, second]);
    assert_eq!(graph.produces(first), [x, y]);
    assert_eq!(graph.reads(third), [input, x, y]);
    // Two tensors from the first to the third are one pair.
    assert_eq!(graph.successors(first), [second, third]);
    assert_eq!(graph.successors(third), []);
}

#[test]
fn a_malformed_graph_is_refused_by_name() {
    let refused = |builder: GraphBuilder| message(builder.freeze());
    let nothing = GraphBuilder { work: Some(vec![]), ..GraphBuilder::default() };
    assert_eq!(refused(nothing), "graph: num_nodes = 0, but a graph has at least one node");
    assert_eq!(refused(GraphBuilder::default()), "graph: neither work nor flops is given, and one of them must be");
    assert_eq!(
        refused(GraphBuilder { consumers: vec![40], ..pair() }),
        "tensor 0: consumer 40 is not below num_nodes = 2"
    );
    assert_eq!(refused(GraphBuilder { size: vec![-1], ..pair() }), "tensor 0: size -1 is negative");
    assert_eq!(refused(GraphBuilder { work: Some(vec![1.0, f64::NAN]), ..pair() }), "node 1: work NaN is not a number");
    let mut cyclic = pair();
    cyclic.add_tensor(Some(NodeId::new(1)), 8, &[NodeId::new(0)]);
    assert_eq!(refused(cyclic), "cycle: node 0 -> node 1 -> node 0, but a graph has none");
}
