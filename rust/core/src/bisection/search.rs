//! The branch and bound: a case that no share closes is divided at a node.

use super::network::{Flow, Network, Side, WHOLE};
use crate::cost::{Ticks, partition_costs};
use crate::flow::Dinic;
use crate::graph::Graph;
use crate::ids::{NodeId, count};
use crate::query::{Effort, Halt, Query};

/// An open case: the flow at its best share, and the smallest and the largest source side of a minimum cut.
struct Case {
    flow: Flow,
    least: Vec<bool>,
    most: Vec<bool>,
}

/// The result of bounding a case: closed, with the share that closes it, or open.
enum Bounded {
    Closed(Ticks),
    Open(Case),
}

/// A first block and the costs of both blocks: a line in the share, an upper bound on the least mean.
struct Line {
    first_block: Vec<bool>,
    costs: [Ticks; 2],
}

impl Line {
    /// The slope of the line: the cost of the first block less that of the second.
    fn lean(&self) -> Ticks {
        self.costs[0] - self.costs[1]
    }
}

/// A search for a partition into two blocks below the query's threshold.
pub(super) struct Search<'a> {
    query: &'a Query<'a>,
    graph: &'a Graph,
    loads: Vec<Ticks>,
    network: Network,
    dinic: Dinic,
    /// Steps outside of flows that are not yet counted in the effort.
    steps: u64,
    /// The best partition found, and its bottleneck or the query's threshold.
    best: Option<Vec<usize>>,
    threshold: Ticks,
    /// Scratch of `find_cone`: the nodes of a cone, and the last cone that each node was in.
    cone: Vec<NodeId>,
    seen: Vec<usize>,
    num_cones: usize,
    /// The tree so far in preorder. A closed case is 0 and its share; a divided one is 1 and twice the node, plus one if the part
    /// with the node in the second block comes first.
    pub tree: Vec<usize>,
}

impl<'a> Search<'a> {
    pub(super) fn new(query: &'a Query<'a>) -> Self {
        let graph = query.instance.graph();
        let network = Network::new(query.instance);
        Self {
            query,
            graph,
            loads: query.instance.only().loads(),
            dinic: Dinic::new(network.num_vertices()),
            network,
            steps: 0,
            best: None,
            threshold: query.threshold,
            cone: Vec::new(),
            seen: vec![0; graph.num_nodes()],
            num_cones: 0,
            tree: Vec::new(),
        }
    }

    /// The best partition below the threshold, by node, or any one below it when the steps run out; none when there is none, and
    /// then the tree is a proof.
    pub(super) fn run(&mut self, effort: &mut Effort) -> Result<Option<Vec<usize>>, Halt> {
        let found = self.divide(effort);
        match self.best.take() {
            Some(block_of) => Ok(Some(block_of)),
            None => found.map(|()| None),
        }
    }

    /// Divides cases until all are closed.
    fn divide(&mut self, effort: &mut Effort) -> Result<(), Halt> {
        let bytes = self.network.bytes() + 2 * self.graph.num_nodes();
        let begin = self.network.begin(WHOLE / 2);
        let mut left = vec![self.bound(begin, effort)?];
        while let Some(next) = left.pop() {
            let case = match next {
                Bounded::Closed(share) => {
                    self.tree.extend([0, usize::try_from(share).unwrap_or(0)]);
                    continue;
                }
                Bounded::Open(case) => case,
            };
            if left.len().saturating_mul(bytes) > effort.bytes() {
                return Err(Halt::Memory);
            }
            let node = self.choose(&case, effort)?;
            let mut parts = Vec::new();
            for side in [Side::First, Side::Second] {
                let mut flow = case.flow.clone();
                self.put(&mut flow, node, side);
                let part = self.bound(flow, effort)?;
                let value = if let Bounded::Open(case) = &part { case.flow.value } else { Ticks::MAX };
                parts.push((value, part));
            }
            // The part with the lower bound comes first: it is more likely to have a better partition.
            let is_second_first = parts[1].0 < parts[0].0;
            if !is_second_first {
                parts.reverse();
            }
            self.tree.push(1 + 2 * node.index() + usize::from(is_second_first));
            left.extend(parts.into_iter().map(|(_, part)| part));
        }
        Ok(())
    }

