//! What is proved is so, and what is so is proved: against all partitions of small problems.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::cases::{Features, optimum, random_problem, source};
use crate::close::{Closing, Scope, close};
use crate::expensive::check_expensive_node;
use crate::hints::follow;
use crate::levels_tests::partitions;
use crate::log::{End, Entry, LabelOrder};
use crate::merges::{Rule, replay};
use crate::problem::{CAPACITY, NONE, Problem};
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::split::split;
use crate::stop::{Steps, Stop};
use crate::weights::Weighing;

const FEATURES: [Features; 3] = [Features::Plain, Features::Memory, Features::Unlike];
const RULES: [Rule; 4] = [Rule::Pull, Rule::Push, Rule::Together, Rule::Cycle];

/// How many cases there are; more where proptest is asked for more.
pub(crate) fn num_cases(number: u64) -> u64 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    number * asked.map_or(1, |cases: u64| (cases / 256).max(1))
}

/// A random problem, what its best partition costs, and thresholds near that.
pub(crate) fn cases(number: u64, max_nodes: usize) -> impl Iterator<Item = (u64, Problem, i64, [i64; 3])> {
    (0..num_cases(number)).map(move |case| {
        let mut random = source(case);
        let num_nodes = random.random_range(1..=max_nodes);
        let problem = random_problem(&mut random, num_nodes, FEATURES[usize::try_from(case % 3).unwrap_or(0)]);
        let best = optimum(&problem);
        let near = if best == CAPACITY { random.random_range(1..60) } else { best };
        (case, problem, best, [near, near + 1, near + random.random_range(2..9)])
    })
}

/// Whether a threshold is proved; else it must be refuted.
fn is_proved<T>(found: Result<T, Stop>) -> bool {
    match found {
        Ok(_) => true,
        Err(Stop::Refused { .. }) => false,
        Err(stop) => panic!("{stop:?}"),
    }
}

#[test]
fn a_threshold_is_proved_exactly_where_no_partition_is_better() {
    let mut counts = [0; 2];
    for (case, problem, best, thresholds) in cases(450, 5) {
        for threshold in thresholds {
            let proved = is_proved(close(&problem, threshold, &[], &mut Steps::new(u64::MAX)));
            assert_eq!(proved, threshold <= best, "case {case} at {threshold} of {best}");
            counts[usize::from(proved)] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count > 300), "{counts:?}");
}

/// All pairs of nodes.
fn pairs_of(problem: &Problem) -> Vec<(usize, usize)> {
    let nodes = 0..problem.num_nodes();
    nodes.clone().flat_map(|first| nodes.clone().map(move |second| (first, second))).collect()
}

#[test]
fn each_way_to_close_says_what_is_so() {
    let [mut labels, mut levels, mut cuts, mut splits] = [[0; 2]; 4];
    for (case, problem, best, thresholds) in cases(450, 5) {
        let problem = Quotient::new(&problem).to_problem();
        let quotient = Quotient::new(&problem);
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let steps = &mut Steps::new(u64::MAX);
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, steps).expect("no cycle");
            let closing = Closing { problem: &problem, quotient: &quotient, threshold };
            let mut scope = Scope { windows: reach.all(), reach, is_part: false };
            let mut is_open = scope.windows.are_open();
            for round in 0..4 {
                if is_open && round > 0 {
                    is_open = scope.reach.close(&mut scope.windows, steps) == Ok(true)
                        && match round {
                            1 => closing.cut(&mut scope, u64::MAX, steps),
                            2 => closing.separate(&mut scope, &pairs_of(&problem), steps),
                            _ => closing.weigh(&mut scope, u64::MAX, steps),
                        } == Ok(true);
                    cuts[usize::from(is_open)] += 1;
                }
                if !is_open {
                    assert!(best >= threshold, "round {round}, case {case} at {threshold} of {best}");
                    break;
                }
                let found = closing.by_labels(&scope, steps);
                if found != Err(Stop::Open) {
                    let proved = is_proved(found);
                    assert_eq!(proved, threshold <= best, "labels, case {case} at {threshold} of {best}");
                    labels[usize::from(proved)] += 1;
                }
                let proved = is_proved(closing.by_levels(&scope, steps));
                assert_eq!(proved, threshold <= best, "levels, case {case} at {threshold} of {best}");
                levels[usize::from(proved)] += 1;
            }
            if is_open {
                let proved = is_proved(split(&closing, &scope, steps));
                assert_eq!(proved, threshold <= best, "split, case {case} at {threshold} of {best}");
                splits[usize::from(proved)] += 1;
            }
        }
    }
    let all = [labels, levels, cuts, splits];
    assert!(all.iter().flatten().all(|&count| count > 60), "{all:?}");
}

