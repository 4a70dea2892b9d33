//! Range maximum queries by a sparse table.

/// Numbers, and the most of each run of `2^level` of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Peaks {
    levels: Vec<Vec<u64>>,
}

impl Peaks {
    /// Builds the table of a sequence.
    ///
    /// # Complexity
    /// O(n log n).
    pub(super) fn load(&mut self, numbers: impl Iterator<Item = u64>) {
        let mut levels = std::mem::take(&mut self.levels);
        levels.resize_with(levels.len().max(1), Vec::new);
        levels[0].clear();
        levels[0].extend(numbers);
        let (len, mut level) = (levels[0].len(), 1);
        while 1 << level <= len {
            if level == levels.len() {
                levels.push(Vec::new());
            }
            let (below, above) = levels.split_at_mut(level);
            let half = 1 << (level - 1);
            let pairs = below[level - 1].iter().zip(&below[level - 1][half..]);
            above[0].clear();
            above[0].extend(pairs.map(|(&one, &other)| one.max(other)));
            level += 1;
        }
        self.levels = levels;
    }

    /// The maximum of those in `start..end`; zero when the range is empty.
    pub(super) fn most(&self, start: usize, end: usize) -> u64 {
        let Some(level) = (end - start).checked_ilog2() else { return 0 };
        let runs = &self.levels[usize::try_from(level).unwrap_or(0)];
        runs[start].max(runs[end - (1 << level)])
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_most_of_every_run_is_found() {
        let (mut random, mut peaks) = (Xoshiro256PlusPlus::seed_from_u64(1), Peaks::default());
        for len in (0..20).rev().chain(0..40) {
            let numbers: Vec<u64> = (0..len).map(|_| random.random_range(0..9)).collect();
            peaks.load(numbers.iter().copied());
            for start in 0..=numbers.len() {
                for end in start..=numbers.len() {
                    assert_eq!(peaks.most(start, end), numbers[start..end].iter().copied().max().unwrap_or(0));
                }
            }
        }
    }
}
