//! Bisection against all partitions of small instances.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::network::{Network, Side, WHOLE};
use super::*;
use crate::cases::{least_of, random_instance_at};
use crate::cost::{INFINITE, Ticks, bottleneck, check_partition, partition_costs};
use crate::flow::Dinic;
use crate::ids::count;
use crate::interrupt::Interrupt;
use crate::query::ExactParams;

/// Random instances of two blocks that are taken, with their optimum and a source.
fn cases(number: u64) -> impl Iterator<Item = (u64, Instance, Ticks, Xoshiro256PlusPlus)> {
    (0..number).filter_map(|case| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let num_nodes = random.random_range(1..9);
        let instance = random_instance_at([0.5, 1.0, 4.0][random.random_range(0..3)], &mut random, num_nodes, 2);
        let each: Vec<usize> = (0..num_nodes).collect();
        is_taken(&instance)
            .then(|| (case, least_of(&instance, &each, num_nodes), random))
            .map(|(case, best, random)| (case, instance, best, random))
    })
}

#[test]
fn the_optimum_is_found_above_it_and_proven_at_it() {
    let (mut num_found, mut num_closed, mut num_split) = (0, 0, 0);
    for (case, instance, best, mut random) in cases(4000) {
        let mut params = ExactParams::default();
        params.bisection.candidates = random.random_range(1..9);
        params.bisection.shares = random.random_range(2..9);
        params.bisection.dense[0] = random.random_range(1..20);
        for threshold in [best, best + 1, best + best / random.random_range(2..9), best / 2] {
            if threshold == 0 {
                continue;
            }
            let interrupt = Interrupt::never();
            let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
            let mut effort = Effort::new(1 << 26, 1 << 40);
            let found = bisect(&query, &mut effort).expect("enough steps");
            assert_eq!(found.is_some(), best < threshold, "case {case} at {threshold} of {best}");
            let Some(block_of) = found else {
                let Some(Engine::Bisection(tree)) = effort.closed_by else { panic!("nothing says why") };
                num_split += usize::from(tree.len() > 2);
                num_closed += 1;
                continue;
            };
            num_found += 1;
            let block_of = check_partition(&instance, &block_of.into_iter().map(count).collect::<Vec<_>>());
            let costs = partition_costs(&instance, &block_of.expect("it is acyclic"));
            assert_eq!(bottleneck(&costs), best, "case {case}");
        }
    }
    assert!(num_found > 1000 && num_closed > 1000 && num_split > 300, "{num_found} {num_closed} {num_split}");
}

/// The least mean of the costs of both blocks, of the partitions with nodes on their sides.
fn least_mean(instance: &Instance, side: &[Side], share: Ticks) -> Ticks {
    let num_nodes = instance.graph().num_nodes();
    let mean = |code: usize| {
        let block_of: Vec<i64> = (0..num_nodes).map(|node| count(code >> node & 1)).collect();
        let is_there = |(side, block): (&Side, &i64)| match side {
            Side::Free => true,
            Side::First => *block == 0,
            Side::Second => *block == 1,
        };
        if !side.iter().zip(&block_of).all(is_there) {
            return INFINITE;
        }
        check_partition(instance, &block_of).map_or(INFINITE, |block_of| {
            let blocks = partition_costs(instance, &block_of);
            let [first, second] = [0, 1].map(|block| blocks.get(block).map_or(0, |block| block.cost));
            share * first + (WHOLE - share) * second
        })
    };
    (0..1 << num_nodes).map(mean).min().unwrap_or(INFINITE)
}

#[test]
fn a_flow_that_goes_on_is_the_least_mean_each_time() {
    let mut num_put = 0;
    for (case, instance, _, mut random) in cases(800) {
        let network = Network::new(&instance);
        let (mut dinic, mut steps) = (Dinic::new(network.num_vertices()), 0);
        let mut flow = network.begin(random.random_range(0..=WHOLE));
        for _ in 0..6 {
            network.augment(&mut flow, &mut dinic, INFINITE);
            assert_eq!(flow.value, least_mean(&instance, &flow.side, flow.share), "case {case}");
            for first_block in network.first_blocks(&flow, &mut steps) {
                let side: Vec<Side> =
                    first_block.iter().map(|&is_first| if is_first { Side::First } else { Side::Second }).collect();
                assert_eq!(least_mean(&instance, &side, flow.share), flow.value, "case {case}");
            }
            if random.random() {
                network.set_share(&mut flow, random.random_range(0..=WHOLE));
            }
            // Any node whose neighbours on the way are where it needs them.
            let graph = instance.graph();
            let free = graph.nodes().find(|v| {
                flow.side[v.index()] == Side::Free && graph.producers(*v).all(|u| flow.side[u.index()] == Side::First)
            });
            if let Some(node) = free.filter(|_| random.random()) {
                flow.put(node.index(), Side::First);
                num_put += 1;
            }
        }
    }
    assert!(num_put > 300, "{num_put}");
}

#[test]
fn few_steps_and_few_bytes_say_nothing() {
    let (params, interrupt) = (ExactParams::default(), Interrupt::never());
    let mut halts = [0; 2];
    for (_, instance, best, _) in cases(200).filter(|each| each.2 > 0) {
        let query = Query { instance: &instance, threshold: best, params: &params, interrupt: &interrupt };
        halts[0] += usize::from(bisect(&query, &mut Effort::new(1 << 26, 10)) == Err(Halt::Steps));
        halts[1] += usize::from(bisect(&query, &mut Effort::new(1, 1 << 30)) == Err(Halt::Memory));
    }
    assert!(halts[0] > 50 && halts[1] > 5, "{halts:?}");
    let raised = Interrupt::never();
    raised.raise();
    let instance = crate::cases::loose_nodes(&[1.0, 1.0, 1.0], 2);
    let query = Query { instance: &instance, threshold: 2 << 40, params: &params, interrupt: &raised };
    assert_eq!(bisect(&query, &mut Effort::new(1 << 20, 1 << 30)), Err(Halt::Interrupted));
}
