//! One attempt to decide a threshold in given domains: label setting, and the downset DP where that halts.

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
    let found = assign(query, &domains.known.windows, steps[0], query.params.labeling.times, effort);
    if found.is_ok() || found == Err(Halt::Interrupted) || steps[1] == 0 {
        return found;
    }
    bidirectional(query, Some(domains), steps[1], effort)
}
