//! The log of merges: the rule and the nodes of each.

use crate::ids::NodeId;

/// Why two groups of nodes may be joined; each rule's proof stands in the file of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The second moves up to the block of the first, which makes what it reads.
    Pull,
    /// The first moves down to the block of the second, which reads what it makes.
    Push,
    /// A partition with the two in different blocks has a block that costs the threshold or more.
    Together,
    /// Each reaches the other.
    Cycle,
    /// The instance asks for both in one stage.
    Given,
}

/// One step of a reduction: the groups of two nodes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Why.
    pub rule: Rule,
    /// A node of each group; for [`Rule::Pull`] and [`Rule::Push`], the second reads what the first makes.
    pub nodes: [NodeId; 2],
}
