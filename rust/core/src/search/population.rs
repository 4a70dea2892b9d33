//! A generation: keys, what they decode to, and how they rank.

use std::sync::{Mutex, PoisonError};

use rand::RngExt;
use rayon::prelude::*;

use super::params::BrkgaParams;
use super::streams::stream;
use crate::cost::{INFINITE, Instance, Ticks};
use crate::error::Error;
use crate::ids::{count, float, ticks};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::{Kahn, TopologicalOrder};
use crate::slice::Slicer;

impl BrkgaParams {
    /// # Errors
    /// [`Error::Parameter`], naming the first parameter out of range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |name, value: String, rule: &str| Err(Error::Parameter { name, value, rule: rule.to_string() });
        if !(4..=1 << 20).contains(&self.population) {
            return wrong("population", self.population.to_string(), "it is from 4 to 2^20");
        }
        if !(self.elite > 0.0 && self.elite <= 0.5) {
            return wrong("elite", self.elite.to_string(), "it is a share in (0, 0.5]");
        }
        if !(0.0..0.5).contains(&self.mutants) {
            return wrong("mutants", self.mutants.to_string(), "it is a share in [0, 0.5)");
        }
        if !(0.5..1.0).contains(&self.bias) {
            return wrong("bias", self.bias.to_string(), "it is a probability in [0.5, 1)");
        }
        Ok(())
    }

    /// Individuals that live on: at least one, and at most half.
    pub(super) fn num_elite(&self) -> usize {
        share(self.population, self.elite).max(1)
    }

    /// Individuals that are random anew.
    pub(super) fn num_mutants(&self) -> usize {
        share(self.population, self.mutants)
    }
}

fn share(population: usize, part: f64) -> usize {
    usize::try_from(ticks((float(count(population)) * part).floor())).unwrap_or(0)
}

/// What is known of an individual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fitness {
    /// Its order's least bottleneck.
    Bottleneck(Ticks),
    /// Its least bottleneck is not below the worst of the elite, so it is not elite.
    Rejected,
    /// The search ended first.
    Unknown,
}

/// One key per node, in [0, 1).
#[derive(Clone, Debug)]
pub(super) struct Individual {
    pub(super) keys: Vec<f64>,
    pub(super) fitness: Fitness,
}

impl Individual {
    /// Keys whose decoding is the order itself.
    pub(super) fn of_order(order: &TopologicalOrder) -> Self {
        let num_nodes = order.nodes().len();
        let step = 1.0 / float(count(num_nodes));
        let mut keys = vec![0.0; num_nodes];
        for (position, node) in order.nodes().iter().enumerate() {
            keys[node.index()] = float(count(position)) * step;
        }
        Self { keys, fitness: Fitness::Unknown }
    }

    /// Random keys from the individual's own stream.
    fn mutant(&mut self, seed: u64, generation: u64, index: usize) {
        let mut random = stream(seed, generation, index);
        self.keys.fill_with(|| random.random());
    }

    /// Each key from the elite parent with probability `bias`, else from the other.
    fn child(&mut self, elite: &[f64], other: &[f64], bias: f64, random: &mut impl RngExt) {
        self.keys.clear();
        let inherit = |(&elite, &other)| if random.random_bool(bias) { elite } else { other };
        self.keys.extend(elite.iter().zip(other).map(inherit));
    }
}

/// The buffers with which one worker evaluates individuals.
struct Evaluator<'a> {
    instance: &'a Instance,
    kahn: Kahn,
    order: TopologicalOrder,
    slicer: Slicer<'a>,
}

impl<'a> Evaluator<'a> {
    fn new(instance: &'a Instance) -> Self {
        let kahn = Kahn::new(instance.graph());
        Self { instance, kahn, order: TopologicalOrder::empty(), slicer: Slicer::new(instance) }
    }

    /// Decodes and slices an individual that matters only below `cutoff`.
    fn evaluate(&mut self, individual: &mut Individual, cutoff: Ticks, interrupt: &Interrupt) {
        individual.fitness = self.fitness(&individual.keys, cutoff, interrupt).unwrap_or(Fitness::Unknown);
    }

