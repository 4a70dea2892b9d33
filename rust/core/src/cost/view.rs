//! A view of an instance: its costs on one kind of device.

use super::row::Row;
use super::ticks::{INFINITE, Ticks};
use crate::graph::Graph;
use crate::ids::{NodeId, TensorId};

/// The memory that a set of nodes needs; monotone in the set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Ticks in which its parameters and state would stream in, on the kind of the stage.
    pub params: Ticks,
    /// Bytes of parameters, each once, and of state.
    pub bytes: u64,
    /// Bytes of state.
    pub state: u64,
    /// The most bytes of live tensors while one of its nodes runs.
    pub live: u64,
}

impl Held {
    /// Adds what other nodes hold, beside the parameters that several nodes read.
    pub fn add(&mut self, other: &Self) {
        self.params += other.params;
        self.bytes += other.bytes;
        self.state += other.state;
        self.live = self.live.max(other.live);
    }
}

/// An instance with the costs of one kind of device.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    graph: &'a Graph,
    row: &'a Row,
    kind: usize,
    boundary_io: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(graph: &'a Graph, row: &'a Row, kind: usize, boundary_io: bool) -> Self {
        Self { graph, row, kind, boundary_io }
    }

    /// Whether `tensor` is a model output that its producer's block pays for.
    fn is_paid_output(self, tensor: TensorId) -> bool {
        self.boundary_io && self.graph.is_output(tensor)
    }

    /// The number of the kind.
    #[must_use]
    pub fn kind(self) -> usize {
        self.kind
    }

    /// Ticks that a node runs; zero for one that this kind cannot run.
    #[must_use]
    pub fn work(self, node: NodeId) -> Ticks {
        self.row.work[node.index()]
    }

    /// Ticks that each node runs, by index.
    #[must_use]
    pub fn works(self) -> &'a [Ticks] {
        &self.row.work
    }

    /// Ticks that a tensor takes to move once.
    #[must_use]
    pub fn transfer(self, tensor: TensorId) -> Ticks {
        self.row.transfer[tensor.index()]
    }

    /// Ticks that each tensor takes to move once, by index.
    #[must_use]
    pub fn transfers(self) -> &'a [Ticks] {
        &self.row.transfer
    }

    /// Ticks in which each node's own parameters and state would stream in, by index; zero when the memory has room for all.
    #[must_use]
    pub fn params(self) -> &'a [Ticks] {
        &self.row.params
    }

    /// Ticks in which a parameter that several nodes read would stream in; zero for other tensors.
    #[must_use]
    pub fn stored(self, tensor: TensorId) -> Ticks {
        self.row.stored.get(tensor.index()).copied().unwrap_or(0)
    }

    /// What one node holds by itself, without the parameters that others read, too.
    #[must_use]
    pub fn held(self, node: NodeId) -> Held {
        let graph = self.graph;
        let state = graph.state_bytes(node);
        Held {
            params: self.row.params[node.index()],
            bytes: graph.param_bytes(node) + state,
            state,
            live: graph.live_bytes(node),
        }
    }

    /// Resident parameters, in the ticks that they would take to stream in.
    #[must_use]
    pub fn memory(self) -> Ticks {
        self.row.memory
    }

    /// Bytes that a block may hold at most; none when that is enough for all.
    #[must_use]
    pub fn memory_limit(self) -> Option<u64> {
        self.row.memory_limit
    }

    /// Bytes of state that a block may hold at most; none when that is enough for all.
    #[must_use]
    pub fn state_limit(self) -> Option<u64> {
        self.row.state_limit
    }

    /// Whether communication runs beside the computation.
    #[must_use]
    pub fn is_overlap(self) -> bool {
        self.row.is_overlap
    }

    /// Whether memory has no effect: nothing that is stored costs anything, and no limit can be exceeded.
    #[must_use]
    pub fn is_free_of_memory(self) -> bool {
        self.has_ample_memory() && !self.is_limited()
    }

    /// Whether nothing that is stored costs anything.
    pub(super) fn has_ample_memory(self) -> bool {
        let is_free = |ticks: &[Ticks]| ticks.iter().all(|&ticks| ticks == 0);
        is_free(&self.row.params) && is_free(&self.row.stored)
    }

    /// Whether bytes are limited.
    #[must_use]
    pub fn is_limited(self) -> bool {
        self.row.memory_limit.is_some() || self.row.state_limit.is_some()
    }

    /// Ticks that a node adds to its block in any case: its work, and the model outputs that it makes when these are paid.
    #[must_use]
    pub fn load(self, node: NodeId) -> Ticks {
        if !self.boundary_io {
            return self.work(node);
        }
        let outputs = self.graph.produces(node).iter().filter(|&&x| self.is_paid_output(x));
        self.work(node) + outputs.map(|&x| self.transfer(x)).sum::<Ticks>()
    }

    /// The load of each node, by index.
    #[must_use]
    pub fn loads(self) -> Vec<Ticks> {
        self.graph.nodes().map(|node| self.load(node)).collect()
    }

    /// The load of all nodes together.
    #[must_use]
    pub fn total_load(self) -> Ticks {
        self.graph.nodes().map(|node| self.load(node)).sum()
    }

    /// Ticks that it adds for the producer of `tensor` that another block reads it: none for a model output that is paid
    /// anyway, and none for a model input, which has no producer.
    #[must_use]
    pub fn export(self, tensor: TensorId) -> Ticks {
        let is_free = self.is_paid_output(tensor) || self.graph.producer(tensor).is_none();
        if is_free { 0 } else { self.transfer(tensor) }
    }

    /// Overflow of parameters and state that take so many ticks to stream in.
    #[must_use]
    pub fn overflow(self, params: Ticks) -> Ticks {
        (params - self.row.memory).max(0)
    }

    /// Whether this is above a limit of a block.
    #[must_use]
    pub fn is_over_limit(self, held: &Held) -> bool {
        self.row.memory_limit.is_some_and(|limit| held.bytes + held.live > limit)
            || self.row.state_limit.is_some_and(|limit| held.state > limit)
    }

    /// What a block costs without what it holds.
    #[must_use]
    pub fn busy(self, work: Ticks, io: Ticks, overflow: Ticks) -> Ticks {
        if self.row.is_overlap { (work + overflow).max(io) } else { work + io + overflow }
    }

    /// The cost of a block with this work, io and memory; infinite above a limit.
    #[must_use]
    pub fn cost(self, work: Ticks, io: Ticks, held: &Held) -> Ticks {
        if self.is_over_limit(held) { INFINITE } else { self.busy(work, io, self.overflow(held.params)) }
    }
}
