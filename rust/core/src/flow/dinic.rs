//! Dinic's algorithm (1970): blocking flows along shortest paths, ended as soon as the flow reaches a threshold.
//!
//! Sources are groups with an excess; flow ends at the sink, at a group that is elsewhere, and at one that misses flow.

use super::network::{Arc, ELSEWHERE, Network, SINK};
use crate::cost::Ticks;
use crate::ids::{count, narrow, wide};

impl Network<'_, '_> {
    /// Lets flow what can, until it reaches `threshold`.
    pub(super) fn cut(&mut self, threshold: Ticks, side: impl Fn(u32) -> u8) {
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

    fn reach(&mut self, node: u32, level: u32) {
        let visit = &mut self.visits[wide(node)];
        (visit.search, visit.level, visit.next) = (self.search, level, 0);
    }
}
