//! The computation graph: nodes, and tensors as hyperedges. Checked once by [`GraphBuilder`], then frozen.

mod builder;
mod bytes;
mod csr;

pub use builder::GraphBuilder;
pub(crate) use builder::MAX_SECONDS;
pub use csr::Csr;

use crate::ids::{NodeId, TensorId};

/// What a node's work is known from.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Seconds per node.
    Seconds(Vec<f64>),
    /// Facts per node, from which a device's roofline makes seconds.
    Facts {
        /// Floating-point operations.
        flops: Vec<f64>,
        /// Bytes read and written; 2^54 at most.
        moved_bytes: Vec<u64>,
        /// The operation moves nothing and costs nothing.
        is_view: Vec<bool>,
    },
}

/// A frozen DAG of nodes and tensors.
///
/// Every invariant (indices in range, no duplicates, no cycle, no negative or non-finite number) was checked when it
/// was built, so nothing that takes a `Graph` checks again.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    work: Work,
    param_bytes: Vec<u64>,
    state_bytes: Vec<u64>,
    live_bytes: Vec<u64>,
    /// Whether any of the last two is not zero.
    is_stateful: bool,
    /// Bytes per tensor: of a parameter that several nodes read; zero for a tensor that moves.
    stored: Vec<u64>,
    num_params: usize,
    size: Vec<u64>,
    producer: Vec<Option<NodeId>>,
    is_output: Vec<bool>,
    consumers: Csr<NodeId>,
    produces: Csr<TensorId>,
    reads: Csr<TensorId>,
    successors: Csr<NodeId>,
    num_predecessors: Vec<u32>,
}

impl Graph {
    /// The number of nodes; at least one.
    #[must_use]
    pub fn num_nodes(&self) -> usize {
        self.param_bytes.len()
    }

    /// The number of tensors; parameters that several nodes read are the last of them.
    ///
    /// Such a parameter is a tensor without size and producer: a block that reads it stores it, once.
    #[must_use]
    pub fn num_tensors(&self) -> usize {
        self.size.len()
    }

    /// How many of the tensors are parameters that several nodes read.
    #[must_use]
    pub fn num_params(&self) -> usize {
        self.num_params
    }

    /// Bytes that a block with a reader of `tensor` stores of it: all of a parameter that several nodes read, else none.
    #[must_use]
    pub fn stored(&self, tensor: TensorId) -> u64 {
        self.stored[tensor.index()]
    }

    /// All nodes by index.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + Clone {
        (0..self.num_nodes()).map(NodeId::new)
    }

    /// All tensors by index.
    pub fn tensors(&self) -> impl DoubleEndedIterator<Item = TensorId> + Clone {
        (0..self.num_tensors()).map(TensorId::new)
    }

    /// What the work of the nodes is known from.
    #[must_use]
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Bytes of parameters that `node` reads and no other node does.
    #[must_use]
    pub fn param_bytes(&self, node: NodeId) -> u64 {
        self.param_bytes[node.index()]
    }

    /// Bytes of state that `node` keeps from one batch to the next.
    #[must_use]
    pub fn state_bytes(&self, node: NodeId) -> u64 {
        self.state_bytes[node.index()]
    }

    /// Bytes of tensors that a block holds at most while it runs `node`, its nodes in the file's order.
    #[must_use]
    pub fn live_bytes(&self, node: NodeId) -> u64 {
        self.live_bytes[node.index()]
    }

    /// Whether some node has state, or bytes of live tensors.
    pub(crate) fn is_stateful(&self) -> bool {
        self.is_stateful
    }

    /// Bytes of `tensor`.
    #[must_use]
    pub fn size(&self, tensor: TensorId) -> u64 {
        self.size[tensor.index()]
    }

    /// The node that makes `tensor`; none for a model input.
    #[must_use]
    pub fn producer(&self, tensor: TensorId) -> Option<NodeId> {
        self.producer[tensor.index()]
    }

    /// Whether the model returns `tensor`.
    #[must_use]
    pub fn is_output(&self, tensor: TensorId) -> bool {
        self.is_output[tensor.index()]
    }

    /// The nodes that read `tensor`, each once.
    #[must_use]
    pub fn consumers(&self, tensor: TensorId) -> &[NodeId] {
        self.consumers.row(tensor.index())
    }

    /// The tensors that `node` makes.
    #[must_use]
    pub fn produces(&self, node: NodeId) -> &[TensorId] {
        self.produces.row(node.index())
    }

    /// The tensors that `node` reads, each once, ascending.
    #[must_use]
    pub fn reads(&self, node: NodeId) -> &[TensorId] {
        self.reads.row(node.index())
    }

    /// The nodes that make what `node` reads, once for each tensor.
    pub(crate) fn producers(&self, node: NodeId) -> impl Iterator<Item = NodeId> + Clone + '_ {
        self.reads(node).iter().filter_map(|&x| self.producer(x))
    }

    /// The nodes that read something which `node` makes, each once, ascending.
    #[must_use]
    pub fn successors(&self, node: NodeId) -> &[NodeId] {
        self.successors.row(node.index())
    }

    /// How many distinct nodes make what each node reads.
    pub(crate) fn num_predecessors(&self) -> &[u32] {
        &self.num_predecessors
    }
}
