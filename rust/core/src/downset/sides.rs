//! The state of the enumeration: nodes that are decided to be inside or outside a downset, and what both sides pay so far.

use std::sync::Arc;

use super::list::{Boundary, Downsets, Priced};
use super::prices::{Prices, Spent, mates, shared_reads};
use crate::cost::{Instance, Ticks};
use crate::graph::Graph;
use crate::ids::{NodeId, TensorId, wide};

/// The side of a node.
pub(super) const FREE: u8 = 0;
pub(super) const IN: u8 = 1;
pub(super) const OUT: u8 = 2;

/// The sides of all nodes. Decisions are undone in reverse order.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    graph: &'a Graph,
    /// Of the stage that is asked about.
    prices: Arc<Prices>,
    /// What both sides pay, where the prices do not say it.
    pub spent: Option<Spent>,
    weights: Vec<Ticks>,
    predecessors: Vec<Vec<u32>>,
    /// Nodes that are on one side with a node; empty where there are none.
    mates: Vec<Vec<u32>>,
    /// By node, the parameters that others read, too; empty where they play no part.
    shared: Vec<Vec<u32>>,
    side: Vec<u8>,
    words: Vec<u64>,
    pub num_in: usize,
    /// What is decided, in that order.
    trail: Vec<u32>,
    /// Per tensor: whether it is produced, or comes in from outside; how many consumers are in, and out.
    is_produced: Vec<bool>,
    consumers_in: Vec<u32>,
    consumers_out: Vec<u32>,
    live: Vec<u32>,
    pub inside: Boundary,
    pub outside: Boundary,
    /// What nodes weigh (`domain`) that are in, and out, and those where the block begins.
    pub weighed: [Ticks; 2],
    pub weighed_at_start: Ticks,
    /// Where the block begins that is asked about, per tensor one more than its consumers there if it is live there, and what
    /// the block pays for tensors.
    pub start: Boundary,
    live_at_start: Vec<u32>,
    pub block_io: Ticks,
    /// What tensors can still add to the exports: those that are not live, but whose producer and a consumer are not decided
    /// otherwise.
    pub potential: Ticks,
    stack: Vec<u32>,
}

/// A point in time to which decisions can be undone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    trail: usize,
    live: usize,
}

impl Mark {
    /// How many nodes have been decided between another mark and this one.
    pub(super) fn num_decided(self, before: Self) -> usize {
        self.trail - before.trail
    }
}

impl<'a> Sides<'a> {
    /// Nothing is decided.
    pub(super) fn new(instance: &'a Instance, prices: Arc<Prices>, spent: Option<Spent>, weights: Vec<Ticks>) -> Self {
        let graph = instance.graph();
        let num_nodes = graph.num_nodes();
        let mut predecessors = vec![Vec::new(); num_nodes];
        for v in graph.nodes() {
            for successor in graph.successors(v) {
                predecessors[successor.index()].push(v.narrow());
            }
        }
        let shared = shared_reads(instance);
        let is_stored = |x: TensorId| graph.stored(x) > 0 && !shared.is_empty();
        let comes_in = |x: TensorId| graph.producer(x).is_none() && (instance.boundary_io() || is_stored(x));
        Self {
            graph,
            potential: prices.potential(graph),
            prices,
            spent,
            weights,
            predecessors,
            mates: mates(instance),
            side: vec![FREE; num_nodes],
            words: vec![0; num_nodes.div_ceil(64)],
            num_in: 0,
            trail: Vec::new(),
            is_produced: graph.tensors().map(comes_in).collect(),
            shared,
            consumers_in: vec![0; graph.num_tensors()],
            consumers_out: vec![0; graph.num_tensors()],
            live: Vec::new(),
            inside: Boundary::default(),
            outside: Boundary::default(),
            weighed: [0; 2],
            weighed_at_start: 0,
            start: Boundary::default(),
            live_at_start: vec![0; graph.num_tensors()],
            block_io: 0,
            stack: Vec::new(),
        }
    }

    /// Asks about a stage with other prices from now on; nothing is decided.
    pub(super) fn set_prices(&mut self, prices: &Arc<Prices>) {
        debug_assert!(self.trail.is_empty());
        if !Arc::ptr_eq(&self.prices, prices) {
            self.prices = Arc::clone(prices);
            self.potential = prices.potential(self.graph);
        }
    }

    pub(super) fn is_free(&self, node: u32) -> bool {
        self.side[wide(node)] == FREE
    }

    pub(super) fn is_in(&self, node: u32) -> bool {
        self.side[wide(node)] == IN
    }

    pub(super) fn is_out(&self, node: u32) -> bool {
        self.side[wide(node)] == OUT
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { trail: self.trail.len(), live: self.live.len() }
    }

    pub(super) fn num_live(&self) -> usize {
        self.live.len()
    }

