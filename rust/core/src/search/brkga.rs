//! Biased random-key genetic algorithm over topological orders (section 4 of the paper).

use std::ops::ControlFlow;

use super::params::BrkgaParams;
use super::population::{Fitness, Individual, Population};
use crate::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::error::Error;
use crate::graph::Graph;
use crate::interrupt::Interrupt;
use crate::order::{Kahn, TopologicalOrder};
use crate::slice::{Slicer, Slicing, slice_order};

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Generations completed after the first.
    pub generations: u64,
    /// Orders looked at.
    pub evaluations: u64,
    /// The best bottleneck so far; [`INFINITE`] while every order breaks the memory limit.
    pub bottleneck: Ticks,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The block of every node. All in block 0, at infinite cost, when no order fits the memory limit.
    pub block_of: Vec<usize>,
    /// How far the search came.
    pub progress: Progress,
    /// Whether it was interrupted, rather than done.
    pub is_interrupted: bool,
}

/// The orders that the first generation begins with.
const SEEDS: [fn(&Graph) -> TopologicalOrder; 4] = [
    TopologicalOrder::natural,
    TopologicalOrder::post_order,
    TopologicalOrder::depth_first,
    TopologicalOrder::breadth_first,
];

/// The best partition so far, and the counts.
struct Incumbent<'a> {
    instance: &'a Instance,
    block_of: Vec<usize>,
    progress: Progress,
}

impl Incumbent<'_> {
    fn take(&mut self, order: &TopologicalOrder, slicing: &Slicing) {
        if slicing.bottleneck() < self.progress.bottleneck {
            self.progress.bottleneck = slicing.bottleneck();
            self.block_of = slicing.block_of(order);
        }
    }

    /// Takes an individual; slices its order again, which is cheaper than to keep every slicing.
    fn take_individual(&mut self, individual: &Individual) {
        let Fitness::Bottleneck(value) = individual.fitness else { return };
        if value < self.progress.bottleneck {
            let graph = self.instance.graph();
            let order = Kahn::new(graph).decode(graph, &individual.keys);
            let mut slicer = Slicer::new(self.instance);
            slicer.load(&order);
            if let Ok(Some(slicing)) = slicer.below(value + 1, &Interrupt::never()) {
                self.take(&order, &slicing);
            }
        }
    }

    fn into_outcome(self, interrupt: &Interrupt) -> Outcome {
        let Self { instance, block_of, progress } = self;
        debug_assert!(
            progress.bottleneck == INFINITE || bottleneck(&partition_costs(instance, &block_of)) == progress.bottleneck
        );
        Outcome { block_of, progress, is_interrupted: interrupt.is_raised() }
    }
}

/// Searches topological orders for the one with the best slicing.
///
/// The first generation holds the natural, post-, depth-first and breadth-first orders, then random keys. `observe` is
/// called with the natural order cut where the work is even (so that every search has an answer), after that order's best
/// slicing, and after every generation, and ends the search when it breaks; so does a bottleneck that reaches `target`, a
/// bound that nothing can beat. The answer depends on the seed, not on `threads`.
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
    params: &BrkgaParams,
    seed: u64,
    threads: usize,
    target: Ticks,
    interrupt: &Interrupt,
    observe: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Outcome, Error> {
    params.check()?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .build()
        .map_err(|error| Error::Parameter { name: "threads", value: threads.to_string(), rule: error.to_string() })?;
    Ok(pool.install(|| run(instance, params, seed, target, interrupt, observe)))
}

fn run(
    instance: &Instance,
    params: &BrkgaParams,
    seed: u64,
    target: Ticks,
    interrupt: &Interrupt,
    observe: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Outcome {
    let graph = instance.graph();
    let order = TopologicalOrder::natural(graph);
    let progress = Progress { generations: 0, evaluations: 0, bottleneck: INFINITE };
    let mut incumbent = Incumbent { instance, block_of: vec![0; graph.num_nodes()], progress };
    incumbent.take(&order, &Slicing::even(instance, &order));
    let mut is_done =
        |progress: Progress| observe(progress).is_break() || progress.bottleneck <= target || interrupt.is_raised();
    if is_done(incumbent.progress) {
        return incumbent.into_outcome(interrupt);
    }
    if let Ok(Some(slicing)) = slice_order(instance, &order, interrupt) {
        incumbent.take(&order, &slicing);
    }
    incumbent.progress.evaluations = 1;
    if is_done(incumbent.progress) {
        return incumbent.into_outcome(interrupt);
    }
    let given = SEEDS.iter().map(|order| Individual::of_order(&order(graph))).collect();
    let mut population = Population::new(instance, params, given, seed);
    let mut generation = 0;
    loop {
        population.evaluate(interrupt);
        let known = population.individuals().iter().filter(|individual| individual.fitness != Fitness::Unknown);
        let lived_on = if generation == 0 { 0 } else { params.num_elite() };
        incumbent.progress.evaluations += u64::try_from(known.count() - lived_on).unwrap_or(0);
        population.rank();
        incumbent.take_individual(&population.individuals()[0]);
        incumbent.progress.generations = generation;
        if is_done(incumbent.progress) || params.generations.is_some_and(|most| generation >= most) {
            return incumbent.into_outcome(interrupt);
        }
        generation += 1;
        population.evolve(params, seed, generation);
    }
}
