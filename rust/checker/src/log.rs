//! The log: which rule is applied where. What the rules need beyond that the checker works out.
//!
//! # Bytes
//! Numbers of seven bits a byte, the least first, the top bit set where more follow (LEB128):
//!
//! ```text
//! VERSION, threshold of the merges, threshold that is claimed (0: nothing but the merges), sections
//!  1 merges:  count, then for each: rule (0 pull, 1 push, 2 together, 3 cycle, 4 given), node, node
//!  2 cuts:    2 block + 1 where it is the last of windows, else 2 block: it is the first; count, then nodes that are not in it
//!  4 incompatible: count, then for each of the least pairs: the node that comes first, the other one
//!  5 weights: count, then for each: node, factor in parts of 4096
//! ends of a scope
//!  0 open:    what was said is enough, or the checker has to see for itself
//!  6 split:   node, block; two scopes follow: the node is in a later block, or in none after that one
//!  7 levels
//!  8 labels:  0 by number, 1 deep, 2 count and the nodes in order
//!  9 tree:    steps (`tree_log.rs`), where nothing else is said
//! 10 node:    every block with this node costs what is claimed
//! 11 two blocks: a tree, case by case: 0 and a share; or 1 and twice the node that divides, and 1 more where it is in the second
//!             block first; the parts of a case follow it
//! 12 packing: count and weights of nodes, then count of seeds, and for each count and cases: 0 where weights are enough, 2 where
//!             costs are, twice the factor of a cut, from 2 on, or twice a node plus 1, where nothing else is said
//! ```
//!
//! Merges come first. Facts of a scope come before its end; a scope that the bytes do not reach is open. Tag 3, flows, is taken.
//! Anything else is refused.
//!
//! Merges, and an expensive node that is all there is besides them, are claims: a log with one that is not so is refused. All other
//! sections are *hints*: what they say is proved again before it is used, and what cannot be proved is passed over.

use crate::bisection::Branch;
use crate::merges::{Merge, Rule};
use crate::packing::{Packing, Step as PackingStep};
use crate::problem::CAPACITY;
use crate::stop::Stop;
use crate::tree::Step;
use crate::tree_log::read_steps;

const VERSION: u64 = 3;
/// Bytes of a log. What is read takes some thirty times as many at most: a packing whose seeds have one case each.
const MAX_BYTES: usize = 1 << 25;
/// Scopes that wait for their turn at a time.
const MAX_OPEN: usize = 128;

/// What a log says.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// Of the merges.
    pub threshold: i64,
    pub merges: Vec<Merge>,
    /// What no partition of the quotient beats; 0: nothing is claimed but the merges.
    pub claim: i64,
    /// Scope by scope: the one that ends in a split comes before its parts.
    pub entries: Vec<Entry>,
}

/// One section about a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nodes that are not in a block, from 1, which is the first of their windows, or where it says so the last.
    Cuts { block: usize, is_last: bool, nodes: Vec<usize> },
    /// Pairs of nodes that no block holds.
    Incompatible(Vec<(usize, usize)>),
    /// Nodes that can weigh more, in this order, each with the factor that says so.
    Weights(Vec<(usize, i64)>),
    /// The end of a scope.
    End(End),
}

impl Entry {
    /// Whether it is a fact about nothing.
    fn is_empty(&self) -> bool {
        match self {
            Self::Cuts { nodes, .. } => nodes.is_empty(),
            Self::Incompatible(pairs) => pairs.is_empty(),
            Self::Weights(claims) => claims.is_empty(),
            Self::End(_) => false,
        }
    }
}

/// How a scope is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In a way that is not said.
    Open,
    /// A node is in a later block than this one, or in none after it: two scopes.
    Split(usize, usize),
    /// By levels.
    Levels,
    /// By labels.
    Labels(LabelOrder),
    /// By a tree of cases.
    Tree(Vec<Step>),
    /// By weights of which no block has its share.
    Packing(Packing),
    /// Every block with this node costs what is claimed.
    ExpensiveNode(usize),
    /// By bisection.
    Bisection(Vec<Branch>),
}

/// An order for labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabelOrder {
    /// By number, as far as what each node needs allows.
    Natural,
    /// Each node comes right after what it needs.
    PostOrder,
    /// As listed.
    Listed(Vec<usize>),
}

impl Log {
    /// Reads a log.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Stop> {
        if bytes.len() > MAX_BYTES {
            return Err(Stop::malformed(format!("the log has more than {MAX_BYTES} bytes")));
        }
        let numbers = &mut Numbers { rest: bytes };
        if numbers.next()? != VERSION {
            return Err(Stop::malformed("the log is of another version"));
        }
        let (threshold, claim) = (numbers.ticks()?, numbers.ticks()?);
        let mut log = Self { threshold, merges: Vec::new(), claim, entries: Vec::new() };
        // The first byte of a tag is all of it.
        if numbers.rest.first() == Some(&1) {
            numbers.next()?;
            log.merges = numbers.list(3, |numbers| Ok((numbers.rule()?, numbers.index()?, numbers.index()?)))?;
        }
        let mut num_open = usize::from(claim > 0);
        while !numbers.rest.is_empty() {
            if num_open == 0 {
                return Err(Stop::malformed("bytes are left over"));
            }
            let entry = numbers.entry()?;
            num_open = match entry {
                Entry::End(End::Split(..)) => num_open + 1,
                Entry::End(_) => num_open - 1,
                _ => num_open,
            };
            if num_open > MAX_OPEN {
                return Err(Stop::malformed(format!("more than {MAX_OPEN} parts are open")));
            }
            if !entry.is_empty() {
                log.entries.push(entry);
            }
        }
        Ok(log)
    }
}