    /// Begins the block that is asked about at a downset, all of whose nodes are in.
    pub(super) fn start_at(&mut self, downsets: Priced<'_>, index: usize) {
        self.start = downsets.boundaries[index];
        self.weighed_at_start = self.weighed[0];
        for &(x, consumers) in downsets.live(index) {
            self.live_at_start[wide(x)] = consumers + 1;
        }
    }

    /// Forgets where the block begins; what has been decided since must have been taken back.
    pub(super) fn forget_start(&mut self, downsets: Priced<'_>, index: usize) {
        for &(x, _) in downsets.live(index) {
            self.live_at_start[wide(x)] = 0;
        }
        self.start = Boundary::default();
        self.weighed_at_start = 0;
    }

    /// What the nodes that are free add to the load.
    pub(super) fn free_load(&self) -> Ticks {
        self.prices.total - self.inside.load - self.outside.load
    }

    /// What the blocks before the boundary pay, and those after it, as far as that is decided.
    pub(super) fn paid(&self) -> [Ticks; 2] {
        match &self.spent {
            Some(spent) => spent.paid(),
            None => [self.inside.load + self.inside.exports, self.outside.load + self.inside.imports],
        }
    }

    /// How full the block before the boundary is, or all blocks before it, as far as that is decided.
    pub(super) fn filling(&self, has_start: bool) -> Ticks {
        if has_start {
            self.inside.load - self.start.load + self.block_io
        } else {
            self.inside.load + self.inside.exports
        }
    }

    /// The most that a node whose producers are inside adds to the block that it moves to; none if a block of a later stage could
    /// cost more without it. `later` are the prices on the kinds of these stages.
    pub(super) fn gain(&self, node: u32, later: &[Arc<Prices>]) -> Option<Ticks> {
        let (v, graph) = (NodeId::new(wide(node)), self.graph);
        let is_last = |x: &&TensorId| wide(self.consumers_in[x.index()]) + 1 == graph.consumers(**x).len();
        let read = graph.produces(v).iter().filter(|x| !graph.consumers(**x).is_empty());
        let is_no_worse = |prices: &Arc<Prices>| {
            let saved: Ticks = graph.reads(v).iter().filter(is_last).map(|&x| prices.imports[x.index()]).sum();
            let imports: Ticks = read.clone().map(|&x| prices.imports[x.index()]).sum();
            imports <= prices.moved_with(wide(node)) + saved
        };
        if !later.iter().all(is_no_worse) {
            return None;
        }
        let exports: Ticks = read.map(|&x| self.prices.exports[x.index()]).sum();
        let is_new = |x: &&TensorId| self.consumers_in[x.index()] + 1 == self.live_at_start[x.index()];
        let imported: Ticks = graph.reads(v).iter().filter(is_new).map(|&x| self.prices.imports[x.index()]).sum();
        Some(self.prices.nodes[wide(node)].load + exports + imported)
    }

    /// Puts a free node on a side, and whatever must be there with it.
    pub(super) fn decide(&mut self, node: u32, side: u8) {
        if !self.is_free(node) {
            return;
        }
        self.side[wide(node)] = side;
        self.stack.push(node);
        while let Some(node) = self.stack.pop() {
            self.trail.push(node);
            let (index, v, is_in) = (wide(node), NodeId::new(wide(node)), side == IN);
            let price = self.prices.nodes[index];
            let sums = if is_in { &mut self.inside } else { &mut self.outside };
            sums.load += price.load;
            sums.outputs += price.outputs;
            sums.params += price.params;
            sums.bytes += price.bytes;
            self.weighed[usize::from(!is_in)] += self.weights[index];
            if let Some(spent) = &mut self.spent {
                spent.loads[usize::from(!is_in)] += spent.budget.nodes[index];
            }
            if is_in {
                self.take_in(v);
            } else {
                self.leave_out(v);
            }
        }
    }

    fn take_in(&mut self, v: NodeId) {
        let (graph, index) = (self.graph, v.index());
        self.num_in += 1;
        self.words[index / 64] |= 1 << (index % 64);
        for &x in graph.reads(v) {
            self.consumers_in[x.index()] += 1;
            if self.consumers_in[x.index()] == self.live_at_start[x.index()] {
                self.block_io += self.prices.imports[x.index()];
            }
            if wide(self.consumers_in[x.index()]) == graph.consumers(x).len() {
                self.potential -= self.prices.exports[x.index()];
            }
        }
        for &x in graph.produces(v) {
            self.is_produced[x.index()] = true;
            if self.consumers_out[x.index()] > 0 {
                self.cut(x);
            }
        }
        self.store(index, true, true);
        for other in 0..self.predecessors[index].len() {
            self.follow(self.predecessors[index][other], IN);
        }
        self.follow_mates(index, IN);
    }

