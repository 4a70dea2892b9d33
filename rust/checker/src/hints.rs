//! What a log hints at, proved again: facts of a scope, then what closes it, scope by scope (`log.rs`).
//!
//! A hint names where a rule is applied. The rule is applied there, whatever else the hint says: a cut that is cheap and a weight that
//! cannot be raised say nothing, and a scope that is not closed as it says is closed in another way or not at all.

use std::slice::Iter;

use crate::bisection::check_bisection;
use crate::close::{By, Closing, Scope};
use crate::expensive::check_expensive_node;
use crate::frontiers::{natural_order, post_order};
use crate::log::{End, Entry, LabelOrder};
use crate::order::Order;
use crate::params::PARAMS;
use crate::problem::Problem;
use crate::split::close_parts;
use crate::stop::{Steps, Stop};
use crate::weights::Weighing;
use crate::windows::Cutting;

/// Bytes of the parts that wait at a time, about.
const MAX_BYTES: usize = 1 << 29;

/// How a scope has ended.
enum Ended<'a> {
    Closed(By),
    Parts(Vec<Scope<'a>>),
    Open,
}

/// Proves that nothing is left of a scope, as hinted; what is known of the whole stays known where that fails.
///
/// # Errors
/// [`Stop::Open`], when hints do not say enough.
pub(crate) fn follow<'a>(
    closing: &Closing<'_, 'a>,
    scope: &mut Scope<'a>,
    hints: &[Entry],
    steps: &mut Steps,
) -> Result<By, Stop> {
    let entries = &mut hints.iter();
    let mut parts = match follow_one(closing, scope, entries, steps)? {
        Ended::Closed(by) => return Ok(by),
        Ended::Open => return Err(Stop::Open),
        Ended::Parts(parts) => parts,
    };
    while let Some(mut part) = parts.pop() {
        if parts.len() * part.num_bytes() > MAX_BYTES {
            return Err(Stop::Open);
        }
        if !part.reach.close(&mut part.windows, steps)? {
            skip(entries);
            continue;
        }
        // A part must not use up what the others need.
        let most = steps.left() / 2;
        match steps.part(most, |steps| follow_one(closing, &mut part, entries, steps)) {
            Ok(Ended::Closed(_)) => {}
            Ok(Ended::Parts(halves)) => parts.extend(halves),
            Ok(Ended::Open) | Err(Stop::Open | Stop::Budget) => close_parts(closing, vec![part], steps)?,
            Err(stop) => return Err(stop),
        }
    }
    Ok(By::Split)
}

/// Follows the hints of one scope to its end; whatever comes of it, what is left is said of the next one.
fn follow_one<'a>(
    closing: &Closing<'_, 'a>,
    scope: &mut Scope<'a>,
    entries: &mut Iter<'_, Entry>,
    steps: &mut Steps,
) -> Result<Ended<'a>, Stop> {
    loop {
        let fact = match entries.next() {
            None => return Ok(Ended::Open),
            Some(Entry::End(end)) => return follow_end(closing, scope, end, steps),
            Some(fact) => fact,
        };
        match learn(closing, scope, fact, steps) {
            Ok((_, true)) => {}
            Ok((by, false)) => {
                skip(entries);
                return Ok(Ended::Closed(by));
            }
            Err(stop) => {
                skip(entries);
                return Err(stop);
            }
        }
    }
}

/// Takes a fact, as far as it holds: by which rule, and whether anything is left.
fn learn<'a>(
    closing: &Closing<'_, 'a>,
    scope: &mut Scope<'a>,
    fact: &Entry,
    steps: &mut Steps,
) -> Result<(By, bool), Stop> {
    Ok(match fact {
        Entry::Cuts { block, is_last, nodes } => {
            let Scope { reach, windows, .. } = &mut *scope;
            let mut cutting = Cutting::new(reach, closing.quotient, closing.threshold, steps)?;
            (By::Windows, cutting.replay((*block, *is_last), nodes, windows, steps)?)
        }
        Entry::Incompatible(pairs) => (By::Incompatible, closing.separate(scope, pairs, steps)?),
        Entry::Weights(claims) => {
            let weighing = Weighing::new(&scope.reach, closing.quotient, closing.threshold, steps)?;
            let Some(mut weighing) = weighing else { return Ok((By::Weights, true)) };
            let weights = weighing.replay(claims, &scope.windows, steps)?;
            (By::Weights, closing.take(scope, weights, steps)?)
        }
        // This is no fact.
        Entry::End(_) => (By::Reach, true),
    })
}

