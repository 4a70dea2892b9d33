//! The cut lemma: the least cost of a block that holds one group, or two, and none of some others is at least a minimum cut.
//!
//! **Claim.** Let a block on a kind of device hold group `a`, and `b` if there is one, and none of `barred`. Let it hold with each
//! group of the side `after` that group's predecessors on that side, and with each of `before` its successors on that one. Then it
//! costs at least
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
//! an arc from its producer to a vertex and from there to each reader. Arcs of sides, and from `a` to `b`, are never cut. What is
//! barred is the sink. Arcs are made when the flow (`flow.rs`) comes by.

use crate::flow::Flow;
use crate::problem::INFINITE;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// Means of work and of moves are counted in parts of so many.
const MEANS: i64 = 256;

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
    /// Per group, whether no such block holds it, and whether it is on each side; empty: none are.
    pub barred: &'a [bool],
    pub after: &'a [bool],
    pub before: &'a [bool],
    /// Per group, how much less it costs; of these groups, which are all that are not barred. Empty: none do.
    pub gains: &'a [i64],
    pub region: &'a [usize],
}

/// One cut after the other.
pub(crate) struct Network {
    flow: Flow,
    /// Vertices of groups and tensors whose arcs are made.
    is_made: Vec<bool>,
    /// What has to be forgotten before the next cut.
    made: Vec<usize>,
}

impl Network {
    /// For groups of this many nodes, and this many tensors. It takes as many steps as it has vertices: a log may have any number of
    /// entries that make one and ask it nothing.
    pub(crate) fn new(num_nodes: usize, num_tensors: usize, steps: &mut Steps) -> Result<Self, Stop> {
        let size = num_nodes + 2 * num_tensors + 1;
        steps.spend(size)?;
        Ok(Self { flow: Flow::new(size), is_made: vec![false; size], made: Vec::new() })
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
        self.flow.reached().iter().copied().filter(move |&vertex| vertex < num_nodes)
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
        let Self { flow, is_made, made, .. } = self;
        flow.clear();
        made.drain(..).for_each(|vertex| is_made[vertex] = false);
        let sink = flow.num_vertices() - 1;
        let expand = |flow: &mut Flow, vertex: usize| {
            if vertex < quotient.num_nodes() && !is_made[vertex] {
                let mut builder = NetworkBuilder { flow, is_made, made, quotient, question, weights, sink };
                return builder.expand(vertex);
            }
            0
        };
        flow.send([question.inside, sink], enough, expand, steps)
    }
}

/// Adds the arcs of a group when the flow first reaches it.
struct NetworkBuilder<'q, 'r, 'a> {
    flow: &'q mut Flow,
    is_made: &'q mut Vec<bool>,
    made: &'q mut Vec<usize>,
    quotient: &'r Quotient<'a>,
    question: &'r Question<'r>,
    /// What work and moves count.
    weights: (i64, i64),
    sink: usize,
}

impl NetworkBuilder<'_, '_, '_> {
    /// Adds the arcs of a group and of the tensors that it touches; gives how much there was to look at.
    fn expand(&mut self, group: usize) -> usize {
        let Self { quotient, question, sink, weights: (runs, moves), .. } = *self;
        let (kind, before) = (question.kind, self.flow.num_arcs());
        let (costs, mut taken) = (&quotient.kinds[kind], 0);
        if !question.gains.is_empty() {
            self.balance(group);
        } else if group != question.inside {
            self.connect(group, sink, runs * costs.work[group] + moves * costs.outputs[group]);
        }
        for &tensor in &quotient.touching[group] {
            taken += 1;
            let exported = quotient.num_nodes() + 2 * tensor;
            if std::mem::replace(&mut self.is_made[exported], true) {
                continue;
            }
            self.made.push(exported);
            let (imported, producer) = (exported + 1, quotient.producer[tensor]);
            // No group makes what comes from outside the model.
            let maker = if producer < quotient.num_nodes() { producer } else { sink };
            if maker != sink {
                self.connect(maker, exported, moves * quotient.problem.leaving(tensor, kind));
            }
            self.connect(imported, maker, moves * quotient.problem.kinds[kind].transfer[tensor]);
            for &reader in &quotient.consumers[tensor] {
                self.connect(exported, reader, INFINITE);
                self.connect(reader, imported, INFINITE);
            }
        }
        if let Some(other) = question.with.filter(|_| group == question.inside) {
            self.connect(group, other, INFINITE);
        }
        if is_in(question.after, group) {
            taken += quotient.touching[group].len();
            for predecessor in quotient.predecessors(group) {
                taken += 1;
                if is_in(question.after, predecessor) {
                    self.connect(group, predecessor, INFINITE);
                }
            }
        }
        if is_in(question.before, group) {
            taken += quotient.touching[group].len();
            for successor in quotient.successors(group) {
                taken += 1;
                if is_in(question.before, successor) {
                    self.connect(group, successor, INFINITE);
                }
            }
        }
        self.is_made[group] = true;
        self.made.push(group);
        // Sets are slow to go through, and arcs to be made.
        2 * taken + self.flow.num_arcs() - before
    }

    /// Adds what a group costs less its gain; of the source, what others gain more than they cost.
    fn balance(&mut self, group: usize) {
        let Self { quotient, question, sink, .. } = *self;
        if group != question.inside {
            self.connect(group, sink, net_load(quotient, question, group).max(0));
            return;
        }
        for &other in question.region.iter().filter(|&&other| other != group) {
            self.connect(group, other, -net_load(quotient, question, other).min(0));
        }
    }

    fn connect(&mut self, tail: usize, head: usize, capacity: i64) {
        let barred = |vertex: usize| if is_in(self.question.barred, vertex) { self.sink } else { vertex };
        let [tail, head] = [tail, head].map(barred);
        if tail != self.sink && capacity > 0 {
            self.flow.connect(tail, head, capacity);
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
