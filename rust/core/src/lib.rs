//! Max-throughput partitioning: cut a computation graph into `k` pipeline stages so that the slowest one,
//! communication included, is as fast as it can be.
//!
//! A computation graph is a DAG of *nodes* (operations, each with its work) and *tensors* (values, each a hyperedge
//! from one producer to its consumers). An *acyclic partition* maps every node to a block `0..k` so that no tensor
//! runs backwards. With `c(x)` the seconds that tensor `x` takes to move, the cost of a block `S` is
//!
//! ```text
//! cost(S) = work(S)
//!         + sum of c(x), x produced outside S and read in S      (io_in:  once per tensor, however many consumers)
//!         + sum of c(x), x produced in S and read outside S      (io_out: once per tensor)
//!         + max(0, params(S) - memory) / overflow_bandwidth      (overflow)
//! ```
//!
//! and the *bottleneck* of a partition, the cost of its most expensive block, is what we minimise. The problem is NP-hard for
//! two blocks already. Source: Archer, Fahrbach, Liu, Prabhu, *Practical Performance Guarantees for Pipelined DNN
//! Inference*, ICML 2024.
//!
//! All costs are integers, in *ticks* (see [`cost`]), so every comparison is exact.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//! use slicegraph_core::{cost::{Device, Instance}, graph::GraphBuilder, interrupt::Interrupt};
//! use slicegraph_core::{order::TopologicalOrder, slice};
//!
//! // Three nodes of 1, 2 and 3 seconds in a chain, 8 bytes between neighbours.
//! let mut builder = GraphBuilder::default();
//! let [a, b, c] = [1.0, 2.0, 3.0].map(|work| builder.add_node(work));
//! builder.add_tensor(Some(a), 8, &[b]);
//! builder.add_tensor(Some(b), 8, &[c]);
//! let graph = Arc::new(builder.freeze()?);
//!
//! let instance = Instance::uniform(graph, &Device::with_bandwidth(64.0), 2, false)?;
//! let order = TopologicalOrder::natural(instance.graph());
//! let slicing = slice::slice_order(&instance, &order, &Interrupt::never()).ok().flatten().expect("no limit, no interrupt");
//! assert_eq!(slicing.boundaries(), [0, 2, 3]);
//! assert_eq!(instance.seconds(slicing.bottleneck()), 3.125);
//! # Ok::<(), slicegraph_core::Error>(())
//! ```

pub mod at_once;
mod bisection;
mod bits;
#[cfg(test)]
mod cases;
pub mod cost;
pub mod domain;
mod downset;
mod error;
pub mod exact;
mod flow;
pub mod graph;
mod ids;
pub mod interrupt;
mod labeling;
pub mod nearest;
pub mod order;
pub mod packing;
pub mod query;
mod quotient;
pub mod reduce;
pub mod search;
pub mod slice;
mod threads;
pub mod ties;

pub use error::Error;
pub use ids::{NodeId, TensorId};
