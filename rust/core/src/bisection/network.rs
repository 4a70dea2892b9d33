//! The network whose cuts are weighted means of two blocks' costs, with a flow that is kept when the share or the case changes.
//!
//! The source side `D` of a cut is the first block. For a share `a` of [`WHOLE`] parts, the value of a cut is
//! `a cost(D) + (WHOLE - a) cost(rest)`: a vertex pays `a inside` in `D` and `(WHOLE - a) outside` out of it; a tensor that crosses
//! pays its export and its import, on an arc from its producer to its consumer, or to an auxiliary vertex that is in `D` only with
//! all consumers. Infinite arcs from consumers to producers make `D` closed under predecessors. Model inputs that are paid have two
//! auxiliary vertices: one that is in `D` with any consumer, and one that is in `D` only with all.
//!
//! The terminal arcs of a vertex are one signed residual capacity. Adding a constant to both terminal arcs of a vertex does not
//! change the minimum cut, so the flow stays feasible when the share changes or a node is fixed (P. Kohli, P. H. S. Torr 2005,
//! *Efficiently Solving Dynamic Markov Random Fields Using Graph Cuts*).

use crate::cost::{Instance, Ticks};
use crate::flow::{Dinic, Residual};
use crate::ids::{NodeId, narrow, wide};

/// The unit of shares. Costs are below 2^52, so means times `WHOLE` are below 2^62.
pub(super) const WHOLE: Ticks = 1 << 10;
/// More than any mean, and so little that a flow can be added to it.
const INFINITE: Ticks = 1 << 62;

/// The block of a node in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Free,
    First,
    Second,
}

/// The fixed part: arcs, and the costs of vertices.
#[derive(Debug)]
pub(super) struct Network {
    num_nodes: usize,
    first: Vec<u32>,
    to: Vec<u32>,
    back: Vec<u32>,
    capacity: Vec<Ticks>,
    inside: Vec<Ticks>,
    outside: Vec<Ticks>,
}

/// A flow, with its share and its case.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    left: Vec<Ticks>,
    /// By vertex, the residual capacity of its terminal arc: positive from the source, negative to the sink.
    rest: Vec<Ticks>,
    /// The block of each node.
    pub side: Vec<Side>,
    /// The value of the flow: a lower bound on the minimum cut, and equal to it for a maximum flow.
    pub value: Ticks,
    pub share: Ticks,
}

impl Flow {
    /// Adds to the cost of a vertex in `D` and out of it.
    fn pay(&mut self, vertex: usize, inside: Ticks, outside: Ticks) {
        match self.side_of(vertex) {
            Side::First => self.value += inside,
            Side::Second => self.value += outside,
            Side::Free => {
                let rest = self.rest[vertex];
                let (inside, outside) = ((-rest).max(0) + inside, rest.max(0) + outside);
                self.value += inside.min(outside);
                self.rest[vertex] = outside - inside;
            }
        }
    }

    /// Fixes a node in a block.
    pub(super) fn put(&mut self, node: usize, side: Side) {
        let rest = std::mem::take(&mut self.rest[node]);
        self.value += if side == Side::First { (-rest).max(0) } else { rest.max(0) };
        self.side[node] = side;
    }

    fn side_of(&self, vertex: usize) -> Side {
        self.side.get(vertex).copied().unwrap_or(Side::Free)
    }

    fn supply(&self, vertex: usize) -> Ticks {
        if self.side_of(vertex) == Side::First { INFINITE } else { self.rest[vertex] }
    }

    fn demand(&self, vertex: usize) -> Ticks {
        if self.side_of(vertex) == Side::Second { INFINITE } else { -self.rest[vertex] }
    }
}

/// An arc to be built: tail, head, its capacity and that of the reverse arc.
type Link = (usize, usize, Ticks, Ticks);

