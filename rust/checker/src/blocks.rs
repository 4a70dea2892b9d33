//! Whether a block leads from one downset to another, and which downsets need not be reached.
//!
//! **Claim.** The block between two downsets is given exactly where the stage may hold it, within the limits, below the threshold.
//!
//! **Proof.** It has the nodes that are in the one and not in the other. A tensor is imported once where such a node reads it and none
//! makes it, and is exported where one makes it and a reader is not in; since downsets are closed, that reader is later. What
//! is passed over before that (`Point`) costs too much: a tensor that is live (read outside a downset that its producer is in) at one
//! of both alone is exported or imported, so the block pays at least the difference of what is live in any set of tensors. ∎
//!
//! **Dominance.** On devices of one kind that pays the sum, where every stage may hold every node, a downset `D` that a block
//! leads to from `D'` is left out when it leaves out a node `u` whose producers are in, the block from `D'` to `D + u` is cheap enough,
//! too, and `import(what u makes) <= load(u) + import(what u is the last to read)`. This loses no better partition: of all of them, take
//! the one with the fewest blocks whose last downset is the largest, then the last but one, and so on. Were one of its downsets
//! dominated, `u` could move up into what was reached: its block loses the load of `u` and the import of what it is the last to read,
//! and imports at most what `u` makes; it stores no more, and other blocks do not change. So it would not be the one. What windows
//! and node weights say holds for all better partitions, and so for this one. In a part of the windows where no stage can be empty
//! (`levels.rs`) the same holds of the best partition of the part: `u` moves only to a stage that its window has. In other parts
//! nothing is left out. Nor is it from the back, whatever the stages: the mirror image of the rule keeps another partition, and both
//! together could lose all.

use std::rc::Rc;

use crate::bits::Bits;
use crate::capacities::is_free_of_memory;
use crate::downsets::{Downset, Live};
use crate::incidence::Incidence;
use crate::order::Order;
use crate::problem::{Kind, NONE, Problem};
use crate::reach::Reach;
use crate::stop::{Steps, Stop};

/// Readers of a parameter that are looked at in the time of a step.
const READERS_PER_STEP: usize = 8;

/// What a block takes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sums {
    work: i64,
    io: i64,
    params: i64,
    bytes: i64,
    state: i64,
    live: i64,
}

