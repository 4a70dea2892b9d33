//! A graph on the devices of a pipeline: the problem itself, in ticks.

use std::sync::Arc;

use super::device::{Device, Machine};
use super::multipliers::Multipliers;
use super::row::{Row, Seconds, most};
use super::stages::{Allowed, Constraints, allowed_stages, together_nodes};
use super::ticks::{Ticks, choose_tick};
use super::view::View;
use crate::error::Error;
use crate::graph::{Csr, Graph};
use crate::ids::{NodeId, TensorId, float};

/// More blocks than any pipeline has; keeps a typing error from asking for all memory.
const MAX_BLOCKS: usize = 1 << 20;
/// Sets of kinds are bits of a word.
const MAX_KINDS: usize = 64;

/// A max-throughput partitioning problem with exact integer costs.
#[derive(Clone, Debug)]
pub struct Instance {
    pub(super) graph: Arc<Graph>,
    pub(super) figures: Figures,
    /// One for each kind of device.
    pub(super) rows: Vec<Row>,
    /// The kind of each stage; empty when there is one kind.
    pub(super) kind_of: Vec<usize>,
    /// None when every stage may hold every node.
    pub(super) allowed: Option<Allowed>,
    pub(super) together: Vec<Vec<NodeId>>,
    /// Of the budget.
    pub(super) multipliers: Multipliers,
    pub(super) combinatorial_bound: Ticks,
    paid_produces: Csr<TensorId>,
    paid_reads: Csr<TensorId>,
}

/// The scalars of an instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub num_blocks: usize,
    pub boundary_io: bool,
    /// Whether tensors are handed on from stage to stage.
    pub is_relay: bool,
    pub tick: f64,
}

impl Instance {
    /// Puts `graph` on `num_blocks` devices of one kind, as [`Instance::new`] does.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Complexity
    /// O(nodes + tensors + reads).
    pub fn uniform(graph: Arc<Graph>, device: &Device, num_blocks: usize, boundary_io: bool) -> Result<Self, Error> {
        if num_blocks > MAX_BLOCKS {
            return Err(Error::NumBlocks(num_blocks));
        }
        Self::new(graph, &Machine::uniform(device.clone(), num_blocks), &Constraints::default(), boundary_io)
    }

    /// Puts `graph` on the devices of `machine`, one for each block, under `constraints`.
    ///
    /// With `boundary_io`, a model input is paid by every block that reads it, and a model output by the block that
    /// makes it even when nothing else reads it; without, both are free, as in the paper.
    ///
    /// # Errors
    /// [`Error`], when a device figure is missing or unusable, when a cost is too large to be a time, when there is no
    /// stage, or none that may hold some node.
    ///
    /// # Complexity
    /// O((nodes + tensors + reads) kinds), and O(nodes stages / 64) where constraints or kinds leave nodes few stages.
    pub fn new(
        graph: Arc<Graph>,
        machine: &Machine,
        constraints: &Constraints,
        boundary_io: bool,
    ) -> Result<Self, Error> {
        let Machine { kinds, kind_of } = machine;
        let num_blocks = kind_of.len();
        if !(1..=MAX_BLOCKS).contains(&num_blocks) {
            return Err(Error::NumBlocks(num_blocks));
        }
        if let Some(stage) = kind_of.iter().position(|&kind| kind >= kinds.len()) {
            let rule = format!("there are {} kinds", kinds.len());
            return Err(Error::Parameter {
                name: "kind_of",
                value: format!("{} at stage {stage}", kind_of[stage]),
                rule,
            });
        }
        if !(1..=MAX_KINDS).contains(&kinds.len()) {
            let rule = format!("there are from 1 to {MAX_KINDS} kinds of devices");
            return Err(Error::Parameter { name: "kinds", value: kinds.len().to_string(), rule });
        }
        let seconds: Vec<Seconds> =
            kinds.iter().map(|device| Seconds::new(&graph, device)).collect::<Result<_, Error>>()?;
        let [work, transfer] = [most(&seconds, |s| &s.work), most(&seconds, |s| &s.transfer)];
        let [params, stored] = [most(&seconds, |s| &s.params), most(&seconds, |s| &s.stored)];
        let all = work.iter().chain(&*transfer).chain(&*transfer).chain(&*params).chain(&*stored);
        let tick = choose_tick(&all.copied());
        let rows = kinds.iter().zip(&seconds).map(|(device, seconds)| seconds.snap(&graph, device, tick)).collect();
        let works: Vec<&[f64]> = seconds.iter().map(|row| &row.work[..]).collect();
        let allowed = allowed_stages(&works, kind_of, constraints)?;
        let together = together_nodes(graph.num_nodes(), constraints)?;
        let figures = Figures { num_blocks, boundary_io, is_relay: false, tick };
        let kind_of = if kinds.len() == 1 { Vec::new() } else { kind_of.clone() };
        Ok(Self::from_rows(graph, figures, rows, kind_of, allowed, together, None))
    }

