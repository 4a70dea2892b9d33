//! `_core.Graph`: numpy arrays to a frozen graph.

use std::sync::Arc;

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use slicegraph_core::graph::{self, GraphBuilder};

use crate::boundary::{compute, copy_in};

type Floats<'py> = PyReadonlyArray1<'py, f64>;
type Integers<'py> = PyReadonlyArray1<'py, i64>;
type Flags<'py> = PyReadonlyArray1<'py, bool>;

/// A frozen computation graph.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Graph(pub Arc<graph::Graph>);

#[pymethods]
impl Graph {
    #[new]
    #[pyo3(signature = (*, producer, size, consumers, consumer_offsets, is_output, work, flops, read_bytes,
                        write_bytes, param_bytes, is_view, state_bytes=None, live_bytes=None,
                        param_size=None, param_readers=None, param_offsets=None))]
    #[expect(clippy::too_many_arguments, reason = "one per array, by keyword")]
    fn new(
        py: Python<'_>,
        producer: Integers<'_>,
        size: Integers<'_>,
        consumers: Integers<'_>,
        consumer_offsets: Integers<'_>,
        is_output: Option<Flags<'_>>,
        work: Option<Floats<'_>>,
        flops: Option<Floats<'_>>,
        read_bytes: Option<Integers<'_>>,
        write_bytes: Option<Integers<'_>>,
        param_bytes: Option<Integers<'_>>,
        is_view: Option<Flags<'_>>,
        state_bytes: Option<Integers<'_>>,
        live_bytes: Option<Integers<'_>>,
        param_size: Option<Integers<'_>>,
        param_readers: Option<Integers<'_>>,
        param_offsets: Option<Integers<'_>>,
    ) -> PyResult<Self> {
        let integers = |array: Option<Integers<'_>>| array.map(copy_in).transpose();
        let floats = |array: Option<Floats<'_>>| array.map(copy_in).transpose();
        let flags = |array: Option<Flags<'_>>| array.map(copy_in).transpose();
        let builder = GraphBuilder {
            work: floats(work)?,
            flops: floats(flops)?,
            read_bytes: integers(read_bytes)?,
            write_bytes: integers(write_bytes)?,
            is_view: flags(is_view)?,
            param_bytes: integers(param_bytes)?,
            producer: copy_in(producer)?,
            size: copy_in(size)?,
            consumers: copy_in(consumers)?,
            consumer_offsets: copy_in(consumer_offsets)?,
            is_output: flags(is_output)?,
            state_bytes: integers(state_bytes)?,
            live_bytes: integers(live_bytes)?,
            param_size: integers(param_size)?.unwrap_or_default(),
            param_readers: integers(param_readers)?.unwrap_or_default(),
            param_offsets: integers(param_offsets)?.unwrap_or_else(|| vec![0]),
        };
        Ok(Self(Arc::new(compute(py, || builder.freeze())?)))
    }

    #[getter]
    fn num_nodes(&self) -> usize {
        self.0.num_nodes()
    }

    #[getter]
    fn num_tensors(&self) -> usize {
        self.0.num_tensors() - self.0.num_params()
    }
}
