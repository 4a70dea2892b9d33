//! Rows of different lengths in two flat arrays (compressed sparse rows).

/// `num_rows` slices, one after the other in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr<T> {
    offsets: Vec<usize>,
    values: Vec<T>,
}

impl<T: Copy> Csr<T> {
    /// Rows `values[offsets[i]..offsets[i + 1]]`; the caller has checked that these are rows.
    pub(crate) fn from_parts(offsets: Vec<usize>, values: Vec<T>) -> Self {
        debug_assert!(offsets.is_sorted() && offsets.last() == Some(&values.len()));
        Self { offsets, values }
    }

    /// Distributes pairs `(row, value)` to rows; within a row the values keep the order of the pairs.
    ///
    /// The pairs are gone through twice: once to count, once to place.
    pub(crate) fn from_pairs(num_rows: usize, fill: T, pairs: impl Iterator<Item = (usize, T)> + Clone) -> Self {
        let mut offsets = vec![0; num_rows + 1];
        for (row, _) in pairs.clone() {
            offsets[row + 1] += 1;
        }
        for row in 0..num_rows {
            offsets[row + 1] += offsets[row];
        }
        let mut values = vec![fill; offsets[num_rows]];
        let mut next = offsets.clone();
        for (row, value) in pairs {
            values[next[row]] = value;
            next[row] += 1;
        }
        Self { offsets, values }
    }

    /// The number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The values of all rows.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Row `index`.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[T] {
        &self.values[self.offsets[index]..self.offsets[index + 1]]
    }

    /// Row `index`, to change its values.
    pub(crate) fn row_mut(&mut self, index: usize) -> &mut [T] {
        &mut self.values[self.offsets[index]..self.offsets[index + 1]]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> + Clone {
        self.offsets.windows(2).map(|ends| &self.values[ends[0]..ends[1]])
    }
}