/// The numbers that are left.
pub(crate) struct Numbers<'a> {
    pub rest: &'a [u8],
}

impl Numbers<'_> {
    pub(crate) fn next(&mut self) -> Result<u64, Stop> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = self.rest.split_first().ok_or_else(|| Stop::malformed("the log ends too soon"))?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift > 63 || bits << shift >> shift != bits {
                return Err(Stop::malformed("a number has more than 64 bits"));
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    pub(crate) fn index(&mut self) -> Result<usize, Stop> {
        usize::try_from(self.next()?).map_err(|_| Stop::malformed("an index is too large"))
    }

    fn ticks(&mut self) -> Result<i64, Stop> {
        let ticks = i64::try_from(self.next()?).ok().filter(|&ticks| ticks <= CAPACITY);
        ticks.ok_or_else(|| Stop::malformed("a threshold is above 2^52 ticks"))
    }

    /// A list whose members have so many bytes each, at least.
    pub(crate) fn list<T>(
        &mut self,
        least: usize,
        mut member: impl FnMut(&mut Self) -> Result<T, Stop>,
    ) -> Result<Vec<T>, Stop> {
        let count = self.index()?;
        if count > self.rest.len() / least {
            return Err(Stop::malformed("the log ends too soon"));
        }
        // Exact capacity: a log can hold millions of short lists.
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            members.push(member(self)?);
        }
        Ok(members)
    }

    fn rule(&mut self) -> Result<Rule, Stop> {
        Ok(match self.next()? {
            0 => Rule::Pull,
            1 => Rule::Push,
            2 => Rule::Together,
            3 => Rule::Cycle,
            4 => Rule::Given,
            _ => return Err(Stop::malformed("there is no such rule")),
        })
    }

    fn entry(&mut self) -> Result<Entry, Stop> {
        Ok(match self.next()? {
            0 => Entry::End(End::Open),
            2 => {
                let end = self.index()?;
                Entry::Cuts { block: end / 2, is_last: end % 2 == 1, nodes: self.list(1, Self::index)? }
            }
            4 => Entry::Incompatible(self.list(2, |numbers| Ok((numbers.index()?, numbers.index()?)))?),
            5 => Entry::Weights(self.list(2, |numbers| Ok((numbers.index()?, numbers.ticks()?)))?),
            6 => Entry::End(End::Split(self.index()?, self.index()?)),
            7 => Entry::End(End::Levels),
            8 => Entry::End(End::Labels(self.label_order()?)),
            9 => Entry::End(End::Tree(read_steps(self)?)),
            10 => Entry::End(End::ExpensiveNode(self.index()?)),
            11 => Entry::End(End::Bisection(self.branches()?)),
            12 => {
                let weights = self.list(1, Self::next)?;
                let cases = self.list(1, |numbers| numbers.list(1, Self::case))?;
                Entry::End(End::Packing(Packing { weights, cases }))
            }
            _ => return Err(Stop::malformed("there is no such section")),
        })
    }

    /// Branches until no case is left.
    fn branches(&mut self) -> Result<Vec<Branch>, Stop> {
        let (mut branches, mut num_left) = (Vec::with_capacity(self.rest.len()), 1_usize);
        while num_left > 0 {
            branches.push(match self.index()? {
                0 => Branch::Share(self.next()?),
                number => Branch::Node((number - 1) / 2, number.is_multiple_of(2)),
            });
            num_left = if matches!(branches.last(), Some(Branch::Node(..))) { num_left + 1 } else { num_left - 1 };
        }
        branches.shrink_to_fit();
        Ok(branches)
    }

    fn case(&mut self) -> Result<PackingStep, Stop> {
        let number = self.next()?;
        Ok(match (number, number % 2) {
            (0, _) => PackingStep::Weight,
            (2, _) => PackingStep::Cost,
            (_, 0) => PackingStep::Cut(number / 2),
            _ => {
                PackingStep::Divide(usize::try_from(number / 2).map_err(|_| Stop::malformed("an index is too large"))?)
            }
        })
    }

    fn label_order(&mut self) -> Result<LabelOrder, Stop> {
        Ok(match self.next()? {
            0 => LabelOrder::Natural,
            1 => LabelOrder::PostOrder,
            2 => LabelOrder::Listed(self.list(1, Self::index)?),
            _ => return Err(Stop::malformed("there is no such order")),
        })
    }
}
