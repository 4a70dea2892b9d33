//! Dinic's algorithm (1970): blocking flows along shortest paths, ended as soon as the flow reaches a limit.

use crate::cost::Ticks;
use crate::ids::{count, narrow, wide};

/// A residual network: vertices, and pairs of an arc and its reverse arc.
pub(crate) trait Residual {
    /// The arcs from a vertex.
    fn arcs(&self, vertex: u32) -> std::ops::Range<usize>;
    /// The head of an arc.
    fn head(&self, arc: usize) -> u32;
    /// The reverse arc.
    fn back(&self, arc: usize) -> usize;
    /// The residual capacity of an arc.
    fn room(&self, arc: usize) -> Ticks;
    /// The supply that is left at a vertex, if positive.
    fn supply(&self, vertex: u32) -> Ticks;
    /// The demand that is left at a vertex, if positive.
    fn demand(&self, vertex: u32) -> Ticks;
    /// Lists the vertices with a supply, each once.
    fn sources(&self, list: &mut Vec<u32>);
    /// The flow that is missing to the limit.
    fn missing(&self) -> Ticks;
    /// Called for a vertex before its arcs are visited.
    fn open(&mut self, _vertex: u32) {}
    /// Adds flow on an arc.
    fn push(&mut self, arc: usize, amount: Ticks);
    /// Subtracts the flow along a path from the supply of its source and the demand of its end.
    fn deliver(&mut self, source: u32, end: u32, amount: Ticks);
}

/// The state of a vertex in the last breadth-first search.
#[derive(Clone, Copy, Debug, Default)]
struct Visit {
    search: u32,
    level: u32,
    /// The next of its arcs to be tried.
    next: u32,
}

/// The state of the algorithm.
#[derive(Debug, Default)]
pub(crate) struct Dinic {
    visits: Vec<Visit>,
    search: u32,
    queue: Vec<u32>,
    num_sources: usize,
    path: Vec<u32>,
    /// Arcs that breadth-first searches have visited.
    pub(crate) looked: u64,
    /// Other steps: one for each such search, and the arcs that paths have tried and pushed flow on.
    pub(crate) walked: u64,
}

impl Dinic {
    pub(crate) fn new(num_vertices: usize) -> Self {
        Self { visits: vec![Visit::default(); num_vertices], ..Self::default() }
    }

    /// Augments the flow until it is maximum or reaches the limit.
    pub(crate) fn augment(&mut self, network: &mut impl Residual) {
        while network.missing() > 0 && self.find_levels(network) {
            for place in 0..self.num_sources {
                self.send(network, self.queue[place]);
            }
        }
    }

    /// The vertices that the last search has reached: if the flow is below the limit, the source side of a minimum cut.
    pub(crate) fn reached(&self) -> &[u32] {
        &self.queue
    }

    /// Whether the last search has reached a vertex.
    pub(crate) fn is_reached(&self, vertex: u32) -> bool {
        self.visits[wide(vertex)].search == self.search
    }

    /// Distances from the sources in the residual network, as far as the nearest demand; whether there is one.
    fn find_levels(&mut self, network: &mut impl Residual) -> bool {
        self.search += 1;
        self.walked += 1;
        self.queue.clear();
        network.sources(&mut self.queue);
        self.num_sources = self.queue.len();
        for place in 0..self.num_sources {
            self.reach(self.queue[place], 0);
        }
        let (mut at, mut last) = (0, u32::MAX);
        while let Some(&vertex) = self.queue.get(at) {
            at += 1;
            let level = self.visits[wide(vertex)].level + 1;
            if level > last {
                break;
            }
            network.open(vertex);
            let arcs = network.arcs(vertex);
            self.looked += count(arcs.len()).unsigned_abs();
            for arc in arcs {
                if network.room(arc) == 0 {
                    continue;
                }
                let head = network.head(arc);
                if self.is_reached(head) {
                    continue;
                }
                self.reach(head, level);
                if network.demand(head) > 0 {
                    last = level;
                } else {
                    self.queue.push(head);
                }
            }
        }
        last < u32::MAX
    }

    fn reach(&mut self, vertex: u32, level: u32) {
        self.visits[wide(vertex)] = Visit { search: self.search, level, next: 0 };
    }

    /// Sends the supply of a source along shortest paths: a blocking flow.
    fn send(&mut self, network: &mut impl Residual, source: u32) {
        self.path.clear();
        while network.missing() > 0 && network.supply(source) > 0 {
            let vertex = self.path.last().map_or(source, |&arc| network.head(wide(arc)));
            if network.demand(vertex) > 0 {
                self.push(network, source, vertex);
                continue;
            }
            let Visit { level, next, .. } = self.visits[wide(vertex)];
            let arcs = network.arcs(vertex);
            let begin = arcs.start + wide(next);
            let is_next = |&arc: &usize| {
                network.room(arc) > 0 && {
                    let visit = self.visits[wide(network.head(arc))];
                    visit.search == self.search && visit.level == level + 1
                }
            };
            let found = (begin..arcs.end).find(is_next);
            let end = found.unwrap_or(arcs.end);
            self.visits[wide(vertex)].next = narrow(end - arcs.start);
            self.walked += 1 + count(end - begin).unsigned_abs();
            if let Some(arc) = found {
                self.path.push(narrow(arc));
            } else {
                let Some(arc) = self.path.pop() else { return };
                let tail = network.head(network.back(wide(arc)));
                self.visits[wide(tail)].next += 1;
            }
        }
    }

    /// Pushes flow along the path, and truncates it before its first saturated arc.
    fn push(&mut self, network: &mut impl Residual, source: u32, end: u32) {
        let most = network.supply(source).min(network.demand(end)).min(network.missing());
        let amount = self.path.iter().map(|&arc| network.room(wide(arc))).fold(most, Ticks::min);
        self.walked += 1 + count(self.path.len()).unsigned_abs();
        for &arc in &self.path {
            network.push(wide(arc), amount);
        }
        network.deliver(source, end, amount);
        let full = self.path.iter().position(|&arc| network.room(wide(arc)) == 0);
        self.path.truncate(full.unwrap_or(self.path.len().saturating_sub(1)));
    }
}
