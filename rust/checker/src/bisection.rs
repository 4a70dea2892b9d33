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
//! **Sides.** A vertex that infinite arcs keep on the side of a node of the case has an infinite arc of its own: of cuts of the case
//! that changes none, and flows need not go through all that lies between. Nothing flows beyond what is enough, so an arc has
//! room for no more than that, where more is infinite: 2^62 at most.

use crate::flow::Flow;
use crate::problem::{NONE, Problem};
use crate::stop::{Steps, Stop};

/// A share is a number of so many parts.
const WHOLE: u64 = 1 << 10;
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
    let mut network = Network::new(problem, threshold, steps)?;
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
                if !network.is_closed(share, &path, steps)? {
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

/// The arcs, which are the same for each case but for what those of the source and the sink have room for.
struct Network {
    flow: Flow,
    /// Of all arcs in each case, but for those of the source and the sink, which are the last ones.
    capacity: Vec<i64>,
    /// What each vertex but the source and the sink pays in `D`, and out of it.
    pays: Vec<[i128; 2]>,
    /// What is enough for all: nothing has to be larger.
    enough: i64,
    /// Vertices whose side is known.
    is_placed: [Vec<bool>; 2],
    placed: Vec<usize>,
}

impl Network {
    fn new(problem: &Problem, threshold: i64, steps: &mut Steps) -> Result<Self, Stop> {
        let kind = &problem.kinds[0];
        let loads = kind.work.iter().zip(problem.outputs(0)).map(|(work, outputs)| i128::from(work + outputs));
        let mut pays: Vec<[i128; 2]> = loads.map(|load| [load, load]).collect();
        let mut arcs = Vec::new();
        let add = |pays: &mut Vec<[i128; 2]>, pay: [i128; 2]| {
            pays.push(pay);
            pays.len() + 1
        };
        for (tensor, readers) in problem.consumers.iter().enumerate() {
            steps.spend(1 + 4 * readers.len())?;
            let (producer, transfer) = (problem.producer[tensor], i128::from(kind.transfer[tensor]));
            if readers.is_empty() || producer == NONE && !problem.boundary_io {
                continue;
            }
            let readers = readers.iter().map(|reader| reader + 2);
            let source = if producer == NONE { add(&mut pays, [transfer, 0]) } else { producer + 2 };
            arcs.extend(readers.clone().map(|reader| (reader, source, None)));
            let is_paid_by_reader = producer == NONE || problem.is_paid_output(tensor);
            let all = add(&mut pays, [0, if is_paid_by_reader { transfer } else { 0 }]);
            arcs.extend(readers.map(|reader| (all, reader, None)));
            if producer != NONE && is_paid_by_reader {
                pays[producer][1] -= transfer;
            } else if producer != NONE {
                arcs.push((source, all, Some(i128::from(WHOLE) * transfer)));
            }
        }
        let num_vertices = pays.len() + 2;
        steps.spend(num_vertices)?;
        let enough = i64::try_from(WHOLE).unwrap_or(0) * (threshold - 1) + 1;
        let mut network = Self {
            flow: Flow::new(num_vertices),
            capacity: Vec::new(),
            pays,
            enough,
            is_placed: [(); 2].map(|()| vec![false; num_vertices]),
            placed: Vec::new(),
        };
        for (tail, head, room) in arcs {
            network.flow.connect(tail, head, 0);
            network.capacity.extend([network.room(room), 0]);
        }
        for vertex in 2..num_vertices {
            network.flow.connect(SOURCE, vertex, 0);
            network.flow.connect(vertex, SINK, 0);
        }
        Ok(network)
    }

    /// What an arc has room for, or what is enough where that is less; none is never cut.
    fn room(&self, room: Option<i128>) -> i64 {
        room.and_then(|room| i64::try_from(room).ok()).map_or(self.enough, |room| room.min(self.enough))
    }

    /// Whether no mean of a share is too little, with nodes on their sides.
    fn is_closed(&mut self, share: u64, path: &[(usize, bool, bool)], steps: &mut Steps) -> Result<bool, Stop> {
        steps.spend(self.flow.num_arcs())?;
        self.place(path, steps)?;
        let parts = [i128::from(WHOLE - share), i128::from(share)];
        let mut capacities = self.capacity.clone();
        for (place, &[inside, outside]) in self.pays.iter().enumerate() {
            for (side, pay) in [outside, inside].into_iter().enumerate() {
                let is_placed = self.is_placed[side][place + 2];
                let room = self.room((!is_placed).then_some(parts[side] * pay));
                capacities.extend([room, 0]);
            }
        }
        self.flow.set_capacities(&capacities);
        Ok(self.flow.send([SOURCE, SINK], self.enough, |_, _| 0, steps)? >= self.enough)
    }

    /// Puts nodes on their sides, and all vertices that are there with them: what a vertex in `D` leads to by an arc that is never
    /// cut is in `D`, and what leads to one out of it is out.
    fn place(&mut self, path: &[(usize, bool, bool)], steps: &mut Steps) -> Result<(), Stop> {
        let Self { flow, capacity, is_placed, placed, enough, .. } = self;
        for side in [0, 1] {
            is_placed[side].fill(false);
            placed.clear();
            placed.extend(path.iter().filter(|at| usize::from(at.1) == side).map(|at| at.0 + 2));
            while let Some(vertex) = placed.pop() {
                if std::mem::replace(&mut is_placed[side][vertex], true) {
                    continue;
                }
                steps.spend(1)?;
                for (arc, head) in flow.arcs(vertex) {
                    steps.spend(1)?;
                    if capacity.get(arc ^ side) == Some(enough) {
                        placed.push(head);
                    }
                }
            }
        }
        Ok(())
    }
}
