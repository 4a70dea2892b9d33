//! The costs of nodes and tensors in the sums of a downset: on one kind of device, or in the budget of all stages.

use super::list::{Boundary, Live};
use crate::bits::{any, insert, nothing, numbers};
use crate::cost::{Budget, Instance, Ticks, View};
use crate::graph::Graph;
use crate::ids::{NodeId, TensorId, wide};

/// What one node adds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodePrice {
    pub load: Ticks,
    /// Model outputs that are paid, where they are not part of the load.
    pub outputs: Ticks,
    /// Parameters and state of its own.
    pub params: Ticks,
    pub bytes: u64,
}

/// A parameter that several nodes read, and the ticks in which it streams in.
#[derive(Clone, Debug)]
struct Shared {
    readers: Vec<u64>,
    params: Ticks,
}

/// The costs of nodes and tensors on one kind of device.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    pub(super) nodes: Vec<NodePrice>,
    /// The load of all nodes.
    pub(super) total: Ticks,
    is_overlap: bool,
    /// By tensor, what the block of its producer pays when another block reads it.
    pub(super) exports: Vec<Ticks>,
    /// By tensor, what a block pays that reads it and does not contain its producer.
    pub(super) imports: Vec<Ticks>,
    /// By tensor with a producer, what a block pays that hands it on; empty without adjacent links.
    pub(super) relays: Vec<Ticks>,
    /// By tensor, the ticks in which a parameter that several nodes read streams in; empty where none does.
    stored: Vec<Ticks>,
    shared: Vec<Shared>,
}

impl Prices {
    /// On one kind of device.
    pub(super) fn new(instance: &Instance, view: View<'_>) -> Self {
        let graph = instance.graph();
        let node = |v: NodeId| {
            let (held, load) = (view.held(v), view.load(v));
            let own = if view.is_overlap() { view.work(v) } else { load };
            NodePrice { load: own, outputs: load - own, params: held.params, bytes: held.bytes }
        };
        let is_paid = |x: TensorId| graph.producer(x).is_some() || instance.boundary_io();
        let import = |x: TensorId| if is_paid(x) { view.transfer(x) } else { 0 };
        let shared = |x: TensorId| {
            let mut readers = nothing(graph.num_nodes());
            graph.consumers(x).iter().for_each(|v| insert(&mut readers, v.index()));
            Shared { readers, params: view.stored(x) }
        };
        let has_shared = graph.num_params() > 0;
        let nodes: Vec<NodePrice> = graph.nodes().map(node).collect();
        let relayed = graph.tensors().take(if instance.is_relay() { usize::MAX } else { 0 });
        Self {
            relays: relayed.map(|x| 2 * view.export(x)).collect(),
            total: nodes.iter().map(|node| node.load).sum(),
            nodes,
            is_overlap: view.is_overlap(),
            exports: graph.tensors().map(|x| view.export(x)).collect(),
            imports: graph.tensors().map(import).collect(),
            stored: graph.tensors().take(if has_shared { usize::MAX } else { 0 }).map(|x| view.stored(x)).collect(),
            shared: graph.tensors().filter(|&x| view.stored(x) > 0).map(shared).collect(),
        }
    }

    /// The part of a node's own cost that its block saves when the node leaves: its load, or on a device that overlaps its model
    /// outputs.
    pub(super) fn moved_with(&self, node: usize) -> Ticks {
        let NodePrice { load, outputs, .. } = self.nodes[node];
        if self.is_overlap { outputs } else { load }
    }

    /// Ticks in which a parameter that several nodes read streams in.
    pub(super) fn stored(&self, tensor: usize) -> Ticks {
        self.stored.get(tensor).copied().unwrap_or(0)
    }

    /// The sum of the exports of all tensors that have consumers.
    pub(super) fn potential(&self, graph: &Graph) -> Ticks {
        graph.tensors().filter(|&x| !graph.consumers(x).is_empty()).map(|x| self.exports[x.index()]).sum()
    }

    /// The sums at a downset that has so many bytes, by its nodes and what is live at it.
    pub(super) fn boundary(&self, words: &[u64], live: &[Live], bytes: u64) -> Boundary {
        let mut sums = Boundary { bytes, ..Boundary::default() };
        for node in numbers(words) {
            let price = &self.nodes[node];
            sums.load += price.load;
            sums.outputs += price.outputs;
            sums.params += price.params;
        }
        sums.params += self.shared.iter().filter(|x| any(words, &x.readers)).map(|x| x.params).sum::<Ticks>();
        for &(x, _) in live {
            sums.exports += self.exports[wide(x)];
            sums.imports += self.imports[wide(x)];
        }
        sums
    }
}

/// What both sides of a boundary pay of the budget, where this differs from the costs on a single kind of device.
#[derive(Debug)]
pub(super) struct Spent {
    pub budget: Budget,
    pub total: Ticks,
    /// Of the nodes that are in, and out.
    pub loads: [Ticks; 2],
    pub exports: Ticks,
    pub imports: Ticks,
}

impl Spent {
    pub(super) fn new(budget: Budget) -> Self {
        let total = budget.nodes.iter().sum();
        Self { budget, total, loads: [0; 2], exports: 0, imports: 0 }
    }

    pub(super) fn loads_of_nodes(&self) -> Vec<Ticks> {
        self.budget.nodes.clone()
    }

    /// What is paid before a boundary, and after it.
    pub(super) fn paid(&self) -> [Ticks; 2] {
        [self.loads[0] + self.exports, self.loads[1] + self.imports]
    }

    /// The same of a downset by its nodes and what is live at it.
    pub(super) fn paid_at(&self, words: &[u64], live: &[Live]) -> [Ticks; 2] {
        let load: Ticks = numbers(words).map(|node| self.budget.nodes[node]).sum();
        let sum = |of: &[Ticks]| live.iter().map(|&(x, _)| of[wide(x)]).sum::<Ticks>();
        [load + sum(&self.budget.exports), self.total - load + sum(&self.budget.imports)]
    }
}

/// By node, the parameters that it reads and others too; empty where there is none that plays a part.
pub(super) fn shared_reads(instance: &Instance) -> Vec<Vec<u32>> {
    let graph = instance.graph();
    if graph.num_params() == 0 || instance.is_free_of_memory() {
        return Vec::new();
    }
    let shared = |v: NodeId| graph.reads(v).iter().filter(|&&x| graph.stored(x) > 0).map(|x| x.narrow()).collect();
    graph.nodes().map(shared).collect()
}

/// By node, those that are in one stage with it; empty where there are none.
pub(super) fn mates(instance: &Instance) -> Vec<Vec<u32>> {
    if instance.together().is_empty() {
        return Vec::new();
    }
    let mut mates = vec![Vec::new(); instance.graph().num_nodes()];
    for pair in instance.together().iter().flat_map(|nodes| nodes.windows(2)) {
        mates[pair[0].index()].push(pair[1].narrow());
        mates[pair[1].index()].push(pair[0].narrow());
    }
    mates
}
