//! Two blocks: a tree of cases, each of which is closed by a mean of what both blocks cost.
//!
//! **Claim.** Of a problem with two blocks on one kind of device that pays sums, let a case be the partitions with some nodes in
//! the first block, and some in the second. Let no mean `a cost(D) + (WHOLE - a) cost(rest)` over the downsets `D` of a case be
//! `WHOLE (T - 1)` or less. Then none of its partitions is better than `T`. A tree closes all partitions when a node divides
//! each case that it does not close: the node is in the first block, or in the second.
//!
//! **Proof.** The first block of a partition is a downset, and the second one the rest; with one block the other is empty. Costs
//! are integers: in a better partition both are `T - 1` at most, and so is their mean. A node is in one of two blocks, so that each
//! partition is in one of two parts of its case, and by induction in a closed one. ∎
//!
//! **The network.** `D` is the side of the source. A group pays `a` times its load where it is in `D`, an arc to the sink, else
//! `WHOLE - a` times, an arc from the source. A tensor that crosses is paid by both: an arc from its producer to a vertex that is
//! in `D` only with all readers. A model output that is paid is a part of its producer's load; a reader in the second block pays it
//! once more where the producer is in the first one. A model input is paid by each block with a reader. Infinite arcs keep
//! producers of readers in `D`, and nodes on their sides; where they lead from one side to the other, the case has no partition.
//! Overflow and limits are left out, which allows more. Any flow is no more than any cut: the worth of a flow is that of a mean.
//!
//! Sums are below 2^53, means below 2^63, and flows with infinite arcs in 128 bits.

use crate::problem::{NONE, Problem};
use crate::stop::{Steps, Stop};

/// A share is a number of so many parts.
const WHOLE: u64 = 1 << 10;
const INFINITE: i128 = 1 << 80;
const UNSEEN: usize = usize::MAX;
const SOURCE: usize = 0;
const SINK: usize = 1;

/// What a tree says of the next case: the parts of one that is divided follow it, the first one with all of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// It is closed by this share of the first block.
    Share(u64),
    /// A node divides it, which is in the second block first where it says so.
    Node(usize, bool),
}

/// Proves that no partition is better than the threshold.
pub(crate) fn check_bisection(
    problem: &Problem,
    threshold: i64,
    tree: &[Branch],
    steps: &mut Steps,
) -> Result<(), Stop> {
    if problem.num_blocks > 2 || problem.kinds.len() > 1 || problem.kinds[0].is_overlap {
        return Err(Stop::malformed("there are not two blocks that pay sums on one kind of device"));
    }
    let mut network = Network::new(problem, steps)?;
    // Nodes that divide, each with the block that it is in, and whether the other one comes after it.
    let mut path: Vec<(usize, bool, bool)> = Vec::new();
    let mut is_done = false;
    for &branch in tree {
        if is_done {
            return Err(Stop::malformed("nothing is left to be closed"));
        }
        match branch {
            Branch::Node(node, is_second) => {
                if node >= problem.num_nodes() {
                    return Err(Stop::malformed("a node that divides is not there"));
                }
                path.push((node, is_second, true));
            }
            Branch::Share(share) => {
                if share > WHOLE {
                    return Err(Stop::malformed("a share is more than the whole"));
                }
                steps.spend(path.len())?;
                network.set_case(i128::from(share), &path);
                let least = i128::from(WHOLE) * i128::from(threshold - 1) + 1;
                if network.flow(least, steps)? < least {
                    return Err(Stop::Open);
                }
                while path.pop_if(|last| !last.2).is_some() {}
                match path.last_mut() {
                    Some(divided) => *divided = (divided.0, !divided.1, false),
                    None => is_done = true,
                }
            }
        }
    }
    if is_done { Ok(()) } else { Err(Stop::Open) }
}

/// The arcs, which are the same for each case but for those of the source and the sink.
struct Network {
    arcs: Vec<Vec<usize>>,
    head: Vec<usize>,
    capacity: Vec<i128>,
    left: Vec<i128>,
    /// What each vertex but the source and the sink pays in `D`, and out of it.
    pays: Vec<[i128; 2]>,
    level: Vec<usize>,
    next: Vec<usize>,
}

