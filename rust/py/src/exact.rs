//! `_core.prove`: the exact method under a stop and Ctrl-C.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::cost::{self, INFINITE};
use slicegraph_core::domain::{Domains, Known, PrefixWeights, Windows};
use slicegraph_core::exact::{self, Limits, Progress, Proof, ProofState, Reason};
use slicegraph_core::interrupt::{Interrupt, Interrupted};
use slicegraph_core::query::Query;

use crate::boundary::{CoreError, copy_in, supervise};
use crate::instance::Instance;
use crate::reduce::{MergeRow, rows};
use crate::slice::blocks;

/// The threshold, the merges, how many groups they leave; then a dear group, or else the downsets and transitions.
type ProofRow = (i64, Vec<MergeRow>, usize, Option<usize>, u64, u64);

/// The lower bound and its proof; a better partition and its bottleneck; all downsets, transitions and branches; whether it
/// was Ctrl-C.
type Outcome<'py> = (i64, Option<ProofRow>, Option<(Bound<'py, PyArray1<i32>>, i64)>, (u64, u64, u64), bool);

/// Closes in on the optimum; `poll(lower_bound, bottleneck)` says whether to stop.
#[pyfunction]
#[pyo3(signature = (instance, *, lower_bound, bottleneck, steps, memory, threads, known, thresholds, poll))]
#[expect(clippy::too_many_arguments, reason = "one per parameter, by keyword")]
pub fn prove<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    lower_bound: i64,
    bottleneck: Option<i64>,
    steps: u64,
    memory: usize,
    threads: usize,
    known: Option<(PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>)>,
    thresholds: &Bound<'py, Thresholds>,
    poll: Bound<'py, PyAny>,
) -> PyResult<Outcome<'py>> {
    let instance = &instance.get().0;
    let poll = poll.unbind();
    let better = known.map(|(earliest, latest, charges)| -> PyResult<Known> {
        Ok(Known { windows: windows_of((earliest, latest))?, weights: copy_in(charges)? })
    });
    let better = better.transpose()?;
    let known = Progress { lower_bound, bottleneck: bottleneck.unwrap_or(INFINITE) };
    let state = &thresholds.get().0;
    let limits = Limits { steps, memory, threads };
    let supervised = supervise(
        py,
        |py, Progress { lower_bound, bottleneck }| poll.call1(py, (lower_bound, bottleneck))?.extract(py),
        |interrupt, report| exact::prove(instance, known, limits, better.as_ref(), state, interrupt, report),
    )?;
    let proven = supervised.value.map_err(CoreError)?;
    let used = (proven.counts.downsets, proven.counts.transitions, proven.counts.branches);
    let Progress { lower_bound, bottleneck } = proven.progress;
    let partition = proven.block_of.map(|block_of| (blocks(block_of).into_pyarray(py), bottleneck));
    let proof = proven.proof.map(|Proof { threshold, merges, num_groups, reason }| {
        let (group, downsets, transitions) = match reason {
            Reason::Cut(group) => (Some(group), 0, 0),
            Reason::Downsets { downsets, transitions } => (None, downsets, transitions),
        };
        (threshold, rows(&merges), num_groups, group, downsets, transitions)
    });
    Ok((lower_bound, proof, partition, used, supervised.is_signalled))
}

/// The least and the most that the first blocks are charged; the first and the last block of every node.
type Narrowed<'py> = (Vec<i64>, Vec<i64>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// What minimum cuts have said of one instance, for all who ask.
#[pyclass(frozen, module = "slicegraph._core")]
#[derive(Default)]
pub struct Thresholds(Arc<ProofState>);

#[pymethods]
impl Thresholds {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The least threshold that they do not prove alone, when somebody has looked for it.
    #[getter]
    fn stuck(&self) -> Option<i64> {
        self.0.marks.stuck()
    }

    /// Whether frontiers were too many for the best partition's bottleneck when somebody last tried it.
    #[getter]
    fn are_wide(&self) -> bool {
        self.0.marks.are_wide()
    }

    /// Takes what somebody has proven, in ticks: who tries thresholds tries higher ones.
    fn raise_floor(&self, lower_bound: i64) {
        self.0.marks.raise_floor(lower_bound);
    }
}

/// What is known of every partition better than a threshold, as far as minimum cuts say.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Confines {
    instance: Arc<cost::Instance>,
    threshold: i64,
    core: Arc<Domains>,
    state: Arc<ProofState>,
}

/// The first and the last block of every node, from Python.
type Blocks<'py> = (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>);

