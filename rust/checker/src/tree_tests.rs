//! Trees, rows and incompatible pairs against all partitions of small problems.

use std::rc::Rc;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::cases::{bottleneck, source};
use crate::incompatible::{Incompatible, Pairing};
use crate::order::Order;
use crate::problem::{CAPACITY, NONE, Problem};
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::rows::{Row, Rows, check_rows};
use crate::stop::{Steps, Stop};
use crate::tests::cases;
use crate::tree::{Step, Tree};

/// All assignments of nodes to blocks.
fn assignments(problem: &Problem) -> impl Iterator<Item = Vec<usize>> + use<> {
    let (num_nodes, num_blocks) = (problem.num_nodes(), problem.num_blocks);
    let count = num_blocks.pow(u32::try_from(num_nodes).expect("few"));
    (0..count).map(move |mut index| {
        let mut next = || {
            let block = index % num_blocks;
            index /= num_blocks;
            block
        };
        (0..num_nodes).map(|_| next()).collect()
    })
}

/// The case of one partition alone, with sums that are true of it and more.
fn case_of(reach: &Reach<'_>, block_of: &[usize], random: &mut Xoshiro256PlusPlus) -> Windows {
    let num_blocks = reach.problem.num_blocks;
    let mut windows = reach.all();
    windows.first = block_of.iter().map(|block| block + 1).collect();
    windows.last.clone_from(&windows.first);
    for count in 0..=num_blocks {
        let sum = |is_in: &dyn Fn(usize) -> bool| -> i128 {
            let inside = block_of.iter().zip(&reach.weight).filter(|(block, _)| is_in(**block));
            inside.map(|(_, weight)| weight).sum()
        };
        windows.most[count] = sum(&|block| block < count) + random.random_range(0..3);
        windows.most_at_end[count] = sum(&|block| block >= num_blocks - count) + random.random_range(0..3);
    }
    windows
}

fn random_spans(num_blocks: usize, random: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let mut spans = Vec::new();
    let mut left = num_blocks;
    while left > 0 {
        spans.push(random.random_range(1..=left));
        left -= spans[spans.len() - 1];
    }
    spans
}

/// Any row, some of which are none.
fn random_row(problem: &Problem, num_spans: usize, random: &mut Xoshiro256PlusPlus) -> Row {
    let mut any = |below: usize| random.random_range(0..below.max(1));
    let (node, other, tensor) = (any(problem.num_nodes()), any(problem.num_nodes()), any(problem.num_tensors()));
    let (j, place, reader) = (any(num_spans), any(num_spans + 1), any(problem.num_nodes() + 1));
    match any(10) {
        0 => Row::Order(node, j),
        1 => Row::Before(node, other, place),
        2 if problem.num_tensors() > 0 => Row::Export(tensor, reader, j),
        3 if problem.num_tensors() > 0 => Row::Import(tensor, reader, j),
        4 => Row::Cost(j),
        5 => Row::Overflow(j),
        6 => Row::Weight(j),
        7 => Row::Least(place),
        8 => Row::Most(place),
        _ => Row::Incompatible(node, other, j),
    }
}

/// Rows that say what a block costs, from what it holds.
fn rows_of_block(problem: &Problem, block_of: &[usize], block: usize) -> Vec<(Row, u64)> {
    let mut rows = vec![(Row::Cost(block), 1)];
    let inside = (0..block_of.len()).filter(|&node| block_of[node] == block);
    let params = inside.map(|node| problem.kinds[0].params[node]).sum();
    if problem.kinds[0].overflow(params) > 0 {
        rows.push((Row::Overflow(block), 1));
    }
    for tensor in 0..problem.num_tensors() {
        let price = u64::try_from(problem.kinds[0].transfer[tensor]).expect("not negative");
        let (producer, readers) = (problem.producer[tensor], &problem.consumers[tensor]);
        let inside = readers.iter().find(|&&reader| block_of[reader] == block);
        let outside = readers.iter().find(|&&reader| block_of[reader] != block);
        if producer != NONE && block_of[producer] == block {
            if problem.is_paid_output(tensor) {
                rows.push((Row::Export(tensor, 0, block), price));
            } else if let Some(reader) = outside {
                rows.push((Row::Export(tensor, reader + 1, block), price));
            }
        } else if let Some(reader) = inside.filter(|_| producer != NONE || problem.boundary_io) {
            rows.push((Row::Import(tensor, reader + 1, block), price));
        }
    }
    rows
}

