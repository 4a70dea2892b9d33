//! Reductions of unlike stages against trying every partition.

use std::ops::ControlFlow;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Reduction, Rule, check_together, node_bound, reduce};
use crate::cases::{least_of, random_parts, random_together, random_unlike};
use crate::cost::{INFINITE, Instance, Machine, Ticks};
use crate::interrupt::Interrupt;

fn reduced(instance: &Instance, threshold: Ticks) -> Reduction {
    reduce(instance, threshold, &Interrupt::never()).expect("no interrupt")
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

#[test]
fn no_merge_loses_a_better_optimum_and_the_node_bound_is_one() {
    let (mut num_merges, mut num_hopeless, mut num_tight) = ([0; 3], 0, 0);
    for case in 0..2000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = (random.random_range(1..7), random.random_range(1..4));
        let instance = random_unlike(&mut random, num_nodes, num_blocks);
        let best = least(&instance);
        let threshold = match random.random_range(0..3) {
            0 => INFINITE,
            1 => best.saturating_add(1),
            _ => (best.min(1 << 52) / 4 * random.random_range(2..8)).max(1),
        };
        let Reduction { instance: quotient, merges, infeasible_group, .. } = reduced(&instance, threshold);
        if infeasible_group.is_some() {
            num_hopeless += 1;
            assert!(best >= threshold, "case {case}: {best} below {threshold}");
        } else if best < threshold {
            assert_eq!(least(&quotient), best, "case {case}");
        } else {
            assert!(least(&quotient) >= best, "case {case}");
        }
        for (rule, num) in [Rule::Pull, Rule::Push, Rule::Together].iter().zip(&mut num_merges) {
            *num += usize::from(merges.iter().any(|merge| merge.rule == *rule) && instance.num_kinds() > 1);
        }
        let (_, bound) = node_bound(&instance, &Interrupt::never(), &mut |_| ControlFlow::Continue(()));
        assert!(bound <= best, "case {case}: {bound} above {best}");
        num_tight += usize::from(bound == best);
    }
    assert!(
        num_merges.iter().all(|&num| num > 60) && num_hopeless > 100 && num_tight > 500,
        "{num_merges:?} {num_hopeless} {num_tight}"
    );
}

#[test]
fn the_conditions_of_one_kind_alone_are_not_enough() {
    let (mut num_merged, mut num_lost) = (0, 0);
    for case in 0..1500 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = (random.random_range(2..6), random.random_range(2..4));
        let (graph, machine, constraints) = random_parts(&mut random, num_nodes, num_blocks);
        let alone = Machine { kinds: machine.kinds[..1].to_vec(), kind_of: vec![0; num_blocks] };
        let boundary_io = random.random();
        let [alone, whole] = [&alone, &machine].map(|m| Instance::new(graph.clone(), m, &constraints, boundary_io));
        let (Ok(alone), Ok(whole)) = (alone, whole) else { continue };
        let reduction = reduced(&alone, INFINITE);
        let num_groups = reduction.instance.graph().num_nodes();
        if machine.kinds.len() > 1 && num_groups < num_nodes {
            num_merged += 1;
            num_lost += usize::from(least_of(&whole, &reduction.group_of, num_groups) > least(&whole));
        }
    }
    assert!(num_merged > 150 && num_lost > 25, "{num_lost} of {num_merged}");
}
