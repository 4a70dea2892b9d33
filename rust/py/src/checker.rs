//! The checker of certificates: bytes in, a verdict out. Nothing that solves is called here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_checker::{self as checker, Problem, Steps, Stop, check};

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
/// ends
///     Asked every few milliseconds whether to end, as if the steps were used up. None: nothing ends it.
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
#[pyo3(signature = (problem, log, steps, ends=None))]
pub(crate) fn prove_again(
    py: Python<'_>,
    problem: &[u8],
    log: &[u8],
    steps: u64,
    ends: Option<Py<PyAny>>,
) -> PyResult<Answer> {
    let done = supervise(
        py,
        move |py, ()| ends.as_ref().map_or(Ok(false), |ends| ends.call0(py)?.is_truthy(py)),
        |interrupt, report| {
            // `ends` is asked again only after a report.
            if report(()).is_break() {
                return (Err(Stop::Interrupted), 0);
            }
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

/// What is known of a case, as `slicegraph_checker::Case` has it.
type Known<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Vec<i64>, Vec<i64>);

/// A tree of cases that grows step by step, each of which is checked at once.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Proving(Mutex<checker::Proving>);

#[pymethods]
impl Proving {
    /// All partitions of what the merges of a log lead to; none where that takes more steps, or a merge is none.
    #[staticmethod]
    fn begin(py: Python<'_>, problem: &[u8], log: &[u8], threshold: i64, steps: u64) -> Option<Self> {
        let found = py.detach(|| {
            let problem = Problem::read(problem)?;
            checker::Proving::new(&problem, log, threshold, &mut Steps::new(steps))
        });
        found.ok().map(|proving| Self(Mutex::new(proving)))
    }

    /// Takes a step, in the bytes of a log; whether it holds, and took no more steps than these.
    fn apply(&self, py: Python<'_>, step: &[u8], steps: u64) -> bool {
        py.detach(|| self.proving().apply(step, &mut Steps::new(steps)).is_ok())
    }

    /// The same, to try something.
    fn fork(&self) -> Self {
        Self(Mutex::new(self.proving().clone()))
    }

    /// How many cases are left.
    #[getter]
    fn num_cases(&self) -> usize {
        self.proving().num_cases()
    }

    /// The first and the last block of each node and what it weighs, and what the first blocks weigh at least and at most.
    fn next<'py>(&self, py: Python<'py>) -> Option<Known<'py>> {
        let case = self.proving().next()?;
        let blocks = |blocks: Vec<usize>| -> Bound<'py, PyArray1<i64>> {
            let blocks: Vec<i64> = blocks.into_iter().map(|block| i64::try_from(block).unwrap_or(i64::MAX)).collect();
            blocks.into_pyarray(py)
        };
        let ticks = |ticks: Vec<i128>| -> Vec<i64> {
            ticks.into_iter().map(|ticks| i64::try_from(ticks).unwrap_or(i64::MAX)).collect()
        };
        let weight = ticks(case.weight).into_pyarray(py);
        Some((blocks(case.first), blocks(case.last), weight, ticks(case.least), ticks(case.most)))
    }
}

impl Proving {
    fn proving(&self) -> MutexGuard<'_, checker::Proving> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
