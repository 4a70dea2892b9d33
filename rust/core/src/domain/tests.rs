//! What is said of unlike stages against trying every partition.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{DomainCache, Domains, Known, Order, PrefixWeights, incompatibility, node_weights};
use crate::cases::{random_together, random_unlike, small_params};
use crate::cost::{INFINITE, Instance, Ticks, bottleneck, check_partition, partition_costs};
use crate::ids::{NodeId, count};
use crate::interrupt::Interrupt;
use crate::query::{DomainParams, ExactParams, Query};
use crate::reduce::reduce;

/// A partition, and what its blocks cost.
type Priced = (Vec<usize>, Vec<Ticks>);

/// All partitions within the limits.
fn partitions(instance: &Instance) -> Vec<Priced> {
    let (num_nodes, blocks) = (instance.graph().num_nodes(), instance.num_blocks());
    let mut all = Vec::new();
    for code in 0..blocks.pow(u32::try_from(num_nodes).expect("few")) {
        let block = |node: usize| count(code / blocks.pow(u32::try_from(node).expect("few")) % blocks);
        let Ok(block_of) = check_partition(instance, &(0..num_nodes).map(block).collect::<Vec<_>>()) else { continue };
        let costs = partition_costs(instance, &block_of);
        if bottleneck(&costs) < INFINITE {
            all.push((block_of, costs.iter().map(|block| block.cost).collect()));
        }
    }
    all
}

fn worst((_, costs): &Priced) -> Ticks {
    costs.iter().copied().max().unwrap_or(0)
}

/// Whether windows, weights and prefix weights are true of a partition.
fn are_true(
    instance: &Instance,
    (block_of, costs): &Priced,
    Known { windows, weights }: &Known,
    prefixes: Option<&PrefixWeights>,
) -> bool {
    let mut sums = vec![0; instance.num_blocks()];
    let mut is_in = true;
    for (node, &block) in block_of.iter().enumerate() {
        is_in &= (windows.earliest[node]..=windows.latest[node]).contains(&(block + 1));
        sums[block] += weights[node];
    }
    let takes = |block: usize, cost: Ticks| instance.weigh(instance.kind_of(block), cost);
    let is_paid = costs.iter().enumerate().all(|(block, &cost)| sums[block] <= takes(block, cost));
    let is_spread = prefixes.is_none_or(|PrefixWeights { least, most }| {
        let sums = (0..=sums.len()).map(|end| sums[..end].iter().sum::<Ticks>());
        sums.enumerate().all(|(end, sum)| (least[end]..=most[end]).contains(&sum))
    });
    is_in && is_paid && is_spread
}

