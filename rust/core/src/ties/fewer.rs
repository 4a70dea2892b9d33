//! Fewer stages, with unlike stages: the exact solver decides whether a subset of the stages is enough.

use super::{Search, Settled};
use crate::domain::Known;
use crate::exact::decide;
use crate::interrupt::Interrupted;
use crate::query::{Effort, Halt};
use crate::reduce::Reduction;

/// The most subsets of stages that are decided to prove that no subset of their size is enough; not measured.
const MAX_SETS: usize = 64;

/// Leaves out stages as long as the others are enough; returns whether it is proven that fewer are not.
pub(super) fn descend(search: &Search<'_>, best: &mut Settled, reduction: &Reduction) -> Result<bool, Interrupted> {
    while best.num_blocks > search.least {
        let before = best.num_blocks;
        let used = used(best);
        let (mut is_all, sets) = match subsets(search.instance.num_blocks(), before - 1) {
            Some(all) => (true, all),
            // Of those that are used, all but one.
            None => (false, used.iter().map(|&left_out| without(&used, left_out)).collect()),
        };
        for stages in sets {
            match decide_on(search, reduction, &stages)? {
                Ok(Some(block_of)) => {
                    best.improve(search.instance, &block_of);
                    search.slice(best, &mut { search.params.steps[0] })?;
                    break;
                }
                Ok(None) => {}
                Err(()) => is_all = false,
            }
        }
        if best.num_blocks == before {
            return Ok(is_all);
        }
    }
    Ok(true)
}

/// The stages that are used, ascending.
fn used(best: &Settled) -> Vec<usize> {
    let mut used = best.block_of.clone();
    used.sort_unstable();
    used.dedup();
    used
}

fn without(stages: &[usize], left_out: usize) -> Vec<usize> {
    stages.iter().copied().filter(|&stage| stage != left_out).collect()
}

/// All subsets of `size` stages, ascending; none when there are too many.
fn subsets(num_stages: usize, size: usize) -> Option<Vec<Vec<usize>>> {
    let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
    for place in 0..size {
        let mut longer = Vec::new();
        for set in &sets {
            let first = set.last().map_or(0, |last| last + 1);
            longer.extend((first..=num_stages - (size - place)).map(|stage| [&set[..], &[stage]].concat()));
        }
        if longer.len() > MAX_SETS {
            return None;
        }
        sets = longer;
    }
    Some(sets)
}

/// A partition below the threshold on some stages, or none; the inner error when steps or memory were not enough to decide.
fn decide_on(
    search: &Search<'_>,
    reduction: &Reduction,
    stages: &[usize],
) -> Result<Result<Option<Vec<usize>>, ()>, Interrupted> {
    let Some(quotient) = reduction.instance.with_stages(stages) else { return Ok(Ok(None)) };
    let mut effort = Effort::new(search.params.memory, search.params.steps[1]);
    match decide(&search.query(&quotient), Some(Known::nothing(&quotient)), &mut effort) {
        Ok(found) => {
            let lift = |blocks: Vec<usize>| {
                reduction.lift(&blocks.into_iter().map(|block| stages[block]).collect::<Vec<usize>>())
            };
            Ok(Ok(found.map(lift)))
        }
        Err(Halt::Interrupted) => Err(Interrupted),
        Err(Halt::Steps | Halt::Memory) => Ok(Err(())),
    }
}
