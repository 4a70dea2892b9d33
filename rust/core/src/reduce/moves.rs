//! What a group that moves to another's block changes there, on each kind of device that may hold that block.
//!
//! **Resources.** A block is below a threshold on a device that adds up when `work + io` is, and with parameters `work + io +
//! params` less the memory; on one that overlaps when `work + params` and `io` are; and when what it stores is within the
//! limits. A move makes no block worse that raises none of these sums.
//!
//! **Stages.** The group moves to an earlier stage of `to`, from a later one of its own; every such stage must be one of its
//! own, too.

use crate::bits::has;
use crate::cost::{Ticks, View};
use crate::ids::TensorId;
use crate::quotient::{GroupId, Quotient};

/// A group that moves to the block of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub who: GroupId,
    pub to: GroupId,
}

impl Move {
    /// Whether every stage of `to` from which the group would come from a later stage, or an earlier one, may hold it.
    pub(super) fn is_allowed(self, quotient: &Quotient<'_>, is_up: bool) -> bool {
        let [who, to] = [self.who, self.to].map(|group| &quotient.group(group).stages);
        let mut stages = 0..64 * who.len();
        let end = if is_up { stages.rfind(|&stage| has(who, stage)) } else { stages.find(|&stage| has(who, stage)) };
        let Some(end) = end else { return who.is_empty() };
        let comes = |&stage: &usize| if is_up { stage < end } else { stage > end };
        (0..64 * to.len()).filter(comes).all(|stage| !has(to, stage) || has(who, stage))
    }

    /// Whether something holds on every kind of device that may pay for what the group leaves behind: those that may hold it, and
    /// where tensors are handed on those between, any. Where all stages are alike it follows from what is asked of `to`.
    pub(super) fn all_homes(self, quotient: &Quotient<'_>, is_paid: impl Fn(View<'_>) -> bool) -> bool {
        let instance = quotient.instance();
        if instance.is_relay() {
            return instance.is_uniform() || instance.views().all(is_paid);
        }
        instance.is_uniform() || quotient.views(self.who).all(is_paid)
    }

    /// Whether a block of this kind with `to` costs no more with the group, which adds so much communication and saves so
    /// much.
    #[inline]
    pub(super) fn is_paid(self, quotient: &Quotient<'_>, view: View<'_>, added: Ticks, saved: Ticks) -> bool {
        let costs = quotient.group(self.who).on(view.kind());
        // Most moves are not worth it whatever is stored.
        let is_too_much = if view.is_overlap() { costs.work > 0 } else { costs.load + added > saved };
        !is_too_much && self.is_paid_with_all_that_is_held(quotient, view, added, saved)
    }

    fn is_paid_with_all_that_is_held(
        self,
        quotient: &Quotient<'_>,
        view: View<'_>,
        added: Ticks,
        saved: Ticks,
    ) -> bool {
        let [who, to] = [self.who, self.to].map(|group| quotient.group(group));
        let costs = who.on(view.kind());
        let mut held = costs.held;
        quotient.store(&mut held, view, who.shared.iter().filter(|x| to.shared.binary_search(x).is_err()).copied());
        let is_more = held.bytes > 0 || held.live > to.on(view.kind()).held.live;
        if view.memory_limit().is_some() && is_more || view.state_limit().is_some() && held.state > 0 {
            return false;
        }
        let (computed, moved) = (costs.work + held.params, costs.load - costs.work + added);
        if view.is_overlap() { computed == 0 && moved <= saved } else { computed + moved <= saved }
    }
}

/// Ticks that these tensors take to move once.
pub(super) fn transfers(view: View<'_>, tensors: impl Iterator<Item = TensorId>) -> Ticks {
    tensors.map(|x| view.transfer(x)).sum()
}
