//! Proves that no partition of a quotient is better than a threshold: by the hints of a log, or else by all rules in turn.
//!
//! The hints (`hints.rs`) have half of the steps. Then come attempts with few steps at first and more each time: levels of downsets,
//! label setting in two orders, and both again in windows that minimum cuts and node weights have narrowed. If all of them run out of
//! steps, windows are split. The choice of attempts affects only the time: each attempt proves its claim by itself.

use crate::frontiers::{Layer, frontiers, natural_order, post_order};
use crate::hints::follow;
use crate::labels::has_label;
use crate::levels::has_better;
use crate::log::Entry;
use crate::params::PARAMS;
use crate::problem::Problem;
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::resources::Resources;
use crate::split::split;
use crate::stop::{Steps, Stop};
use crate::weights::Weighing;
use crate::windows::Cutting;

/// What has proved a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Nothing but merges was claimed.
    Merges,
    /// A minimum cut around a node.
    Cut,
    /// What blocks can hold.
    Reach,
    /// Windows by minimum cuts.
    Windows,
    /// Incompatible pairs.
    Incompatible,
    /// Node weights.
    Weights,
    /// Labels.
    Labels,
    /// Levels of downsets.
    Levels,
    /// Windows that were split.
    Split,
    /// Means of what two blocks cost, case by case.
    Bisection,
    /// Cases of a tree, most of them closed by sums of rows.
    Tree,
    /// Weights of which no block has its share.
    Packing,
}

/// Proves that none is better, or says why not.
pub(crate) fn close(problem: &Problem, threshold: i64, hints: &[Entry], steps: &mut Steps) -> Result<By, Stop> {
    if threshold < 1 {
        return Ok(By::Reach);
    }
    let quotient = Quotient::new(problem);
    let reach = Reach::new(problem, quotient.load.clone(), threshold, steps)?;
    let closing = Closing { problem, quotient: &quotient, threshold };
    let mut scope = Scope { windows: reach.all(), reach, is_part: false };
    if !scope.windows.are_open() || !scope.reach.close(&mut scope.windows, steps)? {
        return Ok(By::Reach);
    }
    match steps.part(steps.left() / 2, |steps| follow(&closing, &mut scope, hints, steps)) {
        Err(Stop::Open | Stop::Budget) => {}
        found => return found,
    }
    let (mut most, mut is_cut, mut is_weighed) = (PARAMS.attempt, false, false);
    loop {
        let is_last = most > steps.left() / PARAMS.last_share;
        most = most.min(steps.left() / PARAMS.last_share).max(1);
        if let Some(by) = closing.search(&scope, most, steps)? {
            return Ok(by);
        }
        let before = (scope.windows.clone(), is_weighed);
        if !is_cut {
            match closing.cut(&mut scope, most, steps) {
                Ok(true) => is_cut = true,
                Ok(false) => return Ok(By::Windows),
                Err(Stop::Budget) => {}
                Err(stop) => return Err(stop),
            }
        }
        if !is_weighed {
            match closing.weigh(&mut scope, most, steps) {
                Ok(true) => is_weighed = true,
                Ok(false) => return Ok(By::Weights),
                Err(Stop::Budget) => {}
                Err(stop) => return Err(stop),
            }
        }
        if (scope.windows.clone(), is_weighed) != before
            && let Some(by) = closing.search(&scope, most, steps)?
        {
            return Ok(by);
        }
        if is_last {
            break;
        }
        most = most.saturating_mul(PARAMS.attempt_growth);
    }
    split(&closing, &scope, steps).map(|()| By::Split)
}

/// Partitions of which facts are known.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    /// By the node weights that are known.
    pub reach: Reach<'a>,
    pub windows: Windows,
    /// Whether windows are a part of all that there can be.
    pub is_part: bool,
}

impl Scope<'_> {
    /// What no other scope shares with it.
    pub(crate) fn num_bytes(&self) -> usize {
        self.reach.num_bytes() + size_of_val(&self.windows.first[..]) * 2 + size_of_val(&self.windows.most[..]) * 2
    }
}

/// The ways to close.
pub(crate) struct Closing<'r, 'a> {
    pub problem: &'a Problem,
    pub quotient: &'r Quotient<'a>,
    pub threshold: i64,
}

