//! The domains of a query: stage windows, node weights, prefix weights and incompatible pairs that hold in every partition below its
//! threshold.

use std::sync::Arc;

use super::facts::Fact;
use super::incompatible::{incompatibility, incompatible_pairs};
use super::propagation::Propagation;
use super::weights::{NodeWeights, Order, node_weights};
use super::windows::{PrefixWeights, Windows};
use super::{WHOLE, sum};
use crate::cost::{Instance, Ticks};
use crate::ids::{NodeId, count};
use crate::interrupt::Interrupted;
use crate::query::Query;

/// The orders in which node weights are raised. Nodes that come first get the larger weights: large weights at the front narrow
/// the windows of later nodes most, and the other way round; from the middle the sum is often larger.
const ORDERS: [Order; 5] = [Order::Forward, Order::Backward, Order::Outward, Order::Backward, Order::Outward];

/// Facts about every partition better than a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The blocks in which each node can be.
    pub windows: Windows,
    /// Node weights, in units of the budget.
    pub weights: Vec<Ticks>,
}

impl Known {
    /// No facts: the windows of the instance, and the weights of the budget, which are loads with devices of one kind.
    #[must_use]
    pub fn nothing(instance: &Instance) -> Self {
        Self { windows: Windows::of(instance), weights: instance.node_weights() }
    }

    /// The same for a quotient: a group has the intersection of its nodes' windows and the sum of their weights.
    pub(crate) fn of_groups(&self, group_of: &[usize], num_groups: usize) -> Self {
        let mut windows = Windows { earliest: vec![1; num_groups], latest: vec![usize::MAX; num_groups] };
        let mut weights = vec![0; num_groups];
        for (node, &group) in group_of.iter().enumerate() {
            windows.earliest[group] = windows.earliest[group].max(self.windows.earliest[node]);
            windows.latest[group] = windows.latest[group].min(self.windows.latest[node]);
            weights[group] += self.weights[node];
        }
        Self { windows, weights }
    }
}

/// The domains of a query.
#[derive(Clone, Debug)]
pub struct Domains {
    /// Windows and node weights.
    pub known: Known,
    /// Bounds on the weights of the first blocks.
    pub prefixes: PrefixWeights,
    /// The least incompatible pairs of nodes.
    pub incompatible: Vec<(NodeId, NodeId)>,
    /// The propagation rules, to narrow windows and prefix weights further.
    pub propagation: Arc<Propagation>,
    /// Whether minimum cuts have narrowed the domains enough for branching and more cuts.
    pub are_of_use: bool,
    /// Whether there were steps for all node weights.
    pub are_complete: bool,
    /// The facts that minimum cuts have given, in order.
    pub facts: Vec<Fact>,
    /// The number of orders in which node weights have been raised.
    rounds: usize,
}

impl Domains {
    /// The domains by propagation alone, without cuts; none when they leave no partition.
    #[must_use]
    pub fn new(query: &Query<'_>, mut known: Known) -> Option<Self> {
        let propagation = Propagation::new(query, &known.weights, &[]);
        let mut prefixes = PrefixWeights::default();
        let can_be = propagation.narrow(&mut prefixes, &mut known.windows);
        can_be.then_some(Self {
            known,
            prefixes,
            incompatible: Vec::new(),
            propagation: propagation.into(),
            are_of_use: false,
            are_complete: true,
            facts: Vec::new(),
            rounds: 0,
        })
    }

    /// The weight of all nodes as a share of the capacity of all blocks, in units of [`WHOLE`].
    pub(crate) fn share(&self) -> i128 {
        self.propagation.share()
    }

    /// The domains by minimum cuts, with at most `steps` for node weights; the facts alone when they leave no partition. The number
    /// of arcs that cuts visit is added to `arcs`.
    ///
    /// # Errors
    /// [`Interrupted`], when the interrupt was raised first.
    ///
    /// # Complexity
    /// Each part has a limit of its own: one to three seconds.
    pub fn by_cuts(
        mut self,
        query: &Query<'_>,
        steps: i64,
        arcs: &mut u64,
    ) -> Result<Result<Self, Vec<Fact>>, Interrupted> {
        let params = &query.params.domain;
        let (first, loads) = (self.known.windows.slack(), self.known.weights.clone());
        let mut left = params.window_steps;
        let can_be = self.propagation.shave(query, &mut self.known.windows, &mut left, &mut self.facts)?;
        *arcs += params.window_steps.abs_diff(left);
        if !can_be {
            return Ok(Err(self.facts));
        }
        let pairs = incompatible_pairs(query, &self.incompatible, arcs)?;
        self.facts.extend(Fact::of_pairs(&pairs, &self.incompatible, &self.known.windows));
        self.incompatible = pairs;
        if !self.raise_weights(query, &loads, steps, arcs)? {
            return Ok(Err(self.facts));
        }
        let slacks = [self.known.windows.slack(), first].map(|slack| i128::from(count(slack)));
        let free = [&self.known.weights, &loads].map(|weights| self.propagation.capacity() - sum(weights));
        let [windows, weights] = params.of_use;
        self.are_of_use =
            [(slacks, windows), (free, weights)].into_iter().any(|([left, all], most)| left * 100 <= all * most);
        Ok(Ok(self))
    }

