//! Trees of means of two blocks against all partitions of small problems.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::bisection::{Branch, check_bisection};
use crate::cases::{bottleneck, cost, source};
use crate::log::{End, Entry, Log};
use crate::problem::{CAPACITY, Problem};
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};
use crate::tests::cases;

/// Problems of one or two blocks on one kind of device, with their optimum and thresholds near that.
fn pairs() -> impl Iterator<Item = (u64, Problem, i64, [i64; 3])> {
    let is_taken = |problem: &Problem| problem.num_blocks <= 2 && problem.kinds.len() == 1;
    let taken = cases(2400, 6).filter(move |(_, problem, ..)| is_taken(problem) && !problem.kinds[0].is_overlap);
    taken.map(|(case, problem, best, thresholds)| (case, Quotient::new(&problem).to_problem(), best, thresholds))
}

/// What both blocks cost in each partition, overflow and limits left out.
fn costs_of_all(problem: &Problem) -> Vec<(usize, [i64; 2])> {
    let mut problem = problem.clone();
    (problem.kinds[0].memory, problem.kinds[0].memory_limit, problem.kinds[0].state_limit) = (None, None, None);
    let each = (0..1_usize << problem.num_nodes()).filter_map(|code| {
        let block_of: Vec<usize> = (0..problem.num_nodes()).map(|node| code >> node & 1).collect();
        let mut problem = problem.clone();
        problem.num_blocks = 2;
        problem.kind_of = vec![0; 2];
        problem.allowed = None;
        let is_one = bottleneck(&problem, &block_of) < CAPACITY;
        is_one.then(|| (code, [0, 1].map(|block| cost(&problem, &block_of, block))))
    });
    each.collect()
}

