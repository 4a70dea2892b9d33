//! Decisions on unlike stages against all partitions.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::cases::{least_of, random_parts, random_together, random_unlike, relayed_at_times};
use crate::cost::{Instance, bottleneck, check_partition, partition_costs};
use crate::interrupt::Interrupt;
use crate::query::ExactParams;

/// So that small instances are listed from single downsets, and all at once.
fn random_params(random: &mut Xoshiro256PlusPlus) -> ExactParams {
    let mut params = ExactParams::default();
    params.downset.max_starts = [0, 1, 64][random.random_range(0..3)];
    params.downset.leaf = random.random_range(1..9);
    params
}

/// Unlike stages where nothing is stored and nothing overlaps, so that downsets are dominated.
fn random_sums(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Instance {
    let (graph, mut machine, mut constraints) = random_parts(random, num_nodes, num_blocks);
    for node in 0..if random.random() { num_nodes } else { 0 } {
        constraints.stages.push((node, (0..num_blocks).filter(|_| random.random_bool(0.8)).collect()));
    }
    for device in &mut machine.kinds {
        (device.memory, device.memory_limit, device.overlap) = (None, None, random.random_bool(0.2));
    }
    Instance::new(graph, &machine, &constraints, random.random())
        .map_or_else(|_| random_sums(random, num_nodes, num_blocks), relayed_at_times)
}

#[test]
fn a_threshold_is_beaten_exactly_above_the_optimum() {
    let (mut num_found, mut num_none, mut num_infeasible) = (0, 0, 0);
    // In the last one, a stage may not hold the node that a dominated downset leaves out.
    for case in (0..6000).chain([75_704]) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..6));
        let draw = [random_together, random_unlike, random_sums, random_sums][random.random_range(0..4)];
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
