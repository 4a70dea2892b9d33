//! Rule *labels*, first part: frontiers. Nodes are assigned to blocks in a topological order, and the *frontier* is all that the
//! other nodes depend on: one word for each tensor that crosses the position (`crossing.rs`).
//!
//! **Claim.** Two assignments of the first nodes with the same frontier have the same continuations, at the same payments. So all
//! partitions in the windows are paths through a layered graph of frontiers, in which an arc carries what the blocks pay for one
//! more node.
//!
//! **Proof.** A block pays for the work of a node, and for the tensors that the node touches: an import if the block does not have
//! the tensor yet, an export if the producer has not paid. The word determines both. ∎
//!
//! An arc is left out if the first sums of all blocks, with the least of the nodes to come, exceed their caps together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::crossing::{MAX_BLOCKS, Touch};
use crate::order::Order;
use crate::problem::{NONE, Problem};
use crate::reach::{Reach, Windows};
use crate::resources::Resources;
use crate::stop::{Steps, Stop};

/// Bytes that the graph of frontiers may take.
const MAX_BYTES: usize = 1 << 29;

/// A node gets a block, and one frontier becomes another.
#[derive(Clone, Copy)]
pub(crate) struct Arc {
    pub from: u32,
    pub to: u32,
    begin: u32,
    end: u32,
}

/// All that can become of the frontiers before a node.
#[derive(Default)]
pub(crate) struct Layer {
    pub arcs: Vec<Arc>,
    pays: Vec<(u32, i64)>,
    pub num_before: usize,
    pub num_after: usize,
}

impl Layer {
    /// What is paid for an arc: each sum once.
    pub(crate) fn pays(&self, arc: &Arc) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.pays[wide(arc.begin)..wide(arc.end)].iter().map(|&(sum, amount)| (wide(sum), amount))
    }
}

/// A number that was made by `narrow`.
pub(crate) fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A number of 32 bits.
///
/// # Errors
/// [`Stop::Budget`], when it is larger: so many are beyond all bytes.
pub(crate) fn narrow(number: usize) -> Result<u32, Stop> {
    u32::try_from(number).map_err(|_| Stop::Budget)
}

/// The frontiers of an order, layer by layer.
pub(crate) fn frontiers(
    reach: &Reach<'_>,
    windows: &Windows,
    nodes: &[usize],
    resources: &Resources<'_>,
    steps: &mut Steps,
) -> Result<Vec<Layer>, Stop> {
    if reach.problem.num_blocks > MAX_BLOCKS {
        return Err(Stop::Open);
    }
    let (touches, num_slots) = touches(reach, windows, nodes);
    let may_be = |node: usize, block: usize| reach.may_be(windows, node, block);
    let least: Vec<i64> =
        nodes.iter().map(|&node| resources.least_of_node(node, |block| may_be(node, block))).collect();
    let mut to_come: i128 = least.iter().copied().map(i128::from).sum();
    let all: i128 = resources.caps.iter().step_by(resources.pitch).copied().map(i128::from).sum();
    let mut front = Front { rows: Rows::new(num_slots), paid: vec![0] };
    front.rows.enter(&vec![0; num_slots])?;
    let (mut layers, mut bytes) = (Vec::with_capacity(nodes.len()), 0);
    for (place, &node) in nodes.iter().enumerate() {
        to_come -= i128::from(least[place]);
        let blocks: Vec<usize> =
            (windows.first[node]..=windows.last[node]).filter(|&block| may_be(node, block)).collect();
        let step = Step { resources, node, blocks: &blocks, touched: &touches[place], most: all - to_come };
        let (next, layer) = front.advance(&step, MAX_BYTES - bytes, steps)?;
        bytes += layer.arcs.len() * size_of::<Arc>() + layer.pays.len() * size_of::<(u32, i64)>();
        layers.push(layer);
        front = next;
    }
    Ok(layers)
}

