//! `_core.prove`: the exact method under a stop and Ctrl-C.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::cost::{self, INFINITE};
use slicegraph_core::exact::{self, Params, Progress, Proof, Reach, Reason, Windows};
use slicegraph_core::interrupt::Interrupted;
use slicegraph_core::reduce;

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
#[pyo3(signature = (instance, *, lower_bound, bottleneck, steps, memory, threads, least, most, poll))]
#[expect(clippy::too_many_arguments, reason = "one per parameter, by keyword")]
pub fn prove<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    lower_bound: i64,
    bottleneck: Option<i64>,
    steps: u64,
    memory: usize,
    threads: usize,
    least: Vec<i64>,
    most: Vec<i64>,
    poll: Bound<'py, PyAny>,
) -> PyResult<Outcome<'py>> {
    let instance = &instance.get().0;
    let poll = poll.unbind();
    let known = Progress { lower_bound, bottleneck: bottleneck.unwrap_or(INFINITE) };
    let params = Params { steps, memory, threads, reach: Reach { least, most } };
    let supervised = supervise(
        py,
        |py, Progress { lower_bound, bottleneck }| poll.call1(py, (lower_bound, bottleneck))?.extract(py),
        |interrupt, report| exact::prove(instance, known, &params, interrupt, report),
    )?;
    let proven = supervised.value.map_err(CoreError)?;
    let used = (proven.used.downsets, proven.used.transitions, proven.used.branches);
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

/// Nodes that are apart, the first before the second.
type Pairs<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// The least and the most work of the first blocks; the first and the last block of every node.
type Narrowed<'py> = (Vec<i64>, Vec<i64>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// Nodes no two of which a block below a threshold can hold, the first before the second; `poll` says whether to stop.
#[pyfunction]
pub fn apart<'py>(
    py: Python<'py>,
    instance: &Bound<'_, Instance>,
    threshold: i64,
    poll: Bound<'py, PyAny>,
) -> PyResult<Pairs<'py>> {
    let instance = &instance.get().0;
    let poll = poll.unbind();
    let supervised = supervise(
        py,
        |py, ()| poll.call0(py)?.extract(py),
        |interrupt, report| {
            if report(()).is_break() { Err(Interrupted) } else { reduce::apart(instance, threshold, interrupt) }
        },
    )?;
    if supervised.is_signalled {
        return Err(PyKeyboardInterrupt::new_err(()));
    }
    // Who is told to stop knows of none.
    let pairs = supervised.value.unwrap_or_default();
    let index = |node: NodeId| i64::try_from(node.index()).unwrap_or(i64::MAX);
    let (first, last): (Vec<i64>, Vec<i64>) = pairs.into_iter().map(|(u, v)| (index(u), index(v))).unzip();
    Ok((first.into_pyarray(py), last.into_pyarray(py)))
}

/// What narrows the windows of nodes when every block costs less than a threshold.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Narrowing {
    instance: Arc<cost::Instance>,
    threshold: i64,
    core: exact::Narrowing,
}

#[pymethods]
impl Narrowing {
    /// No block holds more than `cap`; `pairs` are apart.
    #[new]
    fn new(
        py: Python<'_>,
        instance: &Bound<'_, Instance>,
        threshold: i64,
        cap: i64,
        pairs: (PyReadonlyArray1<'_, i64>, PyReadonlyArray1<'_, i64>),
    ) -> PyResult<Self> {
        let instance = &instance.get().0;
        let node = |index: i64| NodeId::new(usize::try_from(index).unwrap_or(0));
        let (first, last) = (copy_in(pairs.0)?, copy_in(pairs.1)?);
        let pairs: Vec<(NodeId, NodeId)> = first.into_iter().map(node).zip(last.into_iter().map(node)).collect();
        let narrow = || exact::Narrowing::new(instance.graph(), instance.works(), instance.num_blocks(), cap, &pairs);
        let core = py.detach(narrow);
        Ok(Self { instance: Arc::clone(instance), threshold, core })
    }

    /// Narrows what the first blocks hold, and the windows, by minimum cuts too until `poll` says to stop; none when that
    /// contradicts itself.
    #[pyo3(signature = (least, most, windows, poll=None))]
    fn narrow<'py>(
        &self,
        py: Python<'py>,
        least: Vec<i64>,
        most: Vec<i64>,
        windows: Option<(PyReadonlyArray1<'_, i64>, PyReadonlyArray1<'_, i64>)>,
        poll: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Narrowed<'py>>> {
        let instance = &self.instance;
        let mut reach = Reach { least, most };
        let mut known = Windows::all(instance.graph().num_nodes(), instance.num_blocks());
        if let Some((earliest, latest)) = windows {
            let blocks = |blocks: PyReadonlyArray1<'_, i64>| -> PyResult<Vec<usize>> {
                Ok(copy_in(blocks)?.into_iter().map(|block| usize::try_from(block).unwrap_or(0)).collect())
            };
            known = Windows { earliest: blocks(earliest)?, latest: blocks(latest)? };
        }
        let mut can_be = self.core.narrow(&mut reach, &mut known);
        if let (true, Some(poll)) = (can_be, poll) {
            let poll = poll.unbind();
            let (windows, reach) = (&mut known, &mut reach);
            let supervised = supervise(
                py,
                |py, ()| poll.call0(py)?.extract(py),
                |interrupt, report| {
                    let is_over = report(()).is_break();
                    let shaved =
                        if is_over { Ok(true) } else { self.core.shave(instance, self.threshold, windows, interrupt) };
                    // What was narrowed by then is right.
                    shaved.unwrap_or(true) && self.core.narrow(reach, windows)
                },
            )?;
            if supervised.is_signalled {
                return Err(PyKeyboardInterrupt::new_err(()));
            }
            can_be = supervised.value;
        }
        if !can_be {
            return Ok(None);
        }
        let block = |block: usize| i64::try_from(block).unwrap_or(i64::MAX);
        let [earliest, latest] = [known.earliest, known.latest]
            .map(|blocks| blocks.into_iter().map(block).collect::<Vec<i64>>().into_pyarray(py));
        Ok(Some((reach.least, reach.most, earliest, latest)))
    }
}
