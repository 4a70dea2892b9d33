//! `_core.hybrid`, `_core.anneal` and `_core.brkga`: searches under a stop and Ctrl-C.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use slicegraph_core::Error;
use slicegraph_core::cost::{self, INFINITE};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::search::{self, BrkgaParams, Observe, Progress};

use crate::boundary::{CoreError, supervise};
use crate::instance::Instance;
use crate::slice::blocks;

/// The blocks, their bottleneck (none above the memory limit), rounds, evaluations, and whether it was Ctrl-C.
type Outcome<'py> = (Bound<'py, PyArray1<i32>>, Option<i64>, u64, u64, bool);

/// Anneals, slices and recombines; `poll(bottleneck, rounds, evaluations)` says whether to stop.
#[pyfunction]
#[pyo3(signature = (instance, *, seed, threads, target, poll))]
pub fn hybrid<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    seed: u64,
    threads: usize,
    target: i64,
    poll: Bound<'py, PyAny>,
) -> PyResult<Outcome<'py>> {
    run(py, instance, poll, |instance, interrupt, observe| {
        search::hybrid(instance, seed, threads, target, interrupt, observe)
    })
}

/// Anneals; `poll` as for `hybrid`.
#[pyfunction]
#[pyo3(signature = (instance, *, seed, threads, target, poll))]
pub fn anneal<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    seed: u64,
    threads: usize,
    target: i64,
    poll: Bound<'py, PyAny>,
) -> PyResult<Outcome<'py>> {
    run(py, instance, poll, |instance, interrupt, observe| {
        search::anneal(instance, seed, threads, target, interrupt, observe)
    })
}

/// Searches topological orders; `poll` as for `hybrid`.
#[pyfunction]
#[pyo3(signature = (
    instance, *, population, elite, mutants, bias, generations, is_seeded, is_memetic, seed, threads, target, poll
))]
#[expect(clippy::too_many_arguments, reason = "one per parameter, by keyword")]
pub fn brkga<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    population: usize,
    elite: f64,
    mutants: f64,
    bias: f64,
    generations: Option<u64>,
    is_seeded: bool,
    is_memetic: bool,
    seed: u64,
    threads: usize,
    target: i64,
    poll: Bound<'py, PyAny>,
) -> PyResult<Outcome<'py>> {
    let params = BrkgaParams { population, elite, mutants, bias, generations, is_seeded, is_memetic };
    run(py, instance, poll, |instance, interrupt, observe| {
        search::brkga(instance, &params, seed, threads, target, interrupt, observe)
    })
}

fn run<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    poll: Bound<'py, PyAny>,
    search: impl FnOnce(&cost::Instance, &Interrupt, Observe<'_>) -> Result<search::Outcome, Error> + Send,
) -> PyResult<Outcome<'py>> {
    let instance = &instance.get().0;
    let poll = poll.unbind();
    let finite = |cost: i64| Some(cost).filter(|&cost| cost != INFINITE);
    let supervised = supervise(
        py,
        |py, Progress { bottleneck, rounds, evaluations }| {
            poll.call1(py, (finite(bottleneck), rounds, evaluations))?.extract(py)
        },
        move |interrupt, report| search(instance, interrupt, report),
    )?;
    let outcome = supervised.value.map_err(CoreError)?;
    let Progress { bottleneck, rounds, evaluations } = outcome.progress;
    let block_of = blocks(outcome.block_of).into_pyarray(py);
    Ok((block_of, finite(bottleneck), rounds, evaluations, supervised.is_signalled))
}
