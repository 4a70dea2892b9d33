//! Enumeration of the downsets at a boundary between two blocks, given budgets for the blocks before and after it.
//!
//! Let `live(D)` be the tensors that are produced in `D`, or are model inputs, and that are read outside `D`. The blocks of
//! `D` pay at least `load(D) + export(live(D))`, the others at least the load of the rest and `import(live(D))`. The enumeration
//! is a backtracking search that decides one node after the other, in a topological order: inside, with all its ancestors, or
//! outside, with all its descendants. The decided nodes have a load and live tensors, and neither shrinks, so a branch ends as
//! soon as one side exceeds its budget. In a series of subgraphs, this leaves only those at the boundary. Bounds on the node
//! weights of the first blocks prune in the same way.

use std::sync::Arc;

use super::list::{Downsets, Priced};
use super::prices::Spent;
use super::rooms::Rooms;
use super::sides::{IN, Mark, OUT, Sides};
use super::stages::Stages;
use crate::bits::has;
use crate::cost::{Held, Instance, Ticks};
use crate::domain::{Domains, Windows};
use crate::ids::{count, narrow, wide};
use crate::order::{ConeSums, TopologicalOrder, cone_sums};
use crate::query::{Effort, Halt, Query};

/// The budgets of the blocks before a boundary, and of those after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub before: Ticks,
    pub after: Ticks,
    /// How many blocks may stand before the boundary, and after it.
    pub blocks: [usize; 2],
    /// The least and the most that is before the boundary, by node weights.
    pub weights: [Ticks; 2],
}

/// A query for downsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub budget: Budget,
    /// The stage whose block ends at the boundary, or begins there; downsets are given with sums on it.
    pub stage: usize,
    /// Where the block before the boundary begins, if that is known: a downset of a list.
    pub start: Option<(Priced<'a>, usize)>,
    /// Nodes that the stage may not hold and that the blocks on the other side of it never do: on which side they are.
    pub fixed: Option<(&'a [u64], u8)>,
    /// Dominated downsets are left out: those that lack a node which could be inside (see `bidirectional.rs`), if with this node
    /// their load and exports, or the cost of their block, are still below this.
    pub full: Option<Ticks>,
    /// The most that the block before the boundary, or all blocks before it, may pay for tensors, and those after it for what
    /// is live there.
    pub io: Ticks,
}

/// An instance, with what every enumeration of its downsets needs.
#[derive(Debug)]
pub(crate) struct Enumerator<'a> {
    query: &'a Query<'a>,
    domains: Option<&'a Domains>,
    pub(crate) stages: Arc<Stages<'a>>,
    pub(super) rooms: Arc<Rooms>,
    /// The stages that may hold each node, where some may not.
    hull: Option<Windows>,
    /// Whether the empty downset and the whole graph are listed too.
    are_ends_listed: bool,
    order: Vec<u32>,
    total: Ticks,
    total_weight: Ticks,
    cones: ConeSums,
    sides: Sides<'a>,
}

/// An open branch of the search: a node that has been decided.
struct Branch {
    /// The node's place in the order.
    place: usize,
    /// What was decided before it.
    before: Mark,
    /// The side on which it is put next.
    next: u8,
    /// What must be in and live at least, by what was left out before it.
    least: Ticks,
}

