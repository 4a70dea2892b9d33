//! The tensors and the parameters of each node.

use crate::problem::{NONE, Problem};

/// Per node: what it reads of others, or of outside the model where that is paid; what it makes for others; and the parameters that
/// it shares.
pub(crate) struct Incidence {
    pub reads: Vec<Vec<usize>>,
    pub makes: Vec<Vec<usize>>,
    pub shared: Vec<Vec<usize>>,
}

impl Incidence {
    pub(crate) fn new(problem: &Problem) -> Self {
        let [mut reads, mut makes, mut shared] = [(); 3].map(|()| vec![Vec::new(); problem.num_nodes()]);
        for (tensor, (&producer, readers)) in problem.producer.iter().zip(&problem.consumers).enumerate() {
            if readers.iter().all(|&reader| reader == producer) || (producer == NONE && !problem.boundary_io) {
                continue;
            }
            if producer != NONE {
                makes[producer].push(tensor);
            }
            readers.iter().filter(|&&reader| reader != producer).for_each(|&reader| reads[reader].push(tensor));
        }
        for (param, readers) in problem.param_readers.iter().enumerate() {
            for &reader in readers {
                shared[reader].push(param);
            }
        }
        Self { reads, makes, shared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Features, random_problem, source};

    #[test]
    fn what_a_node_makes_for_itself_and_inputs_that_are_free_are_left_out() {
        let mut problem = random_problem(&mut source(0), 3, Features::Plain);
        problem.producer = vec![0, 0, NONE, 1];
        problem.consumers = vec![vec![0], vec![0, 1, 2], vec![2], vec![]];
        problem.param_readers = vec![vec![0, 2]];
        for boundary_io in [true, false] {
            problem.boundary_io = boundary_io;
            let found = Incidence::new(&problem);
            let inputs = if boundary_io { vec![1, 2] } else { vec![1] };
            assert_eq!(found.reads, [vec![], vec![1], inputs]);
            assert_eq!(found.makes, [vec![1], vec![], vec![]]);
            assert_eq!(found.shared, [vec![0], vec![], vec![0]]);
        }
    }
}
