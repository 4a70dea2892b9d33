//! Nodes that are decided to be in a downset or out of it, and what both sides pay and hold at least.

use crate::bits::Bits;
use crate::downsets::Live;
use crate::incidence::Incidence;
use crate::order::Order;
use crate::problem::{Kind, NONE, Problem};

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Free,
    In,
    Out,
}

/// What both sides take, what is in first; and the block between the start and what is decided.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    pub load: [i128; 2],
    /// What the tensors that are live take to export and to import.
    pub exports: i128,
    pub imports: i128,
    /// What others can still add to the exports.
    pub potential: i128,
    pub weight: [i128; 2],
    pub bytes: [i64; 2],
    pub state: [i64; 2],
    pub work: i64,
    pub io: i64,
    pub params: i64,
}

/// A downset at which the block begins, or with `is_back` ends, on a kind.
#[derive(Clone, Copy)]
pub(crate) struct Start<'q> {
    pub inside: &'q Bits,
    pub kind: usize,
    pub is_back: bool,
}

/// How much was decided.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark {
    trail: usize,
    live: usize,
    totals: Totals,
}

/// The sides of all nodes. What is decided last can be taken back first.
pub(crate) struct Sides<'a> {
    problem: &'a Problem,
    order: &'a Order,
    load: &'a [i128],
    weight: &'a [i128],
    /// Per tensor, what it takes at least to export, and to import, weighed.
    prices: Vec<[i128; 2]>,
    outputs: Vec<Vec<i64>>,
    of_nodes: Incidence,
    side: Vec<Side>,
    pub inside: Bits,
    trail: Vec<usize>,
    /// The tensors that are live: made by what is in, read by what is out.
    pub live: Vec<usize>,
    /// Per tensor, how many read it, of all, of what is in, and of what is out.
    num_readers: Vec<u32>,
    readers: [Vec<u32>; 2],
    at_start: Vec<u32>,
    /// Per parameter that several read, the same.
    holders: [Vec<u32>; 2],
    pub totals: Totals,
    stack: Vec<usize>,
}

impl<'a> Sides<'a> {
    /// Nothing is decided. Loads are weighed; what nodes weigh is known besides.
    pub(crate) fn new(problem: &'a Problem, order: &'a Order, load: &'a [i128], weight: &'a [i128]) -> Self {
        let (num_nodes, num_tensors) = (problem.num_nodes(), problem.num_tensors());
        let of_nodes = Incidence::new(problem);
        let mut num_readers = vec![0; num_tensors];
        of_nodes.reads.iter().flatten().for_each(|&tensor| num_readers[tensor] += 1);
        let weigh = |kind: &Kind, ticks: i64| {
            if kind.is_overlap { 0 } else { i128::from(kind.multiplier) * i128::from(ticks) }
        };
        let price = |tensor: usize| {
            let kinds = problem.kinds.iter();
            let exports = kinds.clone().enumerate().map(|(kind, on)| weigh(on, problem.leaving(tensor, kind)));
            let import = kinds.map(|on| weigh(on, on.transfer[tensor])).min().unwrap_or(0);
            let export = exports.min().unwrap_or(0);
            [if problem.producer[tensor] == NONE { 0 } else { export }, import]
        };
        let prices: Vec<[i128; 2]> = (0..num_tensors).map(price).collect();
        let potential = of_nodes.makes.iter().flatten().map(|&tensor| prices[tensor][0]).sum();
        Self {
            problem,
            order,
            load,
            weight,
            prices,
            outputs: (0..problem.kinds.len()).map(|kind| problem.outputs(kind)).collect(),
            of_nodes,
            side: vec![Side::Free; num_nodes],
            inside: Bits::none(num_nodes),
            trail: Vec::new(),
            live: Vec::new(),
            num_readers,
            readers: [vec![0; num_tensors], vec![0; num_tensors]],
            at_start: Vec::new(),
            holders: [vec![0; problem.param_size.len()], vec![0; problem.param_size.len()]],
            totals: Totals { potential, ..Totals::default() },
            stack: Vec::new(),
        }
    }

    pub(crate) fn is_free(&self, node: usize) -> bool {
        self.side[node] == Side::Free
    }

    /// A tensor that is live.
    pub(crate) fn live_at(&self, tensor: usize) -> Live {
        Live { tensor, readers: self.readers[0][tensor] }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { trail: self.trail.len(), live: self.live.len(), totals: self.totals }
    }

    /// How many nodes were decided since a mark.
    pub(crate) fn num_since(&self, mark: Mark) -> usize {
        self.trail.len() - mark.trail
    }

