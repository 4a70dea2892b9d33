//! Labels: what each block has paid on some way to a frontier, and none that another one makes useless.
//!
//! A partition whose blocks cost at most `c` is a path through the graph of frontiers (`frontier.rs`) on which no block pays more.
//! So to each frontier there are *labels*, vectors of what the blocks have paid so far, as in a shortest path with limited
//! resources (Desrochers, 1988). A label is of no use
//!
//! - when another one at the same frontier has paid no more in any block: it can be continued as well;
//! - when it cannot be continued: what the blocks `1..j`, or `j..k`, or a block alone must pay on any way from the frontier to the
//!   end, with what they have paid, is more than they can pay together.
//!
//! What a block pays on any way to the end at most is known, too. A block that can pay that anyway may as well have paid
//!
//! ```text
//! c - (the most that it still pays)
//! ```
//!
//! already: it can be continued in the same ways. So labels are equal in all blocks that are closed, or that will not be full, and
//! these need not be remembered. What they cannot use is no room for others.
//!
//! Of two labels of which one is of no use one stays, so none is missed: a label that is left out can be continued to a cheap
//! partition only when one that stays can.
//!
//! Parameters are not in the labels, so where there is overflow or a limit of memory this says nothing.

use rayon::prelude::*;

use super::frontier::{Arc, Frontiers, Layer};
use crate::cost::{INFINITE, Instance, Ticks};
use crate::domain::Windows;
use crate::effort::{Caps, Halt};
use crate::ids::{count, narrow, wide};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;

/// Labels that each is compared with: those before it in lexicographic order.
const NEAR: usize = 64;
/// Blocks that labels can be of, at most.
const WIDEST: usize = 64;
/// What a label takes for each block, in steps.
const STEPS: u64 = 6;
/// The frontiers of an order have this part of the steps.
const SHARE: u64 = 3;
/// Where frontiers are few, labels are worth so many times more steps.
pub(crate) const MORE: usize = 4;
/// Labels of a layer from which on threads are worth while.
const MANY: usize = 1 << 12;

/// Finds a partition whose blocks all cost less than `threshold` and whose nodes are in their `windows`, by node; none when there
/// is none. Where frontiers are few, labels have so many times more steps.
///
/// # Errors
/// [`Halt`], when a cap is met or `interrupt` was raised, or when there are parameters.
pub(crate) fn assign(
    instance: &Instance,
    threshold: Ticks,
    windows: &Windows,
    more: usize,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let cap = threshold - 1;
    let can_be = instance.is_free_of_memory() && instance.num_blocks() <= WIDEST;
    let room = cap.checked_mul(count(instance.num_blocks())).filter(|_| can_be).ok_or(Halt::Steps)?;
    let mut frontiers: Option<Frontiers> = None;
    let (bytes, mut halt, mut most) = (caps.bytes, Halt::Steps, caps.steps / SHARE);
    for order in [TopologicalOrder::natural, TopologicalOrder::post_order] {
        let mut part = caps.part(most);
        let given = part.steps;
        let found = Frontiers::new(instance, windows, order(instance.graph()), room, &mut part, interrupt);
        if found.is_ok() {
            most = given - part.steps;
        }
        caps.add(&part, false);
        match found {
            Ok(found) if frontiers.as_ref().is_none_or(|other| found.num_arcs() < other.num_arcs()) => {
                frontiers = Some(found);
                caps.bytes = part.bytes;
            }
            Ok(_) => {}
            Err(Halt::Interrupted) => return Err(Halt::Interrupted),
            Err(other) => halt = other,
        }
    }
    caps.are_wide |= frontiers.is_none();
    let frontiers = frontiers.ok_or(halt)?;
    // Most of the way is done.
    caps.steps = caps.steps.saturating_mul(count(more).unsigned_abs());
    let found = Search { cap, num_blocks: instance.num_blocks(), frontiers }.run(caps, interrupt);
    caps.bytes = bytes;
    found
}