    /// The domains by node weights in those orders in which they have not been raised, as long as `is_near` holds after a round; the
    /// facts alone when they leave no partition. The number of arcs that cuts visit is added to `arcs`.
    ///
    /// # Errors
    /// [`Interrupted`], when the interrupt was raised first.
    pub(crate) fn in_other_orders(
        mut self,
        query: &Query<'_>,
        steps: i64,
        arcs: &mut u64,
    ) -> Result<Result<Self, Vec<Fact>>, Interrupted> {
        let wants_more = self.are_complete && self.rounds <= query.params.domain.rounds && self.is_near(query);
        let can_be = !wants_more || self.raise_weights(query, &query.instance.node_weights(), steps, arcs)?;
        Ok(if can_be { Ok(self) } else { Err(self.facts) })
    }

    /// Whether the share of the weights is so large that another round may give a contradiction.
    fn is_near(&self, query: &Query<'_>) -> bool {
        self.share() >= query.params.domain.near[usize::from(self.rounds > 1)] * WHOLE / 100
    }

    /// Raises node weights in several orders, and keeps those of the largest sum; returns false when they leave no partition.
    /// Continues after the orders of earlier rounds.
    fn raise_weights(
        &mut self,
        query: &Query<'_>,
        loads: &[Ticks],
        steps: i64,
        arcs: &mut u64,
    ) -> Result<bool, Interrupted> {
        let params = &query.params.domain;
        let rows = incompatibility(query.instance.graph(), &self.incompatible, params.max_nodes);
        let mut most = self.known.weights.clone();
        for (round, order) in ORDERS.into_iter().enumerate().skip(self.rounds) {
            let slack = self.known.windows.slack();
            let mut left = steps;
            let found = node_weights(query, &rows, &self.known.windows, order, &mut left, &mut self.facts)?;
            *arcs += steps.abs_diff(left);
            let Some(NodeWeights { weights, are_complete }) = found else { return Ok(false) };
            self.are_complete &= are_complete;
            if sum(&weights) > sum(&most) {
                most.clone_from(&weights);
            }
            let (are_loads, mut shaving) = (weights == loads, params.window_steps);
            let can_be = self.take(query, weights, (!are_loads).then_some(&mut shaving))?;
            *arcs += params.window_steps.abs_diff(shaving);
            if !can_be {
                return Ok(false);
            }
            self.rounds = round + 1;
            let is_narrower = self.known.windows.slack() * params.another_round[1] <= slack * params.another_round[0];
            if are_loads || !are_complete || !self.is_near(query) || round >= params.rounds && !is_narrower {
                break;
            }
        }
        Ok(sum(&self.known.weights) >= sum(&most) || self.take(query, most, None)?)
    }

    /// The domains in narrower windows, with weights raised from the start in one order, and the facts that they add; the facts alone
    /// when they leave no partition. `rows` are those of [`incompatibility`]. The arcs that cuts visit are subtracted from `steps`;
    /// when none are left, the weights are incomplete.
    ///
    /// # Errors
    /// [`Interrupted`], when the interrupt was raised first.
    pub(crate) fn within(
        &self,
        query: &Query<'_>,
        windows: &Windows,
        rows: &[Vec<u64>],
        order: Order,
        steps: &mut i64,
    ) -> Result<Result<Self, Vec<Fact>>, Interrupted> {
        let mut part = self.clone();
        part.facts.clear();
        part.known.windows.clone_from(windows);
        let Self { known: Known { windows, .. }, prefixes, propagation, facts, .. } = &mut part;
        if !propagation.narrow(prefixes, windows) || !propagation.shave(query, windows, steps, facts)? {
            return Ok(Err(part.facts));
        }
        let Some(NodeWeights { weights, .. }) = node_weights(query, rows, windows, order, steps, facts)? else {
            return Ok(Err(part.facts));
        };
        let can_be = if sum(&weights) > sum(&self.known.weights) {
            part.take(query, weights, Some(steps))?
        } else {
            propagation.narrow(prefixes, windows)
        };
        Ok(if can_be { Ok(part) } else { Err(part.facts) })
    }

    /// Replaces the node weights and propagates, with minimum cuts if there are `steps`; returns false when no partition is left.
    fn take(&mut self, query: &Query<'_>, weights: Vec<Ticks>, steps: Option<&mut i64>) -> Result<bool, Interrupted> {
        self.propagation = Propagation::new(query, &weights, &self.incompatible).into();
        // Prefix weights are bounds for the old weights only; windows stay valid.
        (self.known.weights, self.prefixes) = (weights, PrefixWeights::default());
        let (prefixes, windows, facts) = (&mut self.prefixes, &mut self.known.windows, &mut self.facts);
        Ok(self.propagation.narrow(prefixes, windows)
            && match steps {
                Some(steps) => self.propagation.shave(query, windows, steps, facts)?,
                None => true,
            }
            && self.propagation.narrow(prefixes, windows))
    }
}
