//! R8, incompatible pairs: `u` comes before `v`, and no block below the threshold holds both.
//!
//! **Claim.** Let `v` be reached from `u`. A block with both holds everything between them, so with each of the nodes that are reached
//! from `u` its predecessors among these, and with each of those that reach `v` its successors among those. When the least cost of
//! such a block (`cut.rs`) is the threshold or more, `v` is in a later block than `u`.
//!
//! **Proof.** Blocks are convex. In no later block than `u`, `v` would be in the same one. ∎
//!
//! The cut has one node inside. The other one gains as much as the threshold: sets with it cost that less, and if the least of all is
//! not negative, every set with it costs the threshold. This is for one kind of device that pays the sum.

use crate::cut::{Network, Question};
use crate::order::Order;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// Whether no block below the threshold holds both, where the second is reached from the first.
pub(crate) fn are_incompatible(
    (quotient, order): (&Quotient<'_>, &Order),
    (first, second): (usize, usize),
    threshold: i64,
    steps: &mut Steps,
) -> Result<bool, Stop> {
    let num_nodes = quotient.num_nodes();
    if first == second || first.max(second) >= num_nodes {
        return Ok(false);
    }
    let after = reached(&order.successors, first, steps)?;
    let before = reached(&order.predecessors, second, steps)?;
    if !after[second] {
        return Ok(false);
    }
    let mut gains = vec![0; num_nodes];
    gains[second] = threshold;
    let region: Vec<usize> = (0..num_nodes).collect();
    let question = Question {
        inside: first,
        kind: 0,
        enough: 0,
        barred: &[],
        after: &after,
        before: &before,
        gains: &gains,
        region: &region,
    };
    steps.spend(num_nodes)?;
    let mut network = Network::new(num_nodes, quotient.problem.num_tensors());
    Ok(network.least_balance(quotient, &question, steps)? >= 0)
}

/// Whoever is reached, with where it begins.
fn reached(arcs: &[Vec<usize>], begin: usize, steps: &mut Steps) -> Result<Vec<bool>, Stop> {
    let mut reached = vec![false; arcs.len()];
    reached[begin] = true;
    let mut waiting = vec![begin];
    while let Some(node) = waiting.pop() {
        steps.spend(1 + arcs[node].len())?;
        waiting.extend(arcs[node].iter().copied().filter(|&each| !std::mem::replace(&mut reached[each], true)));
    }
    Ok(reached)
}