    /// Searches for the share with the largest least mean, which is the best bound of a case.
    fn bound(&mut self, mut flow: Flow, effort: &mut Effort) -> Result<Bounded, Halt> {
        let [mut low, mut high]: [Option<Line>; 2] = [None, None];
        for _ in 0..self.query.params.bisection.shares {
            let enough = WHOLE * (self.threshold - 1) + 1;
            self.network.augment(&mut flow, &mut self.dinic, enough);
            let of_flows = std::mem::take(&mut self.dinic.looked) + std::mem::take(&mut self.dinic.walked);
            effort.work(of_flows + std::mem::take(&mut self.steps) + 2 * count(self.loads.len()).unsigned_abs())?;
            if self.query.interrupt.is_raised() {
                return Err(Halt::Interrupted);
            }
            if flow.value >= enough {
                return Ok(Bounded::Closed(flow.share));
            }
            let mut lines = Vec::new();
            for first_block in self.network.first_blocks(&flow, &mut self.steps) {
                let block_of: Vec<usize> = first_block.iter().map(|&is_first| usize::from(!is_first)).collect();
                let blocks = partition_costs(self.query.instance, &block_of);
                let costs = [0, 1].map(|block| blocks.get(block).map_or(0, |block| block.cost));
                if costs[0].max(costs[1]) < self.threshold {
                    self.threshold = costs[0].max(costs[1]);
                    self.best = Some(block_of);
                }
                lines.push(Line { first_block, costs });
            }
            lines.sort_by_key(Line::lean);
            let (most, least) = (lines.pop(), lines.pop());
            match (least, most) {
                (Some(least), Some(most)) if least.lean() > 0 => {
                    drop(most);
                    high = Some(least);
                }
                (Some(_), Some(most)) if most.lean() < 0 => low = Some(most),
                (least, most) => {
                    (low, high) = (least, most);
                    break;
                }
            }
            let share = next_share(low.as_ref(), high.as_ref());
            if share == flow.share {
                break;
            }
            self.network.set_share(&mut flow, share);
        }
        let first_block = |line: Option<Line>, is_first| {
            line.map_or_else(|| vec![is_first; self.loads.len()], |line| line.first_block)
        };
        Ok(Bounded::Open(Case { least: first_block(low, false), most: first_block(high, true), flow }))
    }

    /// Fixes a node in a block, with its ancestors (first block) or descendants (second block).
    fn put(&mut self, flow: &mut Flow, node: NodeId, side: Side) {
        let is_first = side == Side::First;
        self.find_cone(node, is_first, |v| flow.side[v] == Side::Free);
        for node in std::mem::take(&mut self.cone) {
            flow.put(node.index(), side);
        }
    }

    /// The node to divide at: of the free nodes between the smallest and the largest minimum cut, the one with the heaviest cones.
    fn choose(&mut self, case: &Case, effort: &mut Effort) -> Result<NodeId, Halt> {
        let Case { flow, least, most } = case;
        let is_free = |v: &usize| flow.side[*v] == Side::Free;
        let mut nodes: Vec<usize> = (0..self.loads.len()).filter(is_free).collect();
        let between: Vec<usize> = nodes.iter().copied().filter(|&v| most[v] && !least[v]).collect();
        if !between.is_empty() {
            nodes = between;
        }
        let stride = nodes.len().div_ceil(self.query.params.bisection.candidates).max(1);
        let mut best = None;
        for &v in nodes.iter().step_by(stride) {
            let node = NodeId::new(v);
            let before = self.weigh(node, true, |u| is_free(&u) && !least[u], effort)?;
            let after = self.weigh(node, false, |u| is_free(&u) && most[u], effort)?;
            // Both weights count, the smaller one eight times.
            let score = (8 * i128::from(before.min(after)) + i128::from(before.max(after)), std::cmp::Reverse(v));
            best = best.max(Some((score, node)));
        }
        // If every node is fixed, a share of 0 or `WHOLE` has closed the case.
        best.map(|(_, node)| node).ok_or(Halt::Steps)
    }

    /// The weight of a node's cone.
    fn weigh(
        &mut self,
        node: NodeId,
        is_first: bool,
        is_in: impl Fn(usize) -> bool,
        effort: &mut Effort,
    ) -> Result<Ticks, Halt> {
        self.find_cone(node, is_first, is_in);
        effort.work(std::mem::take(&mut self.steps))?;
        Ok(self.cone.iter().map(|v| self.loads[v.index()]).sum())
    }

    /// Finds a node's cone: the node with its ancestors, or its descendants, among some nodes.
    fn find_cone(&mut self, node: NodeId, is_before: bool, is_in: impl Fn(usize) -> bool) {
        let Self { graph, seen, cone, num_cones, steps, .. } = self;
        *num_cones += 1;
        cone.clear();
        cone.push(node);
        seen[node.index()] = *num_cones;
        let mut at = 0;
        while let Some(&node) = cone.get(at) {
            at += 1;
            let mut take = |other: NodeId| {
                *steps += 1;
                if seen[other.index()] != *num_cones && is_in(other.index()) {
                    seen[other.index()] = *num_cones;
                    cone.push(other);
                }
            };
            if is_before {
                graph.producers(node).for_each(&mut take);
            } else {
                graph.successors(node).iter().copied().for_each(&mut take);
            }
        }
    }
}

/// The share at which two lines meet; 0 or `WHOLE` when there is only one.
fn next_share(low: Option<&Line>, high: Option<&Line>) -> Ticks {
    match (low, high) {
        (Some(low), Some(high)) => {
            let rise = i128::from(low.costs[1]) - i128::from(high.costs[1]);
            let slope = i128::from(high.lean()) - i128::from(low.lean());
            let share = (i128::from(WHOLE) * rise + slope / 2) / slope.max(1);
            Ticks::try_from(share).unwrap_or(0).clamp(0, WHOLE)
        }
        (Some(_), None) => 0,
        (None, _) => WHOLE,
    }
}
