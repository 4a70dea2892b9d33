//! `_core.reduce`: fewer nodes, the same optimum; and `_core.node_bound`.

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::cost::INFINITE;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::reduce::{self as rules, Merge, Rule};

use crate::boundary::{supervise, supervise_quiet};
use crate::instance::Instance;
use crate::slice::blocks;

/// A rule and two nodes.
pub type MergeRow = (&'static str, usize, usize);

/// An instance with fewer nodes, and how its partitions are partitions of the other.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct Quotient {
    /// Its nodes are groups of nodes.
    instance: Py<Instance>,
    /// The group of every node.
    group_of: Py<PyArray1<i32>>,
    /// The merges, in order.
    merges: Vec<MergeRow>,
}

/// Merges as Python reads them.
pub fn rows(merges: &[Merge]) -> Vec<MergeRow> {
    let row = |merge: &Merge| {
        let rule = match merge.rule {
            Rule::Pull => "pull",
            Rule::Push => "push",
            Rule::Together => "together",
            Rule::Cycle => "cycle",
            Rule::Given => "given",
        };
        (rule, merge.nodes[0].index(), merge.nodes[1].index())
    };
    merges.iter().map(row).collect()
}

/// Merges nodes; partitions that cost `threshold` or more may get lost. None when `poll` has said to stop.
#[pyfunction]
#[pyo3(signature = (instance, threshold, poll=None))]
pub fn reduce(
    py: Python<'_>,
    instance: &Bound<'_, Instance>,
    threshold: Option<i64>,
    poll: Option<Bound<'_, PyAny>>,
) -> PyResult<Option<Quotient>> {
    let instance = &instance.get().0;
    let supervised = supervise_quiet(py, poll.map(Bound::unbind), |interrupt| {
        rules::reduce(instance, threshold.unwrap_or(INFINITE), interrupt)
    })?;
    let Ok(reduction) = supervised.value else {
        return if supervised.is_signalled { Err(PyKeyboardInterrupt::new_err(())) } else { Ok(None) };
    };
    Ok(Some(Quotient {
        instance: Py::new(py, Instance(reduction.instance))?,
        group_of: blocks(reduction.group_of).into_pyarray(py).unbind(),
        merges: rows(&reduction.merges),
    }))
}

/// The node whose cheapest block is the most expensive, and what that costs; `poll` says whether to stop.
#[pyfunction]
pub fn node_bound(py: Python<'_>, instance: &Bound<'_, Instance>, poll: Bound<'_, PyAny>) -> PyResult<(usize, i64)> {
    let instance = &instance.get().0;
    let poll = poll.unbind();
    let supervised = supervise(
        py,
        |py, lower_bound: i64| poll.call1(py, (lower_bound,))?.extract(py),
        |interrupt: &Interrupt, report| rules::node_bound(instance, interrupt, report),
    )?;
    if supervised.is_signalled {
        return Err(PyKeyboardInterrupt::new_err(()));
    }
    let (node, lower_bound) = supervised.value;
    Ok((node.index(), lower_bound))
}
