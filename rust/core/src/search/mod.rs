//! `SliceGraph`: a genetic search over topological orders, each cut at its best.

mod brkga;
mod params;
mod population;
mod streams;

pub use brkga::{Outcome, Progress, brkga};
pub use params::BrkgaParams;
