//! Facts: the minimum cuts that have narrowed domains, in order. With them a checker needs no cuts that narrow nothing.

use std::collections::BTreeSet;

use super::windows::Windows;
use crate::ids::NodeId;

/// The findings of one rule, which hold in every better partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Nodes that cannot be in the first, or the last, block of their windows (`shaving.rs`).
    Cuts {
        /// The block, from 1.
        block: usize,
        /// Whether it is the last one.
        is_last: bool,
        /// The nodes.
        nodes: Vec<usize>,
    },
    /// Pairs of nodes that no block holds, the least ones: the first node of each comes before the second (`incompatible.rs`).
    Incompatible(Vec<(usize, usize)>),
    /// Nodes whose weights are raised above their loads, one after the other, each with the factor that raises it most
    /// (`weights.rs`).
    Weights(Vec<(usize, i64)>),
}

impl Fact {
    /// The pairs that were not known before and that windows do not imply.
    pub(super) fn of_pairs(pairs: &[(NodeId, NodeId)], known: &[(NodeId, NodeId)], windows: &Windows) -> Option<Self> {
        let known = BTreeSet::from_iter(known);
        let new = pairs.iter().filter(|pair| !known.contains(pair)).map(|(u, v)| (u.index(), v.index()));
        let new: Vec<_> = new.filter(|&(u, v)| windows.latest[u] >= windows.earliest[v]).collect();
        (!new.is_empty()).then_some(Self::Incompatible(new))
    }

    /// The same for unions of nodes. Weights are raised again there; windows depend on the weights at their time.
    pub(super) fn of_unions(&self, union_of: &[usize]) -> Self {
        match self {
            Self::Cuts { block, is_last, nodes } => {
                let nodes = nodes.iter().map(|&node| union_of[node]).collect();
                Self::Cuts { block: *block, is_last: *is_last, nodes }
            }
            Self::Incompatible(pairs) => {
                let unions: BTreeSet<_> = pairs.iter().map(|&(u, v)| (union_of[u], union_of[v])).collect();
                Self::Incompatible(unions.into_iter().filter(|(u, v)| u != v).collect())
            }
            Self::Weights(raised) => {
                let mut unions = BTreeSet::new();
                let raised = raised.iter().map(|&(node, factor)| (union_of[node], factor));
                Self::Weights(raised.filter(|&(union, _)| unions.insert(union)).collect())
            }
        }
    }
}
