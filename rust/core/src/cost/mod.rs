//! The cost model: instances, devices, and the costs of blocks, in exact integers.
//!
//! All costs of an instance are snapped once to *ticks*: one tick is a power of two in seconds, small enough that
//! nothing of weight is lost and large enough that every sum stays below 2^52. Sums are then exact in integers, in
//! `f64` and in JSON, whatever the order they are taken in, and every claim is about the snapped instance.

mod block;
mod bound;
mod budget;
mod device;
mod instance;
mod multipliers;
mod quotient;
mod row;
mod seconds;
mod stages;
mod subset;
mod ticks;
mod view;

pub use block::{BlockCost, bottleneck, check_partition, partition_costs};
pub use budget::Budget;
pub use device::{Device, Machine};
pub use instance::Instance;
pub use stages::{Allowed, Constraints};
pub(crate) use ticks::{ABOVE_ALL, ceil_div};
pub use ticks::{INFINITE, Ticks};
pub use view::{Held, View};
