//! Rule B, push down: a group that makes little but what one group reads joins that group.
//!
//! **Rule.** Let `v` read what `u` makes, and let every other group that reads something of `u` come after `v`. Let `o` be
//! the tensors that `u` makes, `s` those of them that `v` reads, and `n` those that `u` reads and `v` does not. Merge `u`
//! into `v` when
//!
//! ```text
//! load(u) + params(u) + c(n) + export(o that others read) <= c(s).
//! ```
//!
//! **Proof.** In an acyclic partition let `u` be in block `p` and `v` in a later block `b`. All consumers of `u` are in `b` or
//! after it, so `u` may move to `b`. There it adds its load, at most its parameters to the overflow, the import of `n` and
//! the export of what others read; the import of `s` is saved. Block `p` saves the load of `u` and the export of `o`, which
//! it paid in full, and exports at most `n`: what `v` reads was exported already, and what comes from earlier blocks too.
//! That is no more than it saves, for what `s` costs is its export or, for a model output that is paid, in the load. No
//! other block changes. So no block's cost rises. With a memory limit only groups without parameters move.

use super::reach::Reach;
use crate::cost::Ticks;
use crate::quotient::{GroupId, Quotient, Rule};

/// Merges whatever can be pushed down, each group with all that comes after it first.
pub(super) fn sweep(quotient: &mut Quotient<'_>, reach: &mut Reach) {
    let (order, mut place) = quotient.topological_order();
    for node in order.into_iter().rev() {
        let mut group = quotient.find(node);
        while let Some(consumer) = target(quotient, group, &place, reach) {
            let at = place[consumer];
            group = quotient.merge(Rule::Push, group, consumer);
            place[group] = at;
        }
    }
}

/// The group to which `group` can be pushed.
fn target(quotient: &Quotient<'_>, group: GroupId, place: &[u32], reach: &mut Reach) -> Option<GroupId> {
    let u = quotient.group(group);
    let consumers = u.produces.iter().flat_map(|&x| quotient.consumers(x)).filter(|&consumer| consumer != group);
    let consumer = consumers.clone().min_by_key(|&consumer| place[consumer])?;
    let v = quotient.group(consumer);
    let (mut saved, mut added) = (0, u.on(0).load + quotient.moved_params(group)?);
    added += u.reads.iter().filter(|x| !v.reads.contains(x)).map(|&x| quotient.transfer(x)).sum::<Ticks>();
    for &x in &u.produces {
        if v.reads.contains(&x) {
            saved += quotient.transfer(x);
        }
        if quotient.only_consumer(x) != Some(consumer) {
            added += quotient.export(x);
        }
    }
    let others = consumers.filter(|&other| other != consumer);
    (added <= saved && reach.all_after(quotient, place, others, consumer)).then_some(consumer)
}
