//! The cheapest block that holds some groups, by a minimum cut.
//!
//! A question is which groups must be in the block, the *sources*, and of every group on which *sides* it is:
//!
//! - [`AFTER`]: when the block holds a reader on this side, it holds those of its makers that are on it too;
//! - [`BEFORE`]: when the block holds a maker on this side, it holds those of its readers that are on it too;
//! - [`ELSEWHERE`]: the block does not hold it.
//!
//! **Claim.** The least cut of the network below is at most the cost of any block with the sources of which the sides are
//! true; infinite when there is no such block.
//!
//! **Network.** The sink is what is elsewhere; `S` is the sources' side. A group in `S` pays its load (an arc to the sink). A
//! tensor made in `S` and read outside pays its export: an arc from its maker to an auxiliary node that is in `S` only with
//! all readers. A tensor made outside and read in `S` pays its transfer: an arc to its maker from an auxiliary node that is
//! in `S` with any reader. Infinite arcs let neighbours on the same side follow each other.
//!
//! **Proof.** Work and io of a block are what its cut pays, and overflow is at least that of the sources alone. So each such
//! block is a cut of the network at its cost or less, and the least cut is no more.
//!
//! **Convexity.** A block holds what lies on a path between two of its groups. So when it holds `a`, everything after `a` may
//! be on the side `AFTER`, and everything before it on the side `BEFORE`; and when it holds `a` and a later `z`, everything
//! after `a` and everything before `z`.

use std::rc::Rc;

use super::quotient::{GroupId, Quotient};
use crate::cost::{INFINITE, Ticks};
use crate::ids::{count, narrow, wide};

const SINK: u32 = 0;
const ENOUGH: Ticks = INFINITE / 4;
/// The sides of a group, as bits.
pub(crate) const BEFORE: u8 = 1;
pub(crate) const AFTER: u8 = 2;
pub(crate) const ELSEWHERE: u8 = 4;

/// An arc, and where the one back is.
#[derive(Clone, Copy, Debug)]
struct Arc {
    to: u32,
    back: u32,
    left: Ticks,
}

/// An arc that is to be laid, with the room that it has and that the one back has.
struct Link {
    from: u32,
    to: u32,
    forth: Ticks,
    back: Ticks,
    is_precedence: bool,
}

/// A node as the last question and the last search have seen it.
#[derive(Clone, Copy, Debug, Default)]
struct Visit {
    question: u32,
    search: u32,
    level: u32,
    /// The next arc to be tried.
    next: u32,
}

/// The network of one quotient; arcs are laid once, and each question brings its own infinite arcs where it gets to.
#[derive(Debug)]
pub(crate) struct Network<'q, 'a> {
    quotient: &'q Quotient<'a>,
    /// Groups by node of the network - 1, and back.
    groups: Rc<[GroupId]>,
    node_of: Vec<u32>,
    successors: Vec<Vec<u32>>,
    predecessors: Vec<Vec<u32>>,
    /// Node by node; the first of a group is that to the sink.
    arcs: Vec<Arc>,
    first: Vec<u32>,
    capacity: Vec<Ticks>,
    /// Sides on which both ends must be for an arc to be infinite; none for others.
    follows: Vec<u8>,
    side: Vec<u8>,
    /// Arcs that the last question has changed.
    changed: Vec<u32>,
    visits: Vec<Visit>,
    question: u32,
    search: u32,
    queue: Vec<u32>,
    /// What flows from each source at most, as far as it has not; and the source that is pushed from.
    supply: Vec<Ticks>,
    source: usize,
    /// What flows to the sink, and what is paid without a cut.
    flow: Ticks,
    steps: u64,
}

impl<'q, 'a> Network<'q, 'a> {
    /// Lays the arcs in O(nodes + reads).
    pub(crate) fn new(quotient: &'q Quotient<'a>) -> Self {
        let groups: Rc<[GroupId]> = quotient.groups().collect();
        let mut node_of = vec![SINK; quotient.graph().num_nodes()];
        for (index, &group) in groups.iter().enumerate() {
            node_of[group] = narrow(index + 1);
        }
        let mut network = Self {
            quotient,
            successors: vec![Vec::new(); groups.len() + 1],
            predecessors: vec![Vec::new(); groups.len() + 1],
            side: vec![0; groups.len() + 1],
            arcs: Vec::new(),
            first: Vec::new(),
            capacity: Vec::new(),
            follows: Vec::new(),
            changed: Vec::new(),
            visits: Vec::new(),
            question: 0,
            search: 0,
            queue: Vec::new(),
            supply: Vec::new(),
            source: 0,
            flow: 0,
            steps: 0,
            groups,
            node_of,
        };
        network.lay();
        network
    }

