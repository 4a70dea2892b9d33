//! The instance whose nodes are groups of nodes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::instance::Instance;
use super::row::Row;
use super::ticks::Ticks;
use crate::graph::{Graph, GraphBuilder};
use crate::ids::{NodeId, TensorId};
use crate::interrupt::{Interrupt, Interrupted};

/// Sums of bytes by group.
fn bytes_of_groups(group_of: &[usize], num_groups: usize, bytes: impl Iterator<Item = u64>) -> Vec<i64> {
    let mut sums = vec![0_i64; num_groups];
    for (&group, bytes) in group_of.iter().zip(bytes) {
        sums[group] += i64::try_from(bytes).unwrap_or(i64::MAX);
    }
    sums
}

/// The most bytes of live tensors of a node of each group.
fn live_bytes_of_groups(graph: &Graph, group_of: &[usize], num_groups: usize) -> Vec<i64> {
    let mut live = vec![0_i64; num_groups];
    for v in graph.nodes() {
        let group = &mut live[group_of[v.index()]];
        *group = (*group).max(i64::try_from(graph.live_bytes(v)).unwrap_or(i64::MAX));
    }
    live
}

/// Sums of ticks by group.
fn ticks_of_groups(group_of: &[usize], num_groups: usize, ticks: &[Ticks]) -> Vec<Ticks> {
    let mut sums = vec![0; num_groups];
    for (&group, ticks) in group_of.iter().zip(ticks) {
        sums[group] += ticks;
    }
    sums
}

/// The rows of groups: sums over nodes, and per tensor of groups the sum over its class.
struct Rows<'a> {
    old: &'a Instance,
    new: Vec<Row>,
}

impl Rows<'_> {
    /// Adds what a tensor takes to move to that of a tensor of groups, the last one or one before.
    fn add_transfer(&mut self, tensor: TensorId, class: usize) {
        for (new, old) in self.new.iter_mut().zip(&self.old.rows) {
            new.transfer.resize(new.transfer.len().max(class + 1), 0);
            new.transfer[class] += old.transfer[tensor.index()];
        }
    }
}

impl Instance {
    /// The instance whose nodes are groups of these nodes, numbered below `num_groups`, at the same costs.
    ///
    /// Tensors within a group are gone, but for model outputs that are paid; those with equal ends are one, at the sum of
    /// their costs on each kind, in the order of the first of each. A parameter whose readers are in one group is that
    /// group's own. A group may be where all its nodes may be.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// O((nodes + tensors) kinds + reads), but for sorting.
    pub(crate) fn quotient(
        &self,
        group_of: &[usize],
        num_groups: usize,
        interrupt: &Interrupt,
    ) -> Result<Self, Interrupted> {
        let old = &*self.graph;
        let mut rows = Rows { old: self, new: Vec::new() };
        for row in &self.rows {
            let [work, params] = [&row.work, &row.params].map(|ticks| ticks_of_groups(group_of, num_groups, ticks));
            rows.new.push(Row { work, params, transfer: Vec::new(), stored: Vec::new(), ..row.clone() });
        }
        let mut ends = BTreeMap::new();
        let mut builder = GraphBuilder {
            // Their seconds are in ticks below: sums may be above what one node of a file takes.
            work: Some(vec![0.0; num_groups]),
            param_bytes: Some(bytes_of_groups(group_of, num_groups, old.nodes().map(|v| old.param_bytes(v)))),
            state_bytes: Some(bytes_of_groups(group_of, num_groups, old.nodes().map(|v| old.state_bytes(v)))),
            live_bytes: Some(live_bytes_of_groups(old, group_of, num_groups)),
            ..GraphBuilder::default()
        };
        let mut is_output = Vec::new();
        let (tensors, params) = (old.num_tensors() - old.num_params(), old.num_tensors());
        for x in (0..tensors).map(TensorId::new) {
            interrupt.check(x.index())?;
            let producer = old.producer(x).map(|v| NodeId::new(group_of[v.index()]));
            let is_inside = |v: &NodeId| producer.is_some_and(|producer| producer.index() == group_of[v.index()]);
            let is_paid_output = self.is_paid_output(x);
            let is_gone = old.consumers(x).iter().all(is_inside) && !(is_paid_output && producer.is_some());
            if is_gone || (producer.is_none() && !self.boundary_io()) {
                continue;
            }
            let mut consumers = self.readers(x, group_of);
            consumers.retain(|&consumer| Some(consumer) != producer);
            match ends.entry((producer, consumers, is_paid_output)) {
                Entry::Occupied(class) => rows.add_transfer(x, *class.get()),
                Entry::Vacant(class) => {
                    builder.add_tensor(producer, 0, &class.key().1);
                    rows.add_transfer(x, is_output.len());
                    class.insert(is_output.len());
                    is_output.push(is_paid_output);
                }
            }
        }
        for x in (tensors..params).map(TensorId::new) {
            interrupt.check(x.index())?;
            self.add_param(x, &self.readers(x, group_of), &mut builder, &mut rows.new, is_output.len());
        }
        interrupt.check(0)?;
        // What is read off a graph of groups: sizes in ticks of the first kind.
        builder.size.clone_from_slice(&rows.new[0].transfer[..is_output.len()]);
        builder.is_output = Some(is_output);
        let graph = builder.freeze().expect("groups of a checked graph, with no cycle between them");
        for row in &mut rows.new {
            row.transfer.resize(graph.num_tensors(), 0);
            if row.stored.iter().all(|&ticks| ticks == 0) {
                row.stored.clear();
            } else {
                row.stored.resize(graph.num_tensors(), 0);
            }
        }
        let allowed = self.allowed.as_ref().map(|allowed| allowed.of_groups(group_of, num_groups));
        let together = self.together_groups(group_of);
        let (kind_of, multipliers) = (self.kind_of.clone(), Some(self.multipliers.clone()));
        Ok(Self::from_rows(Arc::new(graph), self.figures, rows.new, kind_of, allowed, together, multipliers))
    }

