//! `_core.AtOnce`: small graphs, in a few milliseconds.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use slicegraph_core::at_once::{self, Best, Params};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::{cost, exact};

use crate::boundary::compute;
use crate::exact::{Proof, proof_of};
use crate::instance::Instance;
use crate::slice::blocks;

/// A small graph, a partition, and what is proven.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct AtOnce {
    instance: Arc<cost::Instance>,
    best: Best,
    reason: Option<exact::Proof>,
}

#[pymethods]
impl AtOnce {
    /// Slices some orders; none when the graph is not small, or none can be sliced within limits.
    #[staticmethod]
    fn first(py: Python<'_>, instance: &Bound<'_, Instance>) -> PyResult<Option<Self>> {
        let instance = Arc::clone(&instance.get().0);
        let best = compute(py, || Ok(at_once::first(&instance, &Params::default(), &Interrupt::never())))?;
        Ok(best.map(|best| Self { instance, best, reason: None }))
    }

    /// Gives an optimum, and its proof; none when the graph is not narrow.
    fn close(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        let Self { instance, best, .. } = self;
        let closed = compute(py, || Ok(at_once::close(instance, best, &Params::default(), &Interrupt::never())))?;
        Ok(closed.map(|(best, reason)| Self { instance: Arc::clone(instance), best, reason }))
    }

    /// The block of every node.
    #[getter]
    fn block_of<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i32>> {
        blocks(self.best.block_of.clone()).into_pyarray(py)
    }

    /// Its bottleneck in ticks.
    #[getter]
    fn bottleneck(&self) -> i64 {
        self.best.bottleneck
    }

    /// Orders that were sliced.
    #[getter]
    fn evaluations(&self) -> u64 {
        self.best.evaluations
    }

    /// Why nothing is better; none where the combinatorial bound says it, or nobody has asked.
    #[getter]
    fn proof(&self) -> Option<Proof> {
        self.reason.as_ref().map(proof_of)
    }
}
