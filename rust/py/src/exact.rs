//! `_core.prove`: the exact solver under a stop and Ctrl-C, and what it keeps from turn to turn.

use std::borrow::Cow;
use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use slicegraph_core::cost::INFINITE;
use slicegraph_core::domain::Known;
use slicegraph_core::exact::{self, Limits, Progress, Reason};

use crate::boundary::{CoreError, copy_in, supervise};
use crate::domains::windows_of;
use crate::instance::Instance;
use crate::reduce::{MergeRow, rows};
use crate::slice::blocks;

/// The windows and the weights of nodes, from Python.
type KnownArrays<'py> = (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>);

/// How far the exact solver has come.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Proven(exact::Proven, bool);

/// A lower bound, and all that it takes to check it.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct Proof {
    /// No partition is better, in ticks.
    threshold: i64,
    /// The merges that lead to the quotient.
    merges: Vec<MergeRow>,
    /// Nodes of the quotient.
    num_groups: usize,
    /// The group of which every block costs the threshold; none when it was proven in another way.
    group: Option<usize>,
    /// Downsets and labels that were kept.
    downsets: u64,
    /// Links that were looked at, and labels that were tried.
    transitions: u64,
    /// How a search of downsets was closed: sections of a log, as the compiled checker reads them.
    hints: Cow<'static, [u8]>,
}

/// A proof as Python reads it.
pub fn proof_of(proof: &exact::Proof) -> Proof {
    let (group, downsets, transitions) = match proof.reason {
        Reason::Cut(group) => (Some(group), 0, 0),
        Reason::Domains | Reason::Bisection => (None, 0, 0),
        Reason::Downsets { downsets, transitions } => (None, downsets, transitions),
    };
    let (threshold, num_groups) = (proof.threshold, proof.num_groups);
    let hints = Cow::Owned(proof.argument.clone().into_bytes());
    Proof { threshold, merges: rows(&proof.merges), num_groups, group, downsets, transitions, hints }
}

#[pymethods]
impl Proven {
    /// No partition is better, in ticks.
    #[getter]
    fn lower_bound(&self) -> i64 {
        self.0.progress.lower_bound
    }

    /// The best bottleneck known, in ticks.
    #[getter]
    fn bottleneck(&self) -> i64 {
        self.0.progress.bottleneck
    }

    /// A partition with that bottleneck, when it is better than what was given.
    #[getter]
    fn block_of<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<i32>>> {
        self.0.block_of.clone().map(|block_of| blocks(block_of).into_pyarray(py))
    }

    /// Where the lower bound comes from; none when it was known before, or is the combinatorial bound.
    #[getter]
    fn proof(&self) -> Option<Proof> {
        self.0.proof.as_ref().map(proof_of)
    }

    /// Downsets and labels that were kept for all thresholds together.
    #[getter]
    fn downsets(&self) -> u64 {
        self.0.counts.downsets
    }

    /// Links that were looked at, and labels that were tried, for all thresholds together.
    #[getter]
    fn transitions(&self) -> u64 {
        self.0.counts.transitions
    }

    /// Steps of all thresholds together, arcs of minimum cuts included.
    #[getter]
    fn work(&self) -> u64 {
        self.0.work
    }

    /// Whether Ctrl-C ended it.
    #[getter]
    fn is_interrupted(&self) -> bool {
        self.1
    }
}

/// Closes in on the optimum; `poll(lower_bound, bottleneck)` says whether to stop.
#[pyfunction]
#[pyo3(signature = (instance, *, lower_bound, bottleneck, steps, work, memory, threads, known, state, poll))]
#[expect(clippy::too_many_arguments, reason = "one per parameter, by keyword")]
pub fn prove(
    py: Python<'_>,
    instance: &Bound<'_, Instance>,
    lower_bound: i64,
    bottleneck: Option<i64>,
    steps: u64,
    work: u64,
    memory: usize,
    threads: usize,
    known: Option<KnownArrays<'_>>,
    state: &Bound<'_, ProofState>,
    poll: Bound<'_, PyAny>,
) -> PyResult<Proven> {
    let (instance, state) = (&instance.get().0, &state.get().0);
    let poll = poll.unbind();
    let known = known.map(|(earliest, latest, weights)| -> PyResult<Known> {
        Ok(Known { windows: windows_of((earliest, latest))?, weights: copy_in(weights)? })
    });
    let known = known.transpose()?;
    let progress = Progress { lower_bound, bottleneck: bottleneck.unwrap_or(INFINITE) };
    let limits = Limits { steps, work, memory, threads };
    let supervised = supervise(
        py,
        |py, Progress { lower_bound, bottleneck }| poll.call1(py, (lower_bound, bottleneck))?.extract(py),
        |interrupt, report| exact::prove(instance, progress, limits, known.as_ref(), state, interrupt, report),
    )?;
    Ok(Proven(supervised.value.map_err(CoreError)?, supervised.is_signalled))
}

/// What is known of one instance, shared by all methods that decide its thresholds.
#[pyclass(frozen, module = "slicegraph._core")]
#[derive(Default)]
pub struct ProofState(pub Arc<exact::ProofState>);

#[pymethods]
impl ProofState {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The least threshold that minimum cuts alone do not prove, once a turn has looked for it.
    #[getter]
    fn stuck(&self) -> Option<i64> {
        self.0.marks.stuck()
    }

    /// Whether there were too many frontiers when a turn last tried the incumbent's bottleneck.
    #[getter]
    fn are_wide(&self) -> bool {
        self.0.marks.are_wide()
    }

    /// Takes a lower bound and the bottleneck of a partition, in ticks: thresholds are tried between them.
    fn narrow(&self, lower_bound: i64, bottleneck: i64) {
        self.0.marks.narrow(lower_bound, bottleneck);
    }
}
