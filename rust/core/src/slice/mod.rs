//! Slicing: a partition of a topological order into contiguous blocks, of least bottleneck.

mod costs;
mod dp;
mod extras;
mod fewest;
mod frugal;
pub mod naive;
mod peaks;
mod slicer;
mod stages;
mod sum;

pub use costs::{SliceCosts, Slices};
pub use slicer::Slicer;
pub use sum::SliceSum;

use crate::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;

/// An order cut into `num_blocks` slices; slice `b` is `boundaries[b]..boundaries[b + 1]`. The empty ones come last where
/// stages are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slicing {
    boundaries: Vec<usize>,
    bottleneck: Ticks,
}

impl Slicing {
    /// The boundaries of `num_blocks` slices, from the ends of the first ones; the others are empty.
    fn new(ends: impl IntoIterator<Item = usize>, num_blocks: usize, bottleneck: Ticks) -> Self {
        let mut boundaries = vec![0];
        boundaries.extend(ends);
        let last = boundaries[boundaries.len() - 1];
        boundaries.resize(num_blocks + 1, last);
        Self { boundaries, bottleneck }
    }

    /// The slicing with balanced work: every slice but the last ends where the work up to it reaches the share of the capacity that
    /// the stages up to it have (`cost/budget.rs`).
    ///
    /// # Complexity
    /// O((nodes + tensors + reads) kinds).
    #[must_use]
    pub fn even(instance: &Instance, order: &TopologicalOrder) -> Self {
        let ends = if instance.is_uniform() { even_ends(instance, order) } else { proportional_ends(instance, order) };
        let mut slicing = Self::new(ends, instance.num_blocks(), INFINITE);
        slicing.bottleneck = bottleneck(&partition_costs(instance, &slicing.block_of(order)));
        slicing
    }

    /// `num_blocks + 1` positions, from 0 to the number of nodes.
    #[must_use]
    pub fn boundaries(&self) -> &[usize] {
        &self.boundaries
    }

    /// The cost of the most expensive slice.
    #[must_use]
    pub fn bottleneck(&self) -> Ticks {
        self.bottleneck
    }

    /// The block of every node of the order that was sliced.
    #[must_use]
    pub fn block_of(&self, order: &TopologicalOrder) -> Vec<usize> {
        let mut block_of = vec![0; order.nodes().len()];
        for (block, ends) in self.boundaries.windows(2).enumerate() {
            for node in &order.nodes()[ends[0]..ends[1]] {
                block_of[node.index()] = block;
            }
        }
        block_of
    }
}

/// Where the slices end that are not empty, with equal shares of the work.
fn even_ends(instance: &Instance, order: &TopologicalOrder) -> Vec<usize> {
    let blocks = i128::try_from(instance.num_blocks()).unwrap_or(i128::MAX);
    let (view, total) = (instance.only(), i128::from(instance.only().works().iter().sum::<Ticks>()));
    let (mut ends, mut work) = (Vec::new(), 0);
    for (position, &node) in order.nodes().iter().enumerate() {
        work += i128::from(view.work(node));
        let full = i128::try_from(ends.len() + 1).unwrap_or(i128::MAX) * total;
        if work * blocks >= full && ends.len() + 1 < instance.num_blocks() {
            ends.push(position + 1);
        }
    }
    ends.push(order.nodes().len());
    ends.dedup();
    ends
}

/// Where each slice ends, next to its stage's share of the budget.
fn proportional_ends(instance: &Instance, order: &TopologicalOrder) -> Vec<usize> {
    let budget = instance.budget();
    let total: i128 = budget.nodes.iter().map(|&weight| i128::from(weight)).sum();
    let sums = budget.sums();
    let all = sums[sums.len() - 1];
    let (mut ends, mut end, mut weight) = (Vec::new(), 0, 0);
    for &sum in &sums[1..] {
        while let Some(node) = order.nodes().get(end) {
            let next = i128::from(budget.nodes[node.index()]);
            if (2 * weight + next) * all > 2 * sum * total && sum < all {
                break;
            }
            weight += next;
            end += 1;
        }
        ends.push(end);
    }
    ends
}

/// The slicing of least bottleneck of one order; none when every slicing breaks a limit or a constraint.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// See [`Slicer::best`].
pub fn slice_order(
    instance: &Instance,
    order: &TopologicalOrder,
    interrupt: &Interrupt,
) -> Result<Option<Slicing>, Interrupted> {
    let narrower = instance.for_nodes();
    let mut slicer = Slicer::new(narrower.as_ref().unwrap_or(instance));
    slicer.load(order);
    let slicing = slicer.best(None, interrupt)?;
    Ok(slicing.map(|slicing| Slicing::new(slicing.boundaries[1..].to_vec(), instance.num_blocks(), slicing.bottleneck)))
}
