//! Repeats: networks are made of layers, and where a layer can be cut well, so can the others.
//!
//! Nodes that are alike stand at certain distances from each other in the natural order, multiples of a layer. A partition
//! that is moved along by such a distance has, wherever the network repeats itself, the same cuts in other layers. As a
//! whole it is worth little; but its cuts are put together with all others (`cuts.rs`).

use std::collections::BTreeMap;

use super::params::RepeatParams;
use crate::cost::{Instance, Ticks};
use crate::graph::Graph;
use crate::ids::NodeId;
use crate::order::TopologicalOrder;

/// At which distances a network repeats itself.
pub(super) struct Repeats {
    order: Vec<NodeId>,
    /// The most frequent one first.
    distances: Vec<usize>,
    /// Whether most of the network is one layer after the other.
    pub(super) is_layered: bool,
}

impl Repeats {
    /// # Complexity
    /// O((nodes + reads) log nodes).
    pub(super) fn new(instance: &Instance, params: &RepeatParams, order: &TopologicalOrder) -> Self {
        let nodes = order.nodes();
        let mut alike: BTreeMap<Likeness, Vec<usize>> = BTreeMap::new();
        for (place, &node) in nodes.iter().enumerate() {
            alike.entry(likeness(instance, node)).or_default().push(place);
        }
        let mut counts = vec![0_usize; nodes.len()];
        for places in alike.values() {
            for (index, place) in places.iter().enumerate() {
                places[index + 1..].iter().take(params.max_alike).for_each(|other| counts[other - place] += 1);
            }
        }
        let is_peak = |&distance: &usize| {
            let around = distance - params.blur..=(distance + params.blur).min(counts.len() - 1);
            counts[distance] * params.rare > counts.len()
                && counts[around].iter().all(|&count| count <= counts[distance])
        };
        let mut distances: Vec<usize> = (params.min_distance..counts.len()).filter(is_peak).collect();
        distances.sort_by_key(|&distance| std::cmp::Reverse(counts[distance]));
        distances.truncate(params.max_distances);
        let is_layered =
            distances.first().is_some_and(|&distance| counts[distance] * 100 >= counts.len() * params.layered);
        Self { order: nodes.to_vec(), distances, is_layered }
    }

    /// How many ways there are to move a partition.
    pub(super) fn len(&self) -> usize {
        2 * self.distances.len()
    }

    /// A partition moved along in one of these ways, to later nodes or to earlier ones.
    ///
    /// What comes from beyond an end is in the first block or the last, and a node is in no earlier block than those that it
    /// reads from.
    ///
    /// # Complexity
    /// O(nodes + reads).
    pub(super) fn moved(&self, graph: &Graph, block_of: &[usize], way: usize) -> Vec<usize> {
        let (distance, is_later) = (self.distances[way / 2], way.is_multiple_of(2));
        let last = block_of.iter().copied().max().unwrap_or(0);
        let mut moved = vec![0; block_of.len()];
        for (place, &node) in self.order.iter().enumerate() {
            let from = if is_later { place.checked_sub(distance) } else { Some(place + distance) };
            let block = from.map_or(0, |from| self.order.get(from).map_or(last, |node| block_of[node.index()]));
            moved[node.index()] = graph.producers(node).map(|producer| moved[producer.index()]).fold(block, usize::max);
        }
        moved
    }
}

/// What nodes in the same place of two layers have in common: work on each kind, what each of their reads and products costs
/// on the first, and how many read from them.
type Likeness = (Vec<Ticks>, Vec<Ticks>, Vec<Ticks>, usize);

fn likeness(instance: &Instance, node: NodeId) -> Likeness {
    let [reads, makes] = [instance.paid_reads(node), instance.paid_produces(node)]
        .map(|tensors| tensors.iter().map(|&x| instance.view(0).transfer(x)).collect());
    let works = instance.views().map(|view| view.work(node)).collect();
    (works, reads, makes, instance.graph().successors(node).len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::RngExt;

    use super::super::streams::stream;
    use super::*;
    use crate::cases::{loose_nodes, random_instance, random_partition};
    use crate::cost::{Device, check_partition};
    use crate::graph::GraphBuilder;
    use crate::ids::count;

    /// A chain of layers, of nodes of these works each.
    fn layers(works: &[f64], num_layers: usize) -> Instance {
        let mut builder = GraphBuilder::default();
        let nodes: Vec<NodeId> = works.repeat(num_layers).iter().map(|&work| builder.add_node(work)).collect();
        for pair in nodes.windows(2) {
            builder.add_tensor(Some(pair[0]), 1, &pair[1..]);
        }
        let graph = Arc::new(builder.freeze().expect("edges go up"));
        Instance::uniform(graph, &Device::with_bandwidth(1.0), 4, false).expect("small numbers")
    }

    #[test]
    fn layers_are_found_and_a_cut_comes_to_the_others() {
        let instance = layers(&[1.0, 2.0, 3.0, 4.0, 5.0], 8);
        let repeats = Repeats::new(&instance, &RepeatParams::default(), &TopologicalOrder::natural(instance.graph()));
        assert_eq!(repeats.distances[..3], [5, 10, 15]);
        let cut: Vec<usize> = (0..40).map(|node| usize::from(node >= 12)).collect();
        let [later, earlier] = [0, 1].map(|way| repeats.moved(instance.graph(), &cut, way));
        assert!((0..40).all(|node| later[node] == usize::from(node >= 17)));
        assert!((0..40).all(|node| earlier[node] == usize::from(node >= 7)));
        assert!(repeats.is_layered);
    }

    #[test]
    fn a_network_is_layered_when_many_nodes_have_one_alike_at_one_distance() {
        for (num_alike, is_layered) in [(13, false), (14, true)] {
            // Works of one layer of four nodes, again and again, and then works that are all different.
            let work = |node: u32| f64::from(if node < num_alike { node % 4 } else { node }) + 1.0;
            let instance = loose_nodes(&(0..25).map(work).collect::<Vec<_>>(), 2);
            let repeats =
                Repeats::new(&instance, &RepeatParams::default(), &TopologicalOrder::natural(instance.graph()));
            assert_eq!((repeats.distances[0], repeats.is_layered), (4, is_layered));
        }
    }

    #[test]
    fn a_partition_that_is_moved_is_one() {
        for case in 0..2000 {
            let mut random = stream(6, 0, case);
            let (num_nodes, num_blocks) = (random.random_range(1..12), random.random_range(1..5));
            let instance = random_instance(&mut random, num_nodes, num_blocks);
            let order = TopologicalOrder::natural(instance.graph());
            let repeats =
                Repeats { order: order.nodes().to_vec(), distances: (1..=num_nodes).collect(), is_layered: false };
            let block_of = random_partition(&mut random, &instance);
            for way in 0..repeats.len() {
                let moved: Vec<i64> = repeats.moved(instance.graph(), &block_of, way).into_iter().map(count).collect();
                assert!(check_partition(&instance, &moved).is_ok(), "case {case}");
            }
        }
    }
}
