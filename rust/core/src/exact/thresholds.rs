//! What minimum cuts have said of thresholds of one instance, for all who try to prove some.
//!
//! Cuts of one threshold can take seconds, and the downset DP and others ask about the same ones, turn after turn.
//!
//! **Claim.** What is known of all partitions of a quotient better than a threshold holds for those of any quotient with
//! the same groups or unions of them, better than the same threshold or a lower one.
//!
//! **Proof.** Those are some of these.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Part;
use crate::cost::{Instance, Ticks};
use crate::domain::{Confines, Known};
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};

/// What is known of a threshold serves for one that is lower by no more than this part of it.
const NEAR: Ticks = 1 << 14;
/// Answers that are kept, the last ones: some MB each for the largest graphs.
const MAX_ASKED: usize = 64;
/// Thresholds whose parts are kept, the last ones: some dozens of parts each.
const MAX_OPEN: usize = 4;

/// What has been asked so far; everybody's questions are of quotients of one instance.
#[derive(Debug, Default)]
pub struct Thresholds {
    asked: Mutex<Vec<Asked>>,
    /// Parts of thresholds that are not decided yet, the last ones at the back.
    open: Mutex<Vec<Open>>,
    /// The least threshold that cuts alone do not prove, when that is known, roughly.
    stuck: Mutex<Option<Ticks>>,
    /// Whether frontiers were too many for the best partition's bottleneck, the last time.
    are_wide: AtomicBool,
    /// What anybody has proven, in any way.
    floor: AtomicI64,
}

/// What is left of a threshold.
#[derive(Debug)]
struct Open {
    threshold: Ticks,
    group_of: Vec<usize>,
    parts: Vec<Part>,
}

/// An answer.
#[derive(Debug)]
struct Asked {
    threshold: Ticks,
    /// The group of each node in the quotient.
    group_of: Vec<usize>,
    patience: i64,
    confines: Arc<Confines>,
}

impl Asked {
    /// Whether these groups are unions of those.
    fn is_finer(&self, group_of: &[usize]) -> bool {
        let mut union = vec![None; group_of.len()];
        self.group_of.iter().zip(group_of).all(|(&group, &other)| *union[group].get_or_insert(other) == other)
    }

    fn is_enough(&self, patience: i64) -> bool {
        self.patience >= patience || self.confines.are_all
    }
}

impl Thresholds {
    /// What is known of all partitions of a quotient better than `threshold`, if somebody has asked as patiently.
    #[must_use]
    pub fn recall(&self, group_of: &[usize], threshold: Ticks, patience: i64) -> Option<Arc<Confines>> {
        let most = threshold.saturating_add(threshold / NEAR);
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_answer = |each: &&Asked| {
            (threshold..=most).contains(&each.threshold) && each.group_of == group_of && each.is_enough(patience)
        };
        asked.iter().filter(is_answer).min_by_key(|each| each.threshold).map(|each| Arc::clone(&each.confines))
    }

    /// The same, by minimum cuts in so many steps if nobody has; none when there is no such partition.
    ///
    /// # Errors
    /// [`Interrupted`], when `interrupt` was raised first.
    ///
    /// # Complexity
    /// That of [`Confines::by_cuts`].
    pub fn ask(
        &self,
        quotient: &Instance,
        group_of: &[usize],
        threshold: Ticks,
        patience: i64,
        interrupt: &Interrupt,
    ) -> Result<Option<Arc<Confines>>, Interrupted> {
        if let Some(confines) = self.recall(group_of, threshold, patience) {
            return Ok(Some(confines));
        }
        let (above, apart) = self.above(quotient, group_of, threshold);
        // Charges are found anew: there is more room below.
        let known = Known { windows: above.windows, ..Known::nothing(quotient) };
        let Some(mut confines) = Confines::new(quotient, threshold - 1, known) else { return Ok(None) };
        confines.apart = apart;
        let Some(confines) = confines.by_cuts(quotient, threshold - 1, patience, interrupt)? else { return Ok(None) };
        let confines = Arc::new(confines);
        let answer = Asked { threshold, group_of: group_of.to_vec(), patience, confines: Arc::clone(&confines) };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() == MAX_ASKED {
            asked.remove(0);
        }
        asked.push(answer);
        Ok(Some(confines))
    }

    /// What the nearest threshold that is not below this one says of a quotient, and who is apart.
    #[must_use]
    pub fn above(&self, quotient: &Instance, group_of: &[usize], threshold: Ticks) -> (Known, Vec<(NodeId, NodeId)>) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |each: &&Asked| each.threshold >= threshold && each.is_finer(group_of);
        let Some(nearest) = asked.iter().filter(holds).min_by_key(|each| each.threshold) else {
            return (Known::nothing(quotient), Vec::new());
        };
        let mut one_of = vec![0; nearest.confines.known.charges.len()];
        for (&group, &other) in nearest.group_of.iter().zip(group_of) {
            one_of[group] = other;
        }
        let group = |node: NodeId| NodeId::new(one_of[node.index()]);
        let pairs = nearest.confines.apart.iter().map(|&(u, v)| (group(u), group(v)));
        let apart: BTreeSet<(NodeId, NodeId)> = pairs.filter(|(u, v)| u != v).collect();
        (nearest.confines.known.of_groups(&one_of, quotient.graph().num_nodes()), Vec::from_iter(apart))
    }

    /// Takes the parts that are left of this threshold of a quotient; none when it is not in parts.
    pub(super) fn take_parts(&self, group_of: &[usize], threshold: Ticks) -> Option<Vec<Part>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open.iter().position(|each| each.threshold == threshold && each.group_of == group_of)?;
        Some(open.remove(place).parts)
    }

    /// Keeps parts for another turn.
    pub(super) fn keep_parts(&self, group_of: &[usize], threshold: Ticks, parts: Vec<Part>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() == MAX_OPEN {
            open.remove(0);
        }
        open.push(Open { threshold, group_of: group_of.to_vec(), parts });
    }

    /// The share of charges at a threshold, when somebody has found some.
    pub(super) fn share(&self, threshold: Ticks) -> Option<i128> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|each| each.threshold == threshold).map(|each| each.confines.narrowing.share()).max()
    }

    /// The least threshold that cuts alone do not prove, when somebody has looked for it.
    #[must_use]
    pub fn stuck(&self) -> Option<Ticks> {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether frontiers were too many for the best partition's bottleneck when somebody last tried it (`labeling`).
    #[must_use]
    pub fn are_wide(&self) -> bool {
        self.are_wide.load(Ordering::Relaxed)
    }

    pub(super) fn tell_wide(&self, are_wide: bool) {
        self.are_wide.store(are_wide, Ordering::Relaxed);
    }

    /// What somebody has proven, as far as has been told.
    pub(super) fn floor(&self) -> Ticks {
        self.floor.load(Ordering::Relaxed)
    }

    /// Takes what somebody has proven.
    pub fn raise_floor(&self, lower_bound: Ticks) {
        self.floor.fetch_max(lower_bound, Ordering::Relaxed);
    }

    /// Takes a threshold that they do not prove; those between it and what is proven have been tried, roughly.
    pub(super) fn keep_stuck(&self, threshold: Ticks) {
        let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        *stuck = Some(stuck.map_or(threshold, |least| least.min(threshold)));
    }
}
