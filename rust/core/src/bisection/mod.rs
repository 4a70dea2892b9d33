//! Two blocks: a partition better than a threshold, or a tree of cases that shows that there is none.
//!
//! A partition into two blocks is a downset `D`, the first block, and the rest.
//!
//! **Claim.** Let no mean `a cost(D) + (WHOLE - a) cost(rest)` with a share `a` from 0 to `WHOLE`, over all downsets `D` with
//! some nodes in it and some not, be `WHOLE (T - 1)` or less. Then no partition with these nodes in these blocks is better than `T`.
//!
//! **Proof.** Costs are integers: in a better one both blocks cost `T - 1` at most, and so do their means. ∎
//!
//! For one share the least mean is a minimum cut (`network.rs`); as a function of the share it is concave, so that the best share
//! is where the lines of two first blocks meet: a few cuts, each of which goes on with the flow of the one before. The best
//! share's mean is the bound that the linear relaxation of the exact model gives, at a fraction of its time. Where it is not
//! enough, a node is put into either block, with all that must be there, too (`search.rs`). Every first block that a cut shows is
//! a partition; one that is better lowers the threshold of what is left.
//!
//! On random graphs cones are large, and a few dozen to a few thousand cases are enough.

mod network;
mod search;

use std::sync::Arc;

use crate::cost::Instance;
use crate::query::{BisectionParams, Effort, Engine, Halt, Query};
use search::Search;

/// Whether an instance is of two blocks, and what they cost are sums that cuts can show.
pub(crate) fn is_taken(instance: &Instance) -> bool {
    instance.num_blocks() == 2 && instance.is_plain() && instance.is_free_of_memory()
}

/// Whether an instance has so many reads for its nodes that little else is of use.
fn is_dense(instance: &Instance, params: &BisectionParams) -> bool {
    let ([reads, nodes], graph) = (params.dense, instance.graph());
    nodes * graph.nodes().map(|v| graph.reads(v).len()).sum::<usize>() >= reads * graph.num_nodes()
}

/// How many times the steps of a decision are given.
pub(crate) fn times(instance: &Instance, params: &BisectionParams) -> u64 {
    if is_taken(instance) && is_dense(instance, params) { params.times } else { 1 }
}

/// The best partition below the threshold, by node, or one that is below where steps are too few; none when there is none. The
/// instance [`is_taken`].
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