/// Depth-first post-order from each node without consumers: its ancestors, tensor by tensor, then the node.
pub(crate) fn post_order(problem: &Problem, order: &Order) -> Vec<usize> {
    let num_nodes = order.nodes.len();
    let mut needs = vec![Vec::new(); num_nodes];
    for (&producer, readers) in problem.producer.iter().zip(&problem.consumers) {
        if producer != NONE {
            readers.iter().filter(|&&reader| reader != producer).for_each(|&reader| needs[reader].push(producer));
        }
    }
    let mut stack: Vec<(usize, bool)> =
        (0..num_nodes).rev().filter(|&node| order.successors[node].is_empty()).map(|node| (node, false)).collect();
    let (mut is_seen, mut nodes) = (vec![false; num_nodes], Vec::with_capacity(num_nodes));
    while let Some((node, has_all)) = stack.pop() {
        if has_all {
            nodes.push(node);
        } else if !std::mem::replace(&mut is_seen[node], true) {
            stack.push((node, true));
            stack.extend(needs[node].iter().rev().filter(|&&other| !is_seen[other]).map(|&other| (other, false)));
        }
    }
    nodes
}

/// The node of least number that needs no other one any more, again and again.
pub(crate) fn natural_order(order: &Order) -> Vec<usize> {
    let mut missing: Vec<usize> = order.predecessors.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..missing.len()).filter(|&node| missing[node] == 0).map(Reverse).collect();
    let mut nodes = Vec::with_capacity(missing.len());
    while let Some(Reverse(node)) = ready.pop() {
        nodes.push(node);
        for &each in &order.successors[node] {
            missing[each] -= 1;
            if missing[each] == 0 {
                ready.push(Reverse(each));
            }
        }
    }
    nodes
}

/// What each node of an order touches, and how many tensors lie across a place at most.
fn touches(reach: &Reach<'_>, windows: &Windows, nodes: &[usize]) -> (Vec<Vec<Touch>>, usize) {
    let problem = reach.problem;
    let mut touched = vec![Vec::new(); problem.num_nodes()];
    for (tensor, (&producer, readers)) in problem.producer.iter().zip(&problem.consumers).enumerate() {
        let is_free = producer == NONE && !problem.boundary_io;
        if is_free || readers.is_empty() {
            continue;
        }
        let is_paid = problem.kinds.iter().any(|kind| kind.transfer[tensor] > 0);
        if producer != NONE {
            touched[producer].push(Touch { tensor, is_made: true, is_paid, rest: None, slot: 0 });
        }
        for &reader in readers {
            touched[reader].push(Touch { tensor, is_made: false, is_paid, rest: None, slot: 0 });
        }
    }
    let mut rest: Vec<Option<(usize, usize)>> = vec![None; problem.num_tensors()];
    for &node in nodes.iter().rev() {
        for touch in &mut touched[node] {
            touch.rest = rest[touch.tensor];
        }
        let (begin, end) = (windows.first[node], windows.last[node]);
        for touch in touched[node].iter().filter(|touch| !touch.is_made) {
            let (first, last) = rest[touch.tensor].unwrap_or((begin, end));
            rest[touch.tensor] = Some((first.min(begin), last.max(end)));
        }
    }
    let (mut free, mut num_slots, mut slot_of) = (Vec::new(), 0, BTreeMap::new());
    for &node in nodes {
        let mut given_up = Vec::new();
        for touch in &mut touched[node] {
            touch.slot = *slot_of.entry(touch.tensor).or_insert_with(|| {
                free.pop().unwrap_or_else(|| {
                    num_slots += 1;
                    num_slots - 1
                })
            });
            if touch.rest.is_none() {
                given_up.push(touch.slot);
            }
        }
        free.append(&mut given_up);
    }
    let mut at = touched;
    (nodes.iter().map(|&node| std::mem::take(&mut at[node])).collect(), num_slots)
}

/// A node that gets its block.
struct Step<'a> {
    resources: &'a Resources<'a>,
    node: usize,
    blocks: &'a [usize],
    touched: &'a [Touch],
    /// The most that all first sums can have taken afterwards.
    most: i128,
}

/// The frontiers at one place of the order, and the least that is paid of all first sums on the way to each.
struct Front {
    rows: Rows,
    paid: Vec<i128>,
}

