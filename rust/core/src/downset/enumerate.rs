//! The downsets that can stand at a boundary, where what is before it and what is after it must not cost too much.
//!
//! Let `live(D)` be the tensors that are made in `D`, or come in from outside, and that are read outside `D`. The blocks of
//! `D` pay at least `load(D) + export(live(D))`, the others at least the load of the rest and `import(live(D))`. Given what
//! each side can pay at most, the enumeration decides one node after the other, in a topological order: in, with all that
//! comes before it, or out, with all that comes after it. What is decided has a load and live tensors already, and neither
//! shrinks, so a branch ends as soon as one side cannot pay. Where a graph is a series of parts, this leaves the part at the
//! boundary. What the first blocks are charged at least and at most is known too, and such sums only grow.

use super::list::{Boundary, Downsets};
use crate::cost::{Instance, Ticks};
use crate::domain::Confines;
use crate::effort::{Caps, Halt};
use crate::ids::{NodeId, TensorId, narrow, wide};
use crate::interrupt::Interrupt;
use crate::order::{ConeSums, TopologicalOrder, cone_sums};

const FREE: u8 = 0;
const IN: u8 = 1;
const OUT: u8 = 2;

/// What the blocks before a boundary can pay together, and the blocks after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse {
    pub before: Ticks,
    pub after: Ticks,
    /// How many blocks may stand before the boundary, and after it.
    pub blocks: [usize; 2],
    /// The least and the most that is charged before the boundary.
    pub charges: [Ticks; 2],
}

/// Which downsets are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub purse: Purse,
    /// The most that a block may cost.
    pub block: Ticks,
    /// Where the block before the boundary begins, if that is known: a downset of a list.
    pub start: Option<(&'a Downsets, usize)>,
    /// A downset is of no use when it leaves out a node that could as well be in (see `bidirectional.rs`), and when even with what
    /// that adds its load and exports, or the cost of its block, are below this.
    pub full: Option<Ticks>,
}

/// An instance, with what every enumeration of its downsets needs.
#[derive(Debug)]
pub(crate) struct Enumerator<'a> {
    instance: &'a Instance,
    confines: Option<&'a Confines>,
    order: Vec<u32>,
    loads: Vec<Ticks>,
    charges: Vec<Ticks>,
    total: Ticks,
    total_charge: Ticks,
    cones: ConeSums,
    predecessors: Vec<Vec<u32>>,
    side: Vec<u8>,
    words: Vec<u64>,
    num_in: usize,
    trail: Vec<u32>,
    /// Per tensor: whether it is made, or comes in from outside; how many readers are in, and out.
    is_made: Vec<bool>,
    readers_in: Vec<u32>,
    readers_out: Vec<u32>,
    live: Vec<u32>,
    inside: Boundary,
    outside: Boundary,
    /// Where the block begins that is asked about, per tensor one more than its readers there if it is live there, and what
    /// the block pays for tensors.
    start: Boundary,
    live_at_start: Vec<u32>,
    block_io: Ticks,
    /// What tensors can still add to the exports: those that are not live, but whose maker and a reader are not decided
    /// otherwise.
    potential: Ticks,
    stack: Vec<u32>,
}