impl<'a> Enumerator<'a> {
    /// Takes O(nodes^2 / 8) time.
    pub(crate) fn new(query: &'a Query<'a>, domains: Option<&'a Domains>) -> Self {
        let (instance, graph) = (query.instance, query.instance.graph());
        let stages = Arc::new(Stages::new(instance));
        let (prices, is_one) = (stages.prices(0), instance.num_kinds() == 1 && !instance.view(0).is_overlap());
        let budget = (!is_one).then(|| instance.budget());
        let rooms = Arc::new(Rooms::new(instance, budget.as_ref(), query.max_cost()));
        let spent = budget.map(Spent::new);
        let loads =
            spent.as_ref().map_or_else(|| prices.nodes.iter().map(|node| node.load).collect(), Spent::loads_of_nodes);
        let weights = domains.map_or_else(|| loads.clone(), |domains| domains.known.weights.clone());
        Self {
            query,
            domains,
            order: TopologicalOrder::natural(graph).nodes().iter().map(|v| v.narrow()).collect(),
            cones: cone_sums(graph, &loads),
            total: loads.iter().sum(),
            total_weight: weights.iter().sum(),
            sides: Sides::new(instance, Arc::clone(prices), spent, weights),
            hull: hull(instance),
            are_ends_listed: !stages.are_alike(),
            stages,
            rooms,
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
        for &node in &self.order {
            self.sides.decide(node, side);
        }
        let mut found = Downsets::new(self.order.len());
        self.sides.keep(&mut found);
        self.sides.undo(Mark::default());
        found
    }

    /// What the stages of a range may spend together, in the units of a question's budget.
    pub(crate) fn room(&self, first: usize, last: usize) -> Ticks {
        self.rooms.between(first, last)
    }

    /// Lists the downsets within both budgets, without the empty one and the whole graph; with a start, those at which a block
    /// ends that begins there.
    ///
    /// # Errors
    /// [`Halt`], when the effort is used up or the interrupt was raised.
    pub(crate) fn list(&mut self, question: Question<'_>, effort: &mut Effort) -> Result<Downsets, Halt> {
        let kind = self.query.instance.kind_of(question.stage);
        self.sides.set_prices(self.stages.prices(kind));
        if let Some((downsets, index)) = question.start {
            for node in 0..self.order.len() {
                if downsets.downsets.contains(index, node) {
                    self.sides.decide(narrow(node), IN);
                }
            }
            self.sides.start_at(downsets, index);
        }
        let begin = self.sides.mark();
        let found = self.branch(begin, Mark::default(), effort).and_then(|()| self.search(&question, effort));
        self.sides.undo(begin);
        if let Some((downsets, index)) = question.start {
            self.sides.forget_start(downsets, index);
        }
        self.sides.undo(Mark::default());
        debug_assert!(self.sides.are_empty());
        found
    }

    fn search(&mut self, question: &Question<'_>, effort: &mut Effort) -> Result<Downsets, Halt> {
        let (num_at_start, num_nodes, has_start) = (self.sides.num_in, self.order.len(), question.start.is_some());
        let mut found = Downsets::new(num_nodes);
        let Some(order) = self.decide_forced(question) else { return Ok(found) };
        let later = self.stages.prices_after(question.stage);
        let stages = Arc::clone(&self.stages);
        let stage = stages.on(question.stage);
        let is_fixed = |node: u32| !stage.may_hold(wide(node));
        let sizes = if self.are_ends_listed { 0..num_nodes + 1 } else { num_at_start + 1..num_nodes };
        if !self.can_pay(question) {
            return Ok(found);
        }
        // What must be in and live at least, by what is left out.
        let mut least = Ticks::MIN;
        let mut branches: Vec<Branch> = Vec::new();
        let (mut at, mut steps) = (0, 0);
        loop {
            at += order[at..].iter().take_while(|&&node| !self.sides.is_free(node)).count();
            if at < order.len() {
                branches.push(Branch { place: at, before: self.sides.mark(), next: IN, least });
            } else if sizes.contains(&self.sides.num_in) && self.sides.filling(has_start) >= least {
                effort.keep(found.bytes_for(self.sides.num_live()))?;
                self.sides.keep(&mut found);
            }
            loop {
                let Some(branch) = branches.last_mut() else { return Ok(found) };
                let (side, node, before) = (branch.next, order[branch.place], branch.before);
                least = branch.least;
                self.sides.undo(before);
                if side > OUT {
                    branches.pop();
                    continue;
                }
                branch.next += 1;
                at = branch.place + 1;
                steps += 1;
                self.query.interrupt.check(steps)?;
                if let (OUT, Some(full), false) = (side, question.full, is_fixed(node))
                    && let Some(gain) = self.sides.gain(node, &later)
                {
                    least = least.max(full - gain);
                }
                self.sides.decide(node, side);
                self.branch(self.sides.mark(), before, effort)?;
                if self.most(has_start) >= least && self.can_pay(question) {
                    break;
                }
            }
        }
    }

    /// Decides the nodes that can be on one side only; gives the others, in order. None when a node can be on neither.
    fn decide_forced(&mut self, question: &Question<'_>) -> Option<Vec<u32>> {
        let budget = &question.budget;
        let known = self.domains.map(|domains| &domains.known.windows);
        let mut order = Vec::new();
        for index in 0..self.order.len() {
            let node = self.order[index];
            let mut is_in = self.cones.descendants[wide(node)] > budget.after || self.sides.is_in(node);
            let mut is_out = self.cones.ancestors[wide(node)] > budget.before || self.sides.is_out(node);
            for windows in known.into_iter().chain(&self.hull) {
                let [is_early, is_late] = windows.sides(node, budget.blocks[0]);
                (is_in, is_out) = (is_in || is_early, is_out || is_late);
            }
            if let Some((_, side)) = question.fixed.filter(|(nodes, _)| has(nodes, wide(node))) {
                (is_in, is_out) = (is_in || side == IN, is_out || side == OUT);
            }
            match (is_in, is_out) {
                (true, true) => return None,
                (true, false) => self.sides.decide(node, IN),
                (false, true) => self.sides.decide(node, OUT),
                (false, false) => order.push(node),
            }
        }
        Some(order)
    }

    /// Counts a branch that has decided what lies between two marks.
    fn branch(&self, now: Mark, before: Mark, effort: &mut Effort) -> Result<(), Halt> {
        let params = &self.query.params.downset;
        let decided = count(now.num_decided(before)).unsigned_abs();
        effort.branch(params.branch_steps + params.node_steps * decided)
    }

    /// The most that the load of the block, or of all blocks before the boundary, can still become.
    fn most(&self, has_start: bool) -> Ticks {
        let Sides { potential, start, .. } = &self.sides;
        self.sides.filling(has_start) + self.sides.free_load() + potential + start.imports
    }

    fn can_pay(&self, question: &Question<'_>) -> bool {
        let Sides { inside, outside, weighed, .. } = &self.sides;
        let (budget, [before, after]) = (question.budget, self.sides.paid());
        (question.start.is_none() || self.can_be_block(question.stage))
            && weighed[0] <= budget.weights[1]
            && weighed[1] <= self.total_weight - budget.weights[0]
            && before <= budget.before
            && after <= budget.after
            && self.rooms.fit(inside.bytes, outside.bytes, budget.blocks)
            && self.sides.block_io + inside.imports <= question.io
    }

    /// Whether a stage can hold the block that is asked about, as far as it is decided and sums say.
    fn can_be_block(&self, stage: usize) -> bool {
        let Sides { inside, start, weighed, weighed_at_start, block_io, .. } = &self.sides;
        let view = self.query.instance.on(stage);
        let io = inside.outputs - start.outputs + block_io;
        let bytes = inside.bytes - start.bytes;
        view.busy(inside.load - start.load, io, view.overflow(inside.params - start.params)) < self.query.threshold
            && weighed[0] - weighed_at_start <= self.rooms.of(stage)
            && !view.is_over_limit(&Held { bytes, ..Held::default() })
    }

    /// What is paid before a downset of a list, and after it.
    pub(super) fn paid_at(&self, downsets: Priced<'_>, index: usize) -> [Ticks; 2] {
        if let Some(spent) = &self.sides.spent {
            return spent.paid_at(downsets.words(index), downsets.live(index));
        }
        let boundary = &downsets.boundaries[index];
        [boundary.load + boundary.exports, self.total - boundary.load + boundary.imports]
    }
}

/// The first and the last stage that may hold each node; none when all may hold all.
fn hull(instance: &Instance) -> Option<Windows> {
    let allowed = instance.allowed()?;
    let mut hull = Windows::all(instance.graph().num_nodes(), instance.num_blocks());
    for v in instance.graph().nodes() {
        let mut stages = allowed.stages(v);
        if let Some(first) = stages.next() {
            hull.earliest[v.index()] = 1 + first;
            hull.latest[v.index()] = 1 + stages.last().unwrap_or(first);
        }
    }
    Some(hull)
}
