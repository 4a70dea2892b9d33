//! What the blocks of a partition under moves store beside each node's own parameters: parameters of several readers, state,
//! and the most of live tensors.

use std::collections::BTreeMap;

use crate::cost::{Held, Instance, View};
use crate::graph::Csr;
use crate::ids::{NodeId, TensorId, wide};

/// Of each block.
#[derive(Clone, Debug)]
pub(super) struct Holdings {
    /// By node: the parameters that others read, too.
    params: Csr<TensorId>,
    /// By parameter: its bytes.
    bytes: Vec<u64>,
    /// By node: bytes of state, and of live tensors; none where these are not limited.
    state: Vec<u64>,
    live: Vec<u64>,
    /// By block: how many nodes have so many bytes of live tensors; none where these are not limited.
    blocks: Vec<BTreeMap<u64, u32>>,
}

impl Holdings {
    /// None where there is no such thing, or nothing that it costs.
    pub(super) fn new(instance: &Instance, block_of: &[usize]) -> Option<Self> {
        let graph = instance.graph();
        let is_limited = instance.views().any(|view| view.memory_limit().is_some());
        let has_live = is_limited && graph.nodes().any(|v| graph.live_bytes(v) > 0);
        let has_others = graph.num_params() > 0 || graph.nodes().any(|v| graph.state_bytes(v) > 0);
        if !has_live && (!has_others || instance.is_free_of_memory()) {
            return None;
        }
        let reads = graph.nodes().flat_map(|v| graph.reads(v).iter().map(move |&x| (v.index(), x)));
        let params = reads.filter(|&(_, x)| graph.stored(x) > 0);
        let live: Vec<u64> = graph.nodes().filter(|_| has_live).map(|v| graph.live_bytes(v)).collect();
        let mut blocks = vec![BTreeMap::new(); if has_live { instance.num_blocks() } else { 0 }];
        for (&bytes, &block) in live.iter().zip(block_of) {
            *blocks[block].entry(bytes).or_insert(0) += 1;
        }
        Some(Self {
            params: Csr::from_pairs(graph.num_nodes(), TensorId::new(0), params),
            bytes: graph.tensors().map(|x| graph.stored(x)).collect(),
            state: graph.nodes().map(|v| graph.state_bytes(v)).collect(),
            live,
            blocks,
        })
    }

    /// Of what a block holds, what is counted.
    pub(super) fn counted(&self, held: Held) -> Held {
        Held { live: if self.live.is_empty() { 0 } else { held.live }, ..held }
    }

    /// The parameters of a node that others read, too.
    pub(super) fn params_of(&self, node: NodeId) -> &[TensorId] {
        self.params.row(node.index())
    }

    /// What two blocks hold when nodes move from one to the other, beside the nodes' own parameters; `consumers` says how many
    /// readers of a parameter are in either now.
    #[inline(never)]
    pub(super) fn shift(
        &self,
        nodes: &[NodeId],
        [from, to]: [u32; 2],
        [old, new]: [View<'_>; 2],
        consumers: impl Fn(TensorId) -> (u32, u32),
        [source, target]: [&mut Held; 2],
    ) {
        for node in nodes {
            let state = self.state[node.index()];
            source.state -= state;
            source.bytes -= state;
            target.state += state;
            target.bytes += state;
        }
        let mut params: Vec<TensorId> = nodes.iter().flat_map(|&node| self.params_of(node)).copied().collect();
        params.sort_unstable();
        for readers in params.chunk_by(|one, other| one == other) {
            let (x, (here, there)) = (readers[0], consumers(readers[0]));
            if wide(here) == readers.len() {
                source.params -= old.stored(x);
                source.bytes -= self.bytes[x.index()];
            }
            if there == 0 {
                target.params += new.stored(x);
                target.bytes += self.bytes[x.index()];
            }
        }
        if !self.live.is_empty() {
            source.live = self.most_left(nodes, from);
            target.live = nodes.iter().map(|node| self.live[node.index()]).fold(target.live, u64::max);
        }
        debug_assert!(from != to);
    }

    /// The most bytes of live tensors of a block without some of its nodes.
    fn most_left(&self, nodes: &[NodeId], block: u32) -> u64 {
        let is_left = |&(&bytes, &all): &(&u64, &u32)| {
            let leaving = nodes.iter().filter(|node| self.live[node.index()] == bytes).count();
            wide(all) > leaving
        };
        self.blocks[wide(block)].iter().rev().find(is_left).map_or(0, |(&bytes, _)| bytes)
    }

    /// Moves the live tensors of a node.
    pub(super) fn shift_live(&mut self, node: NodeId, from: u32, to: u32) {
        let Some(&bytes) = self.live.get(node.index()) else { return };
        let old = &mut self.blocks[wide(from)];
        let count = old.get_mut(&bytes).expect("a node is in its block");
        *count -= 1;
        if *count == 0 {
            old.remove(&bytes);
        }
        *self.blocks[wide(to)].entry(bytes).or_insert(0) += 1;
    }
}
