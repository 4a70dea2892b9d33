//! The tensors that each node of an order produces or reads, and the slot of each tensor's word on the frontier.

use super::crossing::{MAX_SPAN, Touch};
use super::resources::Resources;
use crate::domain::Windows;
use crate::order::TopologicalOrder;
use crate::query::Query;

/// By node of an order, the tensors that it produces or reads; and the number of slots. None when windows are too wide.
pub(super) fn plan<const ONE: bool>(
    query: &Query<'_>,
    windows: &Windows,
    order: &TopologicalOrder,
    resources: &Resources<'_>,
) -> Option<(Vec<Vec<Touch>>, usize)> {
    let (instance, graph) = (query.instance, query.instance.graph());
    let view = instance.view(0);
    let mut rest = vec![None; graph.num_tensors()];
    let mut touches = Vec::with_capacity(graph.num_nodes());
    for &node in order.nodes().iter().rev() {
        let made = graph.produces(node).iter().filter(|x| !graph.consumers(**x).is_empty());
        let tensors = made.map(|&x| (x, true)).chain(graph.reads(node).iter().map(|&x| (x, false)));
        let touched_by: Vec<Touch> = tensors
            .map(|(tensor, is_produced)| {
                let is_free = graph.producer(tensor).is_none() && !instance.boundary_io();
                let [import, export] =
                    [view.transfer(tensor), view.export(tensor)].map(|c| if is_free { 0 } else { c });
                Touch {
                    slots: [None; 2],
                    word: 0,
                    tensor,
                    is_paid: if ONE { import > 0 || export > 0 } else { resources.is_paid(tensor) },
                    import,
                    export,
                    is_produced,
                    bases: [0; 2],
                    rest: rest[tensor.index()],
                }
            })
            .collect();
        let window = (windows.earliest[node.index()], windows.latest[node.index()]);
        for &x in graph.reads(node) {
            let (first, last) = rest[x.index()].unwrap_or(window);
            rest[x.index()] = Some((first.min(window.0), last.max(window.1)));
        }
        touches.push(touched_by);
    }
    touches.reverse();
    let num_slots = give_slots::<ONE>(query, windows, order, resources, &mut touches)?;
    Some((touches, num_slots))
}

/// Assigns a slot to each tensor between its first touch and its last, except where its word is constant.
fn give_slots<const ONE: bool>(
    query: &Query<'_>,
    windows: &Windows,
    order: &TopologicalOrder,
    resources: &Resources<'_>,
    touches: &mut [Vec<Touch>],
) -> Option<usize> {
    let (mut free, mut num_slots, mut pays) = (Vec::new(), 0, Vec::new());
    // Per tensor: the words that it can have, none when they are many; the block of their lowest bit; its slot.
    let mut places = vec![(Some(vec![0]), 0, None); query.instance.graph().num_tensors()];
    for (&node, touched) in order.nodes().iter().zip(touches) {
        let mut given_up = Vec::new();
        for touch in touched.iter_mut() {
            let (words, base, slot) = &mut places[touch.tensor.index()];
            if touch.rest.is_some_and(|(first, last)| last >= first + MAX_SPAN) {
                return None;
            }
            touch.bases = [*base, touch.rest.map_or(0, |(first, _)| first)];
            touch.slots[0] = *slot;
            touch.word = words.as_ref().map_or(0, |words| words[0]);
            *words = words.take().and_then(|words| {
                let blocks = windows.earliest[node.index()]..=windows.latest[node.index()];
                let blocks = blocks.filter(|&block| query.instance.may_be(node, block - 1));
                let pairs = words.iter().flat_map(|&word| blocks.clone().map(move |block| (word, block)));
                let mut after: Vec<u64> =
                    pairs.filter_map(|(word, block)| touch.advance::<ONE>(resources, word, block, &mut pays)).collect();
                pays.clear();
                after.sort_unstable();
                after.dedup();
                (1..=query.params.labeling.max_words).contains(&after.len()).then_some(after)
            });
            if touch.rest.is_none() {
                *words = Some(vec![0]);
            }
            *base = touch.bases[1];
            if words.as_ref().is_some_and(|words| words.len() == 1) {
                given_up.extend(slot.take());
            } else if slot.is_none() {
                *slot = free.pop().or_else(|| {
                    num_slots += 1;
                    Some(num_slots - 1)
                });
            }
            touch.slots[1] = *slot;
        }
        free.append(&mut given_up);
    }
    Some(num_slots)
}
