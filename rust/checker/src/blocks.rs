//! All blocks that can follow a downset.
//!
//! **Claim.** Every set of nodes that makes a larger downset of one, whose block costs less than the threshold within the limits, and
//! that holds nobody who is barred, is given, and nothing else.
//!
//! **Proof.** A set grows node by node, each one whose producers are in; those left out before stay out, so each set is tried once.
//! What it runs, imports and stores only grows: where that is too much no larger set can do. Exports may shrink, and count for a whole
//! set only. ∎

use crate::bits::Bits;
use crate::order::Order;
use crate::problem::{Kind, NONE, Problem};
use crate::stop::{Steps, Stop};

/// A downset, and what is left after it.
#[derive(Clone)]
pub(crate) struct Rest {
    pub inside: Bits,
    pub num_inside: usize,
    /// The weight of what is left, and of the tensors that it reads and does not make.
    pub weight: i128,
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
}

/// A tensor that a node reads.
struct Read {
    producer: usize,
    tensor: usize,
    weight: i128,
}

/// Blocks on one kind of device.
pub(crate) struct Blocks<'a> {
    problem: &'a Problem,
    order: &'a Order,
    weight: &'a [i128],
    on: &'a Kind,
    threshold: i64,
    outputs: Vec<i64>,
    /// Per node: what its tensors take when all leave the block, and what they weigh.
    leaving: Vec<i64>,
    made: Vec<i128>,
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
    pub(crate) fn new(problem: &'a Problem, order: &'a Order, weight: &'a [i128], kind: usize, threshold: i64) -> Self {
        let num_nodes = problem.num_nodes();
        let mut blocks = Self {
            problem,
            order,
            weight,
            on: &problem.kinds[kind],
            threshold,
            outputs: problem.outputs(kind),
            leaving: vec![0; num_nodes],
            made: vec![0; num_nodes],
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
            let weight = problem.kinds.iter().map(weigh).min().unwrap_or(0);
            if producer == NONE {
                blocks.entering += weight;
            } else {
                blocks.leaving[producer] += problem.leaving(tensor, kind);
                blocks.made[producer] += weight;
            }
            for &reader in readers {
                blocks.reads[reader].push(Read { producer, tensor, weight });
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
        let weight = self.weight.iter().sum::<i128>() + self.entering;
        Rest { inside: Bits::none(self.problem.num_nodes()), num_inside: 0, weight }
    }

    /// Visits each downset that a block leads to, until a visit says so; whether one has.
    pub(crate) fn after(
        &self,
        before: &Rest,
        barred: &Bits,
        steps: &mut Steps,
        visit: &mut dyn FnMut(Rest, &mut Steps) -> Result<bool, Stop>,
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
                if self.cost(&sums, sums.exports) < self.threshold && visit(grown.clone(), steps)? {
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

    /// With one node more; none where that is too much.
    fn grow(&self, base: &Bits, rest: &Rest, sums: Sums, node: usize) -> Option<(Rest, Sums)> {
        let problem = self.problem;
        let mut grown = rest.clone();
        grown.inside.insert(node);
        grown.num_inside += 1;
        grown.weight += self.made[node] - self.weight[node];
        let is_member = |each: usize| rest.inside.has(each) && !base.has(each);
        let mut sums = sums;
        sums.work += self.on.work[node];
        sums.io += self.outputs[node];
        sums.exports += self.leaving[node];
        sums.params += self.on.params[node];
        sums.bytes += problem.param_bytes[node] + problem.state_bytes[node];
        sums.state += problem.state_bytes[node];
        sums.live = sums.live.max(problem.live_bytes[node]);
        for read in &self.reads[node] {
            let readers = &problem.consumers[read.tensor];
            let is_last = readers.iter().all(|&reader| grown.inside.has(reader));
            if is_last {
                grown.weight -= read.weight;
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
            && self.cost(&sums, 0) < self.threshold;
        is_within.then_some((grown, sums))
    }

    fn cost(&self, sums: &Sums, exports: i64) -> i64 {
        self.on.busy(sums.work, sums.io + exports, self.on.overflow(sums.params))
    }
}
