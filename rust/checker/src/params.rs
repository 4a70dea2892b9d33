//! The numbers that say how long the checker tries what: none of them says anything of what is proved.

/// Steps of attempts, and how they grow (record of 2026-12-01, checking).
pub(crate) struct Params {
    /// Of the first turn of what is hinted, and how they grow; of all else, the growth is the part that it has of them.
    pub hinted: u64,
    pub hinted_growth: u64,
    /// With which a level is tried at first, and how they grow.
    pub level: u64,
    pub level_growth: u64,
    /// From so many downsets blocks are listed one after the other, from more of them all at once.
    pub max_starts: usize,
}

pub(crate) const PARAMS: Params =
    Params { hinted: 1 << 20, hinted_growth: 16, level: 1 << 16, level_growth: 4, max_starts: 16 };
