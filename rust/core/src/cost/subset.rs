//! The same problem on some of the stages: the others stay empty.

use std::sync::Arc;

use super::instance::{Figures, Instance};
use super::stages::Allowed;
use crate::bits::{insert, nothing};
use crate::ids::NodeId;

impl Instance {
    /// The same problem on these stages, ascending, which are its stages then; none when some node may be on none of them.
    ///
    /// # Complexity
    /// As for an instance of so many stages.
    pub(crate) fn with_stages(&self, stages: &[usize]) -> Option<Self> {
        let num_nodes = self.graph().num_nodes();
        let allowed = match &self.allowed {
            None => None,
            Some(allowed) => {
                let mut rest = Allowed::anywhere(num_nodes, stages.len());
                for node in 0..num_nodes {
                    let mut set = nothing(stages.len());
                    let may_be = |&(_, &stage): &(usize, &usize)| allowed.has(NodeId::new(node), stage);
                    stages.iter().enumerate().filter(may_be).for_each(|(index, _)| insert(&mut set, index));
                    rest.restrict(node, &set);
                }
                Some(rest)
            }
        };
        if stages.is_empty() || allowed.as_ref().is_some_and(|allowed| allowed.homeless().is_some()) {
            return None;
        }
        let mut kinds: Vec<usize> = stages.iter().map(|&stage| self.kind_of(stage)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let place = |stage: usize| kinds.binary_search(&self.kind_of(stage)).unwrap_or(0);
        let kind_of = if kinds.len() == 1 { Vec::new() } else { stages.iter().map(|&stage| place(stage)).collect() };
        let rows = kinds.iter().map(|&kind| self.rows[kind].clone()).collect();
        let figures = Figures { num_blocks: stages.len(), ..self.figures };
        let allowed = allowed.filter(|allowed| !allowed.is_everything());
        let together = self.together.clone();
        Some(Self::from_rows(Arc::clone(&self.graph), figures, rows, kind_of, allowed, together, None))
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use crate::cases::{random_partition, random_unlike};
    use crate::cost::{INFINITE, bottleneck, partition_costs};
    use crate::ids::NodeId;

    #[test]
    fn blocks_cost_on_some_of_the_stages_what_they_cost_among_all() {
        let (mut num_none, mut num_finite) = (0, 0);
        for case in 0..2000 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(case);
            let num_blocks = random.random_range(1..6);
            let instance = random_unlike(&mut random, 6, num_blocks);
            let stages: Vec<usize> = (0..num_blocks).filter(|_| random.random_bool(0.7)).collect();
            let Some(some) = instance.with_stages(&stages) else {
                let is_homeless = |v| !stages.iter().any(|&stage| instance.may_be(NodeId::new(v), stage));
                assert!((0..6).any(is_homeless), "case {case}");
                num_none += 1;
                continue;
            };
            let block_of = random_partition(&mut random, &some);
            let among_all: Vec<usize> = block_of.iter().map(|&block| stages[block]).collect();
            let [few, all] = [(&some, &block_of), (&instance, &among_all)].map(|(instance, blocks)| {
                let mut costs = partition_costs(instance, blocks);
                costs.retain(|block| *block != crate::cost::BlockCost::default());
                costs
            });
            num_finite += usize::from(bottleneck(&all) < INFINITE);
            assert_eq!(few, all, "case {case}");
        }
        assert!(num_none > 50 && num_finite > 500, "{num_none} {num_finite}");
    }
}
