//! Incompatible pairs: two nodes, one before the other, that no block below a threshold can hold both.
//!
//! **Claim.** Let `u` be an ancestor of `v`, and let a minimum cut show that every block with both costs at least `T` (`flow`), on
//! each kind of device of which some stage may hold both and all nodes between. Then in a partition below `T` the block of `u` is
//! before that of `v`.
//!
//! **Proof.** It is not after it, since the partition is acyclic, and not the same, since that would cost `T`. A block with both
//! holds all nodes between them.
//!
//! **Monotonicity.** A block that holds `u` and `v` holds all nodes between them. So if `u` and `v` are incompatible, every ancestor
//! of `u` is incompatible with every descendant of `v`, and it is enough to list the *least* pairs: those without a node between
//! that is incompatible with either. The nodes `u` are visited from the last one on: a node that is incompatible with a successor
//! of `u` is incompatible with `u`. Of the others the latest are tried first: if one is compatible with `u`, so are all nodes
//! between the two.

use crate::bits::{has, insert, nothing, unite};
use crate::cost::Instance;
use crate::flow::{AFTER, BEFORE, Networks};
use crate::graph::Graph;
use crate::ids::{NodeId, wide};
use crate::interrupt::Interrupted;
use crate::order::TopologicalOrder;
use crate::query::Query;
use crate::quotient::Quotient;

/// The least incompatible pairs of a query: the first node of each is an ancestor of the second. `known` are some incompatible
/// pairs, such as those of a higher threshold. When the steps run out, the result has the pairs of the last nodes and the known
/// ones; for a graph that is too large it is empty.
///
/// # Errors
/// [`Interrupted`], when the interrupt was raised first.
///
/// # Complexity
/// O(nodes) minimum cuts, about ten per node, each of which looks only at what costs less than the threshold around the two;
/// 3/8 nodes^2 bytes, and as many steps.
pub fn incompatible_pairs(
    query: &Query<'_>,
    known: &[(NodeId, NodeId)],
    arcs: &mut u64,
) -> Result<Vec<(NodeId, NodeId)>, Interrupted> {
    let graph = query.instance.graph();
    if graph.num_nodes() > query.params.domain.max_nodes {
        return Ok(Vec::new());
    }
    let quotient = Quotient::new(query.instance);
    let mut pairing = Pairing::new(query, Networks::new(&quotient));
    let mut known_of = vec![Vec::new(); pairing.order.len()];
    for (first, last) in known {
        known_of[pairing.place[first.index()]].push(pairing.place[last.index()]);
    }
    let mut pairs = Vec::new();
    for first in (0..pairing.order.len()).rev() {
        query.interrupt.check(0)?;
        if pairing.networks.steps() > query.params.domain.pair_steps {
            let rest = known_of[..=first].iter().enumerate();
            pairs.extend(rest.flat_map(|(first, known)| known.iter().map(move |&last| (first, last))));
            break;
        }
        let least = pairing.pairs_of(first, std::mem::take(&mut known_of[first]));
        pairs.extend(least.into_iter().map(|last| (first, last)));
    }
    *arcs += pairing.networks.steps();
    let order = pairing.order;
    Ok(pairs.into_iter().map(|(first, last)| (order[first], order[last])).collect())
}

/// The search for pairs, one node after the other, from the last on. Nodes are given by their place in a topological order.
struct Pairing<'q, 'a> {
    threshold: i64,
    instance: &'a Instance,
    networks: Networks<'q, 'a>,
    order: Vec<NodeId>,
    place: Vec<usize>,
    /// The place itself and what comes before it.
    before: Vec<Vec<u64>>,
    /// The place itself and what comes after it, of places that have been asked about.
    after: Vec<Vec<u64>>,
    /// What comes after it and is incompatible with it.
    incompatible: Vec<Vec<u64>>,
}

impl<'q, 'a> Pairing<'q, 'a> {
    fn new(query: &Query<'a>, networks: Networks<'q, 'a>) -> Self {
        let graph = query.instance.graph();
        let order = TopologicalOrder::natural(graph).nodes().to_vec();
        let mut place = vec![0; order.len()];
        for (index, node) in order.iter().enumerate() {
            place[node.index()] = index;
        }
        let mut before = vec![nothing(order.len()); order.len()];
        for index in 0..order.len() {
            insert(&mut before[index], index);
            for successor in graph.successors(order[index]).iter().map(|successor| place[successor.index()]) {
                let (here, there) = before.split_at_mut(successor);
                unite(&mut there[0], &here[index]);
            }
        }
        let after = vec![nothing(order.len()); order.len()];
        let incompatible = after.clone();
        Self {
            threshold: query.threshold,
            instance: query.instance,
            networks,
            order,
            place,
            before,
            after,
            incompatible,
        }
    }

