//! Downsets, the sets of nodes closed under predecessors that the first blocks of a partition can be, and the dynamic program
//! over them.

mod bidirectional;
mod block;
mod end;
mod enumerate;
mod kd_tree;
mod list;
mod prices;
mod rooms;
mod sides;
mod stages;

pub(crate) use bidirectional::bidirectional;
pub(crate) use enumerate::{Budget, Enumerator, Question};
pub(crate) use kd_tree::{Point, cost_between, point};
pub(crate) use list::{Boundary, Downsets, Met, Priced};
pub(crate) use stages::{Stage, Stages};
