//! Windows: the first and the last block that each node can be in when every block is cheap.
//!
//! Let every block cost at most `c`, and let the first `b` blocks hold a load of at least `l_b` and at most `m_b`. Loads are
//! work, or better what nodes are charged (`weights.rs`): no block costs less. In any such partition:
//!
//! - the first `b + 1` blocks hold at most `m_b + c`, and the first `b` at least `l_{b+1} - c`;
//! - a node is not in the first `b` blocks when it and what comes before it load more than `m_b`, and it is when all but it
//!   and what comes after it load less than `l_b`: what is closed under predecessors and lacks a node lacks what comes after;
//! - a node is in no earlier block than what comes before it, and in a later one than what it is apart from (`incompatible.rs`);
//! - the first `b` blocks hold no more than the nodes whose first block is among them, and no less than those whose last
//!   one is.
//!
//! Each of these follows from the definitions. They are applied in turns as long as that narrows the loads.
//!
//! **By minimum cuts.** Let `e` be the first block of `v`. If `v` is in block `e`, then so is each maker of what `v` reads
//! whose first block is `e` too, and on from there; in the same way readers follow their makers when `e` is the last block of
//! both; and nodes whose windows are without `e` are elsewhere. When a minimum cut (`flow`) says that every such block
//! costs at least `T`, then `v` is after block `e`. Likewise for the last block. Where many paths meet this says much more than
//! who is apart: all that must be in one block with `v` is paid for together.

use crate::cost::{Instance, Ticks};
use crate::flow::{AFTER, BEFORE, ELSEWHERE, Network};
use crate::graph::Graph;
use crate::ids::{NodeId, count, wide};
use crate::interrupt::{Interrupt, Interrupted};
use crate::order::{ConeSums, TopologicalOrder, cone_sums};
use crate::quotient::Quotient;

/// What the first blocks of every partition below a threshold are charged (`weights.rs`).
///
/// Entry `b` is about the first `b` blocks, where trailing ones may be empty, or else leading ones. The default knows
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// At least.
    pub least: Vec<Ticks>,
    /// At most.
    pub most: Vec<Ticks>,
}

/// Another turn when the last one has left less than this part of what was not known.
const WORTHWHILE: [i128; 2] = [49, 50];

/// In parts of which shares are given.
pub(crate) const WHOLE: i128 = 1 << 20;

/// All together, which need not fit 64 bits.
pub(crate) fn sum(loads: &[Ticks]) -> i128 {
    loads.iter().map(|&load| i128::from(load)).sum()
}

/// What narrows the windows of one graph.
#[derive(Clone, Debug)]
pub struct Narrowing {
    num_blocks: usize,
    cap: Ticks,
    order: Vec<NodeId>,
    successors: Vec<Vec<usize>>,
    predecessors: Vec<Vec<usize>>,
    apart: Vec<Vec<usize>>,
    loads: Vec<Ticks>,
    cones: ConeSums,
}

/// The first and the last block of every node, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The first.
    pub earliest: Vec<usize>,
    /// The last.
    pub latest: Vec<usize>,
}

impl Windows {
    /// Of so many nodes, any of so many blocks.
    #[must_use]
    pub fn all(num_nodes: usize, num_blocks: usize) -> Self {
        Self { earliest: vec![1; num_nodes], latest: vec![num_blocks; num_nodes] }
    }

    /// How many blocks more than one nodes can be in, all together.
    pub(crate) fn slack(&self) -> usize {
        self.earliest.iter().zip(&self.latest).map(|(first, last)| last - first).sum()
    }

    /// The first blocks hold no more than what can be there, and no less than what must.
    fn hold(&self, loads: &[Ticks], reach: &mut Reach) {
        for (blocks, is_most) in [(&self.earliest, true), (&self.latest, false)] {
            let mut held = vec![0; reach.most.len()];
            for (&block, load) in blocks.iter().zip(loads) {
                held[block] += load;
            }
            let mut sum = 0;
            for (b, held) in held.into_iter().enumerate() {
                sum += held;
                if is_most {
                    reach.most[b] = reach.most[b].min(sum);
                } else {
                    reach.least[b] = reach.least[b].max(sum);
                }
            }
        }
    }

