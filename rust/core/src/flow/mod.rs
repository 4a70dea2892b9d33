//! Minimum cuts of a quotient: the cheapest block with given groups (`network.rs`), by Dinic's algorithm (`dinic.rs`).

mod dinic;
mod kinds;
mod laying;
mod network;
mod questions;

pub(crate) use kinds::Networks;
pub(crate) use network::{AFTER, BEFORE, ELSEWHERE, Network};
