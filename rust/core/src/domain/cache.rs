//! Domains by minimum cuts that have been computed, shared by all methods that decide thresholds of one instance.
//!
//! The cuts of one threshold can take seconds, and several methods ask about the same thresholds in turn.
//!
//! **Claim.** The domains of a quotient at a threshold hold for every quotient whose groups are unions of its groups, at the same
//! threshold or a lower one.
//!
//! **Proof.** The partitions of the second are a subset of those of the first.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::domains::{Domains, Known};
use super::facts::Fact;
use crate::cost::{Instance, Ticks};
use crate::ids::NodeId;
use crate::interrupt::Interrupted;
use crate::query::Query;

/// The cache; all its domains are of quotients of one instance.
#[derive(Debug, Default)]
pub struct DomainCache(Mutex<Vec<Entry>>);

/// Facts about a quotient that hold at a higher threshold.
#[derive(Clone, Debug)]
pub struct Above {
    /// Windows and weights.
    pub known: Known,
    /// Incompatible pairs of nodes.
    pub incompatible: Vec<(NodeId, NodeId)>,
    /// The facts by which cuts have narrowed the windows there.
    pub facts: Vec<Fact>,
}

/// The domains of one quotient at one threshold.
#[derive(Debug)]
struct Entry {
    threshold: Ticks,
    /// The group of each node in the quotient.
    group_of: Vec<usize>,
    steps: i64,
    domains: Arc<Domains>,
}

impl Entry {
    /// Whether the groups of `group_of` are unions of these.
    fn is_finer(&self, group_of: &[usize]) -> bool {
        let mut union = vec![None; group_of.len()];
        self.group_of.iter().zip(group_of).all(|(&group, &other)| *union[group].get_or_insert(other) == other)
    }
}

impl DomainCache {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The domains of a query, if the cache has them with at least as many steps.
    #[must_use]
    pub fn recall(&self, query: &Query<'_>, group_of: &[usize], steps: i64) -> Option<Arc<Domains>> {
        let (threshold, entries) = (query.threshold, self.entries());
        let most = threshold.saturating_add(threshold / query.params.domain.recall);
        let is_answer = |each: &&Entry| {
            (threshold..=most).contains(&each.threshold)
                && each.group_of == group_of
                && (each.steps >= steps || each.domains.are_complete)
        };
        entries.iter().filter(is_answer).min_by_key(|each| each.threshold).map(|each| Arc::clone(&each.domains))
    }

    /// The domains of a query, computed by minimum cuts within `steps` if the cache lacks them; the facts alone when they leave no
    /// partition. The number of arcs that cuts visit is added to `arcs`.
    ///
    /// # Errors
    /// [`Interrupted`], when the interrupt was raised first.
    ///
    /// # Complexity
    /// That of [`Domains::by_cuts`].
    pub fn ask(
        &self,
        query: &Query<'_>,
        group_of: &[usize],
        steps: i64,
        arcs: &mut u64,
    ) -> Result<Result<Arc<Domains>, Vec<Fact>>, Interrupted> {
        if let Some(domains) = self.recall(query, group_of, steps) {
            return Ok(Ok(domains));
        }
        let Above { known, incompatible, facts } = self.above(query.instance, group_of, query.threshold);
        // Weights are computed again: they are larger at a lower threshold.
        let known = Known { windows: known.windows, ..Known::nothing(query.instance) };
        let Some(mut domains) = Domains::new(query, known) else { return Ok(Err(facts)) };
        (domains.incompatible, domains.facts) = (incompatible, facts);
        let found = domains.by_cuts(query, steps, arcs)?;
        Ok(found.map(|domains| self.keep(query, group_of, steps, domains)))
    }

    /// Improves domains that were computed in few orders of node weights by the other orders.
    ///
    /// # Errors
    /// See [`Self::ask`].
    pub(crate) fn ask_further(
        &self,
        query: &Query<'_>,
        group_of: &[usize],
        steps: i64,
        arcs: &mut u64,
    ) -> Result<Result<Arc<Domains>, Vec<Fact>>, Interrupted> {
        let Some(known) = self.recall(query, group_of, steps) else { return self.ask(query, group_of, steps, arcs) };
        let found = Domains::clone(&known).in_other_orders(query, steps, arcs)?;
        Ok(found.map(|domains| self.keep(query, group_of, steps, domains)))
    }

    /// Stores domains, in place of those for the same quotient and threshold.
    fn keep(&self, query: &Query<'_>, group_of: &[usize], steps: i64, domains: Domains) -> Arc<Domains> {
        let (threshold, domains) = (query.threshold, Arc::new(domains));
        let mut entries = self.entries();
        entries.retain(|each| each.threshold != threshold || each.group_of != group_of);
        if entries.len() == query.params.domain.max_kept {
            entries.remove(0);
        }
        entries.push(Entry { threshold, group_of: group_of.to_vec(), steps, domains: Arc::clone(&domains) });
        domains
    }

    /// The facts about a quotient from the nearest threshold at or above this one.
    #[must_use]
    pub fn above(&self, quotient: &Instance, group_of: &[usize], threshold: Ticks) -> Above {
        let entries = self.entries();
        let holds = |each: &&Entry| each.threshold >= threshold && each.is_finer(group_of);
        let Some(nearest) = entries.iter().filter(holds).min_by_key(|each| each.threshold) else {
            return Above { known: Known::nothing(quotient), incompatible: Vec::new(), facts: Vec::new() };
        };
        let mut union_of = vec![0; nearest.domains.known.weights.len()];
        for (&group, &other) in nearest.group_of.iter().zip(group_of) {
            union_of[group] = other;
        }
        let union = |node: NodeId| NodeId::new(union_of[node.index()]);
        let pairs = nearest.domains.incompatible.iter().map(|&(u, v)| (union(u), union(v)));
        let incompatible: BTreeSet<(NodeId, NodeId)> = pairs.filter(|(u, v)| u != v).collect();
        let known = nearest.domains.known.of_groups(&union_of, quotient.graph().num_nodes());
        let facts = nearest.domains.facts.iter().map(|fact| fact.of_unions(&union_of)).collect();
        Above { known, incompatible: Vec::from_iter(incompatible), facts }
    }

    /// The share of node weights at a threshold, in units of [`WHOLE`](super::WHOLE), if the cache has it.
    pub(crate) fn share(&self, threshold: Ticks) -> Option<i128> {
        let entries = self.entries();
        entries.iter().filter(|each| each.threshold == threshold).map(|each| each.domains.share()).max()
    }
}
