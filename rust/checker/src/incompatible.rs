//! Rule *incompatible*: pairs of nodes, `u` an ancestor of `v`, that no block below the threshold holds together.
//!
//! **Claim.** Let `v` be reached from `u`. A block with both holds everything between them, so with each of the nodes that are reached
//! from `u` its predecessors among these, and with each of those that reach `v` its successors among those. When the least cost of
//! such a block (`cut.rs`) is the threshold or more, on each kind of device that may hold both, `v` is in a later block than `u`.
//!
//! **Proof.** Blocks are convex. In no later block than `u`, `v` would be in the same one. ∎
//!
//! **Closure.** Let `u` and `v` be incompatible. Then so are `u` or whatever reaches it, and `v` or whatever is reached from it.
//!
//! **Proof.** Those are no later than `u`, or no earlier than `v`, whose block is later. ∎
//!
//! So a log names the least pairs only. What follows from them is used for windows (`reach.rs`) and node weights (`weights.rs`).

use std::cell::Cell;
use std::rc::Rc;

use crate::bits::Bits;
use crate::cut::{Network, Question};
use crate::order::Order;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// Nodes of which there are rows, at most: these are of nodes^2 bits.
const MAX_NODES: usize = 20_000;
/// Bytes of all pairs that are known of parts at a time.
const MAX_BYTES: usize = 1 << 29;
/// Bytes of a pair in the lists of both its nodes, at most.
const BYTES_OF_PAIR: usize = 64;

/// Pairs that are proved, and all that follow from them.
#[derive(Default)]
pub(crate) struct Incompatible {
    /// Per node, the nodes that a pair puts into an earlier block, and into a later one; empty where there are no pairs.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// Per node, all that are incompatible with it; empty where there are no pairs, or too many nodes.
    rows: Vec<Bits>,
    held: Held,
}

/// Bytes, as long as this lives, of those that all parts may hold together.
#[derive(Default)]
struct Held {
    bytes: usize,
    all: Rc<Cell<usize>>,
}