    fn lay(&mut self) {
        let quotient = self.quotient;
        let all_successors = quotient.successors();
        let mut laying = Laying { links: Vec::new(), num_nodes: narrow(self.groups.len() + 1) };
        let mut inputs = std::collections::BTreeSet::new();
        for index in 0..self.groups.len() {
            laying.arc(narrow(index + 1), SINK, quotient.group(self.groups[index]).load, 0);
        }
        for index in 0..self.groups.len() {
            let (node, group) = (narrow(index + 1), self.groups[index]);
            for &x in &quotient.group(group).makes {
                let mut readers: Vec<u32> = quotient.readers(x).map(|reader| self.node_of[reader]).collect();
                readers.sort_unstable();
                readers.dedup();
                readers.retain(|&reader| reader != node);
                laying.tensor(Some(node), &readers, quotient.export(x), quotient.transfer(x));
            }
            for &x in &quotient.group(group).reads {
                if quotient.producer(x).is_none() && inputs.insert(x) {
                    let mut readers: Vec<u32> = quotient.readers(x).map(|reader| self.node_of[reader]).collect();
                    readers.sort_unstable();
                    readers.dedup();
                    laying.tensor(None, &readers, 0, quotient.transfer(x));
                }
            }
            for &successor in &all_successors[group] {
                let reader = self.node_of[successor];
                self.successors[wide(node)].push(reader);
                self.predecessors[wide(reader)].push(node);
                // Without room until a question gives it some.
                laying.links.push(Link { from: node, to: reader, forth: 0, back: 0, is_precedence: true });
            }
        }
        self.take(&laying);
    }

    /// Puts the arcs of a node next to each other.
    fn take(&mut self, Laying { links, num_nodes }: &Laying) {
        self.visits = vec![Visit::default(); wide(*num_nodes)];
        self.first = vec![0; wide(*num_nodes) + 1];
        for link in links {
            self.first[wide(link.from) + 1] += 1;
            self.first[wide(link.to) + 1] += 1;
        }
        for node in 0..wide(*num_nodes) {
            self.first[node + 1] += self.first[node];
        }
        let num_arcs = 2 * links.len();
        let mut free = self.first.clone();
        self.arcs = vec![Arc { to: SINK, back: 0, left: 0 }; num_arcs];
        self.follows = vec![0; num_arcs];
        for link in links {
            let [there, back] = [link.from, link.to].map(|node| {
                let arc = free[wide(node)];
                free[wide(node)] += 1;
                arc
            });
            self.arcs[wide(there)] = Arc { to: link.to, back, left: link.forth };
            self.arcs[wide(back)] = Arc { to: link.from, back: there, left: link.back };
            if link.is_precedence {
                self.follows[wide(there)] = BEFORE;
                self.follows[wide(back)] = AFTER;
            }
        }
        self.capacity = self.arcs.iter().map(|arc| arc.left).collect();
    }

    fn arcs_of(&self, node: u32) -> std::ops::Range<usize> {
        wide(self.first[wide(node)])..wide(self.first[wide(node) + 1])
    }

    /// The least cost of a block that holds `a` and not `b`, or `threshold` when it is not below.
    ///
    /// # Complexity
    /// Dinic's algorithm, ended as soon as the flow reaches the threshold.
    pub(crate) fn least_cost(&mut self, a: GroupId, b: Option<GroupId>, threshold: Ticks) -> Ticks {
        let source = self.node_of[a];
        self.mark(source);
        if let Some(b) = b {
            self.side[wide(self.node_of[b])] |= ELSEWHERE;
        }
        let side = std::mem::take(&mut self.side);
        self.supply.clear();
        self.supply.push(ENOUGH);
        self.forget();
        self.flow = self.overflow(&[source]);
        let least = self.cut(&[source], threshold, |node| side[wide(node)]);
        self.side = side;
        least.min(threshold)
    }

