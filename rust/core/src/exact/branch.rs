//! Branching: where downsets and labels are too many, a node's window is cut in two, and each half is a question of its own.
//!
//! In narrower windows charges are larger, since less can be in one block with a node, and downsets and frontiers are fewer. So
//! cuts, labels and the downset DP are tried on both halves, and on halves of these where they do not come to an end.
//!
//! **Claim.** When there is a partition better than the threshold, then labels find one in some part. So does the DP, when the
//! charges of all nodes are more than `k - 1` blocks can cost.
//!
//! **Proof.** Each partition is in one part, since each node's block is in one half of its window. What windows, reach and
//! charges say of the partitions of the part is true of it, and labels take any partition in windows. For the DP, every
//! better partition has `k` blocks with nodes, so that its fences are in the levels that their number says, from
//! either end. Take the one with the least sum of all nodes' blocks: none of its fences is dominated (`downset/bidirectional.rs`), since
//! that would take a partition that is as good, where a node has moved up.

use std::sync::Arc;

use super::attempt;
use crate::cost::{Instance, Ticks};
use crate::domain::{Confines, Order, PATIENTLY, Windows, far, sum};
use crate::effort::{Caps, Halt};
use crate::ids::count;
use crate::interrupt::Interrupt;

/// Labels have this part of the steps before there are parts, and the DP has this one.
const SHARE: [u64; 2] = [2, 4];
/// Steps of labels for a part, and of the DP.
const STEPS: [u64; 2] = if cfg!(debug_assertions) { [1 << 10, 1 << 6] } else { [1 << 23, 1 << 20] };
/// What cuts take per arc, in steps of the DP.
const STEPS_PER_ARC: i64 = 2;
/// What else a part takes per node, most of it to choose where to cut it: a second for 100,000 nodes.
const STEPS_PER_NODE: u64 = if cfg!(debug_assertions) { 1 } else { 1 << 10 };
/// Nodes whose windows are tried: those that are charged most, and some of the others.
const CANDIDATES: usize = 32;
/// The unit of charges where windows are compared is this part of what a block can cost.
const FINE: Ticks = 10_000;

/// Partitions that are not decided yet: those known to be as this, with nodes in these windows.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    known: Arc<Confines>,
    windows: Windows,
    depth: u32,
}

/// A partition below the threshold, by node; none when there is none. Some of the steps are for labels and the DP as they are,
/// the others for parts: those that are `left` from before, or of all partitions. A halt leaves others.
///
/// # Errors
/// [`Halt`], when a cap is met or `interrupt` was raised.
pub(super) fn branch(
    instance: &Instance,
    threshold: Ticks,
    confines: &Confines,
    left: &mut Option<Vec<Part>>,
    caps: &mut Caps,
    interrupt: &Interrupt,
) -> Result<Option<Vec<usize>>, Halt> {
    let steps = SHARE.map(|share| caps.steps / share);
    let found = attempt(instance, threshold, confines, steps, caps, interrupt);
    let most = i128::from(threshold - 1) * i128::from(count(instance.num_blocks()) - 1);
    let has_all_blocks = sum(&confines.known.charges) > most;
    // Where cuts have said nothing of the whole, parts are as large for long.
    if !(matches!(found, Err(Halt::Steps | Halt::Memory)) && confines.are_of_use) {
        return found;
    }
    let steps = [STEPS[0], if has_all_blocks { STEPS[1] } else { 0 }];
    let graph = instance.graph();
    let [nodes, edges] = [graph.num_nodes(), graph.nodes().map(|v| graph.successors(v).len()).sum()].map(count);
    let (each, once) = (nodes.unsigned_abs() * STEPS_PER_NODE, nodes.unsigned_abs() * edges.unsigned_abs() / 64);
    if caps.steps <= once + each {
        return found;
    }
    caps.work(once)?;
    let parts = match left {
        Some(parts) => parts,
        None => left.insert(halves(confines.clone(), threshold - 1, 1).ok_or(Halt::Steps)?),
    };
    let far = far(graph, &confines.apart);
    while let Some(part) = parts.pop() {
        let decided = caps.work(each).and_then(|()| part.decide(instance, threshold, &far, steps, caps, interrupt));
        match decided {
            Ok(Decided::Better(block_of)) => return Ok(Some(block_of)),
            Ok(Decided::Parts(halves)) => parts.extend(halves),
            Err(halt) => {
                parts.push(part);
                return Err(halt);
            }
        }
    }
    Ok(None)
}

/// What comes of a part: a partition, or the parts that it falls into; none when there is no such partition.
enum Decided {
    Better(Vec<usize>),
    Parts(Vec<Part>),
}

