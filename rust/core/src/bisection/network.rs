//! The network whose cuts are means of what two blocks cost, and a flow on it that goes on when the question changes.
//!
//! The source's side `D` is the first block. With a share `a` of [`WHOLE`] parts, a cut is worth `a cost(D) + (WHOLE - a) cost(rest)`:
//! a vertex pays `a inside` in `D` and `(WHOLE - a) outside` out of it; a tensor that crosses pays its export and its import, an
//! arc from its producer to its reader, or to a vertex that is in `D` only with all readers. Infinite arcs from readers to
//! producers keep `D` closed under predecessors. Where model inputs are paid, each has a vertex that is in `D` with any reader,
//! and one that is in `D` only with all.
//!
//! What a vertex pays is kept as the signed rest of its terminal arcs, as far as no flow has used it. Any sum may be added to
//! either side of a vertex at any time, so that flows stay feasible when the share changes or a node gets its block (V. Kolmogorov,
//! P. H. S. Torr 2005, *Measuring Uncertainty in Graph Cut Solutions*). Flows follow shortest paths (E. A. Dinic 1970).

use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, narrow, wide};

/// A share is a number of so many parts: costs are below 2^52, so that means of them are below 2^62.
pub(super) const WHOLE: Ticks = 1 << 10;
/// More than any mean, and so little that a flow can be added to it.
const INFINITE: Ticks = 1 << 62;
const UNSEEN: u32 = u32::MAX;

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Free,
    First,
    Second,
}

/// What does not change: arcs, and what vertices pay.
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

/// A flow, and the question that it is about.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    left: Vec<Ticks>,
    /// By vertex, what is left of what it pays out of `D`; less than nothing: of what it pays in `D`.
    rest: Vec<Ticks>,
    /// By node.
    pub side: Vec<Side>,
    /// At most what the least cut is worth; no less where the flow is at its most.
    pub value: Ticks,
    pub share: Ticks,
}

/// What a search for paths needs.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    level: Vec<u32>,
    next: Vec<u32>,
    queue: Vec<u32>,
    path: Vec<u32>,
    /// Arcs that have been looked at since this was last set to none.
    pub steps: u64,
}

impl Flow {
    /// Lets a vertex pay more, or less, in `D` and out of it.
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

    /// Puts a node into a block.
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

/// Arcs to be laid: from, to, what there is room for, and for the arc back.
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
                // Its producer pays anyway; the second block does where it holds a reader, but not the producer.
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

    /// Puts the arcs of a vertex next to each other.
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

    fn num_vertices(&self) -> usize {
        self.inside.len()
    }

    fn arcs(&self, vertex: usize) -> std::ops::Range<usize> {
        wide(self.first[vertex])..wide(self.first[vertex + 1])
    }

    /// Bytes of a flow.
    pub(super) fn bytes(&self) -> usize {
        8 * (self.to.len() + self.num_vertices()) + self.num_nodes + size_of::<Flow>()
    }

    /// No flow, where every node is free.
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

    /// Sends flow until there is no way left, or its value is enough.
    pub(super) fn augment(&self, flow: &mut Flow, scratch: &mut Scratch, enough: Ticks) {
        while flow.value < enough {
            let Some(num_sources) = self.set_levels(flow, scratch) else { return };
            scratch.next.clear();
            scratch.next.extend_from_slice(&self.first[..self.num_vertices()]);
            for source in 0..num_sources {
                self.send(flow, scratch, wide(scratch.queue[source]), enough);
            }
        }
    }

