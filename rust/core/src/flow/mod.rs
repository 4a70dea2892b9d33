//! Minimum cuts of a quotient graph: the cheapest block with given groups.

mod network;

pub(crate) use network::{AFTER, BEFORE, ELSEWHERE, Network};
