//! Levels against all partitions of small problems: of all windows, and of parts of them.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::bits::Bits;
use crate::cases::{Features, bottleneck, random_problem, source};
use crate::downsets::{Downsets, Question};
use crate::levels::has_better;
use crate::order::Order;
use crate::problem::{CAPACITY, NONE, Problem};
use crate::quotient::Quotient;
use crate::reach::{Reach, Windows};
use crate::sides::{Side, Start};
use crate::stop::Steps;
use crate::tests::num_cases;

const FEATURES: [Features; 3] = [Features::Plain, Features::Memory, Features::Unlike];

/// A random quotient, one in two with limits of memory that few partitions are within.
fn random_quotient(random: &mut Xoshiro256PlusPlus, case: u64) -> Problem {
    let num_nodes = random.random_range(1..7);
    let mut problem = random_problem(random, num_nodes, FEATURES[usize::try_from(case % 3).unwrap_or(0)]);
    if !case.is_multiple_of(3) && random.random() {
        let all: i64 = problem.param_bytes.iter().chain(&problem.state_bytes).chain(&problem.param_size).sum();
        let least = all / i64::try_from(problem.num_blocks).unwrap_or(1);
        for kind in &mut problem.kinds {
            kind.memory_limit = Some(least + random.random_range(0..4));
        }
    }
    Quotient::new(&problem).to_problem()
}

/// All partitions within the limits, and what they cost.
pub(crate) fn partitions(problem: &Problem) -> Vec<(i64, Vec<usize>)> {
    let mut found = Vec::new();
    let mut block_of = vec![0; problem.num_nodes()];
    loop {
        let cost = bottleneck(problem, &block_of);
        if cost < CAPACITY {
            found.push((cost, block_of.clone()));
        }
        let Some(place) = block_of.iter().position(|&block| block + 1 < problem.num_blocks) else { return found };
        block_of[place] += 1;
        block_of[..place].fill(0);
    }
}

fn weight_before(reach: &Reach<'_>, block_of: &[usize], num_blocks: usize) -> i128 {
    (0..block_of.len()).filter(|&node| block_of[node] < num_blocks).map(|node| reach.weight[node]).sum()
}

/// Whether windows, and what they say of weights, hold for a partition.
fn is_within(reach: &Reach<'_>, windows: &Windows, block_of: &[usize]) -> bool {
    let num_blocks = reach.problem.num_blocks;
    let mut nodes = block_of.iter().enumerate();
    let mut places = 0..=num_blocks;
    nodes.all(|(node, &block)| (windows.first[node]..=windows.last[node]).contains(&(block + 1)))
        && places.all(|place| {
            let before = weight_before(reach, block_of, place);
            before <= windows.most[place] && reach.total() - before <= windows.most_at_end[num_blocks - place]
        })
}

#[test]
fn levels_of_all_windows_say_what_is_so() {
    let mut counts = [0; 2];
    for case in 0..num_cases(1500) {
        let random = &mut source(case);
        let problem = random_quotient(random, case);
        let best = partitions(&problem).into_iter().map(|(cost, _)| cost).min().unwrap_or(CAPACITY);
        let near = if best == CAPACITY { random.random_range(1..60) } else { best };
        for threshold in [near, near + 1, near + random.random_range(2..9)].into_iter().filter(|&each| each > 0) {
            let (quotient, steps) = (Quotient::new(&problem), &mut Steps::new(u64::MAX));
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, steps).expect("no cycle");
            let mut windows = reach.all();
            for _ in 0..2 {
                if !windows.are_open() {
                    break;
                }
                let found = has_better(&reach, (&windows, false), &quotient.load, threshold, steps);
                assert_eq!(found, Ok(best < threshold), "case {case} at {threshold} of {best}");
                counts[usize::from(best < threshold)] += 1;
                if reach.close(&mut windows, steps) != Ok(true) {
                    assert!(best >= threshold, "case {case} at {threshold} of {best}");
                    break;
                }
            }
        }
    }
    assert!(counts.iter().all(|&count| count > 1500), "{counts:?}");
}

