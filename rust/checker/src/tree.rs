//! Rule *tree*: a tree of cases, each closed by rows (`rows.rs`), by a search (`close.rs`), or by its facts alone (`reach.rs`).
//!
//! **Claim.** A case is proved when nothing is left of its parts: a node is in no block after `b`, or in a later one; the first `b`
//! blocks weigh more than some amount, or they do not. When no case is left, no partition is better than the threshold.
//!
//! **Proof.** One of two parts holds. What is known of all partitions of a case is known of those of its parts. ∎
//!
//! An upper bound on the weight of the first `b` blocks is a division whose other part is closed by rows.

use std::collections::BTreeMap;

use crate::close::{Closing, Scope};
use crate::incompatible::Pairing;
use crate::problem::Problem;
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::rows::{Rows, check_rows};
use crate::stop::{Steps, Stop};

/// What is done about the case that is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Windows narrow by minimum cuts.
    Cut,
    /// Weights rise, before there are two cases.
    Weigh,
    /// Nothing is left, by levels of downsets.
    Levels,
    /// Nothing is left, by labels.
    Labels,
    /// A node is in none of the blocks after so many, which comes next, or in one of these.
    Node(usize, usize),
    /// So many first blocks weigh more than some ticks, which comes next, or no more.
    Weight(usize, u64),
    /// Nothing is left, by a sum of rows; boxed, since most steps are small.
    Rows(Box<Rows>),
    /// The case after the next comes before it.
    Swap,
}

/// The cases that are left, the next one last, and what is known of all.
#[derive(Clone)]
pub(crate) struct Cases {
    weight: Vec<i128>,
    open: Vec<Windows>,
    are_several: bool,
    incompatible: BTreeMap<(usize, usize), bool>,
}

/// What stays the same while cases are looked at.
pub(crate) struct Tree<'r, 'a> {
    closing: Closing<'r, 'a>,
    reach: Reach<'a>,
}

impl<'r, 'a> Tree<'r, 'a> {
    /// At the first step, or where weights have risen.
    pub(crate) fn new(
        problem: &'a Problem,
        quotient: &'r Quotient<'a>,
        threshold: i64,
        weight: Vec<i128>,
        steps: &mut Steps,
    ) -> Result<Self, Stop> {
        let reach = Reach::new(problem, weight, threshold, steps)?;
        Ok(Self { closing: Closing { problem, quotient, threshold }, reach })
    }

    /// All partitions.
    pub(crate) fn begin(&self, steps: &mut Steps) -> Result<Cases, Stop> {
        let mut cases = Cases {
            weight: self.reach.weight.clone(),
            open: Vec::new(),
            are_several: false,
            incompatible: BTreeMap::new(),
        };
        self.push(&mut cases, self.reach.all(), steps)?;
        Ok(cases)
    }

    /// Keeps a case, unless nothing is left of it.
    fn push(&self, cases: &mut Cases, mut windows: Windows, steps: &mut Steps) -> Result<(), Stop> {
        if windows.are_open() && self.reach.close(&mut windows, steps)? {
            cases.open.push(windows);
        }
        Ok(())
    }

    /// Does what is said about the next case.
    pub(crate) fn apply(&mut self, cases: &mut Cases, step: &Step, steps: &mut Steps) -> Result<(), Stop> {
        let windows = cases.open.pop().ok_or_else(|| Stop::malformed("no case is left"))?;
        let (num_nodes, num_blocks) = (self.closing.problem.num_nodes(), self.closing.problem.num_blocks);
        match *step {
            Step::Cut => {
                let mut scope = self.scope(cases, windows);
                if self.closing.cut(&mut scope, u64::MAX, steps)? {
                    cases.open.push(scope.windows);
                }
            }
            Step::Weigh => {
                if cases.are_several {
                    return Err(Stop::malformed("weights rise before there are cases"));
                }
                let mut scope = self.scope(cases, windows);
                let is_open = self.closing.weigh(&mut scope, u64::MAX, steps)?;
                self.reach = scope.reach;
                cases.weight.clone_from(&self.reach.weight);
                if is_open {
                    cases.open.push(scope.windows);
                }
            }
            Step::Levels => self.closing.by_levels(&self.scope(cases, windows), steps)?,
            Step::Labels => self.closing.by_labels(&self.scope(cases, windows), steps)?,
            Step::Node(node, block) => {
                if node >= num_nodes || block > num_blocks {
                    return Err(Stop::malformed("a case is of nothing"));
                }
                cases.are_several = true;
                let mut later = windows.clone();
                later.first[node] = later.first[node].max(block + 1);
                let mut sooner = windows;
                sooner.last[node] = sooner.last[node].min(block);
                self.push(cases, later, steps)?;
                self.push(cases, sooner, steps)?;
            }
            Step::Weight(blocks, amount) => {
                if blocks > num_blocks {
                    return Err(Stop::malformed("a case is of nothing"));
                }
                cases.are_several = true;
                let (total, amount) = (self.reach.total(), i128::from(amount));
                let mut less = windows.clone();
                less.most[blocks] = less.most[blocks].min(amount);
                let mut more = windows;
                let end = &mut more.most_at_end[num_blocks - blocks];
                *end = (*end).min(total - amount - 1);
                self.push(cases, less, steps)?;
                self.push(cases, more, steps)?;
            }
            Step::Swap => {
                let after = cases.open.pop().ok_or_else(|| Stop::malformed("one case is left"))?;
                cases.open.extend([windows, after]);
            }
            Step::Rows(ref rows) => self.by_rows(cases, &windows, rows, steps)?,
        }
        Ok(())
    }

    fn scope(&self, cases: &Cases, windows: Windows) -> Scope<'a> {
        Scope { reach: self.reach.clone(), windows, is_part: cases.are_several }
    }

    fn by_rows(&self, cases: &mut Cases, windows: &Windows, rows: &Rows, steps: &mut Steps) -> Result<(), Stop> {
        let Closing { quotient, threshold, .. } = self.closing;
        let known = &mut cases.incompatible;
        let mut is_pair = |first, second, steps: &mut Steps| {
            if let Some(&is_so) = known.get(&(first, second)) {
                return Ok(is_so);
            }
            let mut pairing = Pairing::new(quotient, &self.reach.order, threshold, steps)?;
            let is_so = pairing.are_incompatible(first, second, steps)?;
            known.insert((first, second), is_so);
            Ok(is_so)
        };
        if check_rows((&self.reach, windows, threshold), rows, &mut is_pair, steps)? {
            return Ok(());
        }
        Err(Stop::refused("the rows can be satisfied"))
    }
}

impl Cases {
    /// Whether nothing is left.
    pub(crate) fn are_done(&self) -> bool {
        self.open.is_empty()
    }

    /// How many are left.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// What each node weighs.
    pub(crate) fn weight(&self) -> &[i128] {
        &self.weight
    }

    /// The next case.
    pub(crate) fn next(&self) -> Option<&Windows> {
        self.open.last()
    }
}

/// Goes through a tree: nothing is left when it has ended.
pub(crate) fn walk(problem: &Problem, threshold: i64, tree: &[Step], steps: &mut Steps) -> Result<(), Stop> {
    if threshold < 1 {
        return Ok(());
    }
    let quotient = Quotient::new(problem);
    let mut walk = Tree::new(problem, &quotient, threshold, quotient.load.clone(), steps)?;
    let mut cases = walk.begin(steps)?;
    for step in tree {
        walk.apply(&mut cases, step, steps)?;
    }
    if cases.are_done() { Ok(()) } else { Err(Stop::Open) }
}
