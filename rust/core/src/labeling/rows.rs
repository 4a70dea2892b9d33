//! A set of rows of words, with an index for each.

use crate::bits::hash;
use crate::ids::{narrow, wide};

/// A hash set of rows of equal length, numbered in the order of insertion.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub words: Vec<u64>,
    /// The number of rows; a row can be empty.
    count: usize,
    /// The hash table, with linear probing: the index of a row plus one, or 0.
    places: Vec<u32>,
}

impl Rows {
    /// The row with an index; `len` is the length of all rows.
    pub(super) fn row(&self, index: usize, len: usize) -> &[u64] {
        &self.words[index * len..][..len]
    }

    /// The index of a row, which is added if it is new.
    pub(super) fn enter(&mut self, row: &[u64]) -> u32 {
        if self.places.len() <= 2 * self.count {
            self.places = vec![0; (4 * self.count).next_power_of_two().max(16)];
            for index in 0..self.count {
                let place = self.place(self.row(index, row.len()));
                self.places[place] = narrow(index + 1);
            }
        }
        let place = self.place(row);
        if self.places[place] == 0 {
            self.words.extend_from_slice(row);
            self.count += 1;
            self.places[place] = narrow(self.count);
        }
        self.places[place] - 1
    }

    /// The place of a row in the hash table, or a free place for it.
    fn place(&self, row: &[u64]) -> usize {
        let mask = self.places.len() - 1;
        let mut at = usize::try_from(hash(row)).unwrap_or(0) & mask;
        while self.places[at] > 0 && self.row(wide(self.places[at]) - 1, row.len()) != row {
            at = (at + 1) & mask;
        }
        at
    }
}
