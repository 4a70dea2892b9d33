//! Contraction: a coarser graph in which a search finds at once what communication is worth.
//!
//! In most networks a node reads what one other makes, and sends on no more than that: an activation, a normalization, a
//! convolution. To cut between the two gains nothing but balance. Such pairs are merged as `pull` and `push` (`reduce`) do,
//! but whatever work they move to another block, as long as groups stay small parts of a block. A quarter of the nodes is
//! left as a rule, and every part of a round is as much faster; what balance asks for is found afterwards, on the graph itself.
//!
//! Not a reduction: the best partition may cut a group. But no block has to pay more for communication than in it.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::params::ContractionParams;
use crate::cost::{Instance, Ticks, View};
use crate::ids::NodeId;
use crate::interrupt::Interrupt;

/// The group of every node, and the graph of groups of at most so much work; none where that is hardly smaller, or when
/// `interrupt` was raised first.
///
/// # Complexity
/// O(nodes + reads) but for sorting, in each of some ten rounds on ever smaller graphs.
pub(super) fn contract(
    instance: &Instance,
    params: &ContractionParams,
    most: Ticks,
    random: &mut Xoshiro256PlusPlus,
    interrupt: &Interrupt,
) -> Option<(Vec<usize>, Instance)> {
    let num_nodes = instance.graph().num_nodes();
    let mut group_of: Vec<usize> = (0..num_nodes).collect();
    let mut coarse: Option<Instance> = None;
    loop {
        let fine = coarse.as_ref().unwrap_or(instance);
        let partners = pairs(fine, params, most, random);
        let num_merged = partners.iter().flatten().count() / 2;
        if num_merged * params.fewest_merged < partners.len().max(1) {
            break;
        }
        let (pair_of, num_pairs) = number(&partners);
        let coarser = fine.quotient(&pair_of, num_pairs, interrupt).ok()?;
        for group in &mut group_of {
            *group = pair_of[*group];
        }
        coarse = Some(coarser);
    }
    coarse
        .filter(|coarse| coarse.graph().num_nodes() * 10 <= num_nodes * params.max_left)
        .map(|coarse| (group_of, coarse))
}

/// The node that each node is merged with, if there is one.
///
/// One of two has no other neighbour on the other's side, so no way leads from one to the other past both, also when all
/// pairs are merged at once.
fn pairs(
    instance: &Instance,
    params: &ContractionParams,
    most: Ticks,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<Option<NodeId>> {
    let graph = instance.graph();
    let mut nodes: Vec<NodeId> = graph.nodes().collect();
    nodes.shuffle(random);
    let is_small = |one, other| is_small(instance, one, other, most, params.parts);
    let rises =
        |node, other| instance.views().all(|view| !may_be_on(instance, view, other) || rises(instance, view, node));
    let sinks = |node, other| {
        instance.views().all(|view| !may_be_on(instance, view, other) || sinks(instance, view, node, other))
    };
    let mut partners = vec![None; nodes.len()];
    for &node in &nodes {
        let is_free = |other: &NodeId| partners[node.index()].is_none() && partners[other.index()].is_none();
        let up = (graph.num_predecessors()[node.index()] == 1).then(|| graph.producers(node).next()).flatten();
        let up = up.filter(|&other| is_free(&other) && is_small(node, other) && rises(node, other));
        let down = || {
            let &[other] = graph.successors(node) else { return None };
            let is_merged = is_free(&other) && is_small(node, other) && sinks(node, other);
            is_merged.then_some(other)
        };
        if let Some(other) = up.or_else(down) {
            partners[node.index()] = Some(other);
            partners[other.index()] = Some(node);
        }
    }
    partners
}

/// Whether some stage of this kind may hold a node.
fn may_be_on(instance: &Instance, view: View<'_>, node: NodeId) -> bool {
    let Some(allowed) = instance.allowed() else { return true };
    allowed.stages(node).any(|stage| instance.kind_of(stage) == view.kind())
}

/// Whether two nodes may be in the same stages, and are a small part of a block on some kind: of at most so many ticks, and one
/// part of so many of the limits.
fn is_small(instance: &Instance, one: NodeId, other: NodeId, most: Ticks, parts: Ticks) -> bool {
    let is_alike = instance.allowed().is_none_or(|allowed| allowed.of(one) == allowed.of(other));
    let is_small_on = |view: View<'_>| {
        let mut held = view.held(one);
        held.add(&view.held(other));
        let busy = view.work(one) + view.work(other) + held.params;
        held.bytes = held.bytes.saturating_mul(parts.unsigned_abs());
        held.state = held.state.saturating_mul(parts.unsigned_abs());
        busy <= most && !view.is_over_limit(&held)
    };
    is_alike && instance.views().any(|view| may_be_on(instance, view, one) && is_small_on(view))
}

