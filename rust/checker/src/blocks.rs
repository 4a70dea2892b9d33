//! All blocks that can follow a downset.
//!
//! **Claim.** Every set of nodes that makes a larger downset of one, whose block costs less than the threshold within the limits, and
//! that holds nobody who is barred, is given, and nothing else.
//!
//! **Proof.** A set grows node by node, each one whose producers are in; those left out before stay out, so each set is tried once.
//! What it runs, imports, stores and weighs only grows: where that is too much no larger set can do. Exports may shrink, and count
//! for a whole set only. ∎
//!
//! **R12, dominance.** On devices of one kind that pays the sum, where every stage may hold every node, a downset `D` that a block
//! leads to from `D'` is left out when it leaves out a node `u` whose producers are in, the block from `D'` to `D + u` is cheap enough,
//! too, and `import(what u makes) <= load(u) + import(what u is the last to read)`. This loses no better partition: of all of them, take
//! the one with the fewest blocks whose last downset is the largest, then the last but one, and so on. Were one of its downsets
//! dominated, `u` could move up into what was reached: its block loses the load of `u` and the import of what it is the last to read,
//! and imports at most what `u` makes; it stores no more, and other blocks do not change. So it would not be the one. What windows
//! and node weights say holds for all better partitions, and so for this one. In a part of the windows where no stage can be empty
//! (`levels.rs`) the same holds of the best partition of the part: `u` moves only to a stage that its window has. In other parts
//! nothing is left out.

use crate::bits::Bits;
use crate::order::Order;
use crate::problem::{Kind, NONE, Problem};
use crate::stop::{Steps, Stop};

/// A downset, and what is left after it.
#[derive(Clone)]
pub(crate) struct Rest {
    pub inside: Bits,
    pub num_inside: usize,
    /// The load of what is left, and of the tensors that it reads and does not make.
    pub load: i128,
    /// What the nodes that are left weigh (`weights.rs`).
    pub weight: i128,
}

/// Who asks for downsets.
pub(crate) trait Visitor {
    /// Whether a downset is of use.
    fn wants(&self, after: &Rest) -> bool;

    /// Takes one that is; whether that is enough.
    fn take(&mut self, after: Rest, steps: &mut Steps) -> Result<bool, Stop>;
}

/// What a block takes so far.
#[derive(Clone, Copy, Default)]
struct Sums {
    work: i64,
    io: i64,
    exports: i64,
    params: i64,
    bytes: i64,
    state: i64,
    live: i64,
    weight: i128,
}

/// A tensor that a node reads.
struct Read {
    producer: usize,
    tensor: usize,
    load: i128,
}

/// Blocks on one kind of device.
pub(crate) struct Blocks<'a> {
    problem: &'a Problem,
    order: &'a Order,
    load: &'a [i128],
    weights: &'a [i128],
    on: &'a Kind,
    threshold: i64,
    /// Whether a downset is left out where it leaves out a node that could as well be in.
    has_dominated: bool,
    outputs: Vec<i64>,
    /// Per node: what its tensors take when all leave the block, and what they weigh.
    leaving: Vec<i64>,
    made: Vec<i128>,
    /// Per node: what another block takes to import all that it makes.
    imported: Vec<i64>,
    reads: Vec<Vec<Read>>,
    shared: Vec<Vec<usize>>,
    entering: i128,
    kind: usize,
}

/// A set of nodes that may grow.
struct Growing {
    joining: Vec<usize>,
    rest: Rest,
    sums: Sums,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(
        problem: &'a Problem,
        order: &'a Order,
        (load, weights): (&'a [i128], &'a [i128]),
        kind: usize,
        (threshold, has_dominated): (i64, bool),
    ) -> Self {
        let num_nodes = problem.num_nodes();
        let mut blocks = Self {
            problem,
            order,
            load,
            weights,
            on: &problem.kinds[kind],
            threshold,
            has_dominated,
            outputs: problem.outputs(kind),
            leaving: vec![0; num_nodes],
            made: vec![0; num_nodes],
            imported: vec![0; num_nodes],
            reads: (0..num_nodes).map(|_| Vec::new()).collect(),
            shared: vec![Vec::new(); num_nodes],
            entering: 0,
            kind,
        };
        for (tensor, (&producer, readers)) in problem.producer.iter().zip(&problem.consumers).enumerate() {
            if readers.is_empty() || (producer == NONE && !problem.boundary_io) {
                continue;
            }
            let weigh = |kind: &Kind| {
                if kind.is_overlap { 0 } else { i128::from(kind.multiplier) * i128::from(kind.transfer[tensor]) }
            };
            let load = problem.kinds.iter().map(weigh).min().unwrap_or(0);
            if producer == NONE {
                blocks.entering += load;
            } else {
                blocks.leaving[producer] += problem.leaving(tensor, kind);
                blocks.made[producer] += load;
                blocks.imported[producer] += problem.kinds[kind].transfer[tensor];
            }
            for &reader in readers {
                blocks.reads[reader].push(Read { producer, tensor, load });
            }
        }
        for (param, readers) in problem.param_readers.iter().enumerate() {
            for &reader in readers {
                blocks.shared[reader].push(param);
            }
        }
        blocks
    }

