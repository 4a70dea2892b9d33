//! Rule A, pull up: a group that reads little more than what one group makes for it alone joins that group.
//!
//! **Rule.** Let `v` read from `u`, and let every other group that makes something for `v` come before `u`. Let `s` be
//! the tensors that `u` makes for `v` alone, `n` those that `v` reads and `u` neither makes nor reads, and `o` those that
//! `v` makes. Merge `v` into `u` when
//!
//! ```text
//! load(v) + params(v) + export(o) + c(n) <= export(s).
//! ```
//!
//! **Proof.** In an acyclic partition let `u` be in block `p` and `v` in a later block `b`. All producers for `v` are in `p`
//! or before it, so `v` may move to `p`. There it adds its load, at most its parameters to the overflow, the export of
//! what it makes, and the import of `n`, unless that is there; the export of `s` is saved. What `v` reads from producers
//! before was exported before, to `b`. Block `b` saves the load of `v` and the import of `s`, and imports at most `o`: no
//! more than it saves, for what `o` costs is its export or, for a model output that is paid, in the load. No other block
//! changes: who read `o` imports it as before. So no block's cost rises. With a memory limit only groups
//! without parameters move.

use super::reach::Reach;
use crate::cost::Ticks;
use crate::quotient::{GroupId, Quotient, Rule};

/// Merges whatever can be pulled up, each group with all that comes before it first.
pub(super) fn sweep(quotient: &mut Quotient<'_>, reach: &mut Reach) {
    let (order, mut place) = quotient.topological_order();
    for node in order {
        let mut group = quotient.find(node);
        while let Some(producer) = target(quotient, group, &place, reach) {
            let at = place[producer];
            group = quotient.merge(Rule::Pull, producer, group);
            place[group] = at;
        }
    }
}

/// The group to which `group` can be pulled.
fn target(quotient: &Quotient<'_>, group: GroupId, place: &[u32], reach: &mut Reach) -> Option<GroupId> {
    let v = quotient.group(group);
    let producers = v.reads.iter().filter_map(|&x| quotient.producer(x));
    let producer = producers.clone().max_by_key(|&producer| place[producer])?;
    let u = quotient.group(producer);
    let (mut saved, mut added) = (0, v.on(0).load + quotient.moved_params(group)?);
    for &x in &v.reads {
        if quotient.producer(x) == Some(producer) {
            if quotient.only_consumer(x) == Some(group) {
                saved += quotient.export(x);
            }
        } else if !u.reads.contains(&x) {
            added += quotient.transfer(x);
        }
    }
    added += v.produces.iter().map(|&x| quotient.export(x)).sum::<Ticks>();
    let others = producers.filter(|&other| other != producer);
    (added <= saved && reach.all_before(quotient, place, others, producer)).then_some(producer)
}
