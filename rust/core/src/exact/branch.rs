//! Branching: where there are too many downsets and labels, the window of a node is split in two, and each half is decided alone.
//!
//! In narrower windows node weights are larger, since fewer nodes can share a block with a given one, and there are fewer downsets
//! and frontiers. So cuts, labels and the downset DP are tried on both halves, and on their halves if they halt again.
//!
//! **Claim.** If a partition is below the threshold, labels find one in some part. So does the DP, if the weight of all nodes
//! is more than the capacity of all blocks but one.
//!
//! **Proof.** Each partition is in exactly one part, since each node's block is in one half of its window. It satisfies the
//! windows, prefix weights and node weights of that part, and labels find any partition in the windows. For the DP: by the weights,
//! no block of a partition below the threshold is empty, so the downset of its first `b` blocks is in level `b` from either end; in
//! an earlier level it would leave an empty block. Of all such partitions, take the one whose last downset is the largest, then
//! the last but one, and so on. None of these downsets is dominated (`downset/bidirectional.rs`): dominance needs a partition that
//! is as good and in which a node has moved to an earlier block.

use std::cmp::Reverse;
use std::sync::Arc;

use super::argument::Argument;
use super::attempt::attempt;
use crate::domain::{Domains, Fact, Order, Windows, incompatibility, sum};
use crate::ids::count;
use crate::query::{BranchParams, Effort, Engine, Halt, Query};

/// A set of partitions that is not decided yet: those in the domains whose nodes are in these windows.
#[derive(Clone, Debug)]
pub(super) struct Part {
    domains: Arc<Domains>,
    windows: Windows,
    depth: u32,
}

/// The open parts of a threshold, a stack, and the argument for the closed ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub left: Vec<Part>,
    pub argument: Argument,
}

/// The result for a part: a better partition, a proof that there is none, or two parts; with the facts that were used.
enum Decided {
    Better(Vec<usize>),
    Closed(Vec<Fact>, Option<Engine>),
    Split(Vec<Fact>, Split),
}

/// A node and a block, and both parts: with the node up to this block, and after it.
type Split = ((usize, usize), Vec<Part>);

/// A partition below the threshold, by node; none when there is none. `parts` are the open parts of an earlier call, or none: then
/// `domains`, whose own attempt has ended with `halt`, are split. On a halt, `parts` are those still open.
///
/// # Errors
/// `halt`, when there are too few steps for a part; else a [`Halt`] of a part.
pub(super) fn branch(
    query: &Query<'_>,
    domains: &Domains,
    halt: Halt,
    parts: &mut Option<Parts>,
    effort: &mut Effort,
) -> Result<Option<Vec<usize>>, Halt> {
    let (params, graph) = (&query.params.branch, query.instance.graph());
    let [nodes, edges] = [graph.num_nodes(), graph.nodes().map(|v| graph.successors(v).len()).sum()].map(count);
    let (each, once) = (nodes.unsigned_abs() * params.node_steps, nodes.unsigned_abs() * edges.unsigned_abs() / 64);
    if effort.steps() <= once + each {
        return Err(halt);
    }
    effort.work(once)?;
    let parts = if let Some(parts) = parts {
        parts
    } else {
        let (split, left) = halves(query, domains.clone(), 1).ok_or(Halt::Steps)?;
        let mut argument = Argument::default();
        argument.split(&domains.facts, split);
        parts.insert(Parts { left, argument })
    };
    // Whether every better partition has nodes in all blocks.
    let rooms = query.instance.rooms(query.max_cost());
    let least = i128::from(rooms.iter().copied().min().unwrap_or(0));
    let has_all_blocks = sum(&domains.known.weights) > sum(&rooms) - least;
    let branching = Branching {
        query,
        rows: incompatibility(graph, &domains.incompatible, query.params.domain.max_nodes),
        steps: [params.label_steps, if has_all_blocks { params.downset_steps } else { 0 }],
    };
    let Parts { left, argument } = parts;
    while let Some(part) = left.pop() {
        match effort.work(each).and_then(|()| branching.decide(&part, effort)) {
            Ok(Decided::Better(block_of)) => return Ok(Some(block_of)),
            Ok(Decided::Closed(facts, closed_by)) => argument.close(&facts, closed_by),
            Ok(Decided::Split(facts, (split, halves))) => {
                argument.split(&facts, split);
                left.extend(halves);
            }
            Err(halt) => {
                left.push(part);
                return Err(halt);
            }
        }
    }
    Ok(None)
}

