//! The queries to a network: the cheapest block with given groups, and the least cost of a set less the gains of its groups.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::network::{AFTER, Arc, BEFORE, ELSEWHERE, ENOUGH, Network};
use crate::cost::{Held, INFINITE, Ticks, ceil_div};
use crate::ids::{TensorId, count, wide};
use crate::quotient::GroupId;

/// A flow in a network with its supplies, to resume from.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    left: Vec<Ticks>,
    is_open: Vec<bool>,
    excess: Vec<Ticks>,
    supply: Vec<Ticks>,
}

impl Network<'_, '_> {
    /// A lower bound on the cost of every block that holds `a`, which may be on this kind, and not `b`; at most `threshold`.
    ///
    /// # Complexity
    /// Dinic's algorithm, ended as soon as the flow reaches the threshold.
    pub(crate) fn least_cost(&mut self, a: GroupId, b: Option<GroupId>, threshold: Ticks) -> Ticks {
        let source = self.node_of[a];
        self.mark(source);
        if let Some(b) = b {
            self.side[wide(self.node_of[b])] |= ELSEWHERE;
        }
        let side = std::mem::take(&mut self.side);
        self.forget();
        self.sources.push(source);
        let least = self.cost_of_sources(threshold, |node| side[wide(node)]);
        self.side = side;
        least
    }

    /// A lower bound on the cost of every block that holds `groups` and satisfies the sides; at most `threshold`.
    pub(crate) fn least_cost_among(
        &mut self,
        groups: impl Iterator<Item = GroupId>,
        threshold: Ticks,
        side: impl Fn(GroupId) -> u8,
    ) -> Ticks {
        self.forget();
        self.sources.extend(groups.map(|group| self.node_of[group]));
        let groups = Rc::clone(&self.groups);
        if self.is_some_elsewhere {
            let elsewhere = std::mem::take(&mut self.elsewhere);
            let least = self.cost_of_sources(threshold, |node| side(groups[wide(node) - 1]) | elsewhere[wide(node)]);
            self.elsewhere = elsewhere;
            least
        } else {
            self.cost_of_sources(threshold, |node| side(groups[wide(node) - 1]))
        }
    }

    fn cost_of_sources(&mut self, threshold: Ticks, side: impl Fn(u32) -> u8) -> Ticks {
        let is_overlap = self.view.is_overlap();
        let (work, overflow) = self.own_of_sources();
        let own = if is_overlap { work + overflow } else { overflow };
        if own >= threshold {
            return threshold;
        }
        self.flow = overflow;
        for &source in &self.sources {
            self.excess[wide(source)] = ENOUGH;
        }
        if is_overlap {
            self.cut(threshold.saturating_mul(2).saturating_sub(1), side);
            ceil_div(self.flow, 2).max(own).min(threshold)
        } else {
            self.cut(threshold, side);
            self.flow.min(threshold)
        }
    }

    /// The work of the sources alone, and their overflow.
    fn own_of_sources(&self) -> (Ticks, Ticks) {
        let (quotient, view) = (self.quotient, self.view);
        let groups = || self.sources.iter().map(|&source| quotient.group(self.groups[wide(source) - 1]));
        let (mut work, mut held) = (0, Held::default());
        for costs in groups().map(|group| group.on(view.kind())) {
            work += costs.work;
            held.add(&costs.held);
        }
        let shared: BTreeSet<TensorId> = groups().flat_map(|group| &group.shared).copied().collect();
        quotient.store(&mut held, view, shared.into_iter());
        (work, view.overflow(held.params))
    }