    /// The same problem where a tensor is handed on from each stage that is not empty to the next one: those between its
    /// producer and its last reader pay for it twice, when it comes and when it goes.
    ///
    /// # Errors
    /// [`Error::Parameter`] where model inputs and outputs are paid: it is not defined which stages hand these on.
    pub fn with_relays(mut self) -> Result<Self, Error> {
        if self.boundary_io() {
            let rule = "model inputs and outputs are not handed on from stage to stage".to_owned();
            return Err(Error::Parameter { name: "boundary_io", value: "true".to_owned(), rule });
        }
        self.figures.is_relay = true;
        Ok(self)
    }

    /// Builds an instance from costs in ticks; without multipliers, it computes them.
    pub(super) fn from_rows(
        graph: Arc<Graph>,
        figures: Figures,
        rows: Vec<Row>,
        kind_of: Vec<usize>,
        allowed: Option<Allowed>,
        together: Vec<Vec<NodeId>>,
        multipliers: Option<Multipliers>,
    ) -> Self {
        let boundary_io = figures.boundary_io;
        let moves = |x: TensorId| rows.iter().any(|row| row.transfer[x.index()] > 0);
        let paid = |x: TensorId| moves(x) && (boundary_io || graph.producer(x).is_some());
        let pairs_of = |tensors: fn(&Graph, NodeId) -> &[TensorId]| {
            let graph = &*graph;
            graph.nodes().flat_map(move |v| tensors(graph, v).iter().map(move |&x| (v.index(), x)))
        };
        let leaves = |x: TensorId| !graph.consumers(x).is_empty() || (boundary_io && graph.is_output(x));
        let no_tensor = TensorId::new(0);
        let produces = pairs_of(Graph::produces).filter(|&(_, x)| paid(x) && leaves(x));
        let reads = pairs_of(Graph::reads).filter(|&(_, x)| paid(x));
        let paid_produces = Csr::from_pairs(graph.num_nodes(), no_tensor, produces);
        let paid_reads = Csr::from_pairs(graph.num_nodes(), no_tensor, reads);
        let mut instance = Self {
            combinatorial_bound: 0,
            multipliers: Multipliers::default(),
            graph,
            figures,
            rows,
            kind_of,
            allowed,
            together,
            paid_produces,
            paid_reads,
        };
        instance.multipliers = multipliers.unwrap_or_else(|| instance.find_multipliers());
        instance.combinatorial_bound = instance.combine();
        instance
    }

    /// The same problem for no more blocks than there are nodes, when it has more and all stages are alike: the others
    /// stay empty anyway.
    ///
    /// The optimum is the same, and so is the combinatorial bound: that of the mean block is no more than the most expensive
    /// node's, which no partition avoids either.
    pub(crate) fn for_nodes(&self) -> Option<Self> {
        let num_nodes = self.graph.num_nodes();
        (self.num_blocks() > num_nodes && self.is_uniform()).then(|| self.with_num_blocks(num_nodes))
    }

    /// The same problem with another number of blocks.
    ///
    /// # Panics
    /// In debug builds, when stages are not all alike.
    pub(crate) fn with_num_blocks(&self, num_blocks: usize) -> Self {
        debug_assert!(self.is_uniform());
        let figures = Figures { num_blocks, ..self.figures };
        let graph = Arc::clone(&self.graph);
        let multipliers = Some(self.multipliers.clone());
        Self::from_rows(graph, figures, self.rows.clone(), Vec::new(), None, self.together.clone(), multipliers)
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

    /// Whether stages between a tensor's producer and its last reader pay for it, too.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        self.figures.is_relay
    }