#[test]
fn windows_that_less_weight_narrows_hold_every_better_partition() {
    let (mut num_narrowed, mut num_held) = (0, 0);
    for (case, problem, best, thresholds) in cases(900, 6) {
        let problem = Quotient::new(&problem).to_problem();
        if problem.kinds.len() > 1 || problem.kinds[0].is_overlap {
            continue;
        }
        let (quotient, all) = (Quotient::new(&problem), partitions(&problem));
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let steps = &mut Steps::new(u64::MAX);
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, steps).expect("no cycle");
            let closing = Closing { problem: &problem, quotient: &quotient, threshold };
            let mut scope = Scope { windows: reach.all(), reach, is_part: false };
            for is_forward in [true, false, true] {
                let weighing = Weighing::new(&scope.reach, &quotient, threshold, steps).expect("enough steps");
                let found = weighing.expect("one sum").raise(&scope.windows, is_forward, steps).expect("enough steps");
                let sum = |weights: &Vec<i64>| weights.iter().copied().map(i128::from).sum::<i128>();
                let multiplier = i128::from(problem.kinds[0].multiplier);
                let is_less = found.as_ref().is_some_and(|found| multiplier * sum(found) <= scope.reach.total());
                let before = scope.windows.clone();
                if closing.take(&mut scope, found, steps) != Ok(true) {
                    assert!(best >= threshold, "case {case} at {threshold} of {best}");
                    break;
                }
                let Windows { first, last, .. } = &scope.windows;
                num_narrowed += usize::from(is_less && (first, last) != (&before.first, &before.last));
                for (_, block_of) in all.iter().filter(|(cost, _)| *cost < threshold) {
                    let mut nodes = block_of.iter().enumerate();
                    assert!(
                        nodes.all(|(node, &block)| (first[node]..=last[node]).contains(&(block + 1))),
                        "case {case}"
                    );
                    num_held += 1;
                }
            }
        }
    }
    assert!(num_narrowed > 5 && num_held > 1000, "{num_narrowed} {num_held}");
}

#[test]
fn merges_that_are_allowed_keep_a_better_partition() {
    let (mut allowed, mut refused) = ([0; 4], 0);
    for (case, problem, best, thresholds) in cases(600, 5) {
        let mut random = source(!case);
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let mut merges = Vec::new();
            for _ in 0..12 {
                let rule = random.random_range(0..4);
                let [one, other] = [(); 2].map(|()| random.random_range(0..problem.num_nodes()));
                merges.push((RULES[rule], one, other));
                let Ok((quotient, _)) = replay(&problem, threshold, &merges, &mut Steps::new(u64::MAX)) else {
                    merges.pop();
                    refused += 1;
                    continue;
                };
                allowed[rule] += 1;
                let least = optimum(&quotient);
                assert!(least >= best, "case {case}");
                assert!(least < threshold || best >= threshold, "case {case} at {threshold}: {best}, then {least}");
            }
        }
    }
    assert!(refused > 1000 && allowed.iter().all(|&count| count > 4), "{refused} {allowed:?}");
}

#[test]
fn every_block_with_an_expensive_node_costs_as_much() {
    let mut counts = [0; 2];
    for (case, problem, best, _) in cases(300, 5) {
        for node in 0..problem.num_nodes() {
            for threshold in [best.min(60) - 1, best.min(60), best.min(60) + 1] {
                let proved = is_proved(check_expensive_node(
                    &Quotient::new(&problem),
                    node,
                    threshold,
                    &mut Steps::new(u64::MAX),
                ));
                assert!(!proved || threshold <= best, "case {case} at {threshold} of {best}");
                counts[usize::from(proved)] += 1;
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 150), "{counts:?}");
}

#[test]
fn few_steps_prove_nothing_that_is_not_so() {
    let mut undecided = 0;
    for (case, problem, best, thresholds) in cases(150, 5) {
        for threshold in thresholds {
            for steps in [0, 10, 100, 1000] {
                match close(&problem, threshold, &[], &mut Steps::new(steps)) {
                    Ok(_) => assert!(threshold <= best, "case {case}"),
                    Err(Stop::Budget) => undecided += 1,
                    Err(_) => assert!(threshold > best, "case {case}"),
                }
            }
        }
    }
    assert!(undecided > 150, "{undecided}");
}

#[test]
fn all_parts_are_proved_where_each_has_few_steps() {
    let mut counts = [0; 2];
    for (case, problem, best, thresholds) in cases(300, 6) {
        let problem = Quotient::new(&problem).to_problem();
        let quotient = Quotient::new(&problem);
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, &mut Steps::new(u64::MAX));
            let closing = Closing { problem: &problem, quotient: &quotient, threshold };
            let reach = reach.expect("no cycle");
            let scope = Scope { windows: reach.all(), reach, is_part: false };
            for steps in [250, 500, 1000, 2000] {
                let is_proved = split(&closing, &scope, &mut Steps::new(steps)).is_ok();
                assert!(!is_proved || threshold <= best, "case {case} at {threshold} of {best}");
                counts[usize::from(is_proved)] += 1;
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 300), "{counts:?}");
}