impl Network {
    /// For two blocks of an instance whose stages are alike and pay sums. O(nodes + reads).
    pub(super) fn new(instance: &Instance) -> Self {
        let (graph, view) = (instance.graph(), instance.only());
        let mut inside = view.loads();
        let mut outside = inside.clone();
        let num_nodes = inside.len();
        let mut links: Vec<Link> = Vec::new();
        let vertex = |inside: &mut Vec<Ticks>, outside: &mut Vec<Ticks>, [in_first, out_of_it]: [Ticks; 2]| {
            inside.push(in_first);
            outside.push(out_of_it);
            inside.len() - 1
        };
        for x in graph.tensors() {
            let (transfer, readers) = (view.transfer(x), graph.consumers(x));
            let Some(producer) = graph.producer(x).map(NodeId::index) else {
                if instance.boundary_io() && transfer > 0 && !readers.is_empty() {
                    let any = vertex(&mut inside, &mut outside, [transfer, 0]);
                    let all = vertex(&mut inside, &mut outside, [0, transfer]);
                    links.extend(readers.iter().map(|v| (v.index(), any, INFINITE, 0)));
                    links.extend(readers.iter().map(|v| (all, v.index(), INFINITE, 0)));
                }
                continue;
            };
            if readers.is_empty() {
                continue;
            }
            links.extend(readers.iter().map(|v| (v.index(), producer, INFINITE, 0)));
            if instance.is_paid_output(x) {
                // The producer's block pays in any case; the second block if it holds a consumer, but not the producer.
                let all = vertex(&mut inside, &mut outside, [0, transfer]);
                outside[producer] -= transfer;
                links.extend(readers.iter().map(|v| (all, v.index(), INFINITE, 0)));
            } else if let [reader] = readers {
                links.push((producer, reader.index(), WHOLE * transfer, 0));
            } else if transfer > 0 {
                let all = vertex(&mut inside, &mut outside, [0, 0]);
                links.push((producer, all, WHOLE * transfer, 0));
                links.extend(readers.iter().map(|v| (all, v.index(), INFINITE, 0)));
            }
        }
        Self::laid(num_nodes, inside, outside, &links)
    }

    /// Builds the adjacency arrays: the arcs of a vertex are consecutive.
    fn laid(num_nodes: usize, inside: Vec<Ticks>, outside: Vec<Ticks>, links: &[Link]) -> Self {
        let mut first = vec![0_u32; inside.len() + 1];
        for &(from, to, ..) in links {
            first[from + 1] += 1;
            first[to + 1] += 1;
        }
        for vertex in 0..inside.len() {
            first[vertex + 1] += first[vertex];
        }
        let mut free = first.clone();
        let mut place = |vertex: usize| {
            free[vertex] += 1;
            free[vertex] - 1
        };
        let num_arcs = 2 * links.len();
        let (mut to, mut back, mut capacity) = (vec![0; num_arcs], vec![0; num_arcs], vec![0; num_arcs]);
        for &(tail, head, forth, reverse) in links {
            let [there, again] = [tail, head].map(&mut place);
            (to[wide(there)], back[wide(there)], capacity[wide(there)]) = (narrow(head), again, forth);
            (to[wide(again)], back[wide(again)], capacity[wide(again)]) = (narrow(tail), there, reverse);
        }
        Self { num_nodes, first, to, back, capacity, inside, outside }
    }

    pub(super) fn num_vertices(&self) -> usize {
        self.inside.len()
    }

    fn arcs(&self, vertex: usize) -> std::ops::Range<usize> {
        wide(self.first[vertex])..wide(self.first[vertex + 1])
    }

    /// Bytes of a flow.
    pub(super) fn bytes(&self) -> usize {
        8 * (self.to.len() + self.num_vertices()) + self.num_nodes + size_of::<Flow>()
    }