/// What blocks still pay from the frontiers of a layer to the end, for those blocks that have paid and will.
#[derive(Debug)]
struct ToGo {
    /// The first block that still pays, and the last one that has paid; the same when they would not overlap.
    first: usize,
    last: usize,
    /// Per frontier: the least that blocks up to each, blocks from each on, and each alone pay, and the most that each pays.
    amounts: Vec<Ticks>,
    can_end: Vec<bool>,
}

impl ToGo {
    fn len(&self) -> usize {
        self.last + 1 - self.first
    }

    /// Up to each block, from each on, each alone; and the most.
    fn of(&self, frontier: u32) -> [&[Ticks]; 4] {
        let len = self.len();
        let row = &self.amounts[wide(frontier) * 4 * len..][..4 * len];
        [0, 1, 2, 3].map(|part| &row[part * len..(part + 1) * len])
    }
}

/// The labels of a layer, frontier by frontier.
struct Labels {
    /// What the blocks from the first to the last have paid.
    costs: Vec<Ticks>,
    /// Where those of each frontier begin, and the end.
    begins: Vec<u32>,
}

/// Where a label comes from: the label before it, and the block of the node between.
type Origin = (u32, u32);

struct Search {
    cap: Ticks,
    num_blocks: usize,
    frontiers: Frontiers,
}

impl Search {
    fn run(&self, caps: &mut Caps, interrupt: &Interrupt) -> Result<Option<Vec<usize>>, Halt> {
        let to_go = self.to_go(caps, interrupt)?;
        if !to_go[0].can_end[0] {
            return Ok(None);
        }
        let mut labels = Labels { costs: vec![0; to_go[0].len()], begins: vec![0, 1] };
        let mut origins: Vec<Vec<Origin>> = Vec::with_capacity(self.frontiers.layers.len());
        for (layer, ends) in self.frontiers.layers.iter().zip(to_go.windows(2)) {
            interrupt.check(0)?;
            let (next, from) = self.next(layer, &labels, (&ends[0], &ends[1]), caps)?;
            if from.is_empty() {
                return Ok(None);
            }
            caps.take(size_of_val(&from[..]))?;
            origins.push(from);
            labels = next;
        }
        let mut block_of = vec![0; origins.len()];
        let mut at = 0;
        for (&node, from) in self.frontiers.order.nodes().iter().zip(&origins).rev() {
            let (before, block) = from[at];
            block_of[node.index()] = wide(block) - 1;
            at = wide(before);
        }
        Ok(Some(block_of))
    }

    /// What is still to be paid, layer by layer, the last one included.
    fn to_go(&self, caps: &mut Caps, interrupt: &Interrupt) -> Result<Vec<ToGo>, Halt> {
        let layers = &self.frontiers.layers;
        let mut lasts = vec![1];
        for layer in layers {
            let paid = layer.arcs.iter().flat_map(|arc| layer.pays(arc)).map(|&(block, _)| block).max();
            lasts.push(paid.unwrap_or(1).max(lasts[lasts.len() - 1]));
        }
        let num_blocks = self.num_blocks;
        let mut all = vec![ToGo { first: num_blocks, last: num_blocks, amounts: vec![0; 4], can_end: vec![true] }];
        for (layer, last) in layers.iter().zip(lasts).rev() {
            interrupt.check(0)?;
            let after = &all[all.len() - 1];
            let useful = || layer.arcs.iter().filter(|arc| after.can_end[wide(arc.to)]);
            let paid = useful().flat_map(|arc| layer.pays(arc)).map(|&(block, _)| block).min();
            let first = paid.unwrap_or(num_blocks).min(after.first);
            let last = last.max(first);
            let len = last + 1 - first;
            caps.work(count(layer.arcs.len() * 4 * len).unsigned_abs())?;
            caps.take(layer.num_frontiers * 4 * len * size_of::<Ticks>())?;
            let mut row = vec![INFINITE; 4 * len];
            row[3 * len..].fill(-1);
            let mut to_go = ToGo {
                first,
                last,
                amounts: row.repeat(layer.num_frontiers),
                can_end: vec![false; layer.num_frontiers],
            };
            for arc in useful() {
                to_go.can_end[wide(arc.from)] = true;
                let [up_to, from, alone, most] = after.of(arc.to);
                let row = &mut to_go.amounts[wide(arc.from) * 4 * len..][..4 * len];
                for (place, block) in (first..=last).enumerate() {
                    let at = block.max(after.first) - after.first;
                    let is_closed = block < after.first;
                    let mut paid = [0; 3];
                    for &(payer, amount) in layer.pays(arc) {
                        paid[0] += if payer <= block { amount } else { 0 };
                        paid[1] += if payer >= block { amount } else { 0 };
                        paid[2] += if payer == block { amount } else { 0 };
                    }
                    if !is_closed {
                        paid[0] += up_to[at];
                    }
                    paid[1] += from[at];
                    let later = if is_closed { [0; 2] } else { [alone[at], most[at]] };
                    for (part, amount) in [paid[0], paid[1], paid[2] + later[0]].into_iter().enumerate() {
                        row[part * len + place] = row[part * len + place].min(amount);
                    }
                    row[3 * len + place] = row[3 * len + place].max(paid[2] + later[1]);
                }
            }
            all.push(to_go);
        }
        all.reverse();
        Ok(all)
    }