    fn are_open(&self) -> bool {
        self.earliest.iter().zip(&self.latest).all(|(first, last)| first <= last)
    }

    /// Whether a node is always among the first blocks, and whether it never is.
    pub(crate) fn sides(&self, node: u32, num_blocks: usize) -> [bool; 2] {
        [self.latest[wide(node)] <= num_blocks, self.earliest[wide(node)] > num_blocks]
    }
}

impl Narrowing {
    /// Prepares it for blocks that cost at most `cap`, in the time and memory of [`cone_sums`].
    ///
    /// # Panics
    /// When there is not one load per node.
    #[must_use]
    pub fn new(graph: &Graph, loads: &[Ticks], num_blocks: usize, cap: Ticks, apart: &[(NodeId, NodeId)]) -> Self {
        let mut predecessors = vec![Vec::new(); graph.num_nodes()];
        for v in graph.nodes() {
            graph.successors(v).iter().for_each(|w| predecessors[w.index()].push(v.index()));
        }
        let mut later = vec![Vec::new(); graph.num_nodes()];
        for (u, v) in apart {
            later[u.index()].push(v.index());
        }
        Self {
            num_blocks,
            cap,
            order: TopologicalOrder::natural(graph).nodes().to_vec(),
            successors: graph.nodes().map(|v| graph.successors(v).iter().map(|w| w.index()).collect()).collect(),
            predecessors,
            apart: later,
            loads: loads.to_vec(),
            cones: cone_sums(graph, loads),
        }
    }

    /// The part of what all blocks may cost that all nodes load.
    pub(crate) fn share(&self) -> i128 {
        let room = i128::from(self.cap) * i128::from(count(self.num_blocks));
        sum(&self.loads).saturating_mul(WHOLE) / room.max(1)
    }

    /// Narrows what the first blocks hold, and the windows; whether there can be such a partition.
    ///
    /// # Complexity
    /// O(nodes x log(blocks) + edges + pairs) per turn.
    pub fn narrow(&self, reach: &mut Reach, windows: &mut Windows) -> bool {
        let total = self.loads.iter().sum();
        reach.least.resize(self.num_blocks + 1, 0);
        reach.most.resize(self.num_blocks + 1, total);
        reach.most[0] = reach.most[0].min(0);
        reach.least[self.num_blocks] = reach.least[self.num_blocks].max(total);
        let mut open = i128::MAX;
        loop {
            self.spread(reach);
            if reach.least.iter().zip(&reach.most).any(|(least, most)| least > most) {
                return false;
            }
            self.place(reach, total, windows);
            self.propagate(windows);
            if !windows.are_open() {
                return false;
            }
            let now: i128 = (0..=self.num_blocks).map(|b| i128::from(reach.most[b] - reach.least[b])).sum();
            if now == 0 || now.saturating_mul(WORTHWHILE[1]) > open.saturating_mul(WORTHWHILE[0]) {
                return true;
            }
            open = now;
            windows.hold(&self.loads, reach);
        }
    }

    /// Blocks hold at least nothing and at most what they may cost.
    fn spread(&self, reach: &mut Reach) {
        let Reach { least, most } = reach;
        for b in 0..self.num_blocks {
            most[b + 1] = most[b + 1].min(most[b].saturating_add(self.cap));
            least[b + 1] = least[b + 1].max(least[b]);
        }
        for b in (0..self.num_blocks).rev() {
            most[b] = most[b].min(most[b + 1]);
            least[b] = least[b].max(least[b + 1].saturating_sub(self.cap));
        }
    }

    /// By what comes before each node, and what comes after it.
    fn place(&self, reach: &Reach, total: Ticks, Windows { earliest, latest }: &mut Windows) {
        // Both are sorted.
        let Reach { least, most } = reach;
        for (earliest, cone) in earliest.iter_mut().zip(&self.cones.ancestors) {
            *earliest = (*earliest).max(1 + most[1..].partition_point(|most| most < cone));
        }
        for (latest, cone) in latest.iter_mut().zip(&self.cones.descendants) {
            *latest = (*latest).min(1 + least[1..].partition_point(|least| *least <= total - cone));
        }
    }

