//! The cheapest block that holds one group and not another, by a minimum cut.
//!
//! **Claim.** Let `a` be a group and `b` another or none. The least cut of the network below is at most the cost of any
//! block of an acyclic partition that holds `a` and not `b`; infinite when there is no such block.
//!
//! **Network.** The source is `a`, the sink is `b` and everything that is surely elsewhere; `S` is the source's side.
//! A group in `S` pays its load (an arc to the sink). A tensor made in `S` and read outside pays its export: an arc from
//! its maker to an auxiliary node that is in `S` only with all readers. A tensor made outside and read in `S` pays its
//! transfer: an arc to its maker from an auxiliary node that is in `S` with any reader. Infinite arcs keep `S` convex as
//! far as that concerns `a`: a descendant of `a` in `S` brings in its makers that come after `a`, an ancestor its readers
//! that come before `a`.
//!
//! **Proof.** Work and io of a block are what its cut pays, and overflow is at least that of `a` alone. A block
//! is convex: what lies on a path between two of its groups is in it. So each block is a cut of the network at its cost or
//! less, and the least cut is no more.

use super::quotient::{GroupId, Quotient};
use crate::cost::{INFINITE, Ticks};
use crate::ids::{narrow, wide};

const SINK: u32 = 0;
const ENOUGH: Ticks = INFINITE / 4;
const BEFORE: u8 = 1;
const AFTER: u8 = 2;

/// An arc, and next to it (index ^ 1) the one back.
#[derive(Clone, Copy, Debug)]
struct Arc {
    to: u32,
    left: Ticks,
}

/// The network of one quotient; arcs are laid once, and each question brings its own infinite arcs.
#[derive(Debug)]
pub(super) struct Network<'q, 'a> {
    quotient: &'q Quotient<'a>,
    /// Groups by node of the network - 1, and back.
    groups: Vec<GroupId>,
    node_of: Vec<u32>,
    successors: Vec<Vec<u32>>,
    predecessors: Vec<Vec<u32>>,
    arcs: Vec<Arc>,
    capacity: Vec<Ticks>,
    of_node: Vec<Vec<u32>>,
    /// Precedences between groups: maker, reader, the pair of arcs for either direction.
    precedences: Vec<(u32, u32, usize)>,
    side: Vec<u8>,
    level: Vec<u32>,
    next: Vec<u32>,
    queue: Vec<u32>,
}

impl<'q, 'a> Network<'q, 'a> {
    /// Lays the arcs in O(nodes + reads).
    pub(super) fn new(quotient: &'q Quotient<'a>) -> Self {
        let groups: Vec<GroupId> = quotient.groups().collect();
        let mut node_of = vec![SINK; quotient.graph().num_nodes()];
        for (index, &group) in groups.iter().enumerate() {
            node_of[group] = narrow(index + 1);
        }
        let mut network = Self {
            quotient,
            successors: vec![Vec::new(); groups.len() + 1],
            predecessors: vec![Vec::new(); groups.len() + 1],
            of_node: vec![Vec::new(); groups.len() + 1],
            side: vec![0; groups.len() + 1],
            arcs: Vec::new(),
            capacity: Vec::new(),
            precedences: Vec::new(),
            level: Vec::new(),
            next: Vec::new(),
            queue: Vec::new(),
            groups,
            node_of,
        };
        network.lay();
        network
    }

    fn lay(&mut self) {
        let quotient = self.quotient;
        let all_successors = quotient.successors();
        let mut inputs = std::collections::BTreeSet::new();
        for index in 0..self.groups.len() {
            let (node, group) = (narrow(index + 1), self.groups[index]);
            self.arc(node, SINK, quotient.group(group).load, 0);
            for &x in &quotient.group(group).makes {
                let mut readers: Vec<u32> = quotient.readers(x).map(|reader| self.node_of[reader]).collect();
                readers.sort_unstable();
                readers.dedup();
                readers.retain(|&reader| reader != node);
                self.tensor(Some(node), &readers, quotient.export(x), quotient.transfer(x));
            }
            for &x in &quotient.group(group).reads {
                if quotient.producer(x).is_none() && inputs.insert(x) {
                    let mut readers: Vec<u32> = quotient.readers(x).map(|reader| self.node_of[reader]).collect();
                    readers.sort_unstable();
                    readers.dedup();
                    self.tensor(None, &readers, 0, quotient.transfer(x));
                }
            }
            for &successor in &all_successors[group] {
                let reader = self.node_of[successor];
                self.successors[wide(node)].push(reader);
                self.predecessors[wide(reader)].push(node);
                let pair = self.arc(node, reader, 0, 0);
                self.precedences.push((node, reader, pair));
            }
        }
        self.level = vec![0; self.of_node.len()];
        self.next = vec![0; self.of_node.len()];
    }

    fn arc(&mut self, from: u32, to: u32, forth: Ticks, back: Ticks) -> usize {
        let index = self.arcs.len();
        self.arcs.push(Arc { to, left: forth });
        self.arcs.push(Arc { to: from, left: back });
        self.capacity.extend([forth, back]);
        self.of_node[wide(from)].push(narrow(index));
        self.of_node[wide(to)].push(narrow(index + 1));
        index
    }

