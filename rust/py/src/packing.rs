//! `_core.price`: which blocks weigh too much; `_core.slices`: those that are known to begin with.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::packing::{self, Question, Verdict};

use crate::boundary::{compute, copy_in, supervise};
use crate::instance::Instance;

/// What is known of the blocks of some seeds.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct Priced {
    /// Of each seed `"closed"`, `"heavy"` or `"open"`; `""` where its turn did not come.
    verdicts: Vec<&'static str>,
    /// The cases of each seed that is closed.
    cases: Vec<Vec<u64>>,
    /// The nodes of blocks that were found, and what each costs.
    blocks: Vec<Vec<usize>>,
    costs: Vec<i64>,
    /// Arcs that were looked at.
    steps: u64,
    /// By node, the factor that was good.
    factors: Py<PyArray1<i64>>,
}

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
    let supervised = supervise(
        py,
        move |py, ()| ends.call0(py)?.is_truthy(py),
        |interrupt, report| {
            // It is asked again only after a report.
            if report(()).is_break() {
                interrupt.raise();
            }
            let question = Question { weights: &weights, threshold, target, kept, max_cases, max_steps };
            packing::price(instance, &question, &seeds, &mut factors, enough, interrupt)
        },
    )?;
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
    let (blocks, costs) = parts(found.blocks);
    Ok(Some(Priced { verdicts, cases, blocks, costs, steps: found.steps, factors: factors.into_pyarray(py).unbind() }))
}

/// The longest slices of random orders that cost less than a threshold, and what each costs.
#[pyfunction]
#[pyo3(signature = (instance, *, threshold, num_orders, seed))]
pub fn slices(
    py: Python<'_>,
    instance: &Bound<'_, Instance>,
    threshold: i64,
    num_orders: usize,
    seed: u64,
) -> PyResult<(Vec<Vec<usize>>, Vec<i64>)> {
    let instance = &instance.get().0;
    compute(py, || Ok(parts(packing::slices(instance, threshold, num_orders, seed))))
}

fn parts(blocks: Vec<packing::Block>) -> (Vec<Vec<usize>>, Vec<i64>) {
    let nodes = |block: Vec<slicegraph_core::NodeId>| block.into_iter().map(slicegraph_core::NodeId::index).collect();
    blocks.into_iter().map(|(block, cost)| (nodes(block), cost)).unzip()
}
