//! The slicing of an order below a threshold with the fewest slices, and then the least io.
//!
//! ```text
//! best(j) = least of (count(i) + 1, io(i) + io_in(i, j) + io_out(i, j)) over starts i with cost(i, j) < threshold,
//! ```
//!
//! Pairs are compared lexicographically. Both numbers are sums over slices, so the best slicing up to an end extends the best one
//! up to its last start. With unlike stages the table has an entry for each number of stages that may be used, and a stage may be
//! left empty.

use super::costs::Slices;
use super::stages::Stages;
use super::sum::SliceSum;
use crate::cost::{INFINITE, Ticks};
use crate::interrupt::{Interrupt, Interrupted};

/// The best slicing up to an end: the number of slices, their io, and the start of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    count: usize,
    io: Ticks,
    start: usize,
}

impl Way {
    /// Takes the best way to an end by a last slice from one of the `starts`, from the last one down, unless this one is better;
    /// whether the steps were enough.
    #[inline]
    fn improve<const ANY: bool>(
        &mut self,
        costs: Slices<'_, ANY>,
        ways: &[Self],
        starts: impl Iterator<Item = usize>,
        end: usize,
        (threshold, steps): (Ticks, &mut u64),
    ) -> bool {
        let mut slice = SliceSum::empty_at(end);
        for start in starts {
            let Some(left) = steps.checked_sub(1) else { return false };
            *steps = left;
            costs.push_front(&mut slice);
            if costs.cost_without_io(&slice) >= threshold {
                break;
            }
            let way = ways[start];
            if way.count < self.count && costs.cost(&slice) < threshold {
                *self = (*self).min(Self { count: way.count + 1, io: way.io + slice.io(), start });
            }
        }
        true
    }
}

/// The ends of the slices; none without such a slicing, or when `steps`, from which the work is subtracted, run out.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes × window).
pub(super) fn ends<const ANY: bool>(
    costs: Slices<'_, ANY>,
    num_nodes: usize,
    threshold: Ticks,
    steps: &mut u64,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Interrupted> {
    let none = Way { count: usize::MAX, io: INFINITE, start: 0 };
    let mut ways = vec![Way { count: 0, io: 0, start: 0 }];
    for end in 1..=num_nodes {
        interrupt.check(end)?;
        let mut best = none;
        if !best.improve(costs, &ways, (0..end).rev(), end, (threshold, steps)) {
            return Ok(None);
        }
        ways.push(best);
    }
    let (mut ends, mut end) = (Vec::new(), num_nodes);
    if ways[end].count == usize::MAX {
        return Ok(None);
    }
    while end > 0 {
        ends.push(end);
        end = ways[end].start;
    }
    ends.reverse();
    Ok(Some(ends))
}

/// The same where stages are not alike: the end of the slice of each stage.
///
/// # Errors
/// See [`ends`].
///
/// # Complexity
/// O(nodes × window × stages).
pub(super) fn ends_of_stages(
    stages: &Stages<'_>,
    threshold: Ticks,
    steps: &mut u64,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Interrupted> {
    let num_nodes = stages.len();
    let mut ways = vec![Way { count: usize::MAX, io: INFINITE, start: 0 }; num_nodes + 1];
    ways[0] = Way { count: 0, io: 0, start: 0 };
    let mut starts = Vec::with_capacity(stages.num_stages());
    for stage in 0..stages.num_stages() {
        let costs = stages.on(stage).slices();
        let empty = |(end, way): (usize, &Way)| Way { start: end, ..*way };
        let mut next: Vec<Way> = ways.iter().enumerate().map(empty).collect();
        for (end, best) in next.iter_mut().enumerate().skip(1) {
            interrupt.check(end)?;
            let starts = (0..end).rev().take_while(|&start| stages.may_be(start, stage));
            if !best.improve(costs, &ways, starts, end, (threshold, steps)) {
                return Ok(None);
            }
        }
        starts.push(next.iter().map(|way| way.start).collect::<Vec<usize>>());
        ways = next;
    }
    let (mut ends, mut end) = (Vec::new(), num_nodes);
    if ways[end].count == usize::MAX {
        return Ok(None);
    }
    for starts in starts.iter().rev() {
        ends.push(end);
        end = starts[end];
    }
    ends.reverse();
    Ok(Some(ends))
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use crate::cases::random_unlike;
    use crate::cost::{Instance, Ticks, bottleneck, partition_costs};
    use crate::interrupt::Interrupt;
    use crate::order::TopologicalOrder;
    use crate::slice::{Slicer, Slicing};

    /// The slices that are used and their io, when all cost less than a threshold.
    fn rank(instance: &Instance, order: &TopologicalOrder, ends: &[usize], threshold: Ticks) -> Option<(usize, Ticks)> {
        let num_blocks = instance.num_blocks();
        let block_of = Slicing::new(ends.iter().copied(), num_blocks, threshold).block_of(order);
        let costs = partition_costs(instance, &block_of);
        let used = (0..num_blocks).filter(|block| block_of.contains(block)).count();
        let io = costs.iter().map(|block| block.io_in + block.io_out).sum();
        (bottleneck(&costs) < threshold).then_some((used, io))
    }

    /// All ways to give each stage an end.
    fn all_ends(num_nodes: usize, num_stages: usize) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new()];
        for stage in 0..num_stages {
            let longer = all.iter().flat_map(|ends: &Vec<usize>| {
                let first = if stage + 1 == num_stages { num_nodes } else { ends.last().copied().unwrap_or(0) };
                (first..=num_nodes).map(move |end| [&ends[..], &[end]].concat())
            });
            all = longer.collect();
        }
        all
    }

    #[test]
    fn of_all_slicings_below_a_threshold_the_fewest_slices_of_least_io_are_found() {
        let (never, mut num_found, mut num_none) = (Interrupt::never(), 0, 0);
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..5));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let keys: Vec<f64> = (0..num_nodes).map(|_| random.random()).collect();
            let order = TopologicalOrder::from_keys(instance.graph(), &keys).expect("a key for each");
            let threshold = 1 + random.random_range(1..=2 * instance.combinatorial_bound().min(1 << 52) + 1);
            let mut slicer = Slicer::new(&instance);
            slicer.load(&order);
            let found = slicer.frugal(threshold, &mut { u64::MAX }, &never).expect("no interrupt");
            let all = all_ends(num_nodes, num_blocks);
            let least = all.iter().filter_map(|ends| rank(&instance, &order, ends, threshold)).min();
            let found = found.map(|found| rank(&instance, &order, &found.boundaries()[1..], threshold));
            assert_eq!(found, least.map(Some), "case {case}");
            num_found += usize::from(least.is_some());
            num_none += usize::from(least.is_none());
        }
        assert!(num_found > 800 && num_none > 500, "{num_found} {num_none}");
    }
}
