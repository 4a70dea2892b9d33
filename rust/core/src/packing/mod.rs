//! Packing: node weights of which no block below a threshold has more than its share.
//!
//! **Claim.** Give every node a weight, not negative. Where no convex set that costs less than a threshold weighs `target`, and all
//! nodes together weigh more than `k (target - 1)`, no acyclic partition into `k` blocks is better than the threshold.
//!
//! **Proof.** Blocks of such a partition are convex, and each would weigh `target - 1` at most. ∎
//!
//! The best weights solve the dual of the fractional covering of all nodes by as few such sets as possible: maximise the sum of the
//! weights, where no set weighs more than 1. This linear program has a row for every set, so it is solved by column generation of
//! the covering: `slicegraph.bounds.packing` begins with few sets, and the *pricing problem*, solved here, is to find sets that
//! weigh too much for the current weights, or to prove that there are none.
//!
//! **By seeds.** Nodes are ordered by weight, the largest first. The *seed* of a set is the first node in this order that it holds.
//! So pricing has one problem per seed: the sets that hold the seed and no node before it.
//!
//! **By cases.** Each is solved by branch and bound. A case is a set of nodes that are inside, the seed among them, and a set of nodes
//! that are outside. Let `a > 0` be a Lagrange multiplier, and `m` the least of `cost(S) - weight(S) / a` over the sets `S` of the
//! case that hold each node between a node inside and another one of `S`: a minimum cut (`flow/network.rs`). A set that costs at most
//! `c` weighs at most `a (c - m)`. If that is below the target, the case is closed. Otherwise a node is inside in one part and
//! outside in the other: the heaviest one in which the last cut that costs at most `c` and the last one that costs more differ.
//! A case is also closed, without a cut, when all nodes that are not outside weigh less than the target. A case without undecided
//! nodes is one set: it weighs the target, or it is closed since it weighs less, costs too much or is not convex.

mod cases;
mod slices;
#[cfg(test)]
mod tests;

pub use cases::{Block, Params, Priced, Question, Verdict, price};
pub use slices::slices;
