//! Rule *together*: two groups are merged when every partition that separates them has a block that costs the threshold or more.
//!
//! **Rule.** With a threshold `T`, merge `u` and `v` when every block with `u` and without `v` costs at least `T`, or every block
//! with `v` and without `u`.
//!
//! **Proof.** In a partition below `T` the block of `u` costs less than `T`, so it holds `v`. The rule keeps every partition
//! below `T`; it claims nothing about others. Its merges stay valid for lower thresholds. With several kinds of devices, the
//! condition must hold for the blocks on each kind with a stage that may hold `u`.
//!
//! **By the budget.** Groups are merged, too, when all blocks together cannot pay for the separation: `k` blocks below `T` on
//! devices of one kind pay at most `k (T - 1)`, and the load of all nodes is a fixed part of that. So a partition with `u` and `v`
//! in two blocks must pay the exports and the imports of all that `v` reads of `u` from the rest. With several kinds all terms are
//! weighted by the budget (`cost::budget`).
//!
//! A lower bound on the cost of such blocks is first taken from the two groups: the load of `u` with the export of what `v` reads
//! of it, or the load of `v` with the import of what `u` makes for it. If that is less than `T`, and `u` by itself costs `T` or more
//! (else `u` alone is such a block), a minimum cut is computed (`flow`). If even the cheapest block with `u` costs `T`, there is no
//! partition below `T`.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::cost::{ABOVE_ALL, Budget, INFINITE, Ticks, View};
use crate::flow::Networks;
use crate::ids::TensorId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::{GroupId, Quotient, Rule};

/// Merges neighbours by the bounds of the two groups alone; returns whether there were any.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes + reads x log) per round and kind.
pub(super) fn join_neighbours(
    quotient: &mut Quotient<'_>,
    budget: &Budget,
    threshold: Ticks,
    interrupt: &Interrupt,
) -> Result<bool, Interrupted> {
    let rest = rest(budget, threshold);
    let mut joined = Vec::new();
    let mut read: Vec<(GroupId, TensorId)> = Vec::new();
    for group in quotient.groups() {
        interrupt.check(0)?;
        read.clear();
        for &x in &quotient.group(group).produces {
            read.extend(quotient.consumers(x).filter(|&consumer| consumer != group).map(|consumer| (consumer, x)));
        }
        read.sort_unstable();
        read.dedup();
        for run in read.chunk_by(|one, other| one.0 == other.0) {
            let consumer = run[0].0;
            let exported = |view: View<'_>| run.iter().map(|&(_, x)| view.export(x)).sum::<Ticks>();
            let imported = |view: View<'_>| run.iter().map(|&(_, x)| view.transfer(x)).sum::<Ticks>();
            let taken = |x: TensorId| i128::from(budget.exports[x.index()]) + i128::from(budget.imports[x.index()]);
            let is_too_much = || run.iter().map(|&(_, x)| taken(x)).sum::<i128>() > rest;
            if pays(quotient, group, threshold, exported)
                || pays(quotient, consumer, threshold, imported)
                || is_too_much()
            {
                joined.push((group, consumer));
            }
        }
    }
    for &(group, consumer) in &joined {
        quotient.join(Rule::Together, group, consumer);
    }
    Ok(!joined.is_empty())
}

/// Whether every block with a group that moves so much beside the group's model outputs costs the threshold.
fn pays(quotient: &Quotient<'_>, group: GroupId, threshold: Ticks, moved: impl Fn(View<'_>) -> Ticks) -> bool {
    quotient.views(group).all(|view| own(quotient, view, group, moved(view)) >= threshold)
}

/// The part of the budget of all blocks below a threshold that node weights leave.
fn rest(budget: &Budget, threshold: Ticks) -> i128 {
    let nodes: i128 = budget.nodes.iter().map(|&weight| i128::from(weight)).sum();
    budget.room(0, budget.num_stages(), threshold.saturating_sub(1)) - nodes
}

/// A lower bound on the cost of a block with a group on a kind of device, given what it moves besides the group's model outputs.
fn own(quotient: &Quotient<'_>, view: View<'_>, group: GroupId, moved: Ticks) -> Ticks {
    let costs = quotient.group(group).on(view.kind());
    let overflow = view.overflow(quotient.held(group, view).params);
    view.busy(costs.work, costs.load - costs.work + moved, overflow)
}

/// The result of one minimum cut for every group.
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
    let mut networks = Networks::new(quotient);
    for group in quotient.groups() {
        if alone(quotient, group) < threshold {
            continue;
        }
        interrupt.check(0)?;
        // The kinds that may hold the group, and its cheapest block on each: nodes outside of that can be separated from it.
        let mut kinds = Vec::new();
        let mut partners = None;
        for kind in quotient.views(group).map(View::kind) {
            let network = networks.on(kind);
            if network.least_cost(group, None, threshold) < threshold {
                kinds.push(kind);
                keep(&mut partners, network.cheapest());
            }
        }
        let Some(mut partners) = partners else { return Ok(Pass::Infeasible(group)) };
        partners.remove(&group);
        while let Some(partner) = partners.pop_first() {
            let without = |&&kind: &&usize| networks.on(kind).least_cost(group, Some(partner), threshold) < threshold;
            let Some(&kind) = kinds.iter().find(without) else {
                joined.push((group, partner));
                continue;
            };
            let kept: BTreeSet<GroupId> = networks.on(kind).cheapest().collect();
            partners.retain(|other| kept.contains(other));
        }
    }
    for &(group, partner) in &joined {
        quotient.join(Rule::Together, group, partner);
    }
    Ok(if joined.is_empty() { Pass::Unchanged } else { Pass::Joined })
}

/// Intersects a set of groups with others; the first call takes the others.
fn keep(kept: &mut Option<BTreeSet<GroupId>>, others: impl Iterator<Item = GroupId>) {
    let others: BTreeSet<GroupId> = others.collect();
    match kept {
        None => *kept = Some(others),
        Some(kept) => kept.retain(|group| others.contains(group)),
    }
}

/// The group with the largest lower bound by minimum cuts on the cost of its block, and this bound; until `report` breaks.
pub(super) fn most_expensive(
    quotient: &Quotient<'_>,
    interrupt: &Interrupt,
    report: &mut (dyn FnMut(Ticks) -> ControlFlow<()> + Send),
) -> (GroupId, Ticks) {
    let mut groups: Vec<GroupId> = quotient.groups().collect();
    groups.sort_by_cached_key(|&group| Reverse(alone(quotient, group)));
    let mut networks = Networks::new(quotient);
    let mut best = (groups[0], 0);
    if report(0).is_break() {
        return best;
    }
    for group in groups {
        if alone(quotient, group) <= best.1 || interrupt.is_raised() {
            break;
        }
        let kinds = quotient.views(group).map(View::kind);
        let least = kinds.map(|kind| networks.on(kind).least_cost(group, None, INFINITE)).min().unwrap_or(ABOVE_ALL);
        if least > best.1 {
            best = (group, least);
            if report(least).is_break() {
                break;
            }
        }
    }
    best
}

/// The cost of a group as a block by itself, on the kind of device on which it is least.
fn alone(quotient: &Quotient<'_>, group: GroupId) -> Ticks {
    let this = quotient.group(group);
    let cost = |view: View<'_>| {
        let imports: Ticks = this.reads.iter().map(|&x| view.transfer(x)).sum();
        let exports: Ticks = this.produces.iter().map(|&x| view.export(x)).sum();
        own(quotient, view, group, imports + exports)
    };
    quotient.views(group).map(cost).min().unwrap_or(INFINITE)
}
