//! What is known of every node of every partition better than a threshold: the blocks that it can be in, who cannot share a
//! block with it, and what it takes of its block.

mod domains;
mod incompatible;
mod weights;
mod windows;

pub use domains::{BRIEFLY, Confines, Known, PATIENTLY, SHAVING};
pub use incompatible::apart;
pub use weights::{Charges, Order, charges, far};
pub use windows::{Narrowing, Reach, Windows};
pub(crate) use windows::{WHOLE, sum};
