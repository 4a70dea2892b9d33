//! `_core.settle`: of the partitions of one bottleneck, the one with the fewest blocks and then the least io.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use slicegraph_core::cost::check_partition;
use slicegraph_core::ties::{self, Params};

use crate::boundary::{CoreError, copy_in, supervise_quiet};
use crate::instance::Instance;
use crate::slice::blocks;

/// A partition, whether no other of its bottleneck has fewer blocks, or as many and less io, and whether Ctrl-C ended it.
type Settled<'py> = (Bound<'py, PyArray1<i32>>, bool, bool);

/// Gives a partition that costs no more, of the fewest blocks and then the least io that is found until `poll` says to stop.
#[pyfunction]
#[pyo3(signature = (instance, block_of, poll=None))]
pub fn settle<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    block_of: PyReadonlyArray1<'py, i64>,
    poll: Option<Bound<'py, PyAny>>,
) -> PyResult<Settled<'py>> {
    let (instance, block_of) = (&instance.get().0, copy_in(block_of)?);
    let block_of = check_partition(instance, &block_of).map_err(CoreError)?;
    let supervised = supervise_quiet(py, poll.map(Bound::unbind), |interrupt| {
        ties::settle(instance, &block_of, &Params::default(), interrupt)
    })?;
    let settled = supervised.value;
    Ok((blocks(settled.block_of).into_pyarray(py), settled.is_least, supervised.is_signalled))
}
