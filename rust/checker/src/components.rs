//! Rule *cycle*: groups that reach each other are in one block of any acyclic partition, since no tensor runs to an earlier block.

use crate::problem::NONE;
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// For each node a node of its strong component (S. R. Kosaraju 1978).
pub(crate) fn strong_components(quotient: &Quotient<'_>, steps: &mut Steps) -> Result<Vec<usize>, Stop> {
    let num_nodes = quotient.num_nodes();
    let mut successors = vec![Vec::new(); num_nodes];
    let mut predecessors = vec![Vec::new(); num_nodes];
    let groups = quotient.groups();
    for &group in &groups {
        successors[group] = quotient.successors(group).collect();
        predecessors[group] = quotient.predecessors(group).collect();
        steps.spend(1 + successors[group].len() + predecessors[group].len())?;
    }
    let order = walk(groups.iter().copied(), &successors);
    let mut component = vec![NONE; num_nodes];
    for (group, start) in walk(order.into_iter().rev().map(|(group, _)| group), &predecessors) {
        component[group] = start;
    }
    Ok((0..num_nodes).map(|node| component[quotient.root(node)]).collect())
}

/// Goes depth first; each group when it ends, with the start from which it was reached.
fn walk(starts: impl Iterator<Item = usize>, neighbours: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut seen = vec![false; neighbours.len()];
    let mut ended = Vec::new();
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for start in starts {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        stack.push((start, 0));
        while let Some((group, place)) = stack.last_mut() {
            if let Some(&next) = neighbours[*group].get(*place) {
                *place += 1;
                if !std::mem::replace(&mut seen[next], true) {
                    stack.push((next, 0));
                }
            } else {
                ended.push((*group, start));
                stack.pop();
            }
        }
    }
    ended
}