    /// The least cost of a block that holds `groups`, given on which sides every group is; or `threshold` when it is not below.
    pub(crate) fn least_cost_among(
        &mut self,
        groups: impl Iterator<Item = GroupId>,
        threshold: Ticks,
        side: impl Fn(GroupId) -> u8,
    ) -> Ticks {
        let sources: Vec<u32> = groups.map(|group| self.node_of[group]).collect();
        let groups = Rc::clone(&self.groups);
        self.supply.clear();
        self.supply.resize(sources.len(), ENOUGH);
        self.forget();
        self.flow = self.overflow(&sources);
        self.cut(&sources, threshold, |node| side(groups[wide(node) - 1])).min(threshold)
    }

    /// The least of what a set of groups pays for work and tensors, less the sum of its groups' gains, over all sets from a
    /// region that hold the region's first group. [`Self::cheapest`] is such a set.
    ///
    /// # Complexity
    /// Dinic's algorithm, in the region.
    pub(crate) fn least_balance(&mut self, region: &[(GroupId, Ticks)], is_in: impl Fn(GroupId) -> bool) -> i128 {
        self.supply.clear();
        self.supply.extend(region.iter().map(|&(_, gain)| gain));
        self.supply[0] = ENOUGH;
        self.forget();
        self.balance(region, is_in)
    }

    /// The same after a question that differs in smaller gains alone: what flowed flows on.
    pub(crate) fn least_balance_of_more(
        &mut self,
        less: &[(GroupId, Ticks)],
        region: &[(GroupId, Ticks)],
        is_in: impl Fn(GroupId) -> bool,
    ) -> i128 {
        for (supply, (&(_, gain), &(_, before))) in self.supply.iter_mut().zip(region.iter().zip(less)).skip(1) {
            *supply += gain - before;
        }
        self.balance(region, is_in)
    }

    fn balance(&mut self, region: &[(GroupId, Ticks)], is_in: impl Fn(GroupId) -> bool) -> i128 {
        let sources: Vec<u32> = region.iter().map(|&(group, _)| self.node_of[group]).collect();
        let groups = Rc::clone(&self.groups);
        let side = |node: u32| if is_in(groups[wide(node) - 1]) { 0 } else { ELSEWHERE };
        let least = self.cut(&sources, INFINITE, side);
        i128::from(least) - region.iter().map(|&(_, gain)| i128::from(gain)).sum::<i128>()
    }

    fn overflow(&self, sources: &[u32]) -> Ticks {
        let params = |&source: &u32| self.quotient.group(self.groups[wide(source) - 1]).params;
        self.quotient.instance().overflow(sources.iter().map(params).sum())
    }

    /// Takes back what the last question has made flow.
    fn forget(&mut self) {
        for arc in self.changed.drain(..).map(wide) {
            let back = wide(self.arcs[arc].back);
            self.arcs[arc].left = self.capacity[arc];
            self.arcs[back].left = self.capacity[back];
        }
        self.question += 1;
        self.flow = 0;
    }

    /// The least cut, and what flowed before; or more than `threshold`, when it is not below.
    fn cut(&mut self, sources: &[u32], threshold: Ticks, side: impl Fn(u32) -> u8) -> Ticks {
        let num_groups = self.groups.len();
        for (place, &source) in sources.iter().enumerate() {
            // Most of what flows goes straight to the sink, over the arc that was laid first.
            let arc = self.first[wide(source)];
            let pushed = self.supply[place].min(self.arcs[wide(arc)].left);
            self.push(arc, pushed);
            self.supply[place] -= pushed;
            self.flow += pushed;
        }
        let is_sink = |node| node == SINK || (wide(node) <= num_groups && side(node) & ELSEWHERE != 0);
        while self.flow < threshold && self.levels(sources, is_sink, &side) {
            self.source = 0;
            while self.flow < threshold {
                let pushed = self.augment(sources, is_sink);
                if pushed == 0 {
                    break;
                }
                self.flow = self.flow.saturating_add(pushed);
            }
        }
        self.flow
    }

    /// Arcs that searches have looked at so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// The groups on the source's side of the cut that was found last, when it was below its threshold.
    pub(crate) fn cheapest(&self) -> impl Iterator<Item = GroupId> + '_ {
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

