//! The exact solver: it decides whether a partition below a threshold exists, for one threshold after the other, until the lower
//! bound meets the best partition.
//!
//! One threshold is decided by a cascade of methods (`decide.rs`):
//!
//! - `reduce` merges nodes that some optimal partition has in one block.
//! - `bisection` is a branch and bound for two blocks.
//! - `downset` is a dynamic program. The first `b` blocks of an acyclic partition form a downset: a set of nodes closed under
//!   predecessors. So a partition into `k` blocks below a threshold is a chain of at most `k` steps of downsets from the empty set
//!   to the whole graph, each step a block that costs less. The downsets that can be part of such a chain are listed first,
//!   then linked level by level.
//! - `domain` narrows the blocks in which each node can be, by minimum cuts.
//! - `labeling` is label setting: it assigns nodes to blocks one after the other, and keeps labels of what blocks have paid. It
//!   can decide graphs with too many downsets.
//! - `branch.rs` divides what these leave open: it splits the window of a node in two, and decides both halves.
//!
//! `bracket.rs` chooses the next threshold, and `prove.rs` runs the loop.

mod argument;
mod attempt;
mod bracket;
mod branch;
mod decide;
mod proof;
mod prove;
mod state;
mod sweep;

pub use argument::Argument;
pub use decide::decide;
pub use proof::{Proof, Reason};
pub use prove::{Limits, Progress, Proven, prove};
pub use state::{Marks, ProofState};
