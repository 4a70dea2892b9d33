//! The effect of moving a group to another group's block, on each kind of device that may hold that block.
//!
//! **Resources.** On a device without overlap, a block is below a threshold when `work + io` is, and with parameters `work + io +
//! params` less the memory; on one that overlaps when `work + params` and `io` are; and its bytes must be within the limits. A
//! move that raises none of these sums makes no block worse.
//!
//! **Stages.** The group moves from one of the stages that may hold it to an earlier (pull) or later (push) one that may hold
//! `to`; every such stage must be allowed to hold the group, too.

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
    /// Whether every stage to which the move can bring the group may hold it: up, the stages of `to` before one of the group's
    /// own; else those after one.
    pub(super) fn is_allowed(self, quotient: &Quotient<'_>, is_up: bool) -> bool {
        let [who, to] = [self.who, self.to].map(|group| &quotient.group(group).stages);
        let mut stages = 0..64 * who.len();
        let end = if is_up { stages.rfind(|&stage| has(who, stage)) } else { stages.find(|&stage| has(who, stage)) };
        let Some(end) = end else { return who.is_empty() };
        let comes = |&stage: &usize| if is_up { stage < end } else { stage > end };
        (0..64 * to.len()).filter(comes).all(|stage| !has(to, stage) || has(who, stage))
    }

    /// Whether a condition holds on every kind of device that may pay for the tensors after the group has left: the kinds that may
    /// hold it, and with adjacent links any. With equal stages it follows from the condition on `to`.
    pub(super) fn all_homes(self, quotient: &Quotient<'_>, is_paid: impl Fn(View<'_>) -> bool) -> bool {
        let instance = quotient.instance();
        if instance.is_relay() {
            return instance.is_uniform() || instance.views().all(is_paid);
        }
        instance.is_uniform() || quotient.views(self.who).all(is_paid)
    }

    /// Whether a block of this kind with `to` costs no more with the group, given the communication that the group adds and saves.
    #[inline]
    pub(super) fn is_paid(self, quotient: &Quotient<'_>, view: View<'_>, added: Ticks, saved: Ticks) -> bool {
        let costs = quotient.group(self.who).on(view.kind());
        // Most moves fail already without what is stored.
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
