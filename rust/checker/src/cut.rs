//! R6, the cut lemma: the least cost of a block that holds one group, or two, and none of some others is at least a minimum cut.
//!
//! **Claim.** Let a block on a kind of device hold group `a`, and `b` if there is one, and nobody of `barred`, and let it hold with each group of the side
//! `after` that group's predecessors on that side, and with each of `before` its successors on that one. Then it costs at least
//!
//! ```text
//! load(S) + overflow(a) + (what S reads from elsewhere) + (what leaves S and is not paid anyway),
//! ```
//!
//! for some such set `S`, and so at least the least of this over all of them.
//!
//! **Proof.** With `S` the block, the formula is the definition of its cost, but for the overflow of the rest of `S`. ∎
//!
//! On a kind that overlaps a block costs at least `work + overflow`, at least what it moves, and so at least any mean of the two. A
//! cut for a mean shows a set; where that runs more than it moves, a mean with more of the work says more.
//!
//! **The network.** `S` is what the source `a` reaches when an arc from `S` to the rest is paid. A group's load is an arc to the
//! sink; a tensor that its readers import, arcs from each of them to a vertex and from there to its producer; one that is exported,
//! an arc from its producer to a vertex and from there to each reader. Arcs of sides, and from `a` to `b`, are never cut. Who is barred is the sink. Arcs
//! are made when the flow comes by, so a flow that is soon enough stays near (E. A. Dinic 1970). Any flow is no more than any cut:
//! a mistake of the search would show too little, never too much.

use crate::problem::INFINITE;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// Means of work and of moves are counted in parts of so many.
const MEANS: i64 = 256;
const UNSEEN: usize = usize::MAX;

/// Which blocks are asked about.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub inside: usize,
    /// Another group that is inside, if it is asked for.
    pub with: Option<usize>,
    /// The kind of the block's device.
    pub kind: usize,
    /// Ticks from where on it does not matter.
    pub enough: i64,
    /// Per group, whether no such block holds it, and whether it is on each side; empty: nobody.
    pub barred: &'a [bool],
    pub after: &'a [bool],
    pub before: &'a [bool],
    /// Per group, how much less it costs; of these groups, which are all that are not barred. Empty: nothing, nobody.
    pub gains: &'a [i64],
    pub region: &'a [usize],
}

/// Residual capacities of one cut after the other.
pub(crate) struct Network {
    arcs: Vec<Vec<usize>>,
    head: Vec<usize>,
    capacity: Vec<i64>,
    level: Vec<usize>,
    next: Vec<usize>,
    /// Vertices of groups and tensors whose arcs are made.
    is_made: Vec<bool>,
    /// What has to be cleared before the next cut.
    used: Vec<usize>,
    queue: Vec<usize>,
    path: Vec<usize>,
    /// What work and moves count.
    weights: (i64, i64),
}

impl Network {
    /// For groups of this many nodes, and this many tensors. It takes as many steps as it has vertices: a log may have any number of
    /// entries that make one and ask it nothing.
    pub(crate) fn new(num_nodes: usize, num_tensors: usize, steps: &mut Steps) -> Result<Self, Stop> {
        let size = num_nodes + 2 * num_tensors + 1;
        steps.spend(size)?;
        Ok(Self {
            arcs: vec![Vec::new(); size],
            head: Vec::new(),
            capacity: Vec::new(),
            level: vec![UNSEEN; size],
            next: vec![0; size],
            is_made: vec![false; size],
            used: Vec::new(),
            queue: Vec::new(),
            path: Vec::new(),
            weights: (1, 1),
        })
    }

    /// The least cost of such a block, or anything from `enough` on if it is more.
    pub(crate) fn least_cost(
        &mut self,
        quotient: &Quotient<'_>,
        question: &Question<'_>,
        steps: &mut Steps,
    ) -> Result<i64, Stop> {
        let Question { inside, kind, enough, .. } = *question;
        if [Some(inside), question.with].into_iter().flatten().any(|group| is_in(question.barred, group)) {
            return Ok(INFINITE);
        }
        let (work, outputs) = (quotient.kinds[kind].work[inside], quotient.kinds[kind].outputs[inside]);
        let overflow = quotient.overflow(inside, kind);
        if !quotient.problem.kinds[kind].is_overlap {
            let fixed = work + outputs + overflow;
            return Ok(fixed + self.flow(quotient, question, (1, 1), enough - fixed, steps)?);
        }
        let (mut least, mut low, mut high) = (0, -1, MEANS + 1);
        while high - low > 1 {
            let share = low.midpoint(high);
            let fixed = share * (work + overflow) + (MEANS - share) * outputs;
            let weights = (share, MEANS - share);
            let found = fixed + self.flow(quotient, question, weights, MEANS.saturating_mul(enough) - fixed, steps)?;
            least = least.max(found / MEANS + i64::from(found % MEANS > 0));
            if least >= enough {
                break;
            }
            let members = self.members(quotient.num_nodes());
            let runs = overflow + members.map(|group| quotient.kinds[kind].work[group]).sum::<i64>();
            // What the set pays is a mean of what it runs and of what it moves.
            if (MEANS - share) * runs > found - share * runs { low = share } else { high = share }
        }
        Ok(least)
    }

