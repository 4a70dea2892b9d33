//! Arcs between the nodes of a problem, a topological order, and what the cones of nodes weigh.

use crate::problem::{NONE, Problem};
use crate::stop::{Steps, Stop};

/// Words of a cone that are worked out at a time.
const WORDS: usize = 8;

/// Who reads from whom, each once, and an order in which whoever is read from comes first.
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

    /// What each node weighs with all that it needs, or with all that needs it. O(arcs nodes / 64) and the size of all cones.
    pub(crate) fn cones(&self, weight: &[i128], has_needs: bool, steps: &mut Steps) -> Result<Vec<i128>, Stop> {
        let num_nodes = weight.len();
        let mut sums = vec![0; num_nodes];
        let mut rows = vec![[0_u64; WORDS]; num_nodes];
        let parents = if has_needs { &self.predecessors } else { &self.successors };
        for begin in (0..num_nodes).step_by(64 * WORDS) {
            for place in 0..num_nodes {
                let node = self.nodes[if has_needs { place } else { num_nodes - 1 - place }];
                let mut row = [0; WORDS];
                if (begin..begin + 64 * WORDS).contains(&node) {
                    row[(node - begin) / 64] |= 1 << (node % 64);
                }
                for &parent in &parents[node] {
                    row.iter_mut().zip(rows[parent]).for_each(|(one, other)| *one |= other);
                }
                rows[node] = row;
                let mut size = 0;
                for (word, mut bits) in row.into_iter().enumerate() {
                    while bits != 0 {
                        sums[node] += weight[begin + 64 * word + usize::try_from(bits.trailing_zeros()).unwrap_or(0)];
                        bits &= bits - 1;
                        size += 1;
                    }
                }
                steps.spend(1 + parents[node].len() + size / 4)?;
            }
        }
        Ok(sums)
    }
}
