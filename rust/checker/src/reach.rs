//! Rule *reach*: stage windows by bounds on the weight of the first, and of the last, blocks.
//!
//! **Claim.** Below the threshold `T`:
//!
//! - The first `b` blocks hold no more weight than the nodes whose windows begin among them, than `T - 1` times their multipliers,
//!   and than the first `b - 1` blocks and one block more. Likewise the last `b` blocks. The weight of a node is the least that
//!   it adds to what a block pays, on a kind that may hold it, times that kind's multiplier.
//! - A node that weighs, with its ancestors, more than the first `b` blocks can hold is in a later one; likewise from the end.
//! - No node is in an earlier block than its predecessors; it is in a later one where the two are incompatible (`incompatible.rs`).
//! - A case of a tree (`tree.rs`) may limit further what the first or the last `b` blocks hold, and so what the first `b - 1` hold.
//! - Where the first `b` blocks and the others cannot hold all weight, there is no such partition.
//!
//! **Proof.** A block pays at least its nodes' loads, each at least the node's weight over the multiplier of the block's kind. The
//! ancestors of a node are in no later block than the node. ∎

use std::rc::Rc;

use crate::bits::Bits;
use crate::incompatible::Incompatible;
use crate::order::Order;
use crate::problem::Problem;
use crate::stop::{Steps, Stop};

/// The first and the last block of each node, counted from 1; and what the first and the last 0, 1, ..., all blocks weigh at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub first: Vec<usize>,
    pub last: Vec<usize>,
    pub most: Vec<i128>,
    pub most_at_end: Vec<i128>,
}

impl Windows {
    /// The same where weights are others.
    pub(crate) fn forget_weights(&mut self) {
        self.most.fill(i128::MAX);
        self.most_at_end.fill(i128::MAX);
    }

    pub(crate) fn are_open(&self) -> bool {
        self.first.iter().zip(&self.last).all(|(first, last)| first <= last)
    }
}

/// What stays the same while windows narrow.
#[derive(Clone)]
pub(crate) struct Reach<'a> {
    pub problem: &'a Problem,
    pub order: Rc<Order>,
    pub incompatible: Rc<Incompatible>,
    pub weight: Vec<i128>,
    total: i128,
    needs: Vec<i128>,
    needed: Vec<i128>,
    rooms: Vec<i128>,
    allowed: Option<&'a [Bits]>,
}

