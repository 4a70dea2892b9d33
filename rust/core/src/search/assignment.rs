//! A partition that changes node by node, with the cost of every block at hand.

use crate::cost::{INFINITE, Instance, Ticks, partition_costs};
use crate::graph::Csr;
use crate::ids::{NodeId, TensorId, bytes_as_float, narrow, wide};

/// Up to so many consumers of a tensor are looked at one by one; of more, counts by block are kept.
const FEW: usize = 4;
/// No producer, or no place.
const NONE: u32 = u32::MAX;

/// What a block is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Ticks of work and io.
    pub(crate) busy: Ticks,
    /// Ticks of parameters.
    pub(crate) params: Ticks,
    /// Bytes of parameters.
    pub(crate) bytes: u64,
}

/// How many consumers of a tensor are in a block.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    block: u32,
    consumers: u32,
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

/// A tensor of nodes that move together.
#[derive(Clone, Copy, Debug)]
struct Touched {
    tensor: TensorId,
    /// How many of them read it, and whether one of them makes it.
    consumers: u32,
    is_made: bool,
}

/// A partition under moves.
#[derive(Clone, Debug)]
pub(crate) struct Assignment<'a> {
    instance: &'a Instance,
    block_of: Vec<u32>,
    sums: Vec<Sums>,
    paid: Vec<Paid>,
    predecessors: Csr<NodeId>,
    /// Rows of shares for the tensors with many consumers, of which the first `in_use` are.
    shares: Csr<Share>,
    in_use: Vec<u32>,
    /// What is touched by nodes that move together, and by tensor the place in it.
    touched: Vec<Touched>,
    place: Vec<u32>,
}

impl<'a> Assignment<'a> {
    /// # Complexity
    /// O(nodes + tensors + reads).
    pub(crate) fn new(instance: &'a Instance, block_of: &[usize]) -> Self {
        let graph = instance.graph();
        let rows = graph.tensors().flat_map(|x| {
            let consumers = graph.consumers(x).len();
            (0..if consumers > FEW { consumers.min(instance.num_blocks()) } else { 0 })
                .map(move |_| (x.index(), Share::default()))
        });
        let shares = Csr::from_pairs(graph.num_tensors(), Share::default(), rows);
        let sums = sums_of(instance, block_of);
        let block_of = block_of.iter().map(|&block| narrow(block)).collect();
        let paid = |x: TensorId| Paid {
            transfer: instance.transfer(x),
            producer: graph.producer(x).map_or(NONE, NodeId::narrow),
            consumers: narrow(graph.consumers(x).len()),
            is_output: instance.is_paid_output(x),
        };
        let edges = graph.nodes().flat_map(|v| graph.successors(v).iter().map(move |w| (w.index(), v)));
        let mut assignment = Self {
            instance,
            block_of,
            sums,
            paid: graph.tensors().map(paid).collect(),
            predecessors: Csr::from_pairs(graph.num_nodes(), NodeId::new(0), edges),
            shares,
            in_use: vec![0; graph.num_tensors()],
            touched: Vec::new(),
            place: vec![NONE; graph.num_tensors()],
        };
        for x in graph.tensors().filter(|&x| graph.consumers(x).len() > FEW) {
            for &consumer in graph.consumers(x) {
                assignment.add_consumer(x, assignment.block(consumer));
            }
        }
        assignment
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

    /// The cost of a block of such sums.
    pub(crate) fn cost(&self, sums: Sums) -> Ticks {
        if self.instance.is_over_limit(sums.bytes) { INFINITE } else { self.busy(sums) }
    }

    /// What a block of such sums would cost if there were no memory limit.
    pub(crate) fn busy(&self, sums: Sums) -> Ticks {
        sums.busy + self.instance.overflow(sums.params)
    }

    /// How far a block of such sums is over the memory limit, in limits; 1 at least when it is, else 0.
    pub(crate) fn excess(&self, sums: Sums) -> f64 {
        match self.instance.memory_limit() {
            Some(limit) if sums.bytes > limit => {
                1.0 + bytes_as_float(sums.bytes - limit) / bytes_as_float(limit.max(1))
            }
            _ => 0.0,
        }
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
        let (mut left, mut right) = (0, 0);
        for &x in self.instance.paid_reads(node) {
            let Paid { transfer, producer, consumers, is_output } = self.paid[x.index()];
            let (here, there) = self.consumers(x, consumers, from, to);
            let home = self.home(producer);
            if home == from {
                // It was exported if anybody else reads it elsewhere; now it is.
                if here == consumers && !is_output {
                    left += transfer;
                }
            } else if here == 1 {
                left -= transfer;
            }
            if home == to {
                if there + 1 == consumers && !is_output {
                    right -= transfer;
                }
            } else if there == 0 {
                right += transfer;
            }
        }
        for &x in self.instance.paid_produces(node) {
            let Paid { transfer, consumers, is_output, .. } = self.paid[x.index()];
            let (here, there) = self.consumers(x, consumers, from, to);
            if consumers > here || is_output {
                left -= transfer;
            }
            if here > 0 {
                left += transfer;
            }
            if consumers > there || is_output {
                right += transfer;
            }
            if there > 0 {
                right -= transfer;
            }
        }
        self.moved(std::slice::from_ref(&node), to, left, right)
    }

    /// The same for nodes of one block together.
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
        let (mut left, mut right) = (0, 0);
        for Touched { tensor, consumers: moving, is_made } in touched.drain(..) {
            self.place[tensor.index()] = NONE;
            let Paid { transfer, producer, consumers, is_output } = self.paid[tensor.index()];
            let (here, there) = self.consumers(tensor, consumers, from, to);
            let home = self.home(producer);
            let pays = |block: u32, home: u32, inside: u32| {
                Ticks::from(if home == block { consumers > inside || is_output } else { inside > 0 })
            };
            let new_home = if is_made { to } else { home };
            left += transfer * (pays(from, new_home, here - moving) - pays(from, home, here));
            right += transfer * (pays(to, new_home, there + moving) - pays(to, home, there));
        }
        self.touched = touched;
        self.moved(nodes, to, left, right)
    }

