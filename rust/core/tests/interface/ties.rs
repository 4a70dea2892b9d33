//! Of the partitions of least bottleneck: the fewest blocks, then the least io, by trying every partition.

use crate::common::{instances, partitions};
use proptest::prelude::*;
use slicegraph_core::cost::{INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::ties::{Params, numbered, settle};

/// The bottleneck, the blocks that are not empty, and all io.
fn rank(instance: &Instance, block_of: &[usize]) -> (Ticks, usize, Ticks) {
    let costs = partition_costs(instance, block_of);
    let mut used = block_of.to_vec();
    used.sort_unstable();
    used.dedup();
    (bottleneck(&costs), used.len(), costs.iter().map(|block| block.io_in + block.io_out).sum())
}

fn is_partition(instance: &Instance, block_of: &[usize]) -> bool {
    let signed: Vec<i64> = block_of.iter().map(|&block| i64::try_from(block).expect("small")).collect();
    check_partition(instance, &signed).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever optimal partition it is given, the answer is the best tie; the same for bottlenecks that are not optimal.
    #[test]
    fn the_fewest_blocks_and_then_the_least_io_are_found(instance in instances(7, 5), pick in any::<prop::sample::Index>()) {
        let all: Vec<Vec<usize>> = partitions(&instance).collect();
        let given = pick.get(&all);
        let least = all.iter().map(|block_of| bottleneck(&partition_costs(&instance, block_of))).min().expect("one block");
        for bound in [least, bottleneck(&partition_costs(&instance, given))] {
            prop_assume!(bound < INFINITE);
            let ties = all.iter().filter(|block_of| bottleneck(&partition_costs(&instance, block_of)) <= bound);
            let expected = ties.clone().map(|block_of| { let (_, blocks, io) = rank(&instance, block_of); (blocks, io) }).min();
            for tie in ties.filter(|block_of| bottleneck(&partition_costs(&instance, block_of)) == bound).take(4) {
                let settled = settle(&instance, tie, &Params::default(), &Interrupt::never());
                let (cost, blocks, io) = rank(&instance, &settled.block_of);
                prop_assert!(is_partition(&instance, &settled.block_of));
                prop_assert!(cost <= bound);
                prop_assert!(settled.is_least);
                prop_assert_eq!(Some((blocks, io)), expected);
                prop_assert_eq!((settled.num_blocks, settled.io), (blocks, io));
            }
        }
    }

    /// With few steps it may miss the best tie, but gives a partition that is no worse than the given one.
    #[test]
    fn few_steps_never_make_it_worse(instance in instances(8, 5), pick in any::<prop::sample::Index>(), steps in 0..200_u64) {
        let all: Vec<Vec<usize>> = partitions(&instance).take(4000).collect();
        let given = pick.get(&all);
        let params = Params { steps: [steps; 3], ..Params::default() };
        let settled = settle(&instance, given, &params, &Interrupt::never());
        prop_assert!(is_partition(&instance, &settled.block_of));
        let (before, after) = (rank(&instance, given), rank(&instance, &settled.block_of));
        prop_assert!(after.0 <= before.0);
        prop_assert!((after.1, after.2) <= (before.1, before.2));
        prop_assert_eq!(&numbered(&settled.block_of), &settled.block_of);
        if settled.is_least && before.0 < INFINITE {
            let whole = settle(&instance, given, &Params::default(), &Interrupt::never());
            prop_assert_eq!((whole.num_blocks, whole.io), (settled.num_blocks, settled.io));
        }
    }
}

#[test]
fn blocks_are_numbered_without_gaps() {
    assert_eq!(numbered(&[3, 3, 7, 9, 0]), [1, 1, 2, 3, 0]);
    assert!(numbered(&[]).is_empty());
}