impl Front {
    fn advance(&self, step: &Step<'_>, bytes: usize, steps: &mut Steps) -> Result<(Self, Layer), Stop> {
        let (resources, num_slots) = (step.resources, self.rows.num_slots);
        let mut next = Self { rows: Rows::new(num_slots), paid: Vec::new() };
        let mut layer = Layer { num_before: self.paid.len(), ..Layer::default() };
        let (mut row, mut pays) = (Vec::new(), Vec::new());
        for (from, &before) in self.paid.iter().enumerate() {
            for &block in step.blocks {
                steps.spend(2 + step.touched.len() + num_slots / 4)?;
                row.clear();
                row.extend_from_slice(self.rows.row(from));
                pays.clear();
                resources.pay_node(step.node, block, &mut pays);
                let can_be = step.touched.iter().all(|touch| {
                    let word = std::mem::take(&mut row[touch.slot]);
                    let after = touch.advance(resources, word, block, &mut pays);
                    row[touch.slot] = after.unwrap_or(0);
                    after.is_some()
                });
                let first = pays.iter().filter(|(sum, _)| sum.is_multiple_of(resources.pitch));
                let paid = before + first.map(|&(_, amount)| i128::from(amount)).sum::<i128>();
                if !can_be || paid > step.most {
                    continue;
                }
                let to = next.rows.enter(&row)?;
                if wide(to) == next.paid.len() {
                    next.paid.push(paid);
                }
                next.paid[wide(to)] = paid.min(next.paid[wide(to)]);
                pays.sort_unstable();
                pays.dedup_by(|later, kept| {
                    later.0 == kept.0 && {
                        kept.1 += later.1;
                        true
                    }
                });
                let begin = narrow(layer.pays.len())?;
                for &(sum, amount) in &pays {
                    layer.pays.push((narrow(sum)?, amount));
                }
                layer.arcs.push(Arc { from: narrow(from)?, to, begin, end: narrow(layer.pays.len())? });
                let taken = layer.arcs.len() * size_of::<Arc>() + layer.pays.len() * size_of::<(u32, i64)>();
                if taken + next.rows.words.len() * size_of::<u128>() > bytes {
                    return Err(Stop::Budget);
                }
            }
        }
        layer.num_after = next.paid.len();
        Ok((next, layer))
    }
}

/// Distinct rows of words.
struct Rows {
    num_slots: usize,
    words: Vec<u128>,
    len: usize,
    /// Open addressing: 0 is empty, else the row's number and 1.
    table: Vec<u32>,
}

impl Rows {
    fn new(num_slots: usize) -> Self {
        Self { num_slots, words: Vec::new(), len: 0, table: vec![0; 16] }
    }

    fn row(&self, index: usize) -> &[u128] {
        &self.words[index * self.num_slots..(index + 1) * self.num_slots]
    }

    /// The number of a row, a new one if there is none like it.
    fn enter(&mut self, row: &[u128]) -> Result<u32, Stop> {
        if 2 * self.len >= self.table.len() {
            self.grow()?;
        }
        let place = self.place(row);
        if self.table[place] == 0 {
            self.words.extend_from_slice(row);
            self.len += 1;
            self.table[place] = narrow(self.len)?;
        }
        Ok(self.table[place] - 1)
    }

    /// Where a row is in the table, or could be.
    fn place(&self, row: &[u128]) -> usize {
        let mask = self.table.len() - 1;
        let mut place = hash(row) & mask;
        while self.table[place] != 0 && self.row(wide(self.table[place]) - 1) != row {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) -> Result<(), Stop> {
        self.table = vec![0; 2 * self.table.len()];
        for index in 0..self.len {
            let place = self.place(self.row(index));
            self.table[place] = narrow(index + 1)?;
        }
        Ok(())
    }
}

fn hash(row: &[u128]) -> usize {
    let mut hash = 0_u64;
    for word in row {
        for half in [word >> 64, word & u128::from(u64::MAX)] {
            hash = (hash ^ u64::try_from(half).unwrap_or(0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 29;
        }
    }
    usize::try_from(hash & 0xffff_ffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Features, random_problem, source};
    use crate::stop::Steps;

    #[test]
    fn orders_are_those_of_hints_where_numbers_do_not_ascend() {
        let mut problem = random_problem(&mut source(0), 5, Features::Plain);
        problem.producer = vec![3, 0, 4];
        problem.consumers = vec![vec![0, 1], vec![2], vec![1]];
        let order = Order::new(&problem, &mut Steps::new(1_000)).expect("there is no cycle");
        assert_eq!(natural_order(&order), [3, 0, 2, 4, 1]);
        assert_eq!(post_order(&problem, &order), [3, 4, 1, 0, 2]);
    }
}
