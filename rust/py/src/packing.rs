//! `_core.price`: which blocks weigh too much; `_core.slices`: those that are known to begin with.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::packing::{self, Params, Question, Verdict};

use crate::boundary::{compute, copy_in, supervise_quiet};
use crate::instance::Instance;

/// Of some seeds: of each `"closed"`, `"heavy"` or `"open"`, or `""` where its turn did not come; the cases of each that is closed; the
/// nodes of blocks that were found, and what each costs; arcs that were looked at; by node, the factor that was good.
type Priced = (Vec<&'static str>, Vec<Vec<u64>>, Vec<Vec<usize>>, Vec<i64>, u64, Py<PyArray1<i64>>);

/// Asks which blocks of seeds weigh too much; none when `ends` has said so first.
#[pyfunction]
#[pyo3(signature = (instance, weights, factors, *, threshold, target, kept, seeds, max_cases, max_steps, enough, ends))]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "by keyword, and as Python gives them")]
pub fn price(
    py: Python<'_>,
    instance: &Bound<'_, Instance>,
    weights: PyReadonlyArray1<'_, i64>,
    factors: PyReadonlyArray1<'_, i64>,
    threshold: i64,
    target: i64,
    kept: i64,
    seeds: Vec<usize>,
    max_cases: usize,
    max_steps: u64,
    enough: usize,
    ends: Py<PyAny>,
) -> PyResult<Option<Priced>> {
    let (instance, weights, mut factors) = (&instance.get().0, copy_in(weights)?, copy_in(factors)?);
    let params = Params::default();
    let question = Question { weights: &weights, threshold, target, kept, max_cases, max_steps, params };
    let supervised = supervise_quiet(py, Some(ends), |interrupt| {
        packing::price(instance, &question, &seeds, &mut factors, enough, interrupt)
    })?;
    if supervised.is_signalled {
        return Err(PyKeyboardInterrupt::new_err(()));
    }
    let Ok(found) = supervised.value else { return Ok(None) };
    let (mut verdicts, mut cases) = (Vec::new(), Vec::new());
    for verdict in found.verdicts {
        let (name, each) = match verdict {
            Some(Verdict::Closed(cases)) => ("closed", cases),
            Some(Verdict::Heavy) => ("heavy", Vec::new()),
            Some(Verdict::Open) => ("open", Vec::new()),
            None => ("", Vec::new()),
        };
        verdicts.push(name);
        cases.push(each);
    }
    let (blocks, costs) = found.blocks.into_iter().map(|(block, cost)| (indices(block), cost)).unzip();
    Ok(Some((verdicts, cases, blocks, costs, found.steps, factors.into_pyarray(py).unbind())))
}

/// The longest slices of random orders that cost less than a threshold.
#[pyfunction]
#[pyo3(signature = (instance, *, threshold, num_orders, seed))]
pub fn slices(
    py: Python<'_>,
    instance: &Bound<'_, Instance>,
    threshold: i64,
    num_orders: usize,
    seed: u64,
) -> PyResult<Vec<Vec<usize>>> {
    let instance = &instance.get().0;
    compute(py, || Ok(packing::slices(instance, threshold, num_orders, seed).into_iter().map(indices).collect()))
}

fn indices(nodes: Vec<NodeId>) -> Vec<usize> {
    nodes.into_iter().map(NodeId::index).collect()
}