/// A tree that closes a case as soon as one of some shares does; one with every node divided where none does.
fn honest(all: &[(usize, [i64; 2])], threshold: i64, node: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Branch> {
    let closes = |share: &i64| {
        all.iter().all(|(_, [first, second])| share * first + (1024 - share) * second > 1024 * (threshold - 1))
    };
    if let Some(share) = (0..=16).map(|part| 64 * part).find(closes) {
        return vec![Branch::Share(share.unsigned_abs())];
    }
    if node == usize::BITS as usize - 1 || all.len() < 2 {
        return vec![Branch::Share(512)];
    }
    let is_second_first = random.random();
    let mut tree = vec![Branch::Node(node, is_second_first)];
    for is_second in [is_second_first, !is_second_first] {
        let part: Vec<_> = all.iter().copied().filter(|(code, _)| (code >> node & 1 == 1) == is_second).collect();
        tree.extend(honest(&part, threshold, node + 1, random));
    }
    tree
}

#[test]
fn an_honest_tree_is_taken_exactly_up_to_the_optimum() {
    let mut counts = [0; 2];
    for (case, problem, best, thresholds) in pairs() {
        let (all, mut random) = (costs_of_all(&problem), source(case));
        // Memory is left out, so that its optimum may be less.
        let least = all.iter().map(|(_, [first, second])| *first.max(second)).min().unwrap_or(0);
        for threshold in thresholds.into_iter().chain([least, least + 1]).filter(|&threshold| threshold > 0) {
            let tree = honest(&all, threshold, 0, &mut random);
            let is_proved = check_bisection(&problem, threshold, &tree, &mut Steps::new(u64::MAX));
            assert_eq!(is_proved.is_ok(), threshold <= least, "case {case} at {threshold} of {least}: {tree:?}");
            assert!(is_proved.is_err() || threshold <= best, "case {case} at {threshold} of {best}");
            counts[usize::from(is_proved.is_ok())] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count > 500), "{counts:?}");
}

/// Changes a tree somewhere.
fn forge(tree: &mut Vec<Branch>, num_nodes: usize, random: &mut Xoshiro256PlusPlus) {
    let (place, other) = (random.random_range(0..tree.len()), random.random_range(0..tree.len()));
    match random.random_range(0..6) {
        0 => drop(tree.remove(place)),
        1 => tree.insert(place, tree[other]),
        2 => tree.swap(place, other),
        3 => tree[place] = Branch::Share(random.random_range(0..1026)),
        4 => tree[place] = Branch::Node(random.random_range(0..=num_nodes), random.random()),
        _ => tree.truncate(place),
    }
}

#[test]
fn no_forged_tree_proves_what_is_not_so() {
    let (mut num_true, mut num_refused) = (0, 0);
    for (case, problem, best, thresholds) in pairs() {
        let (all, mut random) = (costs_of_all(&problem), source(!case));
        let below = [thresholds[0] - 1, thresholds[0] / 2];
        for threshold in thresholds.into_iter().chain(below).filter(|&threshold| threshold > 0) {
            for _ in 0..6 {
                // Of another threshold, or changed.
                let mut tree = honest(&all, threshold - random.random_range(0..2), 0, &mut random);
                for _ in 0..random.random_range(0..4) {
                    if !tree.is_empty() {
                        forge(&mut tree, problem.num_nodes(), &mut random);
                    }
                }
                match check_bisection(&problem, threshold, &tree, &mut Steps::new(1 << 20)) {
                    Ok(()) => {
                        assert!(threshold <= best, "case {case} at {threshold} of {best}: {tree:?}");
                        num_true += 1;
                    }
                    Err(Stop::Open | Stop::Malformed(_)) => num_refused += 1,
                    Err(stop) => panic!("{stop:?}"),
                }
            }
        }
    }
    assert!(num_true > 1000 && num_refused > 3000, "{num_true} {num_refused}");
}

#[test]
fn a_case_that_is_left_out_is_missed() {
    let (_, problem, ..) = pairs().find(|(_, problem, best, _)| problem.num_nodes() > 2 && *best > 3).expect("some");
    let check = |tree: &[Branch]| check_bisection(&problem, 1, tree, &mut Steps::new(1 << 20));
    let (node, leaf) = (Branch::Node(0, false), Branch::Share(512));
    let whole = [node, Branch::Node(1, true), leaf, leaf, leaf];
    assert_eq!(check(&whole), Ok(()));
    for len in 0..whole.len() {
        assert_eq!(check(&whole[..len]), Err(Stop::Open), "the first {len}");
    }
    for wrong in [vec![leaf, leaf], vec![Branch::Share(1025)], vec![Branch::Node(99, false), leaf, leaf]] {
        assert!(matches!(check(&wrong), Err(Stop::Malformed(_))), "{wrong:?}");
    }
    assert_eq!(check_bisection(&problem, 1, &whole, &mut Steps::new(9)), Err(Stop::Budget));
}

#[test]
fn more_blocks_and_unlike_kinds_are_refused() {
    let mut num_refused = 0;
    for (_, problem, ..) in cases(300, 4) {
        let is_pair = problem.num_blocks <= 2 && problem.kinds.len() == 1 && !problem.kinds[0].is_overlap;
        let found = check_bisection(&problem, 1, &[Branch::Share(512)], &mut Steps::new(1 << 20));
        if !is_pair {
            assert!(matches!(found, Err(Stop::Malformed(_))));
            num_refused += 1;
        }
    }
    assert!(num_refused > 100);
}

#[test]
fn a_log_gives_the_tree_that_it_was_made_of() {
    // Version, no merges, claim 3; node 1 with its second part first, a share of 512, node 70, shares of 0 and 1024.
    let bytes = [3, 0, 3, 11, 4, 0, 0x80, 4, 0x8d, 1, 0, 0, 0, 0x80, 8];
    let log = Log::read(&bytes).expect("a log");
    let shares = [512, 0, 1024].map(Branch::Share);
    let tree = vec![Branch::Node(1, true), shares[0], Branch::Node(70, false), shares[1], shares[2]];
    assert_eq!(log.entries, [Entry::End(End::Bisection(tree))]);
    assert!(Log::read(&bytes[..bytes.len() - 2]).is_err());
}