    /// The least of the work and io of a set of groups less the gains of its groups, over all sets within a region that hold the
    /// region's first group. [`Self::cheapest`] is such a set.
    ///
    /// **Claim.** The flow of an earlier query is a valid start for this one. **Proof.** Let the excess of a group be its gain and
    /// inflow less its outflow. Then for every set and every flow, the capacity of the arcs out of the set less its gains is their
    /// residual capacity less its excess.
    ///
    /// # Complexity
    /// Dinic's algorithm for the difference from the last query.
    pub(crate) fn least_balance(&mut self, region: &[(GroupId, Ticks)], is_in: impl Fn(GroupId) -> bool) -> i128 {
        if self.gains.is_empty() {
            self.forget();
            self.gains = vec![0; self.groups.len() + 1];
        }
        self.flow = 0;
        self.sources.clear();
        for &(group, gain) in region {
            let node = self.node_of[group];
            self.excess[wide(node)] += gain - std::mem::replace(&mut self.gains[wide(node)], gain);
            if self.excess[wide(node)] > 0 || self.sources.is_empty() {
                self.sources.push(node);
            }
        }
        let first = wide(self.sources[0]);
        self.excess[first] += ENOUGH;
        let groups = Rc::clone(&self.groups);
        self.cut(INFINITE, |node: u32| if is_in(groups[wide(node) - 1]) { 0 } else { ELSEWHERE });
        self.excess[first] -= ENOUGH;
        self.balance()
    }

    /// The least of the work and io of a set of groups less the gains of its groups, over all sets that hold `groups` and satisfy
    /// the sides; if it is `enough` or more, some number from `enough` on. Otherwise [`Self::cheapest`] is such a set. Gains are
    /// not negative, and their sum is below half of [`ENOUGH`].
    ///
    /// The query resumes from the flow of the earlier ones since [`Self::begin_balances`], so a group must keep the sides that it
    /// had in those.
    ///
    /// **Claim.** The least balance is at least minus the sum of the excess of `groups` and of the positive excess of all other
    /// groups that are not elsewhere. **Proof.** For every set and every flow, the capacity of the arcs out of the set less its
    /// supplies is their residual capacity, which is not negative, less the set's excess.
    ///
    /// # Complexity
    /// Dinic's algorithm for the difference from the last query, ended as soon as the claim shows `enough`.
    pub(crate) fn least_balance_among(
        &mut self,
        groups: &[GroupId],
        enough: i128,
        gain: impl Fn(GroupId) -> Ticks,
        side: impl Fn(GroupId) -> u8,
    ) -> i128 {
        let ids = Rc::clone(&self.groups);
        (self.flow, self.question) = (0, self.question + 1);
        self.sources.clear();
        let mut left: i128 = 0;
        for (node, &group) in (1..).zip(ids.iter()) {
            let (is_inside, is_elsewhere) = (groups.contains(&group), side(group) & ELSEWHERE != 0);
            let supply = if is_elsewhere { 0 } else { gain(group) } + if is_inside { ENOUGH } else { 0 };
            let excess = &mut self.excess[wide(node)];
            *excess += supply - std::mem::replace(&mut self.supply[wide(node)], supply);
            if is_inside {
                left += i128::from(*excess - ENOUGH);
            } else if !is_elsewhere {
                left += i128::from((*excess).max(0));
            }
            if *excess > 0 && (is_inside || !is_elsewhere) {
                self.sources.push(node);
            }
        }
        self.cut(Ticks::try_from(enough + left).unwrap_or(ENOUGH).clamp(0, ENOUGH), |node| side(ids[wide(node) - 1]));
        i128::from(self.flow) - left
    }

    /// Resets the flow, and begins a sequence of [`Self::least_balance_among`].
    pub(crate) fn begin_balances(&mut self) {
        self.forget();
        self.supply = vec![0; self.groups.len() + 1];
    }

    /// A copy of the flow, to [`resume`](Self::resume) from.
    pub(crate) fn flow(&self) -> Flow {
        Flow {
            left: self.arcs.iter().map(|arc| arc.left).collect(),
            is_open: self.is_open.clone(),
            excess: self.excess.clone(),
            supply: self.supply.clone(),
        }
    }