    /// The last places of the least pairs of `first`, some of which are known.
    fn pairs_of(&mut self, first: usize, mut last_places: Vec<usize>) -> Vec<usize> {
        for successor in self.instance.graph().successors(self.order[first]).iter().map(|next| self.place[next.index()])
        {
            for rows in [&mut self.after, &mut self.incompatible] {
                let (here, there) = rows.split_at_mut(successor);
                unite(&mut here[first], &there[0]);
            }
        }
        insert(&mut self.after[first], first);
        last_places.retain(|&last| !has(&self.incompatible[first], last));
        for &last in &last_places {
            unite(&mut self.incompatible[first], &self.after[last]);
        }
        let Self { networks, order, place, before, threshold, instance, .. } = self;
        let (after, row) = (&self.after[first], &mut self.incompatible[first]);
        let mut compatible = nothing(order.len());
        insert(&mut compatible, first);
        while let Some(last) = last_of(after, |word| !(row[word] | compatible[word])) {
            let (before, both) = (&before[last], |word: usize| before[last][word]);
            let side = |node: usize| {
                let [is_before, is_after] = [before, after].map(|row| has(row, place[node]));
                (u8::from(is_before) * BEFORE) | (u8::from(is_after) * AFTER)
            };
            let between = || places(after, both).map(|index| order[index]);
            let is_below = |&kind: &usize| {
                let sources = between().map(NodeId::index);
                networks.on(kind).least_cost_among(sources, *threshold, side) < *threshold
            };
            if let Some(kind) = kinds_for(instance, between()).find(is_below) {
                networks.on(kind).cheapest().for_each(|node| insert(&mut compatible, place[node]));
                places(after, both).for_each(|index| insert(&mut compatible, index));
            } else {
                insert(row, last);
                last_places.push(last);
            }
        }
        // Nothing before the last one is incompatible with the first one but itself.
        last_places.retain(|&last| places(row, |word| before[last][word]).nth(1).is_none());
        last_places
    }
}

/// The kinds of device of which some stage may hold all of these nodes.
fn kinds_for(instance: &Instance, nodes: impl Iterator<Item = NodeId>) -> impl Iterator<Item = usize> {
    let kinds = instance.allowed().map_or(instance.used_kinds(), |allowed| {
        let mut stages = vec![u64::MAX; instance.num_blocks().div_ceil(64)];
        for node in nodes {
            stages.iter_mut().zip(allowed.of(node)).for_each(|(word, other)| *word &= other);
        }
        instance.kinds_of(&stages)
    });
    (0..instance.num_kinds()).filter(move |kind| kinds >> kind & 1 == 1)
}

/// Per node, the nodes that are incompatible with it, before it or after it, as bits; `pairs` are the least ones. None for a
/// graph of more than `max_nodes` nodes.
///
/// # Complexity
/// 3/8 nodes^2 bytes, and edges x nodes / 64 steps.
#[must_use]
pub fn incompatibility(graph: &Graph, pairs: &[(NodeId, NodeId)], max_nodes: usize) -> Vec<Vec<u64>> {
    let num_nodes = graph.num_nodes();
    if num_nodes > max_nodes {
        return Vec::new();
    }
    let mut incompatible = vec![nothing(num_nodes); num_nodes];
    let mut order = TopologicalOrder::natural(graph).nodes().to_vec();
    for is_after in [true, false] {
        order.reverse();
        let mut next = vec![Vec::new(); num_nodes];
        let mut least = next.clone();
        for u in graph.nodes() {
            for &v in graph.successors(u) {
                let (from, to) = if is_after { (u, v) } else { (v, u) };
                next[from.index()].push(to.index());
            }
        }
        for &(u, v) in pairs {
            let (from, to) = if is_after { (u, v) } else { (v, u) };
            least[from.index()].push(to.index());
        }
        // The node itself with all on that side of it, and those of them that are incompatible with it.
        let mut side = vec![nothing(num_nodes); num_nodes];
        let mut rows = side.clone();
        for node in order.iter().map(|node| node.index()) {
            let (mut here, mut row) = (nothing(num_nodes), nothing(num_nodes));
            insert(&mut here, node);
            for &other in &next[node] {
                unite(&mut here, &side[other]);
                unite(&mut row, &rows[other]);
            }
            least[node].iter().for_each(|&other| unite(&mut row, &side[other]));
            unite(&mut incompatible[node], &row);
            (side[node], rows[node]) = (here, row);
        }
    }
    incompatible
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
