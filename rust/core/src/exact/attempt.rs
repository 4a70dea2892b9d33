//! One attempt to decide a threshold in given domains: label setting, and the downset DP where that halts.
//!
//! Where memory counts it is the other way round: limits leave few downsets, but labels with sums of bytes are seldom better than
//! others in all of them.

use crate::domain::Domains;
use crate::downset::bidirectional;
use crate::labeling::assign;
use crate::query::{Effort, Halt, Query};

/// A partition better than the threshold, by node; none when there is none. Labels have the first number of steps, and the downset
/// DP the second.
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
