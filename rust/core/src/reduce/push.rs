//! Rule *push*: a group that makes little besides what one consumer reads is merged into that consumer.
//!
//! **Rule.** Let `v` read what `u` makes, and let every other group that reads something of `u` come after `v`. Let `o` be
//! the tensors that `u` makes, `s` those of them that `v` reads, and `n` those that `u` reads and `v` does not. Merge `u`
//! into `v` when every stage of `v` that is after one of `u` may hold `u`, too, and
//!
//! - on each kind of device that may hold `v`: `load(u) + params(u) + c(n) + export(o that others read) <= c(s)`, with the
//!   same about parameters, overlap and limits as for pull;
//! - on each kind that may hold `u`: `c(n) <= c(o)`, which follows from the other where all stages are alike.
//!
//! **Proof.** In an acyclic partition let `u` be in block `p` and `v` in a later block `b`. All consumers of `u` are in `b` or
//! after it, so `u` may move to `b`. There it adds its load, at most its parameters to the overflow, the import of `n` and
//! the export of what others read; the import of `s` is saved. So no resource of `b` rises (`moves.rs`). Block `p` saves the
//! load of `u` and the export of `o`, which it paid in full, as export or, for a model output that is paid, in the load; and
//! it exports at most `n`: what `v` reads was exported already, and what comes from earlier blocks too. So its communication
//! does not rise. No other block changes. So no block's cost rises.

use super::moves::{Move, transfers};
use super::reach::Reach;
use crate::cost::{Ticks, View};
use crate::ids::TensorId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::{GroupId, Quotient, Rule};

/// Merges all groups that can be pushed down, in reverse topological order.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
pub(super) fn sweep(quotient: &mut Quotient<'_>, reach: &mut Reach, interrupt: &Interrupt) -> Result<(), Interrupted> {
    let (order, mut place) = quotient.topological_order();
    for node in order.into_iter().rev() {
        interrupt.check(0)?;
        let mut group = quotient.find(node);
        while let Some(consumer) = target(quotient, group, &place, reach) {
            let at = place[consumer];
            group = quotient.merge(Rule::Push, group, consumer);
            place[group] = at;
        }
    }
    Ok(())
}

/// The group to which `group` can be pushed.
fn target(quotient: &Quotient<'_>, group: GroupId, place: &[u32], reach: &mut Reach) -> Option<GroupId> {
    let u = quotient.group(group);
    let consumers = u.produces.iter().flat_map(|&x| quotient.consumers(x)).filter(|&consumer| consumer != group);
    let consumer = consumers.clone().min_by_key(|&consumer| place[consumer])?;
    let v = quotient.group(consumer);
    let step = Move { who: group, to: consumer };
    let is_host_paid = |view: View<'_>| {
        let saved = transfers(view, u.produces.iter().copied().filter(|x| v.reads.contains(x)));
        let is_left = |&&x: &&TensorId| quotient.only_consumer(x) != Some(consumer);
        let exported = u.produces.iter().filter(is_left).map(|&x| view.export(x)).sum::<Ticks>();
        // What is not paid without any import is not paid with some, which take long to look up.
        step.is_paid(quotient, view, exported, saved) && {
            let news = u.reads.iter().copied().filter(|x| !v.reads.contains(x));
            step.is_paid(quotient, view, exported + transfers(view, news), saved)
        }
    };
    let is_home_paid = |view: View<'_>| {
        let added = u.reads.iter().copied().filter(|x| !v.reads.contains(x));
        transfers(view, added) <= transfers(view, u.produces.iter().copied())
    };
    let others = consumers.clone().filter(|&other| other != consumer);
    let is_right = step.is_allowed(quotient, false)
        && quotient.views(consumer).all(is_host_paid)
        && step.all_homes(quotient, is_home_paid)
        && reach.all_after(quotient, place, others, consumer);
    is_right.then_some(consumer)
}
