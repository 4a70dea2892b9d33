//! Reductions: merges of nodes that provably keep an optimal partition.
//!
//! Each rule has a file with its proof. [`Rule::Pull`] and [`Rule::Push`] keep, for every partition, one that is no worse;
//! [`Rule::Together`] keeps every partition better than a threshold, the incumbent's bottleneck; [`Rule::Cycle`] every
//! acyclic one. What is left is again an [`Instance`], the *quotient*, and the log of merges leads back to the nodes and
//! can be checked step by step.

mod cycle;
mod pull;
mod push;
mod reach;
mod together;

use std::ops::ControlFlow;
use std::sync::Arc;

pub use crate::quotient::{Merge, Rule};

use crate::cost::{Instance, Ticks};
use crate::ids::NodeId;
use crate::interrupt::{Interrupt, Interrupted};
use crate::quotient::Quotient;
use reach::Reach;
use together::Pass;

/// An instance with fewer nodes, and how its partitions are partitions of the other.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// The quotient: its nodes are groups of nodes, by their least node.
    pub instance: Arc<Instance>,
    /// The group of every node.
    pub group_of: Vec<usize>,
    /// The merges, in order.
    pub merges: Vec<Merge>,
    /// A group of which every block costs at least the threshold, by a minimum cut: no partition is better. None: no
    /// such group was found.
    pub infeasible_group: Option<usize>,
}

impl Reduction {
    /// The partition of the nodes that a partition of the groups stands for.
    ///
    /// # Panics
    /// When there is not one block per group.
    #[must_use]
    pub fn lift(&self, block_of: &[usize]) -> Vec<usize> {
        assert_eq!(block_of.len(), self.instance.graph().num_nodes(), "one block per group");
        self.group_of.iter().map(|&group| block_of[group]).collect()
    }
}

/// Applies all rules until none applies.
///
/// Any partition of the quotient is one of `instance`, at the same cost. If there is a partition of `instance` better than
/// `threshold`, there is one of the quotient that is no worse.
///
/// # Errors
/// [`Interrupted`], when `interrupt` was raised first.
///
/// # Complexity
/// O(nodes + reads x log) per round of sweeps in practice, and a minimum cut for each group that costs the threshold by
/// itself and for each other in the cheapest block around it.
pub fn reduce(instance: &Instance, threshold: Ticks, interrupt: &Interrupt) -> Result<Reduction, Interrupted> {
    let mut quotient = Quotient::new(instance);
    let mut reach = Reach::new(instance.graph().num_nodes());
    let mut infeasible = None;
    loop {
        let before = quotient.num_groups();
        while together::join_neighbours(&mut quotient, threshold) {
            cycle::contract(&mut quotient);
            interrupt.check(0)?;
        }
        pull::sweep(&mut quotient, &mut reach);
        push::sweep(&mut quotient, &mut reach);
        interrupt.check(0)?;
        if quotient.num_groups() < before {
            continue;
        }
        match together::join_by_cuts(&mut quotient, threshold, interrupt)? {
            Pass::Joined => cycle::contract(&mut quotient),
            Pass::Unchanged => break,
            Pass::Infeasible(group) => {
                infeasible = Some(group);
                break;
            }
        }
    }
    let (group_of, num_groups) = quotient.numbering();
    let instance = Arc::new(quotient.instance().quotient(&group_of, num_groups));
    let infeasible_group = infeasible.map(|group| group_of[group]);
    Ok(Reduction { instance, group_of, merges: quotient.into_log(), infeasible_group })
}

/// The node bound: whatever block holds the node costs at least so many ticks.
///
/// For every node, a minimum cut bounds the cost of the cheapest convex set with it (`flow`); the most expensive of
/// these is the bound. Nodes are tried as they cost by themselves, the most expensive first, until none can change the answer, `report`
/// says so or `interrupt` is raised; what was found by then is a bound too.
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
