//! `_core.Instance`: a graph on devices, in ticks.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use slicegraph_core::NodeId;
use slicegraph_core::cost::{self, Device, check_partition, partition_costs};
use slicegraph_core::order::cone_sums;

use crate::boundary::{compute, copy_in};
use crate::graph::Graph;

/// Work, `io_in`, `io_out`, overflow, parameter bytes and cost of a block; cost is none above the memory limit.
type BlockCost = (i64, i64, i64, i64, u64, Option<i64>);

/// Sums over the ancestors and over the descendants of every node, itself in both.
type ConeSums<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// The arrays of a graph whose work is known in seconds.
type Arrays<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<u64>>,
);

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

    /// Producers, sizes, consumers, their offsets, model outputs; work in seconds and parameter bytes.
    #[getter]
    fn arrays<'py>(&self, py: Python<'py>) -> Arrays<'py> {
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
        (
            producer.into_pyarray(py),
            size.into_pyarray(py),
            consumers.into_pyarray(py),
            offsets.into_pyarray(py),
            is_output.into_pyarray(py),
            work.into_pyarray(py),
            param_bytes.into_pyarray(py),
        )
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
            (block.work, block.io_in, block.io_out, block.overflow, block.param_bytes, cost)
        };
        compute(py, || {
            let block_of = check_partition(self.0.graph(), self.0.num_blocks(), &block_of)?;
            let used = block_of.iter().max().map_or(0, |last| last + 1);
            Ok(partition_costs(&self.0, &block_of).into_iter().take(used).map(row).collect())
        })
    }
}