    /// Along edges, and from who is apart to whom.
    fn propagate(&self, Windows { earliest, latest }: &mut Windows) {
        for v in self.order.iter().map(|v| v.index()) {
            for &w in &self.successors[v] {
                earliest[w] = earliest[w].max(earliest[v]);
            }
            for &w in &self.apart[v] {
                earliest[w] = earliest[w].max(earliest[v] + 1);
            }
        }
        for v in self.order.iter().rev().map(|v| v.index()) {
            let after = self.successors[v].iter().map(|&w| latest[w]);
            let later = self.apart[v].iter().map(|&w| latest[w].saturating_sub(1));
            latest[v] = after.chain(later).fold(latest[v], usize::min);
        }
    }

    /// Narrows the windows by minimum cuts: whether a node can be in the first of its blocks, and in the last. Whether there
    /// can be such a partition. Arcs that are looked at are taken from `steps`; when none are left, what is narrowed by then
    /// has to do.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first; what was narrowed by then is right.
    ///
    /// # Complexity
    /// O(nodes) minimum cuts, of what costs less than the threshold around a node.
    pub fn shave(
        &self,
        instance: &Instance,
        threshold: Ticks,
        windows: &mut Windows,
        steps: &mut i64,
        interrupt: &Interrupt,
    ) -> Result<bool, Interrupted> {
        let quotient = Quotient::new(instance);
        let mut network = Network::new(&quotient);
        let most = *steps;
        for is_early in [true, false] {
            for place in 1..=self.num_blocks {
                let block = if is_early { place } else { self.num_blocks + 1 - place };
                self.shave_block(&mut network, threshold, (block, is_early), windows, most, interrupt)?;
                *steps = most.saturating_sub_unsigned(network.steps());
                self.propagate(windows);
                if !windows.are_open() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Asks of nodes whose first, or last, block is this one whether they can be in it.
    fn shave_block(
        &self,
        network: &mut Network<'_, '_>,
        threshold: Ticks,
        (block, is_early): (usize, bool),
        windows: &mut Windows,
        steps: i64,
        interrupt: &Interrupt,
    ) -> Result<(), Interrupted> {
        let is_asked = |windows: &Windows, node: usize| {
            let Windows { earliest, latest } = windows;
            (if is_early { earliest[node] } else { latest[node] }) == block
        };
        let open = self.order.iter().map(|node| node.index()).filter(|&node| is_asked(windows, node));
        let open: Vec<usize> = open.collect();
        let mut can_be = vec![false; self.order.len()];
        // From the middle: with a node go those that must be in the block with it, if it can be; those with which it must be,
        // if not.
        let mut ranges = vec![(0, open.len())];
        while let Some((begin, end)) = ranges.pop() {
            if begin == end || steps.saturating_sub_unsigned(network.steps()) <= 0 {
                continue;
            }
            interrupt.check(0)?;
            let middle = usize::midpoint(begin, end);
            let node = open[middle];
            ranges.extend([(begin, middle), (middle + 1, end)]);
            if can_be[node] || !is_asked(windows, node) {
                continue;
            }
            let Windows { earliest, latest } = &*windows;
            let side = |v: usize| {
                let is_elsewhere = earliest[v] > block || latest[v] < block;
                (u8::from(latest[v] <= block) * BEFORE)
                    | (u8::from(earliest[v] >= block) * AFTER)
                    | (u8::from(is_elsewhere) * ELSEWHERE)
            };
            if network.least_cost_among(std::iter::once(node), threshold, side) < threshold {
                network.cheapest().for_each(|other| can_be[other] = true);
                continue;
            }
            let mut stack = vec![node];
            while let Some(node) = stack.pop() {
                if !is_asked(windows, node) {
                    continue;
                }
                if is_early {
                    windows.earliest[node] += 1;
                    stack.extend(&self.successors[node]);
                } else {
                    windows.latest[node] -= 1;
                    stack.extend(&self.predecessors[node]);
                }
            }
        }
        Ok(())
    }
}
