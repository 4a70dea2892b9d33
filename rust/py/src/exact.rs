//! `_core.prove`: the exact method under a stop and Ctrl-C.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use slicegraph_core::cost::INFINITE;
use slicegraph_core::exact::{self, Params, Progress, Proof, Reach, Reason};

use crate::boundary::{CoreError, supervise};
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
