//! `_core.AtOnce`: small graphs, in a few milliseconds.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use slicegraph_core::at_once::{self, Best, Params};
use slicegraph_core::cost::check_partition;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::{cost, exact};

use crate::boundary::{CoreError, compute, copy_in};
use crate::exact::{Proof, proof_of};
use crate::instance::Instance;
use crate::slice::blocks;

/// A small graph, a partition, and what is proven.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct AtOnce {
    instance: Arc<cost::Instance>,
    params: Params,
    best: Best,
    reason: Option<exact::Proof>,
}

#[pymethods]
impl AtOnce {
    /// Slices some orders, and takes a partition that is known; none when the graph is not small, or none can be sliced within
    /// limits.
    #[staticmethod]
    #[pyo3(signature = (instance, known=None))]
    fn first<'py>(
        py: Python<'py>,
        instance: &Bound<'py, Instance>,
        known: Option<PyReadonlyArray1<'py, i64>>,
    ) -> PyResult<Option<Self>> {
        let instance = Arc::clone(&instance.get().0);
        let known = known.map(copy_in).transpose()?;
        let known = known.map(|known| check_partition(&instance, &known)).transpose().map_err(CoreError)?;
        let params = if known.is_some() { Params::of_known() } else { Params::default() };
        let best = compute(py, || Ok(at_once::first(&instance, known.as_deref(), &params, &Interrupt::never())))?;
        Ok(best.map(|best| Self { instance, params, best, reason: None }))
    }

    /// Gives an optimum, and its proof; none when the graph is not narrow.
    fn close(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        let Self { instance, params, best, .. } = self;
        let closed = compute(py, || Ok(at_once::close(instance, best, params, &Interrupt::never())))?;
        let (instance, params) = (Arc::clone(instance), params.clone());
        Ok(closed.map(|(best, reason)| Self { instance, params, best, reason }))
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

    /// The proof that no partition is better; none where the combinatorial bound shows it, or no proof was asked for.
    #[getter]
    fn proof(&self) -> Option<Proof> {
        self.reason.as_ref().map(proof_of)
    }
}
