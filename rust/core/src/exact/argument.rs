//! How a threshold was proven, in bytes, as hints for a checker: which cuts said something, where windows were split, what closed each
//! part. What is not said, the checker works out; nothing has to be believed.
//!
//! The bytes are sections of the log that the crate `slicegraph-checker` reads (`log.rs` there).

use crate::domain::Fact;
use crate::query::Engine;

/// Bytes of an argument, at most; a longer one is no help.
const MAX_BYTES: usize = 1 << 20;
/// What the checker lets wait at a time.
const MAX_OPEN: usize = 128;

/// Hints, scope by scope: one that is split comes before its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    bytes: Vec<u8>,
    num_open: usize,
    is_too_large: bool,
}

impl Argument {
    /// Sections of a log; none when nothing is known, or too much.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        if self.is_too_large { Vec::new() } else { self.bytes }
    }

    /// Of one scope that is closed.
    pub(crate) fn new(facts: &[Fact], closed_by: Option<Engine>) -> Self {
        let mut argument = Self::default();
        argument.close(facts, closed_by);
        argument
    }

    /// Adds a scope that is closed, by facts alone where nothing else has.
    pub(super) fn close(&mut self, facts: &[Fact], closed_by: Option<Engine>) {
        self.add_facts(facts);
        match closed_by {
            None => self.add([0].into_iter()),
            Some(Engine::Levels) => self.add([7].into_iter()),
            Some(Engine::NaturalLabels) => self.add([8, 0].into_iter()),
            Some(Engine::PostOrderLabels) => self.add([8, 1].into_iter()),
            Some(Engine::Bisection(tree)) => self.add(std::iter::once(11).chain(tree.iter().copied())),
        }
        self.num_open = self.num_open.saturating_sub(1);
    }

    /// Adds a scope that is split: a node is in a later block, of which more is said first, or in none after that block.
    pub(super) fn split(&mut self, facts: &[Fact], (node, block): (usize, usize)) {
        self.add_facts(facts);
        self.add([6, node, block].into_iter());
        self.num_open = self.num_open.max(1) + 1;
        self.is_too_large |= self.num_open > MAX_OPEN;
    }

    fn add_facts(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Cuts { block, is_last, nodes } => {
                    self.add([2, 2 * block + usize::from(*is_last), nodes.len()].into_iter());
                    self.add(nodes.iter().copied());
                }
                Fact::Incompatible(pairs) => {
                    self.add([4, pairs.len()].into_iter());
                    self.add(pairs.iter().flat_map(|&(u, v)| [u, v]));
                }
                Fact::Weights(raised) => {
                    self.add([5, raised.len()].into_iter());
                    let factor = |factor: i64| usize::try_from(factor).unwrap_or(0);
                    self.add(raised.iter().flat_map(|&(node, a)| [node, factor(a)]));
                }
            }
        }
    }

    /// Adds numbers, seven bits a byte, the least first.
    fn add(&mut self, numbers: impl Iterator<Item = usize>) {
        for mut number in numbers {
            while number >> 7 > 0 {
                self.bytes.push(number.to_le_bytes()[0] | 0x80);
                number >>= 7;
            }
            self.bytes.push(number.to_le_bytes()[0]);
        }
        self.is_too_large |= self.bytes.len() > MAX_BYTES;
        if self.is_too_large {
            self.bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_those_of_the_log() {
        let facts = [
            Fact::Cuts { block: 3, is_last: true, nodes: vec![1, 200] },
            Fact::Incompatible(vec![(1, 4), (2, 130)]),
            Fact::Weights(vec![(5, 4096)]),
        ];
        let mut argument = Argument::new(&facts, Some(Engine::PostOrderLabels));
        assert_eq!(
            argument.clone().into_bytes(),
            [2, 7, 2, 1, 0xc8, 1, 4, 2, 1, 4, 2, 0x82, 1, 5, 1, 5, 0x80, 0x20, 8, 1]
        );
        argument = Argument::default();
        argument.split(&[], (4, 2));
        argument.close(&[], Some(Engine::Levels));
        argument.close(&[], None);
        assert_eq!(argument.into_bytes(), [6, 4, 2, 7, 0]);
    }

    #[test]
    fn what_is_too_large_is_nothing() {
        let mut argument = Argument::default();
        argument.split(&[], (0, 1));
        argument.close(&[Fact::Weights(vec![(1, 1); MAX_BYTES])], None);
        argument.close(&[], None);
        assert!(argument.into_bytes().is_empty());
        let mut argument = Argument::default();
        (0..MAX_OPEN).for_each(|_| argument.split(&[], (0, 1)));
        assert!(argument.into_bytes().is_empty());
    }
}