fn windows_of((earliest, latest): Blocks<'_>) -> PyResult<Windows> {
    let blocks = |blocks: PyReadonlyArray1<'_, i64>| -> PyResult<Vec<usize>> {
        Ok(copy_in(blocks)?.into_iter().map(|block| usize::try_from(block).unwrap_or(0)).collect())
    };
    Ok(Windows { earliest: blocks(earliest)?, latest: blocks(latest)? })
}

/// Confines of a quotient, whose groups are given by node; by minimum cuts too if there is a `poll`, which says whether to
/// stop, or somebody has asked already; none when there is no such partition.
#[pyfunction]
#[pyo3(signature = (quotient, group_of, threshold, *, thresholds, is_patient=false, poll=None))]
pub fn confine(
    py: Python<'_>,
    quotient: &Bound<'_, Instance>,
    group_of: PyReadonlyArray1<'_, i32>,
    threshold: i64,
    thresholds: &Bound<'_, Thresholds>,
    is_patient: bool,
    poll: Option<Bound<'_, PyAny>>,
) -> PyResult<Option<Confines>> {
    let (instance, state) = (&quotient.get().0, &thresholds.get().0);
    let group_of: Vec<usize> =
        copy_in(group_of)?.into_iter().map(|group| usize::try_from(group).unwrap_or(0)).collect();
    let params = &state.params;
    let steps = if is_patient { params.domain.patient_steps } else { params.domain.brief_steps };
    let known = |core| {
        let (instance, state) = (Arc::clone(instance), Arc::clone(state));
        Some(Confines { instance, threshold, core, state })
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
                    state.domains.ask(&Query { interrupt, ..query }, &group_of, steps)
                }
            },
        )?;
        if supervised.is_signalled {
            return Err(PyKeyboardInterrupt::new_err(()));
        }
        if let Ok(core) = supervised.value {
            return Ok(core.and_then(known));
        }
    }
    // What is known without cuts is right, too.
    let core = py.detach(|| Domains::new(&query, Known::nothing(instance)));
    Ok(core.and_then(|core| known(Arc::new(core))))
}

fn numbers<T: TryInto<i64>>(py: Python<'_>, values: impl Iterator<Item = T>) -> Bound<'_, PyArray1<i64>> {
    let values: Vec<i64> = values.map(|value| value.try_into().unwrap_or(i64::MAX)).collect();
    values.into_pyarray(py)
}

#[pymethods]
impl Confines {
    /// What nodes take of their blocks at least.
    #[getter]
    fn charges<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.core.known.weights.clone().into_pyarray(py)
    }

    /// Nodes of which the first is always in an earlier block than the second: the least pairs.
    #[getter]
    fn apart<'py>(&self, py: Python<'py>) -> (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>) {
        let pairs = &self.core.incompatible;
        (numbers(py, pairs.iter().map(|(u, _)| u.index())), numbers(py, pairs.iter().map(|(_, v)| v.index())))
    }

    /// What is known of the first blocks, and of every node.
    #[getter]
    fn narrowed<'py>(&self, py: Python<'py>) -> Narrowed<'py> {
        rows_of(py, self.core.prefixes.clone(), &self.core.known.windows)
    }

    /// Whether cuts have narrowed the windows.
    #[getter]
    fn are_of_use(&self) -> bool {
        self.core.are_of_use
    }

    /// Narrows what the first blocks are charged, and the windows, by minimum cuts too until `poll` says to stop; none when
    /// that contradicts itself.
    #[pyo3(signature = (least, most, windows, poll=None))]
    fn narrow<'py>(
        &self,
        py: Python<'py>,
        least: Vec<i64>,
        most: Vec<i64>,
        windows: Blocks<'_>,
        poll: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Narrowed<'py>>> {
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
                    let is_over = report(()).is_break();
                    let shaved = if is_over {
                        Ok(true)
                    } else {
                        let query = Query { instance, threshold: self.threshold, params, interrupt };
                        propagation.shave(&query, windows, &mut { params.domain.window_steps })
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
        Ok(can_be.then(|| rows_of(py, prefixes, &windows)))
    }
}

fn rows_of<'py>(py: Python<'py>, prefixes: PrefixWeights, windows: &Windows) -> Narrowed<'py> {
    let Windows { earliest, latest } = windows;
    let PrefixWeights { least, most } = prefixes;
    (least, most, numbers(py, earliest.iter().copied()), numbers(py, latest.iter().copied()))
}
