//! Reductions: merges of nodes that provably keep an optimal partition.
//!
//! Each rule has a file with its proof. [`Rule::Pull`] and [`Rule::Push`] keep, for every partition, one that is no worse;
//! [`Rule::Together`] keeps every partition below a threshold, the incumbent's bottleneck; [`Rule::Cycle`] every acyclic one;
//! [`Rule::Given`] every one of the instance. The result is again an [`Instance`], the *quotient*. The log of merges maps its
//! partitions to partitions of the nodes, and can be checked step by step.

mod cycle;
mod given;
mod moves;
mod pull;
mod push;
mod reach;
#[cfg(test)]
mod tests;
mod together;

use std::ops::ControlFlow;
use std::sync::Arc;

pub use crate::quotient::{Merge, Rule};

use crate::cost::{Instance, Ticks};
use crate::error::Error;
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::{GroupId, Quotient};
use reach::Reach;
use together::Pass;

/// A quotient, with the map from its partitions to partitions of the instance.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// The quotient: its nodes are groups of nodes, by their least node.
    pub instance: Arc<Instance>,
    /// The group of every node.
    pub group_of: Vec<usize>,
    /// The merges, in order.
    pub merges: Vec<Merge>,
    /// A group whose every block costs at least the threshold, by a minimum cut, or that no stage may hold: then no partition
    /// is below the threshold. None: no such group was found.
    pub infeasible_group: Option<usize>,
}

impl Reduction {
    /// The partition of the nodes that corresponds to a partition of the groups.
    ///
    /// # Panics
    /// When there is not one block per group.
    #[must_use]
    pub fn lift(&self, block_of: &[usize]) -> Vec<usize> {
        assert_eq!(block_of.len(), self.instance.graph().num_nodes(), "one block per group");
        self.group_of.iter().map(|&group| block_of[group]).collect()
    }
}

/// Checks that some stage may hold each set of nodes that must be in one stage, with all nodes between them.
///
/// # Errors
/// [`Error::Homeless`], naming a node of such a set.
///
/// # Complexity
/// O(nodes + reads) where nodes must be together.
pub fn check_together(instance: &Instance) -> Result<(), Error> {
    if instance.together().is_empty() {
        return Ok(());
    }
    let mut quotient = Quotient::new(instance);
    given::join(&mut quotient);
    cycle::contract(&mut quotient);
    let rule = "the nodes that must be with it, and what lies between them, have no stage in common";
    given::homeless(&quotient).map_or(Ok(()), |node| Err(Error::Homeless { node, rule }))
}

/// The instance in which nodes that must be in one stage, and all nodes between them, are one; none when there are none.
///
/// Its partitions are those of `instance`, at the same cost.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes + reads) where nodes must be together.
pub(crate) fn join_together(instance: &Instance, interrupt: &Interrupt) -> Result<Option<Reduction>, Interrupted> {
    if instance.together().is_empty() {
        return Ok(None);
    }
    let mut quotient = Quotient::new(instance);
    given::join(&mut quotient);
    cycle::contract(&mut quotient);
    reduction(quotient, None, interrupt).map(Some)
}

/// The reduction by the merges so far, with an infeasible group if there is one.
fn reduction(
    quotient: Quotient<'_>,
    infeasible: Option<GroupId>,
    interrupt: &Interrupt,
) -> Result<Reduction, Interrupted> {
    let (group_of, num_groups) = quotient.numbering();
    let instance = Arc::new(quotient.instance().quotient(&group_of, num_groups, interrupt)?);
    let infeasible_group = infeasible.map(|group| group_of[group]);
    Ok(Reduction { instance, group_of, merges: quotient.into_log(), infeasible_group })
}

/// Applies all rules until none applies.
///
/// Any partition of the quotient is one of `instance`, at the same cost. For any partition of `instance` below `threshold`, the
/// quotient has one that is no worse.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes + reads x log) per round of sweeps in practice. On each kind of device, one minimum cut for each group that costs the
/// threshold by itself, and one for each other group in the cheapest block around it.
pub fn reduce(instance: &Instance, threshold: Ticks, interrupt: &Interrupt) -> Result<Reduction, Interrupted> {
    let mut quotient = Quotient::new(instance);
    if given::join(&mut quotient) {
        cycle::contract(&mut quotient);
    }
    let infeasible = match given::homeless(&quotient) {
        None => merge(&mut quotient, threshold, interrupt)?,
        homeless => homeless,
    };
    reduction(quotient, infeasible, interrupt)
}

/// Merges by all rules; returns a group whose every block costs the threshold, if there is one.
fn merge(quotient: &mut Quotient<'_>, threshold: Ticks, interrupt: &Interrupt) -> Result<Option<GroupId>, Interrupted> {
    let mut reach = Reach::new(quotient.graph().num_nodes());
    let budget = quotient.instance().budget();
    loop {
        let before = quotient.num_groups();
        while together::join_neighbours(quotient, &budget, threshold, interrupt)? {
            cycle::contract(quotient);
        }
        pull::sweep(quotient, &mut reach, interrupt)?;
        push::sweep(quotient, &mut reach, interrupt)?;
        if quotient.num_groups() < before {
            continue;
        }
        match together::join_by_cuts(quotient, threshold, interrupt)? {
            Pass::Joined => cycle::contract(quotient),
            Pass::Unchanged => return Ok(None),
            Pass::Infeasible(group) => return Ok(Some(group)),
        }
    }
}

/// The node bound: some node is such that every block with it costs at least so many ticks.
///
/// For every node, a minimum cut bounds the cost of the cheapest convex set with it (`flow`); the largest of these is the
/// bound. Nodes are tried by their own costs, the most expensive first, until no other can raise the bound, `report` breaks or
/// `interrupt` is raised; the result is valid in each case.
///
/// # Complexity
/// A minimum cut for each node that costs more than the bound by itself.
pub fn node_bound(
    instance: &Instance,
    interrupt: &Interrupt,
    report: &mut (dyn FnMut(Ticks) -> ControlFlow<()> + Send),
) -> (NodeId, Ticks) {
    let (node, ticks) = together::most_expensive(&Quotient::new(instance), interrupt, report);
    (NodeId::new(node), ticks)
}
