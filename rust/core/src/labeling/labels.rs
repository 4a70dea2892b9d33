//! Labels: what each block has paid on a path to a frontier, without those that dominance or completion bounds rule out.
//!
//! A partition whose blocks cost at most `c` is a path through the graph of frontiers (`frontier.rs`) on which no block pays more
//! than `c`, or than the capacity of any of its resources (`resources.rs`). So a frontier has *labels*: vectors of what the blocks
//! have paid so far, as in the shortest path problem with resource constraints (Desrochers, 1988). A label is dropped
//!
//! - when another one at the same frontier has paid no more in any block (dominance): every continuation of the dropped one is
//!   one of the other;
//! - when it has no continuation, by completion bounds: for the blocks `1..j`, or `j..k`, or a block alone, what they have paid and
//!   the least that they still pay on any path to the end are together more than their capacity of one kind of resource.
//!
//! The most that a block still pays on any path to the end is known, too. A block that can afford it in any case may as well have
//! paid
//!
//! ```text
//! c - (the most that it still pays)
//! ```
//!
//! already: its continuations are the same. So labels are equal in all blocks that are closed or cannot become full, which makes
//! more of them equal or dominated, and the capacity that such a block cannot use does not count in the sums over several blocks.
//!
//! A label that is dropped by dominance has a partition below the threshold among its continuations only if the one that dominates
//! it has; so no partition is missed.

use super::completion::{Completion, completions};
use super::dominance::{Origin, useful};
use super::frontier::{Arc, Frontiers, Layer};
use super::resources::Resources;
use crate::cost::Ticks;
use crate::ids::{NodeId, count, narrow, wide};
use crate::query::{Effort, Halt, Query};
use crate::threads;

/// The labels of a layer, one frontier after the other.
struct Labels {
    /// What each block from the first to the last has paid of each resource, label by label.
    costs: Vec<Ticks>,
    /// The first label of each frontier, and the end.
    begins: Vec<u32>,
}

/// Sets labels layer by layer; a partition below the threshold, by node, or none when there is none on these frontiers.
///
/// # Errors
/// [`Halt`], when the effort is used up or the interrupt was raised.
pub(super) fn set_labels<const ONE: bool>(
    query: &Query<'_>,
    frontiers: &Frontiers,
    resources: &Resources<'_>,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    let completions = completions::<ONE>(query, frontiers, resources, effort)?;
    if !completions[0].can_end[0] {
        return Ok(None);
    }
    let costs = completions[0].starts(resources).to_vec();
    let mut labels = Labels { costs, begins: vec![0, 1] };
    let mut origins: Vec<Vec<Origin>> = Vec::with_capacity(frontiers.layers.len());
    let nodes = frontiers.order.nodes().iter();
    for ((layer, ends), &node) in frontiers.layers.iter().zip(completions.windows(2)).zip(nodes) {
        query.interrupt.check(0)?;
        let step = Step { query, resources, node, layer, before: &ends[0], after: &ends[1] };
        let (next, from) = step.next::<ONE>(&labels, effort)?;
        if from.is_empty() {
            return Ok(None);
        }
        effort.take(size_of_val(&from[..]))?;
        origins.push(from);
        labels = next;
    }
    let mut block_of = vec![0; origins.len()];
    let mut at = 0;
    for (&node, from) in frontiers.order.nodes().iter().zip(&origins).rev() {
        let (before, block) = from[at];
        block_of[node.index()] = wide(block) - 1;
        at = wide(before);
    }
    Ok(Some(block_of))
}

/// The step from the labels before a node to those after it.
struct Step<'a> {
    query: &'a Query<'a>,
    resources: &'a Resources<'a>,
    node: NodeId,
    layer: &'a Layer,
    before: &'a Completion,
    after: &'a Completion,
}