#[test]
fn domains_and_weights_are_true_of_every_better_partition() {
    let (mut num_some, mut num_none, mut num_pairs, mut num_narrow, mut num_raised) = (0, 0, 0, 0, 0);
    let interrupt = Interrupt::never();
    for case in 0..500 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = [(6, 3), (5, 4), (4, 4), (7, 2)][random.random_range(0..4)];
        let instance = random_unlike(&mut random, num_nodes, num_blocks);
        let mut all = partitions(&instance);
        let best = all.iter().map(worst).min().unwrap_or(1 << 53);
        let unit = (best / 12).max(1);
        let threshold = (best + 1 + random.random_range(-3..6) * unit).max(1);
        let params = small_params();
        let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
        let nothing = Known::nothing(&instance);
        assert!(all.iter().all(|priced| are_true(&instance, priced, &nothing, None)), "case {case}");
        all.retain(|priced| worst(priced) < threshold);
        let found = Domains::new(&query, nothing.clone());
        let found = found.and_then(|known| known.by_cuts(&query, 1 << 30, &mut 0).expect("no interrupt").ok());
        let Some(domains) = found else {
            num_none += usize::from(best < 1 << 53);
            assert!(all.is_empty(), "case {case}");
            continue;
        };
        num_some += usize::from(!all.is_empty());
        num_pairs += domains.incompatible.len();
        num_narrow += usize::from(domains.known.windows != nothing.windows);
        num_raised += usize::from(domains.known.weights != nothing.weights && instance.num_kinds() > 1);
        let rows = incompatibility(instance.graph(), &domains.incompatible, usize::MAX);
        let mut weights = Vec::new();
        for order in [Order::Forward, Order::Backward, Order::Outward] {
            for (steps, rows) in [(1 << 30, &*rows), (random.random_range(0..300), &[])] {
                let windows = &domains.known.windows;
                let found =
                    node_weights(&query, rows, windows, order, &mut { steps }, &mut Vec::new()).expect("no interrupt");
                assert!(found.is_some() || all.is_empty(), "case {case}");
                weights.extend(found.map(|found| Known { windows: windows.clone(), weights: found.weights }));
            }
        }
        for priced in &all {
            assert!(are_true(&instance, priced, &domains.known, Some(&domains.prefixes)), "case {case}");
            assert!(weights.iter().all(|known| are_true(&instance, priced, known, None)), "case {case}");
            let is_apart = |&(u, v): &(NodeId, NodeId)| priced.0[u.index()] < priced.0[v.index()];
            assert!(domains.incompatible.iter().all(is_apart), "case {case}");
        }
    }
    let counts = [num_some, num_none, num_pairs, num_narrow, num_raised];
    assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
}

#[test]
fn what_is_kept_holds_for_quotients_of_unlike_stages() {
    let interrupt = Interrupt::never();
    let (mut num_kept, mut num_further) = (0, 0);
    let [few, all] = [1000, 0].map(|near| ExactParams {
        domain: DomainParams { near: [near; 2], ..small_params().domain },
        ..small_params()
    });
    for case in 0..150 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
        let (num_nodes, num_blocks) = [(6, 3), (5, 4), (7, 2)][random.random_range(0..3)];
        let instance = random_together(&mut random, num_nodes, num_blocks);
        let Some(best) = partitions(&instance).iter().map(worst).min() else { continue };
        let (params, cache) = (small_params(), DomainCache::default());
        for _ in 0..4 {
            let threshold = (best + 1 + random.random_range(-2..6) * (best / 12).max(1)).max(1);
            let reduction = reduce(&instance, threshold, &interrupt).expect("no interrupt");
            assert!(reduction.infeasible_group.is_none() || best >= threshold, "case {case}");
            if reduction.infeasible_group.is_some() {
                continue;
            }
            let (quotient, group_of) = (&*reduction.instance, &reduction.group_of);
            let query = Query { instance: quotient, threshold, params: &params, interrupt: &interrupt };
            let mut all_known = vec![cache.above(quotient, group_of, threshold).known];
            let [in_few, in_all] = [&few, &all].map(|params| Query { params, ..query });
            let first = cache.ask(&in_few, group_of, 1 << 20, &mut 0).expect("no interrupt");
            let share = first.as_ref().map_or(0, |domains| domains.share());
            // Of weights in one order at first, and then in the others.
            let mut arcs = 0;
            let further = cache.ask_further(&in_all, group_of, 1 << 20, &mut arcs).expect("no interrupt");
            num_further += usize::from(first.is_ok() && arcs > 0);
            for found in [first, further] {
                match found {
                    Ok(domains) => {
                        assert!(domains.share() >= share, "case {case}");
                        all_known.push(domains.known.clone());
                    }
                    Err(_) => assert!(best >= threshold, "case {case}"),
                }
            }
            for priced in partitions(quotient).iter().filter(|priced| worst(priced) < threshold) {
                num_kept += 1;
                assert!(all_known.iter().all(|known| are_true(quotient, priced, known, None)), "case {case}");
            }
        }
    }
    assert!(num_kept > 300 && num_further > 50, "{num_kept} {num_further}");
}