impl Part {
    fn decide(
        &self,
        instance: &Instance,
        threshold: Ticks,
        far: &[Vec<u64>],
        attempt_steps: [u64; 2],
        caps: &mut Caps,
        interrupt: &Interrupt,
    ) -> Result<Decided, Halt> {
        let cap = threshold - 1;
        let order = if self.depth.is_multiple_of(2) { Order::Forward } else { Order::Backward };
        let most = i64::try_from(caps.steps).map_or(PATIENTLY, |steps| PATIENTLY.min(steps / STEPS_PER_ARC));
        let mut steps = most;
        let known = self.known.within(&self.windows, (instance, cap), far, order, &mut steps, interrupt)?;
        let worked = caps.work((most - steps).saturating_mul(STEPS_PER_ARC).unsigned_abs());
        let Some(known) = known else { return Ok(Decided::Parts(Vec::new())) };
        worked?;
        if steps <= 0 && most < PATIENTLY {
            return Err(Halt::Steps);
        }
        match attempt(instance, threshold, &known, attempt_steps, caps, interrupt) {
            Ok(Some(block_of)) => Ok(Decided::Better(block_of)),
            Ok(None) => Ok(Decided::Parts(Vec::new())),
            Err(Halt::Interrupted) => Err(Halt::Interrupted),
            Err(halt) => halves(known, cap, self.depth + 1).map(Decided::Parts).ok_or(halt),
        }
    }
}

/// Both halves, at a node for which most is narrowed in either; none when every node has but one block.
fn halves(confines: Confines, cap: Ticks, depth: u32) -> Option<Vec<Part>> {
    let (windows, charges) = (&confines.known.windows, &confines.known.charges);
    let unit = (cap / FINE).max(1);
    // How many blocks more than one nodes can be in, weighed by charges.
    let slack = |windows: &Windows| -> u128 {
        let lengths = windows.earliest.iter().zip(&windows.latest).map(|(first, last)| last - first);
        let weights = charges.iter().map(|charge| 1 + u128::from((charge / unit).unsigned_abs()));
        lengths.zip(weights).map(|(length, weight)| u128::from(count(length).unsigned_abs()) * weight).sum()
    };
    let all = slack(windows);
    let half = |node: usize, last: usize, is_first: bool| {
        let mut half = windows.clone();
        if is_first {
            half.latest[node] = last;
        } else {
            half.earliest[node] = last + 1;
        }
        half
    };
    let gain = |mut half: Windows| {
        let can_be = confines.narrowing.narrow(&mut confines.reach.clone(), &mut half);
        if can_be { all - slack(&half) } else { all + 1 }
    };
    let mut nodes: Vec<usize> = (0..charges.len()).filter(|&v| windows.earliest[v] < windows.latest[v]).collect();
    nodes.sort_by_key(|&node| std::cmp::Reverse(charges[node]));
    let others = nodes.split_off(CANDIDATES.min(nodes.len()));
    nodes.extend(others.iter().step_by(others.len().div_ceil(CANDIDATES).max(1)));
    let cuts = nodes.into_iter().map(|node| (node, usize::midpoint(windows.earliest[node], windows.latest[node])));
    let (node, last) = cuts.max_by_key(|&(node, last)| {
        [true, false].map(|is_first| gain(half(node, last, is_first)) + 1).into_iter().product::<u128>()
    })?;
    let halves = [true, false].map(|is_first| half(node, last, is_first));
    let known = Arc::new(confines);
    Some(Vec::from(halves.map(|windows| Part { known: Arc::clone(&known), windows, depth })))
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::{least_of, random_instance_at};
    use crate::cost::{bottleneck, partition_costs};
    use crate::domain::Known;

    #[test]
    fn parts_together_decide_what_the_whole_does() {
        let interrupt = Interrupt::never();
        let (mut num_branched, mut num_found, mut num_left) = (0, 0, 0);
        for case in 0..1000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let (num_nodes, num_blocks) = (random.random_range(3..9), random.random_range(2..4));
            let instance = random_instance_at(4.0, &mut random, num_nodes, num_blocks);
            let each: Vec<usize> = (0..num_nodes).collect();
            let best = least_of(&instance, &each, num_nodes);
            let near = best.min(1 << 52);
            for threshold in [near, near + 1, near + near / random.random_range(2..20)] {
                if threshold == 0 {
                    continue;
                }
                let known = Confines::new(&instance, threshold - 1, Known::nothing(&instance));
                let Some(confines) = known else {
                    assert!(best >= threshold, "case {case}");
                    continue;
                };
                // Without cuts at the root there is more to be done; with them, charges are larger.
                let has_cuts: bool = random.random();
                let confines = if has_cuts {
                    confines.by_cuts(&instance, threshold - 1, PATIENTLY, &interrupt).expect("nobody interrupts")
                } else {
                    Some(confines)
                };
                let Some(mut confines) = confines else {
                    assert!(best >= threshold, "case {case}");
                    continue;
                };
                confines.are_of_use = true;
                if halves(confines.clone(), threshold - 1, 1).is_none() {
                    continue;
                }
                num_branched += 1;
                // So few that it goes on from what is left.
                let mut left = None;
                let found = (0..100).find_map(|turn| {
                    let mut caps = Caps::new(1 << 26, 1 << (8 + turn / 4));
                    match branch(&instance, threshold, &confines, &mut left, &mut caps, &interrupt) {
                        Ok(found) => Some(found),
                        Err(halt) => {
                            assert_eq!(halt, Halt::Steps, "case {case}");
                            num_left += left.as_ref().map_or(0, Vec::len);
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
        assert!(num_branched - num_found > 500 && num_found > 500 && num_left > 1000);
    }
}
