//! Facts: which minimum cuts have said something of domains, in the order in which they were asked. With them a checker need not ask
//! those that say nothing.

/// What one rule has said of every better partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Nodes that cannot be in a block, which is the first of their windows, or the last (`shaving.rs`).
    Cuts {
        /// The block, from 1.
        block: usize,
        /// Whether it is the last one.
        is_last: bool,
        /// The nodes.
        nodes: Vec<usize>,
    },
    /// Nodes whose weights are raised above their loads, one after the other, each with the factor that says most (`weights.rs`).
    Weights(Vec<(usize, i64)>),
}

impl Fact {
    /// What is left of it for unions of nodes; nothing of weights, which are raised anew.
    pub(super) fn of_unions(&self, union_of: &[usize]) -> Option<Self> {
        let Self::Cuts { block, is_last, nodes } = self else { return None };
        let nodes = nodes.iter().map(|&node| union_of[node]).collect();
        Some(Self::Cuts { block: *block, is_last: *is_last, nodes })
    }
}
