//! `_core.find_domains`: what is known of each node below a threshold, by propagation and minimum cuts.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::cost;
use slicegraph_core::domain::{self, Known, PrefixWeights, Windows};
use slicegraph_core::exact;
use slicegraph_core::interrupt::{Interrupt, Interrupted};
use slicegraph_core::query::Query;

use crate::boundary::{copy_in, supervise};
use crate::exact::ProofState;
use crate::instance::Instance;

/// What is known of every partition better than a threshold.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Domains {
    instance: Arc<cost::Instance>,
    threshold: i64,
    core: Arc<domain::Domains>,
    state: Arc<exact::ProofState>,
}

/// Prefix weights and windows of every partition better than a threshold.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Narrowed(PrefixWeights, Windows);

/// The first and the last block of every node, from Python.
type Blocks<'py> = (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>);

/// Windows of nodes.
pub fn windows_of((earliest, latest): Blocks<'_>) -> PyResult<Windows> {
    let blocks = |blocks: PyReadonlyArray1<'_, i64>| -> PyResult<Vec<usize>> {
        Ok(copy_in(blocks)?.into_iter().map(|block| usize::try_from(block).unwrap_or(0)).collect())
    };
    Ok(Windows { earliest: blocks(earliest)?, latest: blocks(latest)? })
}

/// Domains of a quotient, whose groups are given by node; by minimum cuts too if there is a `poll`, which says whether to
/// stop, or they are known already; none when there is no such partition.
#[pyfunction]
#[pyo3(signature = (quotient, group_of, threshold, *, state, is_patient=false, poll=None))]
pub fn find_domains(
    py: Python<'_>,
    quotient: &Bound<'_, Instance>,
    group_of: PyReadonlyArray1<'_, i32>,
    threshold: i64,
    state: &Bound<'_, ProofState>,
    is_patient: bool,
    poll: Option<Bound<'_, PyAny>>,
) -> PyResult<Option<Domains>> {
    let (instance, state) = (&quotient.get().0, &state.get().0);
    let group_of: Vec<usize> =
        copy_in(group_of)?.into_iter().map(|group| usize::try_from(group).unwrap_or(0)).collect();
    let params = &state.params;
    let steps = if is_patient { params.domain.patient_steps } else { params.domain.brief_steps };
    let known = |core| {
        let (instance, state) = (Arc::clone(instance), Arc::clone(state));
        Some(Domains { instance, threshold, core, state })
    };
    let never = Interrupt::never();
    let query = Query { instance, threshold, params, interrupt: &never };
    if let Some(core) = py.detach(|| state.domains.recall(&query, &group_of, steps)) {
        return Ok(known(core));
    }
    if let Some(poll) = poll {
        let poll = poll.unbind();
        let supervised = supervise(
            py,
            |py, ()| poll.call0(py)?.extract(py),
            |interrupt, report| {
                if report(()).is_break() {
                    Err(Interrupted)
                } else {
                    state.domains.ask(&Query { interrupt, ..query }, &group_of, steps, &mut 0)
                }
            },
        )?;
        if supervised.is_signalled {
            return Err(PyKeyboardInterrupt::new_err(()));
        }
        if let Ok(core) = supervised.value {
            return Ok(core.ok().and_then(known));
        }
    }
    // What is known without cuts is right, too.
    let core = py.detach(|| domain::Domains::new(&query, Known::nothing(instance)));
    Ok(core.and_then(|core| known(Arc::new(core))))
}

fn numbers(py: Python<'_>, values: impl Iterator<Item = usize>) -> Bound<'_, PyArray1<i64>> {
    let values: Vec<i64> = values.map(|value| value.try_into().unwrap_or(i64::MAX)).collect();
    values.into_pyarray(py)
}

#[pymethods]
impl Narrowed {
    /// What the first 0, 1, ..., all blocks weigh at least.
    #[getter]
    fn least(&self) -> Vec<i64> {
        self.0.least.clone()
    }

    /// What they weigh at most.
    #[getter]
    fn most(&self) -> Vec<i64> {
        self.0.most.clone()
    }

    /// The first and the last block of every node, from 1.
    #[getter]
    fn windows<'py>(&self, py: Python<'py>) -> (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>) {
        let Windows { earliest, latest } = &self.1;
        (numbers(py, earliest.iter().copied()), numbers(py, latest.iter().copied()))
    }
}

#[pymethods]
impl Domains {
    /// What nodes take of their blocks at least.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.core.known.weights.clone().into_pyarray(py)
    }

    /// The least incompatible pairs: the first node is always in an earlier block than the second.
    #[getter]
    fn incompatible<'py>(&self, py: Python<'py>) -> (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>) {
        let pairs = &self.core.incompatible;
        (numbers(py, pairs.iter().map(|(u, _)| u.index())), numbers(py, pairs.iter().map(|(_, v)| v.index())))
    }

    /// What is known of the first blocks, and of every node.
    #[getter]
    fn narrowed(&self) -> Narrowed {
        Narrowed(self.core.prefixes.clone(), self.core.known.windows.clone())
    }

    /// Whether cuts have narrowed the windows.
    #[getter]
    fn are_of_use(&self) -> bool {
        self.core.are_of_use
    }

    /// Narrows prefix weights and windows, by minimum cuts too until `poll` says to stop; none when that contradicts
    /// itself.
    #[pyo3(signature = (least, most, windows, poll=None))]
    fn narrow(
        &self,
        py: Python<'_>,
        least: Vec<i64>,
        most: Vec<i64>,
        windows: Blocks<'_>,
        poll: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Option<Narrowed>> {
        let propagation = &self.core.propagation;
        let mut prefixes = PrefixWeights { least, most };
        let mut windows = windows_of(windows)?;
        let mut can_be = propagation.narrow(&mut prefixes, &mut windows);
        if let (true, Some(poll)) = (can_be, poll) {
            let poll = poll.unbind();
            let (windows, prefixes) = (&mut windows, &mut prefixes);
            let (instance, params) = (&self.instance, &self.state.params);
            let supervised = supervise(
                py,
                |py, ()| poll.call0(py)?.extract(py),
                |interrupt, report| {
                    let shaved = if report(()).is_break() {
                        Ok(true)
                    } else {
                        let query = Query { instance, threshold: self.threshold, params, interrupt };
                        propagation.shave(&query, windows, &mut { params.domain.window_steps }, &mut Vec::new())
                    };
                    // What was narrowed by then is right.
                    shaved.unwrap_or(true) && propagation.narrow(prefixes, windows)
                },
            )?;
            if supervised.is_signalled {
                return Err(PyKeyboardInterrupt::new_err(()));
            }
            can_be = supervised.value;
        }
        Ok(can_be.then_some(Narrowed(prefixes, windows)))
    }
}
