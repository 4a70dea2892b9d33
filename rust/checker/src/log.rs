//! The log: which rule is applied where. What the rules need beyond that the checker works out.
//!
//! # Bytes
//! Numbers of seven bits a byte, the least first, the top bit set where more follow (LEB128):
//!
//! ```text
//! VERSION, threshold of the merges, sections
//! 1 merges:    count, then for each: rule (0 pull, 1 push, 2 together, 3 cycle, 4 given), node, node
//! 2 expensive node: a node of the quotient, and what every block with it costs at least
//! 3 none:      a threshold that no partition of the quotient beats
//! ```
//!
//! Merges come first, one of the other two last. Anything else is refused.

use crate::merges::{Merge, Rule};
use crate::problem::CAPACITY;
use crate::stop::Stop;

const VERSION: u64 = 1;
const MERGES: u64 = 1;
const DEAR_NODE: u64 = 2;
const NONE_IS_BETTER: u64 = 3;

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Every block with this node of the quotient costs at least the threshold.
    ExpensiveNode {
        /// The node.
        node: usize,
        /// What it costs.
        threshold: i64,
    },
    /// No partition of the quotient is better than this.
    NoneIsBetter(i64),
    /// Nothing is claimed but the merges.
    Nothing,
}

/// What a log says.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub threshold: i64,
    pub merges: Vec<Merge>,
    pub closing: Closing,
}

impl Log {
    /// Reads a log.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Stop> {
        let numbers = &mut Numbers { rest: bytes };
        if numbers.next()? != VERSION {
            return Err(Stop::malformed("the log is of another version"));
        }
        let threshold = numbers.ticks()?;
        let mut log = Self { threshold, merges: Vec::new(), closing: Closing::Nothing };
        let mut last = 0;
        while !numbers.rest.is_empty() {
            let tag = numbers.next()?;
            if tag <= last || last >= DEAR_NODE {
                return Err(Stop::malformed("sections are not in order"));
            }
            last = tag;
            match tag {
                MERGES => log.merges = numbers.merges()?,
                DEAR_NODE => {
                    log.closing = Closing::ExpensiveNode { node: numbers.index()?, threshold: numbers.ticks()? };
                }
                NONE_IS_BETTER => log.closing = Closing::NoneIsBetter(numbers.ticks()?),
                _ => return Err(Stop::malformed("there is no such section")),
            }
        }
        Ok(log)
    }
}

struct Numbers<'a> {
    rest: &'a [u8],
}

impl Numbers<'_> {
    fn next(&mut self) -> Result<u64, Stop> {
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

    fn index(&mut self) -> Result<usize, Stop> {
        usize::try_from(self.next()?).map_err(|_| Stop::malformed("an index is too large"))
    }

    fn ticks(&mut self) -> Result<i64, Stop> {
        let ticks = i64::try_from(self.next()?).ok().filter(|&ticks| ticks <= CAPACITY);
        ticks.ok_or_else(|| Stop::malformed("a threshold is above 2^52 ticks"))
    }

    fn merges(&mut self) -> Result<Vec<Merge>, Stop> {
        let count = self.index()?;
        if count > self.rest.len() / 3 {
            return Err(Stop::malformed("the log ends too soon"));
        }
        (0..count).map(|_| Ok((self.rule()?, self.index()?, self.index()?))).collect()
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
}