impl Step<'_> {
    /// The labels after the node, and their origins.
    fn next<const ONE: bool>(&self, labels: &Labels, effort: &mut Effort) -> Result<(Labels, Vec<Origin>), Halt> {
        let (params, after) = (&self.query.params.labeling, self.after);
        let mut arcs: Vec<&Arc> = self.layer.arcs.iter().filter(|arc| after.can_end[wide(arc.to)]).collect();
        arcs.sort_by_key(|arc| arc.to);
        let num_labels = |arc: &Arc| wide(labels.begins[wide(arc.from) + 1]) - wide(labels.begins[wide(arc.from)]);
        let num_tried: usize = arcs.iter().map(|arc| num_labels(arc)).sum();
        if num_tried * (after.len() * size_of::<Ticks>() + size_of::<Origin>()) > effort.bytes() {
            return Err(Halt::Memory);
        }
        effort.counts.transitions += count(num_tried).unsigned_abs();
        effort.work(params.label_steps * count(num_tried * after.len()).unsigned_abs())?;
        let groups: Vec<&[&Arc]> = arcs.chunk_by(|one, other| one.to == other.to).collect();
        let reach = |group: &&[&Arc]| self.reach::<ONE>(group, labels);
        let found: Vec<(Vec<Ticks>, Vec<Origin>)> = if num_tried < params.parallel {
            groups.iter().map(reach).collect()
        } else {
            threads::each(&groups, reach)
        };
        let mut next = Labels { costs: Vec::new(), begins: vec![0] };
        let mut origins = Vec::new();
        for (group, (costs, from)) in groups.iter().zip(found) {
            next.begins.resize(wide(group[0].to) + 1, narrow(origins.len()));
            next.costs.extend(costs);
            origins.extend(from);
        }
        next.begins.resize(after.can_end.len() + 1, narrow(origins.len()));
        effort.counts.downsets += count(origins.len()).unsigned_abs();
        Ok((next, origins))
    }

    /// The labels at one frontier, over all arcs to it, and their origins.
    fn reach<const ONE: bool>(&self, arcs: &[&Arc], labels: &Labels) -> (Vec<Ticks>, Vec<Origin>) {
        let Self { resources, layer, before, after, .. } = *self;
        let pitch = if ONE { 1 } else { resources.pitch };
        let (capacity, len, len_before) = (resources.capacity, after.len(), before.len());
        let [_, _, alone, most] = after.of(arcs[0].to);
        // What the blocks of both labels have paid, from the first before the node to the last after it.
        let mut all = vec![0; (after.last + 1 - before.first) * pitch];
        let fresh = &resources.starts[(before.last + 1) * pitch..(after.last + 1) * pitch];
        let skipped = (after.first - before.first) * pitch;
        let (mut costs, mut origins) = (Vec::new(), Vec::new());
        for arc in arcs {
            let [begin, end] = [0, 1].map(|more| wide(labels.begins[wide(arc.from) + more]));
            for label in begin..end {
                all[..len_before].copy_from_slice(&labels.costs[label * len_before..][..len_before]);
                all[len_before..].copy_from_slice(fresh);
                for &(resource, amount) in layer.pays(arc) {
                    all[resource - before.first * pitch] += amount;
                }
                if !ONE {
                    resources.enliven(self.node, wide(arc.block), before.first, &mut all);
                }
                let (closed, open) = all.split_at_mut(skipped);
                if ONE {
                    for (paid, most) in open.iter_mut().zip(most) {
                        *paid = (*paid).max(capacity - most);
                    }
                } else {
                    if !resources.has_room(closed, None) || !resources.has_room(open, Some(alone)) {
                        continue;
                    }
                    resources.fill_up(after.first, open, most);
                }
                if closed.iter().all(|&paid| paid <= capacity) && after.can_pay::<ONE>(resources, open, arcs[0].to) {
                    costs.extend_from_slice(open);
                    origins.push((narrow(label), arc.block));
                }
            }
        }
        useful(&costs, &origins, len)
    }
}
