//! The most that flows from a source to a sink: Dinic's algorithm (E. A. Dinic 1970), blocking flows along shortest paths.
//!
//! Any flow is no more than any cut: a mistake of the search would show too little, never too much. Arcs may be made when the flow
//! comes by, so that one which is soon enough stays near its source.

use crate::stop::{Steps, Stop};

const UNSEEN: usize = usize::MAX;

/// Residual capacities, and what the searches for paths need. No arc has a capacity of 2^62 or more but where no flow reaches that.
pub(crate) struct Flow {
    arcs: Vec<Vec<usize>>,
    head: Vec<usize>,
    capacity: Vec<i64>,
    level: Vec<usize>,
    next: Vec<usize>,
    /// Vertices with arcs that were added since the last `clear`.
    used: Vec<usize>,
    queue: Vec<usize>,
    path: Vec<usize>,
}

impl Flow {
    /// Vertices without arcs.
    pub(crate) fn new(num_vertices: usize) -> Self {
        Self {
            arcs: vec![Vec::new(); num_vertices],
            head: Vec::new(),
            capacity: Vec::new(),
            level: vec![UNSEEN; num_vertices],
            next: vec![0; num_vertices],
            used: Vec::new(),
            queue: Vec::new(),
            path: Vec::new(),
        }
    }

    pub(crate) fn num_vertices(&self) -> usize {
        self.arcs.len()
    }

    /// Adds an arc, and one without room against it; gives its number.
    pub(crate) fn connect(&mut self, tail: usize, head: usize, capacity: i64) -> usize {
        let arc = self.head.len();
        for (vertex, end, room) in [(tail, head, capacity), (head, tail, 0)] {
            if self.arcs[vertex].is_empty() {
                self.used.push(vertex);
            }
            self.arcs[vertex].push(self.head.len());
            self.head.push(end);
            self.capacity.push(room);
        }
        arc
    }

    /// Removes all arcs.
    pub(crate) fn clear(&mut self) {
        for vertex in self.used.drain(..) {
            self.arcs[vertex].clear();
        }
        self.forget_levels();
        self.head.clear();
        self.capacity.clear();
    }

    /// Arcs, with those against them.
    pub(crate) fn num_arcs(&self) -> usize {
        self.head.len()
    }

    /// The arcs of a vertex, and the vertices that they lead to.
    pub(crate) fn arcs(&self, vertex: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.arcs[vertex].iter().map(|&arc| (arc, self.head[arc]))
    }

    /// Sets the capacities of all arcs.
    pub(crate) fn set_capacities(&mut self, capacities: &[i64]) {
        self.capacity.clear();
        self.capacity.extend_from_slice(capacities);
    }

    /// Vertices on the source's side of the least cut, after a flow that was not enough.
    pub(crate) fn reached(&self) -> &[usize] {
        &self.queue
    }

    /// The most that flows, or `enough` when it is more. Before the arcs of a vertex are looked at, `expand` may add some; it gives
    /// the steps that this takes.
    pub(crate) fn send(
        &mut self,
        [source, sink]: [usize; 2],
        enough: i64,
        mut expand: impl FnMut(&mut Self, usize) -> usize,
        steps: &mut Steps,
    ) -> Result<i64, Stop> {
        let mut total = 0;
        while total < enough && self.set_levels([source, sink], &mut expand, steps)? {
            total += self.saturate([source, sink], enough - total, steps)?;
        }
        Ok(total)
    }

    fn forget_levels(&mut self) {
        for vertex in self.queue.drain(..) {
            (self.level[vertex], self.next[vertex]) = (UNSEEN, 0);
        }
    }

    /// Sets the distance from the source of what is no further than the sink; whether that is reached.
    fn set_levels(
        &mut self,
        [source, sink]: [usize; 2],
        expand: &mut impl FnMut(&mut Self, usize) -> usize,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        self.forget_levels();
        self.queue.push(source);
        self.level[source] = 0;
        let mut at = 0;
        while let Some(&vertex) = self.queue.get(at) {
            at += 1;
            if self.level[vertex] >= self.level[sink] {
                break;
            }
            let taken = expand(self, vertex);
            steps.spend(1 + taken + self.arcs[vertex].len())?;
            for &arc in &self.arcs[vertex] {
                let head = self.head[arc];
                if self.capacity[arc] > 0 && self.level[head] == UNSEEN {
                    self.level[head] = self.level[vertex] + 1;
                    self.queue.push(head);
                }
            }
        }
        Ok(self.level[sink] != UNSEEN)
    }

