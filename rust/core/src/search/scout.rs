//! Scouting: a run over a contraction, so that the run over the graph itself begins where it would take long to come.

use rand::RngExt;

use super::contract::{PARTS, contract};
use super::outcome::Incumbent;
use super::run::{Ground, LANES, Run};
use super::starts::{ORDERS, find_starts};
use super::streams::stream;
use crate::cost::Instance;
use crate::interrupt::Interrupt;

/// Rounds without anything better after which it ends.
const PATIENCE: u64 = 10;
/// Larger graphs are not contracted: that would take longer than it gains.
const MAX_NODES: usize = 200_000;

/// Searches a contraction of the graph, and gives a run that begins where that ended, with its samples; none where the
/// graph cannot be contracted.
///
/// The first one begins at the best of four orders, the others anywhere.
pub(super) fn scout(
    instance: &Instance,
    seed: u64,
    incumbent: &mut Incumbent<'_>,
    interrupt: &Interrupt,
) -> Option<Run> {
    if instance.graph().num_nodes() > MAX_NODES {
        return None;
    }
    let is_first = incumbent.progress.rounds == 1;
    let mut random = stream(seed, incumbent.progress.rounds, LANES + 1);
    // The grain is another one now and then.
    let parts = if is_first { PARTS } else { PARTS << random.random_range(0..2) };
    let (group_of, coarse) = contract(instance, incumbent.progress.bottleneck / parts, &mut random)?;
    let (mut ground, mut run);
    if is_first {
        let starts = find_starts(&coarse, interrupt);
        let (orders, partitions): (Vec<_>, Vec<_>) =
            starts.into_iter().map(|start| (start.order, start.partition)).unzip();
        let partitions: Vec<_> = partitions.into_iter().flatten().collect();
        let (_, best) = partitions.iter().min_by_key(|(bottleneck, _)| *bottleneck)?;
        ground = Ground::new(&coarse, &orders);
        run = Run::new(best.clone(), &coarse);
        run.add(partitions.into_iter().map(|(_, block_of)| block_of));
    } else {
        ground = Ground::new(&coarse, &ORDERS.map(|order| order(coarse.graph())));
        run = Run::new(ground.lanes[0].anywhere(&mut random, interrupt)?, &coarse);
    }
    let lift = |block_of: &[usize]| -> Vec<usize> { group_of.iter().map(|&group| block_of[group]).collect() };
    loop {
        let known = run.merit.bottleneck;
        let mixed = ground.round(&mut run, known, seed, incumbent, interrupt);
        if let Some((merit, block_of)) = mixed.filter(|(merit, _)| *merit < run.merit) {
            run.begin_at(merit, block_of);
        }
        incumbent.take(run.merit.bottleneck, || lift(&run.best));
        if incumbent.is_done() || run.stale >= PATIENCE {
            break;
        }
    }
    let mut lifted = Run::new(lift(&run.best), instance);
    lifted.add(run.samples.iter().map(|sample| lift(sample)));
    Some(lifted)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::merit::Merit;
    use super::super::outcome::conduct;
    use super::*;
    use crate::cases::random_instance;
    use crate::cost::{INFINITE, check_partition};
    use crate::ids::count;

    #[test]
    fn a_run_begins_at_a_partition_of_the_graph_that_costs_what_it_says() {
        let (mut num_scouted, interrupt) = (0, Interrupt::never());
        for case in 0..300 {
            let mut random = stream(7, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(2..14), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let mut observe = |_| ControlFlow::Continue(());
            let search = |instance: &Instance, incumbent: &mut Incumbent<'_>| {
                incumbent.progress.rounds = random.random_range(1..4);
                let Some(run) = scout(instance, 0, incumbent, &interrupt) else { return };
                num_scouted += 1;
                let blocks: Vec<i64> = run.best.iter().copied().map(count).collect();
                assert!(check_partition(instance.graph(), instance.num_blocks(), &blocks).is_ok(), "case {case}");
                assert_eq!(run.merit, Merit::of(instance, &run.best), "case {case}");
                assert_eq!(incumbent.progress.bottleneck, run.merit.bottleneck, "case {case}");
                let is_taken = run.merit.bottleneck == INFINITE || incumbent.block_of() == run.best;
                assert!(is_taken, "case {case}");
            };
            conduct(&instance, 1, 0, &interrupt, &mut observe, search).expect("a thread");
        }
        assert!(num_scouted > 100);
    }
}
