//! The quotient graph during a reduction: groups of merged nodes, with their costs and tensors.

mod log;

pub use log::{Merge, Rule};

use std::collections::BTreeSet;

use crate::cost::{Held, Instance, Ticks, View};
use crate::graph::Graph;
use crate::ids::{NodeId, TensorId, narrow, wide};

/// A group of nodes, by the index of one of them.
pub(crate) type GroupId = usize;

/// The costs of a group by itself on one kind of device.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Costs {
    /// Ticks that its nodes run.
    pub work: Ticks,
    /// Ticks that its nodes run, and that its model outputs take when they are paid.
    pub load: Ticks,
    /// What it stores, without the parameters that several nodes read.
    pub held: Held,
}

impl Costs {
    fn new(view: View<'_>, node: NodeId) -> Self {
        Self { work: view.work(node), load: view.load(node), held: view.held(node) }
    }

    fn add(&mut self, other: &Self) {
        self.work += other.work;
        self.load += other.load;
        self.held.add(&other.held);
    }
}

/// A group of merged nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// On the first kind of device.
    first: Costs,
    /// On the other kinds.
    others: Vec<Costs>,
    /// The stages that may hold it, as bits; empty when every stage may.
    pub stages: Vec<u64>,
    /// The kinds of these stages, as bits.
    kinds: u64,
    /// Parameters that it reads and that several nodes read, ascending.
    pub shared: Vec<TensorId>,
    /// Tensors that it makes and that another group reads.
    pub produces: BTreeSet<TensorId>,
    /// Tensors that it reads and does not make.
    pub reads: BTreeSet<TensorId>,
}

impl Group {
    /// What it costs by itself on a kind of device.
    pub(crate) fn on(&self, kind: usize) -> &Costs {
        kind.checked_sub(1).map_or(&self.first, |other| &self.others[other])
    }

    /// Whether no stage may hold it.
    pub(crate) fn is_homeless(&self) -> bool {
        self.kinds == 0
    }

    /// Whether a stage of this kind may hold it.
    pub(crate) fn may_be_on(&self, kind: usize) -> bool {
        self.kinds >> kind & 1 == 1
    }
}

/// A tensor between groups.
#[derive(Clone, Debug)]
struct Tensor {
    producer: Option<u32>,
    num_consumers: u32,
    /// The sum of the groups that read it: the consumer itself when there is one.
    sum_of_consumers: usize,
}

/// The groups, the tensors between them, and the log of merges.
#[derive(Clone, Debug)]
pub(crate) struct Quotient<'a> {
    instance: &'a Instance,
    parent: Vec<u32>,
    groups: Vec<Group>,
    tensors: Vec<Tensor>,
    num_groups: usize,
    log: Vec<Merge>,
}

impl<'a> Quotient<'a> {
    /// The quotient before any merge: each node is a group.
    pub(crate) fn new(instance: &'a Instance) -> Self {
        let graph = instance.graph();
        let is_stored = |x: &TensorId| graph.stored(*x) > 0;
        let is_paid = |x: &TensorId| graph.producer(*x).is_some() || (instance.boundary_io() && !is_stored(x));
        let is_read = |x: &TensorId| !graph.consumers(*x).is_empty();
        let (allowed, used, has_params) = (instance.allowed(), instance.used_kinds(), graph.num_params() > 0);
        let params = |v: NodeId| if has_params { graph.reads(v) } else { &[] };
        let group = |v: NodeId| Group {
            first: Costs::new(instance.view(0), v),
            others: instance.views().skip(1).map(|view| Costs::new(view, v)).collect(),
            stages: allowed.map_or_else(Vec::new, |allowed| allowed.of(v).to_vec()),
            kinds: allowed.map_or(used, |allowed| instance.kinds_of(allowed.of(v))),
            shared: params(v).iter().copied().filter(is_stored).collect(),
            produces: graph.produces(v).iter().copied().filter(is_read).collect(),
            reads: graph.reads(v).iter().copied().filter(is_paid).collect(),
        };
        let tensor = |x: TensorId| Tensor {
            producer: graph.producer(x).map(NodeId::narrow),
            num_consumers: narrow(graph.consumers(x).len()),
            sum_of_consumers: graph.consumers(x).iter().map(|v| v.index()).sum(),
        };
        Self {
            instance,
            parent: graph.nodes().map(NodeId::narrow).collect(),
            groups: graph.nodes().map(group).collect(),
            tensors: graph.tensors().map(tensor).collect(),
            num_groups: graph.num_nodes(),
            log: Vec::new(),
        }
    }