    /// Resumes from a flow of the same sequence.
    pub(crate) fn resume(&mut self, flow: &Flow) {
        self.arcs.iter_mut().zip(&flow.left).for_each(|(arc, &left)| arc.left = left);
        self.is_open.clone_from(&flow.is_open);
        self.excess.clone_from(&flow.excess);
        self.supply.clone_from(&flow.supply);
    }

    /// The capacity of the arcs out of the cheapest set, less its gains.
    fn balance(&mut self) -> i128 {
        let mut balance = 0;
        for &node in self.dinic.reached() {
            let arcs = self.arcs_of(node);
            self.steps += count(arcs.len()).unsigned_abs();
            for arc in arcs {
                if !self.dinic.is_reached(self.arcs[arc].to) {
                    balance += i128::from(self.capacity[arc]);
                }
            }
            balance -= i128::from(self.gains.get(wide(node)).copied().unwrap_or(0));
        }
        balance
    }

    /// Resets the flow.
    fn forget(&mut self) {
        for arc in self.changed.drain(..).map(wide) {
            let Arc { to, back, .. } = self.arcs[arc];
            self.arcs[arc].left = self.capacity[arc];
            self.arcs[wide(back)].left = self.capacity[wide(back)];
            (self.is_changed[arc], self.is_open[arc]) = (false, false);
            (self.excess[wide(to)], self.excess[wide(self.arcs[wide(back)].to)]) = (0, 0);
        }
        if self.gains.is_empty() && self.supply.is_empty() {
            for source in self.sources.drain(..) {
                self.excess[wide(source)] = 0;
            }
        } else {
            self.excess.fill(0);
            self.gains.clear();
            self.supply.clear();
            self.sources.clear();
        }
        self.question += 1;
        self.flow = 0;
    }

