//! Ties against trying every partition.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Params, Rank, rank, settle};
use crate::cases::{random_instance, random_together, random_unlike};
use crate::cost::{INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
use crate::ids::count;
use crate::interrupt::Interrupt;

/// All partitions.
pub(super) fn partitions(instance: &Instance) -> Vec<Vec<usize>> {
    let (num_nodes, num_blocks) = (instance.graph().num_nodes(), instance.num_blocks());
    let all = 0..num_blocks.pow(u32::try_from(num_nodes).expect("few"));
    { all }
        .filter_map(|mut code| {
            let mut block_of = Vec::new();
            for _ in 0..num_nodes {
                block_of.push(count(code % num_blocks));
                code /= num_blocks;
            }
            check_partition(instance, &block_of).ok()
        })
        .collect()
}

/// What is found from one of all partitions, and the least rank of those that cost no more; none when that is above a limit.
fn settled(random: &mut Xoshiro256PlusPlus, instance: &Instance, params: &Params) -> Option<(super::Settled, Rank)> {
    let cost = |block_of: &Vec<usize>| bottleneck(&partition_costs(instance, block_of));
    let mut all = partitions(instance);
    all.retain(|block_of| cost(block_of) < INFINITE);
    if all.is_empty() {
        return None;
    }
    let start = &all[random.random_range(0..all.len())];
    let most: Ticks = cost(start);
    let found = settle(instance, start, params, &Interrupt::never());
    let ranks = all.iter().filter(|block_of| cost(block_of) <= most).map(|block_of| rank(instance, block_of));
    let least = ranks.min().expect("the start is one");
    let blocks: Vec<i64> = found.block_of.iter().map(|&block| count(block)).collect();
    check_partition(instance, &blocks).expect("a partition");
    assert!(cost(&found.block_of) <= most);
    assert_eq!(rank(instance, &found.block_of), (found.num_blocks, found.io));
    assert!((found.num_blocks, found.io) <= rank(instance, start));
    Some((found, least))
}

fn draw(random: &mut Xoshiro256PlusPlus, case: u64) -> Instance {
    let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..5));
    match case % 3 {
        0 => random_instance(random, num_nodes, num_blocks),
        1 => random_unlike(random, num_nodes, num_blocks),
        _ => random_together(random, num_nodes, num_blocks),
    }
}

#[test]
fn of_all_partitions_that_cost_no_more_the_least_is_found() {
    let (mut num_cases, mut num_unlike) = (0, 0);
    for case in 0..3000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let instance = draw(&mut random, case);
        let Some((found, least)) = settled(&mut random, &instance, &Params::default()) else { continue };
        assert_eq!((found.num_blocks, found.io, found.is_least), (least.0, least.1, true), "case {case}");
        num_cases += 1;
        num_unlike += usize::from(!instance.is_uniform());
    }
    assert!(num_cases > 1500 && num_unlike > 500, "{num_cases} {num_unlike}");
}

#[test]
fn what_is_called_the_least_is_so_and_nothing_costs_more_however_few_the_steps_are() {
    let (mut num_least, mut num_open) = (0, 0);
    for case in 0..3000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let instance = draw(&mut random, case);
        let steps = [0; 3].map(|_| 1 << random.random_range(0..14));
        let max_nodes = [0; 3].map(|_| random.random_range(0..9));
        let params = Params { steps, max_nodes, ..Params::default() };
        let Some((found, least)) = settled(&mut random, &instance, &params) else { continue };
        if found.is_least {
            assert_eq!((found.num_blocks, found.io), least, "case {case}");
        }
        num_least += usize::from(found.is_least);
        num_open += usize::from(!found.is_least);
    }
    assert!(num_least > 300 && num_open > 300, "{num_least} {num_open}");
}
