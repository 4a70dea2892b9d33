//! Branch and bound: what is not closed by a mean of both blocks' costs is divided at a node.

use super::network::{Flow, Network, Side, WHOLE};
use crate::cost::{Ticks, partition_costs};
use crate::flow::Dinic;
use crate::graph::Graph;
use crate::ids::{NodeId, count};
use crate::query::{Effort, Halt, Query};

/// Partitions with some nodes in given blocks, of which something is left: the flow at the best share, and between which first
/// blocks its least cuts are.
struct Case {
    flow: Flow,
    least: Vec<bool>,
    most: Vec<bool>,
}

/// What comes of a case when it is bounded, and what is still to be taken down.
enum Bounded {
    Closed(Ticks),
    Open(Case),
}

/// A first block by which a share is too large, or too small, and what both blocks cost.
struct Line {
    first_block: Vec<bool>,
    costs: [Ticks; 2],
}

impl Line {
    /// By how much the first block costs more.
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
    /// Steps of all but flows, as far as the effort does not know of them.
    steps: u64,
    /// The best partition found, and what both blocks have to cost less than.
    best: Option<Vec<usize>>,
    threshold: Ticks,
    /// The nodes of a cone, and which were seen in the last one.
    cone: Vec<NodeId>,
    seen: Vec<usize>,
    num_cones: usize,
    /// The tree so far, case by case: 0 and a share; or 1, twice the node, and 1 more where it is in the second block first.
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

    /// The best partition below the threshold, or one that is, by node; none when there is none, and then the tree is whole.
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
            // A better partition is more likely where the bound is less; that part comes first.
            let is_second_first = parts[1].0 < parts[0].0;
            if !is_second_first {
                parts.reverse();
            }
            self.tree.push(1 + 2 * node.index() + usize::from(is_second_first));
            left.extend(parts.into_iter().map(|(_, part)| part));
        }
        Ok(())
    }

    /// Looks for the share that says most of a case.
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

    /// Puts a node into a block, and with it what must be there, too.
    fn put(&mut self, flow: &mut Flow, node: NodeId, side: Side) {
        let is_first = side == Side::First;
        self.find_cone(node, is_first, |v| flow.side[v] == Side::Free);
        for node in std::mem::take(&mut self.cone) {
            flow.put(node.index(), side);
        }
    }

    /// The free node between the least cuts for which both parts have the largest cones there.
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
            // Both count; that which is less, more.
            let score = (8 * i128::from(before.min(after)) + i128::from(before.max(after)), std::cmp::Reverse(v));
            best = best.max(Some((score, node)));
        }
        // Where every node has its block, a share of all or nothing closes the case.
        best.map(|(_, node)| node).ok_or(Halt::Steps)
    }

    /// What nodes weigh that have to be in a block with this one.
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

    /// The node, and its ancestors or its descendants among some nodes.
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

/// Where the lines of two first blocks meet; all or nothing where there is but one.
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
