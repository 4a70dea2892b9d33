//! The hints of a proof for the checker, as bytes: which cuts gave a fact, where windows were split, and what closed each part.
//! The checker applies the rules itself, so a wrong hint cannot make it accept a wrong bound.
//!
//! The bytes are sections of the log that the crate `slicegraph-checker` reads (`log.rs` there).

use crate::domain::Fact;
use crate::query::Engine;

/// The most bytes of an argument; a longer one is dropped.
const MAX_BYTES: usize = 1 << 20;
/// The most open parts that the checker holds at a time.
const MAX_OPEN: usize = 128;

/// Hints, one scope after the other; a scope that is split comes before its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    bytes: Vec<u8>,
    num_open: usize,
    is_too_large: bool,
}

impl Argument {
    /// The sections of a log; empty when there are no hints, or too many.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        if self.is_too_large { Vec::new() } else { self.bytes }
    }

    /// The argument of one closed scope.
    pub(crate) fn new(facts: &[Fact], closed_by: Option<Engine>) -> Self {
        let mut argument = Self::default();
        argument.close(facts, closed_by);
        argument
    }

    /// Adds a closed scope: closed by an engine, or by facts alone.
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

    /// Adds a scope that is split at a node and a block. The first part, whose sections follow next, has the node in a later block;
    /// the second part has it in this block or an earlier one.
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

    /// Adds numbers as LEB128: seven bits per byte, the lowest first.
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
