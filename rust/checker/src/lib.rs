//! Proves again, in integers, that no partition of a computation graph is better than a threshold.
//!
//! # Statement
//! *No acyclic partition of the graph into the stages of the problem has a bottleneck below `T` ticks.* The caller gives the
//! problem, which is trusted, and the log, which is not. A log names the rules and where they apply (`log.rs`); all figures are
//! computed again here (`hints.rs`, `close.rs`). The checker shares no code with the solver, and uses no clock, no randomness, no
//! floating point and no unsafe code. Sums that overflow end the program.
//!
//! # Rules
//! Each is proved at the top of its file, under the name that a verdict reports: *pull*, *push*, *together*, *cycle* and *given*,
//! merges that keep a better partition (`merges.rs`, `components.rs`); *cut*, a node that no block below the threshold can hold
//! (`expensive.rs`, by the lemma in `cut.rs`); *reach*, stage windows by the capacity of blocks (`reach.rs`); *windows*, by cuts
//! (`windows.rs`); *incompatible*, pairs of nodes (`incompatible.rs`); *weights*, of nodes (`weights.rs`); *split*, of a window
//! (`split.rs`); *bisection* (`bisection.rs`); *tree*, of cases (`tree.rs`); *packing* (`packing.rs`); *rows*, sums of linear
//! inequalities (`rows.rs`); *labels*, label setting (`frontiers.rs`, `labels.rs`); *levels*, bidirectional levels of downsets
//! (`levels.rs`, with dominance in `blocks.rs`).
//!
//! # Effort
//! Steps are counted, and the caller sets their limit, so a log cannot make the checker run longer. The same limit gives the same
//! verdict on every machine.

mod bisection;
#[cfg(test)]
mod bisection_tests;
mod bits;
mod blocks;
mod capacities;
#[cfg(test)]
mod cases;
mod close;
mod completion;
mod components;
mod crossing;
mod cut;
mod downsets;
mod expensive;
mod flow;
mod frontiers;
mod hints;
mod incidence;
mod incompatible;
mod labels;
mod levels;
#[cfg(test)]
mod levels_tests;
mod log;
mod merges;
mod order;
mod packing;
#[cfg(test)]
mod packing_tests;
mod params;
mod problem;
mod proving;
mod quotient;
mod reach;
mod resources;
mod rows;
mod sides;
mod split;
mod stop;
#[cfg(test)]
mod tests;
mod tree;
mod tree_log;
#[cfg(test)]
mod tree_tests;
mod weights;
mod windows;

use bisection::check_bisection;
pub use close::By;
use close::close;
use expensive::check_expensive_node;
use log::{End, Entry, Log};
use merges::{Rule, replay};
use packing::check_packing;
pub use problem::Problem;
pub use proving::{Case, Proving};
use quotient::Quotient;
pub use stop::{Steps, Stop};
use tree::walk;

/// What is proved, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Ticks below which no partition of the problem has its bottleneck; 0 where only merges are claimed.
    pub threshold: i64,
    /// The rule that closes it.
    pub by: By,
    /// Of each rule that is applied, the first first: its name, how often, and the steps of it.
    pub rules: Vec<(String, usize, u64)>,
}

/// Proves that what a log claims is so; by what.
///
/// # Errors
/// [`Stop`], when it is not proved, and why.
pub fn check(problem: &Problem, log: &[u8], steps: &mut Steps) -> Result<Proof, Stop> {
    let log = Log::read(log)?;
    let (quotient, taken) = replay(problem, log.threshold, &log.merges, steps)?;
    let quotient = quotient.without_spare_blocks();
    let before = steps.left();
    let by = match &log.entries[..] {
        _ if log.claim == 0 => By::Merges,
        [Entry::End(End::ExpensiveNode(node))] => {
            check_expensive_node(&Quotient::new(&quotient), *node, log.claim, steps).map(|()| By::Cut)?
        }
        [Entry::End(End::Tree(tree))] => {
            let half = steps.left() / 2;
            match steps.part(half, |steps| walk(&quotient, log.claim, tree, steps)) {
                Ok(()) => By::Tree,
                Err(Stop::Interrupted) => return Err(Stop::Interrupted),
                // A hint that does not hold says nothing.
                Err(_) => close(&quotient, log.claim, &[], steps)?,
            }
        }
        [Entry::End(End::Packing(packing))] => {
            let half = steps.left() / 2;
            match steps.part(half, |steps| check_packing(&quotient, log.claim, packing, steps)) {
                Ok(()) => By::Packing,
                Err(Stop::Interrupted) => return Err(Stop::Interrupted),
                Err(_) => close(&quotient, log.claim, &[], steps)?,
            }
        }
        [Entry::End(End::Bisection(tree))] => {
            let half = steps.left() / 2;
            match steps.part(half, |steps| check_bisection(&quotient, log.claim, tree, steps)) {
                Ok(()) => By::Bisection,
                Err(Stop::Open | Stop::Budget) => close(&quotient, log.claim, &[], steps)?,
                Err(stop) => return Err(stop),
            }
        }
        hints => close(&quotient, log.claim, hints, steps)?,
    };
    let count = |rule| log.merges.iter().filter(|merge| merge.0 == rule).count();
    let name = |rule: &dyn std::fmt::Debug| format!("{rule:?}").to_lowercase();
    let merges = Rule::ALL.iter().zip(taken).map(|(&rule, taken)| (name(&rule), count(rule), taken));
    let mut rules: Vec<(String, usize, u64)> = merges.filter(|rule| rule.1 > 0).collect();
    if by != By::Merges {
        rules.push((name(&by), 1, before - steps.left()));
    }
    // Merges keep partitions below their own threshold alone.
    let threshold = if log.merges.is_empty() { log.claim } else { log.claim.min(log.threshold) };
    Ok(Proof { threshold, by, rules })
}