    pub(crate) fn instance(&self) -> &'a Instance {
        self.instance
    }

    pub(crate) fn graph(&self) -> &'a Graph {
        self.instance.graph()
    }

    pub(crate) fn num_groups(&self) -> usize {
        self.num_groups
    }

    pub(crate) fn into_log(self) -> Vec<Merge> {
        self.log
    }

    /// The group of a node.
    pub(crate) fn find(&self, node: usize) -> GroupId {
        let mut at = node;
        while wide(self.parent[at]) != at {
            at = wide(self.parent[at]);
        }
        at
    }

    /// All groups, by one of their nodes, ascending.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        (0..self.parent.len()).filter(|&node| wide(self.parent[node]) == node)
    }

    pub(crate) fn group(&self, group: GroupId) -> &Group {
        &self.groups[group]
    }

    /// The costs on each kind of device of which a stage may hold a group.
    pub(crate) fn views(&self, group: GroupId) -> impl Iterator<Item = View<'a>> + Clone {
        let (instance, kinds) = (self.instance, self.groups[group].kinds);
        (0..instance.num_kinds()).filter(move |kind| kinds >> kind & 1 == 1).map(|kind| instance.view(kind))
    }

    /// What a group stores on a kind of device.
    pub(crate) fn held(&self, group: GroupId, view: View<'_>) -> Held {
        let group = &self.groups[group];
        let mut held = group.on(view.kind()).held;
        if !group.shared.is_empty() {
            self.store(&mut held, view, group.shared.iter().copied());
        }
        held
    }

    /// Adds parameters that several nodes read.
    pub(crate) fn store(&self, held: &mut Held, view: View<'_>, shared: impl Iterator<Item = TensorId>) {
        for x in shared {
            held.params += view.stored(x);
            held.bytes += self.graph().stored(x);
        }
    }

    /// The group that makes a tensor; none for a model input.
    pub(crate) fn producer(&self, tensor: TensorId) -> Option<GroupId> {
        self.tensors[tensor.index()].producer.map(|node| self.find(wide(node)))
    }

    /// The only other group that reads a tensor, if there is but one.
    pub(crate) fn only_consumer(&self, tensor: TensorId) -> Option<GroupId> {
        let tensor = &self.tensors[tensor.index()];
        (tensor.num_consumers == 1).then_some(tensor.sum_of_consumers)
    }

    /// The groups that read a tensor, in no order, some of them more than once, its producer perhaps among them.
    pub(crate) fn consumers(&self, tensor: TensorId) -> impl Iterator<Item = GroupId> + Clone + '_ {
        self.graph().consumers(tensor).iter().map(|node| self.find(node.index()))
    }

    /// Joins the groups of two nodes, if they are two; gives the group of both.
    pub(crate) fn merge(&mut self, rule: Rule, from: GroupId, to: GroupId) -> GroupId {
        debug_assert!(from != to);
        self.log.push(Merge { rule, nodes: [NodeId::new(from), NodeId::new(to)] });
        self.num_groups -= 1;
        let degree = |group: GroupId| self.groups[group].produces.len() + self.groups[group].reads.len();
        let (large, small) = if degree(from) >= degree(to) { (from, to) } else { (to, from) };
        self.parent[small] = narrow(large);
        let moved = std::mem::take(&mut self.groups[small]);
        let mut kept = std::mem::take(&mut self.groups[large]);
        kept.first.add(&moved.first);
        kept.others.iter_mut().zip(&moved.others).for_each(|(kept, moved)| kept.add(moved));
        kept.stages.iter_mut().zip(&moved.stages).for_each(|(kept, moved)| *kept &= moved);
        if !kept.stages.is_empty() {
            kept.kinds = self.instance.kinds_of(&kept.stages);
        }
        if !moved.shared.is_empty() {
            kept.shared.extend(moved.shared);
            kept.shared.sort_unstable();
            kept.shared.dedup();
        }
        for x in moved.reads {
            let tensor = &mut self.tensors[x.index()];
            tensor.sum_of_consumers -= small;
            if kept.produces.contains(&x) {
                tensor.num_consumers -= 1;
                if tensor.num_consumers == 0 {
                    kept.produces.remove(&x);
                }
            } else if kept.reads.insert(x) {
                tensor.sum_of_consumers += large;
            } else {
                tensor.num_consumers -= 1;
            }
        }
        for x in moved.produces {
            let tensor = &mut self.tensors[x.index()];
            if kept.reads.remove(&x) {
                tensor.num_consumers -= 1;
                tensor.sum_of_consumers -= large;
            }
            if tensor.num_consumers > 0 {
                kept.produces.insert(x);
            }
        }
        self.groups[large] = kept;
        large
    }

    /// Joins the groups of two nodes, unless they are one already.
    pub(crate) fn join(&mut self, rule: Rule, from: usize, to: usize) {
        let (from, to) = (self.find(from), self.find(to));
        if from != to {
            self.merge(rule, from, to);
        }
    }

    /// The number of every node's group, in the order of their least nodes, and how many groups there are.
    pub(crate) fn numbering(&self) -> (Vec<usize>, usize) {
        let mut number = vec![usize::MAX; self.parent.len()];
        let mut count = 0;
        let group_of = (0..self.parent.len())
            .map(|node| {
                let group = self.find(node);
                if number[group] == usize::MAX {
                    number[group] = count;
                    count += 1;
                }
                number[group]
            })
            .collect();
        (group_of, count)
    }

    /// For each group, the groups that read what it makes, each once, ascending.
    pub(crate) fn successors(&self) -> Vec<Vec<GroupId>> {
        let mut successors = vec![Vec::new(); self.parent.len()];
        for group in self.groups() {
            let consumers = self.groups[group].produces.iter().flat_map(|&x| self.consumers(x));
            let mut consumers: Vec<GroupId> = consumers.filter(|&consumer| consumer != group).collect();
            consumers.sort_unstable();
            consumers.dedup();
            successors[group] = consumers;
        }
        successors
    }

    /// The groups in a topological order, and the place of each; there must be no cycle.
    pub(crate) fn topological_order(&self) -> (Vec<GroupId>, Vec<u32>) {
        let successors = self.successors();
        let mut waiting = vec![0_u32; successors.len()];
        for &group in successors.iter().flatten() {
            waiting[group] += 1;
        }
        let mut order: Vec<GroupId> = self.groups().filter(|&group| waiting[group] == 0).collect();
        let mut place = vec![0; successors.len()];
        let mut next = 0;
        while let Some(&group) = order.get(next) {
            place[group] = narrow(next);
            next += 1;
            for &successor in &successors[group] {
                waiting[successor] -= 1;
                if waiting[successor] == 0 {
                    order.push(successor);
                }
            }
        }
        debug_assert_eq!(order.len(), self.num_groups);
        (order, place)
    }
}
