//! Slicing: the best way to cut one topological order into contiguous blocks.

mod costs;
mod dp;
mod fewest;
mod frugal;
pub mod naive;
mod slicer;

pub use costs::{SliceCosts, SliceSum};
pub use slicer::Slicer;

use crate::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;

/// An order cut into `num_blocks` slices; slice `b` is `boundaries[b]..boundaries[b + 1]`, and the empty ones come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slicing {
    boundaries: Vec<usize>,
    bottleneck: Ticks,
}

impl Slicing {
    /// The boundaries of `num_blocks` slices, from the ends of the slices that are not empty.
    fn new(ends: impl IntoIterator<Item = usize>, num_blocks: usize, bottleneck: Ticks) -> Self {
        let mut boundaries = vec![0];
        boundaries.extend(ends);
        let last = boundaries[boundaries.len() - 1];
        boundaries.resize(num_blocks + 1, last);
        Self { boundaries, bottleneck }
    }

    /// The slicing in which every slice but the last ends where the work so far reaches its share of the whole.
    ///
    /// # Complexity
    /// O(nodes + tensors + reads).
    #[must_use]
    pub fn even(instance: &Instance, order: &TopologicalOrder) -> Self {
        let blocks = i128::try_from(instance.num_blocks()).unwrap_or(i128::MAX);
        let share = |work: Ticks| i128::from(work) * blocks;
        let (mut ends, mut work) = (Vec::new(), 0);
        for (position, &node) in order.nodes().iter().enumerate() {
            work += instance.work(node);
            let full = i128::try_from(ends.len() + 1).unwrap_or(i128::MAX) * i128::from(instance.total_work());
            if share(work) >= full && ends.len() + 1 < instance.num_blocks() {
                ends.push(position + 1);
            }
        }
        ends.push(order.nodes().len());
        ends.dedup();
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

/// The slicing of least bottleneck of one order; none when every slicing breaks the memory limit.
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
