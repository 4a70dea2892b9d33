//! Rule *packing*: node weights such that no block below the threshold has its share of all.
//!
//! **Claim.** Give every group a weight, not negative. Where no block that costs at most `c` weighs more than `m`, and all groups
//! weigh more than `k m`, no partition into `k` blocks is better than `c + 1`.
//!
//! **Proof.** Each of the `k` blocks of such a partition would weigh at most `m`. ∎
//!
//! **Seeds.** Groups are taken in the order of their weights, the largest first, equal ones by number. A block that holds any has
//! a first one, its seed; so each block is a block of one seed, which holds none of the groups before it.
//!
//! **Cases.** What is to be shown of a seed is shown by cases: a case has some groups inside, the seed at first, and some outside. A
//! group that is named is inside in one of two parts and outside in the other, and each block of the case is in one of them. A case
//! is closed when all groups that are not outside weigh at most `m`; or by a factor `a > 0` when `a (c - l) < m + 1` for some `l` that
//! is at most `cost(S) - weight(S) / a` for each block `S` of the case.
//!
//! **Proof.** A block that costs at most `c` weighs at most `a (cost(S) - l) <= a (c - l)`. ∎
//!
//! It is closed, too, when each block of the case costs more than `c`: nothing gains anything then.
//!
//! **The cut.** Let `S` be a block of the case, and `after` the groups that something inside leads to. When `S` holds one of them, it
//! holds those of its predecessors that are in `after`, since they are between two of its groups; likewise of `before`. So `S` is one
//! of the sets of `cut.rs`. Groups inside gain `FORCE` more there, which takes that much from what each `S` costs, as it holds them all; so
//! the least, and `FORCE` for each, is at most what `S` costs less its gains. Gains are `weight / a`, rounded up.
//!
//! This is for one kind of device that pays the sum; what a block pays beyond that only makes it cost more.

use std::cmp::Reverse;

use crate::cut::{Network, Question};
use crate::problem::Problem;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// The factor of 1.
const ONE: i128 = 1 << 12;
/// More than all costs together; 32 times this fits, twice.
const FORCE: i64 = 1 << 55;
/// Groups inside, and the gains of all together, at most.
const MAX_INSIDE: usize = 32;
const MAX_GAIN: i128 = 1 << 59;

/// What is done about the case that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// What is not outside weighs too little.
    Weight,
    /// A cut with this factor, in parts of 4096.
    Cut(u64),
    /// A cut where nothing gains anything: what is not outside costs too much.
    Cost,
    /// This group is inside, in the case that is next then, or outside.
    Divide(usize),
}

/// Weights by group, and the cases of each seed, in the order of seeds. Seeds that are left over weigh too little together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    pub weights: Vec<u64>,
    pub cases: Vec<Vec<Step>>,
}

/// Groups inside and outside.
#[derive(Clone)]
struct Case {
    inside: Vec<usize>,
    outside: Vec<bool>,
}

/// What stays the same while cases are looked at.
struct Closing<'q, 'a> {
    quotient: &'q Quotient<'a>,
    network: Network,
    weights: Vec<i128>,
    max_cost: i128,
    /// What no block weighs more than.
    most: i128,
}

/// Proves that no partition is better than a threshold.
pub(crate) fn check_packing(
    problem: &Problem,
    threshold: i64,
    packing: &Packing,
    steps: &mut Steps,
) -> Result<(), Stop> {
    let num_nodes = problem.num_nodes();
    if problem.kinds.len() > 1 || problem.kinds[0].is_overlap {
        return Err(Stop::refused("weights are for one kind of device that pays sums"));
    }
    if packing.weights.len() != num_nodes || threshold < 1 {
        return Err(Stop::malformed(format!("there is no weight for each of {num_nodes} nodes")));
    }
    let weights: Vec<i128> = packing.weights.iter().copied().map(i128::from).collect();
    let total: i128 = weights.iter().sum();
    let num_blocks = i128::try_from(problem.num_blocks).unwrap_or(i128::MAX);
    if total == 0 {
        return Err(Stop::refused("nothing weighs anything"));
    }
    let quotient = Quotient::new(problem);
    let mut closing = Closing {
        quotient: &quotient,
        network: Network::new(num_nodes, problem.num_tensors(), steps)?,
        weights,
        max_cost: i128::from(threshold) - 1,
        most: (total - 1) / num_blocks,
    };
    let mut seeds: Vec<usize> = (0..num_nodes).collect();
    seeds.sort_by_key(|&seed| (Reverse(packing.weights[seed]), seed));
    let mut case = Case { inside: Vec::new(), outside: vec![false; num_nodes] };
    let mut cases = packing.cases.iter();
    for seed in seeds {
        steps.spend(num_nodes)?;
        if closing.weighs_little(&case) {
            return Ok(());
        }
        let cases = cases.next().ok_or(Stop::Open)?;
        closing.seed(Case { inside: vec![seed], outside: case.outside.clone() }, cases, steps)?;
        case.outside[seed] = true;
    }
    Ok(())
}