    /// Sends flow along shortest paths until there are none, or until it is enough.
    fn saturate(&mut self, [source, sink]: [usize; 2], enough: i64, steps: &mut Steps) -> Result<i64, Stop> {
        let mut total = 0;
        self.path.clear();
        while total < enough {
            let vertex = self.path.last().map_or(source, |&arc| self.head[arc]);
            if vertex == sink {
                steps.spend(1 + self.path.len())?;
                let rooms = self.path.iter().map(|&arc| self.capacity[arc]);
                let amount = rooms.fold(enough - total, i64::min);
                for &arc in &self.path {
                    self.capacity[arc] -= amount;
                    self.capacity[arc ^ 1] += amount;
                }
                total += amount;
                let full = self.path.iter().position(|&arc| self.capacity[arc] == 0).unwrap_or(0);
                self.path.truncate(full);
                continue;
            }
            let (begin, wanted) = (self.next[vertex], self.level[vertex] + 1);
            let is_open = |&arc: &usize| self.capacity[arc] > 0 && self.level[self.head[arc]] == wanted;
            let found = self.arcs[vertex][begin..].iter().position(is_open);
            steps.spend(1 + found.unwrap_or(self.arcs[vertex].len() - begin))?;
            if let Some(place) = found {
                self.next[vertex] = begin + place;
                self.path.push(self.arcs[vertex][begin + place]);
            } else {
                self.next[vertex] = self.arcs[vertex].len();
                let Some(arc) = self.path.pop() else { break };
                self.next[self.head[arc ^ 1]] += 1;
            }
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::cases::source;

    #[test]
    fn a_flow_is_the_least_of_all_cuts_or_enough_and_its_side_is_such_a_cut() {
        for case in 0..2_000 {
            let random = &mut source(case);
            let num_vertices = random.random_range(2..8);
            let num_arcs = random.random_range(0..16);
            let arcs: Vec<(usize, usize, i64)> = (0..num_arcs)
                .map(|_| {
                    let [tail, head] = [(); 2].map(|()| random.random_range(0..num_vertices));
                    let capacity = if random.random_bool(0.1) { 1 << 62 } else { random.random_range(0..5) };
                    (tail, head, capacity)
                })
                .collect();
            let enough = if random.random() { 1 << 62 } else { random.random_range(0..12) };
            let worth = |side: usize| {
                let is_in = |vertex: usize| side >> vertex & 1 == 1;
                let crossing = arcs.iter().filter(|(tail, head, _)| is_in(*tail) && !is_in(*head));
                crossing.map(|(.., capacity)| i128::from(*capacity)).sum::<i128>()
            };
            let least = (0..1_usize << num_vertices).filter(|side| side & 3 == 1).map(worth).min();
            let wanted = least.map_or(i128::from(enough), |least| least.min(i128::from(enough)));
            // Arcs are there from the beginning, or come by.
            for is_lazy in [false, true] {
                let mut flow = Flow::new(num_vertices);
                let mut is_made = vec![!is_lazy; num_vertices];
                if !is_lazy {
                    for &(tail, head, capacity) in &arcs {
                        flow.connect(tail, head, capacity);
                    }
                }
                let expand = |flow: &mut Flow, vertex: usize| {
                    if !std::mem::replace(&mut is_made[vertex], true) {
                        for &(tail, head, capacity) in arcs.iter().filter(|(tail, ..)| *tail == vertex) {
                            flow.connect(tail, head, capacity);
                        }
                    }
                    1
                };
                let found = flow.send([0, 1], enough, expand, &mut Steps::new(u64::MAX)).expect("enough steps");
                assert_eq!(i128::from(found), wanted, "case {case}");
                if found < enough {
                    let side = flow.reached().iter().map(|vertex| 1 << vertex).sum();
                    assert_eq!(worth(side), i128::from(found), "case {case}");
                }
            }
        }
    }
}
