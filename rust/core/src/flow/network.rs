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

use crate::cost::{INFINITE, Ticks};
use crate::ids::{count, narrow, wide};
use crate::quotient::{GroupId, Quotient};

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
    /// Arcs whose room has changed since flow was taken back the last time, each once.
    changed: Vec<u32>,
    is_changed: Vec<bool>,
    visits: Vec<Visit>,
    question: u32,
    search: u32,
    queue: Vec<u32>,
    path: Vec<u32>,
    /// By node, what has come in or can flow from it, as far as it has not gone out; less than nothing: what is missing.
    excess: Vec<Ticks>,
    /// What can flow from each group, as far as the excess knows of it, while balances are asked.
    gains: Vec<Ticks>,
    /// Where flow begins, and the source that is pushed from.
    sources: Vec<u32>,
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
            is_changed: Vec::new(),
            visits: Vec::new(),
            question: 0,
            search: 0,
            queue: Vec::new(),
            path: Vec::new(),
            excess: Vec::new(),
            gains: Vec::new(),
            sources: Vec::new(),
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
        self.is_changed = vec![false; num_arcs];
        self.excess = vec![0; wide(*num_nodes)];
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
        self.forget();
        self.sources.push(source);
        let least = self.cost_of_sources(threshold, |node| side[wide(node)]);
        self.side = side;
        least
    }

    /// The least cost of a block that holds `groups`, given on which sides every group is; or `threshold` when it is not below.
    pub(crate) fn least_cost_among(
        &mut self,
        groups: impl Iterator<Item = GroupId>,
        threshold: Ticks,
        side: impl Fn(GroupId) -> u8,
    ) -> Ticks {
        self.forget();
        self.sources.extend(groups.map(|group| self.node_of[group]));
        let groups = Rc::clone(&self.groups);
        self.cost_of_sources(threshold, |node| side(groups[wide(node) - 1]))
    }

    fn cost_of_sources(&mut self, threshold: Ticks, side: impl Fn(u32) -> u8) -> Ticks {
        let params = |&source: &u32| self.quotient.group(self.groups[wide(source) - 1]).params;
        self.flow = self.quotient.instance().overflow(self.sources.iter().map(params).sum());
        for &source in &self.sources {
            self.excess[wide(source)] = ENOUGH;
        }
        self.cut(threshold, side);
        self.flow.min(threshold)
    }

    /// The least of what a set of groups pays for work and tensors, less the sum of its groups' gains, over all sets from a
    /// region that hold the region's first group. [`Self::cheapest`] is such a set.
    ///
    /// **Claim.** What flowed for other questions can flow on, wherever it ended. **Proof.** Let the excess of a group be its
    /// gain and what comes in less what goes out. Then what the arcs out of a set can carry less its gains is what they can
    /// still carry less its excess: the same for every set, whatever flows.
    ///
    /// # Complexity
    /// Dinic's algorithm for what differs from the balance that was asked for before.
    pub(crate) fn least_balance(&mut self, region: &[(GroupId, Ticks)], is_in: impl Fn(GroupId) -> bool) -> i128 {
        if self.gains.is_empty() {
            self.forget();
            self.gains = vec![0; self.groups.len() + 1];
        }
        self.flow = 0;
        self.sources.clear();
        for &(group, gain) in region {
            let node = self.node_of[group];
            self.excess[wide(node)] += gain - std::mem::replace(&mut self.gains[wide(node)], gain);
            if self.excess[wide(node)] > 0 || self.sources.is_empty() {
                self.sources.push(node);
            }
        }
        let first = wide(self.sources[0]);
        self.excess[first] += ENOUGH;
        let groups = Rc::clone(&self.groups);
        self.cut(INFINITE, |node: u32| if is_in(groups[wide(node) - 1]) { 0 } else { ELSEWHERE });
        self.excess[first] -= ENOUGH;
        self.balance()
    }

    /// What the arcs out of the cheapest set can carry less its gains.
    fn balance(&mut self) -> i128 {
        let mut balance = 0;
        for &node in &self.queue {
            let arcs = self.arcs_of(node);
            self.steps += count(arcs.len()).unsigned_abs();
            for arc in arcs {
                if self.visits[wide(self.arcs[arc].to)].search != self.search {
                    balance += i128::from(self.capacity[arc]);
                }
            }
            balance -= i128::from(self.gains.get(wide(node)).copied().unwrap_or(0));
        }
        balance
    }

    /// Takes back all that has flowed.
    fn forget(&mut self) {
        for arc in self.changed.drain(..).map(wide) {
            let Arc { to, back, .. } = self.arcs[arc];
            self.arcs[arc].left = self.capacity[arc];
            self.arcs[wide(back)].left = self.capacity[wide(back)];
            self.is_changed[arc] = false;
            (self.excess[wide(to)], self.excess[wide(self.arcs[wide(back)].to)]) = (0, 0);
        }
        if self.gains.is_empty() {
            for source in self.sources.drain(..) {
                self.excess[wide(source)] = 0;
            }
        } else {
            self.excess.fill(0);
            self.gains.clear();
            self.sources.clear();
        }
        self.question += 1;
        self.flow = 0;
    }

    /// Lets flow what can, until it reaches `threshold`.
    fn cut(&mut self, threshold: Ticks, side: impl Fn(u32) -> u8) {
        let num_groups = self.groups.len();
        for place in 0..self.sources.len() {
            // Most of what flows goes straight to the sink, over the arc that was laid first.
            let (source, arc) = (wide(self.sources[place]), self.first[wide(self.sources[place])]);
            let pushed = self.excess[source].min(self.arcs[wide(arc)].left);
            if pushed > 0 {
                self.push(arc, pushed);
                self.excess[source] -= pushed;
                self.flow += pushed;
            }
        }
        let is_end = |node| node == SINK || (wide(node) <= num_groups && side(node) & ELSEWHERE != 0);
        while self.flow < threshold && self.levels(is_end, &side) {
            self.source = 0;
            while self.flow < threshold {
                let pushed = self.augment(is_end);
                if pushed == 0 {
                    break;
                }
                self.flow = self.flow.saturating_add(pushed);
            }
        }
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
                self.note(narrow(arc));
            }
        }
    }

    fn push(&mut self, arc: u32, pushed: Ticks) {
        let back = self.arcs[wide(arc)].back;
        self.arcs[wide(arc)].left -= pushed;
        self.arcs[wide(back)].left += pushed;
        self.note(arc);
    }

    fn note(&mut self, arc: u32) {
        if !std::mem::replace(&mut self.is_changed[wide(arc)], true) {
            self.changed.push(arc);
        }
    }

    fn reach(&mut self, node: u32, level: u32) {
        let visit = &mut self.visits[wide(node)];
        (visit.search, visit.level, visit.next) = (self.search, level, 0);
    }

    /// Distances from the sources over arcs with room, as far as the nearest end; whether there is one.
    fn levels(&mut self, is_end: impl Fn(u32) -> bool, side: impl Fn(u32) -> u8) -> bool {
        self.search += 1;
        self.queue.clear();
        for place in 0..self.sources.len() {
            let source = self.sources[place];
            if self.excess[wide(source)] > 0 {
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
            if self.gains.is_empty() && self.visits[wide(node)].question != self.question {
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
                if is_end(to) || self.excess[wide(to)] < 0 {
                    last = level;
                } else {
                    self.queue.push(to);
                }
            }
        }
        last < u32::MAX
    }

    /// Pushes flow along one shortest path.
    fn augment(&mut self, is_end: impl Fn(u32) -> bool) -> Ticks {
        while let Some(&source) = self.sources.get(self.source) {
            let excess = self.excess[wide(source)];
            if excess > 0 {
                let pushed = self.augment_from(source, excess, &is_end);
                if pushed > 0 {
                    self.excess[wide(source)] -= pushed;
                    return pushed;
                }
            }
            self.source += 1;
        }
        0
    }

    fn augment_from(&mut self, source: u32, supply: Ticks, is_end: impl Fn(u32) -> bool) -> Ticks {
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        let mut node = source;
        let pushed = loop {
            let here = self.excess[wide(node)];
            if is_end(node) || here < 0 {
                let most = if is_end(node) { supply } else { supply.min(-here) };
                let pushed = path.iter().map(|&arc| self.arcs[wide(arc)].left).fold(most, Ticks::min);
                for &arc in &path {
                    self.push(arc, pushed);
                }
                if node != SINK {
                    self.excess[wide(node)] += pushed;
                }
                break pushed;
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
                let Some(arc) = path.pop() else { break 0 };
                node = self.arcs[wide(self.arcs[wide(arc)].back)].to;
                self.visits[wide(node)].next += 1;
            }
        };
        self.path = path;
        pushed
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

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_instance;
    use crate::cost::{Instance, partition_costs};

    /// What a set of nodes pays for work and tensors less its gains, from the definition.
    fn balance(instance: &Instance, set: usize, gains: &[Ticks]) -> i128 {
        let is_in = |node: &usize| set >> node & 1 == 1;
        let sides: Vec<usize> = (0..gains.len()).map(|node| usize::from(!is_in(&node))).collect();
        let cost = &partition_costs(instance, &sides)[0];
        let gains: Ticks = (0..gains.len()).filter(is_in).map(|node| gains[node]).sum();
        i128::from(cost.work + cost.io_in + cost.io_out - gains)
    }

    #[test]
    fn balances_are_the_least_whatever_was_asked_before() {
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let num_nodes = random.random_range(1..7);
            let instance = random_instance(&mut random, num_nodes, 2);
            let most = 2 * instance.loads().iter().sum::<Ticks>() / count(num_nodes) + 2;
            let quotient = Quotient::new(&instance);
            let mut network = Network::new(&quotient);
            for _ in 0..8 {
                if random.random_bool(0.2) {
                    let (a, threshold) = (random.random_range(0..num_nodes), random.random_range(0..most));
                    let least = network.least_cost(a, None, threshold);
                    assert_eq!(least, Network::new(&quotient).least_cost(a, None, threshold), "case {case}");
                    continue;
                }
                let first = random.random_range(0..num_nodes);
                let is_in: Vec<bool> = (0..num_nodes).map(|node| node == first || random.random_bool(0.7)).collect();
                let gains: Vec<Ticks> = (0..num_nodes).map(|_| random.random_range(0..most)).collect();
                let others = (0..num_nodes).filter(|&node| is_in[node] && node != first);
                let region: Vec<_> = std::iter::once(first).chain(others).map(|node| (node, gains[node])).collect();
                let inside = region.iter().map(|(node, _)| 1 << node).sum::<usize>();
                let sets = (0..1 << num_nodes).filter(|set| set & !inside == 0 && set >> first & 1 == 1);
                let least = sets.map(|set| balance(&instance, set, &gains)).min();
                assert_eq!(Some(network.least_balance(&region, |node| is_in[node])), least, "case {case}");
                let set = network.cheapest().map(|node| 1 << node).sum::<usize>();
                assert!(set & !inside == 0 && set >> first & 1 == 1, "case {case}");
                assert_eq!(Some(balance(&instance, set, &gains)), least, "case {case}");
            }
        }
    }
}
