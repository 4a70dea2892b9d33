//! That no partition of a quotient is better than a threshold, by whatever says so soonest.
//!
//! What blocks can hold comes first, then labels in two orders, levels, windows by minimum cuts, and labels and levels in these. Each
//! attempt has a part of the steps; which ones are made says nothing of what is proved.

use crate::cut::{Network, Question};
use crate::frontiers::{Layer, deep_order, frontiers, natural_order};
use crate::labels::has_label;
use crate::levels::has_better;
use crate::problem::Problem;
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::resources::Resources;
use crate::stop::{Steps, Stop};
use crate::windows::Cutting;

/// The first attempts have one part of so many of the steps.
const FIRST: u64 = 16;
/// Labels in narrow windows, and cuts, have one of so many.
const LATER: u64 = 3;

/// R5: every block that may hold a node costs the threshold.
pub(crate) fn check_dear_node(problem: &Problem, node: usize, threshold: i64, steps: &mut Steps) -> Result<(), Stop> {
    if node >= problem.num_nodes() {
        return Err(Stop::malformed(format!("{node} is no node of the quotient")));
    }
    let quotient = Quotient::new(problem);
    let mut network = Network::new(problem.num_nodes(), problem.num_tensors());
    let reached = |is_after: bool, steps: &mut Steps| -> Result<Vec<bool>, Stop> {
        let mut reached = vec![false; problem.num_nodes()];
        let mut waiting = vec![node];
        while let Some(each) = waiting.pop() {
            let near: Vec<usize> =
                if is_after { quotient.successors(each).collect() } else { quotient.predecessors(each).collect() };
            steps.spend(1 + near.len())?;
            waiting.extend(near.into_iter().filter(|&each| !std::mem::replace(&mut reached[each], true)));
        }
        Ok(reached)
    };
    let (after, before) = (reached(true, steps)?, reached(false, steps)?);
    for kind in quotient.kinds_of(node) {
        let barred: Vec<bool> = (0..problem.num_nodes()).map(|each| !quotient.may_be_on(each, kind)).collect();
        let question =
            Question { inside: node, kind, enough: threshold, barred: &barred, after: &after, before: &before };
        let found = network.least_cost(&quotient, &question, steps)?;
        if found < threshold {
            return Err(Stop::refused(format!("{threshold} is claimed, but the minimum cut is {found}")));
        }
    }
    Ok(())
}

/// Proves that none is better, or says why not.
pub(crate) fn close(problem: &Problem, threshold: i64, steps: &mut Steps) -> Result<(), Stop> {
    if threshold < 1 {
        return Ok(());
    }
    let quotient = Quotient::new(problem);
    let reach = Reach::new(problem, quotient.weight.clone(), threshold, steps)?;
    let mut closing = Closing { problem, reach: &reach, quotient: &quotient, threshold };
    let mut windows = reach.all();
    if !windows.are_open() || !reach.close(&mut windows, steps)? {
        return Ok(());
    }
    let first = steps.left() / FIRST;
    for attempt in [Closing::by_labels, Closing::by_levels] {
        match steps.part(first, |steps| attempt(&mut closing, &windows, steps)) {
            Err(Stop::Budget | Stop::Open) => {}
            found => return found,
        }
    }
    let later = steps.left() / LATER;
    let cut = steps.part(later, |steps| Cutting::new(&reach, &quotient, threshold).narrow(&mut windows, steps));
    match cut {
        Ok(false) => return Ok(()),
        // What was narrowed by then is right.
        Ok(true) | Err(Stop::Budget) => {}
        Err(stop) => return Err(stop),
    }
    let later = steps.left() / LATER;
    match steps.part(later, |steps| closing.by_labels(&windows, steps)) {
        Err(Stop::Budget | Stop::Open) => {}
        found => return found,
    }
    closing.by_levels(&windows, steps)
}

/// The ways to close.
pub(crate) struct Closing<'r, 'a> {
    pub problem: &'a Problem,
    pub reach: &'r Reach<'a>,
    pub quotient: &'r Quotient<'a>,
    pub threshold: i64,
}

impl Closing<'_, '_> {
    pub(crate) fn by_labels(&mut self, windows: &Windows, steps: &mut Steps) -> Result<(), Stop> {
        let resources = Resources::new(self.problem, self.threshold).ok_or(Stop::Open)?;
        let orders = [natural_order(&self.reach.order), deep_order(&self.reach.order)];
        let (mut fewest, mut stop): (Option<Vec<Layer>>, Stop) = (None, Stop::Open);
        let mut most = steps.left() / 4;
        for nodes in orders {
            let given = steps.left();
            match steps.part(most, |steps| frontiers(self.reach, windows, &nodes, &resources, steps)) {
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

    pub(crate) fn by_levels(&mut self, windows: &Windows, steps: &mut Steps) -> Result<(), Stop> {
        let is_beaten = has_better(self.reach, windows, &self.quotient.weight, self.threshold, steps)?;
        self.verdict(is_beaten)
    }

    fn verdict(&self, is_beaten: bool) -> Result<(), Stop> {
        if is_beaten {
            return Err(Stop::refused(format!("some partition costs less than {}", self.threshold)));
        }
        Ok(())
    }
}
