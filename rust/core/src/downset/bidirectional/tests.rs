//! Decisions on unlike stages against all partitions.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::cases::{least_of, random_together, random_unlike};
use crate::cost::{bottleneck, check_partition, partition_costs};
use crate::interrupt::Interrupt;
use crate::query::ExactParams;

/// So that small instances are listed from single downsets, and all at once.
fn random_params(random: &mut Xoshiro256PlusPlus) -> ExactParams {
    let mut params = ExactParams::default();
    params.downset.max_starts = [0, 1, 64][random.random_range(0..3)];
    params.downset.leaf = random.random_range(1..9);
    params
}

#[test]
fn a_threshold_is_beaten_exactly_above_the_optimum() {
    let (mut num_found, mut num_none, mut num_infeasible) = (0, 0, 0);
    for case in 0..6000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..5));
        let draw = if case % 4 == 0 { random_together } else { random_unlike };
        let instance = draw(&mut random, num_nodes, num_blocks);
        let each: Vec<usize> = (0..num_nodes).collect();
        let best = least_of(&instance, &each, num_nodes);
        num_infeasible += usize::from(best == INFINITE);
        let near = best.min(1 << 52);
        let far = near / random.random_range(1..20);
        for threshold in [near - far, near - 1, near, near + 1, near + far] {
            if threshold < 1 {
                continue;
            }
            let (params, interrupt) = (random_params(&mut random), Interrupt::never());
            let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
            let mut effort = Effort::new(1 << 26, u64::MAX);
            let found = bidirectional(&query, None, u64::MAX, &mut effort).expect("enough effort");
            assert_eq!(found.is_some(), best < threshold, "case {case} at {threshold} of {best}");
            num_none += usize::from(found.is_none());
            if let Some(block_of) = found {
                num_found += 1;
                let block_of: Vec<i64> = block_of.into_iter().map(count).collect();
                let block_of = check_partition(&instance, &block_of).expect("nodes are where they may be");
                assert!(bottleneck(&partition_costs(&instance, &block_of)) < threshold, "case {case}");
            }
        }
    }
    assert!(num_found > 5000 && num_none > 5000 && num_infeasible > 100, "{num_found} {num_none} {num_infeasible}");
}
