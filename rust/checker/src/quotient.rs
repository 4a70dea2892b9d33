//! A problem in which some nodes are in one block: groups of nodes, joined two at a time.
//!
//! A tensor goes from its producer's group to its readers' groups without that one. One that no other group reads costs nothing,
//! but for a model output that is paid, which its producer's group pays wherever it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::bits::Bits;
use crate::problem::{Kind, NONE, Problem};
use crate::stop::{Steps, Stop};

/// What groups add up to on one kind of device.
pub(crate) struct GroupCosts {
    pub work: Vec<i64>,
    /// Paid by any block that holds the group.
    pub outputs: Vec<i64>,
    pub params: Vec<i64>,
}

/// Groups, each called by one of its nodes.
pub(crate) struct Quotient<'a> {
    pub problem: &'a Problem,
    parent: Vec<usize>,
    pub kinds: Vec<GroupCosts>,
    stages_of_kinds: Vec<Bits>,
    pub size: Vec<i64>,
    pub state: Vec<i64>,
    pub live: Vec<i64>,
    pub shared: Vec<BTreeSet<usize>>,
    pub allowed: Option<Vec<Bits>>,
    /// What a group adds at least to what a block pays, weighed by the multiplier of the block's kind.
    pub load: Vec<i128>,
    total_load: i128,
    /// What all blocks may pay, weighed, per tick of the threshold.
    room: i128,
    /// Tensors that a group makes for another one, or reads from one or from outside the model.
    pub touching: Vec<BTreeSet<usize>>,
    pub producer: Vec<usize>,
    pub consumers: Vec<BTreeSet<usize>>,
    wanted: Vec<BTreeSet<usize>>,
    wanted_of: Vec<Vec<usize>>,
}

impl<'a> Quotient<'a> {
    /// Groups of one node each.
    pub(crate) fn new(problem: &'a Problem) -> Self {
        let num_nodes = problem.num_nodes();
        let mut touching = vec![BTreeSet::new(); num_nodes];
        let mut consumers = Vec::with_capacity(problem.num_tensors());
        for (tensor, (&producer, readers)) in problem.producer.iter().zip(&problem.consumers).enumerate() {
            let is_free = producer == NONE && !problem.boundary_io;
            let others: BTreeSet<usize> =
                readers.iter().copied().filter(|&reader| !is_free && reader != producer).collect();
            if !others.is_empty() && producer != NONE {
                touching[producer].insert(tensor);
            }
            for &reader in &others {
                touching[reader].insert(tensor);
            }
            consumers.push(others);
        }
        let mut shared = vec![BTreeSet::new(); num_nodes];
        for (param, readers) in problem.param_readers.iter().enumerate() {
            for &reader in readers {
                shared[reader].insert(param);
            }
        }
        let costs = |(kind, costs): (usize, &Kind)| GroupCosts {
            work: costs.work.clone(),
            outputs: problem.outputs(kind),
            params: costs.params.clone(),
        };
        let mut wanted_of = vec![Vec::new(); num_nodes];
        for (index, group) in problem.together.iter().enumerate() {
            for &node in group {
                wanted_of[node].push(index);
            }
        }
        let multipliers = problem.kind_of.iter().map(|&kind| i128::from(problem.kinds[kind].multiplier));
        let mut quotient = Self {
            problem,
            parent: (0..num_nodes).collect(),
            kinds: problem.kinds.iter().enumerate().map(costs).collect(),
            stages_of_kinds: problem.stages_of_kinds(),
            size: problem.param_bytes.iter().zip(&problem.state_bytes).map(|(own, state)| own + state).collect(),
            state: problem.state_bytes.clone(),
            live: problem.live_bytes.clone(),
            shared,
            allowed: problem.allowed.clone(),
            load: Vec::new(),
            total_load: 0,
            room: multipliers.sum(),
            touching,
            producer: problem.producer.clone(),
            consumers,
            wanted: problem.together.iter().map(|group| group.iter().copied().collect()).collect(),
            wanted_of,
        };
        quotient.load = (0..num_nodes).map(|node| quotient.least_load(node)).collect();
        quotient.total_load = quotient.load.iter().sum();
        quotient
    }

    pub(crate) fn num_nodes(&self) -> usize {
        self.parent.len()
    }