/// Hints that are true, false or of nothing.
fn random_hints(random: &mut Xoshiro256PlusPlus, num_nodes: usize, num_blocks: usize) -> Vec<Entry> {
    let mut hints = Vec::new();
    for _ in 0..random.random_range(0..9) {
        let many = random.random_range(0..3 * num_nodes);
        let past = num_nodes + usize::from(random.random_bool(0.01));
        let mut node = || random.random_range(0..past);
        let nodes: Vec<usize> = (0..many).map(|_| node()).collect();
        let one = node();
        hints.push(match random.random_range(0..11) {
            0..3 => Entry::Cuts { block: random.random_range(1..=num_blocks), is_last: random.random(), nodes },
            3..5 => Entry::Weights(nodes.into_iter().map(|node| (node, random.random_range(1..4097))).collect()),
            5 => Entry::End(End::Levels),
            6 => Entry::End(End::Labels(
                [LabelOrder::Natural, LabelOrder::PostOrder, LabelOrder::Listed((0..num_nodes).collect())]
                    [random.random_range(0..3)]
                .clone(),
            )),
            7 => Entry::End(if random.random() { End::Open } else { End::ExpensiveNode(one) }),
            8 => Entry::End(End::Split(one, random.random_range(0..num_blocks))),
            _ => Entry::Incompatible(nodes.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
        });
    }
    hints
}

#[test]
fn whatever_the_hints_nothing_is_proved_that_is_not_so_and_what_is_so_still_is() {
    let (mut counts, mut num_followed) = ([0; 2], 0);
    for (case, problem, best, thresholds) in cases(900, 5) {
        let problem = Quotient::new(&problem).to_problem();
        let quotient = Quotient::new(&problem);
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let hints = random_hints(&mut source(case), problem.num_nodes(), problem.num_blocks);
            let steps = &mut Steps::new(u64::MAX);
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, steps).expect("no cycle");
            let closing = Closing { problem: &problem, quotient: &quotient, threshold };
            let mut scope = Scope { windows: reach.all(), reach, is_part: false };
            if scope.windows.are_open() && scope.reach.close(&mut scope.windows, steps) == Ok(true) {
                let is_followed = follow(&closing, &mut scope, &hints, steps).is_ok();
                assert!(!is_followed || threshold <= best, "case {case} at {threshold} of {best}: {hints:?}");
                num_followed += usize::from(is_followed);
            }
            let found = close(&problem, threshold, &hints, steps);
            if matches!(found, Err(Stop::Malformed(_))) {
                continue;
            }
            let proved = is_proved(found);
            assert_eq!(proved, threshold <= best, "case {case} at {threshold} of {best}: {hints:?}");
            counts[usize::from(proved)] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count > 700) && num_followed > 300, "{counts:?} {num_followed}");
}

#[test]
fn windows_of_all_blocks_are_open() {
    let windows = Windows { first: vec![1, 2], last: vec![1, 2], most: vec![0], most_at_end: vec![0] };
    assert!(windows.are_open() && !Windows { last: vec![1, 1], ..windows }.are_open());
}

#[test]
fn each_move_by_itself_keeps_the_best() {
    let mut allowed = [0; 2];
    for case in 0..60_000 {
        let mut random = source(case);
        let num_nodes = random.random_range(2..5);
        let mut problem = random_problem(&mut random, num_nodes, FEATURES[1 + usize::from(case % 4 > 0)]);
        for (tensor, readers) in problem.consumers.iter_mut().enumerate() {
            let first = if problem.producer[tensor] == NONE { 0 } else { problem.producer[tensor] + 1 };
            readers.extend((first..num_nodes).filter(|_| random.random_bool(0.3)));
            readers.sort_unstable();
            readers.dedup();
        }
        for work in problem.kinds.iter_mut().flat_map(|kind| &mut kind.work) {
            *work *= i64::from(random.random_bool(0.7));
        }
        let pairs = (0..num_nodes).flat_map(|one| (0..num_nodes).map(move |other| (one, other)));
        let moves: Vec<_> =
            pairs.flat_map(|(one, other)| [(Rule::Pull, one, other), (Rule::Push, one, other)]).collect();
        let mut best = None;
        for merge in moves {
            let Ok((quotient, _)) = replay(&problem, 1, &[merge], &mut Steps::new(u64::MAX)) else { continue };
            if problem.num_blocks > 3 || *best.get_or_insert_with(|| optimum(&problem)) == CAPACITY {
                break;
            }
            allowed[usize::from(merge.0 == Rule::Push)] += 1;
            assert_eq!(Some(optimum(&quotient)), best, "case {case}: {merge:?}");
        }
    }
    assert!(allowed.iter().all(|&count| count > 1000), "{allowed:?}");
}
