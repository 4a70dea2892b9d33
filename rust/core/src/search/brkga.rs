//! Biased random-key genetic algorithm over topological orders (section 4 of the paper).

use rand::rngs::Xoshiro256PlusPlus;

use super::anneal::anneal_from;
use super::outcome::{Incumbent, Observe, Outcome, Request, conduct};
use super::params::SearchParams;
use super::population::{Fitness, Individual, Population};
use super::starts::{ORDERS, take_even};
use super::streams::stream;
use super::walk::Heat;
use crate::cost::{INFINITE, Instance};
use crate::error::Error;
use crate::ids::{count, float};
use crate::interrupt::Interrupt;
use crate::order::Kahn;
use crate::slice::Slicer;

/// A temperature at which no move goes uphill.
const NO_HEAT: f64 = 1e-9;
/// Number of the random stream of the memetic descent, which no individual has.
const DESCENT: usize = usize::MAX;

/// Searches topological orders for the one with the best slicing.
///
/// The first generation holds random keys alone, as in the paper, and the four fixed orders when it is seeded. `observe` is
/// called before it and after every generation, and ends the search when it breaks; so does a bottleneck that reaches
/// `target`, a bound that nothing can beat. Where it ends before any order has been sliced, the answer is the natural order
/// cut where the work is even. The answer depends on the seed, not on `threads`.
///
/// # Errors
/// [`Error::Parameter`], when a parameter is out of range or no thread can be started.
///
/// # Panics
/// When a worker thread panics.
///
/// # Complexity
/// O(population × (nodes log nodes + reads)) per generation in practice; O(population × nodes) memory.
pub fn brkga(
    instance: &Instance,
    params: &SearchParams,
    request: &Request<'_>,
    interrupt: &Interrupt,
    observe: Observe<'_>,
) -> Result<Outcome, Error> {
    params.brkga.check()?;
    conduct(instance, request, interrupt, observe, |instance, incumbent| {
        run(instance, params, request.seed, incumbent, interrupt);
        if incumbent.progress.bottleneck == INFINITE {
            take_even(instance, incumbent);
        }
    })
}

fn run(instance: &Instance, params: &SearchParams, seed: u64, incumbent: &mut Incumbent<'_>, interrupt: &Interrupt) {
    let own = &params.brkga;
    if incumbent.is_done() {
        return;
    }
    let seeds = if own.is_seeded { &ORDERS[..] } else { &[] };
    let given = seeds.iter().map(|order| Individual::of_order(&order(instance.graph()))).collect();
    let mut population = Population::new(instance, own, given, seed);
    let mut generation = 0;
    loop {
        population.evaluate(interrupt);
        let known = population.individuals().iter().filter(|individual| individual.fitness != Fitness::Unknown);
        let lived_on = if generation == 0 { 0 } else { own.num_elite() };
        incumbent.progress.evaluations += u64::try_from(known.count() - lived_on).unwrap_or(0);
        population.rank();
        let best = &population.individuals()[0];
        take_individual(instance, incumbent, best);
        if own.is_memetic && best.fitness != Fitness::Unknown {
            let mut random = stream(seed, generation, DESCENT);
            let (individual, moves) = descend(instance, params, best, &mut random, interrupt);
            incumbent.progress.evaluations += moves;
            if let Some(individual) = individual {
                take_individual(instance, incumbent, &individual);
                population.replace_best(individual);
            }
        }
        incumbent.progress.rounds = generation;
        if incumbent.is_done() || own.generations.is_some_and(|most| generation >= most) {
            return;
        }
        generation += 1;
        population.evolve(own, seed, generation);
    }
}

/// Takes an individual; slices its order again, which is cheaper than to keep every slicing.
fn take_individual(instance: &Instance, incumbent: &mut Incumbent<'_>, individual: &Individual) {
    let Fitness::Bottleneck(value) = individual.fitness else { return };
    if value < incumbent.progress.bottleneck {
        let graph = instance.graph();
        let order = Kahn::new(graph).decode(graph, &individual.keys);
        let mut slicer = Slicer::new(instance);
        slicer.load(&order);
        if let Ok(Some(slicing)) = slicer.below(value + 1, &Interrupt::never()) {
            incumbent.take(slicing.bottleneck(), || slicing.block_of(&order));
        }
    }
}

/// Moves nodes of an individual's partition between blocks while that helps; gives what then is better, as an individual,
/// and how many moves were tried.
fn descend(
    instance: &Instance,
    params: &SearchParams,
    individual: &Individual,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> (Option<Individual>, u64) {
    let graph = instance.graph();
    let mut slicer = Slicer::new(instance);
    let order = Kahn::new(graph).decode(graph, &individual.keys);
    slicer.load(&order);
    let Ok(Some(slicing)) = slicer.best(None, interrupt) else { return (None, 0) };
    let (sweeps, squarings) = (params.brkga.descent_sweeps, params.brkga.descent_squarings);
    let heat = Heat { hot: NO_HEAT, cold: NO_HEAT, squarings };
    let annealed = anneal_from(instance, &params.moves, &slicing.block_of(&order), sweeps, heat, random, interrupt);
    // Block by block, and within a block as before.
    let blocks = float(count(instance.num_blocks()));
    let place = |(&key, &block): (&f64, &usize)| (float(count(block)) + key / 2.0) / blocks;
    let keys = individual.keys.iter().zip(&annealed.best).map(place).collect();
    let is_better = annealed.objective.bottleneck < slicing.bottleneck();
    let fitness = Fitness::Bottleneck(annealed.objective.bottleneck);
    (is_better.then_some(Individual { keys, fitness }), annealed.moves)
}
