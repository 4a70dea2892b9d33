//! Search: partitions of small bottleneck, from above.
//!
//! [`hybrid()`] is what finds the best ones; [`brkga()`] is `SliceGraph` as in the paper, a genetic search over topological
//! orders, each cut at its best; [`anneal()`] moves nodes between blocks.

mod anneal;
mod assignment;
mod brkga;
mod coarsen;
mod contract;
mod cuts;
mod fit;
mod holdings;
mod hybrid;
mod objective;
mod outcome;
mod params;
mod population;
mod prefixes;
mod presearch;
mod recombine;
mod relays;
mod repeats;
mod run;
mod sampler;
mod shares;
mod starts;
mod streams;
mod sums;
mod vcycle;
mod walk;
mod weights;

pub use anneal::anneal;
pub(crate) use assignment::Assignment;
pub use brkga::brkga;
pub use hybrid::hybrid;
pub use outcome::{Observe, Outcome, Request, SearchProgress};
pub use params::{
    AnnealParams, BrkgaParams, ContractionParams, CutParams, HybridParams, MoveParams, PresearchParams,
    RecombinationParams, RepeatParams, SamplerParams, SearchParams, VCycleParams,
};
pub(crate) use sums::Sums;