impl Network {
    fn new(problem: &Problem, steps: &mut Steps) -> Result<Self, Stop> {
        let (kind, whole) = (&problem.kinds[0], i128::from(WHOLE));
        let loads = kind.work.iter().zip(problem.outputs(0)).map(|(work, outputs)| i128::from(work + outputs));
        let mut network = Self {
            arcs: vec![Vec::new(); 2],
            head: Vec::new(),
            capacity: Vec::new(),
            left: Vec::new(),
            pays: Vec::new(),
            level: Vec::new(),
            next: Vec::new(),
        };
        for load in loads {
            network.add([load, load]);
        }
        for (tensor, readers) in problem.consumers.iter().enumerate() {
            steps.spend(1 + readers.len())?;
            let (producer, transfer) = (problem.producer[tensor], i128::from(kind.transfer[tensor]));
            if readers.is_empty() || producer == NONE && !problem.boundary_io {
                continue;
            }
            let readers = readers.iter().map(|reader| reader + 2);
            if producer == NONE {
                let any = network.add([transfer, 0]);
                readers.clone().for_each(|reader| network.connect(reader, any, INFINITE));
            } else {
                readers.clone().for_each(|reader| network.connect(reader, producer + 2, INFINITE));
            }
            let is_paid_by_reader = producer == NONE || problem.is_paid_output(tensor);
            let all = network.add([0, if is_paid_by_reader { transfer } else { 0 }]);
            readers.for_each(|reader| network.connect(all, reader, INFINITE));
            if producer != NONE {
                if is_paid_by_reader {
                    network.pays[producer][1] -= transfer;
                } else {
                    network.connect(producer + 2, all, whole * transfer);
                }
            }
        }
        for vertex in 2..network.arcs.len() {
            network.connect(SOURCE, vertex, 0);
            network.connect(vertex, SINK, 0);
        }
        (network.level, network.next) = (vec![UNSEEN; network.arcs.len()], vec![0; network.arcs.len()]);
        Ok(network)
    }

    /// Adds a vertex that pays so much in `D`, and so much out of it.
    fn add(&mut self, pays: [i128; 2]) -> usize {
        self.pays.push(pays);
        self.arcs.push(Vec::new());
        self.arcs.len() - 1
    }

    fn connect(&mut self, tail: usize, head: usize, capacity: i128) {
        for (vertex, end, room) in [(tail, head, capacity), (head, tail, 0)] {
            self.arcs[vertex].push(self.head.len());
            self.head.push(end);
            self.capacity.push(room);
        }
    }

    /// Sets what is paid for a share, with nodes on their sides.
    fn set_case(&mut self, share: i128, path: &[(usize, bool, bool)]) {
        self.left.clone_from(&self.capacity);
        // The last arcs are those of the terminals, four for each vertex.
        let begin = self.left.len() - 4 * self.pays.len();
        for (vertex, pays) in self.pays.iter().enumerate() {
            self.left[begin + 4 * vertex] = (i128::from(WHOLE) - share) * pays[1];
            self.left[begin + 4 * vertex + 2] = share * pays[0];
        }
        for &(node, is_second, _) in path {
            self.left[begin + 4 * node + if is_second { 2 } else { 0 }] = INFINITE;
        }
    }

    /// The most that flows, or no less than what is enough.
    fn flow(&mut self, enough: i128, steps: &mut Steps) -> Result<i128, Stop> {
        let mut total = 0;
        steps.spend(self.left.len())?;
        while total < enough && self.set_levels(steps)? {
            total += self.saturate(enough - total, steps)?;
        }
        Ok(total)
    }

    /// Sets distances from the source; whether the sink is reached.
    fn set_levels(&mut self, steps: &mut Steps) -> Result<bool, Stop> {
        self.level.fill(UNSEEN);
        self.next.fill(0);
        self.level[SOURCE] = 0;
        let mut queue = vec![SOURCE];
        let mut at = 0;
        while let Some(&vertex) = queue.get(at) {
            at += 1;
            if self.level[vertex] >= self.level[SINK] {
                break;
            }
            steps.spend(1 + self.arcs[vertex].len())?;
            for &arc in &self.arcs[vertex] {
                let head = self.head[arc];
                if self.left[arc] > 0 && self.level[head] == UNSEEN {
                    self.level[head] = self.level[vertex] + 1;
                    queue.push(head);
                }
            }
        }
        Ok(self.level[SINK] != UNSEEN)
    }

    /// Sends flow along shortest paths until there are none, or until it is enough.
    fn saturate(&mut self, enough: i128, steps: &mut Steps) -> Result<i128, Stop> {
        let (mut total, mut path) = (0, Vec::new());
        while total < enough {
            let vertex = path.last().map_or(SOURCE, |&arc: &usize| self.head[arc]);
            if vertex == SINK {
                steps.spend(1 + path.len())?;
                let amount = path.iter().map(|&arc| self.left[arc]).min().unwrap_or(0);
                for &arc in &path {
                    self.left[arc] -= amount;
                    self.left[arc ^ 1] += amount;
                }
                total += amount;
                let full = path.iter().position(|&arc| self.left[arc] == 0).unwrap_or(0);
                path.truncate(full);
                continue;
            }
            let (begin, wanted) = (self.next[vertex], self.level[vertex] + 1);
            let is_open = |&arc: &usize| self.left[arc] > 0 && self.level[self.head[arc]] == wanted;
            let found = self.arcs[vertex][begin..].iter().position(is_open);
            steps.spend(1 + found.unwrap_or(0))?;
            if let Some(place) = found {
                self.next[vertex] = begin + place;
                path.push(self.arcs[vertex][begin + place]);
            } else {
                self.next[vertex] = self.arcs[vertex].len();
                let Some(arc) = path.pop() else { break };
                self.next[self.head[arc ^ 1]] += 1;
            }
        }
        Ok(total)
    }
}
