//! The sweep: a search for the largest threshold that minimum cuts alone prove, between the lower bound and one that they do not.
//!
//! First, each threshold is tried with few orders of node weights (`near_in_sweep`), so that a failure takes little. When the open
//! interval is narrow, the thresholds that have failed are tried with all orders, the least first: one order often lacks a few
//! hundredths that another one has. From then on every threshold is tried with all orders.
//!
//! A pure state machine: [`Sweep::next`] returns the next trial, and [`Sweep::take`] takes its result.

use super::bracket::Bounds;
use crate::cost::Ticks;
use crate::domain::WHOLE;
use crate::query::BracketParams;

/// The state of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    /// The least threshold that is not proven.
    pub above: Ticks,
    /// The threshold that the sweep began below, or the incumbent's bottleneck if that is less by now.
    top: Ticks,
    /// Thresholds that have failed with few orders of weights and were not tried with all; the least last.
    left: Vec<Ticks>,
    /// Whether trials use all orders.
    is_further: bool,
    /// The weight of all nodes at `above` as a share of the capacity of all blocks, in units of [`WHOLE`]; if cuts narrow anything.
    pub share: Option<i128>,
    /// How many low thresholds are still probed if cuts narrow nothing.
    pub probes: usize,
    /// Whether minimum cuts have narrowed the domains of the last trial.
    pub has_cuts: bool,
}

/// A threshold to try, and the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    pub threshold: Ticks,
    pub by: By,
}

/// The method of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Propagation alone.
    Windows,
    /// Few steps of cuts, at a threshold so low that they may narrow domains there.
    Probe,
    /// Many steps of cuts, in few orders of node weights.
    Cuts,
    /// The same in all orders.
    Further,
}

/// The result of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One minimum cut on its own proves the threshold.
    Group,
    /// Domains prove the threshold.
    Proof,
    /// It is not proven; the share of the capacity that nodes weigh.
    Stuck(i128),
}

impl Sweep {
    /// The state at the beginning, below a threshold that is not proven, with its share if known.
    pub(super) fn new(above: Ticks, share: Option<i128>, probes: usize, has_cuts: bool) -> Self {
        Self { above, top: above, left: Vec::new(), is_further: false, share, probes, has_cuts }
    }

    /// Drops thresholds above the incumbent's bottleneck: none of them can be proven.
    pub(super) fn below(&mut self, ceiling: Ticks) -> &Self {
        (self.above, self.top) = (self.above.min(ceiling), self.top.min(ceiling));
        self.left.retain(|&threshold| threshold <= ceiling);
        self
    }

    /// The next trial; none when the open interval is narrow enough. `formal` is the lower bound of the formal thresholds.
    pub(super) fn next(&self, bounds: Bounds, formal: Ticks, params: &BracketParams) -> Option<Trial> {
        let open = self.above - bounds.lower;
        let is_proven = bounds.lower > formal;
        let further = self.left.last().map(|&threshold| Trial { threshold, by: By::Further });
        if self.is_further && further.is_some() {
            return further;
        }
        if (open / 2).saturating_mul(params.rough[usize::from(is_proven)]) <= bounds.upper {
            return further;
        }
        let (least, most) = (bounds.lower + (open / 3).max(1), self.above - (open / 8).max(1));
        if !self.has_cuts && !is_proven && self.probes > 0 {
            // Cuts that narrow nothing at the incumbent's bottleneck may narrow domains at a much lower threshold.
            return Some(Trial { threshold: bounds.lower + (open / 8).max(1), by: By::Probe });
        }
        let threshold = match self.share {
            // The share was expected to suffice, so it does not tell how far to go down; mostly it is not far.
            Some(share) if share >= full(params) => {
                (self.above - self.above / params.beyond).max(bounds.lower + open / 2)
            }
            Some(share) => threshold_of_full_share(self.above, share, params).clamp(least, most),
            None => least,
        };
        let by = match (self.has_cuts, self.is_further) {
            (true, true) => By::Further,
            (true, false) => By::Cuts,
            (false, _) => By::Windows,
        };
        Some(Trial { threshold, by })
    }

    /// Takes the result of a trial.
    pub(super) fn take(&mut self, trial: Trial, found: Found) {
        if trial.by == By::Further {
            self.take_further(trial.threshold, found);
        }
        if found == Found::Group {
            return;
        }
        let is_probe = trial.by == By::Probe;
        self.probes -= usize::from(is_probe);
        self.has_cuts |= is_probe && found == Found::Proof;
        if let Found::Stuck(share) = found {
            (self.above, self.share) = (trial.threshold, self.has_cuts.then_some(share));
            if trial.by == By::Cuts {
                self.left.push(trial.threshold);
            }
        }
    }

    /// After a proof, goes up to the next threshold in `left`; after a failure, stays below this one.
    fn take_further(&mut self, threshold: Ticks, found: Found) {
        self.is_further = true;
        if matches!(found, Found::Stuck(_)) {
            self.left.clear();
        } else if self.left.pop_if(|least| *least <= threshold).is_some() {
            (self.above, self.share) = (self.left.last().copied().unwrap_or(self.top), None);
        }
    }
}

/// The share from which on a trial is a proof more often than not.
fn full(params: &BracketParams) -> i128 {
    params.full * WHOLE / 100
}

