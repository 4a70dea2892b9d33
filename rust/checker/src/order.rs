//! Arcs between the nodes of a problem, a topological order, and what the cones of nodes weigh.

use crate::problem::{NONE, Problem};
use crate::stop::{Steps, Stop};

/// Words of a cone that are worked out at a time.
const WORDS: usize = 8;

/// The arcs between nodes, each once, and a topological order.
pub(crate) struct Order {
    pub successors: Vec<Vec<usize>>,
    pub predecessors: Vec<Vec<usize>>,
    pub nodes: Vec<usize>,
}

impl Order {
    /// # Errors
    /// [`Stop`], when there is a cycle, or the steps are used up.
    pub(crate) fn new(problem: &Problem, steps: &mut Steps) -> Result<Self, Stop> {
        let num_nodes = problem.num_nodes();
        let [mut successors, mut predecessors] = [(); 2].map(|()| vec![Vec::new(); num_nodes]);
        for (&producer, readers) in problem.producer.iter().zip(&problem.consumers) {
            if producer != NONE {
                let others = readers.iter().copied().filter(|&reader| reader != producer);
                successors[producer].extend(others);
            }
        }
        for (node, readers) in successors.iter_mut().enumerate() {
            readers.sort_unstable();
            readers.dedup();
            steps.spend(1 + readers.len())?;
            for &reader in readers.iter() {
                predecessors[reader].push(node);
            }
        }
        let mut missing: Vec<usize> = predecessors.iter().map(Vec::len).collect();
        let mut nodes: Vec<usize> = (0..num_nodes).filter(|&node| missing[node] == 0).collect();
        let mut at = 0;
        while let Some(&node) = nodes.get(at) {
            at += 1;
            for &reader in &successors[node] {
                missing[reader] -= 1;
                if missing[reader] == 0 {
                    nodes.push(reader);
                }
            }
        }
        if nodes.len() < num_nodes {
            return Err(Stop::refused("the graph has a cycle"));
        }
        Ok(Self { successors, predecessors, nodes })
    }

    /// What each node weighs with all that it needs, or with all that needs it. O(arcs nodes / 64), and by how much cones grow from
    /// the heaviest one next to a node.
    pub(crate) fn cones(&self, weight: &[i128], has_needs: bool, steps: &mut Steps) -> Result<Vec<i128>, Stop> {
        let num_nodes = weight.len();
        let mut sums = vec![0; num_nodes];
        let mut rows = vec![[0_u64; WORDS]; num_nodes];
        // What the rows weigh.
        let mut parts = vec![0; num_nodes];
        let parents = if has_needs { &self.predecessors } else { &self.successors };
        for begin in (0..num_nodes).step_by(64 * WORDS) {
            for place in 0..num_nodes {
                let node = self.nodes[if has_needs { place } else { num_nodes - 1 - place }];
                let (mut known, mut part) = ([0; WORDS], 0);
                if let Some(&heaviest) = parents[node].iter().max_by_key(|&&parent| parts[parent]) {
                    (known, part) = (rows[heaviest], parts[heaviest]);
                }
                let mut row = known;
                if (begin..begin + 64 * WORDS).contains(&node) {
                    row[(node - begin) / 64] |= 1 << (node % 64);
                }
                for &parent in &parents[node] {
                    row.iter_mut().zip(rows[parent]).for_each(|(one, other)| *one |= other);
                }
                let mut size = 0;
                for (word, (all, known)) in row.into_iter().zip(known).enumerate() {
                    let mut bits = all & !known;
                    while bits != 0 {
                        part += weight[begin + 64 * word + usize::try_from(bits.trailing_zeros()).unwrap_or(0)];
                        bits &= bits - 1;
                        size += 1;
                    }
                }
                (rows[node], parts[node]) = (row, part);
                sums[node] += part;
                steps.spend(2 + parents[node].len() + size / 4)?;
            }
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::cases::{Features, random_problem, source};

    #[test]
    fn cones_are_all_that_is_needed_or_needs_a_node() {
        for case in 0..300 {
            let random = &mut source(case);
            let num_nodes = if case < 290 { random.random_range(1..80) } else { random.random_range(500..1_100) };
            let problem = random_problem(random, num_nodes, Features::Plain);
            let order = Order::new(&problem, &mut Steps::new(u64::MAX)).expect("there is no cycle");
            let weight: Vec<i128> = (0..num_nodes).map(|_| random.random_range(0..5)).collect();
            for has_needs in [true, false] {
                let arcs = if has_needs { &order.predecessors } else { &order.successors };
                let sum = |node: usize| {
                    let (mut is_in, mut waiting) = (vec![false; num_nodes], vec![node]);
                    while let Some(each) = waiting.pop() {
                        if !std::mem::replace(&mut is_in[each], true) {
                            waiting.extend(&arcs[each]);
                        }
                    }
                    (0..num_nodes).filter(|&each| is_in[each]).map(|each| weight[each]).sum()
                };
                let found = order.cones(&weight, has_needs, &mut Steps::new(u64::MAX)).expect("enough steps");
                assert_eq!(found, (0..num_nodes).map(sum).collect::<Vec<i128>>(), "case {case}");
            }
        }
    }
}
