//! The tuned numbers of the checker: how many steps each attempt has. No verdict rests on them, only how soon it comes.

/// Steps of attempts, and the factors by which they grow.
pub(crate) struct Params {
    /// Steps of a hinted rule in its first turn, and their growth; the other rules have the steps divided by the growth.
    pub hinted: u64,
    pub hinted_growth: u64,
    /// Steps of each rule in the first attempts without a hint, and their growth.
    pub attempt: u64,
    pub attempt_growth: u64,
    /// The last attempts before windows are split have the remaining steps divided by this.
    pub last_share: u64,
    /// Steps with which a level is tried first, and their growth.
    pub level: u64,
    pub level_growth: u64,
    /// From up to so many downsets of a level, blocks are listed for each; from more, for all together.
    pub max_starts: usize,
}

pub(crate) const PARAMS: Params = Params {
    hinted: 1 << 20,   // 2026-12-01-checking.md
    hinted_growth: 16, // 2026-12-01-checking.md
    attempt: 1 << 20,  // not measured
    attempt_growth: 8, // not measured
    last_share: 4,     // not measured
    level: 1 << 16,    // not measured
    level_growth: 4,   // not measured
    max_starts: 16,    // not measured
};
