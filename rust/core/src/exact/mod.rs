//! Exact solving: deciding whether a partition better than a threshold exists, and closing in on the optimum.
//!
//! The first `b` blocks of an acyclic partition form a downset: a set of nodes closed under predecessors. So a partition
//! into `k` blocks below a threshold is a chain of downsets from the empty one to the whole graph, of at most `k` steps,
//! each step a block that costs less. The downsets that can be part of such a chain are listed first, then linked level by level
//! (`downset`). Two blocks are decided by means of what both cost (`bisection`). Minimum cuts say beforehand where nodes can be
//! (`domain`). Where downsets are too many, nodes get their blocks one after the other, and of each way only what it has paid and
//! what is still open is kept (`labeling`). Where that is too much all the same, the question is cut in two (`branch.rs`).
//! `decide.rs` is the cascade of all these for one threshold, `bracket.rs` says which threshold is next.

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