    /// Arcs that have been visited so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps + self.dinic.looked
    }

    /// The groups on the source side of the last minimum cut, if it was below its threshold.
    pub(crate) fn cheapest(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.dinic.reached().iter().filter_map(|&node| self.groups.get(wide(node).wrapping_sub(1)).copied())
    }

    /// Marks the ancestors and the descendants of a node.
    fn mark(&mut self, source: u32) {
        self.side.copy_from_slice(&self.elsewhere);
        for (bit, neighbours) in [(BEFORE, &self.predecessors), (AFTER, &self.successors)] {
            let mut stack = vec![source];
            self.side[wide(source)] |= bit;
            while let Some(node) = stack.pop() {
                for &next in &neighbours[wide(node)] {
                    if self.side[wide(next)] & bit == 0 {
                        self.side[wide(next)] |= bit;
                        stack.push(next);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::cases::random_instance;
    use crate::cost::{Instance, partition_costs};
    use crate::quotient::Quotient;

    /// The work and io of a set of nodes less its gains, by the definition.
    fn balance(instance: &Instance, set: usize, gains: &[Ticks]) -> i128 {
        let is_in = |node: &usize| set >> node & 1 == 1;
        let sides: Vec<usize> = (0..gains.len()).map(|node| usize::from(!is_in(&node))).collect();
        let cost = &partition_costs(instance, &sides)[0];
        let gains: Ticks = (0..gains.len()).filter(is_in).map(|node| gains[node]).sum();
        i128::from(cost.work + cost.io_in + cost.io_out - gains)
    }

    #[test]
    fn balances_are_the_least_whatever_was_asked_before() {
        for case in 0..3000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let num_nodes = random.random_range(1..7);
            let instance = random_instance(&mut random, num_nodes, 2);
            let most = 2 * instance.only().loads().iter().sum::<Ticks>() / count(num_nodes) + 2;
            let quotient = Quotient::new(&instance);
            let mut network = Network::new(&quotient, instance.view(0));
            for _ in 0..8 {
                if random.random_bool(0.2) {
                    let (a, threshold) = (random.random_range(0..num_nodes), random.random_range(0..most));
                    let least = network.least_cost(a, None, threshold);
                    assert_eq!(
                        least,
                        Network::new(&quotient, instance.view(0)).least_cost(a, None, threshold),
                        "case {case}"
                    );
                    continue;
                }
                let first = random.random_range(0..num_nodes);
                let is_in: Vec<bool> = (0..num_nodes).map(|node| node == first || random.random_bool(0.7)).collect();
                let gains: Vec<Ticks> = (0..num_nodes).map(|_| random.random_range(0..most)).collect();
                let others = (0..num_nodes).filter(|&node| is_in[node] && node != first);
                let region: Vec<_> = std::iter::once(first).chain(others).map(|node| (node, gains[node])).collect();
                let inside = region.iter().map(|(node, _)| 1 << node).sum::<usize>();
                let sets = (0..1 << num_nodes).filter(|set| set & !inside == 0 && set >> first & 1 == 1);
                let least = sets.map(|set| balance(&instance, set, &gains)).min();
                assert_eq!(Some(network.least_balance(&region, |node| is_in[node])), least, "case {case}");
                let set = network.cheapest().map(|node| 1 << node).sum::<usize>();
                assert!(set & !inside == 0 && set >> first & 1 == 1, "case {case}");
                assert_eq!(Some(balance(&instance, set, &gains)), least, "case {case}");
            }
        }
    }

    #[test]
    fn balances_that_go_on_are_those_of_a_new_network() {
        let mut num_enough = 0;
        for case in 0..2000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let num_nodes = random.random_range(2..8);
            let instance = random_instance(&mut random, num_nodes, 2);
            let most = 2 * instance.only().loads().iter().sum::<Ticks>() / count(num_nodes) + 2;
            let quotient = Quotient::new(&instance);
            let mut network = Network::new(&quotient, instance.view(0));
            network.least_cost(0, None, random.random_range(0..most));
            network.begin_balances();
            // Nodes are put inside and on more and more sides; at times the flow and the sides go back to a kept state.
            let mut sides = vec![0; num_nodes];
            let mut inside = vec![random.random_range(0..num_nodes)];
            let mut kept = (network.flow(), sides.clone(), inside.clone());
            for _ in 0..8 {
                let node = random.random_range(0..num_nodes);
                match random.random_range(0..6) {
                    0 if !inside.contains(&node) => inside.push(node),
                    1 if !inside.contains(&node) => sides[node] |= ELSEWHERE,
                    2 => sides[node] |= AFTER,
                    3 => sides[node] |= BEFORE,
                    4 => {
                        network.resume(&kept.0);
                        (sides, inside) = (kept.1.clone(), kept.2.clone());
                    }
                    _ => kept = (network.flow(), sides.clone(), inside.clone()),
                }
                inside.retain(|&node| sides[node] & ELSEWHERE == 0);
                if inside.is_empty() {
                    break;
                }
                let gains: Vec<Ticks> = (0..num_nodes).map(|_| random.random_range(0..most)).collect();
                let mut fresh = Network::new(&quotient, instance.view(0));
                fresh.begin_balances();
                let all = i128::from(ENOUGH);
                let least = fresh.least_balance_among(&inside, all, |node| gains[node], |node| sides[node]);
                let enough = i128::from(random.random_range(-most..2 * most));
                let found = network.least_balance_among(&inside, enough, |node| gains[node], |node| sides[node]);
                if least < enough {
                    assert_eq!(found, least, "case {case}");
                    let set = |network: &Network<'_, '_>| network.cheapest().collect::<BTreeSet<_>>();
                    assert_eq!(set(&network), set(&fresh), "case {case}");
                } else {
                    // Where no set is below `enough`, the results depend on the flow.
                    let most = if least > all / 2 { 2 * all } else { least };
                    assert!((enough..=most).contains(&found), "case {case}: {enough} {found} {least}");
                    num_enough += 1;
                }
            }
        }
        assert!(num_enough > 1000, "{num_enough}");
    }
}
