//! Packing: node weights of which no block below a threshold has more than its share.
//!
//! **Claim.** Give every node a weight, not negative. Where no convex set that costs less than a threshold weighs `target`, and all
//! nodes together weigh more than `k (target - 1)`, no acyclic partition into `k` blocks is better than the threshold.
//!
//! **Proof.** Blocks of such a partition are convex, and each would weigh `target - 1` at most. ∎
//!
//! The best weights solve the dual of covering all nodes by as few such sets as possible, fractions allowed: at most all weights
//! together, where no set weighs more than 1. Whoever looks for them (`slicegraph.bounds.packing`) begins with few sets, and asks
//! here which others weigh too much for weights that satisfy these: *pricing*, of column generation.
//!
//! **By seeds.** Nodes are taken in the order of their weights, the largest first. The *seed* of a set is the first node that it
//! holds. So there is a question for each seed: which sets hold it, and none before it?
//!
//! **By cases.** A case is some nodes that are inside, the seed first, and some outside. Let `a > 0`, and `m` the least of
//! `cost(S) - weight(S) / a`, over the sets of the case that hold what is between two of their nodes, one of them inside: a
//! minimum cut (`flow/network.rs`). A set that costs at most `c` weighs at most `a (c - m)`, so where that is below the target the
//! case is closed. Otherwise a node is taken inside in one case, and outside in the other. Both cuts that come nearest differ in
//! it, and it is the heaviest of these. Where the weight of all that is not outside is below the target, nothing needs to be cut.
//! Where all is decided the case is closed by its weight, or since it costs too much, or is not convex; or it is heavy.

mod cases;
mod slices;
#[cfg(test)]
mod tests;

pub use cases::{Block, Priced, Question, Verdict, price};
pub use slices::slices;
