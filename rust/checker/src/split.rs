//! Rule *split*: a node is in no block after `b`, or in a later one.
//!
//! **Claim.** When nothing is left of either half of a node's window, nothing is left of the whole.
//!
//! **Proof.** A node is in one block. What is known of all partitions of a scope is known of those of its parts. ∎

use crate::close::{Closing, Scope};
use crate::reach::{Reach, Windows};
use crate::stop::{Steps, Stop};

/// Nodes whose windows are tried: those that weigh most, and as many of the others.
const CANDIDATES: usize = 12;
/// Steps of each attempt on a part, at least, and one part of so many of what is left at most.
const STEPS: u64 = 1 << 21;
const SHARE: u64 = 64;

/// Proves that nothing is left of a scope, part by part.
pub(crate) fn split<'a>(closing: &Closing<'_, 'a>, scope: &Scope<'a>, steps: &mut Steps) -> Result<(), Stop> {
    match halves(scope, steps)? {
        Some(halves) => close_parts(closing, Vec::from(halves), steps),
        None => closing.by_levels(scope, steps),
    }
}

/// Proves that nothing is left of parts.
pub(crate) fn close_parts<'a>(
    closing: &Closing<'_, 'a>,
    mut parts: Vec<Scope<'a>>,
    steps: &mut Steps,
) -> Result<(), Stop> {
    while let Some(mut part) = parts.pop() {
        let most = (steps.left() / SHARE).min(STEPS);
        if most == 0 {
            return Err(Stop::Budget);
        }
        if !part.reach.close(&mut part.windows, steps)? || is_nothing_left(closing, &mut part, most, steps)? {
            continue;
        }
        match halves(&part, steps)? {
            Some(halves) => parts.extend(halves),
            None => closing.by_levels(&part, steps)?,
        }
    }
    Ok(())
}

/// Whether nothing is left of a part, as far as some steps say.
fn is_nothing_left<'a>(
    closing: &Closing<'_, 'a>,
    part: &mut Scope<'a>,
    most: u64,
    steps: &mut Steps,
) -> Result<bool, Stop> {
    match closing.cut(part, most, steps) {
        Ok(false) => return Ok(true),
        Ok(true) | Err(Stop::Budget) => {}
        Err(stop) => return Err(stop),
    }
    match closing.weigh(part, most, steps) {
        Ok(false) => return Ok(true),
        Ok(true) | Err(Stop::Budget) => {}
        Err(stop) => return Err(stop),
    }
    Ok(closing.search(part, most, steps)?.is_some())
}

/// The halves of that window which leave least; none when every node is in one block.
fn halves<'a>(scope: &Scope<'a>, steps: &mut Steps) -> Result<Option<[Scope<'a>; 2]>, Stop> {
    let Windows { first, last, .. } = &scope.windows;
    let mut nodes: Vec<usize> = (0..first.len()).filter(|&node| first[node] < last[node]).collect();
    nodes.sort_by_key(|&node| std::cmp::Reverse(scope.reach.weight[node]));
    let others = nodes.split_off(CANDIDATES.min(nodes.len()));
    nodes.extend(others.iter().step_by(others.len().div_ceil(CANDIDATES).max(1)));
    let all = slack(&scope.reach, &scope.windows);
    let mut best: Option<(u128, [Windows; 2])> = None;
    for node in nodes {
        let middle = first[node].midpoint(last[node]);
        let mut halves = [scope.windows.clone(), scope.windows.clone()];
        halves[0].last[node] = middle;
        halves[1].first[node] = middle + 1;
        let mut gain = 1;
        for half in &mut halves {
            let is_open = scope.reach.close(half, steps)?;
            gain *= 1 + if is_open { all - slack(&scope.reach, half) } else { all + 1 };
        }
        if best.as_ref().is_none_or(|(most, _)| gain > *most) {
            best = Some((gain, halves));
        }
    }
    let part = |windows: Windows| Scope { windows, reach: scope.reach.clone(), is_part: true };
    Ok(best.map(|(_, halves)| halves.map(part)))
}

/// How many blocks more than one nodes can be in.
fn slack(reach: &Reach<'_>, Windows { first, last, .. }: &Windows) -> u128 {
    let total = reach.total().unsigned_abs().max(1);
    let nodes = first.iter().zip(last).zip(&reach.weight);
    nodes
        .map(|((first, last), weight)| {
            let length = u128::try_from(last.saturating_sub(*first)).unwrap_or(0);
            length * (1 + (weight.unsigned_abs() << 10) / total)
        })
        .sum()
}
