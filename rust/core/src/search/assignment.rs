//! A partition that changes node by node, with the cost of every block at hand.

use super::holdings::Holdings;
use super::relays::{Relays, Touch, touches};
use super::shares::{FEW, Shares};
use super::sums::{Rule, Sums};
use crate::cost::{Held, Instance, Ticks, partition_costs};
use crate::graph::Csr;
use crate::ids::{NodeId, TensorId, narrow, wide};

/// No producer, or no place.
const NONE: u32 = u32::MAX;

/// What moves ask of a node on the first kind, in one place.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    work: Ticks,
    params: Ticks,
    bytes: u64,
}

/// What moves ask of a tensor, in one place.
#[derive(Clone, Copy, Debug)]
struct Paid {
    transfer: Ticks,
    /// Its producer; none of a model input.
    producer: u32,
    consumers: u32,
    is_output: bool,
}

/// A partition under moves.
#[derive(Clone, Debug)]
pub(crate) struct Assignment<'a> {
    instance: &'a Instance,
    block_of: Vec<u32>,
    sums: Vec<Sums>,
    /// By block.
    rules: Vec<Rule>,
    /// Whether there is one kind.
    is_alike: bool,
    /// Whether beside that blocks store only what each node stores by itself.
    is_simple: bool,
    loads: Vec<Load>,
    paid: Vec<Paid>,
    predecessors: Csr<NodeId>,
    shares: Shares,
    /// What is stored beside each node's own parameters.
    holdings: Option<Holdings>,
    /// Where tensors are handed on; nodes move to the next block only then.
    relays: Option<Relays<'a>>,
    /// What is touched by nodes that move together, and by tensor the place in it.
    touched: Vec<Touch>,
    place: Vec<u32>,
}

impl<'a> Assignment<'a> {
    /// # Complexity
    /// O(nodes + tensors + reads).
    pub(crate) fn new(instance: &'a Instance, block_of: &[usize]) -> Self {
        let graph = instance.graph();
        let holdings = Holdings::new(instance, block_of);
        let sums = sums_of(instance, block_of, holdings.as_ref());
        let block_of: Vec<u32> = block_of.iter().map(|&block| narrow(block)).collect();
        let (first, is_alike) = (instance.view(0), instance.num_kinds() == 1);
        let load =
            |v: NodeId| Load { work: first.work(v), params: first.params()[v.index()], bytes: graph.param_bytes(v) };
        let paid = |x: TensorId| Paid {
            transfer: first.transfer(x),
            producer: graph.producer(x).map_or(NONE, NodeId::narrow),
            consumers: narrow(graph.consumers(x).len()),
            is_output: instance.is_paid_output(x),
        };
        let edges = graph.nodes().flat_map(|v| graph.successors(v).iter().map(move |w| (w.index(), v)));
        Self {
            instance,
            sums,
            rules: (0..instance.num_blocks()).map(|block| Rule::new(instance.on(block))).collect(),
            is_alike,
            is_simple: is_alike && holdings.is_none(),
            loads: graph.nodes().map(load).collect(),
            paid: graph.tensors().map(paid).collect(),
            predecessors: Csr::from_pairs(graph.num_nodes(), NodeId::new(0), edges),
            shares: Shares::new(graph, &block_of, instance.num_blocks()),
            relays: Relays::new(instance, &block_of),
            block_of,
            holdings,
            touched: Vec::new(),
            place: vec![NONE; graph.num_tensors()],
        }
    }