    /// The labels after a node, and where they come from.
    fn next(
        &self,
        layer: &Layer,
        labels: &Labels,
        (here, there): (&ToGo, &ToGo),
        caps: &mut Caps,
    ) -> Result<(Labels, Vec<Origin>), Halt> {
        let mut arcs: Vec<&Arc> = layer.arcs.iter().filter(|arc| there.can_end[wide(arc.to)]).collect();
        arcs.sort_by_key(|arc| arc.to);
        let num_labels = |arc: &Arc| wide(labels.begins[wide(arc.from) + 1]) - wide(labels.begins[wide(arc.from)]);
        let num_tried: usize = arcs.iter().map(|arc| num_labels(arc)).sum();
        if num_tried * (there.len() * size_of::<Ticks>() + size_of::<Origin>()) > caps.bytes {
            return Err(Halt::Memory);
        }
        caps.transitions += count(num_tried).unsigned_abs();
        caps.work(STEPS * count(num_tried * there.len()).unsigned_abs())?;
        let groups: Vec<&[&Arc]> = arcs.chunk_by(|one, other| one.to == other.to).collect();
        let reach = |group: &&[&Arc]| self.reach(layer, group, labels, (here, there));
        let found: Vec<(Vec<Ticks>, Vec<Origin>)> =
            if num_tried < MANY { groups.iter().map(reach).collect() } else { groups.par_iter().map(reach).collect() };
        let mut next = Labels { costs: Vec::new(), begins: vec![0] };
        let mut origins = Vec::new();
        for (group, (costs, from)) in groups.iter().zip(found) {
            next.begins.resize(wide(group[0].to) + 1, narrow(origins.len()));
            next.costs.extend(costs);
            origins.extend(from);
        }
        next.begins.resize(there.can_end.len() + 1, narrow(origins.len()));
        caps.downsets += count(origins.len()).unsigned_abs();
        Ok((next, origins))
    }

    /// The labels at one frontier, by all arcs to it.
    fn reach(
        &self,
        layer: &Layer,
        arcs: &[&Arc],
        labels: &Labels,
        (here, there): (&ToGo, &ToGo),
    ) -> (Vec<Ticks>, Vec<Origin>) {
        let (len, len_before) = (there.len(), here.len());
        let [_, _, _, most] = there.of(arcs[0].to);
        // What blocks have paid from the first that did before the node to the last that does after it.
        let mut all = vec![0; there.last + 1 - here.first];
        let skipped = there.first - here.first;
        let (mut costs, mut origins) = (Vec::new(), Vec::new());
        for arc in arcs {
            let [begin, end] = [0, 1].map(|more| wide(labels.begins[wide(arc.from) + more]));
            for label in begin..end {
                all[..len_before].copy_from_slice(&labels.costs[label * len_before..][..len_before]);
                all[len_before..].fill(0);
                for &(block, amount) in layer.pays(arc) {
                    all[block - here.first] += amount;
                }
                let (closed, open) = all.split_at_mut(skipped);
                for (paid, most) in open.iter_mut().zip(most) {
                    *paid = (*paid).max(self.cap - most);
                }
                if closed.iter().all(|&paid| paid <= self.cap) && self.can_pay(open, there, arcs[0].to) {
                    costs.extend_from_slice(open);
                    origins.push((narrow(label), arc.block));
                }
            }
        }
        useful(&costs, &origins, len)
    }

