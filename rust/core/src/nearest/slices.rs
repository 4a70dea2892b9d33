//! Of all slicings of an order below a threshold, the one nearest to a plan.
//!
//! What does not move adds up over slices, so with `stays(b, i, j)` the weight of the nodes from `i` to `j` in the order whose
//! block in the plan is `b`,
//!
//! ```text
//! most(b, j) = greatest of most(b - 1, i) + stays(b, i, j) over i <= j with i = j or cost(i, j) < threshold
//! ```
//!
//! is exact; slices may be empty. `stays` is a difference of prefix sums.

use super::{Search, Weight};
use crate::ids::{count, narrow, wide};
use crate::interrupt::Interrupted;
use crate::order::TopologicalOrder;
use crate::slice::{SliceCosts, SliceSum};

/// Where no slicing leads.
const NEVER: Weight = Weight { bytes: i64::MIN / 2, nodes: 0 };

/// The block of each node; none without such a slicing, or without an answer in `steps`, which are taken away.
///
/// # Errors
/// [`Interrupted`], when the interrupt was raised first.
///
/// # Complexity
/// O(nodes × window × blocks).
pub(super) fn nearest(
    search: &Search<'_>,
    order: &TopologicalOrder,
    steps: &mut u64,
) -> Result<Option<Vec<usize>>, Interrupted> {
    let instance = search.instance;
    let (num_nodes, num_blocks) = (order.nodes().len(), instance.num_blocks());
    if (num_nodes + 1).saturating_mul(num_blocks) > search.params.table {
        return Ok(None);
    }
    let mut costs = SliceCosts::new(instance, 0);
    costs.load(order);
    let costs = costs.slices();
    // Of the positions so far, what each block of the plan has; and what is gained before each position: `most - stays`.
    let mut prefix = vec![Weight::default(); num_blocks];
    let mut gains = Vec::with_capacity((num_nodes + 1) * num_blocks);
    let mut from = vec![0_u32; (num_nodes + 1) * num_blocks];
    gains.resize(num_blocks, Weight::default());
    let mut most = vec![NEVER; num_blocks];
    for end in 1..=num_nodes {
        search.interrupt.check(0)?;
        let node = order.nodes()[end - 1];
        prefix[search.plan[node.index()]] += Weight::of(instance.graph(), node);
        most.fill(NEVER);
        let row = &mut from[end * num_blocks..][..num_blocks];
        let mut slice = SliceSum::empty_at(end);
        for start in (0..end).rev() {
            costs.push_front(&mut slice);
            if costs.cost_without_io(&slice) >= search.threshold {
                break;
            }
            let Some(left) = steps.checked_sub(1) else { return Ok(None) };
            *steps = left;
            if costs.cost(&slice) >= search.threshold {
                continue;
            }
            let Some(left) = steps.checked_sub(count(num_blocks).unsigned_abs()) else { return Ok(None) };
            *steps = left;
            let place = narrow(start);
            for (block, gain) in gains[start * num_blocks..][..num_blocks].iter().enumerate() {
                if *gain > most[block] {
                    most[block] = *gain;
                    row[block] = place;
                }
            }
        }
        // `most` of a block is complete without an empty slice; then the next may begin where an earlier one ends.
        let mut reached = NEVER;
        for block in 0..num_blocks {
            let here = if most[block] > NEVER { most[block] + prefix[block] } else { NEVER };
            if here > reached {
                reached = here;
            } else {
                row[block] = narrow(end);
            }
            most[block] = reached;
        }
        // What a slice of block b that starts here gains: `most` of the block before, less what b has so far.
        gains.push(NEVER);
        for block in 1..num_blocks {
            let before = most[block - 1];
            gains.push(if before > NEVER { before - prefix[block] } else { NEVER });
        }
    }
    if num_nodes > 0 && most[num_blocks - 1] == NEVER {
        return Ok(None);
    }
    let (mut block_of, mut end) = (vec![0; num_nodes], num_nodes);
    for block in (0..num_blocks).rev() {
        let start = if end == 0 { 0 } else { wide(from[end * num_blocks + block]) };
        for node in &order.nodes()[start..end] {
            block_of[node.index()] = block;
        }
        end = start;
    }
    Ok(Some(block_of))
}
