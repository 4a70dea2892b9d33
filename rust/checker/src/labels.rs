//! Rule *labels*, second part: labels. A label of a frontier is the vector of what blocks have paid on a path to it.
//!
//! **Claim.** When no label is left at some place of the order, no partition in the windows is better than the threshold. A label is
//! left out
//!
//! - when a sum of a block, or the first sums of the blocks up to one, or from one on, are more than they may be with what they
//!   must still take on any way to the end;
//! - when another one at the same frontier has paid no more in any sum: it can be continued as well.
//!
//! **Proof.** A better partition is a path through the frontiers (`frontiers.rs`) on which no sum exceeds its cap; the labels along it
//! are left out for none of these reasons but the last, and then another one can be continued to the end in its place. ∎
//!
//! What a sum takes on any way to the end at most is known, too. One that can take that anyway may as well have taken
//! `cap - most` already: it can be continued in the same ways. So labels are equal where sums are closed, or will not be full.

use crate::completion::{Bounds, Completion, completions};
use crate::frontiers::{Arc, Layer, wide};
use crate::resources::Resources;
use crate::stop::{Steps, Stop};

/// Labels that each is compared with, the last ones in lexicographic order.
const RECENT: usize = 64;
/// Bytes that the labels of a layer may take.
const MAX_BYTES: usize = 1 << 29;

/// The labels at a place, frontier by frontier.
struct Labels {
    paid: Vec<i64>,
    /// Where those of each frontier begin, and the end.
    begins: Vec<usize>,
}

/// Whether a label is left at the end: then there is a better partition, else none.
pub(crate) fn has_label(
    layers: &[Layer],
    resources: &Resources<'_>,
    num_blocks: usize,
    steps: &mut Steps,
) -> Result<bool, Stop> {
    let completions = completions(layers, resources, num_blocks, steps)?;
    if !completions[0].can_end[0] {
        return Ok(false);
    }
    let mut labels = Labels { paid: vec![0; completions[0].len()], begins: vec![0, 1] };
    for (layer, ends) in layers.iter().zip(completions.windows(2)) {
        let step = Step { resources, layer, before: &ends[0], after: &ends[1] };
        labels = step.next(&labels, steps)?;
        if labels.paid.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Step<'a> {
    resources: &'a Resources<'a>,
    layer: &'a Layer,
    before: &'a Completion,
    after: &'a Completion,
}

impl Step<'_> {
    fn next(&self, labels: &Labels, steps: &mut Steps) -> Result<Labels, Stop> {
        let (after, len) = (self.after, self.after.len());
        let mut arcs: Vec<&Arc> = self.layer.arcs.iter().filter(|arc| after.can_end[wide(arc.to)]).collect();
        arcs.sort_by_key(|arc| arc.to);
        let mut next = Labels { paid: Vec::new(), begins: Vec::with_capacity(self.layer.num_after + 1) };
        for group in arcs.chunk_by(|one, other| one.to == other.to) {
            next.begins.resize(wide(group[0].to) + 1, next.paid.len() / len);
            let mut found = Vec::new();
            for arc in group {
                self.advance(arc, labels, &mut found, steps)?;
                if (found.len() + next.paid.len()) * size_of::<i64>() > MAX_BYTES {
                    return Err(Stop::Budget);
                }
            }
            keep_least(&found, len, &mut next.paid, steps)?;
        }
        next.begins.resize(self.layer.num_after + 1, next.paid.len() / len);
        Ok(next)
    }

    /// Adds the labels that come of an arc.
    fn advance(&self, arc: &Arc, labels: &Labels, found: &mut Vec<i64>, steps: &mut Steps) -> Result<(), Stop> {
        let Self { resources, layer, before, after } = self;
        let (pitch, len) = (resources.pitch, before.len());
        let caps = &resources.caps[before.first * pitch..(after.last + 1) * pitch];
        let bounds = after.of(arc.to);
        let mut all = vec![0; caps.len()];
        let num_closed = (after.first - before.first) * pitch;
        for label in labels.begins[wide(arc.from)]..labels.begins[wide(arc.from) + 1] {
            steps.spend(2 + caps.len())?;
            all[..len].copy_from_slice(&labels.paid[label * len..(label + 1) * len]);
            all[len..].fill(0);
            for (sum, amount) in layer.pays(arc) {
                all[sum - before.first * pitch] += amount;
            }
            let (closed, open) = all.split_at_mut(num_closed);
            if closed.iter().zip(caps).any(|(paid, cap)| paid > cap) {
                continue;
            }
            let caps = &caps[num_closed..];
            for ((paid, cap), most) in open.iter_mut().zip(caps).zip(bounds.most) {
                *paid = (*paid).max(cap - most);
            }
            if self.can_pay(open, caps, bounds) {
                found.extend_from_slice(open);
            }
        }
        Ok(())
    }

    /// Whether sums are within their caps with what they must still take.
    fn can_pay(&self, paid: &[i64], caps: &[i64], bounds: Bounds<'_>) -> bool {
        if paid.iter().zip(bounds.least).zip(caps).any(|((paid, least), cap)| paid + least > *cap) {
            return false;
        }
        let pitch = self.resources.pitch;
        let (mut sum, mut room) = (0, 0_i128);
        for (block, up_to) in bounds.up_to.iter().enumerate() {
            sum += i128::from(paid[block * pitch]);
            room += i128::from(caps[block * pitch]);
            if sum + i128::from(*up_to) > room {
                return false;
            }
        }
        // Blocks beyond the label have paid nothing yet.
        let beyond = self.resources.caps[(self.after.last + 1) * pitch..].iter().step_by(pitch);
        let (mut sum, mut room) = (0, beyond.copied().map(i128::from).sum::<i128>());
        bounds.from.iter().enumerate().rev().all(|(block, from)| {
            sum += i128::from(paid[block * pitch]);
            room += i128::from(caps[block * pitch]);
            sum + i128::from(*from) <= room
        })
    }
}

/// Adds those labels of one frontier for which no other one near them has paid no more in any sum.
fn keep_least(found: &[i64], len: usize, kept: &mut Vec<i64>, steps: &mut Steps) -> Result<(), Stop> {
    let label = |index: usize| &found[index * len..(index + 1) * len];
    let mut order: Vec<usize> = (0..found.len() / len).collect();
    order.sort_by(|&one, &other| label(one).cmp(label(other)));
    let begin = kept.len();
    for index in order {
        let this = label(index);
        // Of two sums, the last label that was kept has taken least in the second.
        let recent = if len <= 2 { 1 } else { RECENT };
        let from = begin.max(kept.len().saturating_sub(recent * len));
        let mut num_compared = 0;
        let is_worse = kept[from..].chunks_exact(len).rev().any(|other| {
            num_compared += 1;
            other.iter().zip(this).all(|(other, paid)| other <= paid)
        });
        steps.spend(num_compared)?;
        if !is_worse {
            kept.extend_from_slice(this);
        }
    }
    Ok(())
}
