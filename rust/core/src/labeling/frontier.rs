//! Frontiers: the states of an assignment of nodes to blocks, one node after the other in a topological order.
//!
//! Let the first `p` nodes have blocks. The other nodes depend on them only through the tensors that cross position `p`: in which
//! block each was produced, which blocks have imported it, and whether its producer has paid for the export. This is the *frontier*.
//! Two assignments of the first nodes with the same frontier have the same continuations, at the same payments. So the partitions
//! are the paths through a layered graph of frontiers, in which an arc carries what blocks pay for one more node. The number of
//! frontiers depends on the number of tensors that cross a position and on the windows of their consumers, not on the number of
//! downsets: twenty parallel branches take twenty times the work of one.
//!
//! The windows of the remaining consumers allow to keep less of a tensor (`crossing.rs`), so that more assignments share a frontier:
//!
//! - When all remaining consumers are in later blocks than the producer, the producer pays for the export at once; after that its
//!   block is dropped.
//! - When only one block is left for them, that block pays for the import at once.
//! - Blocks in which no remaining consumer can be are dropped; and the whole tensor, when all other blocks have it.
//!
//! This is frontier-based search (Sekine, Imai and Tani, *Computing the Tutte polynomial of a graph of moderate size*, 1995) for
//! partitions of a directed graph, or dynamic programming over a path decomposition.

use super::crossing::Touch;
use super::plan::plan;
use super::resources::{Pay, Resources};
use super::rows::Rows;
use crate::cost::Ticks;
use crate::domain::Windows;
use crate::ids::{NodeId, count, narrow, wide};
use crate::order::TopologicalOrder;
use crate::query::{Effort, Halt, Query};

/// The assignment of a node to a block, from one frontier to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub from: u32,
    pub to: u32,
    pub block: u32,
    begin: u32,
    end: u32,
}

/// The arcs of one node.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// In the order of the frontiers that they start from.
    pub arcs: Vec<Arc>,
    pays: Vec<Pay>,
    /// The number of frontiers before the node.
    pub num_frontiers: usize,
}

impl Layer {
    fn add(&mut self, from: u32, to: u32, block: usize, pays: &mut [Pay]) {
        pays.sort_unstable();
        let begin = self.pays.len();
        for &mut (resource, amount) in pays {
            match self.pays[begin..].last_mut() {
                Some(pay) if pay.0 == resource => pay.1 += amount,
                _ => self.pays.push((resource, amount)),
            }
        }
        let [begin, end] = [begin, self.pays.len()].map(narrow);
        self.arcs.push(Arc { from, to, block: narrow(block), begin, end });
    }

    /// What blocks pay on an arc, each resource once.
    pub(crate) fn pays(&self, arc: &Arc) -> &[Pay] {
        &self.pays[wide(arc.begin)..wide(arc.end)]
    }
}

/// All frontiers of an order, from the one before the first node to the one after the last.
#[derive(Debug)]
pub(crate) struct Frontiers {
    pub order: TopologicalOrder,
    pub layers: Vec<Layer>,
}

impl Frontiers {
    /// Builds all frontiers of partitions whose nodes are in their `windows`; those at which all blocks together exceed the capacity
    /// of the time to run are left out.
    ///
    /// # Errors
    /// [`Halt`], when the effort is used up or the interrupt was raised, or when windows are too wide.
    pub(super) fn new<const ONE: bool>(
        query: &Query<'_>,
        windows: &Windows,
        order: TopologicalOrder,
        resources: &Resources<'_>,
        effort: &mut Effort,
    ) -> Result<Self, Halt> {
        let (touches, num_slots) = plan::<ONE>(query, windows, &order, resources).ok_or(Halt::Steps)?;
        let mut front = Front::new(num_slots);
        let mut layers = Vec::with_capacity(touches.len());
        let all_choices: Vec<Vec<Choice>> =
            order.nodes().iter().map(|&node| choices(windows, node, resources)).collect();
        // The least time to run of all nodes together, as in the linear bound.
        let least = |choices: &Vec<Choice>| choices.iter().map(Choice::run).min().unwrap_or(0);
        let mut to_come: Ticks = all_choices.iter().map(least).sum();
        for (choices, touched) in all_choices.iter().zip(&touches) {
            to_come -= least(choices);
            let step = Step { query, resources, choices, touched, most: resources.run_capacity() - to_come };
            let (next, layer) = front.advance::<ONE>(&step, effort)?;
            effort.take(layer.arcs.len() * size_of::<Arc>() + layer.pays.len() * size_of::<Pay>())?;
            layers.push(layer);
            front = next;
        }
        Ok(Self { order, layers })
    }

    pub(super) fn num_arcs(&self) -> usize {
        self.layers.iter().map(|layer| layer.arcs.len()).sum()
    }
}

/// A block in which a node can be, and what it pays for the node itself, the time to run first.
struct Choice {
    block: usize,
    pays: Vec<Pay>,
}

impl Choice {
    fn run(&self) -> Ticks {
        self.pays[0].1
    }
}

/// The blocks in a node's window that can hold it.
fn choices(windows: &Windows, node: NodeId, resources: &Resources<'_>) -> Vec<Choice> {
    let blocks = windows.earliest[node.index()]..=windows.latest[node.index()];
    blocks.filter_map(|block| Some(Choice { block, pays: resources.of_node(node, block)? })).collect()
}