impl<'a> Closing<'_, 'a> {
    /// By what nothing is left in a scope, with so many steps each; none where they are not enough.
    pub(crate) fn search(&self, scope: &Scope<'a>, most: u64, steps: &mut Steps) -> Result<Option<By>, Stop> {
        // Where few steps are enough it is mostly for levels.
        let order = if most <= PARAMS.attempt { [By::Levels, By::Labels] } else { [By::Labels, By::Levels] };
        for by in order {
            let found = steps.part(most, |steps| match by {
                By::Levels => self.by_levels(scope, steps),
                _ => self.by_labels(scope, steps),
            });
            match found {
                Ok(()) => return Ok(Some(by)),
                Err(Stop::Budget) if steps.left() == 0 => return Err(Stop::Budget),
                Err(Stop::Budget | Stop::Open) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(None)
    }

    /// Narrows windows by cuts; whether anything is left.
    pub(crate) fn cut(&self, scope: &mut Scope<'a>, most: u64, steps: &mut Steps) -> Result<bool, Stop> {
        let Scope { reach, windows, .. } = scope;
        steps.part(most, |steps| Cutting::new(reach, self.quotient, self.threshold, steps)?.narrow(windows, steps))
    }

    /// Raises node weights, forwards and backwards, and takes the larger ones; whether anything is left.
    pub(crate) fn weigh(&self, scope: &mut Scope<'a>, most: u64, steps: &mut Steps) -> Result<bool, Stop> {
        for is_forward in [true, false] {
            let Scope { reach, windows, .. } = &*scope;
            let found = steps.part(most, |steps| {
                let weighing = Weighing::new(reach, self.quotient, self.threshold, steps)?;
                weighing.map(|mut weighing| weighing.raise(windows, is_forward, steps)).transpose()
            })?;
            let Some(found) = found else { return Ok(true) };
            if !self.take(scope, found, steps)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes what node weights say of windows, and the weights if all together they are more than what is known; whether anything is
    /// left. Windows that less weight has narrowed hold, too: it lies elsewhere.
    pub(crate) fn take(
        &self,
        scope: &mut Scope<'a>,
        weights: Option<Vec<i64>>,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        let Some(weights) = weights else { return Ok(false) };
        let multiplier = i128::from(self.problem.kinds[0].multiplier);
        let weight: Vec<i128> = weights.into_iter().map(|weight| multiplier * i128::from(weight)).collect();
        if weight == scope.reach.weight {
            return Ok(true);
        }
        let found = scope.reach.weighing(weight, steps)?;
        let known = scope.windows.clone();
        scope.windows.forget_weights();
        if !found.close(&mut scope.windows, steps)? {
            return Ok(false);
        }
        if found.total() > scope.reach.total() {
            scope.reach = found;
            return Ok(true);
        }
        (scope.windows.most, scope.windows.most_at_end) = (known.most, known.most_at_end);
        scope.reach.close(&mut scope.windows, steps)
    }

    /// Takes those of some pairs that are incompatible; whether anything is left.
    pub(crate) fn separate(
        &self,
        scope: &mut Scope<'a>,
        pairs: &[(usize, usize)],
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        let Reach { order, incompatible, .. } = &scope.reach;
        scope.reach.incompatible = incompatible.with((self.quotient, order), pairs, self.threshold, steps)?;
        scope.reach.close(&mut scope.windows, steps)
    }

    /// By labels in one order.
    pub(crate) fn by_labels_in(&self, scope: &Scope<'a>, nodes: &[usize], steps: &mut Steps) -> Result<(), Stop> {
        let Scope { reach, windows, .. } = scope;
        let resources = Resources::new(self.problem, self.threshold).ok_or(Stop::Open)?;
        let layers = frontiers(reach, windows, nodes, &resources, steps)?;
        self.verdict(has_label(&layers, &resources, self.problem.num_blocks, steps)?)
    }

    /// By labels in that of two orders which has fewer frontiers.
    pub(crate) fn by_labels(&self, scope: &Scope<'a>, steps: &mut Steps) -> Result<(), Stop> {
        let Scope { reach, windows, .. } = scope;
        let resources = Resources::new(self.problem, self.threshold).ok_or(Stop::Open)?;
        let (mut fewest, mut stop): (Option<Vec<Layer>>, Stop) = (None, Stop::Open);
        let mut most = steps.left() / 4;
        for nodes in [natural_order(&reach.order), post_order(self.problem, &reach.order)] {
            let given = steps.left();
            match steps.part(most, |steps| frontiers(reach, windows, &nodes, &resources, steps)) {
                Ok(layers) => {
                    let size = |layers: &[Layer]| layers.iter().map(|layer| layer.arcs.len()).sum::<usize>();
                    if fewest.as_ref().is_none_or(|other| size(&layers) < size(other)) {
                        fewest = Some(layers);
                    }
                    most = given - steps.left();
                }
                Err(other) => stop = other,
            }
        }
        let layers = fewest.ok_or(stop)?;
        let is_beaten = has_label(&layers, &resources, self.problem.num_blocks, steps)?;
        self.verdict(is_beaten)
    }

    pub(crate) fn by_levels(&self, scope: &Scope<'a>, steps: &mut Steps) -> Result<(), Stop> {
        let Scope { reach, windows, is_part } = scope;
        let is_beaten = has_better(reach, (windows, *is_part), &self.quotient.load, self.threshold, steps)?;
        self.verdict(is_beaten)
    }

    fn verdict(&self, is_beaten: bool) -> Result<(), Stop> {
        if is_beaten {
            return Err(Stop::refused(format!("some partition costs less than {}", self.threshold)));
        }
        Ok(())
    }
}
