//! Simulated annealing: nodes move between blocks, uphill ever less often.
//!
//! A state is a partition, its energy the sum over the blocks of (cost / scale)^4, or a higher power: smooth where the
//! bottleneck alone would be blind to all but one block. Which power leads to the best partitions differs from graph to
//! graph, and by much, so they are drawn. A move takes one node to another block, or the *cone* of a node to the next
//! block: the node with all of its block that must come along. Only nodes next to another block, or with slack, are tried.

use rand::rngs::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::outcome::{Observe, Outcome, Request, conduct};
use super::params::{MoveParams, SearchParams};
use super::starts::take_starts;
use super::streams::stream;
use super::walk::{Annealed, Heat, Walk, draw_squarings};
use crate::cost::Instance;
use crate::error::Error;
use crate::ids::{count, float, ticks};
use crate::interrupt::Interrupt;

/// Anneals a partition with so many moves per node that can move in the beginning; fewer when it is interrupted.
///
/// # Complexity
/// O(nodes + reads), and per move O(degree) of the nodes that move.
pub(super) fn anneal_from(
    instance: &Instance,
    params: &MoveParams,
    block_of: &[usize],
    sweeps: f64,
    heat: Heat,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> Annealed {
    let walk = Walk::new(instance, params, block_of, heat.squarings, random);
    let moves = ticks((sweeps * float(count(walk.num_candidates()))).ceil()).unsigned_abs();
    walk.run(moves, heat, interrupt)
}

/// Searches by annealing alone: walks from the best partition, each round longer than the one before.
///
/// The answer depends on the seed, not on `threads`. Ends as [`hybrid()`](super::hybrid()) does.
///
/// # Errors
/// [`Error::Parameter`], when no thread can be started.
pub fn anneal(
    instance: &Instance,
    params: &SearchParams,
    request: &Request<'_>,
    interrupt: &Interrupt,
    observe: Observe<'_>,
) -> Result<Outcome, Error> {
    conduct(instance, request, interrupt, observe, |instance, incumbent| {
        if take_starts(instance, incumbent, interrupt).is_none() {
            return;
        }
        let own = &params.anneal;
        let mut sweeps = own.first_sweeps;
        loop {
            incumbent.progress.rounds += 1;
            let (best, round) = (incumbent.block_of(), incumbent.progress.rounds);
            let walk = |index| {
                let mut random = stream(request.seed, round, index);
                let squarings = draw_squarings(&params.moves, &mut random);
                let heat = Heat { hot: own.hot, cold: own.cold, squarings };
                anneal_from(instance, &params.moves, best, sweeps, heat, &mut random, interrupt)
            };
            let walks: Vec<Annealed> = (0..own.walks).into_par_iter().map(walk).collect();
            for walk in walks {
                // One where nothing can move, so that a stop that counts comes true.
                incumbent.progress.evaluations += walk.moves.max(1);
                incumbent.take(walk.objective.bottleneck, || walk.best);
            }
            if incumbent.is_done() {
                return;
            }
            sweeps *= own.growth;
        }
    })
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::super::fit::fitted;
    use super::super::objective::Objective;
    use super::*;
    use crate::cases::{loose_nodes, random_partition, random_unlike};
    use crate::cost::check_partition;
    use crate::order::TopologicalOrder;

    /// On unlike stages, with all that can be stored and asked: what a walk says of its best partition is true, and no node is
    /// where it may not be. Debug builds compare all sums with the definition at the end of each walk.
    #[test]
    fn walks_keep_to_what_stages_may_hold_and_count_right() {
        let (mut num_better, mut num_moves, mut num_stored, mut num_relayed) = (0, 0, 0, 0);
        for case in 0..1500 {
            let mut random = stream(13, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(2..14), random.random_range(2..6));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let order = TopologicalOrder::natural(instance.graph());
            let wanted = random_partition(&mut random, &instance);
            let Some(start) = fitted(&instance, &order, &wanted) else { continue };
            num_stored += instance.graph().num_params();
            let before = Objective::of(&instance, &start);
            let heat = Heat { hot: 1.0, cold: 0.01, squarings: 2 };
            let (params, never) = (MoveParams::default(), Interrupt::never());
            let annealed = anneal_from(&instance, &params, &start, 20.0, heat, &mut random, &never);
            num_moves += annealed.moves;
            num_relayed += if instance.is_relay() { annealed.moves } else { 0 };
            assert!(annealed.objective <= before, "case {case}");
            assert_eq!(annealed.objective, Objective::of(&instance, &annealed.best), "case {case}");
            for partition in [&annealed.best, &annealed.last] {
                let blocks: Vec<i64> = partition.iter().copied().map(count).collect();
                assert!(check_partition(&instance, &blocks).is_ok(), "case {case}");
            }
            num_better += usize::from(annealed.objective.bottleneck < before.bottleneck);
        }
        assert!(num_better > 500 && num_moves > 50_000 && num_stored > 500, "{num_better} {num_moves} {num_stored}");
        assert!(num_relayed > 10_000, "{num_relayed}");
    }

    #[test]
    fn fewer_expensive_blocks_are_better_where_the_bottleneck_must_stay() {
        let instance = loose_nodes(&[4.0, 2.0, 2.0, 1.0], 3);
        for squarings in 2..=6 {
            let heat = Heat { hot: 0.1, cold: 0.01, squarings };
            let (params, mut random, never) = (MoveParams::default(), stream(0, 0, 0), Interrupt::never());
            let annealed = anneal_from(&instance, &params, &[0, 1, 1, 2], 50.0, heat, &mut random, &never);
            assert_eq!(annealed.objective.num_expensive, 1);
            assert_eq!(Objective::of(&instance, &annealed.best), annealed.objective);
        }
    }
}