/// The data that all parts of one query share.
struct Branching<'a> {
    query: &'a Query<'a>,
    /// Incompatible nodes as bit sets, by node.
    rows: Vec<Vec<u64>>,
    /// The most steps of labels and of the DP for a part.
    steps: [u64; 2],
}

impl Branching<'_> {
    fn decide(&self, part: &Part, effort: &mut Effort) -> Result<Decided, Halt> {
        let (query, arc_steps) = (self.query, self.query.params.branch.arc_steps);
        let patient = query.params.domain.patient_steps;
        let order = if part.depth.is_multiple_of(2) { Order::Forward } else { Order::Backward };
        let most = i64::try_from(effort.steps()).map_or(patient, |steps| patient.min(steps / arc_steps));
        let mut steps = most;
        let domains = part.domains.within(query, &part.windows, &self.rows, order, &mut steps)?;
        let worked = effort.work((most - steps).saturating_mul(arc_steps).unsigned_abs());
        let domains = match domains {
            Ok(domains) => domains,
            Err(facts) => return Ok(Decided::Closed(facts, None)),
        };
        worked?;
        if steps <= 0 && most < patient {
            return Err(Halt::Steps);
        }
        match attempt(query, &domains, self.steps, effort) {
            Ok(Some(block_of)) => Ok(Decided::Better(block_of)),
            Ok(None) => Ok(Decided::Closed(domains.facts, effort.closed_by.take())),
            Err(Halt::Interrupted) => Err(Halt::Interrupted),
            Err(halt) => {
                let facts = domains.facts.clone();
                let halves = halves(query, domains, part.depth + 1).ok_or(halt)?;
                Ok(Decided::Split(facts, halves))
            }
        }
    }
}

/// Splits the domains at the node whose halves narrow windows most; none when every node has only one block left.
fn halves(query: &Query<'_>, domains: Domains, depth: u32) -> Option<Split> {
    let windows = &domains.known.windows;
    let unit = (query.max_cost() / query.params.branch.unit).max(1);
    // The lengths of all windows beyond one block, weighted by node weights.
    let slack = |windows: &Windows| -> u128 {
        let lengths = windows.earliest.iter().zip(&windows.latest).map(|(first, last)| last - first);
        let weights = domains.known.weights.iter().map(|weight| 1 + u128::from((weight / unit).unsigned_abs()));
        lengths.zip(weights).map(|(length, weight)| u128::from(count(length).unsigned_abs()) * weight).sum()
    };
    let all = slack(windows);
    let gain = |mut half: Windows| {
        let can_be = domains.propagation.narrow(&mut domains.prefixes.clone(), &mut half);
        if can_be { all - slack(&half) } else { all + 1 }
    };
    let nodes = candidates(&domains, &query.params.branch).into_iter();
    let cuts = nodes.map(|node| (node, usize::midpoint(windows.earliest[node], windows.latest[node])));
    let (node, last) = cuts.max_by_key(|&(node, last)| {
        [true, false].map(|is_first| gain(half(windows, node, last, is_first)) + 1).into_iter().product::<u128>()
    })?;
    let halves = [true, false].map(|is_first| half(windows, node, last, is_first));
    let domains = Arc::new(domains);
    let parts = Vec::from(halves.map(|windows| Part { domains: Arc::clone(&domains), windows, depth }));
    Some(((node, last), parts))
}

