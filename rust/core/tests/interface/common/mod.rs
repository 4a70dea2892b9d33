//! Random small problems of many shapes, and the optimum by trying every partition.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use slicegraph_core::cost::{Device, INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
use slicegraph_core::graph::GraphBuilder;
use slicegraph_core::order::TopologicalOrder;
use slicegraph_core::query::ExactParams;
use slicegraph_core::{Error, NodeId};

mod small_params;
pub use small_params::small_params;

/// Instances of up to `max_nodes` nodes and `max_blocks` blocks: hyperedges, several outputs per node, parallel
/// tensors, model inputs and outputs, zero and dominant costs, memory and limits on and off, nodes listed in any order.
pub fn instances(max_nodes: usize, max_blocks: usize) -> impl Strategy<Value = Instance> {
    (1..=max_nodes).prop_flat_map(move |num_nodes| {
        let quantity = || prop_oneof![Just(0_u32), 1..4_u32, 1..4_u32, Just(1000)];
        let names = Just((0..num_nodes).collect::<Vec<_>>()).prop_shuffle();
        let works = vec(quantity(), num_nodes);
        let params = vec(quantity(), num_nodes);
        // Producer (the last value means a model input), consumers as bits, bytes, is it an output.
        let tensor = (0..=num_nodes, any::<u16>(), any::<u16>(), quantity(), any::<bool>());
        let tensors = vec(tensor, 0..=2 * num_nodes);
        let memory = option::of(0..8_u64);
        let memory_limit = option::weighted(0.3, 4..20_u64);
        (names, works, params, tensors, memory, memory_limit, 1..=max_blocks, any::<bool>()).prop_map(
            move |(names, works, params, tensors, memory, memory_limit, num_blocks, boundary_io)| {
                let mut work = vec![0.0; num_nodes];
                let mut param_bytes = vec![0; num_nodes];
                for (place, &name) in names.iter().enumerate() {
                    work[name] = f64::from(works[place]);
                    param_bytes[name] = i64::from(params[place] % 8);
                }
                let mut builder =
                    GraphBuilder { work: Some(work), param_bytes: Some(param_bytes), ..GraphBuilder::default() };
                let mut is_output = Vec::new();
                for (producer, bits, sparser, size, output) in tensors {
                    let bits = bits & sparser;
                    let first = if producer == num_nodes { 0 } else { producer + 1 };
                    let consumers: Vec<NodeId> =
                        (first..num_nodes).filter(|v| bits >> v & 1 == 1).map(|v| NodeId::new(names[v])).collect();
                    let producer = names.get(producer).map(|&name| NodeId::new(name));
                    builder.add_tensor(producer, i64::from(size), &consumers);
                    is_output.push(output);
                }
                builder.is_output = Some(is_output);
                let graph = Arc::new(builder.freeze().expect("edges go up in the hidden order"));
                let device = Device { memory, memory_limit, ..Device::with_bandwidth(2.0) };
                Instance::uniform(graph, &device, num_blocks, boundary_io).expect("small numbers")
            },
        )
    })
}

/// An instance and one topological order of it, decoded from random keys.
pub fn ordered_instances(max_nodes: usize, max_blocks: usize) -> impl Strategy<Value = (Instance, TopologicalOrder)> {
    instances(max_nodes, max_blocks).prop_flat_map(|instance| {
        let keys = vec(0.0..1.0_f64, instance.graph().num_nodes());
        keys.prop_map(move |keys| {
            let order = TopologicalOrder::from_keys(instance.graph(), &keys).expect("finite keys");
            (instance.clone(), order)
        })
    })
}

/// The least bottleneck of all acyclic partitions.
pub fn optimum(instance: &Instance) -> Ticks {
    let costs = partitions(instance).map(|block_of| bottleneck(&partition_costs(instance, &block_of)));
    costs.min().unwrap_or(INFINITE)
}

/// All acyclic partitions.
pub fn partitions(instance: &Instance) -> impl Iterator<Item = Vec<usize>> + '_ {
    let (num_nodes, num_blocks) = (instance.graph().num_nodes(), instance.num_blocks());
    let first = Some(vec![0; num_nodes]);
    let all = std::iter::successors(first, move |block_of| {
        // The next number of num_nodes digits in base num_blocks.
        let digit = block_of.iter().position(|&block| block + 1 < num_blocks)?;
        let mut next = block_of.clone();
        next[..digit].fill(0);
        next[digit] += 1;
        Some(next)
    });
    all.filter(|block_of| is_acyclic(instance, block_of))
}

/// Whether these are blocks of an acyclic partition.
pub fn is_acyclic(instance: &Instance, block_of: &[usize]) -> bool {
    let signed: Vec<i64> = block_of.iter().map(|&block| i64::try_from(block).expect("a small number")).collect();
    check_partition(instance, &signed).is_ok()
}

/// A chain of nodes of one second each, with 2 bytes (one second) between neighbours.
pub fn chain(num_nodes: usize, num_blocks: usize) -> Instance {
    let mut builder = GraphBuilder::default();
    let nodes: Vec<NodeId> = (0..num_nodes).map(|_| builder.add_node(1.0)).collect();
    for pair in nodes.windows(2) {
        builder.add_tensor(Some(pair[0]), 2, &pair[1..]);
    }
    let graph = Arc::new(builder.freeze().expect("a chain"));
    Instance::uniform(graph, &Device::with_bandwidth(2.0), num_blocks, false).expect("small numbers")
}

/// Half a second in ticks, of which all costs of these instances are multiples.
pub fn half_second(instance: &Instance) -> Ticks {
    (0..52).map(|bit| 1 << bit).find(|&ticks| instance.seconds(ticks) >= 0.5).unwrap_or(1)
}

/// The message of an error, to compare with what the user should read.
pub fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.expect_err("must be refused").to_string()
}