fn follow_end<'a>(
    closing: &Closing<'_, 'a>,
    scope: &mut Scope<'a>,
    end: &End,
    steps: &mut Steps,
) -> Result<Ended<'a>, Stop> {
    match end {
        // A tree and a packing begin with all that there is.
        End::Open | End::Tree(_) | End::Packing(_) => Ok(Ended::Open),
        // Bisection, too, and it asks for nothing that is known.
        End::Bisection(tree) => match check_bisection(closing.problem, closing.threshold, tree, steps) {
            Ok(()) => Ok(Ended::Closed(By::Bisection)),
            Err(stop) => Err(stop),
        },
        End::Split(node, block) => split_at(closing, scope, *node, *block),
        End::Levels => in_turns(closing, scope, By::Levels, &|scope, steps| closing.by_levels(scope, steps), steps),
        End::Labels(order) => {
            let nodes = nodes_in(closing.problem, order, &scope.reach.order, steps)?;
            in_turns(closing, scope, By::Labels, &|scope, steps| closing.by_labels_in(scope, &nodes, steps), steps)
        }
        End::ExpensiveNode(node) => match check_expensive_node(closing.quotient, *node, closing.threshold, steps) {
            Ok(()) => Ok(Ended::Closed(By::Cut)),
            Err(Stop::Refused { .. }) => Ok(Ended::Open),
            Err(stop) => Err(stop),
        },
    }
}

/// Closes a scope by the hinted rule or by the other ones in turn, with a share of the steps that grows from turn to turn: a rule that
/// takes the solver few steps can take many here. Windows are narrowed by cuts, too, where the first steps are not enough.
fn in_turns<'a>(
    closing: &Closing<'_, 'a>,
    scope: &mut Scope<'a>,
    by: By,
    hinted: &dyn Fn(&Scope<'a>, &mut Steps) -> Result<(), Stop>,
    steps: &mut Steps,
) -> Result<Ended<'a>, Stop> {
    let (mut most, mut is_cut) = (PARAMS.hinted, false);
    while steps.left() > 0 {
        match steps.part(most, |steps| hinted(scope, steps)) {
            Ok(()) => return Ok(Ended::Closed(by)),
            Err(Stop::Budget) => {}
            Err(Stop::Open) => return Ok(Ended::Open),
            Err(stop) => return Err(stop),
        }
        if !is_cut {
            match closing.cut(scope, most, steps) {
                Ok(true) => is_cut = true,
                Ok(false) => return Ok(Ended::Closed(By::Windows)),
                Err(Stop::Budget) => {}
                Err(stop) => return Err(stop),
            }
        }
        if let Some(by) = closing.search(scope, most / PARAMS.hinted_growth, steps)? {
            return Ok(Ended::Closed(by));
        }
        most = most.saturating_mul(PARAMS.hinted_growth);
    }
    Err(Stop::Budget)
}

/// The parts of a scope where a node is in no block after one, and where it is in a later one; the last one is followed first.
fn split_at<'a>(closing: &Closing<'_, 'a>, scope: &Scope<'a>, node: usize, block: usize) -> Result<Ended<'a>, Stop> {
    if node >= closing.problem.num_nodes() || block >= closing.problem.num_blocks {
        return Err(Stop::malformed(format!("node {node} cannot be after block {block}")));
    }
    let part = || Scope { is_part: true, ..scope.clone() };
    let [mut up_to, mut after] = [part(), part()];
    up_to.windows.last[node] = up_to.windows.last[node].min(block);
    after.windows.first[node] = after.windows.first[node].max(block + 1);
    Ok(Ended::Parts(vec![up_to, after]))
}