impl<'a> Reach<'a> {
    /// # Errors
    /// [`Stop`], when there is a cycle, or the steps are used up.
    pub(crate) fn new(
        problem: &'a Problem,
        weight: Vec<i128>,
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Self, Stop> {
        let order = Rc::new(Order::new(problem, steps)?);
        let needs = order.cones(&weight, true, steps)?;
        let needed = order.cones(&weight, false, steps)?;
        let room = |stage| i128::from(problem.on(stage).multiplier) * i128::from(threshold - 1);
        Ok(Self {
            problem,
            order,
            incompatible: Rc::default(),
            total: weight.iter().sum(),
            weight,
            needs,
            needed,
            rooms: (0..problem.num_blocks).map(room).collect(),
            allowed: problem.allowed.as_deref(),
        })
    }

    /// The same where nodes weigh more.
    ///
    /// # Errors
    /// [`Stop`], when the steps are used up.
    pub(crate) fn weighing(&self, weight: Vec<i128>, steps: &mut Steps) -> Result<Self, Stop> {
        let needs = self.order.cones(&weight, true, steps)?;
        let needed = self.order.cones(&weight, false, steps)?;
        Ok(Self { total: weight.iter().sum(), weight, needs, needed, ..self.clone() })
    }

    /// What no other one shares with it.
    pub(crate) fn num_bytes(&self) -> usize {
        3 * size_of_val(&self.weight[..]) + size_of_val(&self.rooms[..])
    }

    /// What all nodes weigh.
    pub(crate) fn total(&self) -> i128 {
        self.total
    }

    /// All blocks that may hold each node.
    pub(crate) fn all(&self) -> Windows {
        let (num_nodes, num_blocks) = (self.problem.num_nodes(), self.problem.num_blocks);
        let [most, most_at_end] = [(); 2].map(|()| vec![i128::MAX; num_blocks + 1]);
        let mut windows = Windows { first: vec![1; num_nodes], last: vec![num_blocks; num_nodes], most, most_at_end };
        self.keep_allowed(&mut windows);
        windows
    }

    /// Applies all rules until nothing changes; whether there can be such a partition.
    pub(crate) fn close(&self, windows: &mut Windows, steps: &mut Steps) -> Result<bool, Stop> {
        loop {
            steps.spend(4 * self.weight.len() + self.problem.num_blocks)?;
            let before = windows.clone();
            if !self.hold(windows) {
                return Ok(false);
            }
            self.follow(windows, steps)?;
            if !windows.are_open() {
                return Ok(false);
            }
            if *windows == before {
                return Ok(true);
            }
        }
    }

    /// Applies what blocks can hold.
    fn hold(&self, windows: &mut Windows) -> bool {
        let num_blocks = self.problem.num_blocks;
        let most = self.held(|node| windows.first[node], &windows.most, false);
        let at_end = |node: usize| num_blocks + 1 - windows.last[node].min(num_blocks);
        let most_at_end = self.held(at_end, &windows.most_at_end, true);
        for node in 0..self.weight.len() {
            let earlier = most.partition_point(|&held| held < self.needs[node]);
            let later = most_at_end.partition_point(|&held| held < self.needed[node]);
            windows.first[node] = windows.first[node].max(earlier);
            windows.last[node] = windows.last[node].min((num_blocks + 1).saturating_sub(later));
        }
        let is_enough = most.iter().zip(most_at_end.iter().rev()).all(|(start, end)| self.total <= start + end);
        (windows.most, windows.most_at_end) = (most, most_at_end);
        is_enough
    }

    /// The most that the first 0, 1, ... blocks can hold, or the last, given limits that are known already.
    fn held(&self, first: impl Fn(usize) -> usize, known: &[i128], is_at_end: bool) -> Vec<i128> {
        let num_blocks = self.problem.num_blocks;
        let mut can_be = vec![0; num_blocks + 2];
        for (node, weight) in self.weight.iter().enumerate() {
            can_be[first(node).min(num_blocks + 1)] += weight;
        }
        let (mut held, mut sum) = (vec![0], 0);
        for (block, weight) in can_be.into_iter().enumerate().take(num_blocks + 1).skip(1) {
            sum += weight;
            let room = self.rooms[if is_at_end { num_blocks - block } else { block - 1 }];
            held.push(sum.min(held[block - 1] + room).min(known[block]));
        }
        for block in (0..num_blocks).rev() {
            held[block] = held[block].min(held[block + 1]);
        }
        held
    }

    /// Narrows windows by precedence, by incompatible pairs and by the stages that may hold a node.
    pub(crate) fn follow(&self, windows: &mut Windows, steps: &mut Steps) -> Result<(), Stop> {
        let Windows { first, last, .. } = windows;
        for &node in &self.order.nodes {
            let (near, earlier) = (&self.order.predecessors[node], self.incompatible.before(node));
            steps.spend(1 + near.len() + earlier.len())?;
            let after = near.iter().map(|&each| first[each]).chain(earlier.iter().map(|&each| first[each] + 1));
            first[node] = after.fold(first[node], usize::max);
        }
        for &node in self.order.nodes.iter().rev() {
            let (near, later) = (&self.order.successors[node], self.incompatible.after(node));
            let before = near.iter().map(|&each| last[each]);
            let before = before.chain(later.iter().map(|&each| last[each].saturating_sub(1)));
            last[node] = before.fold(last[node], usize::min);
        }
        self.keep_allowed(windows);
        Ok(())
    }

    /// Begins and ends each window with a block that may hold the node.
    fn keep_allowed(&self, windows: &mut Windows) {
        let Some(allowed) = self.allowed else { return };
        let num_blocks = self.problem.num_blocks;
        for (node, may) in allowed.iter().enumerate() {
            let (first, last) = (&mut windows.first[node], &mut windows.last[node]);
            while *first <= num_blocks && !may.has(*first - 1) {
                *first += 1;
            }
            while *last >= 1 && !may.has(*last - 1) {
                *last -= 1;
            }
        }
    }

    /// Whether a block may hold a node, by its window and by what is allowed.
    pub(crate) fn may_be(&self, windows: &Windows, node: usize, block: usize) -> bool {
        (windows.first[node]..=windows.last[node]).contains(&block)
            && self.allowed.is_none_or(|allowed| allowed[node].has(block - 1))
    }
}