    pub(crate) fn instance(&self) -> &'a Instance {
        self.instance
    }

    pub(crate) fn block(&self, node: NodeId) -> u32 {
        self.block_of[node.index()]
    }

    pub(crate) fn sums(&self, block: u32) -> Sums {
        self.sums[wide(block)]
    }

    pub(crate) fn num_blocks(&self) -> usize {
        self.sums.len()
    }

    /// As [`Rule::cost`], of a block.
    pub(crate) fn cost(&self, block: u32, sums: Sums) -> Ticks {
        self.rules[wide(block)].cost(sums)
    }

    /// As [`Rule::busy`], of a block.
    pub(crate) fn busy(&self, block: u32, sums: Sums) -> Ticks {
        self.rules[wide(block)].busy(sums)
    }

    /// As [`Rule::excess`], of a block.
    pub(crate) fn excess(&self, block: u32, sums: Sums) -> f64 {
        self.rules[wide(block)].excess(sums)
    }

    /// The blocks that `node` can be in while all others stay.
    pub(crate) fn range(&self, node: NodeId) -> (u32, u32) {
        let graph = self.instance.graph();
        let mut low = 0;
        for &predecessor in self.predecessors(node) {
            low = low.max(self.block(predecessor));
        }
        let mut high = narrow(self.sums.len() - 1);
        for &successor in graph.successors(node) {
            high = high.min(self.block(successor));
        }
        if self.relays.is_some() {
            let home = self.block(node);
            return (low.max(home.saturating_sub(1)), high.min(home + 1));
        }
        (low, high)
    }

    /// The nodes that make what `node` reads.
    pub(crate) fn predecessors(&self, node: NodeId) -> &[NodeId] {
        self.predecessors.row(node.index())
    }

    /// The block of a tensor's producer, if it has one.
    fn home(&self, producer: u32) -> u32 {
        if producer == NONE { NONE } else { self.block_of[wide(producer)] }
    }

    /// What the block of `node` and block `to` are without it and with it.
    pub(crate) fn shifted(&self, node: NodeId, to: u32) -> (Sums, Sums) {
        let from = self.block(node);
        if let Some(relays) = &self.relays {
            let was = [from, to].map(|block| self.sums(block).io);
            let io = relays.io_of_shift(&self.block_of, touches(self.instance, node), 1, [from, to], was);
            return self.moved(std::slice::from_ref(&node), to, io);
        }
        let io = match self.transfers(from, to) {
            None => self.io_of_shift(node, from, to, |_, transfer| (transfer, transfer)),
            Some([old, new]) => self.io_of_shift(node, from, to, |x, _| (old[x.index()], new[x.index()])),
        };
        self.moved(std::slice::from_ref(&node), to, io)
    }

    /// What transfers take on the devices of two blocks; none with one kind.
    fn transfers(&self, from: u32, to: u32) -> Option<[&'a [Ticks]; 2]> {
        (!self.is_alike).then(|| [from, to].map(|block| self.instance.on(wide(block)).transfers()))
    }

    /// How the io of two blocks changes when a node moves; `on` says what a tensor takes on either, given what it takes on
    /// the first kind.
    fn io_of_shift(
        &self,
        node: NodeId,
        from: u32,
        to: u32,
        on: impl Fn(TensorId, Ticks) -> (Ticks, Ticks),
    ) -> (Ticks, Ticks) {
        let (mut left, mut right) = (0, 0);
        for &x in self.instance.paid_reads(node) {
            let Paid { transfer, producer, consumers, is_output } = self.paid[x.index()];
            let (old, new) = on(x, transfer);
            let (here, there) = self.consumers(x, consumers, from, to);
            let home = self.home(producer);
            if home == from {
                // It was exported if another block reads it; now it is exported in any case.
                if here == consumers && !is_output {
                    left += old;
                }
            } else if here == 1 {
                left -= old;
            }
            if home == to {
                if there + 1 == consumers && !is_output {
                    right -= new;
                }
            } else if there == 0 {
                right += new;
            }
        }
        for &x in self.instance.paid_produces(node) {
            let Paid { transfer, consumers, is_output, .. } = self.paid[x.index()];
            let (old, new) = on(x, transfer);
            let (here, there) = self.consumers(x, consumers, from, to);
            if consumers > here || is_output {
                left -= old;
            }
            if here > 0 {
                left += old;
            }
            if consumers > there || is_output {
                right += new;
            }
            if there > 0 {
                right -= new;
            }
        }
        (left, right)
    }

    /// The same as [`shifted`](Self::shifted) for nodes of one block together.
    pub(crate) fn shifted_together(&mut self, nodes: &[NodeId], to: u32) -> (Sums, Sums) {
        let from = self.block(nodes[0]);
        for &node in nodes {
            for &x in self.instance.paid_reads(node) {
                self.touch(x).consumers += 1;
            }
            for &x in self.instance.paid_produces(node) {
                self.touch(x).is_made = true;
            }
        }
        let mut touched = std::mem::take(&mut self.touched);
        if let Some(relays) = &self.relays {
            let was = [from, to].map(|block| self.sums(block).io);
            let io = relays.io_of_shift(&self.block_of, touched.iter().copied(), nodes.len(), [from, to], was);
            touched.drain(..).for_each(|touch| self.place[touch.tensor.index()] = NONE);
            self.touched = touched;
            return self.moved(nodes, to, io);
        }
        let io = match self.transfers(from, to) {
            None => self.io_of_touched(&mut touched, from, to, |_, transfer| (transfer, transfer)),
            Some([old, new]) => self.io_of_touched(&mut touched, from, to, |x, _| (old[x.index()], new[x.index()])),
        };
        self.touched = touched;
        self.moved(nodes, to, io)
    }

    /// As [`io_of_shift`](Self::io_of_shift), of the nodes that touch these tensors; takes these away.
    fn io_of_touched(
        &mut self,
        touched: &mut Vec<Touch>,
        from: u32,
        to: u32,
        on: impl Fn(TensorId, Ticks) -> (Ticks, Ticks),
    ) -> (Ticks, Ticks) {
        let (mut left, mut right) = (0, 0);
        for Touch { tensor, consumers: moving, is_made } in touched.drain(..) {
            self.place[tensor.index()] = NONE;
            let Paid { transfer, producer, consumers, is_output } = self.paid[tensor.index()];
            let (old, new) = on(tensor, transfer);
            let (here, there) = self.consumers(tensor, consumers, from, to);
            let home = self.home(producer);
            let pays = |block: u32, home: u32, inside: u32| {
                Ticks::from(if home == block { consumers > inside || is_output } else { inside > 0 })
            };
            let new_home = if is_made { to } else { home };
            left += old * (pays(from, new_home, here - moving) - pays(from, home, here));
            right += new * (pays(to, new_home, there + moving) - pays(to, home, there));
        }
        (left, right)
    }

    fn touch(&mut self, tensor: TensorId) -> &mut Touch {
        let place = &mut self.place[tensor.index()];
        if *place == NONE {
            *place = narrow(self.touched.len());
            self.touched.push(Touch { tensor, consumers: 0, is_made: false });
        }
        &mut self.touched[wide(*place)]
    }

    /// The sums of the block of `nodes` and of block `to` without and with them, given how their io changes.
    fn moved(&self, nodes: &[NodeId], to: u32, (left, right): (Ticks, Ticks)) -> (Sums, Sums) {
        let from = self.block(nodes[0]);
        let mut all = Load::default();
        for node in nodes {
            let Load { work, params, bytes } = self.loads[node.index()];
            all.work += work;
            all.params += params;
            all.bytes += bytes;
        }
        let (Sums { work, io, held }, target) = (self.sums(from), self.sums(to));
        let rest = Held { params: held.params - all.params, bytes: held.bytes - all.bytes, ..held };
        let source = Sums { work: work - all.work, io: io + left, held: rest };
        let Sums { work, io, held } = target;
        let more = Held { params: held.params + all.params, bytes: held.bytes + all.bytes, ..held };
        let target = Sums { work: work + all.work, io: io + right, held: more };
        if self.is_simple { (source, target) } else { self.moved_in_full(nodes, to, all, (source, target)) }
    }

    /// The same, given what nodes by themselves take on the first kind, where that is not all.
    #[inline(never)]
    fn moved_in_full(&self, nodes: &[NodeId], to: u32, all: Load, sums: (Sums, Sums)) -> (Sums, Sums) {
        let from = self.block(nodes[0]);
        let (mut source, mut target) = sums;
        let views = [from, to].map(|block| self.instance.on(wide(block)));
        let [old, new] = views.map(|view| {
            let costs = nodes.iter().map(|&node| (view.work(node), view.params()[node.index()]));
            costs.fold((0, 0), |sum, cost| (sum.0 + cost.0, sum.1 + cost.1))
        });
        source.work += all.work - old.0;
        target.work += new.0 - all.work;
        source.held.params += all.params - old.1;
        target.held.params += new.1 - all.params;
        if let Some(holdings) = &self.holdings {
            let consumers = |x| self.consumers(x, self.paid[x.index()].consumers, from, to);
            holdings.shift(nodes, [from, to], views, consumers, [&mut source.held, &mut target.held]);
        }
        (source, target)
    }

    /// Moves a node to a block; `sums` are what [`shifted`](Self::shifted) says.
    pub(crate) fn shift(&mut self, node: NodeId, to: u32, sums: (Sums, Sums)) {
        let from = self.block(node);
        match &mut self.relays {
            Some(relays) => relays.shift(&mut self.block_of, node, to),
            None => self.block_of[node.index()] = to,
        }
        self.sums[wide(from)] = sums.0;
        self.sums[wide(to)] = sums.1;
        for &x in self.instance.paid_reads(node) {
            if wide(self.paid[x.index()].consumers) > FEW {
                self.shares.shift(x, from, to);
            }
        }
        if let Some(holdings) = &mut self.holdings {
            holdings.params_of(node).iter().for_each(|&x| self.shares.shift(x, from, to));
            holdings.shift_live(node, from, to);
        }
    }

    /// How many of the consumers of a tensor are in one block and in another.
    fn consumers(&self, x: TensorId, consumers: u32, from: u32, to: u32) -> (u32, u32) {
        self.shares.consumers(self.instance.graph(), &self.block_of, (x, consumers), from, to)
    }

    /// Going on from a block away from the node's own, the first in this range that may hold the node.
    pub(crate) fn first_allowed(&self, node: NodeId, to: u32, (low, high): (u32, u32)) -> Option<u32> {
        let may_be = |&block: &u32| self.instance.may_be(node, wide(block));
        if to > self.block(node) { (to..=high).find(may_be) } else { (low..=to).rev().find(may_be) }
    }

    /// Whether the costs are those of the partition, from the definition.
    pub(crate) fn is_sound(&self) -> bool {
        let graph = self.instance.graph();
        let is_acyclic = graph.nodes().all(|node| self.range(node).0 <= self.block(node));
        is_acyclic && self.sums == sums_of(self.instance, &self.to_blocks(), self.holdings.as_ref())
    }

    /// The partition as it is.
    pub(crate) fn to_blocks(&self) -> Vec<usize> {
        self.block_of.iter().map(|&block| wide(block)).collect()
    }

    /// The cost of the most expensive block.
    pub(crate) fn bottleneck(&self) -> Ticks {
        let costs = self.sums.iter().zip(0..).map(|(&sums, block)| self.cost(block, sums));
        costs.max().expect("a partition has at least one block")
    }
}

/// The sums of all blocks, from the definition; without holdings, of what each node stores by itself only.
fn sums_of(instance: &Instance, block_of: &[usize], holdings: Option<&Holdings>) -> Vec<Sums> {
    let mut sums: Vec<Sums> = partition_costs(instance, block_of)
        .iter()
        .map(|cost| Sums {
            work: cost.work,
            io: cost.io_in + cost.io_out,
            held: holdings.map_or(Held::default(), |holdings| holdings.counted(cost.held)),
        })
        .collect();
    sums.resize(instance.num_blocks(), Sums::default());
    if holdings.is_none() {
        for (node, &block) in instance.graph().nodes().zip(block_of) {
            sums[block].held.params += instance.on(block).params()[node.index()];
            sums[block].held.bytes += instance.graph().param_bytes(node);
        }
    }
    sums
}
