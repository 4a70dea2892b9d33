//! Pricing against all convex sets of small instances.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Params, Question, Verdict, price, slices};
use crate::cases::random_instance;
use crate::cost::{Instance, Ticks, partition_costs};
use crate::ids::NodeId;
use crate::interrupt::Interrupt;

/// The cost of a set, if it is convex, without overflow, which cuts leave out.
fn cost_of(instance: &Instance, set: usize) -> Option<Ticks> {
    let (graph, num_nodes) = (instance.graph(), instance.graph().num_nodes());
    let is_in = |node: usize| set >> node & 1 == 1;
    // Edges go up.
    let mut between = vec![false; num_nodes];
    for node in 0..num_nodes {
        let mut producers = graph.producers(NodeId::new(node)).map(NodeId::index);
        between[node] = producers.any(|producer| is_in(producer) || between[producer]);
    }
    let mut leads_back = vec![false; num_nodes];
    for node in (0..num_nodes).rev() {
        for producer in graph.producers(NodeId::new(node)).map(NodeId::index) {
            leads_back[producer] |= is_in(node) || leads_back[node];
        }
    }
    let is_convex = (0..num_nodes).all(|node| is_in(node) || !between[node] || !leads_back[node]);
    let sides: Vec<usize> = (0..num_nodes).map(|node| usize::from(!is_in(node))).collect();
    let cost = &partition_costs(instance, &sides)[0];
    is_convex.then_some(cost.work + cost.io_in + cost.io_out)
}

#[test]
fn a_seed_is_closed_when_none_of_its_sets_weighs_the_target() {
    let (mut num_open, mut num_closed) = (0, 0);
    for case in 0..600 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let num_nodes = random.random_range(1..8);
        let instance = random_instance(&mut random, num_nodes, 2);
        let loads: Ticks = instance.only().loads().iter().sum();
        let weights: Vec<Ticks> = (0..num_nodes).map(|_| random.random_range(0..loads + 2)).collect();
        let sum: Ticks = weights.iter().sum();
        let question = Question {
            weights: &weights,
            threshold: random.random_range(1..loads + 2),
            target: random.random_range(1..sum + 2),
            kept: 0,
            max_cases: if random.random_bool(0.5) { 2 } else { 1000 },
            max_steps: u64::MAX,
            params: Params::default(),
        };
        let seeds: Vec<usize> = (0..num_nodes).collect();
        let mut factors = vec![random.random_range(1..9000); num_nodes];
        let priced = price(&instance, &question, &seeds, &mut factors, usize::MAX, &Interrupt::never());
        let priced = priced.expect("no interrupt");
        let weight = |set: usize| -> Ticks {
            (0..num_nodes).filter(|node| set >> node & 1 == 1).map(|node| weights[node]).sum()
        };
        let first = |set: usize| {
            let inside = (0..num_nodes).filter(|node| set >> node & 1 == 1);
            inside.max_by_key(|&node| (weights[node], std::cmp::Reverse(node)))
        };
        for (seed, verdict) in priced.verdicts.iter().enumerate() {
            let is_heavy = (1..1_usize << num_nodes).any(|set| {
                first(set) == Some(seed)
                    && weight(set) >= question.target
                    && cost_of(&instance, set).is_some_and(|cost| cost < question.threshold)
            });
            match verdict {
                Some(Verdict::Closed(cases)) => {
                    assert!(!is_heavy && !cases.is_empty(), "case {case}");
                    num_closed += 1;
                }
                Some(Verdict::Heavy) => assert!(is_heavy, "case {case}"),
                Some(Verdict::Open) => {
                    assert_eq!(question.max_cases, 2, "case {case}: all nodes of {seed} can be decided");
                    num_open += 1;
                }
                None => panic!("case {case}: each has its turn"),
            }
        }
        for (block, cost) in &priced.blocks {
            let set = block.iter().map(|node| 1 << node.index()).sum();
            assert_eq!(cost_of(&instance, set), Some(*cost), "case {case}");
            assert!(*cost < question.threshold, "case {case}");
        }
    }
    assert!(num_open > 10 && num_closed > 100, "{num_open} are open, {num_closed} closed");
}

#[test]
fn slices_are_convex_and_cheaper_than_the_threshold() {
    let mut num_slices = 0;
    for case in 0..300 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let num_nodes = random.random_range(1..8);
        let instance = random_instance(&mut random, num_nodes, 2);
        let threshold = random.random_range(1..instance.only().loads().iter().sum::<Ticks>() + 2);
        for block in slices(&instance, threshold, 4, case) {
            let set = block.iter().map(|node| 1 << node.index()).sum();
            assert!(cost_of(&instance, set).is_some_and(|cost| cost < threshold), "case {case}");
            num_slices += 1;
        }
    }
    assert!(num_slices > 300, "{num_slices}");
}
