//! Where every search begins: four fixed orders, each cut at its best.

use rayon::prelude::*;

use super::outcome::Incumbent;
use crate::cost::{Instance, Ticks};
use crate::graph::Graph;
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;
use crate::slice::{Slicing, slice_order};

/// The orders: natural, post-order, depth-first and breadth-first.
pub(super) const ORDERS: [fn(&Graph) -> TopologicalOrder; 4] = [
    TopologicalOrder::natural,
    TopologicalOrder::post_order,
    TopologicalOrder::depth_first,
    TopologicalOrder::breadth_first,
];

/// An order and its best partition; none when that breaks the memory limit.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) order: TopologicalOrder,
    pub(super) partition: Option<(Ticks, Vec<usize>)>,
}

/// Takes the natural order cut where the work is even, so that every search has an answer.
pub(super) fn take_even(instance: &Instance, incumbent: &mut Incumbent<'_>) {
    let order = TopologicalOrder::natural(instance.graph());
    let slicing = Slicing::even(instance, &order);
    incumbent.take(slicing.bottleneck(), || slicing.block_of(&order));
}

/// Takes the even cut, then the best of all orders; none when the search ends there.
pub(super) fn take_starts(
    instance: &Instance,
    incumbent: &mut Incumbent<'_>,
    interrupt: &Interrupt,
) -> Option<Vec<Start>> {
    take_even(instance, incumbent);
    if incumbent.is_done() {
        return None;
    }
    let starts = find_starts(instance, interrupt);
    for (value, block_of) in starts.iter().filter_map(|start| start.partition.as_ref()) {
        incumbent.take(*value, || block_of.clone());
        incumbent.progress.evaluations += 1;
    }
    (!incumbent.is_done()).then_some(starts)
}

/// All orders, each cut at its best, the natural one first.
pub(super) fn find_starts(instance: &Instance, interrupt: &Interrupt) -> Vec<Start> {
    let start = |order: &fn(&Graph) -> TopologicalOrder| {
        let order = order(instance.graph());
        let slicing = slice_order(instance, &order, interrupt).ok().flatten();
        let partition = slicing.map(|slicing| (slicing.bottleneck(), slicing.block_of(&order)));
        Start { order, partition }
    };
    ORDERS.par_iter().map(start).collect()
}