impl<'a> Enumerator<'a> {
    /// Takes O(nodes^2 / 8) time.
    pub(crate) fn new(instance: &'a Instance, confines: Option<&'a Confines>) -> Self {
        let graph = instance.graph();
        let num_nodes = graph.num_nodes();
        let mut predecessors = vec![Vec::new(); num_nodes];
        for v in graph.nodes() {
            for successor in graph.successors(v) {
                predecessors[successor.index()].push(v.narrow());
            }
        }
        let loads = instance.loads();
        let charges = confines.map_or_else(|| loads.clone(), |confines| confines.known.charges.clone());
        Self {
            instance,
            confines,
            order: TopologicalOrder::natural(graph).nodes().iter().map(|v| v.narrow()).collect(),
            cones: cone_sums(graph, &loads),
            total: loads.iter().sum(),
            total_charge: charges.iter().sum(),
            loads,
            charges,
            predecessors,
            side: vec![FREE; num_nodes],
            words: vec![0; num_nodes.div_ceil(64)],
            num_in: 0,
            trail: Vec::new(),
            is_made: graph.tensors().map(|x| graph.producer(x).is_none() && instance.boundary_io()).collect(),
            readers_in: vec![0; graph.num_tensors()],
            readers_out: vec![0; graph.num_tensors()],
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

    /// The empty downset.
    pub(crate) fn nothing(&mut self) -> Downsets {
        self.only(OUT)
    }

    /// The downset of all nodes.
    pub(crate) fn everything(&mut self) -> Downsets {
        self.only(IN)
    }

    fn only(&mut self, side: u8) -> Downsets {
        for index in 0..self.order.len() {
            self.decide(self.order[index], side);
        }
        let mut found = Downsets::new(self.order.len());
        self.keep(&mut found);
        self.undo(0, 0);
        found
    }

    /// Lists the downsets for which both sides can pay, but for the empty one and the whole graph; with a start, those at
    /// which a block ends that begins there.
    ///
    /// # Errors
    /// [`Halt`], when a cap is met or `interrupt` was raised.
    pub(crate) fn list(
        &mut self,
        question: Question<'_>,
        caps: &mut Caps,
        interrupt: &Interrupt,
    ) -> Result<Downsets, Halt> {
        let mut begin = 0;
        if let Some((downsets, index)) = question.start {
            for node in 0..self.order.len() {
                if downsets.contains(index, node) {
                    self.decide(narrow(node), IN);
                }
            }
            self.start = downsets.boundaries[index];
            begin = self.trail.len();
            for &(x, readers) in downsets.live(index) {
                self.live_at_start[wide(x)] = readers + 1;
            }
        }
        let found = caps.branch(begin).and_then(|()| self.search(&question, caps, interrupt));
        self.undo(begin, 0);
        if let Some((downsets, index)) = question.start {
            for &(x, _) in downsets.live(index) {
                self.live_at_start[wide(x)] = 0;
            }
            self.start = Boundary::default();
        }
        self.undo(0, 0);
        debug_assert!(self.block_io == 0 && self.inside.load == 0 && self.outside.load == 0);
        found
    }

    fn search(&mut self, question: &Question<'_>, caps: &mut Caps, interrupt: &Interrupt) -> Result<Downsets, Halt> {
        let Question { purse, full, start, .. } = *question;
        let num_at_start = self.num_in;
        let num_nodes = self.order.len();
        let mut found = Downsets::new(num_nodes);
        let mut order = Vec::new();
        for index in 0..num_nodes {
            let node = self.order[index];
            let [is_early, is_late] =
                self.confines.map_or([false; 2], |confines| confines.known.windows.sides(node, purse.blocks[0]));
            let is_in = is_early || self.cones.descendants[wide(node)] > purse.after || self.side[wide(node)] == IN;
            let is_out = is_late || self.cones.ancestors[wide(node)] > purse.before;
            match (is_in, is_out) {
                (true, true) => return Ok(found),
                (true, false) => self.decide(node, IN),
                (false, true) => self.decide(node, OUT),
                (false, false) => order.push(node),
            }
        }
        if !self.can_pay(question) {
            return Ok(found);
        }
        // What must be in and live at least, by what is left out.
        let mut least = Ticks::MIN;
        // Per open branch: the place in the order, how long the trail and the live list were before it, its next side, and
        // what must be in and live at least.
        let mut branches: Vec<(usize, usize, usize, u8, Ticks)> = Vec::new();
        let (mut at, mut steps) = (0, 0);
        loop {
            at += order[at..].iter().take_while(|&&node| self.side[wide(node)] != FREE).count();
            if at < order.len() {
                branches.push((at, self.trail.len(), self.live.len(), IN, least));
            } else if (num_at_start + 1..num_nodes).contains(&self.num_in) && self.filling(start.is_some()) >= least {
                caps.keep(found.bytes_for(self.live.len()))?;
                self.keep(&mut found);
            }
            loop {
                let Some((place, trail, live, side, before)) = branches.last_mut() else { return Ok(found) };
                let (next, place, trail, live) = (*side, *place, *trail, *live);
                least = *before;
                self.undo(trail, live);
                if next > OUT {
                    branches.pop();
                    continue;
                }
                *side += 1;
                steps += 1;
                interrupt.check(steps)?;
                if let (OUT, Some(full), Some(gain)) = (next, full, self.gain(order[place])) {
                    least = least.max(full - gain);
                }
                self.decide(order[place], next);
                caps.branch(self.trail.len() - trail)?;
                let open = self.total - self.inside.load - self.outside.load + self.potential + self.start.imports;
                let most = self.filling(start.is_some()) + open;
                if most >= least && self.can_pay(question) {
                    at = place + 1;
                    break;
                }
            }
        }
    }

    /// What a node whose makers are in adds to the block that takes it in, at most, if a later block is no worse off
    /// without it.
    fn gain(&self, node: u32) -> Option<Ticks> {
        let (v, graph) = (NodeId::new(wide(node)), self.instance.graph());
        let load = self.loads[wide(node)];
        let is_last = |x: &&TensorId| wide(self.readers_in[x.index()]) + 1 == graph.consumers(**x).len();
        let is_paid = |x: &&TensorId| graph.producer(**x).is_some() || self.instance.boundary_io();
        let saved: Ticks =
            graph.reads(v).iter().filter(is_last).filter(is_paid).map(|&x| self.instance.transfer(x)).sum();
        let read = graph.produces(v).iter().filter(|x| !graph.consumers(**x).is_empty());
        let imports: Ticks = read.clone().map(|&x| self.instance.transfer(x)).sum();
        let exports: Ticks = read.map(|&x| self.instance.export(x)).sum();
        let is_new = |x: &&TensorId| self.readers_in[x.index()] + 1 == self.live_at_start[x.index()];
        let imported: Ticks = graph.reads(v).iter().filter(is_new).map(|&x| self.instance.transfer(x)).sum();
        (imports <= load + saved).then_some(load + exports + imported)
    }

    /// How full the block before the boundary is, or all blocks before it, as far as that is decided.
    fn filling(&self, has_start: bool) -> Ticks {
        if has_start {
            self.inside.load - self.start.load + self.block_io
        } else {
            self.inside.load + self.inside.exports
        }
    }

    fn can_pay(&self, question: &Question<'_>) -> bool {
        let Self { inside, outside, start, instance, .. } = self;
        let purse = question.purse;
        let overflow = instance.overflow(inside.params - start.params);
        let is_block = question.start.is_none()
            || (self.filling(true) + overflow <= question.block
                && inside.charge - start.charge <= question.block
                && !instance.is_over_limit(inside.bytes - start.bytes));
        is_block
            && inside.charge <= purse.charges[1]
            && outside.charge <= self.total_charge - purse.charges[0]
            && inside.load + inside.exports <= purse.before
            && outside.load + inside.imports <= purse.after
            && fits(instance, inside, purse.blocks[0])
            && fits(instance, outside, purse.blocks[1])
    }

    /// Puts a free node on a side, and whatever must be there with it.
    fn decide(&mut self, node: u32, side: u8) {
        if self.side[wide(node)] != FREE {
            return;
        }
        self.side[wide(node)] = side;
        self.stack.push(node);
        let (instance, graph) = (self.instance, self.instance.graph());
        while let Some(node) = self.stack.pop() {
            self.trail.push(node);
            let (index, v) = (wide(node), NodeId::new(wide(node)));
            let sums = if side == IN { &mut self.inside } else { &mut self.outside };
            sums.load += self.loads[index];
            sums.charge += self.charges[index];
            sums.params += instance.params()[index];
            sums.bytes += graph.param_bytes(v);
            if side == IN {
                self.num_in += 1;
                self.words[index / 64] |= 1 << (index % 64);
                for &x in graph.reads(v) {
                    self.readers_in[x.index()] += 1;
                    if self.readers_in[x.index()] == self.live_at_start[x.index()] {
                        self.block_io += instance.transfer(x);
                    }
                    if wide(self.readers_in[x.index()]) == graph.consumers(x).len() {
                        self.potential -= instance.export(x);
                    }
                }
                for &x in graph.produces(v) {
                    self.is_made[x.index()] = true;
                    if self.readers_out[x.index()] > 0 {
                        self.cut(x);
                    }
                }
                for other in 0..self.predecessors[index].len() {
                    self.follow(self.predecessors[index][other], side);
                }
            } else {
                for &x in graph.reads(v) {
                    self.readers_out[x.index()] += 1;
                    if self.readers_out[x.index()] == 1 && self.is_made[x.index()] {
                        self.cut(x);
                    }
                }
                for &x in graph.produces(v) {
                    if !graph.consumers(x).is_empty() {
                        self.potential -= instance.export(x);
                    }
                }
                for other in graph.successors(v) {
                    self.follow(other.narrow(), side);
                }
            }
        }
    }

    fn follow(&mut self, node: u32, side: u8) {
        if self.side[wide(node)] == FREE {
            self.side[wide(node)] = side;
            self.stack.push(node);
        }
    }

    fn cut(&mut self, x: TensorId) {
        self.live.push(x.narrow());
        self.potential -= self.instance.export(x);
        if self.live_at_start[x.index()] == 0 {
            self.block_io += self.instance.export(x);
        }
        self.inside.exports += self.instance.export(x);
        self.inside.imports += self.instance.transfer(x);
    }

    /// Takes back what was decided since the trail and the live list were so long.
    fn undo(&mut self, trail: usize, live: usize) {
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
            let (sums, readers) = if is_in {
                self.num_in -= 1;
                self.words[index / 64] &= !(1 << (index % 64));
                for &x in graph.produces(v) {
                    self.is_made[x.index()] = false;
                }
                for &x in graph.reads(v) {
                    if wide(self.readers_in[x.index()]) == graph.consumers(x).len() {
                        self.potential += instance.export(x);
                    }
                }
                (&mut self.inside, &mut self.readers_in)
            } else {
                for &x in graph.produces(v) {
                    if !graph.consumers(x).is_empty() {
                        self.potential += instance.export(x);
                    }
                }
                (&mut self.outside, &mut self.readers_out)
            };
            sums.load -= self.loads[index];
            sums.charge -= self.charges[index];
            sums.params -= instance.params()[index];
            sums.bytes -= graph.param_bytes(v);
            for &x in graph.reads(v) {
                if is_in && readers[x.index()] == self.live_at_start[x.index()] {
                    self.block_io -= instance.transfer(x);
                }
                readers[x.index()] -= 1;
            }
        }
        self.trail.truncate(trail);
    }

    fn keep(&self, found: &mut Downsets) {
        let live = self.live.iter().map(|&x| (x, self.readers_in[wide(x)]));
        found.push(&self.words, self.inside, live);
    }
}

/// Whether parameters fit so many blocks, as far as the memory limit goes.
fn fits(instance: &Instance, sums: &Boundary, num_blocks: usize) -> bool {
    let room = |limit: u64| u128::from(limit) * u128::try_from(num_blocks).unwrap_or(u128::MAX);
    instance.memory_limit().is_none_or(|limit| u128::from(sums.bytes) <= room(limit))
}