    fn auxiliary(&mut self) -> u32 {
        self.of_node.push(Vec::new());
        narrow(self.of_node.len() - 1)
    }

    fn tensor(&mut self, maker: Option<u32>, readers: &[u32], export: Ticks, import: Ticks) {
        if export == 0 && import == 0 {
            return;
        }
        if let (Some(maker), &[reader]) = (maker, readers) {
            self.arc(maker, reader, export, import);
            return;
        }
        let entrance = self.auxiliary();
        for &reader in readers {
            self.arc(reader, entrance, ENOUGH, 0);
        }
        self.arc(entrance, maker.unwrap_or(SINK), import, 0);
        if let Some(maker) = maker.filter(|_| export > 0) {
            let exit = self.auxiliary();
            self.arc(maker, exit, export, 0);
            for &reader in readers {
                self.arc(exit, reader, ENOUGH, 0);
            }
        }
    }

    /// The least cost of a block that holds `a` and not `b`, or `threshold` when it is not below.
    ///
    /// # Complexity
    /// Dinic's algorithm, ended as soon as the flow reaches the threshold.
    pub(super) fn least_cost(&mut self, a: GroupId, b: Option<GroupId>, threshold: Ticks) -> Ticks {
        let params = self.quotient.group(a).params;
        let overflow = self.quotient.instance().overflow(params);
        let (source, other) = (self.node_of[a], b.map(|b| self.node_of[b]));
        for (arc, &capacity) in self.arcs.iter_mut().zip(&self.capacity) {
            arc.left = capacity;
        }
        self.mark(source);
        for &(maker, reader, pair) in &self.precedences {
            let (m, r) = (self.side[wide(maker)], self.side[wide(reader)]);
            if m & r & AFTER != 0 {
                self.arcs[pair + 1].left = ENOUGH;
            }
            if m & r & BEFORE != 0 {
                self.arcs[pair].left = ENOUGH;
            }
        }
        let mut flow = overflow;
        while flow < threshold && self.levels(source, other) {
            self.next.fill(0);
            while flow < threshold {
                let pushed = self.augment(source, other);
                if pushed == 0 {
                    break;
                }
                flow = flow.saturating_add(pushed);
            }
        }
        flow.min(threshold)
    }

    /// The groups on the source's side of the cut that was found last, when it was below its threshold.
    pub(super) fn cheapest(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.queue.iter().filter_map(|&node| self.groups.get(wide(node).wrapping_sub(1)).copied())
    }

    /// Marks what comes before and after a node.
    fn mark(&mut self, source: u32) {
        self.side.fill(0);
        for (bit, neighbours) in [(BEFORE, &self.predecessors), (AFTER, &self.successors)] {
            let mut stack = vec![source];
            self.side[wide(source)] |= bit;
            while let Some(node) = stack.pop() {
                for &next in &neighbours[wide(node)] {
                    if self.side[wide(next)] & bit == 0 {
                        self.side[wide(next)] |= bit;
                        stack.push(next);
                    }
                }
            }
        }
    }

    /// Distances from the source over arcs with room; whether the sink is reached.
    fn levels(&mut self, source: u32, other: Option<u32>) -> bool {
        self.level.fill(u32::MAX);
        self.level[wide(source)] = 0;
        self.queue.clear();
        self.queue.push(source);
        let (mut at, mut is_reached) = (0, false);
        while let Some(&node) = self.queue.get(at) {
            at += 1;
            for &arc in &self.of_node[wide(node)] {
                let Arc { to, left } = self.arcs[wide(arc)];
                if left == 0 || self.level[wide(to)] != u32::MAX {
                    continue;
                }
                self.level[wide(to)] = self.level[wide(node)] + 1;
                if to == SINK || Some(to) == other {
                    is_reached = true;
                } else {
                    self.queue.push(to);
                }
            }
        }
        is_reached
    }

    /// Pushes flow along one shortest path.
    fn augment(&mut self, source: u32, other: Option<u32>) -> Ticks {
        let mut path: Vec<u32> = Vec::new();
        let mut node = source;
        loop {
            if node == SINK || Some(node) == other {
                let pushed = path.iter().map(|&arc| self.arcs[wide(arc)].left).min().unwrap_or(0);
                for &arc in &path {
                    self.arcs[wide(arc)].left -= pushed;
                    self.arcs[wide(arc) ^ 1].left += pushed;
                }
                return pushed;
            }
            let arcs = &self.of_node[wide(node)];
            let is_next = |&arc: &u32| {
                let Arc { to, left } = self.arcs[wide(arc)];
                left > 0 && self.level[wide(to)] == self.level[wide(node)] + 1
            };
            let begin = wide(self.next[wide(node)]);
            if let Some(offset) = arcs[begin..].iter().position(is_next) {
                self.next[wide(node)] = narrow(begin + offset);
                let arc = arcs[begin + offset];
                path.push(arc);
                node = self.arcs[wide(arc)].to;
            } else {
                self.next[wide(node)] = narrow(arcs.len());
                let Some(arc) = path.pop() else { return 0 };
                node = self.arcs[wide(arc) ^ 1].to;
                self.next[wide(node)] += 1;
            }
        }
    }
}
