//! `_core.brkga`: the genetic search under a stop and Ctrl-C.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use slicegraph_core::cost::INFINITE;
use slicegraph_core::search::{self, BrkgaParams, Progress};

use crate::boundary::{CoreError, supervise};
use crate::instance::Instance;
use crate::slice::blocks;

/// The blocks, their bottleneck (none above the memory limit), generations, evaluations, and whether it was Ctrl-C.
type Outcome<'py> = (Bound<'py, PyArray1<i32>>, Option<i64>, u64, u64, bool);

/// Searches topological orders; `poll(bottleneck, generations, evaluations)` says whether to stop.
#[pyfunction]
#[pyo3(signature = (instance, *, population, elite, mutants, bias, generations, seed, threads, target, poll))]
#[expect(clippy::too_many_arguments, reason = "one per parameter, by keyword")]
pub fn brkga<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    population: usize,
    elite: f64,
    mutants: f64,
    bias: f64,
    generations: Option<u64>,
    seed: u64,
    threads: usize,
    target: i64,
    poll: Bound<'py, PyAny>,
) -> PyResult<Outcome<'py>> {
    let instance = &instance.get().0;
    let poll = poll.unbind();
    let params = BrkgaParams { population, elite, mutants, bias, generations };
    let finite = |cost: i64| Some(cost).filter(|&cost| cost != INFINITE);
    let supervised = supervise(
        py,
        |py, Progress { bottleneck, generations, evaluations }| {
            poll.call1(py, (finite(bottleneck), generations, evaluations))?.extract(py)
        },
        |interrupt, report| search::brkga(instance, &params, seed, threads, target, interrupt, report),
    )?;
    let outcome = supervised.value.map_err(CoreError)?;
    let Progress { bottleneck, generations, evaluations } = outcome.progress;
    let block_of = blocks(outcome.block_of).into_pyarray(py);
    Ok((block_of, finite(bottleneck), generations, evaluations, supervised.is_signalled))
}
