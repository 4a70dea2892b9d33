//! A tree (`tree.rs`) step by step, for the solver that builds one: after each step, the facts of the next case.

use std::sync::Arc;

use crate::log::{Log, Numbers};
use crate::merges::replay;
use crate::problem::Problem;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};
use crate::tree::{Cases, Tree};
use crate::tree_log::read_step;

/// What is known of a case: the first and the last block of each node, from 1; what each weighs; and what the first 0, 1, ..., all
/// blocks weigh at least and at most.
#[derive(Clone, Debug)]
pub struct Case {
    /// First blocks.
    pub first: Vec<usize>,
    /// Last blocks.
    pub last: Vec<usize>,
    /// Weights, in ticks.
    pub weight: Vec<i128>,
    /// The least of the first blocks.
    pub least: Vec<i128>,
    /// The most.
    pub most: Vec<i128>,
}

/// A quotient, a threshold, and the cases that are left.
#[derive(Clone)]
pub struct Proving {
    problem: Arc<Problem>,
    threshold: i64,
    cases: Cases,
}

impl Proving {
    /// All partitions of what the merges of a log lead to.
    ///
    /// # Errors
    /// [`Stop`], when a merge is refused or the steps are used up.
    pub fn new(problem: &Problem, log: &[u8], threshold: i64, steps: &mut Steps) -> Result<Self, Stop> {
        let log = Log::read(log)?;
        let problem = replay(problem, log.threshold, &log.merges, steps)?.0.without_spare_blocks();
        let quotient = Quotient::new(&problem);
        let cases = Tree::new(&problem, &quotient, threshold, quotient.load.clone(), steps)?.begin(steps)?;
        drop(quotient);
        Ok(Self { problem: Arc::new(problem), threshold, cases })
    }

    /// Takes a step in the bytes of a log, or nothing is changed.
    ///
    /// # Errors
    /// [`Stop`], when it does not hold, or the steps are used up.
    pub fn apply(&mut self, step: &[u8], steps: &mut Steps) -> Result<(), Stop> {
        let step = read_step(&mut Numbers { rest: step })?.ok_or_else(|| Stop::malformed("this is the end"))?;
        let quotient = Quotient::new(&self.problem);
        let weight = self.cases.weight().to_vec();
        let mut tree = Tree::new(&self.problem, &quotient, self.threshold, weight, steps)?;
        let before = self.cases.clone();
        let found = tree.apply(&mut self.cases, &step, steps);
        if found.is_err() {
            self.cases = before;
        }
        found
    }

    /// How many cases are left.
    #[must_use]
    pub fn num_cases(&self) -> usize {
        self.cases.len()
    }

    /// The next case; none: all are proved.
    #[must_use]
    pub fn next(&self) -> Option<Case> {
        let (windows, weight) = (self.cases.next()?, self.cases.weight().to_vec());
        let total: i128 = weight.iter().sum();
        let at_least = windows.most_at_end.iter().rev().map(|most| (total - most).max(0)).collect();
        let (first, last) = (windows.first.clone(), windows.last.clone());
        Some(Case { first, last, weight, least: at_least, most: windows.most.clone() })
    }
}
