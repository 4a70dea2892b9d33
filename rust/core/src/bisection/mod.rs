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
//! a partition, whose costs say whether it is better.
//!
//! On random graphs cones are large, and a few dozen to a few thousand cases are enough.

mod network;
mod search;

use std::sync::Arc;

use crate::cost::Instance;
use crate::query::{Effort, Engine, Halt, Query};
use search::Search;

/// Whether an instance is of two blocks, and what they cost are sums that cuts can show.
pub(crate) fn is_taken(instance: &Instance) -> bool {
    instance.num_blocks() == 2 && instance.is_plain() && instance.is_free_of_memory()
}

/// A partition below the threshold, by node; none when there is none. The instance [`is_taken`]. Takes at most so many steps.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
///
/// # Complexity
/// Exponential at worst; a case takes a few flows of O(arcs) steps on few paths.
pub(crate) fn bisect(query: &Query<'_>, steps: u64, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
    let mut search = Search::new(query);
    let found = effort.within(steps, 0, |part| search.run(part))?;
    if found.is_none() {
        effort.closed_by = Some(Engine::Bisection(Arc::from(search.tree)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
