//! Dinic's algorithm (1970): blocking flows along shortest paths, ended as soon as the flow is enough.

use crate::cost::Ticks;
use crate::ids::{count, narrow, wide};

/// A network with a flow on it: vertices, and arcs in pairs, one there and one back.
pub(crate) trait Residual {
    /// The arcs from a vertex.
    fn arcs(&self, vertex: u32) -> std::ops::Range<usize>;
    /// Where an arc leads.
    fn head(&self, arc: usize) -> u32;
    /// The arc back.
    fn back(&self, arc: usize) -> usize;
    /// How much more can flow along an arc.
    fn room(&self, arc: usize) -> Ticks;
    /// How much can flow from a vertex, when it is more than nothing.
    fn supply(&self, vertex: u32) -> Ticks;
    /// How much can end at a vertex, when it is more than nothing.
    fn demand(&self, vertex: u32) -> Ticks;
    /// Lists the vertices with a supply, each once.
    fn sources(&self, list: &mut Vec<u32>);
    /// How much more flow is asked for.
    fn missing(&self) -> Ticks;
    /// Called for a vertex before its arcs are looked at.
    fn open(&mut self, _vertex: u32) {}
    /// Lets more flow along an arc.
    fn push(&mut self, arc: usize, amount: Ticks);
    /// Takes what has flowed along a path from the supply of its source and the demand of its end.
    fn deliver(&mut self, source: u32, end: u32, amount: Ticks);
}

/// A vertex as the last search has seen it.
#[derive(Clone, Copy, Debug, Default)]
struct Visit {
    search: u32,
    level: u32,
    /// Of its arcs, the next one to be tried.
    next: u32,
}

/// The searches for shortest paths, and what they need.
#[derive(Debug, Default)]
pub(crate) struct Dinic {
    visits: Vec<Visit>,
    search: u32,
    queue: Vec<u32>,
    num_sources: usize,
    path: Vec<u32>,
    /// Arcs that searches for distances have looked at.
    pub(crate) looked: u64,
    /// What else was done: one for each such search, and the arcs tried and pushed along for paths.
    pub(crate) walked: u64,
}

impl Dinic {
    pub(crate) fn new(num_vertices: usize) -> Self {
        Self { visits: vec![Visit::default(); num_vertices], ..Self::default() }
    }

    /// Lets flow what can, until it is enough.
    pub(crate) fn augment(&mut self, network: &mut impl Residual) {
        while network.missing() > 0 && self.find_levels(network) {
            for place in 0..self.num_sources {
                self.send(network, self.queue[place]);
            }
        }
    }

    /// The vertices that the last search has reached: after a flow that lacks something, the source's side of the least cut.
    pub(crate) fn reached(&self) -> &[u32] {
        &self.queue
    }

    /// Whether the last search has reached a vertex.
    pub(crate) fn is_reached(&self, vertex: u32) -> bool {
        self.visits[wide(vertex)].search == self.search
    }

    /// Distances from the sources over arcs with room, as far as the nearest demand; whether there is one.
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

    /// Sends what a source has along shortest paths.
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

    /// Pushes flow along the path, and goes back to where it can branch off.
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