#[test]
fn levels_of_a_part_lose_no_better_partition_of_it() {
    let mut counts = [0; 2];
    for case in 0..num_cases(1500) {
        let random = &mut source(!case);
        let problem = random_quotient(random, case);
        let all = partitions(&problem);
        let Some(best) = all.iter().map(|&(cost, _)| cost).min() else { continue };
        for threshold in [best, best + 1, best + random.random_range(2..9)].into_iter().filter(|&each| each > 0) {
            let (quotient, steps) = (Quotient::new(&problem), &mut Steps::new(u64::MAX));
            let reach = Reach::new(&problem, quotient.load.clone(), threshold, steps).expect("no cycle");
            let mut windows = reach.all();
            for _ in 0..random.random_range(1..4) {
                let node = random.random_range(0..problem.num_nodes());
                let block = random.random_range(1..=problem.num_blocks);
                if random.random() {
                    windows.first[node] = windows.first[node].max(block);
                } else {
                    windows.last[node] = windows.last[node].min(block);
                }
            }
            // What the first or the last blocks weigh at most, as in a case of a tree.
            let [place, other] = [(); 2].map(|()| random.random_range(0..=problem.num_blocks));
            if random.random() {
                windows.most[place] = reach.total() * i128::from(random.random_range(0..9)) / 8;
            }
            if random.random() {
                windows.most_at_end[other] = reach.total() * i128::from(random.random_range(0..9)) / 8;
            }
            let is_better =
                |(cost, block_of): &(i64, Vec<usize>)| *cost < threshold && is_within(&reach, &windows, block_of);
            let is_beaten = all.iter().any(is_better);
            let is_open = windows.are_open() && reach.close(&mut windows, steps) == Ok(true);
            let found = is_open && has_better(&reach, (&windows, true), &quotient.load, threshold, steps) == Ok(true);
            assert!(found || !is_beaten, "case {case} at {threshold} of {best}");
            assert!(!found || best < threshold, "case {case} at {threshold} of {best}");
            counts[usize::from(found)] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count > 600), "{counts:?}");
}

/// A random downset.
fn random_downset(random: &mut Xoshiro256PlusPlus, order: &Order) -> Bits {
    let mut inside = Bits::none(order.nodes.len());
    for &node in &order.nodes {
        if order.predecessors[node].iter().all(|&each| inside.has(each)) && random.random_bool(0.7) {
            inside.insert(node);
        }
    }
    inside
}

/// What a block on a kind costs; `CAPACITY` where it is beyond the limits.
fn cost(problem: &Problem, [from, to]: [&Bits; 2], kind: usize) -> i64 {
    let mut three = problem.clone();
    (three.num_blocks, three.kind_of, three.allowed) = (3, vec![kind; 3], None);
    let block = |node: usize| if from.has(node) { 0 } else { 2 - usize::from(to.has(node)) };
    let block_of: Vec<usize> = (0..problem.num_nodes()).map(block).collect();
    crate::cases::cost(&three, &block_of, 1)
}

#[test]
fn all_downsets_are_listed_for_which_both_sides_can_pay() {
    let (mut num_listed, mut num_left_out) = (0, 0);
    for case in 0..num_cases(2000) {
        let random = &mut source(case);
        let problem = random_quotient(random, case);
        let (quotient, steps) = (Quotient::new(&problem), &mut Steps::new(u64::MAX));
        let order = Order::new(&problem, steps).expect("no cycle");
        let num_nodes = problem.num_nodes();
        let downsets: Vec<Bits> = (0..1_u32 << num_nodes)
            .map(|word| {
                let mut inside = Bits::none(num_nodes);
                (0..num_nodes).filter(|node| word >> node & 1 == 1).for_each(|node| inside.insert(node));
                inside
            })
            .filter(|inside| inside.iter().all(|node| order.predecessors[node].iter().all(|&each| inside.has(each))))
            .collect();
        let load = &quotient.load;
        let (threshold, kind) = (random.random_range(1..60), random.random_range(0..problem.kinds.len()));
        let inside = random_downset(random, &order);
        let start = random.random::<bool>().then(|| Start { inside: &inside, kind, is_back: random.random() });
        let total: i128 = load.iter().sum();
        let mut amount = || total * i128::from(random.random_range(4..12)) / 8;
        let none = [(); 2].map(|()| Bits::none(num_nodes));
        let question = Question {
            must: none,
            paid: [amount(), amount()],
            weight: [amount(), amount()],
            bytes: [amount(), amount()],
            state: [amount(), amount()],
            start,
            full: None,
        };
        let mut lists = Downsets::new((&problem, &order), [load, load], threshold, steps).expect("enough steps");
        let found = lists.list(&question, usize::MAX, steps).expect("enough steps");
        let listed: std::collections::HashSet<&Bits> = found.iter().map(|downset| &downset.inside).collect();
        assert_eq!(listed.len(), found.len(), "case {case}");
        for downset in &downsets {
            let can_be = can_pay(&problem, downset, load, &question)
                && start.is_none_or(|start| {
                    let pair = if start.is_back { [downset, start.inside] } else { [start.inside, downset] };
                    pair[0].is_within(pair[1]) && cost(&problem, pair, kind) < threshold
                });
            assert!(!can_be || listed.contains(downset), "case {case}: {downset:?}");
            num_listed += usize::from(can_be);
            num_left_out += usize::from(!listed.contains(downset));
        }
        let end = lists.end(Side::In);
        assert_eq!((end.inside.iter().count(), end.weight), (num_nodes, total), "case {case}");
    }
    assert!(num_listed > 2000 && num_left_out > 2000, "{num_listed} {num_left_out}");
}

