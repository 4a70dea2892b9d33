//! Maximum flows by Dinic's algorithm (`dinic.rs`), and minimum cuts of a quotient: the cheapest block with given groups
//! (`network.rs`).

mod builder;
mod dinic;
mod kinds;

mod network;
mod questions;

pub(crate) use dinic::{Dinic, Residual};
pub(crate) use kinds::Networks;
pub(crate) use network::{AFTER, BEFORE, ELSEWHERE, Network};
pub(crate) use questions::Flow;
