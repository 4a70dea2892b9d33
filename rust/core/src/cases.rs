//! Random small instances and partitions, for tests.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::cost::{Device, INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
use crate::graph::GraphBuilder;
use crate::ids::{NodeId, count};
use crate::query::ExactParams;

/// An instance with several consumers per tensor, model inputs and outputs, free or paid, memory and limits on and off.
pub(crate) fn random_instance(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Instance {
    random_instance_at(1.0, random, num_nodes, num_blocks)
}

/// The same, with so much bandwidth.
pub(crate) fn random_instance_at(
    bandwidth: f64,
    random: &mut Xoshiro256PlusPlus,
    num_nodes: usize,
    num_blocks: usize,
) -> Instance {
    let work = (0..num_nodes).map(|_| f64::from(random.random_range(0..5_u32))).collect();
    let param_bytes: Vec<i64> = (0..num_nodes).map(|_| random.random_range(0..5)).collect();
    let blocks = i64::try_from(num_blocks).expect("few");
    let (largest, total) = (param_bytes.iter().max().copied().unwrap_or(0), param_bytes.iter().sum::<i64>());
    let least = u64::try_from(largest.max((total + blocks - 1) / blocks)).expect("not negative");
    let device = Device {
        memory: random.random_bool(0.5).then(|| random.random_range(0..8)),
        memory_limit: random.random_bool(0.2).then(|| least + random.random_range(0..4)),
        ..Device::with_bandwidth(bandwidth)
    };
    let mut builder = GraphBuilder { work: Some(work), param_bytes: Some(param_bytes), ..GraphBuilder::default() };
    for producer in std::iter::once(None).chain((0..num_nodes).map(Some)) {
        let mut consumers: Vec<NodeId> = (producer.map_or(0, |node| node + 1)..num_nodes).map(NodeId::new).collect();
        consumers.retain(|_| random.random_bool(0.3));
        builder.add_tensor(producer.map(NodeId::new), random.random_range(0..5), &consumers);
    }
    builder.is_output = Some((0..=num_nodes).map(|_| random.random()).collect());
    let graph = Arc::new(builder.freeze().expect("edges go up"));
    Instance::new(graph, &device, num_blocks, random.random()).expect("small numbers, and room for all")
}

/// Nodes of these works that nothing ties to each other.
pub(crate) fn loose_nodes(works: &[f64], num_blocks: usize) -> Instance {
    let builder = GraphBuilder { work: Some(works.to_vec()), ..GraphBuilder::default() };
    let graph = Arc::new(builder.freeze().expect("there are no edges"));
    Instance::new(graph, &Device::with_bandwidth(1.0), num_blocks, false).expect("small numbers")
}

/// A partition that never falls along a tensor; no more than that.
pub(crate) fn random_partition(random: &mut Xoshiro256PlusPlus, instance: &Instance) -> Vec<usize> {
    let graph = instance.graph();
    let mut block_of = vec![0; graph.num_nodes()];
    for node in graph.nodes() {
        let least = graph.producers(node).map(|producer| block_of[producer.index()]).max().unwrap_or(0);
        block_of[node.index()] = random.random_range(least..instance.num_blocks());
    }
    block_of
}

/// The least bottleneck of all partitions that keep the classes together.
pub(crate) fn least_of(instance: &Instance, class_of: &[usize], num_classes: usize) -> Ticks {
    let blocks = instance.num_blocks();
    let mut least = INFINITE;
    for code in 0..blocks.pow(u32::try_from(num_classes).expect("few")) {
        let block = |class: usize| code / blocks.pow(u32::try_from(class).expect("few")) % blocks;
        let block_of: Vec<i64> = class_of.iter().map(|&class| count(block(class))).collect();
        if let Ok(block_of) = check_partition(instance.graph(), blocks, &block_of) {
            least = least.min(bottleneck(&partition_costs(instance, &block_of)));
        }
    }
    least
}

/// Parameters with which small instances come to all stages of the exact solver.
pub(crate) fn small_params() -> ExactParams {
    let mut params = ExactParams::default();
    params.domain.sample = 2;
    (params.decide.downset_steps, params.decide.label_steps) = (1 << 6, 1 << 10);
    (params.branch.downset_steps, params.branch.label_steps, params.branch.node_steps) = (1 << 6, 1 << 10, 1);
    params
}
