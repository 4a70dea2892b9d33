//! One order after the other: load, reject, slice; with buffers that last.

use super::Slicing;
use super::costs::SliceCosts;
use super::dp::SlicingTable;
use super::fewest::{Fewest, Sweep};
use crate::cost::{ABOVE_ALL, INFINITE, Instance, Ticks};
use crate::ids::{count, float};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;

/// Bands of the DP up to which it costs no more than a sweep.
const CHEAP_BANDS: f64 = 1.0;
/// Transitions of the DP per node up to which it costs no more than a few sweeps.
const CHEAP_TRANSITIONS: usize = 4;

/// Slices orders of one instance without allocating per order.
#[derive(Clone, Debug)]
pub struct Slicer<'a> {
    instance: &'a Instance,
    costs: SliceCosts<'a>,
    fewest: Fewest,
    table: SlicingTable,
}

impl<'a> Slicer<'a> {
    /// Buffers for an instance; [`load`](Self::load) an order before anything else.
    #[must_use]
    pub fn new(instance: &'a Instance) -> Self {
        Self { instance, costs: SliceCosts::new(instance), fewest: Fewest::default(), table: SlicingTable::default() }
    }

    /// Takes the order to slice next.
    ///
    /// # Complexity
    /// O(nodes + reads).
    pub fn load(&mut self, order: &TopologicalOrder) {
        self.costs.load(order);
    }

    /// Some slicing of the loaded order below `threshold`, if there is one.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// O(nodes + reads) in practice; see `fewest.rs`.
    pub fn below(&mut self, threshold: Ticks, interrupt: &Interrupt) -> Result<Option<Slicing>, Interrupted> {
        Ok(match self.sweep(threshold, interrupt)? {
            Sweep::Found(slicing) => Some(slicing),
            Sweep::NoneBelow(_) => None,
        })
    }

    fn sweep(&mut self, threshold: Ticks, interrupt: &Interrupt) -> Result<Sweep, Interrupted> {
        let bound = self.instance.combinatorial_bound();
        if threshold <= bound {
            return Ok(Sweep::NoneBelow(bound));
        }
        self.fewest.slice(&self.costs, threshold, self.instance.num_blocks(), interrupt)
    }

    /// The slicing of least bottleneck of the loaded order, if any is below `incumbent` (or within the memory limit).
    ///
    /// Sweeps bring an upper and a lower bound on the least bottleneck together. When the thresholds between leave the
    /// DP only narrow bands, it finishes; else the sweeps do, which take a number of steps but bear large io.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// Some ten sweeps; each is O(nodes + reads) in practice, and O(nodes × window) where io outweighs the work by far.
    pub fn best(&mut self, incumbent: Option<Ticks>, interrupt: &Interrupt) -> Result<Option<Slicing>, Interrupted> {
        let (mut best, mut upper) = (None, ABOVE_ALL);
        if let Some(incumbent) = incumbent.filter(|&incumbent| incumbent < ABOVE_ALL) {
            best = self.below(incumbent, interrupt)?;
            let Some(slicing) = &best else { return Ok(None) };
            upper = slicing.bottleneck();
        }
        // No slicing is below `lower`. Thresholds go up from there in growing steps, then halve what is left.
        let mut lower = self.instance.combinatorial_bound();
        let mut step = (lower >> 6).max(1);
        let mut is_dp_cheap = true;
        while lower < upper {
            let threshold = lower.saturating_add(step).min(lower + (upper - lower + 1) / 2);
            if is_dp_cheap && self.bands(threshold) <= CHEAP_BANDS {
                is_dp_cheap = self.fill(threshold, self.costs.len() * CHEAP_TRANSITIONS, interrupt)?;
                if is_dp_cheap {
                    match self.table.slicing(self.instance.num_blocks()) {
                        Some(least) => return Ok(Some(least)),
                        None => lower = threshold,
                    }
                }
            } else {
                match self.sweep(threshold, interrupt)? {
                    Sweep::Found(better) => {
                        upper = better.bottleneck();
                        best = Some(better);
                    }
                    Sweep::NoneBelow(refused) => lower = refused,
                }
            }
            step = step.saturating_mul(4);
        }
        Ok(best)
    }

    /// About how many positions the bands of the DP hold per node, with slices below `threshold`.
    fn bands(&self, threshold: Ticks) -> f64 {
        let (blocks, work) = (float(count(self.instance.num_blocks())), float(self.instance.total_work().max(1)));
        blocks * (blocks * float(threshold) / work - 1.0).min(1.0) / 2.0
    }

    fn fill(&mut self, incumbent: Ticks, budget: usize, interrupt: &Interrupt) -> Result<bool, Interrupted> {
        self.table.fill(&self.costs, self.instance.num_blocks(), incumbent, budget, interrupt)
    }

    /// The least bottleneck below `incumbent` of the loaded order for at most 1, 2, … `num_blocks` blocks.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// O(nodes × blocks × degree) without an incumbent, when few starts compete; less with one.
    pub fn fill_table(
        &mut self,
        incumbent: Option<Ticks>,
        interrupt: &Interrupt,
    ) -> Result<Vec<Option<Ticks>>, Interrupted> {
        let num_blocks = self.instance.num_blocks();
        self.fill(incumbent.unwrap_or(INFINITE), usize::MAX, interrupt)?;
        Ok((1..=num_blocks).map(|blocks| self.table.bottleneck(blocks)).collect())
    }

    /// The slicing behind entry `num_blocks` of the table that was filled last.
    #[must_use]
    pub fn slicing(&self, num_blocks: usize) -> Option<Slicing> {
        self.table.slicing(num_blocks)
    }

    /// How many slices the last filled table looked at.
    #[must_use]
    pub fn transitions(&self) -> usize {
        self.table.transitions()
    }
}