    /// The least that a set costs less its gains, on a kind that pays the sum, or anything from `enough` on if it is more.
    pub(crate) fn least_balance(
        &mut self,
        quotient: &Quotient<'_>,
        question: &Question<'_>,
        steps: &mut Steps,
    ) -> Result<i64, Stop> {
        let net = |group: usize| net_load(quotient, question, group);
        let (inside, others) = (question.inside, question.region.iter().filter(|&&group| group != question.inside));
        let fixed = net(inside) + others.map(|&group| net(group).min(0)).sum::<i64>();
        let enough = question.enough.saturating_sub(fixed).min(INFINITE);
        Ok(fixed + self.flow(quotient, question, (1, 1), enough, steps)?)
    }

    /// The groups of the set that costs least, after a flow that was not enough.
    pub(crate) fn members(&self, num_nodes: usize) -> impl Iterator<Item = usize> + '_ {
        self.queue.iter().copied().filter(move |&vertex| vertex < num_nodes)
    }

    /// The most that flows, or what flows when it is enough.
    fn flow(
        &mut self,
        quotient: &Quotient<'_>,
        question: &Question<'_>,
        weights: (i64, i64),
        enough: i64,
        steps: &mut Steps,
    ) -> Result<i64, Stop> {
        self.clear();
        self.weights = weights;
        let mut total = 0;
        while total < enough && self.set_levels(quotient, question, steps)? {
            total += self.saturate(question.inside, enough - total, steps)?;
        }
        Ok(total)
    }

    fn clear(&mut self) {
        for vertex in self.used.drain(..) {
            self.arcs[vertex].clear();
            self.is_made[vertex] = false;
        }
        self.forget_levels();
        self.head.clear();
        self.capacity.clear();
    }

    fn forget_levels(&mut self) {
        for vertex in self.queue.drain(..) {
            (self.level[vertex], self.next[vertex]) = (UNSEEN, 0);
        }
    }

    fn sink(&self) -> usize {
        self.arcs.len() - 1
    }

    /// Sets the distance from the source of what is no further than the sink; whether that is reached.
    fn set_levels(
        &mut self,
        quotient: &Quotient<'_>,
        question: &Question<'_>,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        self.forget_levels();
        let sink = self.sink();
        self.queue.push(question.inside);
        self.level[question.inside] = 0;
        let mut at = 0;
        while let Some(&vertex) = self.queue.get(at) {
            at += 1;
            if self.level[vertex] >= self.level[sink] {
                break;
            }
            if vertex < quotient.num_nodes() && !self.is_made[vertex] {
                let before = self.head.len();
                self.expand(quotient, question, vertex);
                steps.spend((self.head.len() - before) / 2)?;
            }
            steps.spend(1 + self.arcs[vertex].len())?;
            for &arc in &self.arcs[vertex] {
                let head = self.head[arc];
                if self.capacity[arc] > 0 && self.level[head] == UNSEEN {
                    self.level[head] = self.level[vertex] + 1;
                    self.queue.push(head);
                }
            }
        }
        Ok(self.level[sink] != UNSEEN)
    }

    /// Sends flow along shortest paths until there are none, or until it is enough.
    fn saturate(&mut self, source: usize, enough: i64, steps: &mut Steps) -> Result<i64, Stop> {
        let (sink, mut total) = (self.sink(), 0);
        self.path.clear();
        while total < enough {
            let vertex = self.path.last().map_or(source, |&arc| self.head[arc]);
            if vertex == sink {
                steps.spend(1 + self.path.len())?;
                let amount = self.path.iter().map(|&arc| self.capacity[arc]).min().unwrap_or(0);
                for &arc in &self.path {
                    self.capacity[arc] -= amount;
                    self.capacity[arc ^ 1] += amount;
                }
                total += amount;
                let full = self.path.iter().position(|&arc| self.capacity[arc] == 0).unwrap_or(0);
                self.path.truncate(full);
                continue;
            }
            let (begin, wanted) = (self.next[vertex], self.level[vertex] + 1);
            let open = |&arc: &usize| self.capacity[arc] > 0 && self.level[self.head[arc]] == wanted;
            let found = self.arcs[vertex][begin..].iter().position(open);
            steps.spend(1 + found.unwrap_or(0))?;
            if let Some(place) = found {
                self.next[vertex] = begin + place;
                self.path.push(self.arcs[vertex][begin + place]);
            } else {
                self.next[vertex] = self.arcs[vertex].len();
                let Some(arc) = self.path.pop() else { break };
                self.next[self.head[arc ^ 1]] += 1;
            }
        }
        Ok(total)
    }

    /// Adds the arcs of a group and of the tensors that it touches.
    fn expand(&mut self, quotient: &Quotient<'_>, question: &Question<'_>, group: usize) {
        let (kind, (runs, moves)) = (question.kind, self.weights);
        let costs = &quotient.kinds[kind];
        if !question.gains.is_empty() {
            self.balance(quotient, question, group);
        } else if group != question.inside {
            self.connect(question, group, self.sink(), runs * costs.work[group] + moves * costs.outputs[group]);
        }
        for &tensor in &quotient.touching[group] {
            let exported = quotient.num_nodes() + 2 * tensor;
            if std::mem::replace(&mut self.is_made[exported], true) {
                continue;
            }
            self.used.push(exported);
            let (imported, producer) = (exported + 1, quotient.producer[tensor]);
            // What comes from outside the model is nobody's.
            let maker = if producer < quotient.num_nodes() { producer } else { self.sink() };
            if maker != self.sink() {
                self.connect(question, maker, exported, moves * quotient.problem.leaving(tensor, kind));
            }
            self.connect(question, imported, maker, moves * quotient.problem.kinds[kind].transfer[tensor]);
            for &reader in &quotient.consumers[tensor] {
                self.connect(question, exported, reader, INFINITE);
                self.connect(question, reader, imported, INFINITE);
            }
        }
        if let Some(other) = question.with.filter(|_| group == question.inside) {
            self.connect(question, group, other, INFINITE);
        }
        if is_in(question.after, group) {
            for predecessor in quotient.predecessors(group).filter(|&each| is_in(question.after, each)) {
                self.connect(question, group, predecessor, INFINITE);
            }
        }
        if is_in(question.before, group) {
            for successor in quotient.successors(group).filter(|&each| is_in(question.before, each)) {
                self.connect(question, group, successor, INFINITE);
            }
        }
        self.is_made[group] = true;
        self.used.push(group);
    }

    /// Adds what a group costs less its gain; of the source, what others gain more than they cost.
    fn balance(&mut self, quotient: &Quotient<'_>, question: &Question<'_>, group: usize) {
        if group != question.inside {
            self.connect(question, group, self.sink(), net_load(quotient, question, group).max(0));
            return;
        }
        for &other in question.region.iter().filter(|&&other| other != group) {
            self.connect(question, group, other, -net_load(quotient, question, other).min(0));
        }
    }

    fn connect(&mut self, question: &Question<'_>, tail: usize, head: usize, capacity: i64) {
        let sink = self.sink();
        let [tail, head] = [tail, head].map(|vertex| if is_in(question.barred, vertex) { sink } else { vertex });
        if tail == sink || capacity == 0 {
            return;
        }
        for (vertex, end, room) in [(tail, head, capacity), (head, tail, 0)] {
            if self.arcs[vertex].is_empty() {
                self.used.push(vertex);
            }
            self.arcs[vertex].push(self.head.len());
            self.head.push(end);
            self.capacity.push(room);
        }
    }
}

/// What a group costs less its gain.
fn net_load(quotient: &Quotient<'_>, question: &Question<'_>, group: usize) -> i64 {
    let costs = &quotient.kinds[question.kind];
    costs.work[group] + costs.outputs[group] - question.gains[group]
}

/// Whether a group is among some; vertices of tensors never are.
fn is_in(groups: &[bool], vertex: usize) -> bool {
    groups.get(vertex).copied().unwrap_or(false)
}