    /// The group of a node.
    pub(crate) fn find(&mut self, mut node: usize) -> usize {
        while self.parent[node] != node {
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    /// The group of a node, where nothing is to be changed.
    pub(crate) fn root(&self, mut node: usize) -> usize {
        while self.parent[node] != node {
            node = self.parent[node];
        }
        node
    }

    /// Makes one group of two. Each tensor is looked at O(log tensors) times per group that it touches, in all.
    pub(crate) fn join(&mut self, one: usize, other: usize) {
        let (kept, gone) =
            if self.touching[one].len() < self.touching[other].len() { (other, one) } else { (one, other) };
        self.parent[gone] = kept;
        for GroupCosts { work, outputs, params } in &mut self.kinds {
            for column in [work, outputs, params] {
                column[kept] += column[gone];
            }
        }
        self.size[kept] += self.size[gone];
        self.state[kept] += self.state[gone];
        self.live[kept] = self.live[kept].max(self.live[gone]);
        let shared = std::mem::take(&mut self.shared[gone]);
        self.shared[kept].extend(shared);
        if let Some(allowed) = &mut self.allowed {
            let both = allowed[gone].clone();
            allowed[kept].keep(&both);
        }
        self.total_load -= self.load[kept] + self.load[gone];
        self.load[kept] = self.least_load(kept);
        self.total_load += self.load[kept];
        for wanted in std::mem::take(&mut self.wanted_of[gone]) {
            self.wanted[wanted].remove(&gone);
            if self.wanted[wanted].insert(kept) {
                self.wanted_of[kept].push(wanted);
            }
        }
        for tensor in std::mem::take(&mut self.touching[gone]) {
            let readers = &mut self.consumers[tensor];
            if readers.remove(&gone) {
                readers.insert(kept);
            }
            if self.producer[tensor] == gone {
                self.producer[tensor] = kept;
            }
            readers.remove(&self.producer[tensor]);
            if readers.is_empty() {
                self.touching[kept].remove(&tensor);
            } else {
                self.touching[kept].insert(tensor);
            }
        }
    }

    fn least_load(&self, group: usize) -> i128 {
        let weighed = self.kinds_of(group).map(|kind| {
            let (costs, on) = (&self.kinds[kind], &self.problem.kinds[kind]);
            let outputs = if on.is_overlap { 0 } else { costs.outputs[group] };
            i128::from(on.multiplier) * i128::from(costs.work[group] + outputs)
        });
        weighed.min().unwrap_or(0)
    }

    /// Whether blocks below a threshold cannot pay all loads and some tensors that cross between two groups.
    pub(crate) fn is_beyond_room(&self, tensors: &[usize], threshold: i64) -> bool {
        let mut toll = 0;
        for &tensor in tensors {
            let price = |kind: usize, ticks: i64| {
                let on = &self.problem.kinds[kind];
                if on.is_overlap { 0 } else { i128::from(on.multiplier) * i128::from(ticks) }
            };
            let makers = self.kinds_of(self.producer[tensor]);
            let readers = self.consumers[tensor].iter().flat_map(|&reader| self.kinds_of(reader));
            toll += makers.map(|kind| price(kind, self.problem.leaving(tensor, kind))).min().unwrap_or(0);
            toll += readers.map(|kind| price(kind, self.problem.kinds[kind].transfer[tensor])).min().unwrap_or(0);
        }
        toll > self.room * i128::from(threshold - 1) - self.total_load
    }

    pub(crate) fn groups(&self) -> Vec<usize> {
        (0..self.parent.len()).filter(|&node| self.parent[node] == node).collect()
    }

    /// Whether a group must be in one block with another.
    pub(crate) fn wants(&self, group: usize, other: usize) -> bool {
        self.wanted_of[group].iter().any(|&wanted| self.wanted[wanted].contains(&other))
    }

    /// Whether a group must be in one block with any other.
    pub(crate) fn wants_any(&self, group: usize) -> bool {
        self.wanted_of[group].iter().any(|&wanted| self.wanted[wanted].len() > 1)
    }

    /// The kinds of the stages that may hold a group.
    pub(crate) fn kinds_of(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.kinds.len()).filter(move |&kind| self.may_be_on(group, kind))
    }

    /// Whether some stage of a kind may hold a group.
    pub(crate) fn may_be_on(&self, group: usize, kind: usize) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed[group].meets(&self.stages_of_kinds[kind]))
    }

    /// Per group, whether no stage of a kind may hold it; empty: each may be on one.
    pub(crate) fn barred_on(&self, kind: usize, steps: &mut Steps) -> Result<Vec<bool>, Stop> {
        let Some(allowed) = &self.allowed else { return Ok(Vec::new()) };
        steps.spend(allowed.len())?;
        Ok(allowed.iter().map(|stages| !stages.meets(&self.stages_of_kinds[kind])).collect())
    }

    /// Tensors that a group makes for others.
    pub(crate) fn made(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        self.touching[group].iter().copied().filter(move |&tensor| self.producer[tensor] == group)
    }

    /// Tensors that a group reads from elsewhere.
    pub(crate) fn read(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        self.touching[group].iter().copied().filter(move |&tensor| self.producer[tensor] != group)
    }

    /// Groups that read what a group makes, some of them twice.
    pub(crate) fn successors(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        self.made(group).flat_map(|tensor| self.consumers[tensor].iter().copied())
    }

    /// Groups that make what a group reads, some of them twice.
    pub(crate) fn predecessors(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        self.read(group).map(|tensor| self.producer[tensor]).filter(|&producer| producer != NONE)
    }

    /// Ticks in which parameters stream in that one group reads, and another one does not.
    pub(crate) fn stored_beside(&self, group: usize, other: Option<usize>, kind: usize) -> i64 {
        let is_new = |param: &&usize| other.is_none_or(|other| !self.shared[other].contains(param));
        self.shared[group].iter().filter(is_new).map(|&param| self.problem.kinds[kind].stored[param]).sum()
    }

    /// The least overflow of a block that holds a group.
    pub(crate) fn overflow(&self, group: usize, kind: usize) -> i64 {
        let params = self.kinds[kind].params[group] + self.stored_beside(group, None, kind);
        self.problem.kinds[kind].overflow(params)
    }

    /// The problem whose nodes are the groups: numbered by the least of their nodes; tensors that go the same way add up.
    pub(crate) fn to_problem(&self) -> Problem {
        let mut number = vec![NONE; self.parent.len()];
        let mut roots = Vec::new();
        for node in 0..self.parent.len() {
            let root = self.root(node);
            if number[root] == NONE {
                number[root] = roots.len();
                roots.push(root);
            }
        }
        let problem = self.problem;
        let mut index_of: BTreeMap<(usize, Vec<usize>, bool), usize> = BTreeMap::new();
        let mut ways: Vec<Vec<usize>> = Vec::new();
        for tensor in 0..problem.num_tensors() {
            let (is_paid, readers) = (problem.is_paid_output(tensor), &self.consumers[tensor]);
            if readers.is_empty() && !is_paid {
                continue;
            }
            let mut consumers: Vec<usize> = readers.iter().map(|&reader| number[reader]).collect();
            consumers.sort_unstable();
            let made_by = problem.producer[tensor];
            let source = if made_by == NONE { NONE } else { number[self.root(made_by)] };
            let index = *index_of.entry((source, consumers, is_paid)).or_insert(ways.len());
            if index == ways.len() {
                ways.push(Vec::new());
            }
            ways[index].push(tensor);
        }
        let mut keys: Vec<(usize, Vec<usize>, bool)> = vec![(0, Vec::new(), false); ways.len()];
        for (key, index) in index_of {
            keys[index] = key;
        }
        let kind = |(kind, costs): (usize, &GroupCosts)| Kind {
            work: roots.iter().map(|&root| costs.work[root]).collect(),
            params: roots.iter().map(|&root| costs.params[root]).collect(),
            transfer: ways.iter().map(|way| way.iter().map(|&x| problem.kinds[kind].transfer[x]).sum()).collect(),
            ..problem.kinds[kind].clone()
        };
        let mut param_readers = vec![Vec::new(); problem.param_size.len()];
        for (group, &root) in roots.iter().enumerate() {
            for &param in &self.shared[root] {
                param_readers[param].push(group);
            }
        }
        Problem {
            num_blocks: problem.num_blocks,
            boundary_io: problem.boundary_io,
            kinds: self.kinds.iter().enumerate().map(kind).collect(),
            kind_of: problem.kind_of.clone(),
            allowed: self.allowed.as_ref().map(|allowed| roots.iter().map(|&root| allowed[root].clone()).collect()),
            together: Vec::new(),
            param_bytes: roots.iter().map(|&root| self.size[root] - self.state[root]).collect(),
            state_bytes: roots.iter().map(|&root| self.state[root]).collect(),
            live_bytes: roots.iter().map(|&root| self.live[root]).collect(),
            param_size: problem.param_size.clone(),
            param_readers,
            producer: keys.iter().map(|key| key.0).collect(),
            is_output: keys.iter().map(|key| key.2).collect(),
            consumers: keys.into_iter().map(|key| key.1).collect(),
        }
    }
}
