//! Apart: two nodes, one before the other, that no block below a threshold can hold both.
//!
//! **Claim.** Let `u` come before `v`, and let a minimum cut say that every block with both costs at least `T` (`flow`).
//! Then in a partition better than `T` the block of `u` comes before that of `v`.
//!
//! **Proof.** It is not after it, since the partition is acyclic, and not the same, which would cost `T`.
//!
//! **Monotony.** A block that holds `u` and `v` holds what lies between them. So with `u` and `v` everything before `u` is
//! apart from everything after `v`, and it is enough to list the *least* pairs: those with nothing between them that is
//! apart from either. For each `u`, from the last node on, what is apart from a successor is apart from `u`; of the rest the
//! latest nodes are asked about first, since with one that is not apart from `u` all between the two are not.

use crate::bits::{has, insert, nothing, unite};
use crate::cost::{Instance, Ticks};
use crate::flow::{AFTER, BEFORE, Network};
use crate::ids::{NodeId, wide};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::TopologicalOrder;
use crate::quotient::Quotient;

/// More nodes would take more than 150 MB.
const MAX_NODES: usize = 20_000;
/// Arcs that may be looked at, about half a second's.
const STEPS: u64 = 1 << 26;

/// The least pairs of nodes that are apart: the first of each comes before the second. `known` are some that are, as of a
/// higher threshold. Where that takes too long, those of the last nodes, and the known ones; none of a graph that is too
/// large.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes) minimum cuts, about ten per node, each of which looks only at what costs less than the threshold around the two;
/// 3/8 nodes^2 bytes, and as many steps.
pub fn apart(
    instance: &Instance,
    threshold: Ticks,
    known: &[(NodeId, NodeId)],
    interrupt: &Interrupt,
) -> Result<Vec<(NodeId, NodeId)>, Interrupted> {
    let (quotient, graph) = (Quotient::new(instance), instance.graph());
    if graph.num_nodes() > MAX_NODES {
        return Ok(Vec::new());
    }
    let mut network = Network::new(&quotient);
    let order = TopologicalOrder::natural(graph);
    let order = order.nodes();
    let mut place = vec![0; order.len()];
    for (index, node) in order.iter().enumerate() {
        place[node.index()] = index;
    }
    let successors = |index: usize| graph.successors(order[index]).iter().map(|successor| place[successor.index()]);

    // By place: the place itself and what comes before it, the place itself and what comes after it, what is apart from it.
    let mut before = vec![nothing(order.len()); order.len()];
    for index in 0..order.len() {
        insert(&mut before[index], index);
        for successor in successors(index) {
            let (here, there) = before.split_at_mut(successor);
            unite(&mut there[0], &here[index]);
        }
    }
    let mut after = vec![nothing(order.len()); order.len()];
    let mut apart = after.clone();
    let mut known_of = vec![Vec::new(); order.len()];
    for (first, last) in known {
        known_of[place[first.index()]].push(place[last.index()]);
    }
    let mut pairs = Vec::new();
    for first in (0..order.len()).rev() {
        interrupt.check(0)?;
        if network.steps() > STEPS {
            let rest = known_of[..=first].iter().enumerate();
            pairs.extend(rest.flat_map(|(first, known)| known.iter().map(move |&last| (first, last))));
            break;
        }
        for successor in successors(first) {
            for rows in [&mut after, &mut apart] {
                let (here, there) = rows.split_at_mut(successor);
                unite(&mut here[first], &there[0]);
            }
        }
        insert(&mut after[first], first);
        let mut news = std::mem::take(&mut known_of[first]);
        news.retain(|&last| !has(&apart[first], last));
        for &last in &news {
            unite(&mut apart[first], &after[last]);
        }
        let (after, far) = (&after[first], &mut apart[first]);
        let mut near = nothing(order.len());
        insert(&mut near, first);
        while let Some(last) = last_of(after, |word| !(far[word] | near[word])) {
            let (before, both) = (&before[last], |word: usize| before[last][word]);
            let side = |node: usize| {
                let [is_before, is_after] = [before, after].map(|row| has(row, place[node]));
                (u8::from(is_before) * BEFORE) | (u8::from(is_after) * AFTER)
            };
            let between = places(after, both).map(|index| order[index].index());
            if network.least_cost_among(between, threshold, side) >= threshold {
                insert(far, last);
                news.push(last);
            } else {
                network.cheapest().for_each(|node| insert(&mut near, place[node]));
                places(after, both).for_each(|index| insert(&mut near, index));
            }
        }
        // Nothing before the last one is apart from the first one but itself.
        let is_least = |&last: &usize| places(far, |word| before[last][word]).nth(1).is_none();
        pairs.extend(news.into_iter().filter(is_least).map(|last| (first, last)));
    }
    Ok(pairs.into_iter().map(|(first, last)| (order[first], order[last])).collect())
}

/// The last place of a row that is in a mask.
fn last_of(row: &[u64], mask: impl Fn(usize) -> u64) -> Option<usize> {
    let word = (0..row.len()).rfind(|&word| row[word] & mask(word) != 0)?;
    Some(64 * word + wide((row[word] & mask(word)).ilog2()))
}

/// The places of a row that are in a mask.
fn places(row: &[u64], mask: impl Fn(usize) -> u64) -> impl Iterator<Item = usize> {
    row.iter().enumerate().flat_map(move |(word, &bits)| {
        let mut left = bits & mask(word);
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| wide(left.trailing_zeros()))?;
            left &= left - 1;
            Some(64 * word + bit)
        })
    })
}