impl Held {
    /// So many more, which are three times as many while they are worked out; none when these are too many.
    fn more(&self, bytes: usize) -> Option<Self> {
        let all = self.all.get();
        if all + 3 * bytes > MAX_BYTES {
            return None;
        }
        self.all.set(all + bytes);
        Some(Self { bytes, all: Rc::clone(&self.all) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.set(self.all.get() - self.bytes);
    }
}

impl Incompatible {
    /// The nodes that pairs put into an earlier block than a node.
    pub(crate) fn before(&self, node: usize) -> &[usize] {
        self.before.get(node).map_or(&[], Vec::as_slice)
    }

    /// The nodes that pairs put into a later block than a node.
    pub(crate) fn after(&self, node: usize) -> &[usize] {
        self.after.get(node).map_or(&[], Vec::as_slice)
    }

    /// Whether no block holds both, as far as is known.
    pub(crate) fn has(&self, node: usize, other: usize) -> bool {
        self.rows.get(node).is_some_and(|row| row.has(other))
    }

    /// With those pairs of a log that are incompatible; the others are passed over, and those that follow from what is known. All are,
    /// where parts that wait know so much that there is no room.
    pub(crate) fn with(
        self: &Rc<Self>,
        (quotient, order): (&Quotient<'_>, &Order),
        pairs: &[(usize, usize)],
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Rc<Self>, Stop> {
        let num_nodes = quotient.num_nodes();
        if pairs.iter().any(|&(first, second)| first.max(second) >= num_nodes) {
            return Err(Stop::malformed("a pair is of a node that is not there"));
        }
        steps.spend(num_nodes + pairs.len())?;
        let num_pairs = self.after.iter().map(Vec::len).sum::<usize>() + pairs.len();
        let Some(held) = self.held.more(bytes_of(num_nodes, num_pairs)) else { return Ok(Rc::clone(self)) };
        let mut pairing = Pairing::new(quotient, order, threshold, steps)?;
        let mut found = Vec::new();
        for &(first, second) in pairs {
            if !self.has(first, second) && pairing.are_incompatible(first, second, steps)? {
                found.push((first, second));
            }
        }
        if found.is_empty() {
            return Ok(Rc::clone(self));
        }
        // Lists are copied, each with some bytes of its own.
        steps.spend(8 * num_nodes + 2 * num_pairs)?;
        let [mut before, mut after] = [&self.before, &self.after]
            .map(|known| if known.is_empty() { vec![Vec::new(); num_nodes] } else { known.clone() });
        for (first, second) in found {
            before[second].push(first);
            after[first].push(second);
        }
        let rows = if num_nodes > MAX_NODES { Vec::new() } else { rows(order, [&before, &after], steps)? };
        Ok(Rc::new(Self { before, after, rows, held }))
    }
}

/// What lists and rows take, about.
fn bytes_of(num_nodes: usize, num_pairs: usize) -> usize {
    let rows = if num_nodes > MAX_NODES { 0 } else { num_nodes * (size_of::<Bits>() + 8 * num_nodes.div_ceil(64)) };
    rows + 2 * num_nodes * size_of::<Vec<usize>>() + BYTES_OF_PAIR * num_pairs
}

/// All that is incompatible with each node. O((nodes + arcs + pairs) nodes / 64).
fn rows(order: &Order, [before, after]: [&[Vec<usize>]; 2], steps: &mut Steps) -> Result<Vec<Bits>, Stop> {
    let num_nodes = order.nodes.len();
    let nothing = Bits::none(num_nodes);
    steps.spend(5 * num_nodes * nothing.num_words())?;
    let mut all = vec![nothing.clone(); num_nodes];
    for is_after in [true, false] {
        let (arcs, pairs) = if is_after { (&order.successors, after) } else { (&order.predecessors, before) };
        // The node with all on that side of it, and those of them that are incompatible with it.
        let [mut sides, mut rows] = [(); 2].map(|()| vec![nothing.clone(); num_nodes]);
        for place in 0..num_nodes {
            let node = order.nodes[if is_after { num_nodes - 1 - place } else { place }];
            steps.spend((1 + 2 * arcs[node].len() + pairs[node].len()) * nothing.num_words())?;
            let (mut side, mut row) = (nothing.clone(), nothing.clone());
            side.insert(node);
            for &near in &arcs[node] {
                side.unite(&sides[near]);
                row.unite(&rows[near]);
            }
            pairs[node].iter().for_each(|&other| row.unite(&sides[other]));
            all[node].unite(&row);
            (sides[node], rows[node]) = (side, row);
        }
    }
    Ok(all)
}

/// Asks cuts about pairs.
pub(crate) struct Pairing<'r, 'a> {
    quotient: &'r Quotient<'a>,
    order: &'r Order,
    network: Network,
    threshold: i64,
    /// Per kind, the nodes that no stage of this kind may hold.
    barred: Vec<Vec<bool>>,
    /// The first node of the last pair, and the nodes that are reachable from it.
    reached: Option<(usize, Vec<bool>)>,
}

impl<'r, 'a> Pairing<'r, 'a> {
    pub(crate) fn new(
        quotient: &'r Quotient<'a>,
        order: &'r Order,
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Self, Stop> {
        let network = Network::new(quotient.num_nodes(), quotient.problem.num_tensors(), steps)?;
        let barred = (0..quotient.kinds.len()).map(|kind| quotient.barred_on(kind, steps)).collect::<Result<_, _>>()?;
        Ok(Self { quotient, order, network, threshold, barred, reached: None })
    }

    /// Whether the second is reached from the first, and no block below the threshold holds both.
    pub(crate) fn are_incompatible(&mut self, first: usize, second: usize, steps: &mut Steps) -> Result<bool, Stop> {
        let Self { quotient, order, network, threshold, barred, reached } = self;
        if first == second || first.max(second) >= quotient.num_nodes() {
            return Ok(false);
        }
        let (_, after) = match reached.take() {
            Some(known) if known.0 == first => reached.insert(known),
            _ => reached.insert((first, reach(&order.successors, first, None, steps)?)),
        };
        if !after[second] {
            return Ok(false);
        }
        // Only what is after the first one can be between.
        let before = reach(&order.predecessors, second, Some(after), steps)?;
        for kind in quotient.kinds_of(first) {
            if !quotient.may_be_on(second, kind) {
                continue;
            }
            steps.spend(1)?;
            let question = Question {
                inside: first,
                with: Some(second),
                kind,
                enough: *threshold,
                barred: &barred[kind],
                after,
                before: &before,
                gains: &[],
                region: &[],
            };
            if network.least_cost(quotient, &question, steps)? < *threshold {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The nodes that are reachable from `begin`, itself included, by paths within `among`.
fn reach(arcs: &[Vec<usize>], begin: usize, among: Option<&[bool]>, steps: &mut Steps) -> Result<Vec<bool>, Stop> {
    steps.spend(1 + arcs.len() / 16)?;
    let mut reached = vec![false; arcs.len()];
    reached[begin] = true;
    let mut waiting = vec![begin];
    while let Some(node) = waiting.pop() {
        steps.spend(1 + arcs[node].len())?;
        let near = arcs[node].iter().copied().filter(|&each| among.is_none_or(|among| among[each]));
        waiting.extend(near.filter(|&each| !std::mem::replace(&mut reached[each], true)));
    }
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Kind, Problem};

    /// Nodes of one tick, each of which reads from the one before it.
    fn chain(num_nodes: usize) -> Problem {
        let kind = Kind {
            memory: None,
            memory_limit: None,
            state_limit: None,
            is_overlap: false,
            multiplier: 1,
            work: vec![1; num_nodes],
            transfer: vec![0; num_nodes - 1],
            params: vec![0; num_nodes],
            stored: Vec::new(),
        };
        Problem {
            num_blocks: 2,
            boundary_io: false,
            kinds: vec![kind],
            kind_of: vec![0; 2],
            allowed: None,
            together: Vec::new(),
            param_bytes: vec![0; num_nodes],
            state_bytes: vec![0; num_nodes],
            live_bytes: vec![0; num_nodes],
            param_size: Vec::new(),
            param_readers: Vec::new(),
            producer: (0..num_nodes - 1).collect(),
            consumers: (1..num_nodes).map(|node| vec![node]).collect(),
            is_output: vec![false; num_nodes - 1],
        }
    }

    #[test]
    fn parts_that_wait_know_no_more_pairs_than_there_is_room_for() {
        let problem = chain(MAX_NODES);
        let (quotient, steps) = (Quotient::new(&problem), &mut Steps::new(u64::MAX));
        let order = Order::new(&problem, steps).expect("no cycle");
        let mut with = |known: &Rc<Incompatible>, first| {
            known.with((&quotient, &order), &[(first, first + 10)], 10, steps).expect("enough steps")
        };
        let mut waiting = vec![Rc::<Incompatible>::default()];
        for first in 0..12 {
            waiting.push(with(&waiting[first], first));
        }
        let num_kept = waiting.windows(2).filter(|pair| !Rc::ptr_eq(&pair[0], &pair[1])).count();
        assert!(num_kept > 4 && (num_kept + 2) * bytes_of(MAX_NODES, 1) <= MAX_BYTES, "{num_kept}");
        let last = waiting.pop().expect("many");
        assert!(last.has(0, 10) && !last.has(11, 21));
        // Those that are done make room.
        drop(waiting);
        assert!(with(&last, 11).has(11, 21));
    }
}