/// The nodes at which a split is tried, of those with more than one block: the heaviest, and a sample of the others.
fn candidates(domains: &Domains, params: &BranchParams) -> Vec<usize> {
    let (windows, weights) = (&domains.known.windows, &domains.known.weights);
    let mut nodes: Vec<usize> = (0..weights.len()).filter(|&v| windows.earliest[v] < windows.latest[v]).collect();
    nodes.sort_by_key(|&node| Reverse(weights[node]));
    let others = nodes.split_off(params.candidates.min(nodes.len()));
    nodes.extend(others.iter().step_by(others.len().div_ceil(params.candidates).max(1)));
    nodes
}

/// The windows with a node in a block up to `last`, or in a later one.
fn half(windows: &Windows, node: usize, last: usize, is_first: bool) -> Windows {
    let mut half = windows.clone();
    if is_first {
        half.latest[node] = last;
    } else {
        half.earliest[node] = last + 1;
    }
    half
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::{least_of, random_instance_at, random_unlike, small_params};
    use crate::cost::{bottleneck, partition_costs};
    use crate::domain::Known;
    use crate::exact::decide::decide_within;
    use crate::interrupt::Interrupt;

    #[test]
    fn parts_together_decide_what_the_whole_does() {
        let (params, interrupt) = (small_params(), Interrupt::never());
        let (mut num_branched, mut num_found, mut num_left, mut num_unlike) = (0, 0, 0, 0);
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(3..9), random.random_range(2..4));
            let instance = if case < 1000 {
                random_instance_at(4.0, &mut random, num_nodes, num_blocks)
            } else {
                random_unlike(&mut random, num_nodes, num_blocks)
            };
            let each: Vec<usize> = (0..num_nodes).collect();
            let best = least_of(&instance, &each, num_nodes);
            let near = best.min(1 << 52);
            for threshold in [near, near + 1, near + near / random.random_range(2..20)] {
                if threshold == 0 {
                    continue;
                }
                let query = Query { instance: &instance, threshold, params: &params, interrupt: &interrupt };
                let Some(domains) = Domains::new(&query, Known::nothing(&instance)) else {
                    assert!(best >= threshold, "case {case}");
                    continue;
                };
                // Without cuts at the root more parts are needed; with them, node weights are larger.
                let has_cuts: bool = random.random();
                let domains = if has_cuts {
                    domains.by_cuts(&query, params.domain.patient_steps, &mut 0).expect("no interrupt").ok()
                } else {
                    Some(domains)
                };
                let Some(mut domains) = domains else {
                    assert!(best >= threshold, "case {case}");
                    continue;
                };
                domains.are_of_use = true;
                if halves(&query, domains.clone(), 1).is_none() {
                    continue;
                }
                num_branched += 1;
                num_unlike += usize::from(case >= 1000);
                // So few steps that it resumes from open parts.
                let mut left = None;
                let found = (0..100).find_map(|turn| {
                    let mut effort = Effort::new(1 << 26, 1 << (8 + turn / 4));
                    match decide_within(&query, &domains, &mut left, &mut effort) {
                        Ok(found) => Some(found),
                        Err(halt) => {
                            assert_eq!(halt, Halt::Steps, "case {case}");
                            num_left += left.as_ref().map_or(0, |parts: &Parts| parts.left.len());
                            None
                        }
                    }
                });
                let found = found.expect("enough steps");
                assert_eq!(found.is_some(), best < threshold, "case {case} at {threshold} of {best}");
                if let Some(block_of) = found {
                    num_found += 1;
                    assert!(bottleneck(&partition_costs(&instance, &block_of)) < threshold, "case {case}");
                }
            }
        }
        assert!(
            num_branched - num_found > 500 && num_found > 500 && num_left > 1000 && num_unlike > 500,
            "{num_unlike}"
        );
    }
}