    /// Whether blocks can pay what they must, by what they have paid.
    fn can_pay(&self, paid: &[Ticks], to_go: &ToGo, frontier: u32) -> bool {
        let [up_to, from, alone, _] = to_go.of(frontier);
        let mut sum = 0;
        for (place, paid) in paid.iter().enumerate() {
            sum += paid;
            if sum + up_to[place] > self.cap * count(place + 1) || paid + alone[place] > self.cap {
                return false;
            }
        }
        let num_left = self.num_blocks + 1 - to_go.first;
        let mut sum = 0;
        paid.iter().enumerate().rev().all(|(place, paid)| {
            sum += paid;
            sum + from[place] <= self.cap * count(num_left - place)
        })
    }
}

/// The labels of so many blocks for which no other one near them has paid no more in any block.
fn useful(costs: &[Ticks], origins: &[Origin], len: usize) -> (Vec<Ticks>, Vec<Origin>) {
    match len {
        1 => useful_of::<1>(costs, origins, len),
        2 => useful_of::<2>(costs, origins, len),
        3 => useful_of::<3>(costs, origins, len),
        4 => useful_of::<4>(costs, origins, len),
        5..=6 => useful_of::<6>(costs, origins, len),
        7..=8 => useful_of::<8>(costs, origins, len),
        9..=16 => useful_of::<16>(costs, origins, len),
        _ => useful_of::<WIDEST>(costs, origins, len),
    }
}

fn useful_of<const LEN: usize>(costs: &[Ticks], origins: &[Origin], len: usize) -> (Vec<Ticks>, Vec<Origin>) {
    let mut labels: Vec<([Ticks; LEN], Origin)> = costs
        .chunks_exact(len)
        .zip(origins)
        .map(|(costs, &origin)| {
            let mut label = [0; LEN];
            label[..len].copy_from_slice(costs);
            (label, origin)
        })
        .collect();
    // They come in a few runs that are sorted already, more or less.
    #[expect(clippy::stable_sort_primitive, reason = "which takes less for runs that are sorted")]
    labels.sort();
    let mut near = Near::<LEN>::new(len);
    let (mut kept, mut from): (Vec<Ticks>, Vec<Origin>) = (Vec::new(), Vec::new());
    for (label, origin) in labels {
        if !near.has_less(&label) {
            near.enter(&label);
            kept.extend_from_slice(&label[..len]);
            from.push(origin);
        }
    }
    (kept, from)
}

/// The last labels that were kept, in lexicographic order.
struct Near<const LEN: usize> {
    labels: [[Ticks; LEN]; NEAR],
    /// The same block by block, in large units, so that many are compared at once.
    rough: [[i32; NEAR]; LEN],
    len: usize,
    num_entered: usize,
}

impl<const LEN: usize> Near<LEN> {
    fn new(len: usize) -> Self {
        Self { labels: [[0; LEN]; NEAR], rough: [[i32::MAX; NEAR]; LEN], len, num_entered: 0 }
    }

    fn enter(&mut self, label: &[Ticks; LEN]) {
        let place = self.num_entered % NEAR;
        self.labels[place] = *label;
        for (row, &paid) in self.rough.iter_mut().zip(label) {
            row[place] = rough(paid);
        }
        self.num_entered += 1;
    }