impl Closing<'_, '_> {
    fn weighs_little(&self, case: &Case) -> bool {
        let left = case.outside.iter().zip(&self.weights).filter(|(is_outside, _)| !**is_outside);
        left.map(|(_, weight)| weight).sum::<i128>() <= self.most
    }

    /// Goes through the cases of a seed: none is left when they end.
    fn seed(&mut self, root: Case, cases: &[Step], steps: &mut Steps) -> Result<(), Stop> {
        let mut open = vec![root];
        for step in cases {
            let mut case = open.pop().ok_or_else(|| Stop::malformed("no case is left"))?;
            steps.spend(case.outside.len())?;
            match *step {
                Step::Weight if self.weighs_little(&case) => {}
                Step::Weight => return Err(Stop::refused("a case weighs more")),
                Step::Cut(0) => return Err(Stop::malformed("a factor is 0")),
                Step::Cut(factor) => self.cut(&case, Some(i128::from(factor)), steps)?,
                Step::Cost => self.cut(&case, None, steps)?,
                Step::Divide(node) => {
                    if node >= case.outside.len() || case.inside.len() >= MAX_INSIDE {
                        return Err(Stop::malformed(format!("{node} is no node to divide a case by")));
                    }
                    let mut without = case.clone();
                    without.outside[node] = true;
                    case.inside.push(node);
                    open.extend([without, case]);
                }
            }
        }
        if open.is_empty() { Ok(()) } else { Err(Stop::Open) }
    }

    /// Closes a case by a minimum cut, with a factor or without gains.
    fn cut(&mut self, case: &Case, factor: Option<i128>, steps: &mut Steps) -> Result<(), Stop> {
        // A group that is inside and outside: there is no such block.
        if case.inside.iter().any(|&node| case.outside[node]) {
            return Ok(());
        }
        let is_in = |node: usize| !case.outside[node];
        let region: Vec<usize> = (0..case.outside.len()).filter(|&node| is_in(node)).collect();
        let mut gains = vec![0; case.outside.len()];
        let mut sum = 0;
        for &node in &region {
            let gain = factor.map_or(0, |factor| (self.weights[node] * ONE + factor - 1) / factor);
            sum += gain;
            gains[node] = i64::try_from(gain).unwrap_or(i64::MAX);
        }
        if sum > MAX_GAIN {
            return Err(Stop::malformed("a factor is too small"));
        }
        let (seed, others) = (case.inside[0], &case.inside[1..]);
        let mut forced = vec![false; gains.len()];
        let mut force = 0;
        for &node in others.iter().filter(|&&node| node != seed) {
            if !std::mem::replace(&mut forced[node], true) {
                gains[node] += FORCE;
                force += i128::from(FORCE);
            }
        }
        // What closes the case: from there on a factor times the rest of the cost is less than the share.
        let rest = factor.map_or(0, |factor| ((self.most + 1) * ONE + factor - 1) / factor);
        let enough = self.max_cost + 1 - rest;
        let question = Question {
            inside: seed,
            with: None,
            kind: 0,
            enough: i64::try_from(enough - force).unwrap_or(i64::MIN),
            barred: &case.outside,
            after: &self.reached(&case.inside, true, steps)?,
            before: &self.reached(&case.inside, false, steps)?,
            gains: &gains,
            region: &region,
        };
        steps.spend(gains.len())?;
        let least = i128::from(self.network.least_balance(self.quotient, &question, steps)?) + force;
        if least < enough {
            return Err(Stop::refused("some block may weigh more than its share"));
        }
        Ok(())
    }

    /// The groups that some groups lead to, or that lead to them, themselves among them.
    fn reached(&self, from: &[usize], is_after: bool, steps: &mut Steps) -> Result<Vec<bool>, Stop> {
        let mut reached = vec![false; self.weights.len()];
        let mut waiting = from.to_vec();
        while let Some(node) = waiting.pop() {
            if std::mem::replace(&mut reached[node], true) {
                continue;
            }
            let before = waiting.len();
            if is_after {
                waiting.extend(self.quotient.successors(node));
            } else {
                waiting.extend(self.quotient.predecessors(node));
            }
            steps.spend(1 + waiting.len() - before)?;
        }
        Ok(reached)
    }
}
