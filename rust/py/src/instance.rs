//! `_core.Instance`: a graph on devices, in ticks.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::cost::{self, Device, check_partition, partition_costs};
use slicegraph_core::order::cone_sums;

use crate::boundary::{compute, copy_in};
use crate::graph::Graph;

/// What a block costs, in ticks.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct BlockCost {
    work: i64,
    io_in: i64,
    io_out: i64,
    overflow: i64,
    param_bytes: u64,
    /// None above the memory limit.
    cost: Option<i64>,
}

/// Sums over the ancestors and over the descendants of every node, itself in both.
type ConeSums<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// The arrays of a graph whose work is known in seconds.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct Arrays {
    /// -1 for model inputs.
    producer: Py<PyArray1<i64>>,
    size: Py<PyArray1<u64>>,
    consumers: Py<PyArray1<i64>>,
    consumer_offsets: Py<PyArray1<i64>>,
    is_output: Py<PyArray1<bool>>,
    work: Py<PyArray1<f64>>,
    param_bytes: Py<PyArray1<u64>>,
}

/// A max-throughput partitioning problem.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Instance(pub Arc<cost::Instance>);

#[pymethods]
impl Instance {
    #[new]
    #[pyo3(signature = (graph, *, num_blocks, boundary_io, bandwidth, flops, memory_bandwidth, memory,
                        overflow_bandwidth, memory_limit))]
    #[expect(clippy::too_many_arguments, reason = "one per device figure, by keyword")]
    fn new(
        py: Python<'_>,
        graph: &Bound<'_, Graph>,
        num_blocks: usize,
        boundary_io: bool,
        bandwidth: f64,
        flops: Option<f64>,
        memory_bandwidth: Option<f64>,
        memory: Option<u64>,
        overflow_bandwidth: Option<f64>,
        memory_limit: Option<u64>,
    ) -> PyResult<Self> {
        let device = Device { bandwidth, flops, memory_bandwidth, memory, overflow_bandwidth, memory_limit };
        let graph = Arc::clone(&graph.get().0);
        Ok(Self(Arc::new(compute(py, || cost::Instance::new(graph, &device, num_blocks, boundary_io))?)))
    }

    #[getter]
    fn tick(&self) -> f64 {
        self.0.tick()
    }

    #[getter]
    fn memory(&self) -> i64 {
        self.0.memory()
    }

    #[getter]
    fn memory_limit(&self) -> Option<u64> {
        self.0.memory_limit()
    }

    #[getter]
    fn work<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.0.works().to_vec().into_pyarray(py)
    }

    #[getter]
    fn transfer<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.0.transfers().to_vec().into_pyarray(py)
    }

    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.0.params().to_vec().into_pyarray(py)
    }

    #[getter]
    fn graph(&self) -> Graph {
        Graph(self.0.shared_graph())
    }

    /// The arrays of its graph, work in seconds.
    #[getter]
    fn arrays(&self, py: Python<'_>) -> Arrays {
        let graph = self.0.graph();
        let index = |v: NodeId| i64::try_from(v.index()).unwrap_or(i64::MAX);
        let mut offsets = vec![0];
        let mut consumers = Vec::new();
        for x in graph.tensors() {
            consumers.extend(graph.consumers(x).iter().copied().map(index));
            offsets.push(i64::try_from(consumers.len()).unwrap_or(i64::MAX));
        }
        let producer: Vec<i64> = graph.tensors().map(|x| graph.producer(x).map_or(-1, index)).collect();
        let size: Vec<u64> = graph.tensors().map(|x| graph.size(x)).collect();
        let is_output: Vec<bool> = graph.tensors().map(|x| graph.is_output(x)).collect();
        let work: Vec<f64> = self.0.works().iter().map(|&work| self.0.seconds(work)).collect();
        let param_bytes: Vec<u64> = graph.nodes().map(|v| graph.param_bytes(v)).collect();
        Arrays {
            producer: producer.into_pyarray(py).unbind(),
            size: size.into_pyarray(py).unbind(),
            consumers: consumers.into_pyarray(py).unbind(),
            consumer_offsets: offsets.into_pyarray(py).unbind(),
            is_output: is_output.into_pyarray(py).unbind(),
            work: work.into_pyarray(py).unbind(),
            param_bytes: param_bytes.into_pyarray(py).unbind(),
        }
    }

    fn combinatorial_bound(&self, py: Python<'_>) -> i64 {
        py.detach(|| self.0.combinatorial_bound())
    }

    fn cone_sums<'py>(&self, py: Python<'py>, weights: PyReadonlyArray1<'py, i64>) -> PyResult<ConeSums<'py>> {
        let weights = copy_in(weights)?;
        let sums = py.detach(|| cone_sums(self.0.graph(), &weights));
        Ok((sums.ancestors.into_pyarray(py), sums.descendants.into_pyarray(py)))
    }

    /// What each block pays, up to the last one that is not empty.
    fn block_costs(&self, py: Python<'_>, block_of: PyReadonlyArray1<'_, i64>) -> PyResult<Vec<BlockCost>> {
        let block_of = copy_in(block_of)?;
        let row = |block: cost::BlockCost| {
            let cost = Some(block.cost).filter(|&cost| cost != cost::INFINITE);
            let cost::BlockCost { work, io_in, io_out, overflow, param_bytes, .. } = block;
            BlockCost { work, io_in, io_out, overflow, param_bytes, cost }
        };
        compute(py, || {
            let block_of = check_partition(self.0.graph(), self.0.num_blocks(), &block_of)?;
            let used = block_of.iter().max().map_or(0, |last| last + 1);
            Ok(partition_costs(&self.0, &block_of).into_iter().take(used).map(row).collect())
        })
    }
}