    fn leave_out(&mut self, v: NodeId) {
        let graph = self.graph;
        for &x in graph.reads(v) {
            self.consumers_out[x.index()] += 1;
            if self.consumers_out[x.index()] == 1 && self.is_produced[x.index()] {
                self.cut(x);
            }
        }
        for &x in graph.produces(v) {
            if !graph.consumers(x).is_empty() {
                self.potential -= self.prices.exports[x.index()];
            }
        }
        self.store(v.index(), false, true);
        for other in graph.successors(v) {
            self.follow(other.narrow(), OUT);
        }
        self.follow_mates(v.index(), OUT);
    }

    /// Counts the parameters that a node is the only one to read on its side, or takes them back.
    fn store(&mut self, index: usize, is_in: bool, is_more: bool) {
        let Some(shared) = self.shared.get(index) else { return };
        let (sums, readers) =
            if is_in { (&mut self.inside, &self.consumers_in) } else { (&mut self.outside, &self.consumers_out) };
        for &x in shared.iter().filter(|&&x| readers[wide(x)] == 1) {
            let (params, bytes) = (self.prices.stored(wide(x)), self.graph.stored(TensorId::new(wide(x))));
            if is_more {
                sums.params += params;
                sums.bytes += bytes;
            } else {
                sums.params -= params;
                sums.bytes -= bytes;
            }
        }
    }

    fn follow_mates(&mut self, index: usize, side: u8) {
        for other in 0..self.mates.get(index).map_or(0, Vec::len) {
            self.follow(self.mates[index][other], side);
        }
    }

    fn follow(&mut self, node: u32, side: u8) {
        if self.is_free(node) {
            self.side[wide(node)] = side;
            self.stack.push(node);
        }
    }

    /// A tensor is live from now on.
    fn cut(&mut self, x: TensorId) {
        let [export, import] = [self.prices.exports[x.index()], self.prices.imports[x.index()]];
        self.live.push(x.narrow());
        self.potential -= export;
        if self.live_at_start[x.index()] == 0 {
            self.block_io += export;
        }
        self.inside.exports += export;
        self.inside.imports += import;
        if let Some(spent) = &mut self.spent {
            spent.exports += spent.budget.exports[x.index()];
            spent.imports += spent.budget.imports[x.index()];
        }
    }

    /// Takes back what was decided since a mark.
    pub(super) fn undo(&mut self, Mark { trail, live }: Mark) {
        for place in live..self.live.len() {
            self.uncut(wide(self.live[place]));
        }
        self.live.truncate(live);
        for place in trail..self.trail.len() {
            self.release(wide(self.trail[place]));
        }
        self.trail.truncate(trail);
    }

    fn uncut(&mut self, x: usize) {
        let [export, import] = [self.prices.exports[x], self.prices.imports[x]];
        self.inside.exports -= export;
        self.inside.imports -= import;
        self.potential += export;
        if self.live_at_start[x] == 0 {
            self.block_io -= export;
        }
        if let Some(spent) = &mut self.spent {
            spent.exports -= spent.budget.exports[x];
            spent.imports -= spent.budget.imports[x];
        }
    }

    /// Makes a node free again.
    fn release(&mut self, index: usize) {
        let (graph, v) = (self.graph, NodeId::new(index));
        let is_in = self.side[index] == IN;
        self.side[index] = FREE;
        self.store(index, is_in, false);
        let (sums, consumers) = if is_in {
            self.num_in -= 1;
            self.words[index / 64] &= !(1 << (index % 64));
            for &x in graph.produces(v) {
                self.is_produced[x.index()] = false;
            }
            for &x in graph.reads(v) {
                if wide(self.consumers_in[x.index()]) == graph.consumers(x).len() {
                    self.potential += self.prices.exports[x.index()];
                }
            }
            (&mut self.inside, &mut self.consumers_in)
        } else {
            for &x in graph.produces(v) {
                if !graph.consumers(x).is_empty() {
                    self.potential += self.prices.exports[x.index()];
                }
            }
            (&mut self.outside, &mut self.consumers_out)
        };
        let price = self.prices.nodes[index];
        sums.load -= price.load;
        sums.outputs -= price.outputs;
        sums.params -= price.params;
        sums.bytes -= price.bytes;
        self.weighed[usize::from(!is_in)] -= self.weights[index];
        if let Some(spent) = &mut self.spent {
            spent.loads[usize::from(!is_in)] -= spent.budget.nodes[index];
        }
        for &x in graph.reads(v) {
            if is_in && consumers[x.index()] == self.live_at_start[x.index()] {
                self.block_io -= self.prices.imports[x.index()];
            }
            consumers[x.index()] -= 1;
        }
    }

    /// Adds the downset of what is in to a list.
    pub(super) fn keep(&self, found: &mut Downsets) {
        let live = self.live.iter().map(|&x| (x, self.consumers_in[wide(x)]));
        found.push(&self.words, self.inside, live);
    }

    /// Whether all sums are those of an undecided state.
    pub(super) fn are_empty(&self) -> bool {
        self.block_io == 0 && self.inside.load == 0 && self.outside.load == 0
    }
}
