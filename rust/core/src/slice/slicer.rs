//! Slices many orders of one instance, with buffers that are kept between them.

use super::Slicing;
use super::dp::SlicingTable;
use super::fewest::{Fewest, Sweep};
use super::frugal;
use super::stages::Stages;
use crate::cost::{ABOVE_ALL, INFINITE, Instance, Ticks};
use crate::ids::{count, float};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;

/// Bands of the DP up to which it costs no more than a sweep; not measured.
const CHEAP_BANDS: f64 = 1.0;
/// Transitions of the DP per node up to which it costs no more than a few sweeps; not measured.
const CHEAP_TRANSITIONS: usize = 4;
/// A bottleneck is near the least one when it is this part of what is known above it (`benches/record/2026-11-29.md`:
/// nothing, a 256th and a 16th are worse).
const NEAR_PART: Ticks = 64;
/// A bottleneck below the best known one is usually less by about this part of it; not measured.
const HARDLY: Ticks = 4096;

/// Slices orders of one instance without allocating per order.
#[derive(Clone, Debug)]
pub struct Slicer<'a> {
    instance: &'a Instance,
    stages: Stages<'a>,
    fewest: Fewest,
    table: SlicingTable,
}

impl<'a> Slicer<'a> {
    /// Buffers for an instance; [`load`](Self::load) an order before anything else.
    #[must_use]
    pub fn new(instance: &'a Instance) -> Self {
        Self { instance, stages: Stages::new(instance), fewest: Fewest::default(), table: SlicingTable::default() }
    }

    /// Takes the order to slice next.
    ///
    /// # Complexity
    /// O(nodes + reads).
    pub fn load(&mut self, order: &TopologicalOrder) {
        self.stages.load(order);
    }

    /// Some slicing of the loaded order below `threshold`, if there is one.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// O(nodes + reads) in practice; see `fewest.rs`.
    pub fn below(&mut self, threshold: Ticks, interrupt: &Interrupt) -> Result<Option<Slicing>, Interrupted> {
        if !self.stages.are_alike() {
            return self.best_unlike(threshold, interrupt);
        }
        Ok(match self.sweep(threshold, interrupt)? {
            Sweep::Found(slicing) => Some(slicing),
            Sweep::NoneBelow(_) => None,
        })
    }

    /// Of all slicings of the loaded order below `threshold`, one with the fewest slices, and of these one of least io; none
    /// when there is none, or `steps`, which are taken away, do not suffice.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// O(nodes × window), times the stages where they are not alike.
    pub(crate) fn frugal(
        &self,
        threshold: Ticks,
        steps: &mut u64,
        interrupt: &Interrupt,
    ) -> Result<Option<Slicing>, Interrupted> {
        let (stages, costs) = (&self.stages, self.stages.on(0));
        let ends = if !stages.are_alike() {
            frugal::ends_of_stages(stages, threshold, steps, interrupt)?
        } else if stages.are_simple() {
            frugal::ends(costs.simple_slices(), stages.len(), threshold, steps, interrupt)?
        } else {
            frugal::ends(costs.slices(), stages.len(), threshold, steps, interrupt)?
        };
        let num_blocks = self.instance.num_blocks();
        Ok(ends.filter(|ends| ends.len() <= num_blocks).map(|ends| Slicing::new(ends, num_blocks, threshold - 1)))
    }

    fn sweep(&mut self, threshold: Ticks, interrupt: &Interrupt) -> Result<Sweep, Interrupted> {
        let bound = self.instance.combinatorial_bound();
        if threshold <= bound {
            return Ok(Sweep::NoneBelow(bound));
        }
        let (stages, costs) = (&self.stages, self.stages.on(0));
        if stages.are_simple() {
            self.fewest.slice(costs.simple_slices(), stages, threshold, interrupt)
        } else {
            self.fewest.slice(costs.slices(), stages, threshold, interrupt)
        }
    }