#[test]
fn rows_hold_of_every_partition_below_the_threshold_and_show_what_a_block_costs() {
    let (mut accepted, mut shown) = (0, 0);
    for (case, problem, _, thresholds) in cases(450, 5).filter(|each| each.0 % 3 < 2) {
        let problem = Quotient::new(&problem).to_problem();
        let (quotient, mut random) = (Quotient::new(&problem), source(case));
        let steps = &mut Steps::new(u64::MAX);
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, steps).expect("no cycle");
            for block_of in assignments(&problem).filter(|_| random.random_bool(0.1)).collect::<Vec<_>>() {
                let cost = bottleneck(&problem, &block_of);
                let windows = case_of(&reach, &block_of, &mut random);
                let mut pairing = Pairing::new(&quotient, &reach.order, threshold, steps).expect("enough steps");
                let mut is_pair = |one, other, steps: &mut Steps| pairing.are_incompatible(one, other, steps);
                let mut check = |rows: &Rows| check_rows((&reach, &windows, threshold), rows, &mut is_pair, steps);
                if cost < threshold {
                    for _ in 0..8 {
                        let spans = random_spans(problem.num_blocks, &mut random);
                        let count = random.random_range(1..4);
                        let mut row = || random_row(&problem, spans.len(), &mut random);
                        let rows = (0..count).map(|_| row()).collect::<Vec<_>>();
                        let weighted = rows.into_iter().map(|row| (row, random.random_range(1..4))).collect();
                        let rows = Rows { spans, unit: random.random_range(1..9), weighted };
                        match check(&rows) {
                            Ok(is_proved) => assert!(!is_proved, "case {case} at {threshold}: {rows:?}"),
                            Err(stop) => {
                                assert!(matches!(stop, Stop::Refused { .. }));
                                continue;
                            }
                        }
                        accepted += 1;
                    }
                } else if cost < CAPACITY && problem.kinds[0].stored.is_empty() {
                    let spans = vec![1; problem.num_blocks];
                    let tell = |block| {
                        let weighted = rows_of_block(&problem, &block_of, block);
                        check(&Rows { spans: spans.clone(), unit: 1, weighted })
                    };
                    let found: Vec<_> = (0..problem.num_blocks).map(tell).collect();
                    assert!(found.contains(&Ok(true)), "case {case} at {threshold}: {block_of:?} {found:?}");
                    shown += 1;
                }
            }
        }
    }
    assert!(accepted > 2000 && shown > 300, "{accepted} {shown}");
}

#[test]
fn no_better_partition_has_an_incompatible_pair_in_one_block() {
    let (mut counts, mut num_unlike, mut num_following) = ([0; 2], 0, 0);
    for (case, problem, _, thresholds) in cases(450, 5) {
        let problem = Quotient::new(&problem).to_problem();
        let (quotient, steps) = (Quotient::new(&problem), &mut Steps::new(u64::MAX));
        let order = Order::new(&problem, steps).expect("no cycle");
        let nodes = 0..problem.num_nodes();
        let pairs: Vec<_> = nodes.clone().flat_map(|first| nodes.clone().map(move |second| (first, second))).collect();
        let costs: Vec<_> = assignments(&problem).map(|each| (bottleneck(&problem, &each), each)).collect();
        for threshold in [thresholds[1].max(1), (thresholds[1] / 2).max(1)] {
            let better = || costs.iter().filter(|(cost, _)| *cost < threshold).map(|(_, block_of)| block_of);
            let mut pairing = Pairing::new(&quotient, &order, threshold, steps).expect("enough steps");
            let mut is_found = |&(first, second): &_| pairing.are_incompatible(first, second, steps) == Ok(true);
            let found: Vec<_> = pairs.iter().filter(|pair| is_found(pair)).copied().collect();
            for &(first, second) in &found {
                let are_later = better().all(|block_of| block_of[first] < block_of[second]);
                assert!(are_later, "case {case} at {threshold}: {first} {second}");
            }
            counts[0] += pairs.len() - found.len();
            counts[1] += found.len();
            num_unlike += if problem.kinds.len() > 1 { found.len() } else { 0 };
            // What follows from some of them, beside pairs that are none.
            let mut random = source(case);
            let some: Vec<_> =
                pairs.iter().filter(|pair| !found.contains(pair) || random.random_bool(0.3)).copied().collect();
            let nothing = Rc::<Incompatible>::default();
            let known = nothing.with((&quotient, &order), &some, threshold, steps).expect("enough steps");
            for &(first, second) in pairs.iter().filter(|&&(first, second)| known.has(first, second)) {
                let are_together = better().any(|block_of| block_of[first] == block_of[second]);
                assert!(!are_together && known.has(second, first), "case {case} at {threshold}: {first} {second}");
                num_following += usize::from(!some.contains(&(first, second)));
            }
        }
    }
    let all = [counts[0], counts[1], num_unlike, 5 * num_following];
    assert!(all.iter().all(|&count| count > 60), "{all:?}");
}