    /// The zero flow, with every node free.
    pub(super) fn begin(&self, share: Ticks) -> Flow {
        let mut flow = Flow {
            left: self.capacity.clone(),
            rest: vec![0; self.num_vertices()],
            side: vec![Side::Free; self.num_nodes],
            value: 0,
            share: 0,
        };
        for vertex in 0..self.num_vertices() {
            flow.pay(vertex, 0, WHOLE * self.outside[vertex]);
        }
        self.set_share(&mut flow, share);
        flow
    }

    pub(super) fn set_share(&self, flow: &mut Flow, share: Ticks) {
        let more = share - flow.share;
        flow.share = share;
        for vertex in 0..self.num_vertices() {
            flow.pay(vertex, more * self.inside[vertex], -more * self.outside[vertex]);
        }
    }

    /// Augments the flow until it is maximum or its value reaches `enough`.
    pub(super) fn augment(&self, flow: &mut Flow, dinic: &mut Dinic, enough: Ticks) {
        dinic.augment(&mut Sending { network: self, flow, enough });
    }

    /// The smallest and the largest source side of a minimum cut, given a maximum flow.
    pub(super) fn first_blocks(&self, flow: &Flow, steps: &mut u64) -> [Vec<bool>; 2] {
        let mut least = self.reached(steps, |v| flow.supply(v) > 0, |arc| flow.left[arc] > 0);
        let is_way_back = |arc: usize| flow.left[wide(self.back[arc])] > 0;
        let mut most = self.reached(steps, |v| flow.demand(v) > 0, is_way_back);
        for is_second in &mut most {
            *is_second = !*is_second;
        }
        least.truncate(self.num_nodes);
        most.truncate(self.num_nodes);
        [least, most]
    }

    fn reached(&self, steps: &mut u64, is_begin: impl Fn(usize) -> bool, is_open: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut is_reached: Vec<bool> = (0..self.num_vertices()).map(is_begin).collect();
        let mut queue: Vec<u32> = (0..self.num_vertices()).filter(|&v| is_reached[v]).map(narrow).collect();
        while let Some(vertex) = queue.pop() {
            *steps += 1;
            for arc in self.arcs(wide(vertex)) {
                let head = wide(self.to[arc]);
                if is_open(arc) && !std::mem::replace(&mut is_reached[head], true) {
                    queue.push(self.to[arc]);
                }
            }
        }
        is_reached
    }
}

/// The residual network of a flow, with the value at which to stop.
struct Sending<'n, 'f> {
    network: &'n Network,
    flow: &'f mut Flow,
    enough: Ticks,
}

impl Residual for Sending<'_, '_> {
    fn arcs(&self, vertex: u32) -> std::ops::Range<usize> {
        self.network.arcs(wide(vertex))
    }

    fn head(&self, arc: usize) -> u32 {
        self.network.to[arc]
    }

    fn back(&self, arc: usize) -> usize {
        wide(self.network.back[arc])
    }

    fn room(&self, arc: usize) -> Ticks {
        self.flow.left[arc]
    }

    fn supply(&self, vertex: u32) -> Ticks {
        self.flow.supply(wide(vertex))
    }

    fn demand(&self, vertex: u32) -> Ticks {
        self.flow.demand(wide(vertex))
    }

    fn sources(&self, list: &mut Vec<u32>) {
        list.extend((0..self.network.num_vertices()).filter(|&v| self.flow.supply(v) > 0).map(narrow));
    }

    fn missing(&self) -> Ticks {
        self.enough - self.flow.value
    }

    fn push(&mut self, arc: usize, amount: Ticks) {
        self.flow.left[arc] -= amount;
        self.flow.left[wide(self.network.back[arc])] += amount;
    }

    fn deliver(&mut self, source: u32, end: u32, amount: Ticks) {
        self.flow.value += amount;
        for (vertex, change) in [(wide(source), -amount), (wide(end), amount)] {
            if self.flow.side_of(vertex) == Side::Free {
                self.flow.rest[vertex] += change;
            }
        }
    }
}