/// Steps of listing all downsets of 12 nodes in a row.
fn steps_of_all(change: impl Fn(&mut Problem)) -> u64 {
    let mut problem = random_problem(&mut source(0), 12, Features::Plain);
    problem.producer = (0..11).collect();
    problem.consumers = (1..12).map(|node| vec![node]).collect();
    problem.is_output = vec![false; 11];
    problem.kinds[0].transfer = vec![0; 11];
    change(&mut problem);
    let steps = &mut Steps::new(1 << 40);
    let order = Order::new(&problem, steps).expect("no cycle");
    let load = vec![0; 12];
    let mut lists = Downsets::new((&problem, &order), [&load, &load], CAPACITY, steps).expect("enough steps");
    let (must, ample) = ([(); 2].map(|()| Bits::none(12)), [1 << 100; 2]);
    let question = Question { must, paid: ample, weight: ample, bytes: ample, state: ample, start: None, full: None };
    let before = steps.left();
    assert_eq!(lists.list(&question, usize::MAX, steps).expect("enough steps").len(), 13);
    before - steps.left()
}

#[test]
fn kinds_and_parameters_take_steps() {
    let few = steps_of_all(|_| {});
    let kinds = steps_of_all(|problem| problem.kinds = vec![problem.kinds[0].clone(); 64]);
    let params = steps_of_all(|problem| {
        (problem.param_size, problem.param_readers) = (vec![1; 64], vec![(0..12).collect(); 64]);
    });
    // One tensor is live at each downset but the first and the last; and each kind adds up what is in at first.
    assert_eq!(kinds, few + 63 * 11 + 64 * 12 / 16);
    assert!(params > few + 63 * 12, "{few} {params}");
}

/// Whether both sides of a downset can pay and hold it, from the definition.
fn can_pay(problem: &Problem, inside: &Bits, load: &[i128], question: &Question<'_>) -> bool {
    let num_nodes = problem.num_nodes();
    let sum = |of: &dyn Fn(usize) -> i128| {
        let (mut sums, all) = ([0; 2], 0..num_nodes);
        all.for_each(|node| sums[usize::from(!inside.has(node))] += of(node));
        sums
    };
    let mut paid = sum(&|node| load[node]);
    for tensor in 0..problem.num_tensors() {
        let producer = problem.producer[tensor];
        let is_made = if producer == NONE { problem.boundary_io } else { inside.has(producer) };
        if is_made && problem.consumers[tensor].iter().any(|&reader| !inside.has(reader)) {
            let least = |of: &dyn Fn(usize) -> i64| {
                let weigh = |(kind, on): (usize, &crate::problem::Kind)| {
                    if on.is_overlap { 0 } else { i128::from(on.multiplier) * i128::from(of(kind)) }
                };
                problem.kinds.iter().enumerate().map(weigh).min().unwrap_or(0)
            };
            paid[0] += if producer == NONE { 0 } else { least(&|kind| problem.leaving(tensor, kind)) };
            paid[1] += least(&|kind| problem.kinds[kind].transfer[tensor]);
        }
    }
    let mut bytes = sum(&|node| i128::from(problem.param_bytes[node] + problem.state_bytes[node]));
    for (readers, &size) in problem.param_readers.iter().zip(&problem.param_size) {
        bytes[0] += if readers.iter().any(|&each| inside.has(each)) { i128::from(size) } else { 0 };
        bytes[1] += if readers.iter().any(|&each| !inside.has(each)) { i128::from(size) } else { 0 };
    }
    let state = sum(&|node| i128::from(problem.state_bytes[node]));
    let pairs = [(paid, question.paid), (sum(&|node| load[node]), question.weight), (bytes, question.bytes)];
    pairs.into_iter().chain([(state, question.state)]).all(|(sums, most)| sums[0] <= most[0] && sums[1] <= most[1])
}
