//! Packings against all partitions of small problems.

use std::cmp::Reverse;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::packing::{Packing, Step, check_packing};
use crate::problem::Problem;
use crate::stop::{Steps, Stop};
use crate::tests::cases;

/// What stands for no factor below.
const COST: u64 = 1;
const FACTORS: [u64; 10] = [COST, 64, 512, 1024, 2048, 3000, 4096, 6000, 12000, 100_000];

/// Cases that divide by each of some nodes, all of them closed by one factor.
fn divided(nodes: &[usize], factor: u64) -> Vec<Step> {
    let Some((&node, rest)) = nodes.split_first() else {
        return vec![if factor == COST { Step::Cost } else { Step::Cut(factor) }];
    };
    let part = divided(rest, factor);
    [vec![Step::Divide(node)], part.clone(), part].concat()
}

/// A packing whose writer knows nothing but factors and nodes to choose from.
fn random_packing(problem: &Problem, random: &mut Xoshiro256PlusPlus) -> Packing {
    let num_nodes = problem.num_nodes();
    let costs = &problem.kinds[0];
    let weights: Vec<u64> = (0..num_nodes)
        .map(|node| {
            let work = costs.work[node].unsigned_abs();
            if random.random_bool(0.6) { 4 * work + random.random_range(0..12) } else { random.random_range(0..40) }
        })
        .collect();
    let mut seeds: Vec<usize> = (0..num_nodes).collect();
    seeds.sort_by_key(|&seed| (Reverse(weights[seed]), seed));
    let factor = FACTORS[random.random_range(0..FACTORS.len())];
    let cases = (0..num_nodes).map(|place| {
        let rest: Vec<usize> = seeds[place + 1..].iter().copied().filter(|_| random.random_bool(0.8)).collect();
        divided(&rest, factor)
    });
    let cases = cases.collect();
    Packing { weights, cases }
}

fn holds(problem: &Problem, threshold: i64, packing: &Packing) -> bool {
    match check_packing(problem, threshold, packing, &mut Steps::new(u64::MAX)) {
        Ok(()) => true,
        Err(Stop::Refused { .. } | Stop::Open | Stop::Malformed(_)) => false,
        Err(stop) => panic!("{stop:?}"),
    }
}

#[test]
fn no_packing_proves_a_threshold_above_the_best_partition() {
    let mut counts = [0; 2];
    for (case, problem, best, thresholds) in cases(1200, 5) {
        let mut random = crate::cases::source(case);
        for threshold in thresholds.into_iter().chain([best / 2 + 1]) {
            for _ in 0..4 {
                let packing = random_packing(&problem, &mut random);
                let is_proved = holds(&problem, threshold, &packing);
                assert!(!is_proved || threshold <= best, "case {case} at {threshold} of {best}: {packing:?}");
                counts[usize::from(is_proved)] += 1;
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
}

#[test]
fn what_is_taken_from_a_packing_or_changed_proves_nothing_false() {
    let mut counts = [0; 2];
    for (case, problem, best, thresholds) in cases(1200, 5) {
        let mut random = crate::cases::source(case);
        for threshold in thresholds.into_iter().chain([best / 2 + 1]) {
            let packing = random_packing(&problem, &mut random);
            if !holds(&problem, threshold, &packing) {
                continue;
            }
            for _ in 0..8 {
                let mut forged = packing.clone();
                let seed = random.random_range(0..forged.cases.len());
                let place = random.random_range(0..forged.cases[seed].len());
                match random.random_range(0..7) {
                    0 => forged.weights[seed] += random.random_range(1..50),
                    1 => drop(forged.cases.remove(seed)),
                    2 => drop(forged.cases[seed].remove(place)),
                    3 => forged.cases[seed][place] = Step::Weight,
                    4 => forged.cases[seed][place] = Step::Cut(FACTORS[random.random_range(0..FACTORS.len())]),
                    5 => forged.cases[seed][place] = Step::Cost,
                    _ => forged.weights.swap(0, seed),
                }
                let above = threshold + random.random_range(0..3);
                let is_proved = holds(&problem, above, &forged);
                assert!(!is_proved || above <= best, "case {case} at {above} of {best}: {forged:?}");
                counts[usize::from(is_proved)] += 1;
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
}

#[test]
fn cases_that_are_left_over_and_too_many_are_refused() {
    let (_, problem, _, _) = cases(1, 3).next().expect("there is one");
    let packing = Packing { weights: vec![1; problem.num_nodes() + 1], cases: Vec::new() };
    assert!(!holds(&problem, 1, &packing));
    let packing = Packing { weights: vec![0; problem.num_nodes()], cases: Vec::new() };
    assert!(!holds(&problem, 1, &packing));
}