/// Blocks on one kind of device.
pub(crate) struct Blocks<'a> {
    problem: &'a Problem,
    order: &'a Order,
    on: &'a Kind,
    kind: usize,
    threshold: i64,
    /// What a block may weigh.
    room: i128,
    weights: &'a [i128],
    outputs: Vec<i64>,
    of_nodes: Rc<Incidence>,
    /// The first tensor that each node reads and another one makes, and the nodes that read none.
    first_read: Vec<usize>,
    sources: Vec<usize>,
    /// Whether what blocks store plays no part.
    is_free: bool,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(reach: &'a Reach<'_>, of_nodes: &Rc<Incidence>, kind: usize, threshold: i64) -> Self {
        let Reach { problem, order, weight: weights, .. } = reach;
        let on = &problem.kinds[kind];
        let room = i128::from(on.multiplier) * i128::from(threshold - 1);
        let is_made = |tensor: &&usize| problem.producer[**tensor] != NONE;
        let first_read: Vec<usize> =
            of_nodes.reads.iter().map(|read| read.iter().find(is_made).copied().unwrap_or(NONE)).collect();
        Self {
            problem,
            order,
            on,
            kind,
            threshold,
            room,
            weights,
            outputs: problem.outputs(kind),
            of_nodes: Rc::clone(of_nodes),
            sources: (0..first_read.len()).filter(|&node| first_read[node] == NONE).collect(),
            first_read,
            is_free: is_free_of_memory(on),
        }
    }

    /// What the block between two downsets takes, if the stage may hold it.
    pub(crate) fn between(
        &self,
        [from, to]: [&Downset; 2],
        barred: &Bits,
        steps: &mut Steps,
    ) -> Result<Option<Sums>, Stop> {
        steps.spend(1)?;
        let [start, end] = [from, to].map(|downset| &downset.points[self.kind]);
        let (work, outputs) = (end.work - start.work, end.outputs - start.outputs);
        if self.on.busy(work, outputs + start.io(end), 0) >= self.threshold
            || !from.inside.is_within(&to.inside)
            || to.weight - from.weight > self.room
        {
            return Ok(None);
        }
        if to.inside.has_beyond(&from.inside, barred) {
            return Ok(None);
        }
        steps.spend(2 + from.live.len() + to.live.len())?;
        let mut sums = Sums { work, io: outputs, ..Sums::default() };
        if !self.add_moved(&mut sums, [&from.live, &to.live]) {
            return Ok(None);
        }
        if !self.is_free {
            self.hold(&mut sums, [&from.inside, &to.inside], steps)?;
        }
        Ok(self.is_within(&sums).then_some(sums))
    }

    /// Adds what a block moves, by what is live before it and after it: it imports what is live before it and what it reads of that,
    /// and exports what is live after it only. Whether it costs less than the threshold.
    fn add_moved(&self, sums: &mut Sums, [mut before, mut after]: [&[Live]; 2]) -> bool {
        while self.on.busy(sums.work, sums.io, 0) < self.threshold {
            match (before.split_first(), after.split_first()) {
                (None, None) => return true,
                (Some((one, rest)), Some((other, others))) if one.tensor == other.tensor => {
                    sums.io += if one.readers == other.readers { 0 } else { self.on.transfer[one.tensor] };
                    (before, after) = (rest, others);
                }
                (Some((one, rest)), other) if other.is_none_or(|(other, _)| one.tensor < other.tensor) => {
                    sums.io += self.on.transfer[one.tensor];
                    before = rest;
                }
                (_, Some((other, others))) => {
                    sums.io += self.problem.leaving(other.tensor, self.kind);
                    after = others;
                }
                (Some(_), None) => return false,
            }
        }
        false
    }

    /// Adds what a block stores.
    fn hold(&self, sums: &mut Sums, [from, to]: [&Bits; 2], steps: &mut Steps) -> Result<(), Stop> {
        let (mut grown, mut taken) = (from.clone(), 2 * from.num_words());
        for node in to.without(from) {
            taken += 1 + self.steps_of_shared(node);
            self.store(sums, [from, &grown], node);
            grown.insert(node);
        }
        steps.spend(taken)
    }

    /// Steps of visiting the readers of a node's parameters.
    fn steps_of_shared(&self, node: usize) -> usize {
        self.of_nodes.shared[node]
            .iter()
            .map(|&param| 1 + self.problem.param_readers[param].len() / READERS_PER_STEP)
            .sum()
    }

    /// Adds a node to what those of a block take that are in `grown`; all that are in the end are in `to`.
    fn add(&self, sums: &mut Sums, [from, grown, to]: [&Bits; 3], node: usize) {
        let problem = self.problem;
        let has_any = |readers: &[usize]| readers.iter().any(|&each| grown.has(each) && !from.has(each));
        sums.work += self.on.work[node];
        sums.io += self.outputs[node];
        for &tensor in &self.of_nodes.reads[node] {
            if !self.is_made([from, to], tensor) && !has_any(&problem.consumers[tensor]) {
                sums.io += self.on.transfer[tensor];
            }
        }
        for &tensor in &self.of_nodes.makes[node] {
            if problem.consumers[tensor].iter().any(|&reader| !to.has(reader)) {
                sums.io += problem.leaving(tensor, self.kind);
            }
        }
        self.store(sums, [from, grown], node);
    }

    /// Adds what a node stores to what those of a block do that are in `grown`.
    fn store(&self, sums: &mut Sums, [from, grown]: [&Bits; 2], node: usize) {
        let problem = self.problem;
        sums.params += self.on.params[node];
        sums.bytes += problem.param_bytes[node] + problem.state_bytes[node];
        sums.state += problem.state_bytes[node];
        sums.live = sums.live.max(problem.live_bytes[node]);
        for &param in &self.of_nodes.shared[node] {
            if !problem.param_readers[param].iter().any(|&each| grown.has(each) && !from.has(each)) {
                sums.params += self.on.stored[param];
                sums.bytes += problem.param_size[param];
            }
        }
    }

    /// Whether a block makes a tensor.
    fn is_made(&self, [from, to]: [&Bits; 2], tensor: usize) -> bool {
        let producer = self.problem.producer[tensor];
        producer != NONE && to.has(producer) && !from.has(producer)
    }

    fn is_within(&self, sums: &Sums) -> bool {
        self.on.memory_limit.is_none_or(|limit| sums.bytes + sums.live <= limit)
            && self.on.state_limit.is_none_or(|limit| sums.state <= limit)
            && self.on.busy(sums.work, sums.io, self.on.overflow(sums.params)) < self.threshold
    }

    /// Dominance: whether a node that is left out, and whose producers are in, can as well be in: the block, which takes `sums`, is cheap
    /// enough with it, and a later one that loses it pays no more.
    pub(crate) fn is_dominated(
        &self,
        [from, to]: [&Downset; 2],
        sums: &Sums,
        barred: &Bits,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        let inside = &to.inside;
        // Whose producers are in reads something that is live, or nothing that is made; each is looked at once.
        let readers = to.live.iter().flat_map(|live| {
            let readers = self.problem.consumers[live.tensor].iter().copied();
            readers.filter(|&node| self.first_read[node] == live.tensor)
        });
        for node in self.sources.iter().copied().chain(readers) {
            steps.spend(1)?;
            if inside.has(node) || barred.has(node) {
                continue;
            }
            steps.spend(self.order.predecessors[node].len())?;
            if !self.order.predecessors[node].iter().all(|&each| inside.has(each)) {
                continue;
            }
            let taken = self.of_nodes.reads[node].len() + self.of_nodes.makes[node].len() + self.steps_of_shared(node);
            steps.spend(4 + taken + inside.num_words())?;
            if self.moves_up(inside, node)
                && to.weight + self.weights[node] - from.weight <= self.room
                && self.is_within(&self.with(*sums, [&from.inside, inside], node))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a block that loses a node to a downset pays no more without it.
    fn moves_up(&self, inside: &Bits, node: usize) -> bool {
        let saved: i64 = self.last_read(inside, node).map(|tensor| self.on.transfer[tensor]).sum();
        let imported: i64 = self.of_nodes.makes[node].iter().map(|&tensor| self.on.transfer[tensor]).sum();
        imported <= self.on.work[node] + self.outputs[node] + saved
    }

    /// The tensors that the node reads and that no node outside of the downset and this node reads.
    fn last_read(&self, inside: &Bits, node: usize) -> impl Iterator<Item = usize> {
        let is_last = move |tensor: &usize| {
            self.problem.consumers[*tensor].iter().all(|&reader| reader == node || inside.has(reader))
        };
        self.of_nodes.reads[node].iter().copied().filter(is_last)
    }

    /// What a block takes with a node more.
    fn with(&self, mut sums: Sums, [from, to]: [&Bits; 2], node: usize) -> Sums {
        let made = self.last_read(to, node).filter(|&tensor| self.is_made([from, to], tensor));
        sums.io -= made.map(|tensor| self.problem.leaving(tensor, self.kind)).sum::<i64>();
        self.add(&mut sums, [from, to, to], node);
        sums
    }
}
