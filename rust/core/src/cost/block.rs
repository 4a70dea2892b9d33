//! The cost of blocks, straight from the definition.

use super::instance::Instance;
use super::ticks::{INFINITE, Ticks};
use super::view::{Held, View};
use crate::error::Error;
use crate::ids::NodeId;

/// The cost of one block and its parts, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockCost {
    /// Its nodes' work.
    pub work: Ticks,
    /// Tensors made elsewhere and read here, each once.
    pub io_in: Ticks,
    /// Tensors made here and read elsewhere, each once.
    pub io_out: Ticks,
    /// Streaming in the parameters beyond memory.
    pub overflow: Ticks,
    /// The bytes that it stores.
    pub held: Held,
    /// The sum of work, io and overflow, or on a device that overlaps the larger of io and the others; [`INFINITE`] above
    /// a limit, and where a node may not be.
    pub cost: Ticks,
}

/// Checks that `block_of` maps every node to a block that may hold it, no tensor backwards, and nodes that must be together
/// to one block.
///
/// # Errors
/// [`Error`], naming the first node that breaks a rule.
///
/// # Complexity
/// O(nodes + distinct producer-consumer pairs).
pub fn check_partition(instance: &Instance, block_of: &[i64]) -> Result<Vec<usize>, Error> {
    let (graph, num_blocks) = (instance.graph(), instance.num_blocks());
    if block_of.len() != graph.num_nodes() {
        let rule = format!("there are {} nodes", graph.num_nodes());
        return Err(Error::Length { array: "block_of", length: block_of.len(), rule });
    }
    let wrong = |node: NodeId, rule| Error::BlockOf { node: node.index(), block: block_of[node.index()], rule };
    let mut checked = Vec::with_capacity(block_of.len());
    for node in graph.nodes() {
        let block = block_of[node.index()];
        let index = usize::try_from(block).ok().filter(|&index| index < num_blocks);
        checked.push(index.ok_or_else(|| wrong(node, format!("blocks are 0..{num_blocks}")))?);
        if let Some(&consumer) = graph.successors(node).iter().find(|c| block_of[c.index()] < block) {
            let (consumer, earlier) = (consumer.index(), block_of[consumer.index()]);
            return Err(wrong(node, format!("its consumer, node {consumer}, is in block {earlier}, which is earlier")));
        }
    }
    if let Some(node) = graph.nodes().find(|&v| !instance.may_be(v, checked[v.index()])) {
        return Err(wrong(node, "a constraint or the kind of its device keeps the node from this block".to_string()));
    }
    for nodes in instance.together() {
        let first = nodes[0];
        if let Some(&node) = nodes.iter().find(|v| checked[v.index()] != checked[first.index()]) {
            let rule = format!("node {}, which must be with it, is in block {}", first.index(), checked[first.index()]);
            return Err(wrong(node, rule));
        }
    }
    Ok(checked)
}

/// The cost of every block of a checked partition, by block, up to the last that is not empty.
///
/// A tensor is paid once by the block that makes it, when another block reads it, and once by every other block that
/// reads it. With `boundary_io` a model input is paid by every block that reads it, a model output by its producer. Where
/// tensors are handed on, every block that is not empty between the producer and the last reader pays one that comes in and
/// goes out.
///
/// # Panics
/// When `block_of` is not what [`check_partition`] gives.
///
/// # Complexity
/// O(nodes + tensors + reads + blocks up to the last that is not empty).
#[must_use]
pub fn partition_costs(instance: &Instance, block_of: &[usize]) -> Vec<BlockCost> {
    if instance.num_kinds() == 1 {
        let only = instance.only();
        costs_on(instance, block_of, |_| only)
    } else {
        costs_on(instance, block_of, |block| instance.on(block))
    }
}

/// The same, given the costs on the device of each block.
fn costs_on<'a>(instance: &'a Instance, block_of: &[usize], on: impl Fn(usize) -> View<'a>) -> Vec<BlockCost> {
    let graph = instance.graph();
    let num_blocks = block_of.iter().max().map_or(0, |&last| last + 1);
    let mut blocks = vec![BlockCost::default(); num_blocks];
    let mut is_allowed = vec![true; num_blocks];
    for node in graph.nodes() {
        let block = &mut blocks[block_of[node.index()]];
        let view = on(block_of[node.index()]);
        block.work += view.work(node);
        block.held.bytes += graph.param_bytes(node);
        block.held.params += view.params()[node.index()];
    }
    if graph.is_stateful() {
        for node in graph.nodes() {
            let (state, held) = (graph.state_bytes(node), &mut blocks[block_of[node.index()]].held);
            held.bytes += state;
            held.state += state;
            held.live = held.live.max(graph.live_bytes(node));
        }
    }
    if instance.allowed().is_some() {
        graph.nodes().zip(block_of).for_each(|(v, &block)| is_allowed[block] &= instance.may_be(v, block));
    }
    let mut last_tensor_paid = vec![None; num_blocks];
    for tensor in graph.tensors() {
        let stored = graph.stored(tensor);
        let home = graph.producer(tensor).map(|node| block_of[node.index()]);
        let mut is_exported = instance.boundary_io() && graph.is_output(tensor);
        for consumer in graph.consumers(tensor).iter().map(|node| block_of[node.index()]) {
            let is_import = home.map_or(instance.boundary_io() || stored > 0, |home| home != consumer);
            if is_import && last_tensor_paid[consumer] != Some(tensor) {
                last_tensor_paid[consumer] = Some(tensor);
                let view = on(consumer);
                blocks[consumer].io_in += view.transfer(tensor);
                if stored > 0 {
                    blocks[consumer].held.bytes += stored;
                    blocks[consumer].held.params += view.stored(tensor);
                }
            }
            is_exported |= is_import;
        }
        if let (Some(home), true) = (home, is_exported) {
            blocks[home].io_out += on(home).transfer(tensor);
        }
    }
    if instance.is_relay() {
        hand_on(instance, block_of, &on, &mut blocks);
    }
    for (index, block) in blocks.iter_mut().enumerate() {
        let view = on(index);
        block.overflow = view.overflow(block.held.params);
        let cost = view.cost(block.work, block.io_in + block.io_out, &block.held);
        block.cost = if is_allowed[index] { cost } else { INFINITE };
    }
    blocks
}

/// Adds what blocks pay to hand on tensors: those that are produced before them and read after them.
fn hand_on<'a>(instance: &'a Instance, block_of: &[usize], on: &impl Fn(usize) -> View<'a>, blocks: &mut [BlockCost]) {
    let graph = instance.graph();
    let mut is_used = vec![false; blocks.len()];
    for &block in block_of {
        is_used[block] = true;
    }
    for tensor in graph.tensors() {
        let readers = || graph.consumers(tensor).iter().map(|node| block_of[node.index()]);
        let (Some(producer), Some(last)) = (graph.producer(tensor), readers().max()) else { continue };
        for block in (block_of[producer.index()] + 1..last).filter(|&block| is_used[block]) {
            let transfer = on(block).transfer(tensor);
            blocks[block].io_out += transfer;
            if readers().all(|reader| reader != block) {
                blocks[block].io_in += transfer;
            }
        }
    }
}

/// The cost of the most expensive block.
///
/// # Panics
/// When there is no block.
#[must_use]
pub fn bottleneck(blocks: &[BlockCost]) -> Ticks {
    blocks.iter().map(|block| block.cost).max().expect("a partition has at least one block")
}
