//! Random small instances and partitions, for tests.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::cost::{
    Constraints, Device, INFINITE, Instance, Machine, Ticks, bottleneck, check_partition, partition_costs,
};
use crate::graph::{Graph, GraphBuilder};
use crate::ids::{NodeId, count};
use crate::query::ExactParams;

#[path = "../tests/interface/common/small_params.rs"]
mod small_params;
pub(crate) use small_params::small_params;

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
    Instance::uniform(graph, &device, num_blocks, random.random()).expect("small numbers, and room for all")
}

/// An instance of one to three kinds of devices in any order: tables of work that lack some nodes, latency, overlap, memory
/// and limits; parameters of several readers, state, live tensors; nodes with few stages; tensors that are handed on. It may
/// have no feasible partition.
pub(crate) fn random_unlike(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Instance {
    let (graph, machine, constraints) = random_parts(random, num_nodes, num_blocks);
    match Instance::new(graph, &machine, &constraints, random.random()) {
        Ok(instance) => relayed_at_times(instance),
        // Some node has no stage: another instance.
        Err(_) => random_unlike(random, num_nodes, num_blocks),
    }
}

/// The same where no tensor is handed on.
pub(crate) fn random_unrelayed(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Instance {
    let instance = random_unlike(random, num_nodes, num_blocks);
    if instance.is_relay() { random_unrelayed(random, num_nodes, num_blocks) } else { instance }
}

/// The same, with tensors handed on from stage to stage in some of the cases.
pub(crate) fn relayed_at_times(instance: Instance) -> Instance {
    let graph = instance.graph();
    let is_relay = !instance.boundary_io() && graph.tensors().map(|x| graph.size(x)).sum::<u64>().is_multiple_of(3);
    if is_relay { instance.with_relays().expect("nothing crosses the border of the model") } else { instance }
}

/// The same, where some nodes must be with others.
pub(crate) fn random_together(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Instance {
    let (graph, machine, mut constraints) = random_parts(random, num_nodes, num_blocks);
    for _ in 0..random.random_range(1..3) {
        constraints.together.push((0..num_nodes).filter(|_| random.random_bool(0.4)).collect());
    }
    match Instance::new(graph, &machine, &constraints, random.random()) {
        Ok(instance) => relayed_at_times(instance),
        Err(_) => random_together(random, num_nodes, num_blocks),
    }
}

/// A graph, a machine and constraints, which need not be an instance.
pub(crate) fn random_parts(
    random: &mut Xoshiro256PlusPlus,
    num_nodes: usize,
    num_blocks: usize,
) -> (Arc<Graph>, Machine, Constraints) {
    let mut bytes = |most: i64| -> Vec<i64> { (0..num_nodes).map(|_| random.random_range(0..most)).collect() };
    let mut builder = GraphBuilder {
        work: Some(vec![0.0; num_nodes]),
        param_bytes: Some(bytes(4)),
        state_bytes: Some(bytes(2)),
        live_bytes: Some(bytes(3)),
        ..GraphBuilder::default()
    };
    for producer in std::iter::once(None).chain((0..num_nodes).map(Some)) {
        let mut consumers: Vec<NodeId> = (producer.map_or(0, |node| node + 1)..num_nodes).map(NodeId::new).collect();
        consumers.retain(|_| random.random_bool(0.3));
        builder.add_tensor(producer.map(NodeId::new), random.random_range(0..5), &consumers);
    }
    builder.is_output = Some((0..=num_nodes).map(|_| random.random()).collect());
    for _ in 0..random.random_range(0..3) {
        let mut readers: Vec<NodeId> = (0..num_nodes).map(NodeId::new).collect();
        readers.retain(|_| random.random_bool(0.5));
        builder.add_param(random.random_range(1..5), &readers);
    }
    let graph = Arc::new(builder.freeze().expect("edges go up"));
    let num_kinds = random.random_range(1..4);
    let lacks = if random.random_bool(0.5) { 0.1 } else { 0.0 };
    let kinds = (0..num_kinds).map(|_| random_device(random, num_nodes, lacks)).collect();
    let kind_of = (0..num_blocks).map(|_| random.random_range(0..num_kinds)).collect();
    let mut stages = Vec::new();
    for node in 0..if random.random_bool(0.3) { num_nodes } else { 0 } {
        let some: Vec<usize> = (0..num_blocks).filter(|_| random.random_bool(0.7)).collect();
        if random.random_bool(0.3) && !some.is_empty() {
            stages.push((node, some));
        }
    }
    (graph, Machine { kinds, kind_of }, Constraints { stages, ..Constraints::default() })
}

/// A device for so many nodes, which cannot run each with this probability.
fn random_device(random: &mut Xoshiro256PlusPlus, num_nodes: usize, lacks: f64) -> Device {
    let mut time = || f64::from(random.random_range(0..5_u32));
    let work: Vec<f64> = (0..num_nodes).map(|_| time()).collect();
    let work = work.into_iter().map(|time| if random.random_bool(lacks) { f64::NAN } else { time }).collect();
    Device {
        latency: f64::from(random.random_range(0..2_u32)),
        overlap: random.random_bool(0.3),
        work: Some(work),
        memory: random.random_bool(0.4).then(|| random.random_range(0..10)),
        memory_limit: random.random_bool(0.3).then(|| random.random_range(6..16)),
        ..Device::with_bandwidth([0.5, 1.0, 2.0, 4.0][random.random_range(0..4)])
    }
}

/// Nodes of these works that nothing ties to each other.
pub(crate) fn loose_nodes(works: &[f64], num_blocks: usize) -> Instance {
    let builder = GraphBuilder { work: Some(works.to_vec()), ..GraphBuilder::default() };
    let graph = Arc::new(builder.freeze().expect("there are no edges"));
    Instance::uniform(graph, &Device::with_bandwidth(1.0), num_blocks, false).expect("small numbers")
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
        if let Ok(block_of) = check_partition(instance, &block_of) {
            least = least.min(bottleneck(&partition_costs(instance, &block_of)));
        }
    }
    least
}