    /// Whether `tensor` is a model output that its producer's block pays for.
    #[must_use]
    pub fn is_paid_output(&self, tensor: TensorId) -> bool {
        self.boundary_io() && self.graph.is_output(tensor)
    }

    /// Seconds of one tick, a power of two.
    #[must_use]
    pub fn tick(&self) -> f64 {
        self.figures.tick
    }

    /// How many kinds of devices there are.
    #[must_use]
    pub fn num_kinds(&self) -> usize {
        self.rows.len()
    }

    /// The kind of a stage's device.
    #[must_use]
    pub fn kind_of(&self, stage: usize) -> usize {
        if self.rows.len() == 1 { 0 } else { self.kind_of[stage] }
    }

    /// The multiplier of each kind of device in the budget.
    #[must_use]
    pub fn multipliers(&self) -> &[i64] {
        &self.multipliers.of_kinds
    }

    /// The costs on one kind of device.
    #[must_use]
    pub fn view(&self, kind: usize) -> View<'_> {
        View::new(&self.graph, &self.rows[kind], kind, self.boundary_io())
    }

    /// The costs on each kind of device.
    pub fn views(&self) -> impl Iterator<Item = View<'_>> {
        (0..self.num_kinds()).map(|kind| self.view(kind))
    }

    /// The costs on a stage's device.
    #[must_use]
    pub fn on(&self, stage: usize) -> View<'_> {
        self.view(self.kind_of(stage))
    }

    /// The costs on the only kind of device, for what is not defined on several.
    #[must_use]
    pub fn only(&self) -> View<'_> {
        debug_assert!(self.rows.len() == 1);
        self.view(0)
    }

    /// Whether all stages are alike: one kind of device, and every stage may hold every node.
    #[must_use]
    pub fn is_uniform(&self) -> bool {
        self.rows.len() == 1 && self.allowed.is_none()
    }

    /// Whether the simple methods apply: equal stages without overlap and adjacent links, no nodes that must be together, and, where
    /// memory has an effect, no shared parameters, state or live tensors.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let graph = &*self.graph;
        let is_relevant = || {
            let costs = |row: &Row| row.params.iter().chain(&row.stored).any(|&ticks| ticks > 0);
            self.rows.iter().any(|row| row.memory_limit.is_some() || costs(row))
        };
        let is_simple = graph.num_params() == 0 && !graph.is_stateful();
        self.is_uniform()
            && !self.is_relay()
            && !self.rows[0].is_overlap
            && self.together.is_empty()
            && (is_simple || !is_relevant())
    }

    /// Whether a stage may hold a node.
    #[must_use]
    pub fn may_be(&self, node: NodeId, stage: usize) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.has(node, stage))
    }

    /// The stages that may hold each node; none when every stage may.
    #[must_use]
    pub fn allowed(&self) -> Option<&Allowed> {
        self.allowed.as_ref()
    }

    /// Sets of nodes that are in one stage.
    #[must_use]
    pub fn together(&self) -> &[Vec<NodeId>] {
        &self.together
    }

    /// Whether memory has no effect: nothing that is stored costs anything, and no limit can be exceeded.
    pub(crate) fn is_free_of_memory(&self) -> bool {
        self.views().all(View::is_free_of_memory)
    }

    /// A cost in seconds; infinite for [`INFINITE`](super::INFINITE).
    #[must_use]
    pub fn seconds(&self, cost: Ticks) -> f64 {
        if cost == super::INFINITE { f64::INFINITY } else { float(cost) * self.figures.tick }
    }

    /// The tensors that `node` makes and that can cost something when cut.
    pub(crate) fn paid_produces(&self, node: NodeId) -> &[TensorId] {
        self.paid_produces.row(node.index())
    }

    /// The tensors that `node` reads and that can cost something when cut, ascending.
    pub(crate) fn paid_reads(&self, node: NodeId) -> &[TensorId] {
        self.paid_reads.row(node.index())
    }

    /// The numbers of pairs of a node and a paid tensor that it produces, and that it reads.
    pub(crate) fn num_paid(&self) -> (usize, usize) {
        (self.paid_produces.values().len(), self.paid_reads.values().len())
    }
}
