//! Nodes that are decided to be inside or outside a downset, and what both sides pay for it so far.

use super::list::{Boundary, Downsets};
use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, TensorId, wide};

/// Where a node is.
pub(super) const FREE: u8 = 0;
pub(super) const IN: u8 = 1;
pub(super) const OUT: u8 = 2;

/// The sides of all nodes. What is decided last can be taken back first.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    instance: &'a Instance,
    loads: Vec<Ticks>,
    weights: Vec<Ticks>,
    predecessors: Vec<Vec<u32>>,
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

/// How much had been decided.
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
    pub(super) fn new(instance: &'a Instance, loads: Vec<Ticks>, weights: Vec<Ticks>) -> Self {
        let graph = instance.graph();
        let num_nodes = graph.num_nodes();
        let mut predecessors = vec![Vec::new(); num_nodes];
        for v in graph.nodes() {
            for successor in graph.successors(v) {
                predecessors[successor.index()].push(v.narrow());
            }
        }
        Self {
            instance,
            loads,
            weights,
            predecessors,
            side: vec![FREE; num_nodes],
            words: vec![0; num_nodes.div_ceil(64)],
            num_in: 0,
            trail: Vec::new(),
            is_produced: graph.tensors().map(|x| graph.producer(x).is_none() && instance.boundary_io()).collect(),
            consumers_in: vec![0; graph.num_tensors()],
            consumers_out: vec![0; graph.num_tensors()],
            live: Vec::new(),
            inside: Boundary::default(),
            outside: Boundary::default(),
            start: Boundary::default(),
            live_at_start: vec![0; graph.num_tensors()],
            block_io: 0,
            potential: graph.tensors().filter(|&x| !graph.consumers(x).is_empty()).map(|x| instance.export(x)).sum(),
            stack: Vec::new(),
        }
    }

    pub(super) fn is_free(&self, node: u32) -> bool {
        self.side[wide(node)] == FREE
    }

    pub(super) fn is_in(&self, node: u32) -> bool {
        self.side[wide(node)] == IN
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { trail: self.trail.len(), live: self.live.len() }
    }

    pub(super) fn num_live(&self) -> usize {
        self.live.len()
    }

    /// Begins the block that is asked about at a downset, all of whose nodes are in.
    pub(super) fn start_at(&mut self, downsets: &Downsets, index: usize) {
        self.start = downsets.boundaries[index];
        for &(x, consumers) in downsets.live(index) {
            self.live_at_start[wide(x)] = consumers + 1;
        }
    }

    /// Forgets where the block begins; what has been decided since must have been taken back.
    pub(super) fn forget_start(&mut self, downsets: &Downsets, index: usize) {
        for &(x, _) in downsets.live(index) {
            self.live_at_start[wide(x)] = 0;
        }
        self.start = Boundary::default();
    }

    /// How full the block before the boundary is, or all blocks before it, as far as that is decided.
    pub(super) fn filling(&self, has_start: bool) -> Ticks {
        if has_start {
            self.inside.load - self.start.load + self.block_io
        } else {
            self.inside.load + self.inside.exports
        }
    }

    /// What a node whose producers are in adds to the block that takes it in, at most, if a later block is no worse off
    /// without it.
    pub(super) fn gain(&self, node: u32) -> Option<Ticks> {
        let (v, graph) = (NodeId::new(wide(node)), self.instance.graph());
        let load = self.loads[wide(node)];
        let is_last = |x: &&TensorId| wide(self.consumers_in[x.index()]) + 1 == graph.consumers(**x).len();
        let is_paid = |x: &&TensorId| graph.producer(**x).is_some() || self.instance.boundary_io();
        let saved: Ticks =
            graph.reads(v).iter().filter(is_last).filter(is_paid).map(|&x| self.instance.transfer(x)).sum();
        let read = graph.produces(v).iter().filter(|x| !graph.consumers(**x).is_empty());
        let imports: Ticks = read.clone().map(|&x| self.instance.transfer(x)).sum();
        let exports: Ticks = read.map(|&x| self.instance.export(x)).sum();
        let is_new = |x: &&TensorId| self.consumers_in[x.index()] + 1 == self.live_at_start[x.index()];
        let imported: Ticks = graph.reads(v).iter().filter(is_new).map(|&x| self.instance.transfer(x)).sum();
        (imports <= load + saved).then_some(load + exports + imported)
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
            let (index, v) = (wide(node), NodeId::new(wide(node)));
            let sums = if side == IN { &mut self.inside } else { &mut self.outside };
            sums.load += self.loads[index];
            sums.weight += self.weights[index];
            sums.params += self.instance.params()[index];
            sums.bytes += self.instance.graph().param_bytes(v);
            if side == IN {
                self.take_in(v);
            } else {
                self.leave_out(v);
            }
        }
    }

    fn take_in(&mut self, v: NodeId) {
        let (instance, graph, index) = (self.instance, self.instance.graph(), v.index());
        self.num_in += 1;
        self.words[index / 64] |= 1 << (index % 64);
        for &x in graph.reads(v) {
            self.consumers_in[x.index()] += 1;
            if self.consumers_in[x.index()] == self.live_at_start[x.index()] {
                self.block_io += instance.transfer(x);
            }
            if wide(self.consumers_in[x.index()]) == graph.consumers(x).len() {
                self.potential -= instance.export(x);
            }
        }
        for &x in graph.produces(v) {
            self.is_produced[x.index()] = true;
            if self.consumers_out[x.index()] > 0 {
                self.cut(x);
            }
        }
        for other in 0..self.predecessors[index].len() {
            self.follow(self.predecessors[index][other], IN);
        }
    }

    fn leave_out(&mut self, v: NodeId) {
        let (instance, graph) = (self.instance, self.instance.graph());
        for &x in graph.reads(v) {
            self.consumers_out[x.index()] += 1;
            if self.consumers_out[x.index()] == 1 && self.is_produced[x.index()] {
                self.cut(x);
            }
        }
        for &x in graph.produces(v) {
            if !graph.consumers(x).is_empty() {
                self.potential -= instance.export(x);
            }
        }
        for other in graph.successors(v) {
            self.follow(other.narrow(), OUT);
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
        self.live.push(x.narrow());
        self.potential -= self.instance.export(x);
        if self.live_at_start[x.index()] == 0 {
            self.block_io += self.instance.export(x);
        }
        self.inside.exports += self.instance.export(x);
        self.inside.imports += self.instance.transfer(x);
    }

    /// Takes back what was decided since a mark.
    pub(super) fn undo(&mut self, Mark { trail, live }: Mark) {
        let (instance, graph) = (self.instance, self.instance.graph());
        for x in self.live.drain(live..).map(|x| TensorId::new(wide(x))) {
            self.inside.exports -= instance.export(x);
            self.inside.imports -= instance.transfer(x);
            self.potential += instance.export(x);
            if self.live_at_start[x.index()] == 0 {
                self.block_io -= instance.export(x);
            }
        }
        for &node in &self.trail[trail..] {
            let (index, v) = (wide(node), NodeId::new(wide(node)));
            let is_in = self.side[index] == IN;
            self.side[index] = FREE;
            let (sums, consumers) = if is_in {
                self.num_in -= 1;
                self.words[index / 64] &= !(1 << (index % 64));
                for &x in graph.produces(v) {
                    self.is_produced[x.index()] = false;
                }
                for &x in graph.reads(v) {
                    if wide(self.consumers_in[x.index()]) == graph.consumers(x).len() {
                        self.potential += instance.export(x);
                    }
                }
                (&mut self.inside, &mut self.consumers_in)
            } else {
                for &x in graph.produces(v) {
                    if !graph.consumers(x).is_empty() {
                        self.potential += instance.export(x);
                    }
                }
                (&mut self.outside, &mut self.consumers_out)
            };
            sums.load -= self.loads[index];
            sums.weight -= self.weights[index];
            sums.params -= instance.params()[index];
            sums.bytes -= graph.param_bytes(v);
            for &x in graph.reads(v) {
                if is_in && consumers[x.index()] == self.live_at_start[x.index()] {
                    self.block_io -= instance.transfer(x);
                }
                consumers[x.index()] -= 1;
            }
        }
        self.trail.truncate(trail);
    }

    /// Adds the downset of what is in to a list.
    pub(super) fn keep(&self, found: &mut Downsets) {
        let live = self.live.iter().map(|&x| (x, self.consumers_in[wide(x)]));
        found.push(&self.words, self.inside, live);
    }

    /// Whether nothing is decided, as far as sums say.
    pub(super) fn are_empty(&self) -> bool {
        self.block_io == 0 && self.inside.load == 0 && self.outside.load == 0
    }
}
