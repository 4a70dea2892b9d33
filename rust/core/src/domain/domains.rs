//! All that is known of every partition better than a threshold: where its nodes can be, and what they weigh.

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

/// Node weights are raised in these orders: those at the front say most of the blocks of what comes after them, and the other
/// way round; from the middle they often add up to more.
const ORDERS: [Order; 5] = [Order::Forward, Order::Backward, Order::Outward, Order::Backward, Order::Outward];

/// Facts about every partition better than a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// In which blocks its nodes are.
    pub windows: Windows,
    /// What its nodes weigh, at least, in units of the budget.
    pub weights: Vec<Ticks>,
}

impl Known {
    /// That nodes can be wherever they may, and that they weigh what the budget says: their loads, with devices of one kind.
    #[must_use]
    pub fn nothing(instance: &Instance) -> Self {
        Self { windows: Windows::of(instance), weights: instance.node_weights() }
    }

    /// Of a quotient, whose groups stay together.
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

/// What is known of every partition better than a threshold.
#[derive(Clone, Debug)]
pub struct Domains {
    /// In which blocks its nodes are, and what they weigh.
    pub known: Known,
    /// What its first blocks weigh.
    pub prefixes: PrefixWeights,
    /// The least incompatible pairs of nodes.
    pub incompatible: Vec<(NodeId, NodeId)>,
    /// What narrows windows and prefix weights further.
    pub propagation: Arc<Propagation>,
    /// Whether cuts have said much.
    pub are_of_use: bool,
    /// Whether there were steps for all node weights.
    pub are_complete: bool,
    /// What minimum cuts have said, in that order.
    pub facts: Vec<Fact>,
    /// In how many orders node weights have been raised.
    rounds: usize,
}

impl Domains {
    /// What follows without cuts; none when there is no such partition.
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

    /// What nodes weigh, as a part of the capacity, in units of [`WHOLE`].
    pub(crate) fn share(&self) -> i128 {
        self.propagation.share()
    }

    /// With what minimum cuts say, in so many steps for node weights; when there is no such partition, the facts that say so. What
    /// is looked at is added to `arcs`.
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

    /// With what node weights say in the orders in which they have not been raised, as far as the parameters want another round
    /// after the last; when there is no such partition, the facts that say so. What is looked at is added to `arcs`.
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

    /// Whether weights are so large a part of the capacity that another round after the last is of use.
    fn is_near(&self, query: &Query<'_>) -> bool {
        self.share() >= query.params.domain.near[usize::from(self.rounds > 1)] * WHOLE / 100
    }

    /// Raises node weights above loads, in several orders, and takes those of the largest sum; whether there can be such a
    /// partition. Orders of earlier rounds are left out, whose weights are kept if they are larger.
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

    /// What is known of those partitions whose nodes are in narrower windows, with weights that are raised anew in one order, and only
    /// those facts that say more of them; when there is none, the facts that say so. `rows` are those of [`incompatibility`]. What is looked at is taken from `steps`; when none are
    /// left it has not been enough.
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

    /// Takes node weights, and what follows from them, by minimum cuts too if there are steps for them; whether there can be
    /// such a partition.
    fn take(&mut self, query: &Query<'_>, weights: Vec<Ticks>, steps: Option<&mut i64>) -> Result<bool, Interrupted> {
        self.propagation = Propagation::new(query, &weights, &self.incompatible).into();
        // What was said of other weights is not true of these, but the windows hold.
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
