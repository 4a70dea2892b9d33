//! Seeded graphs to measure on.

use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use slicegraph_core::NodeId;
use slicegraph_core::cost::{Device, Instance};
use slicegraph_core::graph::{Graph, GraphBuilder};

/// A layered graph: layers of 1 to `2 * width - 1` nodes, each node reading from one to three nodes of the layer before
/// and, one time in ten, from a node up to eight layers back (a skip connection).
///
/// Work is 10 to 100 microseconds and tensors are 0.1 to 1 MB, log-uniformly.
///
/// # Panics
/// Never for sizes that fit in memory.
#[must_use]
pub fn layered(num_nodes: usize, width: usize, seed: u64) -> Graph {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut builder = GraphBuilder::default();
    let mut consumers: Vec<Vec<NodeId>> = vec![Vec::new(); num_nodes];
    let mut layers = vec![0];
    let mut first = 0;
    while first < num_nodes {
        let end = (first + random.random_range(1..2 * width)).min(num_nodes);
        for index in first..end {
            let node = builder.add_node(1e-5 * 10.0_f64.powf(random.random()));
            let mut sources = Vec::new();
            if layers.len() > 1 {
                let previous = layers[layers.len() - 2]..first;
                sources.extend((0..random.random_range(1..=3)).map(|_| random.random_range(previous.clone())));
                if random.random_bool(0.1) {
                    let oldest = layers[layers.len().saturating_sub(9)];
                    sources.push(random.random_range(oldest..first));
                }
            }
            sources.sort_unstable();
            sources.dedup();
            for source in sources {
                consumers[source].push(node);
            }
            debug_assert_eq!(node.index(), index);
        }
        first = end;
        layers.push(first);
    }
    for (producer, readers) in consumers.iter().enumerate() {
        let kilobytes = random.random_range(0.0..1.0_f64);
        #[expect(clippy::cast_possible_truncation, reason = "between 1e5 and 1e6")]
        let size = (1e5 * 10.0_f64.powf(kilobytes)) as i64;
        builder.add_tensor(Some(NodeId::new(producer)), size, readers);
    }
    builder.freeze().expect("edges go up")
}

/// A layered graph on a device with 64 GB/s between stages.
///
/// # Panics
/// Never for sizes that fit in memory.
#[must_use]
pub fn layered_instance(num_nodes: usize, width: usize, num_blocks: usize, seed: u64) -> Instance {
    let graph = Arc::new(layered(num_nodes, width, seed));
    Instance::uniform(graph, &Device::with_bandwidth(64e9), num_blocks, false).expect("a sound device")
}