    /// Gives room to the infinite arcs from a node.
    fn open(&mut self, node: u32, side: impl Fn(u32) -> u8) {
        if wide(node) >= self.successors.len() {
            return;
        }
        let here = side(node);
        for arc in self.arcs_of(node) {
            let both = here & self.follows[arc];
            if both != 0 && side(self.arcs[arc].to) & both != 0 {
                self.arcs[arc].left = ENOUGH;
                self.changed.push(narrow(arc));
            }
        }
    }

    fn push(&mut self, arc: u32, pushed: Ticks) {
        let back = self.arcs[wide(arc)].back;
        self.arcs[wide(arc)].left -= pushed;
        self.arcs[wide(back)].left += pushed;
        self.changed.push(arc);
    }

    fn reach(&mut self, node: u32, level: u32) {
        let visit = &mut self.visits[wide(node)];
        (visit.search, visit.level, visit.next) = (self.search, level, 0);
    }

    /// Distances from the sources over arcs with room, as far as the sink; whether it is reached.
    fn levels(&mut self, sources: &[u32], is_sink: impl Fn(u32) -> bool, side: impl Fn(u32) -> u8) -> bool {
        self.search += 1;
        self.queue.clear();
        for (place, &source) in sources.iter().enumerate() {
            if self.supply[place] > 0 {
                self.reach(source, 0);
                self.queue.push(source);
            }
        }
        let (mut at, mut last) = (0, u32::MAX);
        while let Some(&node) = self.queue.get(at) {
            at += 1;
            let level = self.visits[wide(node)].level + 1;
            if level > last {
                break;
            }
            if self.visits[wide(node)].question != self.question {
                self.visits[wide(node)].question = self.question;
                self.open(node, &side);
            }
            let arcs = self.arcs_of(node);
            self.steps += count(arcs.len()).unsigned_abs();
            for arc in arcs {
                let Arc { to, left, .. } = self.arcs[arc];
                if left == 0 || self.visits[wide(to)].search == self.search {
                    continue;
                }
                self.reach(to, level);
                if is_sink(to) {
                    last = level;
                } else {
                    self.queue.push(to);
                }
            }
        }
        last < u32::MAX
    }

    /// Pushes flow along one shortest path.
    fn augment(&mut self, sources: &[u32], is_sink: impl Fn(u32) -> bool) -> Ticks {
        while let Some(&source) = sources.get(self.source) {
            let supply = self.supply[self.source];
            if supply > 0 {
                let pushed = self.augment_from(source, supply, &is_sink);
                if pushed > 0 {
                    self.supply[self.source] -= pushed;
                    return pushed;
                }
            }
            self.source += 1;
        }
        0
    }

    fn augment_from(&mut self, source: u32, supply: Ticks, is_sink: impl Fn(u32) -> bool) -> Ticks {
        let mut path: Vec<u32> = Vec::new();
        let mut node = source;
        loop {
            if is_sink(node) {
                let pushed = path.iter().map(|&arc| self.arcs[wide(arc)].left).fold(supply, Ticks::min);
                for arc in path {
                    self.push(arc, pushed);
                }
                return pushed;
            }
            let next = self.visits[wide(node)].level + 1;
            let is_next = |&arc: &usize| {
                let Arc { to, left, .. } = self.arcs[arc];
                let visit = self.visits[wide(to)];
                left > 0 && visit.search == self.search && visit.level == next
            };
            let arcs = self.arcs_of(node);
            let begin = arcs.start + wide(self.visits[wide(node)].next);
            let found = (begin..arcs.end).find(is_next);
            self.visits[wide(node)].next = narrow(found.unwrap_or(arcs.end) - arcs.start);
            if let Some(arc) = found {
                path.push(narrow(arc));
                node = self.arcs[arc].to;
            } else {
                let Some(arc) = path.pop() else { return 0 };
                node = self.arcs[wide(self.arcs[wide(arc)].back)].to;
                self.visits[wide(node)].next += 1;
            }
        }
    }
}

/// Arcs to be laid.
struct Laying {
    links: Vec<Link>,
    num_nodes: u32,
}

impl Laying {
    fn arc(&mut self, from: u32, to: u32, forth: Ticks, back: Ticks) {
        self.links.push(Link { from, to, forth, back, is_precedence: false });
    }

    fn auxiliary(&mut self) -> u32 {
        self.num_nodes += 1;
        self.num_nodes - 1
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
}
