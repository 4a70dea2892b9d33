//! `_core.slice_order`: the best slicing of one order.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use slicegraph_core::order::TopologicalOrder;
use slicegraph_core::slice;

use crate::boundary::{CoreError, copy_in, supervise_quiet};
use crate::instance::Instance;

/// Boundaries and blocks of the nodes; none when every slicing breaks a limit or a constraint.
type Slicing<'py> = Option<(Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i32>>)>;

/// Slices a topological order at its best.
#[pyfunction]
pub fn slice_order<'py>(
    py: Python<'py>,
    instance: &Bound<'py, Instance>,
    order: PyReadonlyArray1<'py, i64>,
) -> PyResult<Slicing<'py>> {
    let (instance, order) = (&instance.get().without_groups("slice_order")?, copy_in(order)?);
    let supervised = supervise_quiet(py, None, |interrupt| -> Result<_, slicegraph_core::Error> {
        let order = TopologicalOrder::new(instance.graph(), &order)?;
        Ok(slice::slice_order(instance, &order, interrupt)
            .map(|slicing| slicing.map(|slicing| (slicing.boundaries().to_vec(), slicing.block_of(&order)))))
    })?;
    let Ok(slicing) = supervised.value.map_err(CoreError)? else { return Err(PyKeyboardInterrupt::new_err(())) };
    Ok(slicing.map(|(boundaries, block_of)| (signed(boundaries).into_pyarray(py), blocks(block_of).into_pyarray(py))))
}

fn signed(indices: Vec<usize>) -> Vec<i64> {
    indices.into_iter().map(|index| i64::try_from(index).expect("below 2^31")).collect()
}

/// Blocks as Python sees them.
pub fn blocks(block_of: Vec<usize>) -> Vec<i32> {
    block_of.into_iter().map(|block| i32::try_from(block).expect("at most 2^20 blocks")).collect()
}