    fn fitness(&mut self, keys: &[f64], cutoff: Ticks, interrupt: &Interrupt) -> Result<Fitness, Interrupted> {
        interrupt.check(0)?;
        self.kahn.decode_into(self.instance.graph(), keys, &mut self.order, interrupt)?;
        self.slicer.load(&self.order);
        let slicing = self.slicer.best(Some(cutoff), interrupt)?;
        Ok(slicing.map_or(Fitness::Rejected, |slicing| Fitness::Bottleneck(slicing.bottleneck())))
    }
}

/// A generation, best first after [`rank`](Self::rank), and the one that replaces it.
pub(super) struct Population<'a> {
    /// One per worker of the thread pool, so no lock is ever waited for.
    evaluators: Vec<Mutex<Evaluator<'a>>>,
    individuals: Vec<Individual>,
    next: Vec<Individual>,
    num_elite: usize,
}

impl<'a> Population<'a> {
    /// The first generation: the given individuals, then mutants. To be used on the current thread pool only.
    pub(super) fn new(instance: &'a Instance, params: &BrkgaParams, mut given: Vec<Individual>, seed: u64) -> Self {
        let num_nodes = instance.graph().num_nodes();
        given.truncate(params.population);
        let blank = || Individual { keys: vec![0.0; num_nodes], fitness: Fitness::Unknown };
        for index in given.len()..params.population {
            given.push(blank());
            given[index].mutant(seed, 0, index);
        }
        let next = (0..params.population).map(|_| blank()).collect();
        let evaluators = (0..rayon::current_num_threads()).map(|_| Mutex::new(Evaluator::new(instance))).collect();
        Self { evaluators, individuals: given, next, num_elite: params.num_elite() }
    }

    pub(super) fn individuals(&self) -> &[Individual] {
        &self.individuals
    }

    /// Puts an individual that is better in the place of the best.
    pub(super) fn replace_best(&mut self, individual: Individual) {
        debug_assert!(individual.fitness < self.individuals[0].fitness);
        self.individuals[0] = individual;
    }

    /// Evaluates the individuals that are not known yet.
    pub(super) fn evaluate(&mut self, interrupt: &Interrupt) {
        let cutoff = self.cutoff();
        let Self { evaluators, individuals, .. } = self;
        let unknown = individuals.par_iter_mut().filter(|individual| individual.fitness == Fitness::Unknown);
        unknown.for_each(|individual| {
            let worker = rayon::current_thread_index().unwrap_or(0);
            // A poisoned lock means that a worker panicked, which rayon passes on.
            let mut evaluator = evaluators[worker].lock().unwrap_or_else(PoisonError::into_inner);
            evaluator.evaluate(individual, cutoff, interrupt);
        });
    }

    /// What an individual must be below to be elite: the worst of the elite that lived on.
    ///
    /// Ranks below the elite do not matter to the algorithm, so one that is not below need not be known exactly.
    fn cutoff(&self) -> Ticks {
        match self.individuals[self.num_elite - 1].fitness {
            Fitness::Bottleneck(worst) => worst,
            Fitness::Rejected | Fitness::Unknown => INFINITE,
        }
    }

    /// Best first; equals keep their places, so that the elite that lived on stay before newcomers.
    pub(super) fn rank(&mut self) {
        self.individuals.sort_by_key(|individual| individual.fitness);
    }

    /// Replaces the generation: the elite live on, mutants are random, children have an elite and another parent.
    pub(super) fn evolve(&mut self, params: &BrkgaParams, seed: u64, generation: u64) {
        let Self { individuals, next, num_elite, .. } = self;
        let first_mutant = params.population - params.num_mutants();
        next.par_iter_mut().enumerate().skip(*num_elite).for_each(|(index, individual)| {
            individual.fitness = Fitness::Unknown;
            if index >= first_mutant {
                individual.mutant(seed, generation, index);
                return;
            }
            let mut random = stream(seed, generation, index);
            let elite = random.random_range(0..*num_elite);
            let other = random.random_range(*num_elite..individuals.len());
            individual.child(&individuals[elite].keys, &individuals[other].keys, params.bias, &mut random);
        });
        std::mem::swap(individuals, next);
        for (here, there) in individuals[..*num_elite].iter_mut().zip(next) {
            std::mem::swap(here, there);
        }
    }
}