    /// Whether one of them has paid no more in any block than a label that comes after them, and so has in the first.
    fn has_less(&self, label: &[Ticks; LEN]) -> bool {
        let is_no_more = |other: &[Ticks; LEN]| other.iter().zip(label).all(|(other, paid)| other <= paid);
        let Some(last) = self.num_entered.checked_sub(1) else { return false };
        let is_last_less = is_no_more(&self.labels[last % NEAR]);
        // Of two blocks, the last one has paid least in the second.
        if is_last_less || self.len <= 2 {
            return is_last_less;
        }
        let mut is_less = [true; NEAR];
        for (row, &paid) in self.rough.iter().zip(label).take(self.len).skip(1) {
            let paid = rough(paid);
            is_less.iter_mut().zip(row).for_each(|(is_less, other)| *is_less &= *other <= paid);
        }
        let mut entered = is_less.iter().zip(&self.labels).take(self.num_entered);
        entered.any(|(is_less, other)| *is_less && is_no_more(other))
    }
}

/// In units of which costs, below 2^52, have few enough.
fn rough(paid: Ticks) -> i32 {
    i32::try_from(paid >> 22).unwrap_or(i32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_instance_at;
    use crate::cost::{bottleneck, check_partition, partition_costs};

    /// The least bottleneck of all partitions whose nodes are in their windows.
    fn least_within(instance: &Instance, windows: &Windows) -> Ticks {
        let lengths: Vec<usize> =
            windows.earliest.iter().zip(&windows.latest).map(|(first, last)| last + 1 - first).collect();
        let all = (0..lengths.iter().product()).map(|mut code: usize| {
            let mut block_of = Vec::new();
            for (first, length) in windows.earliest.iter().zip(&lengths) {
                block_of.push(count(first - 1 + code % length));
                code /= length;
            }
            check_partition(instance.graph(), instance.num_blocks(), &block_of)
        });
        all.flatten().map(|block_of| bottleneck(&partition_costs(instance, &block_of))).min().unwrap_or(INFINITE)
    }

    #[test]
    fn a_partition_is_found_exactly_where_there_is_one() {
        let interrupt = Interrupt::never();
        let (mut num_found, mut num_none) = (0, 0);
        for case in 0..20_000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(2..6));
            let bandwidth = [1.0, 4.0, 16.0][random.random_range(0..3)];
            let instance = random_instance_at(bandwidth, &mut random, num_nodes, num_blocks);
            let mut windows = Windows::all(num_nodes, num_blocks);
            for node in 0..num_nodes {
                // So wide that some 5,000 partitions are to be looked at.
                let wide = num_blocks.min(if num_nodes > 5 { 3 } else { 5 });
                let first = random.random_range(1..=num_blocks);
                let last = random.random_range(first..=num_blocks).min(first + wide - 1);
                (windows.earliest[node], windows.latest[node]) = (first, last);
            }
            let best = least_within(&instance, &windows);
            let near = best.min(1 << 52);
            for threshold in [near, near + 1, near + near / random.random_range(2..20), near - near / 20] {
                if threshold < 1 {
                    continue;
                }
                let mut caps = Caps::new(1 << 26, u64::MAX);
                let found = match assign(&instance, threshold, &windows, MORE, &mut caps, &interrupt) {
                    Ok(found) => found,
                    Err(halt) => {
                        let has_params = instance.params().iter().any(|&params| params > 0);
                        assert!(halt == Halt::Steps && (has_params || instance.memory_limit().is_some()));
                        continue;
                    }
                };
                assert_eq!(caps.bytes, 1 << 26);
                assert_eq!(found.is_some(), best < threshold, "case {case} at {threshold} of {best}");
                num_none += usize::from(found.is_none());
                if let Some(block_of) = found {
                    num_found += 1;
                    let is_within =
                        |node: usize| (windows.earliest[node]..=windows.latest[node]).contains(&(block_of[node] + 1));
                    assert!((0..num_nodes).all(is_within), "case {case}");
                    let blocks: Vec<i64> = block_of.iter().map(|&block| count(block)).collect();
                    check_partition(instance.graph(), num_blocks, &blocks).expect("no edge goes back");
                    assert!(bottleneck(&partition_costs(&instance, &block_of)) < threshold, "case {case}");
                }
            }
        }
        assert!(num_found > 10_000 && num_none > 10_000, "{num_found} and {num_none}");
    }
}
