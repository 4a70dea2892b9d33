//! A graph on a device with a number of blocks: the problem itself, in ticks.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::device::Device;
use super::seconds::{check_times, work_seconds};
use super::ticks::{ABOVE_ALL, Ticks, ceil_div, choose_tick, snap};
use crate::error::Error;
use crate::graph::{Csr, Graph, GraphBuilder};
use crate::ids::{NodeId, TensorId, bytes_as_float, count, float};

/// More blocks than any pipeline has; keeps a typing error from asking for all memory.
const MAX_BLOCKS: usize = 1 << 20;
/// More ticks than any instance has: memory that cannot overflow.
const AMPLE: Ticks = 1 << 52;

/// A max-throughput partitioning problem with exact integer costs.
#[derive(Clone, Debug)]
pub struct Instance {
    graph: Arc<Graph>,
    figures: Figures,
    work: Vec<Ticks>,
    total_work: Ticks,
    combinatorial_bound: Ticks,
    transfer: Vec<Ticks>,
    params: Vec<Ticks>,
    paid_produces: Csr<TensorId>,
    paid_reads: Csr<TensorId>,
}

/// What is one number for the whole instance.
#[derive(Clone, Copy, Debug)]
struct Figures {
    num_blocks: usize,
    boundary_io: bool,
    tick: f64,
    memory: Ticks,
    memory_limit: Option<u64>,
}

impl Instance {
    /// Puts `graph` on `num_blocks` devices of one kind.
    ///
    /// With `boundary_io`, a model input is paid by every block that reads it, and a model output by the block that
    /// makes it even when nothing else reads it; without, both are free, as in the paper.
    ///
    /// # Errors
    /// [`Error`], when a device figure is missing or unusable, when a cost is too large to be a time, when `num_blocks`
    /// is zero.
    ///
    /// # Complexity
    /// O(nodes + tensors + reads).
    pub fn new(graph: Arc<Graph>, device: &Device, num_blocks: usize, boundary_io: bool) -> Result<Self, Error> {
        device.check()?;
        if !(1..=MAX_BLOCKS).contains(&num_blocks) {
            return Err(Error::NumBlocks(num_blocks));
        }
        let work = work_seconds(&graph, device)?;
        let seconds_of = |bytes: u64, rate: f64| bytes_as_float(bytes) / rate;
        let transfer: Vec<f64> = graph.tensors().map(|x| seconds_of(graph.size(x), device.bandwidth)).collect();
        check_times("tensor", "size / bandwidth", &transfer)?;
        let params: Vec<f64> = match device.memory {
            Some(_) => graph.nodes().map(|v| seconds_of(graph.param_bytes(v), device.overflow_bandwidth())).collect(),
            None => vec![0.0; graph.num_nodes()],
        };
        check_times("node", "param_bytes / overflow_bandwidth", &params)?;

        let tick = choose_tick(&work.iter().chain(&transfer).chain(&transfer).chain(&params).copied());
        let snap_all = |seconds: &[f64]| -> Vec<Ticks> { seconds.iter().map(|&s| snap(s, tick)).collect() };
        let memory = device
            .memory
            .map_or(AMPLE, |memory| snap(bytes_as_float(memory) / device.overflow_bandwidth(), tick).min(AMPLE));
        let (work, transfer, mut params) = (snap_all(&work), snap_all(&transfer), snap_all(&params));
        // What a single device can hold binds no partition, and merges of nodes are freer without it.
        if params.iter().sum::<Ticks>() <= memory {
            params.fill(0);
        }
        let total: u128 = graph.nodes().map(|v| u128::from(graph.param_bytes(v))).sum();
        let memory_limit = device.memory_limit.filter(|&limit| u128::from(limit) < total);
        let figures = Figures { num_blocks, boundary_io, tick, memory, memory_limit };
        Ok(Self::from_ticks(graph, figures, work, transfer, params))
    }

