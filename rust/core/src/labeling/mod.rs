//! Nodes get their blocks one after the other; of each way, only what it leaves open and what blocks have paid is kept.

mod frontier;
mod labels;

pub(crate) use labels::{MORE, assign};
