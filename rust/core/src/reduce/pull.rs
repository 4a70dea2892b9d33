//! Rule *pull*: a group that reads little more than what one producer makes for it alone is merged into that producer.
//!
//! **Rule.** Let `v` read from `u`, and let every other group that makes something for `v` come before `u`. Let `s` be
//! the tensors that `u` makes for `v` alone, `n` those that `v` reads and `u` neither makes nor reads, and `o` those that
//! `v` makes. Merge `v` into `u` when every stage of `u` that is before one of `v` may hold `v`, too, and
//!
//! - on each kind of device that may hold `u`: `load(v) + params(v) + export(o) + c(n) <= export(s)`, parameters that `u`
//!   reads, too, not counted; where communication runs beside the computation, `v` must add nothing to the latter; where
//!   bytes are limited, `v` must store nothing new and have no more live bytes than `u`;
//! - on each kind that may hold `v`: `c(o) <= c(s)`, which follows from the other where all stages are alike.
//!
//! **Proof.** In an acyclic partition let `u` be in block `p` and `v` in a later block `b`. All producers for `v` are in `p`
//! or before it, so `v` may move to `p`. There it adds its load, at most its parameters to the overflow, the export of
//! what it makes, and the import of `n`, unless that is there; the export of `s` is saved. So no resource of `p` rises
//! (`moves.rs`). What `v` reads from producers before was exported before, to `b`. Block `b` saves the load of `v` and the
//! import of `s`, and imports at most `o`: its communication does not rise. No other block changes: blocks that read `o` import it
//! as before. So no block's cost rises.

use super::moves::{Move, transfers};
use super::reach::Reach;
use crate::cost::{Ticks, View};
use crate::ids::TensorId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::{GroupId, Quotient, Rule};

/// Merges all groups that can be pulled up, in topological order.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
pub(super) fn sweep(quotient: &mut Quotient<'_>, reach: &mut Reach, interrupt: &Interrupt) -> Result<(), Interrupted> {
    let (order, mut place) = quotient.topological_order();
    for node in order {
        interrupt.check(0)?;
        let mut group = quotient.find(node);
        while let Some(producer) = target(quotient, group, &place, reach) {
            let at = place[producer];
            group = quotient.merge(Rule::Pull, producer, group);
            place[group] = at;
        }
    }
    Ok(())
}

/// The group to which `group` can be pulled.
fn target(quotient: &Quotient<'_>, group: GroupId, place: &[u32], reach: &mut Reach) -> Option<GroupId> {
    let v = quotient.group(group);
    let producers = v.reads.iter().filter_map(|&x| quotient.producer(x));
    let producer = producers.clone().max_by_key(|&producer| place[producer])?;
    let u = quotient.group(producer);
    let is_own = |x: TensorId| quotient.producer(x) == Some(producer);
    let is_saved = |x: TensorId| quotient.only_consumer(x) == Some(group);
    let step = Move { who: group, to: producer };
    let is_host_paid = |view: View<'_>| {
        let saved = v.reads.iter().filter(|&&x| is_own(x) && is_saved(x)).map(|&x| view.export(x)).sum::<Ticks>();
        let exported = v.produces.iter().map(|&x| view.export(x)).sum::<Ticks>();
        // What is not paid without any import is not paid with some, which take long to look up.
        step.is_paid(quotient, view, exported, saved) && {
            let news = v.reads.iter().copied().filter(|&x| !is_own(x) && !u.reads.contains(&x));
            step.is_paid(quotient, view, exported + transfers(view, news), saved)
        }
    };
    let is_home_paid = |view: View<'_>| {
        let saved = v.reads.iter().copied().filter(|&x| is_own(x) && is_saved(x));
        transfers(view, v.produces.iter().copied()) <= transfers(view, saved)
    };
    let others = producers.clone().filter(|&other| other != producer);
    let is_right = step.is_allowed(quotient, true)
        && quotient.views(producer).all(is_host_paid)
        && step.all_homes(quotient, is_home_paid)
        && reach.all_before(quotient, place, others, producer);
    is_right.then_some(producer)
}
