//! Parameters of the genetic search.

use crate::error::Error;
use crate::ids::{count, float, ticks};

/// Parameters of the biased random-key genetic algorithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrkgaParams {
    /// Individuals per generation; 4 at least.
    pub population: usize,
    /// Share of a generation, in (0, 1/2], that is elite and lives on.
    pub elite: f64,
    /// Share of a generation, in [0, 1/2), that is random anew.
    pub mutants: f64,
    /// Probability, in [1/2, 1), that a child takes a key from its elite parent.
    pub bias: f64,
    /// Generations after the first; none: until something else stops the search.
    pub generations: Option<u64>,
    /// Whether the first generation holds the natural, post-, depth-first and breadth-first orders.
    pub is_seeded: bool,
    /// Whether the best of every generation is improved by moves downhill, and lives on as the order that it then has.
    pub is_memetic: bool,
}

impl Default for BrkgaParams {
    /// The paper's population; the elite share that did best on the testbed.
    fn default() -> Self {
        Self {
            population: 100,
            elite: 0.3,
            mutants: 0.1,
            bias: 0.7,
            generations: None,
            is_seeded: false,
            is_memetic: false,
        }
    }
}

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