/// An estimate of the threshold at which nodes weigh the capacity of all blocks, given their share at a higher one.
///
/// Weights grow as thresholds fall; `steep` is the measured rate.
fn threshold_of_full_share(threshold: Ticks, share: i128, params: &BracketParams) -> Ticks {
    let missing = (full(params) - share).max(0) * i128::from(threshold) * params.steep[1];
    let missing = missing / (share.max(1) * params.steep[0]);
    threshold.saturating_sub(Ticks::try_from(missing).unwrap_or(Ticks::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Ticks = 1 << 20;

    fn sweep(share: Option<i128>, has_cuts: bool) -> Sweep {
        Sweep::new(LARGE, share, 3, has_cuts)
    }

    fn bounds(lower: Ticks) -> Bounds {
        Bounds { lower, upper: LARGE, floor: 0 }
    }

    #[test]
    fn thresholds_follow_from_the_share() {
        let half = LARGE / 2;
        for (share, threshold) in [
            (None, half + half / 3),
            (Some(99 * WHOLE / 100), LARGE - LARGE / 64),
            // Hardly anything is missing, or nearly all: not nearer to either end than this.
            (Some(97 * WHOLE / 100), LARGE - half / 8),
            (Some(WHOLE / 100), half + half / 3),
        ] {
            let next = sweep(share, true).next(bounds(half), 0, &BracketParams::default());
            assert_eq!(next, Some(Trial { threshold, by: By::Cuts }), "{share:?}");
        }
    }

    #[test]
    fn a_share_that_was_not_enough_leaves_the_middle_where_little_is_open() {
        let lower = LARGE - LARGE / 50;
        let next = sweep(Some(WHOLE), true).next(bounds(lower), 0, &BracketParams::default());
        assert_eq!(next.map(|trial| trial.threshold), Some(lower + (LARGE - lower) / 2));
    }

    #[test]
    fn it_ends_where_what_is_open_is_narrow_sooner_once_something_is_proven() {
        let params = BracketParams::default();
        let lower = LARGE - LARGE / 1000;
        assert!(sweep(None, true).next(bounds(lower), lower, &params).is_some());
        assert_eq!(sweep(None, true).next(bounds(lower), 0, &params), None);
    }

    #[test]
    fn low_thresholds_are_probed_where_cuts_say_nothing_and_nothing_is_proven() {
        let params = BracketParams::default();
        let mut sweep = sweep(None, false);
        for probes in [3, 2, 1] {
            assert_eq!(sweep.probes, probes);
            let trial = sweep.next(bounds(0), 0, &params).expect("wide open");
            assert_eq!(trial, Trial { threshold: sweep.above / 8, by: By::Probe });
            sweep.take(trial, Found::Stuck(WHOLE));
            assert_eq!((sweep.above, sweep.share), (trial.threshold, None));
        }
        assert_eq!(sweep.next(bounds(0), 0, &params).map(|trial| trial.by), Some(By::Windows));
        let proven = Sweep { probes: 1, ..Sweep::new(LARGE, None, 0, false) };
        assert_eq!(proven.next(bounds(1), 0, &params).map(|trial| trial.by), Some(By::Windows));
    }

    #[test]
    fn what_is_not_proven_in_few_orders_has_all_of_them_once_little_is_open() {
        let params = BracketParams::default();
        let (first, second) = (LARGE - LARGE / 16, LARGE - LARGE / 8);
        let mut sweep = sweep(None, true);
        for threshold in [first, second] {
            sweep.take(Trial { threshold, by: By::Cuts }, Found::Stuck(WHOLE / 2));
        }
        let wide = sweep.next(bounds(LARGE / 2), 0, &params).expect("wide open");
        assert_eq!(wide.by, By::Cuts);
        let near = second - LARGE / 1000;
        let further = |threshold| Trial { threshold, by: By::Further };
        assert_eq!(sweep.next(bounds(near), 0, &params), Some(further(second)));
        let mut open = sweep.clone();
        open.take(further(second), Found::Stuck(WHOLE / 2));
        assert_eq!(open.next(bounds(near), 0, &params), None, "the least is not proven, so no other one");
        assert_eq!(open.above, second);
        sweep.take(further(second), Found::Proof);
        assert_eq!((sweep.above, sweep.next(bounds(second), 0, &params)), (first, Some(further(first))));
        assert_eq!(sweep.clone().below(second + 1).next(bounds(second), 0, &params), None, "a better partition");
        let mut closed = sweep.clone();
        closed.take(further(first), Found::Group);
        let last = closed.next(bounds(first), 0, &params).expect("still open");
        assert_eq!((closed.above, last), (LARGE, further(first + LARGE / 16 / 3)));
        sweep.take(further(first), Found::Stuck(WHOLE / 2));
        assert_eq!(sweep.next(bounds(second), 0, &params).map(|trial| trial.by), Some(By::Further), "between both");
    }

    #[test]
    fn thresholds_above_the_best_partition_are_not_tried() {
        let mut sweep = sweep(None, true);
        let trial = sweep.below(3 * LARGE / 4).next(bounds(LARGE / 2), 0, &BracketParams::default());
        assert_eq!(trial.map(|trial| trial.threshold), Some(LARGE / 2 + LARGE / 12));
        assert_eq!(sweep.below(LARGE).above, 3 * LARGE / 4, "it does not rise");
        assert_eq!(sweep.below(LARGE / 2).next(bounds(LARGE / 2), 0, &BracketParams::default()), None);
    }

    #[test]
    fn a_probe_that_proves_something_brings_cuts_back() {
        let mut sweep = sweep(None, false);
        let trial = Trial { threshold: 10, by: By::Probe };
        sweep.take(trial, Found::Group);
        assert_eq!((sweep.has_cuts, sweep.probes), (false, 3), "a single cut says nothing of domains");
        sweep.take(trial, Found::Proof);
        assert_eq!((sweep.has_cuts, sweep.probes, sweep.above), (true, 2, LARGE));
        sweep.take(Trial { by: By::Cuts, ..trial }, Found::Stuck(7));
        assert_eq!((sweep.above, sweep.share), (10, Some(7)));
    }
}
