//! The slicing DP of one order, pruned by an incumbent; a level for each number of stages, in one table.
//!
//! `best[b][j] = min over i <= j of max(best[b - 1][i], cost_b(i, j))`, the paper's recurrence, with the costs of stage `b`;
//! `i = j` leaves it empty. Two lower bounds replace the scan over all `i`: the cost without imports never rises with `i`, and
//! the least of `best[b - 1][i..]` (the envelope) never falls. So a start to the left of one whose cost without imports reaches
//! the best value found cannot be better, nor can one to the right of one whose envelope does. The scan begins where the
//! envelope meets the cost without io, which is a start that moves right with `j`, and ends soon on either side. No start is
//! before a node that the stage may not hold. An incumbent `T` makes all values from `T` up equal (none), and restricts level
//! `b` to the positions from which the later stages can still spend what the rest takes at least (`cost/budget.rs`).

use super::Slicing;
use super::costs::Slices;
use super::stages::Stages;
use super::sum::SliceSum;
use crate::cost::{INFINITE, Ticks};
use crate::ids::{narrow, wide};
use crate::interrupt::{Interrupt, Interrupted};

/// Choice of a position that needs no more than the blocks of the level before.
const INHERIT: u32 = u32::MAX;

/// Values of one level for consecutive positions; elsewhere there is none below the incumbent.
#[derive(Clone, Debug, Default)]
struct Band {
    first: usize,
    values: Vec<Ticks>,
}

impl Band {
    fn clear(&mut self, first: usize) {
        self.first = first;
        self.values.clear();
    }

    fn end(&self) -> usize {
        self.first + self.values.len()
    }

    /// Drops the positions at the end that have no value.
    fn trim(&mut self) {
        while self.values.last() == Some(&INFINITE) {
            self.values.pop();
        }
    }

    fn at(&self, position: usize) -> Ticks {
        let inside = position.checked_sub(self.first).and_then(|index| self.values.get(index));
        inside.copied().unwrap_or(INFINITE)
    }
}

/// The level before, from which one is filled.
struct Before<'t, const ANY: bool> {
    costs: Slices<'t, ANY>,
    band: &'t Band,
    /// Least value from each position of the band on.
    envelope: &'t [Ticks],
}

impl<const ANY: bool> Before<'_, ANY> {
    fn envelope_at(&self, start: usize) -> Ticks {
        self.envelope.get(start - self.band.first).copied().unwrap_or(INFINITE)
    }

    /// The least value of a position below the incumbent, and the start that it comes from, not before `earliest`; the scan
    /// over starts begins at `crossing`, where the envelope meets the cost without io, and goes both ways.
    fn best_start(
        &self,
        earliest: usize,
        crossing: SliceSum,
        incumbent: Ticks,
        transitions: &mut usize,
    ) -> (Ticks, u32) {
        let (Self { costs, band, .. }, end) = (self, crossing.end());
        let inherited = band.at(end).min(incumbent);
        let (mut best, mut choice) = (inherited, INHERIT);
        let mut consider = |slice: &SliceSum| {
            *transitions += 1;
            let value = band.at(slice.start()).max(costs.cost(slice));
            if value < best {
                (best, choice) = (value, narrow(slice.start()));
            }
            best
        };
        let mut bound = inherited;
        let mut slice = crossing;
        while slice.start() < end && self.envelope_at(slice.start()) < bound {
            bound = consider(&slice);
            costs.pop_front(&mut slice);
        }
        let mut slice = crossing;
        while slice.start() > earliest {
            costs.push_front(&mut slice);
            if costs.cost_without_imports(&slice) >= bound {
                break;
            }
            bound = consider(&slice);
        }
        (best, choice)
    }

    /// Whether even the slice from the last start is too much without io, or begins before `earliest`, and so do all that
    /// follow.
    fn are_all_later_over(&self, earliest: usize, crossing: SliceSum, incumbent: Ticks) -> bool {
        if crossing.start() < self.band.end() {
            return false;
        }
        if earliest >= self.band.end() {
            return true;
        }
        let mut last = crossing;
        if last.start() > earliest {
            self.costs.push_front(&mut last);
        }
        self.costs.cost_without_io(&last) >= incumbent
    }
}

/// What a table is filled for: values below `incumbent`, in so many transitions.
#[derive(Clone, Copy)]
struct Question<'t> {
    stages: &'t Stages<'t>,
    incumbent: Ticks,
    budget: usize,
    interrupt: &'t Interrupt,
}

/// The start chosen at each position of one level.
#[derive(Clone, Debug, Default)]
struct Choices {
    first: usize,
    starts: Vec<u32>,
}

/// The buffers of the DP and its last table.
#[derive(Clone, Debug, Default)]
pub(super) struct SlicingTable {
    previous: Band,
    current: Band,
    /// Least of `previous` from each position of its band on.
    envelope: Vec<Ticks>,
    choices: Vec<Choices>,
    bottlenecks: Vec<Ticks>,
    num_nodes: usize,
    are_alike: bool,
    transitions: usize,
}

