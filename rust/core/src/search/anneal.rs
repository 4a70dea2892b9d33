//! Simulated annealing: nodes move between blocks, uphill ever less often.
//!
//! A state is a partition, its energy the sum over the blocks of (cost / scale)^4, or a higher power: smooth where the
//! bottleneck alone would be blind to all but one block. Which power leads to the best partitions differs from graph to
//! graph, and by much, so they are drawn. A move takes one node to another block, or the *cone* of a node to the next
//! block: the node with all of its block that must come along. Only nodes next to another block, or with slack, are tried.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::outcome::{Observe, Outcome, conduct};
use super::starts::take_starts;
use super::streams::stream;
use super::walk::{Annealed, Heat, SQUARINGS, Walk};
use crate::cost::{Instance, Ticks};
use crate::error::Error;
use crate::ids::{count, float, ticks};
use crate::interrupt::Interrupt;

/// Of annealing alone: walks, sweeps of the first round and by how much more each has, and temperatures.
const WALKS: usize = 2;
const FIRST_SWEEPS: f64 = 20.0;
const GROWTH: f64 = 1.3;
const HOT: f64 = 0.3;
const COLD: f64 = 0.003;

/// Anneals a partition with so many moves per node that can move in the beginning; fewer when it is interrupted.
///
/// # Complexity
/// O(nodes + reads), and per move O(degree) of the nodes that move.
pub(super) fn anneal_from(
    instance: &Instance,
    block_of: &[usize],
    sweeps: f64,
    heat: Heat,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> Annealed {
    let walk = Walk::new(instance, block_of, heat.squarings, random);
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
    seed: u64,
    threads: usize,
    target: Ticks,
    interrupt: &Interrupt,
    observe: Observe<'_>,
) -> Result<Outcome, Error> {
    conduct(instance, threads, target, interrupt, observe, |instance, incumbent| {
        if take_starts(instance, incumbent, interrupt).is_none() {
            return;
        }
        let mut sweeps = FIRST_SWEEPS;
        loop {
            incumbent.progress.rounds += 1;
            let (best, round) = (incumbent.block_of(), incumbent.progress.rounds);
            let walk = |index| {
                let mut random = stream(seed, round, index);
                let heat = Heat { hot: HOT, cold: COLD, squarings: random.random_range(SQUARINGS) };
                anneal_from(instance, best, sweeps, heat, &mut random, interrupt)
            };
            let walks: Vec<Annealed> = (0..WALKS).into_par_iter().map(walk).collect();
            for walk in walks {
                // One where nothing can move, so that a stop that counts comes true.
                incumbent.progress.evaluations += walk.moves.max(1);
                incumbent.take(walk.objective.bottleneck, || walk.best);
            }
            if incumbent.is_done() {
                return;
            }
            sweeps *= GROWTH;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::objective::Objective;
    use super::*;
    use crate::cost::Device;
    use crate::graph::GraphBuilder;

    /// Four nodes that nothing ties to each other, for three blocks.
    fn loose_nodes() -> Instance {
        let mut builder = GraphBuilder::default();
        for work in [4.0, 2.0, 2.0, 1.0] {
            builder.add_node(work);
        }
        let graph = Arc::new(builder.freeze().expect("there are no edges"));
        Instance::new(graph, &Device::with_bandwidth(1.0), 3, false).expect("small numbers")
    }

    #[test]
    fn fewer_expensive_blocks_are_better_where_the_bottleneck_must_stay() {
        let instance = loose_nodes();
        for squarings in SQUARINGS {
            let heat = Heat { hot: 0.1, cold: 0.01, squarings };
            let annealed = anneal_from(&instance, &[0, 1, 1, 2], 50.0, heat, &mut stream(0, 0, 0), &Interrupt::never());
            assert_eq!(annealed.objective.num_expensive, 1);
            assert_eq!(Objective::of(&instance, &annealed.best), annealed.objective);
        }
    }
}