    /// The nodes that were put in since a mark.
    pub(crate) fn taken_in_since(&self, mark: Mark) -> impl Iterator<Item = usize> + '_ {
        self.trail[mark.trail..].iter().copied().filter(|&node| self.side[node] == Side::In)
    }

    /// Begins a block at what is decided.
    pub(crate) fn begin_block(&mut self, is_back: bool) {
        self.at_start.clone_from(&self.readers[usize::from(is_back)]);
        (self.totals.work, self.totals.io, self.totals.params) = (0, 0, 0);
    }

    /// Puts a node on a side, with all that must be there, too; none where it is on the other one, and else how much there was to
    /// look at.
    pub(crate) fn decide(&mut self, node: usize, side: Side, start: Option<Start<'_>>) -> Option<usize> {
        if !self.is_free(node) {
            return (self.side[node] == side).then_some(1);
        }
        let mut taken = 0;
        self.follow(node, side);
        while let Some(node) = self.stack.pop() {
            self.trail.push(node);
            taken += 4
                + self.of_nodes.reads[node].len()
                + self.of_nodes.makes[node].len()
                + self.of_nodes.shared[node].len();
            self.count(node, side, start);
            let order = self.order;
            if side == Side::In {
                self.take_in(node, start);
                order.predecessors[node].iter().for_each(|&each| self.follow(each, side));
            } else {
                self.leave_out(node, start);
                order.successors[node].iter().for_each(|&each| self.follow(each, side));
            }
        }
        Some(taken)
    }

    fn follow(&mut self, node: usize, side: Side) {
        if self.is_free(node) {
            self.side[node] = side;
            self.stack.push(node);
        }
    }

    /// Adds up what is a sum over nodes.
    fn count(&mut self, node: usize, side: Side, start: Option<Start<'_>>) {
        let (problem, place) = (self.problem, usize::from(side == Side::Out));
        let totals = &mut self.totals;
        totals.load[place] += self.load[node];
        totals.weight[place] += self.weight[node];
        totals.bytes[place] += problem.param_bytes[node] + problem.state_bytes[node];
        totals.state[place] += problem.state_bytes[node];
        if let Some(Start { kind, is_back, .. }) = start
            && is_back == (side == Side::Out)
        {
            let on = &problem.kinds[kind];
            totals.work += on.work[node];
            totals.io += self.outputs[kind][node];
            totals.params += on.params[node];
        }
        for &param in &self.of_nodes.shared[node] {
            self.holders[place][param] += 1;
            if self.holders[place][param] == 1 {
                totals.bytes[place] += problem.param_size[param];
            }
        }
    }

    fn take_in(&mut self, node: usize, start: Option<Start<'_>>) {
        self.inside.insert(node);
        for place in 0..self.of_nodes.reads[node].len() {
            let tensor = self.of_nodes.reads[node][place];
            self.readers[0][tensor] += 1;
            if self.readers[0][tensor] == self.num_readers[tensor] {
                self.totals.potential -= self.prices[tensor][0];
            }
            if let Some(Start { inside, kind, is_back: false }) = start {
                // The block imports what was live at its start.
                let producer = self.problem.producer[tensor];
                let is_there = producer == NONE || inside.has(producer);
                if is_there && self.readers[0][tensor] == self.at_start[tensor] + 1 {
                    self.totals.io += self.problem.kinds[kind].transfer[tensor];
                }
            }
        }
        for place in 0..self.of_nodes.makes[node].len() {
            let tensor = self.of_nodes.makes[node][place];
            if self.readers[1][tensor] > 0 {
                self.cut(tensor, start);
            }
            if let Some(Start { kind, is_back: true, .. }) = start
                && self.readers[1][tensor] > self.at_start[tensor]
            {
                self.totals.io += self.problem.kinds[kind].transfer[tensor];
            }
        }
    }

    fn leave_out(&mut self, node: usize, start: Option<Start<'_>>) {
        for place in 0..self.of_nodes.reads[node].len() {
            let tensor = self.of_nodes.reads[node][place];
            let producer = self.problem.producer[tensor];
            let is_made = producer == NONE || self.side[producer] == Side::In;
            self.readers[1][tensor] += 1;
            if self.readers[1][tensor] == 1 && is_made {
                self.cut(tensor, start);
            }
            if let Some(Start { kind, is_back: true, .. }) = start
                && is_made
                && self.readers[1][tensor] == self.at_start[tensor] + 1
            {
                self.totals.io += self.problem.kinds[kind].transfer[tensor];
            }
        }
        self.totals.potential -= self.of_nodes.makes[node].iter().map(|&tensor| self.prices[tensor][0]).sum::<i128>();
        if let Some(Start { kind, is_back: true, .. }) = start {
            // The block exports what is read after its end.
            let leaving = self.of_nodes.makes[node].iter().filter(|&&tensor| self.at_start[tensor] > 0);
            self.totals.io += leaving.map(|&tensor| self.problem.leaving(tensor, kind)).sum::<i64>();
        }
    }

    /// A tensor is live from now on.
    fn cut(&mut self, tensor: usize, start: Option<Start<'_>>) {
        let [export, import] = self.prices[tensor];
        self.live.push(tensor);
        self.totals.exports += export;
        self.totals.potential -= export;
        self.totals.imports += import;
        if let Some(Start { inside, kind, is_back: false }) = start {
            let producer = self.problem.producer[tensor];
            if producer != NONE && !inside.has(producer) {
                self.totals.io += self.problem.leaving(tensor, kind);
            }
        }
    }

    /// The most that a node whose producers are inside adds to a block that it moves to, if no later block pays more without it
    /// (dominance).
    pub(crate) fn gain(&self, node: usize) -> Option<i128> {
        let is_last = |tensor: &&usize| self.readers[0][**tensor] + 1 == self.num_readers[**tensor];
        let saved =
            self.of_nodes.reads[node].iter().filter(is_last).map(|&tensor| self.prices[tensor][1]).sum::<i128>();
        let [exports, imports] =
            [0, 1].map(|way| self.of_nodes.makes[node].iter().map(|&tensor| self.prices[tensor][way]).sum::<i128>());
        (imports <= self.load[node] + saved).then_some(self.load[node] + exports)
    }

    /// Takes back what was decided since a mark.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.live.truncate(mark.live);
        self.totals = mark.totals;
        for node in self.trail.drain(mark.trail..) {
            let place = usize::from(self.side[node] == Side::Out);
            self.side[node] = Side::Free;
            self.inside.remove(node);
            self.of_nodes.reads[node].iter().for_each(|&tensor| self.readers[place][tensor] -= 1);
            self.of_nodes.shared[node].iter().for_each(|&param| self.holders[place][param] -= 1);
        }
        self.stack.clear();
    }
}