    /// Sets distances from what has something to send; how many these are, or none when nothing can be sent.
    fn set_levels(&self, flow: &Flow, scratch: &mut Scratch) -> Option<usize> {
        let Scratch { level, queue, steps, .. } = scratch;
        level.clear();
        level.resize(self.num_vertices(), UNSEEN);
        queue.clear();
        queue.extend((0..self.num_vertices()).filter(|&v| flow.supply(v) > 0).map(narrow));
        for &source in queue.iter() {
            level[wide(source)] = 0;
        }
        let (num_sources, mut at, mut end) = (queue.len(), 0, UNSEEN);
        while let Some(&vertex) = queue.get(at) {
            at += 1;
            let (vertex, here) = (wide(vertex), level[wide(vertex)]);
            if here >= end {
                break;
            }
            if flow.demand(vertex) > 0 {
                end = here;
                continue;
            }
            *steps += u64::from(self.first[vertex + 1] - self.first[vertex]);
            for arc in self.arcs(vertex) {
                let head = wide(self.to[arc]);
                if flow.left[arc] > 0 && level[head] == UNSEEN {
                    level[head] = here + 1;
                    queue.push(self.to[arc]);
                }
            }
        }
        *steps += 1;
        (end < UNSEEN).then_some(num_sources)
    }

    /// Sends what a source has along shortest paths.
    fn send(&self, flow: &mut Flow, scratch: &mut Scratch, source: usize, enough: Ticks) {
        let Scratch { level, next, path, steps, .. } = scratch;
        path.clear();
        while flow.value < enough && flow.supply(source) > 0 {
            let vertex = path.last().map_or(source, |&arc| wide(self.to[wide(arc)]));
            if flow.demand(vertex) > 0 {
                *steps += 1 + u64::from(level[vertex]);
                let room = path.iter().map(|&arc| flow.left[wide(arc)]).min().unwrap_or(INFINITE);
                let amount = room.min(flow.supply(source)).min(flow.demand(vertex)).min(enough - flow.value);
                for &arc in path.iter() {
                    flow.left[wide(arc)] -= amount;
                    flow.left[wide(self.back[wide(arc)])] += amount;
                }
                flow.value += amount;
                if flow.side_of(source) == Side::Free {
                    flow.rest[source] -= amount;
                }
                if flow.side_of(vertex) == Side::Free {
                    flow.rest[vertex] += amount;
                }
                let full = path.iter().position(|&arc| flow.left[wide(arc)] == 0);
                path.truncate(full.unwrap_or(path.len().saturating_sub(1)));
                continue;
            }
            let (begin, end) = (next[vertex], self.first[vertex + 1]);
            let is_open = |arc: usize| flow.left[arc] > 0 && level[wide(self.to[arc])] == level[vertex] + 1;
            let found = (begin..end).find(|&arc| is_open(wide(arc)));
            next[vertex] = found.unwrap_or(end);
            *steps += 1 + u64::from(next[vertex] - begin);
            if let Some(arc) = found {
                path.push(arc);
            } else {
                let Some(arc) = path.pop() else { return };
                next[wide(self.to[wide(self.back[wide(arc)])])] += 1;
            }
        }
    }

    /// The least and the largest first block of the least cut, after a flow at its most.
    pub(super) fn first_blocks(&self, flow: &Flow, scratch: &mut Scratch) -> [Vec<bool>; 2] {
        let mut least = self.reached(scratch, |v| flow.supply(v) > 0, |arc| flow.left[arc] > 0);
        let is_way_back = |arc: usize| flow.left[wide(self.back[arc])] > 0;
        let mut most = self.reached(scratch, |v| flow.demand(v) > 0, is_way_back);
        for is_second in &mut most {
            *is_second = !*is_second;
        }
        least.truncate(self.num_nodes);
        most.truncate(self.num_nodes);
        [least, most]
    }

    fn reached(
        &self,
        scratch: &mut Scratch,
        is_begin: impl Fn(usize) -> bool,
        is_open: impl Fn(usize) -> bool,
    ) -> Vec<bool> {
        let Scratch { queue, steps, .. } = scratch;
        let mut is_reached: Vec<bool> = (0..self.num_vertices()).map(is_begin).collect();
        queue.clear();
        queue.extend((0..self.num_vertices()).filter(|&v| is_reached[v]).map(narrow));
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
