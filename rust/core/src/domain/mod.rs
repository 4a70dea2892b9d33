//! What is known of every node of every partition better than a threshold: its domain of blocks, the nodes that cannot share a
//! block with it, and what it weighs, that is, takes of its block.

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

/// In parts of which shares of the capacity are given.
pub(crate) const WHOLE: i128 = 1 << 20;

/// All together, which need not fit 64 bits.
pub(crate) fn sum(ticks: &[Ticks]) -> i128 {
    ticks.iter().map(|&ticks| i128::from(ticks)).sum()
}