/// Whether no block of a kind pays more for communication when a node comes into the block of the only one that it reads
/// from.
fn rises(instance: &Instance, view: View<'_>, node: NodeId) -> bool {
    let graph = instance.graph();
    let made: Ticks = instance.paid_produces(node).iter().map(|&x| view.transfer(x)).sum();
    let is_alone = |x: &&_| graph.consumers(**x).len() == 1;
    let (own, given): (Vec<_>, Vec<_>) = instance.paid_reads(node).iter().partition(|x| graph.producer(**x).is_some());
    let saved: Ticks = own.iter().filter(is_alone).map(|&x| view.export(x)).sum();
    let inputs: Ticks = given.iter().map(|&x| view.transfer(x)).sum();
    made + inputs <= saved
}

/// The same, when it comes into the block of the only one that reads from it.
fn sinks(instance: &Instance, view: View<'_>, node: NodeId, consumer: NodeId) -> bool {
    let is_new = |x: &&_| instance.paid_reads(consumer).binary_search(x).is_err();
    let read: Ticks = instance.paid_reads(node).iter().filter(is_new).map(|&x| view.transfer(x)).sum();
    let saved: Ticks = instance.paid_produces(node).iter().map(|&x| view.export(x)).sum();
    view.load(node) - view.work(node) + read <= saved
}

/// Pairs and single nodes by number, and how many there are.
fn number(partners: &[Option<NodeId>]) -> (Vec<usize>, usize) {
    let mut pair_of = vec![usize::MAX; partners.len()];
    let mut num_pairs = 0;
    for (node, partner) in partners.iter().enumerate() {
        if pair_of[node] == usize::MAX {
            pair_of[node] = num_pairs;
            if let Some(other) = partner {
                pair_of[other.index()] = num_pairs;
            }
            num_pairs += 1;
        }
    }
    (pair_of, num_pairs)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::super::streams::stream;
    use super::*;
    use crate::cases::{least_of, random_instance_at};

    /// Where a transfer takes longer than all work together, that the best of what is left pays no more for communication
    /// shows in its bottleneck.
    #[test]
    fn communication_costs_no_more_than_in_the_best_partition() {
        let (mut num_contracted, params) = (0, ContractionParams::default());
        for case in 0..6000 {
            let mut random = stream(4, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(2..8), random.random_range(2..4));
            let instance = random_instance_at(1e-3, &mut random, num_nodes, num_blocks);
            if !instance.is_free_of_memory() {
                continue;
            }
            let Some((group_of, coarse)) = contract(
                &instance,
                &params,
                instance.only().works().iter().sum::<Ticks>(),
                &mut random,
                &Interrupt::never(),
            ) else {
                continue;
            };
            num_contracted += 1;
            let num_groups = coarse.graph().num_nodes();
            let single: Vec<usize> = (0..num_nodes).collect();
            let (least, best) = (least_of(&instance, &group_of, num_groups), least_of(&instance, &single, num_nodes));
            assert!(least <= best + instance.only().works().iter().sum::<Ticks>(), "case {case}");
        }
        assert!(num_contracted > 100);
    }

    #[test]
    fn groups_are_no_larger_than_asked_for() {
        let params = ContractionParams::default();
        for case in 0..2000 {
            let mut random = stream(5, 0, case);
            let instance = random_instance_at(1e-3, &mut random, 12, 3);
            let most = instance.only().works().iter().sum::<Ticks>() / 3;
            let Some((group_of, coarse)) = contract(&instance, &params, most, &mut random, &Interrupt::never()) else {
                continue;
            };
            for group in coarse.graph().nodes() {
                let members = group_of.iter().filter(|&&each| each == group.index()).count();
                assert!(
                    members == 1 || coarse.only().work(group) + coarse.only().params()[group.index()] <= most,
                    "case {case}"
                );
            }
        }
    }
}