    /// Puts together what is known in ticks.
    fn from_ticks(
        graph: Arc<Graph>,
        figures: Figures,
        work: Vec<Ticks>,
        transfer: Vec<Ticks>,
        params: Vec<Ticks>,
    ) -> Self {
        let boundary_io = figures.boundary_io;
        let paid = |x: TensorId| transfer[x.index()] > 0 && (boundary_io || graph.producer(x).is_some());
        let pairs_of = |tensors: fn(&Graph, NodeId) -> &[TensorId]| {
            let graph = &*graph;
            graph.nodes().flat_map(move |v| tensors(graph, v).iter().map(move |&x| (v.index(), x)))
        };
        let leaves = |x: TensorId| !graph.consumers(x).is_empty() || (boundary_io && graph.is_output(x));
        let no_tensor = TensorId::new(0);
        let produces = pairs_of(Graph::produces).filter(|&(_, x)| paid(x) && leaves(x));
        let reads = pairs_of(Graph::reads).filter(|&(_, x)| paid(x));
        let mut instance = Self {
            combinatorial_bound: 0,
            figures,
            total_work: work.iter().sum(),
            work,
            params,
            paid_produces: Csr::from_pairs(graph.num_nodes(), no_tensor, produces),
            paid_reads: Csr::from_pairs(graph.num_nodes(), no_tensor, reads),
            transfer,
            graph,
        };
        instance.combinatorial_bound = instance.combine();
        instance
    }

    /// The same problem for no more blocks than there are nodes, when it has more: the others stay empty anyway.
    ///
    /// The optimum is the same, and so is the combinatorial bound: that of the mean block is no more than the most expensive
    /// node's, which no partition avoids either.
    pub(crate) fn for_nodes(&self) -> Option<Self> {
        let num_nodes = self.graph.num_nodes();
        (self.num_blocks() > num_nodes).then(|| self.with_num_blocks(num_nodes))
    }

    /// The same problem with another number of blocks.
    pub(crate) fn with_num_blocks(&self, num_blocks: usize) -> Self {
        let figures = Figures { num_blocks, ..self.figures };
        let (work, transfer, params) = (self.work.clone(), self.transfer.clone(), self.params.clone());
        Self::from_ticks(Arc::clone(&self.graph), figures, work, transfer, params)
    }

    /// The instance whose nodes are groups of these nodes, numbered below `num_groups`, at the same costs.
    ///
    /// Tensors within a group are gone, but for model outputs that are paid; those with equal ends are one, at the sum of
    /// their costs, in the order of the first of each.
    ///
    /// # Complexity
    /// O(nodes + tensors + reads), but for sorting.
    pub(crate) fn quotient(&self, group_of: &[usize], num_groups: usize) -> Self {
        let old = &*self.graph;
        let mut sums = (vec![0; num_groups], vec![0; num_groups], vec![0_i64; num_groups]);
        for v in old.nodes() {
            let group = group_of[v.index()];
            sums.0[group] += self.work(v);
            sums.1[group] += self.params[v.index()];
            sums.2[group] += i64::try_from(old.param_bytes(v)).unwrap_or(i64::MAX);
        }
        let (work, params, param_bytes) = sums;
        let mut ends = BTreeMap::new();
        let mut builder = GraphBuilder {
            // Their seconds are in ticks below: sums may be above what one node of a file takes.
            work: Some(vec![0.0; num_groups]),
            param_bytes: Some(param_bytes),
            ..GraphBuilder::default()
        };
        let (mut transfer, mut is_output) = (Vec::<Ticks>::new(), Vec::new());
        for x in old.tensors() {
            let producer = old.producer(x).map(|v| NodeId::new(group_of[v.index()]));
            let is_inside = |v: &NodeId| producer.is_some_and(|producer| producer.index() == group_of[v.index()]);
            let is_paid_output = self.is_paid_output(x);
            let is_gone = old.consumers(x).iter().all(is_inside) && !(is_paid_output && producer.is_some());
            if is_gone || (producer.is_none() && !self.boundary_io()) {
                continue;
            }
            let mut consumers: Vec<NodeId> =
                old.consumers(x).iter().map(|v| NodeId::new(group_of[v.index()])).collect();
            consumers.sort_unstable();
            consumers.dedup();
            consumers.retain(|&consumer| Some(consumer) != producer);
            match ends.entry((producer, consumers, is_paid_output)) {
                Entry::Occupied(class) => transfer[*class.get()] += self.transfer(x),
                Entry::Vacant(class) => {
                    builder.add_tensor(producer, 0, &class.key().1);
                    is_output.push(is_paid_output);
                    class.insert(transfer.len());
                    transfer.push(self.transfer(x));
                }
            }
        }
        builder.size.clone_from(&transfer);
        builder.is_output = Some(is_output);
        let graph = builder.freeze().expect("groups of a checked graph, with no cycle between them");
        Self::from_ticks(Arc::new(graph), self.figures, work, transfer, params)
    }

