//! Propagation: rules that narrow windows and prefix weights, given that every block costs less than the threshold.
//!
//! Let `c_b` be the capacity of block `b`, the most of the budget that it takes when it costs less than the threshold: with devices
//! of one kind, the threshold less one tick. Let the first `b` blocks weigh at least `l_b` and at most `m_b`. Node weights are those
//! of the budget (`cost::budget`), which are loads with devices of one kind, or larger ones (`weights.rs`): no block takes less of
//! the budget than its nodes weigh. In any partition below the threshold:
//!
//! - the first `b + 1` blocks weigh at most `m_b + c_{b+1}`, and the first `b` at least `l_{b+1} - c_{b+1}`;
//! - a window ends at blocks that may hold the node;
//! - a node is not in the first `b` blocks when it and its ancestors weigh more than `m_b`, and it is when all nodes but it and its
//!   descendants weigh less than `l_b`: a downset that lacks a node lacks its descendants;
//! - a node is in no earlier block than its ancestors, and in a later one than an incompatible ancestor (`incompatible.rs`);
//! - the first `b` blocks weigh no more than the nodes whose first block is among them, and no less than those whose last
//!   one is.
//!
//! Each of these follows from the definitions. They are applied in turns as long as that narrows the prefix weights.

use super::windows::{PrefixWeights, Windows};
use super::{WHOLE, sum};
use crate::cost::{Allowed, Ticks};
use crate::ids::NodeId;
use crate::order::{ConeSums, TopologicalOrder, cone_sums};
use crate::query::Query;

/// The rules for one graph at one threshold.
#[derive(Clone, Debug)]
pub struct Propagation {
    /// The capacity of each block.
    rooms: Vec<Ticks>,
    /// The blocks that may hold each node; none when all may.
    allowed: Option<Allowed>,
    another_turn: [i128; 2],
    pub(super) order: Vec<NodeId>,
    pub(super) successors: Vec<Vec<usize>>,
    pub(super) predecessors: Vec<Vec<usize>>,
    /// Per node, the nodes after it that are incompatible with it.
    incompatible: Vec<Vec<usize>>,
    weights: Vec<Ticks>,
    cones: ConeSums,
}

impl Propagation {
    /// Prepares the rules for a query, in the time and memory of [`cone_sums`]. The first node of an incompatible pair is an ancestor
    /// of the second.
    ///
    /// # Panics
    /// When there is not one weight per node.
    #[must_use]
    pub fn new(query: &Query<'_>, weights: &[Ticks], incompatible: &[(NodeId, NodeId)]) -> Self {
        let graph = query.instance.graph();
        let mut predecessors = vec![Vec::new(); graph.num_nodes()];
        for v in graph.nodes() {
            graph.successors(v).iter().for_each(|w| predecessors[w.index()].push(v.index()));
        }
        let mut later = vec![Vec::new(); graph.num_nodes()];
        for (u, v) in incompatible {
            later[u.index()].push(v.index());
        }
        Self {
            rooms: query.instance.rooms(query.max_cost()),
            allowed: query.instance.allowed().cloned(),
            another_turn: query.params.domain.another_turn,
            order: TopologicalOrder::natural(graph).nodes().to_vec(),
            successors: graph.nodes().map(|v| graph.successors(v).iter().map(|w| w.index()).collect()).collect(),
            predecessors,
            incompatible: later,
            weights: weights.to_vec(),
            cones: cone_sums(graph, weights),
        }
    }

    pub(super) fn num_blocks(&self) -> usize {
        self.rooms.len()
    }

    /// The capacity of all blocks together; it need not fit 64 bits.
    pub(super) fn capacity(&self) -> i128 {
        sum(&self.rooms)
    }

    /// The weight of all nodes as a share of the capacity of all blocks, in units of [`WHOLE`].
    pub(crate) fn share(&self) -> i128 {
        sum(&self.weights).saturating_mul(WHOLE) / self.capacity().max(1)
    }

    /// Narrows prefix weights and windows; returns false when they leave no partition.
    ///
    /// # Complexity
    /// O(nodes x log(blocks) + edges + pairs) per turn.
    pub fn narrow(&self, prefixes: &mut PrefixWeights, windows: &mut Windows) -> bool {
        let (total, num_blocks) = (self.weights.iter().sum(), self.num_blocks());
        prefixes.least.resize(num_blocks + 1, 0);
        prefixes.most.resize(num_blocks + 1, total);
        prefixes.most[0] = prefixes.most[0].min(0);
        prefixes.least[num_blocks] = prefixes.least[num_blocks].max(total);
        let mut before = i128::MAX;
        loop {
            prefixes.spread(&self.rooms);
            if !prefixes.are_open() {
                return false;
            }
            self.place(prefixes, total, windows);
            self.follow_edges(windows);
            if !windows.are_open() {
                return false;
            }
            let now = prefixes.slack();
            if now == 0 || now.saturating_mul(self.another_turn[1]) > before.saturating_mul(self.another_turn[0]) {
                return true;
            }
            before = now;
            prefixes.tighten(windows, &self.weights);
        }
    }

    /// Narrows windows by the weights of ancestors and descendants.
    fn place(&self, prefixes: &PrefixWeights, total: Ticks, Windows { earliest, latest }: &mut Windows) {
        // Both are sorted.
        let PrefixWeights { least, most } = prefixes;
        for (earliest, cone) in earliest.iter_mut().zip(&self.cones.ancestors) {
            *earliest = (*earliest).max(1 + most[1..].partition_point(|most| most < cone));
        }
        for (latest, cone) in latest.iter_mut().zip(&self.cones.descendants) {
            *latest = (*latest).min(1 + least[1..].partition_point(|least| *least <= total - cone));
        }
    }

    /// Narrows windows along edges, and between incompatible nodes.
    pub(super) fn follow_edges(&self, windows: &mut Windows) {
        if let Some(allowed) = &self.allowed {
            windows.snap(allowed);
        }
        let Windows { earliest, latest } = windows;
        for v in self.order.iter().map(|v| v.index()) {
            for &w in &self.successors[v] {
                earliest[w] = earliest[w].max(earliest[v]);
            }
            for &w in &self.incompatible[v] {
                earliest[w] = earliest[w].max(earliest[v] + 1);
            }
        }
        for v in self.order.iter().rev().map(|v| v.index()) {
            let after = self.successors[v].iter().map(|&w| latest[w]);
            let later = self.incompatible[v].iter().map(|&w| latest[w].saturating_sub(1));
            latest[v] = after.chain(later).fold(latest[v], usize::min);
        }
    }
}
