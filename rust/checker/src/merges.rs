//! Rules of merges, *pull*, *push*, *together*, *cycle* and *given*: each merge of the log is proved in its turn.
//!
//! **Claim.** A partition of the problem that is better than the threshold gives one of the quotient that costs no more.
//!
//! **Proof.** Let a partition have the groups `U` and `V` in different blocks.
//!
//! - `pull`: `U` makes something for `V`, and all else that does comes before `U`. With `V` moved to the block of `U`, an earlier
//!   one, no tensor runs back. That block pays the load of `V`, its parameters, what leaves it and what it reads and `U` neither
//!   makes nor reads; it no longer exports what `U` makes for `V` alone. The old block of `V` imports what `V` made for it; it no
//!   longer pays the load, nor imports what `V` alone reads of `U`.
//! - `push`: `V` reads something of `U`, and all else that does comes after `V`. With `U` moved to the block of `V`, a later one,
//!   that block pays the load of `U`, its parameters, all that it reads and `V` does not, and what leaves it for others than `V`; it
//!   no longer imports what `U` makes for `V`. The old block of `U` exports what `U` reads and `V` does not; it no longer pays the
//!   load, nor what leaves `U`.
//! - No other block pays anything else. The first must not pay more on any kind of device that may hold the group that stays, nor
//!   the second on any that may hold the one that moves; where a kind overlaps, neither in what it runs nor in what it moves. Every
//!   stage that may hold the group that stays, and is on the way of the one that moves, may hold this one, which needs no other
//!   group beside it. With a limit of bytes the group that moves brings none, nor more that is alive.
//! - `together`: the block of one of the two, without the other, costs at least the threshold on every kind that may hold it
//!   (`cut.rs`). Or all blocks together would: below the threshold `T` they pay at most `k (T - 1)`, the load of all nodes and, when
//!   the two are apart, the export and the import of each tensor between them; each weighed by its block's multiplier, at least by
//!   the least.
//! - `cycle`: each reaches the other, so they are in one block of any acyclic partition.
//! - `given`: the problem asks for it. ∎

use crate::components::strong_components;
use crate::cut::{Network, Question};
use crate::problem::Problem;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// What allows a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The second node joins the first.
    Pull,
    /// The first node joins the second.
    Push,
    /// Apart they cost too much.
    Together,
    /// Each reaches the other.
    Cycle,
    /// The problem asks for it.
    Given,
}

impl Rule {
    /// All of them, in the order of the log.
    pub(crate) const ALL: [Self; 5] = [Self::Pull, Self::Push, Self::Together, Self::Cycle, Self::Given];
}

/// Two nodes whose groups become one.
pub type Merge = (Rule, usize, usize);

/// Proves every merge again, and merges each strongly connected component; the quotient, and the steps of each rule.
pub(crate) fn replay(
    problem: &Problem,
    threshold: i64,
    merges: &[Merge],
    steps: &mut Steps,
) -> Result<(Problem, [u64; Rule::ALL.len()]), Stop> {
    let mut replay = Replay {
        quotient: Quotient::new(problem),
        network: Network::new(problem.num_nodes(), problem.num_tensors(), steps)?,
        seen: vec![0; problem.num_nodes()],
        walk: 0,
        threshold,
        steps,
    };
    let mut taken = [0; Rule::ALL.len()];
    let mut components: Option<Vec<usize>> = None;
    for (index, &(rule, u, v)) in merges.iter().enumerate() {
        let before = replay.steps.left();
        if rule != Rule::Cycle {
            components = None;
        } else if components.is_none() {
            components = Some(strong_components(&replay.quotient, replay.steps)?);
        }
        if let Some(reason) = replay.objection((rule, u, v), components.as_deref())? {
            return Err(Stop::Refused { merge: Some(index), reason });
        }
        let [u, v] = [u, v].map(|node| replay.quotient.find(node));
        replay.quotient.join(u, v);
        taken[rule as usize] += before - replay.steps.left();
    }
    let mut quotient = replay.quotient;
    for (node, component) in strong_components(&quotient, steps)?.into_iter().enumerate() {
        let [one, other] = [node, component].map(|node| quotient.find(node));
        if one != other {
            quotient.join(one, other);
        }
    }
    Ok((quotient.to_problem(), taken))
}

