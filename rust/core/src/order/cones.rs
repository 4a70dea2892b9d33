//! Sums over everything that must come before each node, and over everything that must come after it.

use super::TopologicalOrder;
use crate::graph::Graph;
use crate::ids::NodeId;

const WORD: usize = 64;
const BYTE_VALUES: usize = 256;

/// Per node, sums over its two cones; the node itself counts in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConeSums {
    /// Over the node and its ancestors.
    pub ancestors: Vec<i64>,
    /// Over the node and its descendants.
    pub descendants: Vec<i64>,
}

/// Adds up `weights` over the ancestors and over the descendants of every node.
///
/// # Panics
/// When there is not one weight per node.
///
/// # Complexity
/// O(nodes x (nodes + edges) / 64 + nodes^2 / 8) time, O(nodes) memory: reachability goes 64 nodes at a time, and a table
/// per eight of them gives the weight of any subset.
#[must_use]
pub fn cone_sums(graph: &Graph, weights: &[i64]) -> ConeSums {
    assert_eq!(weights.len(), graph.num_nodes(), "one weight per node");
    let order = TopologicalOrder::natural(graph);
    let order: Vec<usize> = order.nodes().iter().map(|node| node.index()).collect();
    let mut sums = ConeSums { ancestors: vec![0; weights.len()], descendants: vec![0; weights.len()] };
    let mut reached = vec![0_u64; weights.len()];
    for (chunk, sources) in order.chunks(WORD).enumerate() {
        let tables = subset_sums(sources, weights);
        let (first, end) = (chunk * WORD, chunk * WORD + sources.len());

        reached.fill(0);
        mark(&mut reached, sources);
        for &node in &order[first..] {
            let word = reached[node];
            if word != 0 {
                sums.ancestors[node] += sum_of(&tables, word);
                for successor in successors(graph, node) {
                    reached[successor] |= word;
                }
            }
        }

        reached.fill(0);
        mark(&mut reached, sources);
        for &node in order[..end].iter().rev() {
            let word = successors(graph, node).fold(reached[node], |word, successor| word | reached[successor]);
            reached[node] = word;
            if word != 0 {
                sums.descendants[node] += sum_of(&tables, word);
            }
        }
    }
    sums
}

fn mark(reached: &mut [u64], sources: &[usize]) {
    for (bit, &source) in sources.iter().enumerate() {
        reached[source] = 1 << bit;
    }
}

fn successors(graph: &Graph, node: usize) -> impl Iterator<Item = usize> {
    graph.successors(NodeId::new(node)).iter().map(|successor| successor.index())
}

/// For each eight sources, the weight of every subset.
fn subset_sums(sources: &[usize], weights: &[i64]) -> Vec<[i64; BYTE_VALUES]> {
    let table = |eight: &[usize]| {
        let mut table = [0; BYTE_VALUES];
        for (bit, &source) in eight.iter().enumerate() {
            for subset in 0..1 << bit {
                table[subset | 1 << bit] = table[subset] + weights[source];
            }
        }
        table
    };
    sources.chunks(8).map(table).collect()
}

fn sum_of(tables: &[[i64; BYTE_VALUES]], word: u64) -> i64 {
    tables.iter().zip(word.to_le_bytes()).map(|(table, byte)| table[usize::from(byte)]).sum()
}
