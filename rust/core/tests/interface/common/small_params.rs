//! Parameters for tests, of the crate and of its parts: both have this file as a module.

use super::ExactParams;

/// Parameters with which small instances come to all stages of the exact solver.
pub fn small_params() -> ExactParams {
    let mut params = ExactParams::default();
    params.domain.sample = 2;
    (params.bisection.part, params.bisection.times) = (16, 1);
    (params.decide.downset_steps, params.decide.label_steps) = (1 << 6, 1 << 10);
    (params.branch.downset_steps, params.branch.label_steps, params.branch.node_steps) = (1 << 6, 1 << 10, 1);
    params
}
