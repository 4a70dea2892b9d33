//! Random streams by name: the same numbers whichever worker draws them.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

/// The stream of one individual of one generation.
pub(super) fn stream(seed: u64, generation: u64, individual: usize) -> Xoshiro256PlusPlus {
    let individual = u64::try_from(individual).unwrap_or(u64::MAX);
    Xoshiro256PlusPlus::seed_from_u64(mix(mix(mix(seed) ^ generation) ^ individual))
}

/// The finaliser of `SplitMix64`: a bijection that spreads neighbouring inputs over all of 64 bits.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::RngExt;

    use super::*;

    #[test]
    fn neighbouring_streams_differ() {
        let firsts: BTreeSet<u64> = (0..10)
            .flat_map(|seed| (0..10).flat_map(move |g| (0..10).map(move |i| stream(seed, g, i).random())))
            .collect();
        assert_eq!(firsts.len(), 1000);
    }
}
