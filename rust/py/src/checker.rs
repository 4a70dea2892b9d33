//! The checker of certificates: bytes in, a verdict out. Nothing that solves is called here.

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_checker::{Problem, Steps, Stop, check};

use crate::boundary::supervise;

/// A verdict, by what or why not, the merge that is refused, steps, and the rules of a proof.
type Answer = (&'static str, String, Option<usize>, u64, Vec<(String, usize, u64)>);

/// Prove that what a log claims of a problem is so.
///
/// Parameters
/// ----------
/// problem, log
///     As `slicegraph.certificate.compiled` writes them.
/// steps
///     How many it may take.
///
/// Returns
/// -------
/// tuple
///     ``"verified"``, ``"budget"``, ``"open"``, ``"malformed"`` or ``"refused"``; by what it is proved, or why not; the index of
///     the merge that is refused, if one is; the steps that it took; and of each rule that a proof applies its name, how often,
///     and the steps of it.
///
/// Raises
/// ------
/// `KeyboardInterrupt`
///     On Ctrl-C.
///
/// Notes
/// -----
/// O(steps) time, at most 2 GiB.
#[pyfunction]
pub(crate) fn prove_again(py: Python<'_>, problem: &[u8], log: &[u8], steps: u64) -> PyResult<Answer> {
    let done = supervise(
        py,
        |_, ()| Ok(false),
        |interrupt, _| {
            let is_ended = || interrupt.is_raised();
            let mut left = Steps::until(steps, &is_ended);
            let found = Problem::read(problem).and_then(|problem| check(&problem, log, &mut left));
            (found, steps - left.left())
        },
    )?;
    if done.is_signalled {
        return Err(PyKeyboardInterrupt::new_err(()));
    }
    let (found, taken) = done.value;
    let mut rules = Vec::new();
    let (verdict, reason, merge) = match found {
        Ok(proof) => {
            rules = proof.rules;
            ("verified", format!("{:?}", proof.by).to_lowercase(), None)
        }
        Err(Stop::Budget | Stop::Interrupted) => ("budget", String::new(), None),
        Err(Stop::Open) => ("open", String::new(), None),
        Err(Stop::Malformed(reason)) => ("malformed", reason, None),
        Err(Stop::Refused { reason, merge }) => ("refused", reason, merge),
    };
    Ok((verdict, reason, merge, taken, rules))
}
