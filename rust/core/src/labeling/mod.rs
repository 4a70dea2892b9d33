//! Label setting: nodes are assigned to blocks one after the other, in a topological order. A partial assignment is kept as its
//! *frontier*, all that later nodes depend on (`frontier.rs`), and its *label*, what each block has paid (`labels.rs`).
//!
//! Where stages overlap, overflow or have limits, a label has several sums for each block (`resources.rs`).

mod completion;
mod crossing;
mod dominance;
mod frontier;
mod labels;
mod plan;
mod resources;
mod rows;

use frontier::Frontiers;
use labels::set_labels;
use resources::Resources;

use crate::domain::Windows;
use crate::order::TopologicalOrder;
use crate::query::{Effort, Engine, Halt, Query};

/// The most blocks, so that a tensor's state fits a word (`crossing.rs`).
const MAX_BLOCKS: usize = 64;

/// Finds a partition below the threshold whose nodes are in their `windows`, by node; none when there is none. Takes at most
/// `steps`, or `times` as many once the frontiers are built.
///
/// # Errors
/// [`Halt`], when the effort is used up, the interrupt was raised, or the method does not apply: too many blocks, adjacent links,
/// or nodes that must be together and are not one group.
pub(crate) fn assign(
    query: &Query<'_>,
    windows: &Windows,
    steps: u64,
    times: u64,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    // A frontier does not say how far a tensor has been handed on.
    if query.instance.num_blocks() > MAX_BLOCKS || query.instance.is_relay() {
        return Err(Halt::Steps);
    }
    let resources = &Resources::new(query, windows).ok_or(Halt::Steps)?;
    effort.within(steps, times - 1, |effort| {
        if resources.is_single() {
            assign_within::<true>(query, windows, resources, times, effort)
        } else {
            assign_within::<false>(query, windows, resources, times, effort)
        }
    })
}

/// The same, specialised for `ONE` resource per stage or for several.
fn assign_within<const ONE: bool>(
    query: &Query<'_>,
    windows: &Windows,
    resources: &Resources<'_>,
    times: u64,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    let (frontiers, engine) = fewest::<ONE>(query, windows, resources, effort)?;
    // With the frontiers built, labels mostly take few steps more.
    effort.open_reserve(effort.steps().saturating_mul(times - 1));
    let found = set_labels::<ONE>(query, &frontiers, resources, effort)?;
    if found.is_none() {
        effort.closed_by = Some(engine);
    }
    Ok(found)
}

/// The frontiers of the order that has fewer of them.
fn fewest<const ONE: bool>(
    query: &Query<'_>,
    windows: &Windows,
    resources: &Resources<'_>,
    effort: &mut Effort,
) -> Result<(Frontiers, Engine), Halt> {
    let mut fewest: Option<(Frontiers, Engine)> = None;
    let (mut halt, mut most) = (Halt::Steps, effort.steps() / query.params.labeling.frontier_share);
    for engine in [Engine::NaturalLabels, Engine::PostOrderLabels] {
        let graph = query.instance.graph();
        let order = if engine == Engine::NaturalLabels {
            TopologicalOrder::natural(graph)
        } else {
            TopologicalOrder::post_order(graph)
        };
        let mut part = effort.part(most);
        let given = part.steps();
        let found = Frontiers::new::<ONE>(query, windows, order, resources, &mut part);
        if found.is_ok() {
            most = given - part.steps();
        }
        effort.give_back(&part, false);
        match found {
            Ok(found) if fewest.as_ref().is_none_or(|(other, _)| found.num_arcs() < other.num_arcs()) => {
                fewest = Some((found, engine));
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
    use crate::cases::{random_instance_at, random_unrelayed};
    use crate::cost::{ABOVE_ALL, INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
    use crate::ids::{count, narrow};
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

    /// Windows so narrow that there are about 5,000 partitions.
    fn random_windows(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Windows {
        let mut windows = Windows::all(num_nodes, num_blocks);
        for node in 0..num_nodes {
            let wide = num_blocks.min(if num_nodes > 5 { 3 } else { 5 });
            let first = random.random_range(1..=num_blocks);
            let last = random.random_range(first..=num_blocks).min(first + wide - 1);
            (windows.earliest[node], windows.latest[node]) = (first, last);
        }
        windows
    }

    /// Checks the results at some thresholds; counts those with a partition and those without.
    fn check(case: u64, random: &mut Xoshiro256PlusPlus, instance: &Instance, windows: &Windows) -> [usize; 2] {
        let (params, interrupt) = (ExactParams::default(), Interrupt::never());
        let num_nodes = instance.graph().num_nodes();
        let best = least_within(instance, windows);
        let (near, mut counts) = (best.min(ABOVE_ALL), [0; 2]);
        for threshold in [near, near + 1, near + near / random.random_range(2..20), near - near / 20] {
            if threshold < 1 {
                continue;
            }
            let query = Query { instance, threshold, params: &params, interrupt: &interrupt };
            let mut effort = Effort::new(1 << 26, u64::MAX);
            let found = assign(&query, windows, u64::MAX, params.labeling.times, &mut effort);
            let found = found.expect("there is enough effort");
            assert_eq!(effort.bytes(), 1 << 26);
            assert_eq!(found.is_some(), best < threshold, "case {case} at {threshold} of {best}");
            counts[usize::from(found.is_none())] += 1;
            if let Some(block_of) = found {
                let is_within =
                    |node: usize| (windows.earliest[node]..=windows.latest[node]).contains(&(block_of[node] + 1));
                assert!((0..num_nodes).all(is_within), "case {case}");
                let blocks: Vec<i64> = block_of.iter().map(|&block| count(block)).collect();
                check_partition(instance, &blocks).expect("no edge goes back");
                assert!(bottleneck(&partition_costs(instance, &block_of)) < threshold, "case {case}");
            }
        }
        counts
    }

    #[test]
    fn a_partition_is_found_exactly_where_there_is_one() {
        let mut all = [0; 2];
        for case in 0..20_000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(2..6));
            let bandwidth = [1.0, 4.0, 16.0][random.random_range(0..3)];
            let instance = random_instance_at(bandwidth, &mut random, num_nodes, num_blocks);
            let windows = random_windows(&mut random, num_nodes, num_blocks);
            let counts = check(case, &mut random, &instance, &windows);
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        assert!(all.iter().all(|&count| count > 15_000), "{all:?}");
    }

    #[test]
    fn a_partition_of_unlike_stages_is_found_exactly_where_there_is_one() {
        let (mut all, mut num_single) = ([0; 2], 0);
        let mut num_pitch = [0; resources::MOST + 1];
        for case in 0..6_000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..6));
            let instance = random_unrelayed(&mut random, num_nodes, num_blocks);
            let windows = if random.random_bool(0.5) && num_blocks.pow(narrow(num_nodes)) < 1000 {
                Windows::all(num_nodes, num_blocks)
            } else {
                random_windows(&mut random, num_nodes, num_blocks)
            };
            let (params, interrupt) = (ExactParams::default(), Interrupt::never());
            let query = Query { instance: &instance, threshold: 1, params: &params, interrupt: &interrupt };
            let resources = Resources::new(&query, &windows).expect("small numbers");
            num_single += usize::from(resources.is_single());
            num_pitch[resources.pitch] += 1;
            let counts = check(case, &mut random, &instance, &windows);
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        assert!(num_single > 30 && num_pitch[1..].iter().all(|&count| count > 30), "{num_single} {num_pitch:?}");
        assert!(all.iter().all(|&count| count > 5_000), "{all:?}");
    }
}
