//! Sets of small numbers.

/// A set of numbers below some bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// No number below `len`.
    pub(crate) fn none(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    pub(crate) fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one & two != 0)
    }

    pub(crate) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, two)| *one &= two);
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, two)| *one |= two);
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, two)| one & !two == 0)
    }

    /// Whether it has a number of the second set that the first one lacks.
    pub(crate) fn has_beyond(&self, first: &Self, second: &Self) -> bool {
        self.0.iter().zip(&first.0).zip(&second.0).any(|((all, one), two)| all & !one & two != 0)
    }

    pub(crate) fn num_words(&self) -> usize {
        self.0.len()
    }

    /// Its numbers that another set lacks, the least first.
    pub(crate) fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        self.0.iter().zip(&other.0).enumerate().flat_map(|(place, (one, two))| members(place, one & !two))
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.0[index / 64] &= !(1 << (index % 64));
    }

    /// Its numbers, the least first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(place, &word)| members(place, word))
    }

    /// Its largest number.
    pub(crate) fn last(&self) -> Option<usize> {
        (0..64 * self.0.len()).rev().find(|&index| self.has(index))
    }
}

/// The numbers of a word, the least first.
fn members(place: usize, mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = usize::try_from(word.trailing_zeros()).unwrap_or(0);
        (word != 0).then(|| {
            word &= word - 1;
            64 * place + bit
        })
    })
}