impl SlicingTable {
    /// Fills the table for the first stages, however many, with slices below `incumbent` only. Gives up, which is `false`,
    /// after `budget` transitions.
    ///
    /// # Complexity
    /// O((positions in the bands) × (degree × starts tried)); without an incumbent the bands hold nodes × stages.
    pub(super) fn fill(
        &mut self,
        stages: &Stages<'_>,
        incumbent: Ticks,
        budget: usize,
        interrupt: &Interrupt,
    ) -> Result<bool, Interrupted> {
        let question = Question { stages, incumbent, budget, interrupt };
        let (num_nodes, num_stages) = (stages.len(), stages.num_stages());
        self.choices.resize(num_stages + 1, Choices::default());
        self.bottlenecks.clear();
        (self.num_nodes, self.are_alike) = (num_nodes, stages.are_alike());
        self.transitions = 0;
        // With no stage, only the empty order is covered.
        self.current.clear(0);
        self.current.values.push(0);
        let (mut first, mut before) = (0, 0);
        for level in 1..=num_stages {
            std::mem::swap(&mut self.previous, &mut self.current);
            let room = stages.room(level, incumbent - 1);
            while first < num_nodes && i128::from(stages.total() - before) > room {
                before += stages.weight(first);
                first += 1;
            }
            let costs = stages.on(level - 1);
            let is_filled = if stages.are_simple() {
                self.fill_level(question, costs.simple_slices(), level, first)?
            } else {
                self.fill_level(question, costs.slices(), level, first)?
            };
            if !is_filled {
                return Ok(false);
            }
            self.bottlenecks.push(self.current.at(num_nodes));
        }
        Ok(true)
    }

    /// Fills the band of one level from the one before; `first` is the first position whose rest can still be covered.
    fn fill_level<const ANY: bool>(
        &mut self,
        question: Question<'_>,
        costs: Slices<'_, ANY>,
        level: usize,
        first: usize,
    ) -> Result<bool, Interrupted> {
        let Question { stages, incumbent, budget, interrupt } = question;
        let Self { previous, current, envelope, choices, transitions, .. } = self;
        envelope.clear();
        envelope.extend_from_slice(&previous.values);
        for index in (1..envelope.len()).rev() {
            envelope[index - 1] = envelope[index - 1].min(envelope[index]);
        }
        let before = Before { costs, band: previous, envelope };
        let first = first.max(previous.first);
        current.clear(first);
        let choices = &mut choices[level];
        choices.first = first;
        choices.starts.clear();
        let mut crossing = SliceSum::empty_at(previous.first);
        // No slice that begins before holds only nodes that the stage may hold.
        let mut earliest = previous.first;
        for end in previous.first..=stages.len() {
            interrupt.check(end)?;
            if *transitions > budget {
                return Ok(false);
            }
            if end > previous.first {
                costs.push_back(&mut crossing);
                if !stages.may_be(end - 1, level - 1) {
                    earliest = end;
                    crossing = SliceSum::empty_at(end);
                }
            }
            while crossing.start() < end && before.envelope_at(crossing.start()) < costs.cost_without_io(&crossing) {
                costs.pop_front(&mut crossing);
            }
            if end < first {
                continue;
            }
            let (mut best, choice) = before.best_start(earliest, crossing, incumbent, transitions);
            if best >= incumbent {
                if before.are_all_later_over(earliest, crossing, incumbent) {
                    break;
                }
                best = INFINITE;
            }
            current.values.push(best);
            choices.starts.push(choice);
        }
        current.trim();
        Ok(true)
    }

    /// Least bottleneck on the first so many stages, if it is below the incumbent.
    pub(super) fn bottleneck(&self, num_blocks: usize) -> Option<Ticks> {
        Some(self.bottlenecks[num_blocks - 1]).filter(|&bottleneck| bottleneck != INFINITE)
    }

    /// How many slices the last fill looked at.
    pub(super) fn transitions(&self) -> usize {
        self.transitions
    }

    /// A slicing of that bottleneck.
    pub(super) fn slicing(&self, num_blocks: usize) -> Option<Slicing> {
        let bottleneck = self.bottleneck(num_blocks)?;
        let mut ends = Vec::with_capacity(num_blocks);
        let mut end = self.num_nodes;
        for level in (1..=num_blocks).rev() {
            let choices = &self.choices[level];
            let start = choices.starts[end - choices.first];
            // Where stages are alike, empty ones come last.
            if start != INHERIT || !self.are_alike {
                ends.push(end);
            }
            if start != INHERIT {
                end = wide(start);
            }
        }
        debug_assert_eq!(end, 0);
        ends.reverse();
        Some(Slicing::new(ends, num_blocks, bottleneck))
    }
}
