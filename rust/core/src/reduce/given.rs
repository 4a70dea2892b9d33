//! Rule *given*: nodes that must be in one stage by the constraints of the instance are merged.
//!
//! **Proof.** Partitions that separate them are not feasible.

use crate::quotient::{GroupId, Quotient, Rule};

/// Joins the nodes that must be in one stage; whether there were any.
pub(super) fn join(quotient: &mut Quotient<'_>) -> bool {
    let before = quotient.num_groups();
    for nodes in quotient.instance().together() {
        for node in &nodes[1..] {
            quotient.join(Rule::Given, nodes[0].index(), node.index());
        }
    }
    quotient.num_groups() < before
}

/// A group that no stage may hold.
pub(super) fn homeless(quotient: &Quotient<'_>) -> Option<GroupId> {
    quotient.groups().find(|&group| quotient.group(group).is_homeless())
}
