//! Recombination: the best partition that can be put together from the cuts of several.
//!
//! Nodes that are in one block of each of the partitions stay together: a *class*. Along a tensor no block falls in any
//! of the partitions, so along a cycle of classes none changes, and the cycle is one class: the quotient by the classes is
//! acyclic. Every one of the partitions is a partition of the quotient, and so is every mixture of their cuts. The
//! quotient is narrow, so that the exact downset DP (`exact`) finds the best of all, where it is not too large.

use std::ops::RangeInclusive;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::objective::Objective;
use super::params::RecombinationParams;
use crate::cost::{ABOVE_ALL, Instance, Ticks};
use crate::downset::bidirectional;
use crate::ids::{count, float, ticks};
use crate::interrupt::Interrupt;
use crate::query::{Effort, ExactParams, Halt, Query};
use crate::reduce::reduce;

/// How many classes the exact method can bear, as learned so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassLimit<'a> {
    params: &'a RecombinationParams,
    classes: f64,
    most: f64,
}

impl<'a> ClassLimit<'a> {
    pub(super) fn new(instance: &Instance, params: &'a RecombinationParams) -> Self {
        let most = float(count(instance.graph().num_nodes()));
        let classes = float(count(params.min_classes.max(params.classes_per_block * instance.num_blocks())));
        Self { params, classes, most }
    }

    fn adapt(&mut self, factor: f64) {
        self.classes = (self.classes * factor).min(self.most);
    }

    fn classes(self) -> usize {
        usize::try_from(ticks(self.classes.floor())).unwrap_or(usize::MAX)
    }
}

