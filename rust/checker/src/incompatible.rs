//! R8, incompatible pairs: `u` comes before `v`, and no block below the threshold holds both.
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

use std::rc::Rc;

use crate::bits::Bits;
use crate::cut::{Network, Question};
use crate::order::Order;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// Nodes of which there are rows, at most: these are of nodes^2 bits.
const MAX_NODES: usize = 20_000;

/// Pairs that are proved, and all that follow from them.
#[derive(Clone, Default)]
pub(crate) struct Incompatible {
    /// Per node, who comes before it, and after it, in a pair; empty where there are no pairs.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// Per node, all that are incompatible with it; empty where there are no pairs, or too many nodes.
    rows: Vec<Bits>,
}

impl Incompatible {
    /// Who has to be in an earlier block than a node, by a pair.
    pub(crate) fn before(&self, node: usize) -> &[usize] {
        self.before.get(node).map_or(&[], Vec::as_slice)
    }

    /// Who has to be in a later block than a node, by a pair.
    pub(crate) fn after(&self, node: usize) -> &[usize] {
        self.after.get(node).map_or(&[], Vec::as_slice)
    }

    /// Whether no block holds both, as far as is known.
    pub(crate) fn has(&self, node: usize, other: usize) -> bool {
        self.rows.get(node).is_some_and(|row| row.has(other))
    }

    /// With those pairs of a log that are incompatible; the others are passed over, and those that follow from what is known.
    pub(crate) fn with(
        self: &Rc<Self>,
        (quotient, order): (&Quotient<'_>, &Order),
        pairs: &[(usize, usize)],
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Rc<Self>, Stop> {
        let num_nodes = quotient.num_nodes();
        if pairs.iter().any(|&(first, second)| first.max(second) >= num_nodes) {
            return Err(Stop::malformed("a pair is of whoever is not there"));
        }
        // As long as it takes to begin: a log may have any number of these, and each may be empty.
        steps.spend(num_nodes + quotient.problem.num_tensors() + pairs.len())?;
        let mut pairing = Pairing::new(quotient, order, threshold);
        let mut found = Vec::new();
        for &(first, second) in pairs {
            if !self.has(first, second) && pairing.are_incompatible(first, second, steps)? {
                found.push((first, second));
            }
        }
        if found.is_empty() {
            return Ok(Rc::clone(self));
        }
        let [mut before, mut after] = [&self.before, &self.after]
            .map(|known| if known.is_empty() { vec![Vec::new(); num_nodes] } else { known.clone() });
        for (first, second) in found {
            before[second].push(first);
            after[first].push(second);
        }
        let rows = if num_nodes > MAX_NODES { Vec::new() } else { rows(order, [&before, &after], steps)? };
        Ok(Rc::new(Self { before, after, rows }))
    }
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
    /// The first node of the last pair, and who is reached from it.
    reached: Option<(usize, Vec<bool>)>,
}

impl<'r, 'a> Pairing<'r, 'a> {
    pub(crate) fn new(quotient: &'r Quotient<'a>, order: &'r Order, threshold: i64) -> Self {
        let network = Network::new(quotient.num_nodes(), quotient.problem.num_tensors());
        Self { quotient, order, network, threshold, reached: None }
    }

    /// Whether the second is reached from the first, and no block below the threshold holds both.
    pub(crate) fn are_incompatible(&mut self, first: usize, second: usize, steps: &mut Steps) -> Result<bool, Stop> {
        let Self { quotient, order, network, threshold, reached } = self;
        let num_nodes = quotient.num_nodes();
        if first == second || first.max(second) >= num_nodes {
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
            let barred: Vec<bool> = (0..num_nodes).map(|each| !quotient.may_be_on(each, kind)).collect();
            steps.spend(1 + num_nodes / 16)?;
            let question = Question {
                inside: first,
                with: Some(second),
                kind,
                enough: *threshold,
                barred: &barred,
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

/// Whoever is reached, with where it begins, among some.
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
