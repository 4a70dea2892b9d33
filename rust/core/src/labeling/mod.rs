//! Label setting: nodes get their blocks one after the other; of each way, only what it leaves open (its *frontier*) and what
//! the blocks have paid (its *label*) is kept.
//!
//! Parameters are not in the labels, so where there is overflow or a limit of memory this says nothing.

mod completion;
mod crossing;
mod dominance;
mod frontier;
mod labels;
mod plan;
mod rows;

use dominance::WIDEST;
use frontier::Frontiers;
use labels::set_labels;

use crate::cost::Ticks;
use crate::domain::Windows;
use crate::order::TopologicalOrder;
use crate::query::{Effort, Halt, Query};

/// Finds a partition better than the threshold whose nodes are in their `windows`, by node; none when there is none. Takes at most
/// so many steps, and so many `times` as many where frontiers are few.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised, or when there are parameters.
pub(crate) fn assign(
    query: &Query<'_>,
    windows: &Windows,
    steps: u64,
    times: u64,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    let can_be = query.instance.is_free_of_memory() && query.instance.num_blocks() <= WIDEST;
    let capacity = Ticks::try_from(query.capacity()).ok().filter(|_| can_be).ok_or(Halt::Steps)?;
    effort.within(steps, times - 1, |effort| {
        let frontiers = fewest(query, windows, capacity, effort)?;
        // Most of the way is done.
        effort.open_reserve(effort.steps().saturating_mul(times - 1));
        set_labels(query, &frontiers, effort)
    })
}

/// The frontiers of that order which has fewer.
fn fewest(query: &Query<'_>, windows: &Windows, capacity: Ticks, effort: &mut Effort) -> Result<Frontiers, Halt> {
    let mut fewest: Option<Frontiers> = None;
    let (mut halt, mut most) = (Halt::Steps, effort.steps() / query.params.labeling.frontier_share);
    for order in [TopologicalOrder::natural, TopologicalOrder::post_order] {
        let mut part = effort.part(most);
        let given = part.steps();
        let found = Frontiers::new(query, windows, order(query.instance.graph()), capacity, &mut part);
        if found.is_ok() {
            most = given - part.steps();
        }
        effort.give_back(&part, false);
        match found {
            Ok(found) if fewest.as_ref().is_none_or(|other| found.num_arcs() < other.num_arcs()) => {
                fewest = Some(found);
                effort.take(effort.bytes() - part.bytes())?;
            }
            Ok(_) => {}
            Err(Halt::Interrupted) => return Err(Halt::Interrupted),
            Err(other) => halt = other,
        }
    }
    effort.counts.wide += u64::from(fewest.is_none());
    fewest.ok_or(halt)
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_instance_at;
    use crate::cost::{INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
    use crate::ids::count;
    use crate::interrupt::Interrupt;
    use crate::query::ExactParams;

    /// The least bottleneck of all partitions whose nodes are in their windows.
    fn least_within(instance: &Instance, windows: &Windows) -> Ticks {
        let lengths: Vec<usize> =
            windows.earliest.iter().zip(&windows.latest).map(|(first, last)| last + 1 - first).collect();
        let all = (0..lengths.iter().product()).map(|mut code: usize| {
            let mut block_of = Vec::new();
            for (first, length) in windows.earliest.iter().zip(&lengths) {
                block_of.push(count(first - 1 + code % length));
                code /= length;
            }
            check_partition(instance, &block_of)
        });
        all.flatten().map(|block_of| bottleneck(&partition_costs(instance, &block_of))).min().unwrap_or(INFINITE)
    }

    #[test]
    fn a_partition_is_found_exactly_where_there_is_one() {
        let (params, interrupt) = (ExactParams::default(), Interrupt::never());
        let (mut num_found, mut num_none) = (0, 0);
        for case in 0..20_000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(2..6));
            let bandwidth = [1.0, 4.0, 16.0][random.random_range(0..3)];
            let instance = random_instance_at(bandwidth, &mut random, num_nodes, num_blocks);
            let mut windows = Windows::all(num_nodes, num_blocks);
            for node in 0..num_nodes {
                // So wide that some 5,000 partitions are to be looked at.
                let wide = num_blocks.min(if num_nodes > 5 { 3 } else { 5 });
                let first = random.random_range(1..=num_blocks);
                let last = random.random_range(first..=num_blocks).min(first + wide - 1);
                (windows.earliest[node], windows.latest[node]) = (first, last);
            }
            let best = least_within(&instance, &windows);
            let near = best.min(1 << 52);
            for threshold in [near, near + 1, near + near / random.random_range(2..20), near - near / 20] {
                if threshold < 1 {
                    continue;
                }
                let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
                let mut effort = Effort::new(1 << 26, u64::MAX);
                let found = match assign(&query, &windows, u64::MAX, params.labeling.times, &mut effort) {
                    Ok(found) => found,
                    Err(halt) => {
                        let has_params = instance.params().iter().any(|&params| params > 0);
                        assert!(halt == Halt::Steps && (has_params || instance.memory_limit().is_some()));
                        continue;
                    }
                };
                assert_eq!(effort.bytes(), 1 << 26);
                assert_eq!(found.is_some(), best < threshold, "case {case} at {threshold} of {best}");
                num_none += usize::from(found.is_none());
                if let Some(block_of) = found {
                    num_found += 1;
                    let is_within =
                        |node: usize| (windows.earliest[node]..=windows.latest[node]).contains(&(block_of[node] + 1));
                    assert!((0..num_nodes).all(is_within), "case {case}");
                    let blocks: Vec<i64> = block_of.iter().map(|&block| count(block)).collect();
                    check_partition(&instance, &blocks).expect("no edge goes back");
                    assert!(bottleneck(&partition_costs(&instance, &block_of)) < threshold, "case {case}");
                }
            }
        }
        assert!(num_found > 10_000 && num_none > 10_000, "{num_found} and {num_none}");
    }
}
