//! Domains: facts that hold in every partition below a threshold. They are a window of blocks for each node, pairs of nodes that no
//! block holds together, and node weights, lower bounds on each node's share of its block's cost.

mod cache;
mod domains;
mod facts;
mod incompatible;
mod propagation;
mod shaving;
#[cfg(test)]
mod tests;
mod weights;
mod windows;

pub use cache::{Above, DomainCache};
pub use domains::{Domains, Known};
pub use facts::Fact;
pub use incompatible::{incompatibility, incompatible_pairs};
pub use propagation::Propagation;
pub use weights::{NodeWeights, Order, node_weights};
pub use windows::{PrefixWeights, Windows};

use crate::cost::Ticks;

/// The unit of shares of the capacity: a share of `WHOLE` is all of it.
pub(crate) const WHOLE: i128 = 1 << 20;

/// The sum, which need not fit 64 bits.
pub(crate) fn sum(ticks: &[Ticks]) -> i128 {
    ticks.iter().map(|&ticks| i128::from(ticks)).sum()
}
