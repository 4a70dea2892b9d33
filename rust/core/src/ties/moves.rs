//! Local search for less io: single nodes move to other blocks, with every block below a threshold.

use super::Settled;
use crate::cost::{Instance, Ticks};
use crate::ids::narrow;
use crate::interrupt::{Interrupt, Interrupted};
use crate::search::Assignment;

/// Moves nodes to other blocks as long as that lowers the io of all blocks together, each below `threshold`, within `steps`.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first; what was found is kept.
///
/// # Complexity
/// O(nodes + reads) and the steps.
pub(super) fn descend(
    instance: &Instance,
    best: &mut Settled,
    threshold: Ticks,
    steps: &mut u64,
    interrupt: &Interrupt,
) -> Result<(), Interrupted> {
    let mut assignment = Assignment::new(instance, &best.block_of);
    let last = narrow(best.num_blocks.saturating_sub(1));
    let mut is_interrupted = Ok(());
    'passes: loop {
        let mut has_moved = false;
        for node in instance.graph().nodes() {
            is_interrupted = interrupt.check(node.index());
            let (low, high) = assignment.range(node);
            let from = assignment.block(node);
            let mut cheapest: Option<(Ticks, u32)> = None;
            for to in (low..=high.min(last)).filter(|&to| to != from) {
                let Some(left) = steps.checked_sub(1).filter(|_| is_interrupted.is_ok()) else { break 'passes };
                *steps = left;
                let sums = assignment.shifted(node, to);
                let change = sums.0.io + sums.1.io - assignment.sums(from).io - assignment.sums(to).io;
                let is_cheap = assignment.cost(from, sums.0) < threshold && assignment.cost(to, sums.1) < threshold;
                if is_cheap && change < cheapest.map_or(0, |(change, _)| change) {
                    cheapest = Some((change, to));
                }
            }
            if let Some((_, to)) = cheapest {
                let sums = assignment.shifted(node, to);
                assignment.shift(node, to, sums);
                has_moved = true;
            }
        }
        if !has_moved {
            break;
        }
    }
    best.improve(instance, &assignment.to_blocks());
    is_interrupted
}