    /// The graph to cut.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph to cut, to keep.
    #[must_use]
    pub fn shared_graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph)
    }

    /// How many blocks a partition may have.
    #[must_use]
    pub fn num_blocks(&self) -> usize {
        self.figures.num_blocks
    }

    /// Whether model inputs and outputs are paid.
    #[must_use]
    pub fn boundary_io(&self) -> bool {
        self.figures.boundary_io
    }

    /// Whether `tensor` is a model output that is paid, by whoever makes it.
    #[must_use]
    pub fn is_paid_output(&self, tensor: TensorId) -> bool {
        self.boundary_io() && self.graph.is_output(tensor)
    }

    /// Seconds of one tick, a power of two.
    #[must_use]
    pub fn tick(&self) -> f64 {
        self.figures.tick
    }

    /// Ticks that `node` runs.
    #[must_use]
    pub fn work(&self, node: NodeId) -> Ticks {
        self.work[node.index()]
    }

    /// Ticks that `node` costs whoever holds it: its work, and the model outputs that it makes when these are paid.
    #[must_use]
    pub fn load(&self, node: NodeId) -> Ticks {
        let outputs = self.graph.produces(node).iter().filter(|&&x| self.is_paid_output(x));
        self.work(node) + outputs.map(|&x| self.transfer(x)).sum::<Ticks>()
    }

    /// Ticks that it adds for the producer of `tensor` that another block reads it: none for a model output that is paid
    /// anyway, and none for a model input, which nobody makes.
    #[must_use]
    pub fn export(&self, tensor: TensorId) -> Ticks {
        let is_free = self.is_paid_output(tensor) || self.graph.producer(tensor).is_none();
        if is_free { 0 } else { self.transfer(tensor) }
    }

    /// Ticks of all nodes together.
    #[must_use]
    pub fn total_work(&self) -> Ticks {
        self.total_work
    }

    /// The load of each node, by index.
    #[must_use]
    pub fn loads(&self) -> Vec<Ticks> {
        self.graph.nodes().map(|node| self.load(node)).collect()
    }

    /// The load of all nodes together.
    #[must_use]
    pub fn total_load(&self) -> Ticks {
        self.graph.nodes().map(|node| self.load(node)).sum()
    }

    /// Ticks that each node runs, by index.
    #[must_use]
    pub fn works(&self) -> &[Ticks] {
        &self.work
    }

    /// Ticks that each tensor takes to move once, by index.
    #[must_use]
    pub fn transfers(&self) -> &[Ticks] {
        &self.transfer
    }

    /// Ticks that each node's parameters would take to stream in, by index; zero when one device's memory has room for
    /// all.
    #[must_use]
    pub fn params(&self) -> &[Ticks] {
        &self.params
    }

    /// Whether parameters play no part: they cost nothing, and nothing limits them.
    pub(crate) fn is_free_of_memory(&self) -> bool {
        self.params().iter().all(|&params| params == 0) && self.memory_limit().is_none()
    }

    /// Ticks that `tensor` takes to move once.
    #[must_use]
    pub fn transfer(&self, tensor: TensorId) -> Ticks {
        self.transfer[tensor.index()]
    }

    /// Resident parameters, in the ticks that they would take to stream in.
    #[must_use]
    pub fn memory(&self) -> Ticks {
        self.figures.memory
    }

    /// Bytes of parameters that a block may hold at most; none when that is enough for all.
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        self.figures.memory_limit
    }

    /// A cost in seconds; infinite for [`INFINITE`](super::INFINITE).
    #[must_use]
    pub fn seconds(&self, cost: Ticks) -> f64 {
        if cost == super::INFINITE { f64::INFINITY } else { float(cost) * self.figures.tick }
    }

    /// Overflow of parameters that take so many ticks to stream in.
    #[must_use]
    pub fn overflow(&self, params: Ticks) -> Ticks {
        (params - self.figures.memory).max(0)
    }

    /// Whether so many bytes of parameters may not stand in one block.
    #[must_use]
    pub fn is_over_limit(&self, param_bytes: u64) -> bool {
        self.figures.memory_limit.is_some_and(|limit| param_bytes > limit)
    }

    /// A lower bound on every bottleneck: the mean of what the blocks pay together at least, and the most expensive node.
    ///
    /// Lemma 3.3 of the paper, max(W / k, max work of a node), with what else nobody can avoid: parameters beyond the
    /// memory of `num_blocks` devices overflow in some block, and with `boundary_io` each model input that is read is
    /// paid at least once and each model output once. More than any block costs when a node is above the memory limit, or
    /// all nodes together are above that of all devices: then no partition is within it.
    #[must_use]
    pub fn combinatorial_bound(&self) -> Ticks {
        self.combinatorial_bound
    }

    fn combine(&self) -> Ticks {
        let boundary_cost = |tensors: &mut dyn Iterator<Item = TensorId>| self.boundary_cost(tensors);
        let graph = &*self.graph;
        let alone = |v: NodeId| {
            let mut touched = graph.reads(v).iter().chain(graph.produces(v)).copied();
            self.work(v) + self.overflow(self.params[v.index()]) + boundary_cost(&mut touched)
        };
        let is_over_limit = graph.nodes().any(|v| self.is_over_limit(graph.param_bytes(v)));
        if is_over_limit || !self.has_room(self.figures.num_blocks) {
            return ABOVE_ALL;
        }
        graph.nodes().map(alone).fold(self.mean(self.figures.num_blocks), Ticks::max)
    }

    /// Whether the memory limits of so many devices add up to all parameters at least.
    fn has_room(&self, num_blocks: usize) -> bool {
        let bytes = self.graph.nodes().map(|v| u128::from(self.graph.param_bytes(v)));
        let room = |limit: u64| u128::from(limit) * u128::try_from(num_blocks).unwrap_or(u128::MAX);
        self.memory_limit().is_none_or(|limit| bytes.sum::<u128>() <= room(limit))
    }

    /// At most the mean of what so many blocks pay.
    fn mean(&self, num_blocks: usize) -> Ticks {
        let blocks = count(num_blocks);
        let spilled = self.params.iter().sum::<Ticks>() - self.figures.memory.saturating_mul(blocks);
        let together = self.total_work() + spilled.max(0) + self.boundary_cost(&mut self.graph.tensors());
        ceil_div(together, blocks)
    }

    /// What these tensors cost at least because they cross the border of the model.
    fn boundary_cost(&self, tensors: &mut dyn Iterator<Item = TensorId>) -> Ticks {
        let crosses = |x: &TensorId| match self.graph.producer(*x) {
            None => !self.graph.consumers(*x).is_empty(),
            Some(_) => self.graph.is_output(*x),
        };
        tensors.filter(|x| self.figures.boundary_io && crosses(x)).map(|x| self.transfer(x)).sum()
    }

    /// So many blocks at least are needed for a bottleneck of `cost`: with fewer, the mean block costs more, or holds more
    /// than the memory limit. Never more than there are nodes.
    pub(crate) fn least_blocks(&self, cost: Ticks) -> usize {
        let is_enough = |num_blocks: usize| self.mean(num_blocks) <= cost && self.has_room(num_blocks);
        let (mut low, mut high) = (1, self.graph.num_nodes().max(1));
        while low < high {
            let middle = low.midpoint(high);
            if is_enough(middle) { high = middle } else { low = middle + 1 }
        }
        low
    }

    /// The tensors that `node` makes and that can cost something when cut.
    pub(crate) fn paid_produces(&self, node: NodeId) -> &[TensorId] {
        self.paid_produces.row(node.index())
    }

    /// The tensors that `node` reads and that can cost something when cut, ascending.
    pub(crate) fn paid_reads(&self, node: NodeId) -> &[TensorId] {
        self.paid_reads.row(node.index())
    }

    /// How many pairs of a node and a paid tensor there are.
    pub(crate) fn num_paid(&self) -> (usize, usize) {
        (self.paid_produces.values().len(), self.paid_reads.values().len())
    }
}
