//! Rule *cut*, the expensive node: by a minimum cut (`cut.rs`) every block that may hold it costs the threshold, on every kind of device.

use crate::cut::{Network, Question};
use crate::quotient::Quotient;
use crate::stop::{Steps, Stop};

/// Proves that every block that may hold a node costs the threshold.
pub(crate) fn check_expensive_node(
    quotient: &Quotient<'_>,
    node: usize,
    threshold: i64,
    steps: &mut Steps,
) -> Result<(), Stop> {
    let num_nodes = quotient.num_nodes();
    if node >= num_nodes {
        return Err(Stop::malformed(format!("{node} is no node of the quotient")));
    }
    let mut network = Network::new(num_nodes, quotient.problem.num_tensors(), steps)?;
    let reached = |is_after: bool, steps: &mut Steps| -> Result<Vec<bool>, Stop> {
        let mut reached = vec![false; num_nodes];
        let mut waiting = vec![node];
        while let Some(each) = waiting.pop() {
            let near: Vec<usize> =
                if is_after { quotient.successors(each).collect() } else { quotient.predecessors(each).collect() };
            steps.spend(1 + near.len())?;
            waiting.extend(near.into_iter().filter(|&each| !std::mem::replace(&mut reached[each], true)));
        }
        Ok(reached)
    };
    let (after, before) = (reached(true, steps)?, reached(false, steps)?);
    for kind in quotient.kinds_of(node) {
        let barred = quotient.barred_on(kind, steps)?;
        let question = Question {
            inside: node,
            with: None,
            kind,
            enough: threshold,
            barred: &barred,
            after: &after,
            before: &before,
            gains: &[],
            region: &[],
        };
        let found = network.least_cost(quotient, &question, steps)?;
        if found < threshold {
            return Err(Stop::refused(format!("{threshold} is claimed, but the minimum cut is {found}")));
        }
    }
    Ok(())
}