/// The step that assigns one node.
struct Step<'a> {
    query: &'a Query<'a>,
    resources: &'a Resources<'a>,
    choices: &'a [Choice],
    touched: &'a [Touch],
    /// The most time to run that may be taken after the step.
    most: Ticks,
}

/// The frontiers at one position of the order.
struct Front {
    rows: Rows,
    /// The least time to run that is taken on a path to each.
    least: Vec<Ticks>,
    num_slots: usize,
}

impl Front {
    /// The frontier before the first node.
    fn new(num_slots: usize) -> Self {
        let mut rows = Rows::default();
        rows.enter(&vec![0; num_slots]);
        Self { rows, least: vec![0], num_slots }
    }

    /// The frontiers after one more node, and the arcs to them.
    fn advance<const ONE: bool>(&self, step: &Step<'_>, effort: &mut Effort) -> Result<(Self, Layer), Halt> {
        let Self { rows, least, num_slots } = self;
        let (params, num_touched) = (&step.query.params.labeling, count(step.touched.len()).unsigned_abs());
        let each = params.arc_steps + params.touch_steps * num_touched + count(*num_slots).unsigned_abs();
        let mut layer = Layer { num_frontiers: least.len(), ..Layer::default() };
        let mut next = Self { rows: Rows::default(), least: Vec::new(), num_slots: *num_slots };
        let (mut row, mut pays) = (Vec::with_capacity(*num_slots), Vec::new());
        for (from, &paid) in least.iter().enumerate() {
            step.query.interrupt.check(from)?;
            for choice in step.choices {
                let block = choice.block;
                effort.work(each)?;
                row.clear();
                row.extend_from_slice(rows.row(from, *num_slots));
                pays.clear();
                if ONE {
                    pays.push(choice.pays[0]);
                } else {
                    pays.extend_from_slice(&choice.pays);
                }
                let mut touched = step.touched.iter();
                let can_be = touched.all(|touch| touch.advance_in::<ONE>(step.resources, &mut row, block, &mut pays));
                let is_run = |resource: usize| ONE || resource.is_multiple_of(step.resources.pitch);
                let runs = pays.iter().filter(|&&(resource, _)| is_run(resource));
                let paid = paid + runs.map(|&(_, amount)| amount).sum::<Ticks>();
                if !can_be || paid > step.most {
                    continue;
                }
                let to = next.rows.enter(&row);
                if wide(to) == next.least.len() {
                    next.least.push(paid);
                    if size_of_val(&next.rows.words[..]) > effort.bytes() {
                        return Err(Halt::Memory);
                    }
                }
                next.least[wide(to)] = paid.min(next.least[wide(to)]);
                layer.add(narrow(from), to, block, &mut pays);
            }
        }
        Ok((next, layer))
    }
}

#[cfg(test)]
mod tests {
    use std::sync;

    use super::*;
    use crate::cost::{Device, Instance};
    use crate::graph::GraphBuilder;
    use crate::ids::NodeId;
    use crate::interrupt::Interrupt;
    use crate::query::ExactParams;

    /// Parallel chains of nodes, from one node to another.
    fn branches(num_branches: usize) -> Instance {
        let mut builder = GraphBuilder::default();
        let (first, last) = (builder.add_node(1.0), builder.add_node(1.0));
        let ends = |branch: &[NodeId]| [branch[0], branch[branch.len() - 1]];
        let rows: Vec<Vec<NodeId>> =
            (0..num_branches).map(|_| (0..6).map(|_| builder.add_node(1.0)).collect()).collect();
        let firsts: Vec<NodeId> = rows.iter().map(|row| ends(row)[0]).collect();
        builder.add_tensor(Some(first), 1, &firsts);
        for row in &rows {
            for pair in row.windows(2) {
                builder.add_tensor(Some(pair[0]), 1, &[pair[1]]);
            }
            builder.add_tensor(Some(ends(row)[1]), 1, &[last]);
        }
        let graph = sync::Arc::new(builder.freeze().expect("rows"));
        Instance::uniform(graph, &Device::with_bandwidth(1.0), 3, false).expect("small numbers")
    }

    #[test]
    fn branches_add_up() {
        let num_arcs = |num_branches: usize| {
            let instance = branches(num_branches);
            let graph = instance.graph();
            let (mut windows, order) = (Windows::all(graph.num_nodes(), 3), TopologicalOrder::post_order(graph));
            (windows.latest[0], windows.earliest[1]) = (1, 3);
            let (params, interrupt) = (ExactParams::default(), Interrupt::never());
            let threshold = 100 * instance.view(0).total_load();
            let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
            let resources = Resources::new(&query, &windows).expect("small numbers");
            let mut effort = Effort::new(1 << 26, u64::MAX);
            let frontiers = Frontiers::new::<true>(&query, &windows, order, &resources, &mut effort);
            frontiers.expect("enough effort").num_arcs()
        };
        let [four, eight, twelve] = [4, 8, 12].map(num_arcs);
        assert_eq!(eight - four, twelve - eight);
    }
}
