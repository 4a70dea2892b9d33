//! Reductions of unlike stages against trying every partition.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Reduction, Rule, check_together, reduce};
use crate::cases::{least_of, random_together};
use crate::cost::{INFINITE, Instance, Ticks};
use crate::interrupt::Interrupt;

fn reduced(instance: &Instance, threshold: Ticks) -> Reduction {
    reduce(instance, threshold, &Interrupt::never()).expect("nobody interrupts")
}

fn least(instance: &Instance) -> Ticks {
    let num_nodes = instance.graph().num_nodes();
    let each: Vec<usize> = (0..num_nodes).collect();
    least_of(instance, &each, num_nodes)
}

#[test]
fn what_must_be_together_is_one_group_and_nothing_better_is_lost() {
    let (mut num_given, mut num_cycles, mut num_homeless) = (0, 0, 0);
    for case in 0..2000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..4));
        let instance = random_together(&mut random, num_nodes, num_blocks);
        let best = least(&instance);
        if check_together(&instance).is_err() {
            num_homeless += 1;
            assert_eq!(best, INFINITE, "case {case}");
        }
        let threshold = if random.random_bool(0.5) { INFINITE } else { best.saturating_add(random.random_range(0..4)) };
        let Reduction { instance: quotient, group_of, merges, infeasible_group } = reduced(&instance, threshold);
        assert!(quotient.together().is_empty(), "case {case}");
        for nodes in instance.together() {
            assert!(nodes.iter().all(|v| group_of[v.index()] == group_of[nodes[0].index()]), "case {case}");
        }
        let found = least(&quotient);
        assert!(found >= best, "case {case}: {found} below {best}");
        if infeasible_group.is_some() || best >= threshold {
            assert!(best >= threshold, "case {case}");
        } else {
            assert_eq!(found, best, "case {case}");
        }
        num_given += merges.iter().filter(|merge| merge.rule == Rule::Given).count();
        num_cycles += merges.iter().filter(|merge| merge.rule == Rule::Cycle).count();
    }
    assert!(num_given > 500 && num_cycles > 100 && num_homeless > 5, "{num_given} {num_cycles} {num_homeless}");
}
