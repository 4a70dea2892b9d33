//! Rows of words, each kept once.

use crate::bits::hash;
use crate::ids::{narrow, wide};

/// Rows of words, each once.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub words: Vec<u64>,
    /// How many there are; a row may be of no words.
    count: usize,
    /// Where rows are in the list, plus one, each from the place on that its hash says.
    places: Vec<u32>,
}

impl Rows {
    /// A row, all of which are so long.
    pub(super) fn row(&self, index: usize, len: usize) -> &[u64] {
        &self.words[index * len..][..len]
    }

    /// Where a row is in the list, to which it is added when it is new.
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

    /// Where a row has its place, or the free one for it.
    fn place(&self, row: &[u64]) -> usize {
        let mask = self.places.len() - 1;
        let mut at = usize::try_from(hash(row)).unwrap_or(0) & mask;
        while self.places[at] > 0 && self.row(wide(self.places[at]) - 1, row.len()) != row {
            at = (at + 1) & mask;
        }
        at
    }
}