    fn touch(&mut self, tensor: TensorId) -> &mut Touched {
        let place = &mut self.place[tensor.index()];
        if *place == NONE {
            *place = narrow(self.touched.len());
            self.touched.push(Touched { tensor, consumers: 0, is_made: false });
        }
        &mut self.touched[wide(*place)]
    }

    /// The sums of the block of `nodes` and of block `to` without and with them, given what changes for tensors.
    fn moved(&self, nodes: &[NodeId], to: u32, left: Ticks, right: Ticks) -> (Sums, Sums) {
        let (mut source, mut target) = (self.sums(self.block(nodes[0])), self.sums(to));
        source.busy += left;
        target.busy += right;
        for &node in nodes {
            let (work, params) = (self.instance.work(node), self.instance.params()[node.index()]);
            let bytes = self.instance.graph().param_bytes(node);
            source.busy -= work;
            target.busy += work;
            source.params -= params;
            target.params += params;
            source.bytes -= bytes;
            target.bytes += bytes;
        }
        (source, target)
    }

    /// Moves a node to a block; `sums` are what [`shifted`](Self::shifted) says.
    pub(crate) fn shift(&mut self, node: NodeId, to: u32, sums: (Sums, Sums)) {
        let from = self.block(node);
        self.block_of[node.index()] = to;
        self.sums[wide(from)] = sums.0;
        self.sums[wide(to)] = sums.1;
        let graph = self.instance.graph();
        for &x in self.instance.paid_reads(node) {
            if graph.consumers(x).len() > FEW {
                self.remove_consumer(x, from);
                self.add_consumer(x, to);
            }
        }
    }

    /// How many of the consumers of a tensor are in one block and in another.
    fn consumers(&self, x: TensorId, consumers: u32, from: u32, to: u32) -> (u32, u32) {
        let (mut here, mut there) = (0, 0);
        if wide(consumers) <= FEW {
            for consumer in self.instance.graph().consumers(x) {
                let block = self.block(*consumer);
                here += u32::from(block == from);
                there += u32::from(block == to);
            }
        } else {
            for share in &self.shares.row(x.index())[..wide(self.in_use[x.index()])] {
                if share.block == from {
                    here = share.consumers;
                } else if share.block == to {
                    there = share.consumers;
                }
            }
        }
        (here, there)
    }

    fn add_consumer(&mut self, x: TensorId, block: u32) {
        let in_use = wide(self.in_use[x.index()]);
        let row = self.shares.row_mut(x.index());
        if let Some(share) = row[..in_use].iter_mut().find(|share| share.block == block) {
            share.consumers += 1;
        } else {
            row[in_use] = Share { block, consumers: 1 };
            self.in_use[x.index()] += 1;
        }
    }

    fn remove_consumer(&mut self, x: TensorId, block: u32) {
        let in_use = wide(self.in_use[x.index()]);
        let row = self.shares.row_mut(x.index());
        let place = row[..in_use].iter().position(|share| share.block == block).expect("a consumer is in its block");
        row[place].consumers -= 1;
        if row[place].consumers == 0 {
            row[place] = row[in_use - 1];
            self.in_use[x.index()] -= 1;
        }
    }

    /// Whether the costs are those of the partition, from the definition.
    pub(crate) fn is_sound(&self) -> bool {
        let graph = self.instance.graph();
        let is_acyclic = graph.nodes().all(|node| self.range(node).0 <= self.block(node));
        is_acyclic && self.sums == sums_of(self.instance, &self.to_blocks())
    }

    /// The partition as it is.
    pub(crate) fn to_blocks(&self) -> Vec<usize> {
        self.block_of.iter().map(|&block| wide(block)).collect()
    }

    /// The cost of the most expensive block.
    pub(crate) fn bottleneck(&self) -> Ticks {
        self.sums.iter().map(|&sums| self.cost(sums)).max().expect("a partition has at least one block")
    }
}

/// The sums of all blocks, from the definition.
fn sums_of(instance: &Instance, block_of: &[usize]) -> Vec<Sums> {
    let mut sums: Vec<Sums> = partition_costs(instance, block_of)
        .iter()
        .map(|cost| Sums { busy: cost.work + cost.io_in + cost.io_out, params: 0, bytes: cost.held.bytes })
        .collect();
    sums.resize(instance.num_blocks(), Sums::default());
    for (&params, &block) in instance.params().iter().zip(block_of) {
        sums[block].params += params;
    }
    sums
}