#[test]
fn a_tree_proves_exactly_what_is_so() {
    let mut counts = [0; 2];
    for (case, problem, best, thresholds) in cases(600, 5) {
        let problem = Quotient::new(&problem).to_problem();
        let (quotient, mut random) = (Quotient::new(&problem), source(!case));
        for threshold in thresholds.into_iter().filter(|&threshold| threshold > 0) {
            let steps = &mut Steps::new(u64::MAX);
            let weight = quotient.load.clone();
            let mut tree = Tree::new(&problem, &quotient, threshold, weight, steps).expect("no cycle");
            let mut cases = tree.begin(steps).expect("enough steps");
            let (mut left, total) = (random.random_range(0..9), 60);
            let found = loop {
                if cases.are_done() {
                    break Ok(());
                }
                let node = random.random_range(0..problem.num_nodes());
                let block = random.random_range(0..=problem.num_blocks);
                let step = match if left > 0 { random.random_range(0..6) } else { 6 } {
                    0 => Step::Cut,
                    1 => Step::Weigh,
                    2 | 3 => Step::Weight(block, random.random_range(0..total)),
                    4 => Step::Node(node, block),
                    5 if cases.len() > 1 => Step::Swap,
                    _ if random.random() => Step::Labels,
                    _ => Step::Levels,
                };
                left -= 1;
                match tree.apply(&mut cases, &step, steps) {
                    Err(Stop::Malformed(_)) if step == Step::Weigh => break Err(None),
                    Err(Stop::Open) if step == Step::Labels => break Err(None),
                    Err(why) => break Err(Some(why)),
                    Ok(()) => {}
                }
            };
            match found {
                Ok(()) => assert!(threshold <= best, "case {case} at {threshold} of {best}"),
                Err(None) => continue,
                Err(Some(stop)) => {
                    assert!(matches!(stop, Stop::Refused { .. }), "{stop:?}");
                    assert!(threshold > best, "case {case} at {threshold} of {best}");
                }
            }
            counts[usize::from(threshold <= best)] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count > 250), "{counts:?}");
}

#[test]
fn rows_of_one_superblock_of_many_take_no_more_than_it_does() {
    let (_, mut problem, ..) = cases(450, 5).find(|each| each.0 % 3 == 0 && each.1.num_nodes() == 5).expect("one");
    (problem.num_blocks, problem.kind_of) = (4096, vec![0; 4096]);
    let problem = Quotient::new(&problem).to_problem();
    let weight = Quotient::new(&problem).load;
    let reach = Reach::new(&problem, weight, 9, &mut Steps::new(u64::MAX)).expect("no cycle");
    let weighted = [4095, 0, 2000].map(|j| (Row::Weight(j), 1)).to_vec();
    let rows = Rows { spans: vec![1; 4096], unit: 1, weighted };
    let steps = &mut Steps::new(u64::MAX);
    assert_eq!(check_rows((&reach, &reach.all(), 9), &rows, &mut |_, _, _| Ok(false), steps), Ok(false));
    let taken = u64::MAX - steps.left();
    assert!(taken < 4096 + 500, "{taken}");
}