    /// The groups that read a tensor, each once, ascending.
    fn readers(&self, tensor: TensorId, group_of: &[usize]) -> Vec<NodeId> {
        let consumers = self.graph.consumers(tensor);
        let mut readers: Vec<NodeId> = consumers.iter().map(|v| NodeId::new(group_of[v.index()])).collect();
        readers.sort_unstable();
        readers.dedup();
        readers
    }

    /// Adds a parameter that several nodes read: to its group when that is one, else beside those that there are.
    fn add_param(
        &self,
        tensor: TensorId,
        readers: &[NodeId],
        builder: &mut GraphBuilder,
        rows: &mut [Row],
        num_tensors: usize,
    ) {
        let bytes = i64::try_from(self.graph.stored(tensor)).unwrap_or(i64::MAX);
        if let [reader] = *readers {
            if let Some(own) = &mut builder.param_bytes {
                own[reader.index()] += bytes;
            }
            for (new, old) in rows.iter_mut().zip(self.views()) {
                new.params[reader.index()] += old.stored(tensor);
            }
        } else if !readers.is_empty() {
            builder.add_param(bytes, readers);
            let place = num_tensors + builder.param_size.len() - 1;
            for (new, old) in rows.iter_mut().zip(self.views()) {
                new.stored.resize(place + 1, 0);
                new.stored[place] = old.stored(tensor);
            }
        }
    }

    /// The groups of nodes that are in one stage, where they are not one group.
    fn together_groups(&self, group_of: &[usize]) -> Vec<Vec<NodeId>> {
        let groups = |nodes: &Vec<NodeId>| {
            let mut groups: Vec<NodeId> = nodes.iter().map(|v| NodeId::new(group_of[v.index()])).collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        };
        self.together.iter().map(groups).filter(|groups| groups.len() > 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use crate::cases::{random_partition, random_unlike};
    use crate::cost::{Ticks, partition_costs};
    use crate::interrupt::{Interrupt, Interrupted};

    #[test]
    fn blocks_of_groups_cost_what_blocks_of_their_nodes_cost() {
        let mut num_stored = 0;
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(1..8), random.random_range(1..5));
            let instance = random_unlike(&mut random, num_nodes, num_blocks);
            let finer = random_partition(&mut random, &instance);
            let coarse = instance.quotient(&finer, num_blocks, &Interrupt::never()).expect("no interrupt");
            num_stored += coarse.graph().num_params();
            // Every other block joined to the one before.
            let joined: Vec<usize> = (0..num_blocks).map(|block| block / 2 * 2).collect();
            let block_of: Vec<usize> = finer.iter().map(|&block| joined[block]).collect();
            let costs = |blocks: Vec<crate::cost::BlockCost>| -> Vec<(Ticks, Ticks, crate::cost::Held)> {
                blocks.iter().map(|block| (block.cost, block.io_in + block.io_out, block.held)).collect()
            };
            let [whole, quotient] = [(&instance, &block_of), (&coarse, &joined)]
                .map(|(instance, block_of)| costs(partition_costs(instance, block_of)));
            assert_eq!(whole[..], quotient[..whole.len()], "case {case}");
        }
        assert!(num_stored > 100);
    }

    #[test]
    fn who_is_interrupted_makes_no_quotient() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
        let instance = random_unlike(&mut random, 8, 2);
        let raised = Interrupt::never();
        raised.raise();
        assert_eq!(instance.quotient(&[0; 8], 1, &raised).err(), Some(Interrupted));
    }
}
