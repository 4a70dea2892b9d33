//! Multipliers of kinds: the weight of a tick on each kind of device in the budget.
//!
//! The best multipliers are an optimal dual solution of the fractional assignment of nodes to stages: the bound on the mean block
//! is largest. Any multipliers give a valid bound (`budget.rs`).

use crate::ids::{float, ticks};

/// Multipliers are counted in units of `2^-SHIFT` where there are several kinds.
const SHIFT: u32 = 20;
/// The rounds of coordinate ascent, and the steps of each line search.
const ROUNDS: usize = 3;
const STEPS: usize = 24;
/// Multipliers differ by no more than this factor.
const SPREAD: f64 = 1e6;

/// A multiplier for each kind.
#[derive(Clone, Debug)]
pub(super) struct Multipliers {
    pub of_kinds: Vec<i64>,
    /// Their binary digits that count parts of one.
    pub shift: u32,
}

impl Default for Multipliers {
    /// That of the only kind.
    fn default() -> Self {
        Self { of_kinds: vec![1], shift: 0 }
    }
}

/// Multipliers for which the bound on the mean block is large. `works` are those of nodes, by kind; `masks` the kinds that may hold
/// each node, as bits (none: all may); `counts` the number of stages of each kind.
///
/// # Complexity
/// O(nodes kinds^2) times a constant.
pub(super) fn best_multipliers(works: &[Vec<f64>], masks: Option<&[u64]>, counts: &[i64]) -> Multipliers {
    let used = || (0..works.len()).filter(|&kind| counts[kind] > 0);
    // The mean block, when a kind has this multiplier.
    let mean = |all: &[f64]| {
        let room: f64 = all.iter().zip(counts).map(|(multiplier, &stages)| multiplier * float(stages)).sum();
        let mut sum = 0.0;
        for node in 0..works[0].len() {
            let mask = masks.map_or(u64::MAX, |masks| masks[node]);
            let costs = used().filter(|&kind| mask >> kind & 1 == 1);
            sum += costs.map(|kind| all[kind] * works[kind][node]).fold(f64::INFINITY, f64::min);
        }
        sum / room
    };
    let totals: Vec<f64> = works.iter().map(|works| works.iter().sum::<f64>().max(1.0)).collect();
    let mut best: Vec<f64> = totals.iter().map(|total| totals[0] / total).collect();
    for _ in 0..ROUNDS {
        for kind in used() {
            // The mean has one peak along each multiplier: a concave sum over a linear one.
            let at = |log: f64| {
                let mut all = best.clone();
                all[kind] = log.exp();
                (mean(&all), all[kind])
            };
            let center = best[kind].ln();
            let (mut low, mut high) = (center - SPREAD.ln() / 2.0, center + SPREAD.ln() / 2.0);
            for _ in 0..STEPS {
                let [left, right] = [low + (high - low) / 3.0, high - (high - low) / 3.0];
                if at(left).0 < at(right).0 { low = left } else { high = right }
            }
            let found = at(low.midpoint(high));
            if found.0 > mean(&best) {
                best[kind] = found.1;
            }
        }
    }
    let largest = used().map(|kind| best[kind]).fold(0.0, f64::max);
    let unit = float(1 << SHIFT) / largest;
    let of_kinds = best.iter().map(|multiplier| ticks((multiplier * unit).round()).clamp(1, 1 << SHIFT)).collect();
    Multipliers { of_kinds, shift: SHIFT }
}
