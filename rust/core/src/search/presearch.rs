//! Scouting: runs over contractions, so that a run over the graph itself begins where it would take long to come.

use rand::RngExt;

use super::contract::contract;
use super::outcome::Incumbent;
use super::params::SearchParams;
use super::run::{Run, SAMPLERS, Workspace};
use super::starts::{ORDERS, find_starts};
use super::streams::stream;
use crate::cost::Instance;
use crate::interrupt::Interrupt;

/// Searches contractions of the graph, others every time, until that has taken so many evaluations, at least one of them;
/// and gives a run that begins where the best of these searches ended, with its samples. None where the graph cannot be
/// contracted.
pub(super) fn presearch(
    instance: &Instance,
    params: &SearchParams,
    seed: u64,
    evaluations: u64,
    incumbent: &mut Incumbent<'_>,
    interrupt: &Interrupt,
) -> Option<Run> {
    let enough = incumbent.progress.evaluations + evaluations;
    let mut best = presearch_once(instance, params, seed, incumbent, interrupt)?;
    while incumbent.progress.evaluations < enough && !incumbent.is_done() {
        let Some(other) = presearch_once(instance, params, seed, incumbent, interrupt) else { break };
        if other.objective < best.objective {
            best = other;
        }
    }
    Some(best)
}

