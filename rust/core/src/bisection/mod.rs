//! Branch and bound for two blocks, by Lagrangian bounds: a partition below a threshold, or a tree of cases that proves that there
//! is none.
//!
//! A partition into two blocks is a downset `D`, the first block, and the rest. A *case* fixes the blocks of some nodes.
//!
//! **Claim.** Let a share `a` from 0 to `WHOLE` be such that the mean `a cost(D) + (WHOLE - a) cost(rest)` is more than
//! `WHOLE (T - 1)` for all downsets `D` of a case. Then no partition of this case is below `T`.
//!
//! **Proof.** Costs are integers: in a partition below `T` both blocks cost at most `T - 1`, so the mean is at most
//! `WHOLE (T - 1)`. ∎
//!
//! For a given share, the least mean is a minimum cut (`network.rs`). As a function of the share it is concave and piecewise linear,
//! one line for each first block, so the best share is found by cutting planes: a few cuts, each of which starts from the flow of
//! the one before. The bound of the best share is that of the exact model's linear relaxation, at a fraction of its time. Where
//! it does not close a case, the case is divided at a node: it is fixed in either block, with its ancestors or descendants
//! (`search.rs`). The first block of every cut gives a partition; one that is better lowers the threshold of the remaining cases.
//!
//! In random graphs nodes have many ancestors and descendants, and a few dozen to a few thousand cases are enough.

mod network;
mod search;

use std::sync::Arc;

use crate::cost::Instance;
use crate::query::{BisectionParams, Effort, Engine, Halt, Query};
use search::Search;

/// Whether the method applies: two blocks, with costs that a cut can represent.
pub(crate) fn is_taken(instance: &Instance) -> bool {
    instance.num_blocks() == 2 && instance.is_plain() && instance.is_free_of_memory()
}

/// Whether an instance has so many reads per node that other methods rarely decide it.
fn is_dense(instance: &Instance, params: &BisectionParams) -> bool {
    let ([reads, nodes], graph) = (params.dense, instance.graph());
    nodes * graph.nodes().map(|v| graph.reads(v).len()).sum::<usize>() >= reads * graph.num_nodes()
}

/// The factor by which an instance gets more steps for a decision.
pub(crate) fn times(instance: &Instance, params: &BisectionParams) -> u64 {
    if is_taken(instance) && is_dense(instance, params) { params.times } else { 1 }
}

/// The best partition below the threshold, by node, or any one below it when the steps run out; none when there is none.
/// [`is_taken`] must hold for the instance.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
///
/// # Complexity
/// Exponential at worst; a case takes a few flows of O(arcs) steps on few paths.
pub(crate) fn bisect(query: &Query<'_>, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
    let mut search = Search::new(query);
    let part = if is_dense(query.instance, &query.params.bisection) { 1 } else { query.params.bisection.part };
    let found = effort.within(effort.steps() / part, 0, |part| search.run(part))?;
    if found.is_none() {
        effort.closed_by = Some(Engine::Bisection(Arc::from(search.tree)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
