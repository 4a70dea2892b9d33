//! What stages can pay and store together, and which of them are as good as others.

use crate::bits::Bits;
use crate::problem::{Kind, Problem};
use crate::stop::{Steps, Stop};

/// More than any graph stores.
const UNLIMITED: i128 = 1 << 100;

/// Whether what blocks store plays no part on a kind.
pub(crate) fn is_free_of_memory(on: &Kind) -> bool {
    on.memory.is_none() && on.memory_limit.is_none() && on.state_limit.is_none()
}

/// Sums over the first stages.
pub(crate) struct Prefixes(Vec<i128>);

impl Prefixes {
    fn new(problem: &Problem, of: impl Fn(&Kind) -> i128) -> Self {
        let mut sums = vec![0];
        for stage in 0..problem.num_blocks {
            sums.push(sums[stage] + of(problem.on(stage)));
        }
        Self(sums)
    }

    /// Of the stages from one up to another; none where there are none.
    pub(crate) fn between(&self, first: usize, last: usize) -> i128 {
        (self.0[last] - self.0[first]).max(0)
    }
}

/// What stages have below a threshold.
pub(crate) struct Capacities {
    /// What they may pay, weighed.
    pub pay: Prefixes,
    pub bytes: Prefixes,
    pub state: Prefixes,
}

impl Capacities {
    pub(crate) fn new(problem: &Problem, threshold: i64) -> Self {
        let limit = |limit: Option<i64>| limit.map_or(UNLIMITED, i128::from);
        Self {
            pay: Prefixes::new(problem, |on| i128::from(on.multiplier) * i128::from(threshold - 1)),
            bytes: Prefixes::new(problem, |on| limit(on.memory_limit)),
            state: Prefixes::new(problem, |on| limit(on.state_limit)),
        }
    }
}

/// For each stage from an end on, the first level from which its blocks lead to something new.
pub(crate) fn origins(problem: &Problem, is_back: bool, steps: &mut Steps) -> Result<Vec<usize>, Stop> {
    let (num_nodes, num_blocks) = (problem.num_nodes(), problem.num_blocks);
    // The nodes that each stage may hold, where some stage may not hold all.
    let mut holds: Vec<Bits> = Vec::new();
    if let Some(allowed) = &problem.allowed {
        steps.spend(num_blocks.saturating_mul(num_nodes))?;
        holds = vec![Bits::none(num_nodes); num_blocks];
        for (node, stages) in allowed.iter().enumerate() {
            stages.iter().for_each(|stage| holds[stage].insert(node));
        }
    }
    let stage_of = |place: usize| if is_back { num_blocks - 1 - place } else { place };
    let mut origins = Vec::with_capacity(num_blocks);
    for place in 0..num_blocks {
        let (mut origin, stage) = (0, stage_of(place));
        for earlier in (0..place).rev() {
            steps.spend(1 + holds.first().map_or(0, Bits::num_words))?;
            let other = stage_of(earlier);
            let is_alike = problem.kind_of[other] == problem.kind_of[stage];
            if is_alike && (holds.is_empty() || holds[stage].is_within(&holds[other])) {
                origin = earlier + 1;
                break;
            }
        }
        origins.push(origin);
    }
    Ok(origins)
}
