//! One attempt to decide a threshold in given domains: label setting, and the downset DP if label setting halts.
//!
//! With memory or limits the order is reversed: limits leave few downsets, while labels with sums of bytes seldom dominate one
//! another.

use crate::domain::Domains;
use crate::downset::bidirectional;
use crate::labeling::assign;
use crate::query::{Effort, Halt, Query};

/// A partition below the threshold, by node; none when there is none. `steps` are the most for label setting and for the downset
/// DP.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
pub(super) fn attempt(
    query: &Query<'_>,
    domains: &Domains,
    steps: [u64; 2],
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    let label =
        |effort: &mut Effort| assign(query, &domains.known.windows, steps[0], query.params.labeling.times, effort);
    let list = |effort: &mut Effort| bidirectional(query, Some(domains), steps[1], effort);
    if steps[1] == 0 {
        return label(effort);
    }
    let is_first = query.instance.is_free_of_memory();
    let found = if is_first { label(effort) } else { list(effort) };
    match found {
        Err(Halt::Steps | Halt::Memory) if is_first => list(effort),
        Err(Halt::Steps | Halt::Memory) => label(effort),
        found => found,
    }
}
