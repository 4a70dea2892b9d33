//! Frontiers: nodes get their blocks one after the other, and what lies between those that have one and the others is small.
//!
//! In a topological order, let the first `p` nodes have blocks. Of these, the others depend on nothing but the tensors that both
//! have to do with: in which block each was produced, which blocks have it already, and whether its producer has paid for sending it.
//! That is the *frontier*. Two ways to give the first nodes blocks that leave the same frontier can be continued in the same ways,
//! and then pay the same. So all partitions are paths through a graph of frontiers, layer by layer, each arc with what the blocks
//! pay for one more node. How many frontiers there are depends on how many tensors lie across a place of the order and on the
//! windows of their consumers, not on how many downsets there are: twenty branches beside each other are twenty times as much
//! work as one.
//!
//! Less than that can be kept of a tensor (`crossing.rs`), so that more ways leave the same frontier: where its consumers that are
//! left can be is known from their windows.
//!
//! - When they are all in later blocks than the producer, it has to send it, and pays at once; after that it does not matter who
//!   produced it.
//! - When there is but one block left for them it pays at once, too.
//! - Blocks that they cannot be in need not be remembered; nor anything, when all the others have the tensor.
//!
//! This is frontier-based search (Sekine, Imai and Tani, *Computing the Tutte polynomial of a graph of moderate size*, 1995) for
//! partitions of a directed graph, or dynamic programming over a path decomposition.

use std::ops::RangeInclusive;

use super::crossing::{Pay, Touch};
use super::plan::plan;
use super::rows::Rows;
use crate::cost::Ticks;
use crate::domain::Windows;
use crate::ids::{count, narrow, wide};
use crate::order::TopologicalOrder;
use crate::query::{Effort, Halt, Query};

/// A node gets a block, and one frontier becomes another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub from: u32,
    pub to: u32,
    pub block: u32,
    begin: u32,
    end: u32,
}

/// All that can become of the frontiers before a node.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// In the order of the frontiers that they come from.
    pub arcs: Vec<Arc>,
    pays: Vec<Pay>,
    /// Frontiers before the node.
    pub num_frontiers: usize,
}

impl Layer {
    fn add(&mut self, from: u32, to: u32, block: usize, pays: &mut [Pay]) {
        pays.sort_unstable();
        let begin = self.pays.len();
        for &mut (block, amount) in pays {
            match self.pays[begin..].last_mut() {
                Some(pay) if pay.0 == block => pay.1 += amount,
                _ => self.pays.push((block, amount)),
            }
        }
        let [begin, end] = [begin, self.pays.len()].map(narrow);
        self.arcs.push(Arc { from, to, block: narrow(block), begin, end });
    }

    /// What blocks pay for an arc, each block once.
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
    /// Works out all frontiers of partitions whose nodes are in their `windows` and whose blocks can pay `capacity` together.
    ///
    /// # Errors
    /// [`Halt`], when the effort is used up or the interrupt was raised, or when windows are too wide.
    pub(super) fn new(
        query: &Query<'_>,
        windows: &Windows,
        order: TopologicalOrder,
        capacity: Ticks,
        effort: &mut Effort,
    ) -> Result<Self, Halt> {
        let (touches, num_slots) = plan(query, windows, &order).ok_or(Halt::Steps)?;
        let mut front = Front::new(num_slots);
        let mut layers = Vec::with_capacity(touches.len());
        let mut to_come = query.instance.total_load();
        for (&node, touched) in order.nodes().iter().zip(&touches) {
            let load = query.instance.load(node);
            to_come -= load;
            let step = Step {
                query,
                load,
                blocks: windows.earliest[node.index()]..=windows.latest[node.index()],
                touched,
                most: capacity - to_come,
            };
            let (next, layer) = front.advance(&step, effort)?;
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

/// A node that gets its block.
struct Step<'a> {
    query: &'a Query<'a>,
    load: Ticks,
    blocks: RangeInclusive<usize>,
    touched: &'a [Touch],
    /// The most that can have been paid afterwards.
    most: Ticks,
}

/// The frontiers at one place of the order.
struct Front {
    rows: Rows,
    /// The least that is paid on the way to each.
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

    /// The frontiers after one more node, and how they are reached.
    fn advance(&self, step: &Step<'_>, effort: &mut Effort) -> Result<(Self, Layer), Halt> {
        let Self { rows, least, num_slots } = self;
        let (params, num_touched) = (&step.query.params.labeling, count(step.touched.len()).unsigned_abs());
        let each = params.arc_steps + params.touch_steps * num_touched + count(*num_slots).unsigned_abs();
        let mut layer = Layer { num_frontiers: least.len(), ..Layer::default() };
        let mut next = Self { rows: Rows::default(), least: Vec::new(), num_slots: *num_slots };
        let (mut row, mut pays) = (Vec::with_capacity(*num_slots), Vec::new());
        for (from, &paid) in least.iter().enumerate() {
            step.query.interrupt.check(from)?;
            for block in step.blocks.clone() {
                effort.work(each)?;
                row.clear();
                row.extend_from_slice(rows.row(from, *num_slots));
                pays.clear();
                pays.push((block, step.load));
                let can_be = step.touched.iter().all(|touch| touch.advance_in(&mut row, block, &mut pays));
                let paid = paid + pays.iter().map(|&(_, amount)| amount).sum::<Ticks>();
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

    /// Rows of nodes beside each other, from one node to another.
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
            let (graph, capacity) = (instance.graph(), 100 * instance.total_load());
            let (mut windows, order) = (Windows::all(graph.num_nodes(), 3), TopologicalOrder::post_order(graph));
            (windows.latest[0], windows.earliest[1]) = (1, 3);
            let (params, interrupt) = (ExactParams::default(), Interrupt::never());
            let query = Query { instance: &instance, threshold: 1, params: &params, interrupt: &interrupt };
            let mut effort = Effort::new(1 << 26, u64::MAX);
            let frontiers = Frontiers::new(&query, &windows, order, capacity, &mut effort);
            frontiers.expect("enough effort").num_arcs()
        };
        let [four, eight, twelve] = [4, 8, 12].map(num_arcs);
        assert_eq!(eight - four, twelve - eight);
    }
}
