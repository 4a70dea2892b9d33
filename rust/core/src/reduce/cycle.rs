//! Rule *cycle*: the groups of a cycle of the quotient are in one block in every acyclic partition, so they are merged.
//!
//! **Proof.** Blocks never decrease along a tensor, so they are equal along a cycle.

use crate::ids::narrow;
use crate::quotient::{GroupId, Quotient, Rule};

const UNSEEN: u32 = 0;
const DONE: u32 = u32::MAX;

/// Joins every strongly connected component (Tarjan's algorithm, without recursion) in O(nodes + reads).
pub(super) fn contract(quotient: &mut Quotient<'_>) {
    let successors = quotient.successors();
    // Per group: its index in the search, from 1, or the mark that its component is known.
    let mut index = vec![UNSEEN; successors.len()];
    let mut components = Vec::new();
    let mut open: Vec<GroupId> = Vec::new();
    let mut met = 0;
    for root in quotient.groups() {
        if index[root] != UNSEEN {
            continue;
        }
        // Each group on the path with its next successor, and the earliest that it reaches.
        let mut path: Vec<(GroupId, usize, u32)> = Vec::new();
        let mut entering = Some(root);
        loop {
            if let Some(group) = entering.take() {
                met += 1;
                index[group] = narrow(met);
                open.push(group);
                path.push((group, 0, index[group]));
            }
            let Some((group, next, low)) = path.last_mut() else { break };
            if let Some(&successor) = successors[*group].get(*next) {
                *next += 1;
                match index[successor] {
                    UNSEEN => entering = Some(successor),
                    DONE => {}
                    seen => *low = (*low).min(seen),
                }
                continue;
            }
            let (group, low) = (*group, *low);
            path.pop();
            if let Some((_, _, parent_low)) = path.last_mut() {
                *parent_low = (*parent_low).min(low);
            }
            if low == index[group] {
                let first = open.iter().rposition(|&other| other == group).unwrap_or(0);
                let component = open.split_off(first);
                for &member in &component {
                    index[member] = DONE;
                }
                if component.len() > 1 {
                    components.push(component);
                }
            }
        }
    }
    debug_assert!(open.is_empty());
    for component in components {
        for &member in &component[1..] {
            quotient.join(Rule::Cycle, component[0], member);
        }
    }
}
