//! `_core.search` and `_core.brkga`: searches under a stop and Ctrl-C.

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use slicegraph_core::Error;
use slicegraph_core::cost::{self, INFINITE};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::search::{self as core, BrkgaParams, Observe, Request, SearchParams, SearchProgress};

use crate::boundary::{CoreError, supervise};
use crate::instance::Instance;
use crate::slice::blocks;

/// What a search ends with.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct Found {
    /// The block of every node.
    block_of: Py<PyArray1<i32>>,
    /// Their bottleneck in ticks; none when no partition within the limits was found.
    bottleneck: Option<i64>,
    /// Candidates looked at.
    evaluations: u64,
    /// Whether Ctrl-C ended it.
    is_interrupted: bool,
}

/// A search of the core.
type CoreSearch =
    fn(&cost::Instance, &SearchParams, &Request<'_>, &Interrupt, Observe<'_>) -> Result<core::Outcome, Error>;

/// Searches by `"hybrid"` or `"anneal"`; `poll(bottleneck, rounds, evaluations)` says whether to stop.
#[pyfunction]
#[pyo3(signature = (instance, *, method, seed, threads, target, start, poll))]
#[expect(clippy::needless_pass_by_value, reason = "an extracted argument ends here")]
pub fn search(
    instance: &Bound<'_, Instance>,
    method: &str,
    seed: u64,
    threads: usize,
    target: i64,
    start: Option<Vec<usize>>,
    poll: Bound<'_, PyAny>,
) -> PyResult<Found> {
    let by: CoreSearch = match method {
        "hybrid" => core::hybrid,
        "anneal" => core::anneal,
        _ => return Err(PyValueError::new_err(format!("method {method:?} is none"))),
    };
    let request = Request { seed, threads, target, start: start.as_deref() };
    run(by, instance, &SearchParams::default(), &request, poll)
}

/// Searches topological orders; `poll` as for `search`.
#[pyfunction]
#[pyo3(signature = (
    instance, *, population, elite, mutants, bias, generations, is_seeded, is_memetic, seed, threads, target, poll
))]
#[expect(clippy::too_many_arguments, reason = "one per parameter, by keyword")]
pub fn brkga(
    instance: &Bound<'_, Instance>,
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
    poll: Bound<'_, PyAny>,
) -> PyResult<Found> {
    let own =
        BrkgaParams { population, elite, mutants, bias, generations, is_seeded, is_memetic, ..Default::default() };
    let params = SearchParams { brkga: own, ..SearchParams::default() };
    let request = Request { seed, threads, target, start: None };
    run(core::brkga, instance, &params, &request, poll)
}

fn run(
    by: CoreSearch,
    instance: &Bound<'_, Instance>,
    params: &SearchParams,
    request: &Request<'_>,
    poll: Bound<'_, PyAny>,
) -> PyResult<Found> {
    let (py, instance) = (instance.py(), &instance.get().without_groups("search")?);
    let poll = poll.unbind();
    let finite = |cost: i64| Some(cost).filter(|&cost| cost != INFINITE);
    let supervised = supervise(
        py,
        |py, SearchProgress { bottleneck, rounds, evaluations }| {
            poll.call1(py, (finite(bottleneck), rounds, evaluations))?.extract(py)
        },
        |interrupt, report| by(instance, params, request, interrupt, report),
    )?;
    let outcome = supervised.value.map_err(CoreError)?;
    Ok(Found {
        block_of: blocks(outcome.block_of).into_pyarray(py).unbind(),
        bottleneck: finite(outcome.progress.bottleneck),
        evaluations: outcome.progress.evaluations,
        is_interrupted: supervised.is_signalled,
    })
}
