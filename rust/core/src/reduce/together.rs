//! Rule C, together: two groups that whoever separates pays the threshold for it become one.
//!
//! **Rule.** With a threshold `T`, merge `u` and `v` when every block that holds one of them and not the other costs at
//! least `T`. It is enough to know this of the blocks with `u`, or of those with `v`.
//!
//! **Proof.** In a partition better than `T` the block of `u` costs less than `T`, so it holds `v`. The rule keeps every
//! partition better than `T`, and says nothing of others. When the threshold falls, what was merged stays right.
//!
//! The same holds when the blocks cannot pay for it together: `k` blocks below `T` pay at most `k (T - 1)`, of which the
//! load of all nodes is spent whatever the blocks are. So who puts `u` and `v` into two blocks must find the exports and the
//! imports of all that `v` reads of `u` in the rest.
//!
//! What such blocks cost at least is first read off the two groups: the load of `u` with the export of what `v` reads of it,
//! or the load of `v` with the import of what `u` makes for it. Where that does not do and `u` by itself costs `T` (else
//! `u` alone is such a block), a minimum cut says it: see `flow`. When even the cheapest block with `u` costs `T`,
//! there is no partition better than `T`.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::cost::{INFINITE, Ticks};
use crate::flow::Network;
use crate::ids::count;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::{GroupId, Quotient, Rule};

/// Merges neighbours by what they pay themselves; whether there were any.
///
/// # Complexity
/// O(nodes + reads x log) per round.
pub(super) fn join_neighbours(quotient: &mut Quotient<'_>, threshold: Ticks) -> bool {
    let overflow = |group: GroupId| quotient.instance().overflow(quotient.group(group).on(0).held.params);
    let instance = quotient.instance();
    let all = threshold.saturating_sub(1).saturating_mul(count(instance.num_blocks()));
    let rest = all.saturating_sub(instance.total_load());
    let mut joined = Vec::new();
    let mut paid: Vec<(GroupId, Ticks, Ticks)> = Vec::new();
    for group in quotient.groups() {
        paid.clear();
        let mut consumers: Vec<GroupId> = Vec::new();
        for &x in &quotient.group(group).produces {
            consumers.clear();
            consumers.extend(quotient.consumers(x).filter(|&consumer| consumer != group));
            consumers.sort_unstable();
            consumers.dedup();
            paid.extend(consumers.iter().map(|&consumer| (consumer, quotient.export(x), quotient.transfer(x))));
        }
        paid.sort_unstable();
        let here = quotient.group(group).on(0).load + overflow(group);
        for run in paid.chunk_by(|one, other| one.0 == other.0) {
            let consumer = run[0].0;
            let exported: Ticks = run.iter().map(|&(_, export, _)| export).sum();
            let imported: Ticks = run.iter().map(|&(_, _, transfer)| transfer).sum();
            let there = quotient.group(consumer).on(0).load + overflow(consumer);
            if here + exported >= threshold || there + imported >= threshold || exported + imported > rest {
                joined.push((group, consumer));
            }
        }
    }
    for &(group, consumer) in &joined {
        quotient.join(Rule::Together, group, consumer);
    }
    !joined.is_empty()
}

/// What asking minimum cuts once about every group came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Some groups were joined.
    Joined,
    /// No two groups can be.
    Unchanged,
    /// Every block with this group costs the threshold.
    Infeasible(GroupId),
}

/// Merges groups by minimum cuts.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// A cut per group that costs the threshold by itself, and one per other group in its cheapest block.
pub(super) fn join_by_cuts(
    quotient: &mut Quotient<'_>,
    threshold: Ticks,
    interrupt: &Interrupt,
) -> Result<Pass, Interrupted> {
    let mut joined = Vec::new();
    let mut network = Network::new(quotient);
    for group in quotient.groups() {
        if alone(quotient, group) < threshold {
            continue;
        }
        interrupt.check(0)?;
        if network.least_cost(group, None, threshold) >= threshold {
            return Ok(Pass::Infeasible(group));
        }
        // Who is not in the cheapest block can be without it.
        let mut partners: BTreeSet<GroupId> = network.cheapest().filter(|&other| other != group).collect();
        while let Some(partner) = partners.pop_first() {
            if network.least_cost(group, Some(partner), threshold) >= threshold {
                joined.push((group, partner));
            } else {
                let kept: BTreeSet<GroupId> = network.cheapest().collect();
                partners.retain(|other| kept.contains(other));
            }
        }
    }
    for &(group, partner) in &joined {
        quotient.join(Rule::Together, group, partner);
    }
    Ok(if joined.is_empty() { Pass::Unchanged } else { Pass::Joined })
}

/// The group whose cheapest block, by minimum cuts, is the most expensive, and what that costs; as far as `report` lets it come.
pub(super) fn most_expensive(
    quotient: &Quotient<'_>,
    interrupt: &Interrupt,
    report: &mut (dyn FnMut(Ticks) -> ControlFlow<()> + Send),
) -> (GroupId, Ticks) {
    let mut groups: Vec<GroupId> = quotient.groups().collect();
    groups.sort_by_key(|&group| Reverse(alone(quotient, group)));
    let mut network = Network::new(quotient);
    let mut best = (groups[0], 0);
    if report(0).is_break() {
        return best;
    }
    for group in groups {
        if alone(quotient, group) <= best.1 || interrupt.is_raised() {
            break;
        }
        let least = network.least_cost(group, None, INFINITE);
        if least > best.1 {
            best = (group, least);
            if report(least).is_break() {
                break;
            }
        }
    }
    best
}

/// What a group costs as a block by itself.
fn alone(quotient: &Quotient<'_>, group: GroupId) -> Ticks {
    let this = quotient.group(group);
    let imports: Ticks = this.reads.iter().map(|&x| quotient.transfer(x)).sum();
    let exports: Ticks = this.produces.iter().map(|&x| quotient.export(x)).sum();
    this.on(0).load + quotient.instance().overflow(this.on(0).held.params) + imports + exports
}
