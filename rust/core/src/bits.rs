//! Sets of small numbers as bits of words.

use crate::ids::wide;

/// Words for numbers below `len`.
pub(crate) fn nothing(len: usize) -> Vec<u64> {
    vec![0; len.div_ceil(64)]
}

/// Whether a set holds a number.
pub(crate) fn has(set: &[u64], number: usize) -> bool {
    set[number / 64] >> (number % 64) & 1 == 1
}

/// Puts a number into a set.
pub(crate) fn insert(set: &mut [u64], number: usize) {
    set[number / 64] |= 1 << (number % 64);
}

/// Puts another set into a set.
pub(crate) fn unite(set: &mut [u64], other: &[u64]) {
    set.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}

/// How many numbers a set has.
pub(crate) fn len(set: &[u64]) -> usize {
    set.iter().map(|word| wide(word.count_ones())).sum()
}

/// Of words, the same on every machine.
pub(crate) fn hash(words: &[u64]) -> u64 {
    words.iter().fold(0, |hash: u64, word| {
        let mixed = (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 29
    })
}

/// Whether two sets have a number in common.
pub(crate) fn any(set: &[u64], other: &[u64]) -> bool {
    set.iter().zip(other).any(|(word, other)| word & other != 0)
}

/// The numbers of a set, ascending.
pub(crate) fn numbers(set: &[u64]) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(word, &bits)| {
        let mut left = bits;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| wide(left.trailing_zeros()))?;
            left &= left - 1;
            Some(64 * word + bit)
        })
    })
}
