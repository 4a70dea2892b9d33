//! The sweep: what minimum cuts alone prove, roughly, from the proven bound up to a threshold that they do not prove.
//!
//! A pure state machine: [`Sweep::next`] says which threshold is tried, [`Sweep::take`] takes what came of it.

use super::bracket::Bounds;
use crate::cost::Ticks;
use crate::domain::WHOLE;
use crate::query::BracketParams;

/// How far the sweep has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    /// The least threshold that is not proven.
    pub above: Ticks,
    /// The share of the capacity that nodes weigh there, in units of [`WHOLE`], where cuts are of use.
    pub share: Option<i128>,
    /// How many low thresholds are still tried where cuts are not.
    pub probes: usize,
    /// Whether minimum cuts are of use, as far as is known.
    pub has_cuts: bool,
}

/// A threshold that is tried, and what by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    pub threshold: Ticks,
    pub by: By,
}

/// What a threshold is tried by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Propagation alone.
    Windows,
    /// Few steps of cuts, at a threshold so low that they may be of use there.
    Probe,
    /// Many steps of cuts.
    Cuts,
}

/// What has come of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One minimum cut on its own proves the threshold.
    Group,
    /// Domains prove the threshold.
    Proof,
    /// It is not proven; the share that nodes weigh.
    Stuck(i128),
}

impl Sweep {
    /// The same, of no threshold above the best partition that anybody knows: none of those is proven.
    pub(super) fn below(&mut self, ceiling: Ticks) -> &Self {
        self.above = self.above.min(ceiling);
        self
    }

    /// The next trial; none when what is open is narrow enough. `formal` is what is proven as a matter of form.
    pub(super) fn next(&self, bounds: Bounds, formal: Ticks, params: &BracketParams) -> Option<Trial> {
        let open = self.above - bounds.lower;
        let is_proven = bounds.lower > formal;
        if (open / 2).saturating_mul(params.rough[usize::from(is_proven)]) <= bounds.upper {
            return None;
        }
        let (least, most) = (bounds.lower + (open / 3).max(1), self.above - (open / 8).max(1));
        if !self.has_cuts && !is_proven && self.probes > 0 {
            // Where cuts say nothing of the incumbent's bottleneck they may say something of much less.
            return Some(Trial { threshold: bounds.lower + (open / 8).max(1), by: By::Probe });
        }
        let threshold = match self.share {
            // A share that should have been enough says no more of how far down it is, but mostly it is not far.
            Some(share) if share >= full(params) => {
                (self.above - self.above / params.beyond).max(bounds.lower + open / 2)
            }
            Some(share) => threshold_of_full_share(self.above, share, params).clamp(least, most),
            None => least,
        };
        Some(Trial { threshold, by: if self.has_cuts { By::Cuts } else { By::Windows } })
    }

    /// Takes what has come of a trial.
    pub(super) fn take(&mut self, trial: Trial, found: Found) {
        if found == Found::Group {
            return;
        }
        let is_probe = trial.by == By::Probe;
        self.probes -= usize::from(is_probe);
        self.has_cuts |= is_probe && found == Found::Proof;
        if let Found::Stuck(share) = found {
            (self.above, self.share) = (trial.threshold, self.has_cuts.then_some(share));
        }
    }
}

/// The share that is a contradiction more often than not.
fn full(params: &BracketParams) -> i128 {
    params.full * WHOLE / 100
}

/// The threshold for which nodes may weigh all that blocks may cost, given their share at a higher one.
///
/// Weights themselves grow when thresholds fall; by how much is a matter of experience.
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
        Sweep { above: LARGE, share, probes: 3, has_cuts }
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
        let proven = Sweep { probes: 1, above: LARGE, ..sweep };
        assert_eq!(proven.next(bounds(1), 0, &params).map(|trial| trial.by), Some(By::Windows));
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
