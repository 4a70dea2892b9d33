//! `_core.stay_near`: of the partitions below a threshold, one near to a plan.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use slicegraph_core::cost::{Ticks, check_partition};
use slicegraph_core::nearest::{self, Params};

use crate::boundary::{CoreError, copy_in, supervise_quiet};
use crate::instance::Instance;
use crate::slice::blocks;

/// A partition, and whether Ctrl-C ended the search for it.
type Near<'py> = (Bound<'py, PyArray1<i32>>, bool);

/// Gives a partition whose blocks cost less than a threshold, as near to a plan as is found, and no further than `start`.
#[pyfunction]
pub fn stay_near<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    plan: PyReadonlyArray1<'py, i64>,
    start: PyReadonlyArray1<'py, i64>,
    threshold: Ticks,
) -> PyResult<Near<'py>> {
    let instance = &instance.get().plain("stay_near")?;
    let check = |block_of| check_partition(instance, block_of).map_err(CoreError);
    let (plan, start) = (check(&copy_in(plan)?)?, check(&copy_in(start)?)?);
    let supervised = supervise_quiet(py, None, |interrupt| {
        nearest::stay_near(instance, &plan, &start, threshold, &Params::default(), interrupt)
    })?;
    Ok((blocks(supervised.value).into_pyarray(py), supervised.is_signalled))
}
