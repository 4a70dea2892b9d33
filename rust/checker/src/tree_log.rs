//! The steps of a tree (`tree.rs`) in the numbers of a log.
//!
//! ```text
//! 0 end
//! 1 cut
//! 2 weigh
//! 3 levels
//! 4 node:   node, block
//! 5 weight: blocks, ticks
//! 6 rows:   how many superblocks, the blocks of each; unit; how many rows, then for each: kind, what it is of, multiplier
//! 7 labels
//! 8 swap
//! ```
//!
//! Kinds of rows: 0 order, 1 before, 2 export, 3 import, 4 cost, 5 overflow, 6 weight, 7 least, 8 most, 9 incompatible. A reader is
//! counted from 1, with 0 for the caller of the model.

use crate::log::Numbers;
use crate::rows::{Row, Rows};
use crate::stop::Stop;
use crate::tree::Step;

/// Reads steps, up to the end.
pub(crate) fn read_steps(numbers: &mut Numbers<'_>) -> Result<Vec<Step>, Stop> {
    let mut steps = Vec::new();
    loop {
        let Some(step) = read_step(numbers)? else { return Ok(steps) };
        steps.push(step);
    }
}

/// Reads a step; none is the end.
pub(crate) fn read_step(numbers: &mut Numbers<'_>) -> Result<Option<Step>, Stop> {
    Ok(Some(match numbers.next()? {
        0 => return Ok(None),
        1 => Step::Cut,
        2 => Step::Weigh,
        3 => Step::Levels,
        4 => Step::Node(numbers.index()?, numbers.index()?),
        5 => Step::Weight(numbers.index()?, numbers.next()?),
        6 => {
            let spans = numbers.list(1, Numbers::index)?;
            let unit = numbers.next()?;
            let weighted = numbers.list(3, |numbers| Ok((read_row(numbers)?, numbers.next()?)))?;
            Step::Rows(Box::new(Rows { spans, unit, weighted }))
        }
        7 => Step::Labels,
        8 => Step::Swap,
        _ => return Err(Stop::malformed("there is no such step")),
    }))
}

fn read_row(numbers: &mut Numbers<'_>) -> Result<Row, Stop> {
    let kind = numbers.next()?;
    let mut next = || numbers.index();
    Ok(match kind {
        0 => Row::Order(next()?, next()?),
        1 => Row::Before(next()?, next()?, next()?),
        2 => Row::Export(next()?, next()?, next()?),
        3 => Row::Import(next()?, next()?, next()?),
        4 => Row::Cost(next()?),
        5 => Row::Overflow(next()?),
        6 => Row::Weight(next()?),
        7 => Row::Least(next()?),
        8 => Row::Most(next()?),
        9 => Row::Incompatible(next()?, next()?, next()?),
        _ => return Err(Stop::malformed("there is no such row")),
    })
}