/// Puts together a partition better than `best`, which costs `value`, from its cuts and those of `others`; none when
/// there is none, or the exact method would take more than so many steps per threshold.
///
/// # Complexity
/// O(nodes) per other partition, O(nodes + reads) for the quotient, and a bounded number of steps per threshold.
pub(super) fn recombine(
    instance: &Instance,
    (best, value): (&[usize], Ticks),
    mut others: Vec<&[usize]>,
    limit: &mut ClassLimit<'_>,
    steps: u64,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> Option<(Objective, Vec<usize>)> {
    let params = limit.params;
    others.shuffle(random);
    let (class_of, num_classes) = classes(best, &others, limit.classes());
    let quotient = instance.quotient(&class_of, num_classes, interrupt).ok()?;
    let mut found = None;
    let mut known = value.min(ABOVE_ALL);
    let mut step = 0;
    while known > 0 {
        let threshold = (known - step).max(1);
        match better(&quotient, threshold, params.bytes, steps, interrupt) {
            Ok(Some(coarse)) => {
                let block_of: Vec<usize> = class_of.iter().map(|&class| coarse[class]).collect();
                let objective = Objective::of(instance, &block_of);
                debug_assert!(objective.bottleneck < threshold);
                step = step.max(known - objective.bottleneck) * 2;
                known = objective.bottleneck;
                found = Some((objective, block_of));
            }
            Ok(None) if step == 0 => {
                limit.adapt(params.more);
                return found;
            }
            Ok(None) => step = if step > known / params.least_step { step / params.back } else { 0 },
            Err(Halt::Interrupted) => return found,
            Err(Halt::Steps | Halt::Memory) => {
                limit.adapt(params.fewer);
                return found;
            }
        }
    }
    found
}

/// The cuts of a partition between some blocks of `best`, and none elsewhere: what recombination takes from it when it is
/// to look at these blocks only, so that it can bear more partitions.
///
/// Along a tensor no block falls, as none does in either partition.
pub(super) fn within(blocks: &RangeInclusive<usize>, best: &[usize], other: &[usize]) -> Vec<usize> {
    let (low, high) = (*blocks.start(), *blocks.end());
    let pairs = best.iter().zip(other);
    pairs
        .map(|(&block, &other)| if blocks.contains(&block) { other.clamp(low, high) } else { block.clamp(low, high) })
        .collect()
}

/// A partition below the threshold.
fn better(
    quotient: &Instance,
    threshold: Ticks,
    bytes: usize,
    steps: u64,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let reduction = reduce(quotient, threshold, interrupt)?;
    if reduction.infeasible_group.is_some() {
        return Ok(None);
    }
    if threshold <= reduction.instance.combinatorial_bound() {
        return Ok(None);
    }
    let params = ExactParams::default();
    let query = Query { instance: &reduction.instance, threshold, params: &params, interrupt };
    let decision = bidirectional(&query, None, steps, &mut Effort::new(bytes, steps))?;
    Ok(decision.map(|block_of| reduction.lift(&block_of)))
}

/// The class of every node by the blocks of `best` and of as many others as leave at most `most` classes.
fn classes(best: &[usize], others: &[&[usize]], most: usize) -> (Vec<usize>, usize) {
    let one = vec![0; best.len()];
    let (mut class_of, mut num_classes) = refine(&one, 1, best, usize::MAX).expect("no more classes than that");
    for other in others {
        if let Some(finer) = refine(&class_of, num_classes, other, most) {
            (class_of, num_classes) = finer;
        }
    }
    (class_of, num_classes)
}

/// A part of a class.
#[derive(Clone, Copy, Debug)]
struct Part {
    block: usize,
    /// The part of the same class before it.
    before: Option<usize>,
}

/// Parts every class by block, and numbers the parts by first appearance; none when there are more than `most`.
fn refine(class_of: &[usize], num_classes: usize, block_of: &[usize], most: usize) -> Option<(Vec<usize>, usize)> {
    // A class has few parts as a rule, so they are gone through from the last.
    let mut last = vec![None; num_classes];
    let mut parts: Vec<Part> = Vec::with_capacity(num_classes);
    let mut part_of = Vec::with_capacity(class_of.len());
    for (&class, &block) in class_of.iter().zip(block_of) {
        let mut at = last[class];
        while let Some(part) = at.filter(|&part: &usize| parts[part].block != block) {
            at = parts[part].before;
        }
        part_of.push(at.unwrap_or_else(|| {
            parts.push(Part { block, before: last[class] });
            last[class] = Some(parts.len() - 1);
            parts.len() - 1
        }));
        if parts.len() > most {
            return None;
        }
    }
    Some((part_of, parts.len()))
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::super::fit::fitted;
    use super::super::streams::stream;
    use super::*;
    use crate::cases::{least_of, random_instance, random_partition, random_unlike};
    use crate::cost::{bottleneck, check_partition, partition_costs};
    use crate::order::TopologicalOrder;

    #[test]
    fn the_best_of_all_mixtures_is_found() {
        let (params, mut num_unlike) = (RecombinationParams::default(), 0);
        for case in 0..4000 {
            let mut random = stream(1, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..4));
            let is_plain = case < 2000;
            let instance = if is_plain { random_instance } else { random_unlike }(&mut random, num_nodes, num_blocks);
            let order = TopologicalOrder::natural(instance.graph());
            let drawn = (0..3).map(|_| fitted(&instance, &order, &random_partition(&mut random, &instance)));
            let Some(partitions) = drawn.collect::<Option<Vec<Vec<usize>>>>() else { continue };
            num_unlike += usize::from(!instance.is_uniform());
            let value = |block_of: &[usize]| bottleneck(&partition_costs(&instance, block_of));
            let others: Vec<&[usize]> = partitions.iter().map(Vec::as_slice).collect();
            let known = (others[0], value(others[0]));
            let (class_of, num_classes) = classes(others[0], &others, usize::MAX);
            let mut limit = ClassLimit { params: &params, classes: 100.0, most: 100.0 };
            let found =
                recombine(&instance, known, others.clone(), &mut limit, 2_000_000, &mut random, &Interrupt::never());
            let least = least_of(&instance, &class_of, num_classes);
            assert_eq!(found.as_ref().map_or(known.1, |found| found.0.bottleneck), least, "case {case}");
            assert!(others.iter().all(|other| value(other) >= least), "case {case}");
            let is_true = |(objective, block_of): (Objective, Vec<usize>)| {
                objective == Objective::of(&instance, &block_of) && value(&block_of) < known.1
            };
            assert!(found.is_none_or(is_true), "case {case}");
        }
        assert!(num_unlike > 1000);
    }

    #[test]
    fn what_is_taken_from_some_blocks_is_a_partition() {
        for case in 0..2000 {
            let mut random = stream(3, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..9), random.random_range(1..6));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let [best, other] = std::array::from_fn(|_| random_partition(&mut random, &instance));
            let low = random.random_range(0..num_blocks);
            let blocks = low..=random.random_range(low..num_blocks);
            let taken: Vec<i64> = within(&blocks, &best, &other).into_iter().map(count).collect();
            assert!(check_partition(&instance, &taken).is_ok(), "case {case}");
            let is_own = |node: usize| blocks.contains(&best[node]) && blocks.contains(&other[node]);
            assert!((0..num_nodes).all(|node| !is_own(node) || taken[node] == count(other[node])), "case {case}");
        }
    }

    #[test]
    fn no_more_classes_are_made_than_asked_for() {
        let partitions: [&[usize]; 3] = [&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 1], &[0, 0, 0, 1, 2]];
        assert_eq!(classes(partitions[0], &partitions[1..], usize::MAX), (vec![0, 1, 2, 3, 4], 5));
        assert_eq!(classes(partitions[0], &partitions[1..], 3), (vec![0, 1, 2, 2, 2], 3));
    }
}
