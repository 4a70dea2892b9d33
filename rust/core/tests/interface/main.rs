//! The crate as those who depend on it see it, in one program: nine would each be linked.

mod common;
mod cost;
mod domain;
mod exact;
mod graph;
mod order;
mod reduce;
mod search;
mod slice;
mod ties;