struct Replay<'a, 's, 'i> {
    quotient: Quotient<'a>,
    network: Network,
    /// The last walk that came by each group.
    seen: Vec<usize>,
    walk: usize,
    threshold: i64,
    steps: &'s mut Steps<'i>,
}

type Objection = Result<Option<String>, Stop>;

impl Replay<'_, '_, '_> {
    /// What a rule has against a merge; none when it allows it.
    fn objection(&mut self, (rule, u, v): Merge, components: Option<&[usize]>) -> Objection {
        if u.max(v) >= self.quotient.num_nodes() {
            return Ok(Some(format!("{} is no node", if u < self.quotient.num_nodes() { v } else { u })));
        }
        let nodes = [u, v];
        let [u, v] = nodes.map(|node| self.quotient.find(node));
        if u == v {
            return Ok(Some("they are in one group already".into()));
        }
        self.steps.spend(1 + self.quotient.touching[u].len() + self.quotient.touching[v].len())?;
        match rule {
            Rule::Given => Ok((!self.quotient.wants(u, v)).then(|| "the problem does not ask for it".into())),
            Rule::Cycle => {
                // Merges within a component do not change it.
                let is_one = components.is_some_and(|of| of[nodes[0]] == of[nodes[1]]);
                Ok((!is_one).then(|| "one does not reach the other".into()))
            }
            Rule::Together => self.object_to_together(u, v),
            Rule::Pull => match self.object_to_stages(u, v, true) {
                None => self.object_to_pull(u, v),
                reason => Ok(reason.map(Into::into)),
            },
            Rule::Push => match self.object_to_stages(v, u, false) {
                None => self.object_to_push(u, v),
                reason => Ok(reason.map(Into::into)),
            },
        }
    }

    /// Why a group may not be moved to where another one stays.
    fn object_to_stages(&self, stays: usize, moves: usize, is_earlier: bool) -> Option<&'static str> {
        if self.quotient.wants_any(moves) {
            return Some("what moves is asked to be with others");
        }
        let allowed = self.quotient.allowed.as_ref()?;
        let (here, there) = (&allowed[stays], &allowed[moves]);
        let end = if is_earlier { there.last() } else { there.iter().next() }?;
        let is_on_the_way = |stage: usize| if is_earlier { stage < end } else { stage > end };
        let is_missing = here.iter().any(|stage| is_on_the_way(stage) && !there.has(stage));
        is_missing.then_some("what moves may not be in every stage of what stays")
    }

    fn object_to_bytes(&self, stays: usize, moves: usize, kind: usize) -> Option<&'static str> {
        let (quotient, on) = (&self.quotient, &self.quotient.problem.kinds[kind]);
        if on.state_limit.is_some() && quotient.state[moves] > 0 {
            return Some("with a limit of state, a group that has some must not move");
        }
        on.memory_limit?;
        if quotient.size[moves] > 0 || !quotient.shared[moves].is_subset(&quotient.shared[stays]) {
            return Some("with a memory limit, a group that has parameters must not move");
        }
        let is_more = quotient.live[moves] > quotient.live[stays];
        is_more.then_some("with a memory limit, a group with more bytes alive must not move")
    }

    /// By how much more than it saves a block of a kind pays with what moves, in what rises most; 0: it does not. It imports and
    /// exports `more`, and no longer `saved`.
    fn arriving(&self, [stays, moves]: [usize; 2], kind: usize, more: i64, saved: i64) -> i64 {
        let costs = &self.quotient.kinds[kind];
        let params = costs.params[moves] + self.quotient.stored_beside(moves, Some(stays), kind);
        let (runs, more) = (costs.work[moves] + params, more + costs.outputs[moves]);
        if self.quotient.problem.kinds[kind].is_overlap {
            runs.max(if more > saved { more } else { 0 })
        } else if runs + more > saved {
            runs + more
        } else {
            0
        }
    }

    fn leaving(&self, tensors: &[usize], kind: usize) -> i64 {
        tensors.iter().map(|&tensor| self.quotient.problem.leaving(tensor, kind)).sum()
    }

    fn transfer(&self, tensors: &[usize], kind: usize) -> i64 {
        tensors.iter().map(|&tensor| self.quotient.problem.kinds[kind].transfer[tensor]).sum()
    }

    fn object_to_pull(&mut self, u: usize, v: usize) -> Objection {
        let quotient = &self.quotient;
        let (made, read): (Vec<usize>, Vec<usize>) = (quotient.made(v).collect(), quotient.read(v).collect());
        let others: Vec<usize> = quotient.predecessors(v).filter(|&each| each != u).collect();
        if !quotient.predecessors(v).any(|each| each == u) {
            return Ok(Some("the other makes nothing for it".into()));
        }
        let is_of_u = |tensor: usize| quotient.producer[tensor] == u;
        let is_alone = |tensor: usize| is_of_u(tensor) && quotient.consumers[tensor].len() == 1;
        let enters = |tensor: usize| !is_of_u(tensor) && !quotient.consumers[tensor].contains(&u);
        let alone: Vec<usize> = read.iter().copied().filter(|&tensor| is_alone(tensor)).collect();
        let entering: Vec<usize> = read.iter().copied().filter(|&tensor| enters(tensor)).collect();
        if !self.reaches(u, others, false)? {
            return Ok(Some("all else that makes something for it must come before the other".into()));
        }
        for kind in self.quotient.kinds_of(u) {
            let more = self.leaving(&made, kind) + self.transfer(&entering, kind);
            let arriving = self.arriving([u, v], kind, more, self.leaving(&alone, kind));
            if arriving > 0 {
                return Ok(Some(format!("it brings {arriving} ticks, which is more than the block saves")));
            }
            if let Some(reason) = self.object_to_bytes(u, v, kind) {
                return Ok(Some(reason.into()));
            }
        }
        for kind in self.quotient.kinds_of(v) {
            let is_overlap = self.quotient.problem.kinds[kind].is_overlap;
            let work = if is_overlap { 0 } else { self.quotient.kinds[kind].work[v] };
            // What it makes is what leaves it, and model outputs that are paid, which its old block no longer pays.
            if self.leaving(&made, kind) > self.transfer(&alone, kind) + work {
                return Ok(Some("the block that it leaves would import more than it saves".into()));
            }
        }
        Ok(None)
    }

    fn object_to_push(&mut self, u: usize, v: usize) -> Objection {
        let quotient = &self.quotient;
        let (made, read): (Vec<usize>, Vec<usize>) = (quotient.made(u).collect(), quotient.read(u).collect());
        let others: Vec<usize> = quotient.successors(u).filter(|&each| each != v).collect();
        if !quotient.successors(u).any(|each| each == v) {
            return Ok(Some("the other reads nothing of it".into()));
        }
        let is_read = |tensor: usize| quotient.consumers[tensor].contains(&v);
        let is_for_others = |tensor: usize| !is_read(tensor) || quotient.consumers[tensor].len() > 1;
        let saved: Vec<usize> = made.iter().copied().filter(|&tensor| is_read(tensor)).collect();
        let leaving: Vec<usize> = made.iter().copied().filter(|&tensor| is_for_others(tensor)).collect();
        let entering: Vec<usize> = read.iter().copied().filter(|&tensor| !is_read(tensor)).collect();
        if !self.reaches(v, others, true)? {
            return Ok(Some("all else that reads something of it must come after the other".into()));
        }
        for kind in self.quotient.kinds_of(v) {
            let more = self.transfer(&entering, kind) + self.leaving(&leaving, kind);
            let arriving = self.arriving([v, u], kind, more, self.transfer(&saved, kind));
            if arriving > 0 {
                return Ok(Some(format!("it brings {arriving} ticks, which is more than the block saves")));
            }
            if let Some(reason) = self.object_to_bytes(v, u, kind) {
                return Ok(Some(reason.into()));
            }
        }
        for kind in self.quotient.kinds_of(u) {
            let costs = &self.quotient.kinds[kind];
            let work = if self.quotient.problem.kinds[kind].is_overlap { 0 } else { costs.work[u] };
            if self.leaving(&entering, kind) > self.leaving(&made, kind) + costs.outputs[u] + work {
                return Ok(Some("the block that it leaves would export more than it saves".into()));
            }
        }
        Ok(None)
    }

    /// Whether all targets come before a group, or after it.
    fn reaches(&mut self, start: usize, mut targets: Vec<usize>, is_after: bool) -> Result<bool, Stop> {
        targets.sort_unstable();
        targets.dedup();
        let (mut missing, mut queue, mut at) = (targets.len(), vec![start], 0);
        self.walk += 1;
        self.seen[start] = self.walk;
        while missing > 0 && at < queue.len() {
            let group = queue[at];
            at += 1;
            let begin = queue.len();
            if is_after {
                queue.extend(self.quotient.successors(group));
            } else {
                queue.extend(self.quotient.predecessors(group));
            }
            self.steps.spend(1 + queue.len() - begin)?;
            let mut kept = begin;
            for place in begin..queue.len() {
                let each = queue[place];
                if self.seen[each] != self.walk {
                    self.seen[each] = self.walk;
                    missing -= usize::from(targets.binary_search(&each).is_ok());
                    queue[kept] = each;
                    kept += 1;
                }
            }
            queue.truncate(kept);
        }
        Ok(missing == 0)
    }

    fn object_to_together(&mut self, u: usize, v: usize) -> Objection {
        let quotient = &self.quotient;
        let makers = [u, v];
        let both = quotient.touching[u].intersection(&quotient.touching[v]).copied();
        let between: Vec<usize> = both.filter(|&tensor| makers.contains(&quotient.producer[tensor])).collect();
        if quotient.is_beyond_room(&between, self.threshold) {
            return Ok(None);
        }
        let pays = |inside: usize, kind: usize| self.plain_cost(inside, &between, kind) >= self.threshold;
        if makers.iter().any(|&inside| quotient.kinds_of(inside).all(|kind| pays(inside, kind))) {
            return Ok(None);
        }
        for (inside, outside) in [(u, v), (v, u)] {
            for is_convex in [false, true] {
                if self.must_pay(inside, outside, is_convex)? {
                    return Ok(None);
                }
            }
        }
        let threshold = self.threshold;
        Ok(Some(format!("apart they can cost less than {threshold}, for all that a minimum cut shows")))
    }

    /// What a block with a group pays for that and for tensors between it and another one elsewhere.
    fn plain_cost(&self, inside: usize, between: &[usize], kind: usize) -> i64 {
        let costs = &self.quotient.kinds[kind];
        let on = &self.quotient.problem.kinds[kind];
        let tolls = between.iter().map(|&tensor| {
            let is_made = self.quotient.producer[tensor] == inside;
            if is_made { self.quotient.problem.leaving(tensor, kind) } else { on.transfer[tensor] }
        });
        let moved = costs.outputs[inside] + tolls.sum::<i64>();
        on.busy(costs.work[inside], moved, self.quotient.overflow(inside, kind))
    }

    /// Whether a minimum cut says that every block with one and without the other costs the threshold, on every kind.
    fn must_pay(&mut self, inside: usize, outside: usize, is_convex: bool) -> Result<bool, Stop> {
        let num_nodes = self.quotient.num_nodes();
        let [mut after, mut before, mut beyond] = [(); 3].map(|()| vec![false; num_nodes]);
        if is_convex {
            after = self.closure(inside, true)?;
            before = self.closure(inside, false)?;
            if after[outside] {
                beyond = self.closure(outside, true)?;
            }
            if before[outside] {
                let more = self.closure(outside, false)?;
                beyond.iter_mut().zip(more).for_each(|(one, other)| *one |= other);
            }
        }
        beyond[outside] = true;
        let kinds: Vec<usize> = self.quotient.kinds_of(inside).collect();
        for kind in kinds {
            let mut barred = beyond.clone();
            if self.quotient.allowed.is_some() {
                for group in self.quotient.groups() {
                    barred[group] |= !self.quotient.may_be_on(group, kind);
                }
            }
            let question = Question {
                inside,
                with: None,
                kind,
                enough: self.threshold,
                barred: &barred,
                after: &after,
                before: &before,
                gains: &[],
                region: &[],
            };
            if self.network.least_cost(&self.quotient, &question, self.steps)? < self.threshold {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What can be reached from a group by one arc or more.
    fn closure(&mut self, start: usize, is_after: bool) -> Result<Vec<bool>, Stop> {
        let mut reached = vec![false; self.quotient.num_nodes()];
        self.steps.spend(reached.len() / 64)?;
        let mut waiting = vec![start];
        while let Some(group) = waiting.pop() {
            let near: Vec<usize> = if is_after {
                self.quotient.successors(group).collect()
            } else {
                self.quotient.predecessors(group).collect()
            };
            self.steps.spend(1 + near.len())?;
            for each in near {
                if !std::mem::replace(&mut reached[each], true) {
                    waiting.push(each);
                }
            }
        }
        Ok(reached)
    }
}
