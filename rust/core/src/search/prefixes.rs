//! Prefixes: where an order can be cut cheaply.
//!
//! The best slicing of an order has `k - 1` cuts, but each prefix of the order is a downset, and another partition may
//! lack just that one. The cheapest prefixes, here and there, are put together with the cuts of all others
//! (`cuts.rs`): also those of orders that are no good as a whole. In networks of layers, where a cut can be moved along
//! (`repeats.rs`), that is worth the time.

use crate::cost::{Instance, Ticks};
use crate::ids::{count, float, narrow, ticks};
use crate::order::TopologicalOrder;

/// The cheapest prefix in each of so many parts of an order per block, of equal load, the first of equals, as a partition
/// into more blocks than the instance has; `offset`, in [0, 1), says where parts begin.
///
/// A prefix costs what the tensors transfer that nodes of it make and others read.
///
/// # Complexity
/// O(nodes + tensors + reads).
pub(super) fn cheap_prefixes(
    instance: &Instance,
    order: &TopologicalOrder,
    per_block: usize,
    offset: f64,
) -> Vec<usize> {
    let graph = instance.graph();
    let num_parts = per_block * instance.num_blocks();
    let scale = float(count(num_parts)) / float(instance.only().total_load().max(1));
    let mut unread: Vec<u32> = graph.tensors().map(|x| narrow(graph.consumers(x).len())).collect();
    // By part: what the cheapest prefix costs, and its length.
    let mut cheapest = vec![(Ticks::MAX, 0); num_parts + 2];
    let (mut cost, mut load) = (0, 0);
    for (place, &node) in order.nodes().iter().enumerate() {
        let read_later = instance.paid_produces(node).iter().filter(|x| unread[x.index()] > 0);
        cost += read_later.map(|&x| instance.only().transfer(x)).sum::<Ticks>();
        for &x in instance.paid_reads(node) {
            unread[x.index()] -= 1;
            if unread[x.index()] == 0 && graph.producer(x).is_some() {
                cost -= instance.only().transfer(x);
            }
        }
        load += instance.only().load(node);
        let part = usize::try_from(ticks((float(load) * scale + offset).floor())).unwrap_or(num_parts);
        if cost < cheapest[part].0 {
            cheapest[part] = (cost, place + 1);
        }
    }
    let mut block_of = vec![0; graph.num_nodes()];
    let mut ends = cheapest.into_iter().map(|(_, length)| length).filter(|&length| length > 0).peekable();
    let mut block = 0;
    for (place, node) in order.nodes().iter().enumerate() {
        if ends.next_if(|&end| end <= place).is_some() {
            block += 1;
        }
        block_of[node.index()] = block;
    }
    block_of
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::RngExt;

    use super::super::streams::stream;
    use super::*;
    use crate::cases::random_instance;

    #[test]
    fn each_part_has_its_cheapest_prefix() {
        let mut num_ends = 0;
        for case in 0..2000 {
            let mut random = stream(11, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..14), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let (graph, order) = (instance.graph(), TopologicalOrder::natural(instance.graph()));
            let offset: f64 = random.random();
            let cost = |length: usize| -> Ticks {
                let is_in = |node| order.nodes()[..length].contains(&node);
                let is_live = |x: &_| {
                    graph.producer(*x).is_some_and(is_in)
                        && graph.consumers(*x).iter().any(|&consumer| !is_in(consumer))
                };
                graph.tensors().filter(is_live).map(|x| instance.only().transfer(x)).sum()
            };
            let mut cheapest: BTreeMap<i64, (Ticks, usize)> = BTreeMap::new();
            for length in 1..=num_nodes {
                let load: Ticks = order.nodes()[..length].iter().map(|&node| instance.only().load(node)).sum();
                let share = float(load) / float(instance.only().total_load().max(1)) * float(count(2 * num_blocks));
                let best = cheapest.entry(ticks((share + offset).floor())).or_insert((Ticks::MAX, 0));
                *best = (*best).min((cost(length), length));
            }
            let block_of = cheap_prefixes(&instance, &order, 2, offset);
            let is_cut = |place: &usize| {
                let [before, after] = [place - 1, *place].map(|place| block_of[order.nodes()[place].index()]);
                assert!(before == after || before + 1 == after, "case {case}");
                before < after
            };
            let cuts: Vec<usize> = (1..num_nodes).filter(is_cut).collect();
            let ends: Vec<usize> =
                cheapest.into_values().map(|(_, length)| length).filter(|&l| l < num_nodes).collect();
            assert_eq!(cuts, ends, "case {case}");
            num_ends += ends.len();
        }
        assert!(num_ends > 2000);
    }
}
