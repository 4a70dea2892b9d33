//! Of all slicings of an order below a threshold, one with the fewest slices, and of these one of least io. Only where stages
//! are alike.
//!
//! ```text
//! best(j) = least of (count(i) + 1, io(i) + io_in(i, j) + io_out(i, j)) over starts i with cost(i, j) < threshold,
//! ```
//!
//! pairs compared by their first number, then by the second. Both are sums over slices, so the best way to an end
//! continues the best way to its last start.

use super::costs::Slices;
use super::sum::SliceSum;
use crate::cost::{INFINITE, Ticks};
use crate::interrupt::{Interrupt, Interrupted};

/// The best way to an end: slices, their io, and where the last one starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    count: usize,
    io: Ticks,
    start: usize,
}

/// The ends of the slices, in at most `steps` steps, which are taken away; none without such a slicing, or without an answer
/// in so many.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes × window).
pub(super) fn ends(
    costs: Slices<'_, true>,
    num_nodes: usize,
    threshold: Ticks,
    steps: &mut u64,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Interrupted> {
    let none = Way { count: usize::MAX, io: INFINITE, start: 0 };
    let mut ways = vec![Way { count: 0, io: 0, start: 0 }];
    for end in 1..=num_nodes {
        interrupt.check(end)?;
        let (mut slice, mut best) = (SliceSum::empty_at(end), none);
        for start in (0..end).rev() {
            let Some(left) = steps.checked_sub(1) else { return Ok(None) };
            *steps = left;
            costs.push_front(&mut slice);
            if costs.cost_without_io(&slice) >= threshold {
                break;
            }
            let way = ways[start];
            if way.count < best.count && costs.cost(&slice) < threshold {
                best = best.min(Way { count: way.count + 1, io: way.io + slice.io(), start });
            }
        }
        ways.push(best);
    }
    let (mut ends, mut end) = (Vec::new(), num_nodes);
    if ways[end].count == usize::MAX {
        return Ok(None);
    }
    while end > 0 {
        ends.push(end);
        end = ways[end].start;
    }
    ends.reverse();
    Ok(Some(ends))
}