    /// The slicing of least bottleneck of the loaded order, if any is below `incumbent` (or within the memory limit).
    ///
    /// Sweeps (`fewest.rs`) narrow the interval between a lower and an upper bound on the least bottleneck. When the bands of the DP
    /// are narrow in this interval, the DP finishes; else the sweeps do: they take more steps, but also work for large io.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// Some ten sweeps; each is O(nodes + reads) in practice, and O(nodes × window) where io outweighs the work by far.
    /// Where stages are not alike, some tables of the DP.
    pub fn best(&mut self, incumbent: Option<Ticks>, interrupt: &Interrupt) -> Result<Option<Slicing>, Interrupted> {
        if !self.stages.are_alike() {
            return self.best_unlike(incumbent.unwrap_or(ABOVE_ALL), interrupt);
        }
        let (mut best, mut upper) = (None, ABOVE_ALL);
        if let Some(incumbent) = incumbent.filter(|&incumbent| incumbent < ABOVE_ALL) {
            best = self.below(incumbent, interrupt)?;
            let Some(slicing) = &best else { return Ok(None) };
            upper = slicing.bottleneck();
        }
        // No slicing is below `lower`. Thresholds rise from there in growing steps, and then halve the interval.
        let mut lower = self.instance.combinatorial_bound();
        let mut step = (lower >> 6).max(1);
        let mut is_dp_cheap = true;
        while lower < upper {
            let threshold = lower.saturating_add(step).min(lower + (upper - lower + 1) / 2);
            if is_dp_cheap && self.bands(threshold) <= CHEAP_BANDS {
                is_dp_cheap = self.fill(threshold, self.stages.len() * CHEAP_TRANSITIONS, interrupt)?;
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

    /// The slicing of least bottleneck below `upper`, by the DP alone, with thresholds that rise, so that its bands are narrow.
    fn best_unlike(&mut self, upper: Ticks, interrupt: &Interrupt) -> Result<Option<Slicing>, Interrupted> {
        let (upper, mut lower) = (upper.min(ABOVE_ALL), self.instance.combinatorial_bound());
        let mut step = (lower >> 4).max(1);
        while lower < upper {
            lower = lower.saturating_add(step).min(upper);
            self.fill(lower, usize::MAX, interrupt)?;
            if let Some(slicing) = self.table.slicing(self.instance.num_blocks()) {
                return Ok(Some(slicing));
            }
            step = step.saturating_mul(4);
        }
        Ok(None)
    }

    /// A slicing of the loaded order below `cutoff`, if there is one: of least bottleneck when that is below `known`, else
    /// of one that is at most a 64th of `known` above the least.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// As [`best`](Self::best), but for four sweeps, or ten when some slicing is below `known`.
    pub(crate) fn near(
        &mut self,
        known: Ticks,
        cutoff: Ticks,
        interrupt: &Interrupt,
    ) -> Result<Option<Slicing>, Interrupted> {
        if !self.stages.are_alike() {
            return self.best_unlike(cutoff, interrupt);
        }
        let Some(mut near) = self.below(cutoff.min(ABOVE_ALL), interrupt)? else { return Ok(None) };
        let mut lower = self.instance.combinatorial_bound();
        let mut step = (known / HARDLY).max(1);
        loop {
            let upper = near.bottleneck();
            // Exact below the known bottleneck, approximate above it.
            let margin = if lower < known { 0 } else { known / NEAR_PART };
            if upper - lower <= margin {
                return Ok(Some(near));
            }
            let middle = lower + (upper - lower + 1) / 2;
            let threshold = if lower >= known {
                middle
            } else if upper > known {
                known
            } else {
                // Thresholds fall in growing steps, and then halve the interval.
                let lowered = middle.max(upper - step);
                step = step.saturating_mul(4);
                lowered
            };
            match self.sweep(threshold, interrupt)? {
                Sweep::Found(better) => near = better,
                Sweep::NoneBelow(refused) => lower = refused,
            }
        }
    }

    /// About how many positions the bands of the DP hold per node, with slices below `threshold`.
    fn bands(&self, threshold: Ticks) -> f64 {
        let (blocks, work) = (float(count(self.instance.num_blocks())), float(self.stages.total().max(1)));
        blocks * (blocks * float(threshold) / work - 1.0).min(1.0) / 2.0
    }

    fn fill(&mut self, incumbent: Ticks, budget: usize, interrupt: &Interrupt) -> Result<bool, Interrupted> {
        self.table.fill(&self.stages, incumbent, budget, interrupt)
    }

    /// The least bottleneck below `incumbent` of the loaded order on the first 1, 2, … `num_blocks` stages.
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

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::{random_instance, random_unlike};
    use crate::cost::{bottleneck, partition_costs};
    use crate::slice::naive;

    #[test]
    fn a_near_slicing_is_the_best_where_that_is_better_than_what_is_known() {
        let (mut num_better, mut num_above, mut random) = (0, 0, Xoshiro256PlusPlus::seed_from_u64(3));
        for case in 0..3000 {
            let (num_nodes, num_blocks) = (random.random_range(1..100), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let keys: Vec<f64> = (0..num_nodes).map(|_| random.random()).collect();
            let order = TopologicalOrder::from_keys(instance.graph(), &keys).expect("a key for each");
            let mut slicer = Slicer::new(&instance);
            slicer.load(&order);
            let best = slicer.best(None, &Interrupt::never()).expect("no interrupt");
            let least = best.map_or(INFINITE, |best| best.bottleneck());
            let known = if least == INFINITE || random.random_bool(0.05) {
                INFINITE
            } else {
                least * random.random_range(85..115) / 100 + random.random_range(0..3)
            };
            let cutoff = known.saturating_add(known / random.random_range(5..20));
            let near = slicer.near(known, cutoff, &Interrupt::never()).expect("no interrupt");
            assert_eq!(near.is_some(), least < cutoff.min(ABOVE_ALL), "case {case}");
            let Some(near) = near else { continue };
            let cost = bottleneck(&partition_costs(&instance, &near.block_of(&order)));
            assert_eq!(near.bottleneck(), cost, "case {case}");
            if least < known {
                assert_eq!(cost, least, "case {case}");
                num_better += 1;
            } else {
                assert!((least..cutoff).contains(&cost) && cost - least <= known / NEAR_PART, "case {case}");
                num_above += usize::from(cost > least);
            }
        }
        assert!(num_better > 500 && num_above > 50, "{num_better} {num_above}");
    }

    /// On unlike stages, with all that can be stored and asked: the table of all numbers of stages, thresholds, and the best.
    #[test]
    fn unlike_stages_are_sliced_as_the_naive_recurrence_says() {
        let never = Interrupt::never();
        let (mut num_unlike, mut num_none, mut num_gaps) = (0, 0, 0);
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..13), random.random_range(1..7));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let keys: Vec<f64> = (0..num_nodes).map(|_| random.random()).collect();
            let order = TopologicalOrder::from_keys(instance.graph(), &keys).expect("a key for each");
            let expected = naive::least_bottlenecks(&instance, &order);
            let least = expected[num_blocks - 1];
            num_unlike += usize::from(!instance.is_uniform());
            num_none += usize::from(least == INFINITE);
            let mut slicer = Slicer::new(&instance);
            slicer.load(&order);
            let is_true = |slicing: &Slicing, num_blocks: usize, below: Ticks| {
                let boundaries = slicing.boundaries();
                assert_eq!((boundaries.len(), boundaries[num_blocks]), (num_blocks + 1, num_nodes), "case {case}");
                let cost = bottleneck(&partition_costs(&instance, &slicing.block_of(&order)));
                assert_eq!(cost, slicing.bottleneck(), "case {case}");
                assert!(cost < below, "case {case}");
            };
            let table = slicer.fill_table(None, &never).expect("no interrupt");
            for (index, &least) in expected.iter().enumerate() {
                assert_eq!(table[index].unwrap_or(INFINITE), least, "case {case}");
                if let Some(slicing) = slicer.slicing(index + 1) {
                    is_true(&slicing, index + 1, INFINITE);
                }
            }
            let best = slicer.best(None, &never).expect("no interrupt");
            assert_eq!(best.as_ref().map_or(INFINITE, Slicing::bottleneck), least, "case {case}");
            let gap = |slicing: &Slicing| slicing.boundaries().windows(2).take(num_blocks - 1).any(|e| e[0] == e[1]);
            num_gaps += usize::from(best.as_ref().is_some_and(gap));
            for offset in -1..=1 {
                let threshold = if least == INFINITE { INFINITE } else { least + offset };
                let table = slicer.fill_table(Some(threshold.max(1)), &never).expect("no interrupt");
                for (entry, &least) in table.into_iter().zip(&expected) {
                    assert_eq!(entry, Some(least).filter(|&least| least < threshold.max(1)), "case {case}");
                }
                let found = [
                    slicer.below(threshold, &never).expect("no interrupt"),
                    slicer.best(Some(threshold), &never).expect("no interrupt"),
                    slicer.near(least, threshold, &never).expect("no interrupt"),
                ];
                for slicing in found {
                    assert_eq!(slicing.is_some(), least < threshold, "case {case}");
                    if let Some(slicing) = slicing {
                        is_true(&slicing, num_blocks, threshold);
                    }
                }
            }
            let even = Slicing::even(&instance, &order);
            let cost = bottleneck(&partition_costs(&instance, &even.block_of(&order)));
            assert_eq!(even.bottleneck(), cost, "case {case}");
        }
        assert!(num_unlike > 1500 && num_none > 150 && num_gaps > 150, "{num_unlike} {num_none} {num_gaps}");
    }
}
