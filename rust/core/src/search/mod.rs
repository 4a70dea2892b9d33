//! Search: partitions of small bottleneck, from above.
//!
//! [`merge()`] is what finds the best ones; [`brkga()`] is `SliceGraph` as in the paper, a genetic search over topological
//! orders, each cut at its best; [`anneal()`] moves nodes between blocks.

mod anneal;
mod assignment;
mod brkga;
mod coarsen;
mod contract;
mod fences;
mod lane;
mod markov;
mod merge;
mod merit;
mod outcome;
mod params;
mod population;
mod prefixes;
mod recombine;
mod repeats;
mod run;
mod scout;
mod starts;
mod streams;
mod vcycle;

pub use anneal::anneal;
pub(crate) use assignment::Assignment;
pub use brkga::brkga;
pub use merge::merge;
pub use outcome::{Observe, Outcome, Progress};
pub use params::BrkgaParams;
