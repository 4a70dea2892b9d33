//! Proofs on unlike stages against all partitions.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::cases::{least_of, random_together, random_unlike, small_params};
use crate::cost::{INFINITE, check_partition};

#[test]
fn proving_ends_at_the_optimum() {
    let (mut num_infeasible, mut num_proofs) = (0, 0);
    for case in 0..3000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..5));
        let draw = if case % 4 == 0 { random_together } else { random_unlike };
        let instance = draw(&mut random, num_nodes, num_blocks);
        let each: Vec<usize> = (0..num_nodes).collect();
        let best = least_of(&instance, &each, num_nodes);
        let limits = Limits { steps: 1 << random.random_range(4..12), work: u64::MAX, memory: 1 << 26, threads: 1 };
        // Something better than nothing is known, now and then.
        let bottleneck = if random.random() { best.saturating_add(best / 3) } else { INFINITE };
        let state = ProofState::new(small_params());
        let known = Progress { lower_bound: 0, bottleneck };
        let report = &mut |_| ControlFlow::Continue(());
        let proven =
            prove(&instance, known, limits, None, &state, &Interrupt::never(), report).expect("good parameters");
        let Progress { lower_bound, bottleneck } = proven.progress;
        if best == INFINITE {
            num_infeasible += 1;
            assert!(lower_bound >= ABOVE_ALL && proven.block_of.is_none(), "case {case}");
        } else {
            assert_eq!((lower_bound, bottleneck), (best, best), "case {case}");
        }
        if let Some(block_of) = proven.block_of {
            let block_of: Vec<i64> = block_of.into_iter().map(count).collect();
            let block_of = check_partition(&instance, &block_of).expect("nodes are where they may be");
            assert_eq!(crate::cost::bottleneck(&partition_costs(&instance, &block_of)), best, "case {case}");
        }
        num_proofs += usize::from(proven.proof.is_some());
        let source = proven.proof.map_or(instance.combinatorial_bound(), |proof| proof.threshold);
        assert_eq!(source, lower_bound, "case {case}");
    }
    assert!(num_infeasible > 50 && num_proofs > 500, "{num_infeasible} {num_proofs}");
}