/// The first search of all begins at the best of four orders, the others anywhere.
fn presearch_once(
    instance: &Instance,
    params: &SearchParams,
    seed: u64,
    incumbent: &mut Incumbent<'_>,
    interrupt: &Interrupt,
) -> Option<Run> {
    let SearchParams { presearch: own, contraction, hybrid, .. } = params;
    if instance.graph().num_nodes() > own.max_nodes {
        return None;
    }
    let is_first = incumbent.progress.rounds == 1;
    let mut random = stream(seed, incumbent.progress.rounds, SAMPLERS + 1);
    // The grain is another one now and then.
    let halvings = if is_first { 0 } else { random.random_range(0..own.grains) };
    let parts = contraction.parts << halvings;
    let most = incumbent.progress.bottleneck / parts;
    let (group_of, coarse) = contract(instance, contraction, most, &mut random, interrupt)?;
    let (mut workspace, mut run);
    if is_first {
        let starts = find_starts(&coarse, interrupt);
        let (orders, partitions): (Vec<_>, Vec<_>) =
            starts.into_iter().map(|start| (start.order, start.partition)).unzip();
        let partitions: Vec<_> = partitions.into_iter().flatten().collect();
        workspace = Workspace::new(&coarse, params, &orders);
        let best = match partitions.iter().min_by_key(|(bottleneck, _)| *bottleneck) {
            Some((_, best)) => best.clone(),
            None if coarse.is_uniform() => return None,
            None => workspace.samplers[0].anywhere(&mut random, interrupt)?,
        };
        run = Run::new(best, &coarse, hybrid);
        run.add(partitions.into_iter().map(|(_, block_of)| block_of));
    } else {
        workspace = Workspace::new(&coarse, params, &ORDERS.map(|order| order(coarse.graph())));
        run = Run::new(workspace.samplers[0].anywhere(&mut random, interrupt)?, &coarse, hybrid);
    }
    let lift = |block_of: &[usize]| -> Vec<usize> { group_of.iter().map(|&group| block_of[group]).collect() };
    loop {
        let known = run.objective.bottleneck;
        let mixed = workspace.round(&mut run, known, seed, incumbent, interrupt);
        if let Some((objective, block_of)) = mixed.filter(|(objective, _)| *objective < run.objective) {
            run.begin_at(objective, block_of);
        }
        incumbent.take(run.objective.bottleneck, || lift(&run.best));
        if incumbent.is_done() || run.stale >= own.patience {
            break;
        }
    }
    let mut lifted = Run::new(lift(&run.best), instance, hybrid);
    lifted.add(run.samples.iter().map(|sample| lift(sample)));
    Some(lifted)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use rand::rngs::Xoshiro256PlusPlus;

    use super::super::objective::Objective;
    use super::super::outcome::{Request, conduct};
    use super::*;
    use crate::cases::random_instance;
    use crate::cost::{Device, INFINITE, check_partition};
    use crate::graph::GraphBuilder;
    use crate::ids::{NodeId, count};

    const REQUEST: Request<'_> = Request { seed: 0, threads: 1, target: 0, start: None };

    #[test]
    fn a_run_begins_at_a_partition_of_the_graph_that_costs_what_it_says() {
        let (mut num_runs, params, interrupt) = (0, SearchParams::default(), Interrupt::never());
        for case in 0..300 {
            let mut random = stream(7, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(2..14), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let mut observe = |_| ControlFlow::Continue(());
            let search = |instance: &Instance, incumbent: &mut Incumbent<'_>| {
                incumbent.progress.rounds = random.random_range(1..4);
                let Some(run) = presearch_once(instance, &params, 0, incumbent, &interrupt) else { return };
                num_runs += 1;
                let blocks: Vec<i64> = run.best.iter().copied().map(count).collect();
                assert!(check_partition(instance, &blocks).is_ok(), "case {case}");
                assert_eq!(run.objective, Objective::of(instance, &run.best), "case {case}");
                assert_eq!(incumbent.progress.bottleneck, run.objective.bottleneck, "case {case}");
                let is_taken = run.objective.bottleneck == INFINITE || incumbent.block_of() == run.best;
                assert!(is_taken, "case {case}");
            };
            conduct(&instance, &REQUEST, &interrupt, &mut observe, search).expect("a thread");
        }
        assert!(num_runs > 100);
    }

    /// A graph in which most nodes read what one other makes.
    fn branches(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Instance {
        let mut builder = GraphBuilder::default();
        let nodes: Vec<NodeId> = (0..num_nodes).map(|_| builder.add_node(random.random_range(1.0..9.0))).collect();
        let mut consumers = vec![Vec::new(); num_nodes];
        for &node in &nodes[1..] {
            for _ in 0..=usize::from(random.random_bool(0.2)) {
                consumers[random.random_range(node.index().saturating_sub(9)..node.index())].push(node);
            }
        }
        for (&node, mut consumers) in nodes.iter().zip(consumers) {
            consumers.dedup();
            builder.add_tensor(Some(node), random.random_range(1..9), &consumers);
        }
        let graph = Arc::new(builder.freeze().expect("edges go up"));
        Instance::uniform(graph, &Device::with_bandwidth(1.0), num_blocks, false).expect("small numbers")
    }

    #[test]
    fn of_several_the_best_is_taken() {
        let (params, interrupt) = (SearchParams::default(), Interrupt::never());
        let mut num_better = 0;
        for case in 0..2 {
            let mut random = stream(8, 0, case);
            let instance = branches(&mut random, 150, 3);
            let objective = |evaluations: u64| {
                let mut observe = |_| ControlFlow::Continue(());
                let mut objective = None;
                let search = |instance: &Instance, incumbent: &mut Incumbent<'_>| {
                    incumbent.progress.rounds = 2;
                    objective =
                        presearch(instance, &params, 0, evaluations, incumbent, &interrupt).map(|run| run.objective);
                    let best = objective.map(|objective| objective.bottleneck);
                    assert!(best.is_none_or(|best| best == incumbent.progress.bottleneck), "case {case}");
                    assert!(best.is_none() || incumbent.progress.evaluations >= evaluations, "case {case}");
                };
                conduct(&instance, &REQUEST, &interrupt, &mut observe, search).expect("a thread");
                objective
            };
            let (one, several) = (objective(0), objective(60_000));
            assert!(several <= one, "case {case}");
            num_better += usize::from(several < one);
        }
        assert!(num_better > 0);
    }
}