    /// Nothing is in yet.
    pub(crate) fn whole(&self) -> Rest {
        let load = self.load.iter().sum::<i128>() + self.entering;
        let weight = self.weights.iter().sum();
        Rest { inside: Bits::none(self.problem.num_nodes()), num_inside: 0, load, weight }
    }

    /// Visits each downset that a block leads to, until a visit says so; whether one has.
    pub(crate) fn after(
        &self,
        before: &Rest,
        barred: &Bits,
        steps: &mut Steps,
        visitor: &mut dyn Visitor,
    ) -> Result<bool, Stop> {
        let base = &before.inside;
        let is_ready = |node: usize, inside: &Bits| {
            !barred.has(node) && self.order.predecessors[node].iter().all(|&each| inside.has(each))
        };
        steps.spend(self.problem.num_nodes())?;
        let begin = (0..self.problem.num_nodes()).filter(|&node| !base.has(node) && is_ready(node, base)).collect();
        let mut stack = vec![Growing { joining: begin, rest: before.clone(), sums: Sums::default() }];
        while let Some(Growing { joining, rest, sums }) = stack.pop() {
            for (place, &node) in joining.iter().enumerate() {
                steps.spend(4 + self.reads[node].len() + base.num_words())?;
                let Some((grown, sums)) = self.grow(base, &rest, sums, node) else { continue };
                let is_block = self.cost(&sums, sums.exports) < self.threshold;
                if is_block
                    && visitor.wants(&grown)
                    && !self.is_dominated(base, &grown, sums, barred, steps)?
                    && visitor.take(grown.clone(), steps)?
                {
                    return Ok(true);
                }
                let freed = self.order.successors[node].iter().copied().filter(|&each| is_ready(each, &grown.inside));
                let joining: Vec<usize> = joining[place + 1..].iter().copied().chain(freed).collect();
                steps.spend(joining.len())?;
                stack.push(Growing { joining, rest: grown, sums });
            }
        }
        Ok(false)
    }

    /// R12: whether a node that is left out, and whose producers are in, can as well be in: the block is cheap enough with it, and
    /// a later one that loses it pays no more.
    fn is_dominated(
        &self,
        base: &Bits,
        grown: &Rest,
        sums: Sums,
        barred: &Bits,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        if !self.has_dominated {
            return Ok(false);
        }
        let inside = &grown.inside;
        for node in (0..self.problem.num_nodes()).filter(|&node| !inside.has(node) && !barred.has(node)) {
            steps.spend(1)?;
            if !self.order.predecessors[node].iter().all(|&each| inside.has(each)) {
                continue;
            }
            steps.spend(4 + self.reads[node].len() + base.num_words())?;
            let is_last = |read: &&Read| {
                self.problem.consumers[read.tensor].iter().all(|&reader| reader == node || inside.has(reader))
            };
            let transfer = |read: &Read| self.on.transfer[read.tensor];
            let saved = self.reads[node].iter().filter(is_last).map(transfer).sum::<i64>();
            if self.imported[node] > self.on.work[node] + self.outputs[node] + saved {
                continue;
            }
            let with = self.grow(base, grown, sums, node);
            if with.is_some_and(|(_, sums)| self.cost(&sums, sums.exports) < self.threshold) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// With one node more; none where that is too much.
    fn grow(&self, base: &Bits, rest: &Rest, sums: Sums, node: usize) -> Option<(Rest, Sums)> {
        let problem = self.problem;
        let mut grown = rest.clone();
        grown.inside.insert(node);
        grown.num_inside += 1;
        grown.load += self.made[node] - self.load[node];
        grown.weight -= self.weights[node];
        let is_member = |each: usize| rest.inside.has(each) && !base.has(each);
        let mut sums = sums;
        sums.work += self.on.work[node];
        sums.io += self.outputs[node];
        sums.exports += self.leaving[node];
        sums.params += self.on.params[node];
        sums.bytes += problem.param_bytes[node] + problem.state_bytes[node];
        sums.state += problem.state_bytes[node];
        sums.weight += self.weights[node];
        sums.live = sums.live.max(problem.live_bytes[node]);
        for read in &self.reads[node] {
            let readers = &problem.consumers[read.tensor];
            let is_last = readers.iter().all(|&reader| grown.inside.has(reader));
            if is_last {
                grown.load -= read.load;
            }
            if read.producer != NONE && is_member(read.producer) {
                sums.exports -= if is_last { problem.leaving(read.tensor, self.kind) } else { 0 };
            } else if !readers.iter().any(|&reader| is_member(reader)) {
                sums.io += self.on.transfer[read.tensor];
            }
        }
        for &param in &self.shared[node] {
            if !problem.param_readers[param].iter().any(|&reader| is_member(reader)) {
                sums.params += self.on.stored[param];
                sums.bytes += problem.param_size[param];
            }
        }
        let is_within = self.on.memory_limit.is_none_or(|limit| sums.bytes + sums.live <= limit)
            && self.on.state_limit.is_none_or(|limit| sums.state <= limit)
            && self.cost(&sums, 0) < self.threshold
            && sums.weight <= i128::from(self.on.multiplier) * i128::from(self.threshold - 1);
        is_within.then_some((grown, sums))
    }

    fn cost(&self, sums: &Sums, exports: i64) -> i64 {
        self.on.busy(sums.work, sums.io + exports, self.on.overflow(sums.params))
    }
}