/// The nodes in the hinted topological order.
fn nodes_in(problem: &Problem, order: &LabelOrder, arcs: &Order, steps: &mut Steps) -> Result<Vec<usize>, Stop> {
    let nodes = match order {
        LabelOrder::Natural => natural_order(arcs),
        LabelOrder::PostOrder => post_order(problem, arcs),
        LabelOrder::Listed(nodes) => nodes.clone(),
    };
    let mut place = vec![None; arcs.nodes.len()];
    for (at, &node) in nodes.iter().enumerate() {
        if place.get(node) != Some(&None) {
            return Err(Stop::malformed(format!("node {node} is not there, or twice")));
        }
        place[node] = Some(at);
    }
    for (node, after) in arcs.successors.iter().enumerate() {
        steps.spend(1 + after.len())?;
        if place[node].is_none() || after.iter().any(|&each| place[each] <= place[node]) {
            return Err(Stop::malformed(format!("node {node} is missing, or comes after what reads it")));
        }
    }
    Ok(nodes)
}

/// Passes over what is said of a scope that is closed already, to the end of its last part.
fn skip(entries: &mut Iter<'_, Entry>) {
    let mut num_open = 1_usize;
    while num_open > 0 {
        match entries.next() {
            Some(Entry::End(End::Split(..))) => num_open += 1,
            Some(Entry::End(_)) => num_open -= 1,
            Some(_) => {}
            None => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quotient::Quotient;
    use crate::reach::Reach;
    use crate::tests::cases;

    #[test]
    fn where_steps_run_out_the_next_scope_is_what_is_left() {
        let mut num_out = [0; 3];
        for (_, problem, _, thresholds) in cases(150, 5) {
            let problem = Quotient::new(&problem).to_problem();
            let (quotient, threshold) = (Quotient::new(&problem), thresholds[0].max(1));
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, &mut Steps::new(u64::MAX));
            let reach = reach.expect("no cycle");
            let closing = Closing { problem: &problem, quotient: &quotient, threshold };
            let nodes: Vec<usize> = (0..problem.num_nodes()).collect();
            let facts = [
                Entry::Cuts { block: 1, is_last: false, nodes: nodes.clone() },
                Entry::Incompatible(nodes.windows(2).map(|pair| (pair[0], pair[1])).collect()),
                Entry::Weights(nodes.iter().map(|&node| (node, 4096)).collect()),
            ];
            for (kind, fact) in facts.into_iter().enumerate() {
                let next = Entry::End(End::ExpensiveNode(0));
                let ends = [End::Split(0, 1), End::Open, End::Levels].map(Entry::End);
                let hints: Vec<Entry> = [fact].into_iter().chain(ends).chain([next.clone()]).collect();
                for most in [0, 5, 20, 50, 100] {
                    let mut scope = Scope { windows: reach.all(), reach: reach.clone(), is_part: false };
                    let entries = &mut hints.iter();
                    let found = follow_one(&closing, &mut scope, entries, &mut Steps::new(most));
                    if matches!(found, Err(Stop::Budget)) {
                        num_out[kind] += 1;
                        assert_eq!(entries.as_slice(), std::slice::from_ref(&next));
                    }
                }
            }
        }
        assert!(num_out.iter().all(|&count| count > 150), "{num_out:?}");
    }

    #[test]
    fn a_section_that_says_nothing_takes_as_many_steps_as_it_goes_through() {
        for (case, problem, _, thresholds) in cases(150, 5) {
            let problem = Quotient::new(&problem).to_problem();
            let (quotient, threshold) = (Quotient::new(&problem), thresholds[0].max(1));
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, &mut Steps::new(u64::MAX));
            let reach = reach.expect("no cycle");
            let closing = Closing { problem: &problem, quotient: &quotient, threshold };
            let size = problem.num_nodes() + 2 * problem.num_tensors();
            let num_ends: usize = quotient.touching.iter().map(std::collections::BTreeSet::len).sum();
            let pays_sum = problem.kinds.len() == 1 && !problem.kinds[0].is_overlap;
            let facts = [
                (Entry::Cuts { block: 1, is_last: false, nodes: Vec::new() }, size),
                (Entry::Incompatible(Vec::new()), size),
                (Entry::Weights(Vec::new()), if pays_sum { size + num_ends } else { 0 }),
            ];
            for (fact, least) in facts {
                let mut scope = Scope { windows: reach.all(), reach: reach.clone(), is_part: false };
                let steps = &mut Steps::new(1 << 40);
                learn(&closing, &mut scope, &fact, steps).expect("enough steps");
                let taken = usize::try_from((1 << 40) - steps.left()).expect("few");
                assert!(taken >= least, "case {case}: {taken} of {least} for {fact:?}");
            }
        }
    }
}
