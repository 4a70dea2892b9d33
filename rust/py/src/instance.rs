//! `_core.Instance`: a graph on devices, in ticks.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use slicegraph_core::cost::{self, Constraints, Device, Machine, check_partition, partition_costs};
use slicegraph_core::order::cone_sums;
use slicegraph_core::reduce::check_together;
use slicegraph_core::{Error, NodeId, TensorId};

use crate::boundary::{CoreError, compute, copy_in};
use crate::graph::Graph;

/// What a block costs, in ticks.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct BlockCost {
    work: i64,
    io_in: i64,
    io_out: i64,
    overflow: i64,
    /// Bytes of parameters, those that several nodes read once.
    param_bytes: u64,
    state_bytes: u64,
    /// The most bytes of live tensors while one of its nodes runs.
    live_bytes: u64,
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
    state_bytes: Py<PyArray1<u64>>,
    live_bytes: Py<PyArray1<u64>>,
    param_size: Py<PyArray1<u64>>,
    param_readers: Py<PyArray1<i64>>,
    param_offsets: Py<PyArray1<i64>>,
}

impl Instance {
    /// The instance, when it asks for nothing that the method lacks.
    pub fn plain(&self, method: &'static str) -> PyResult<Arc<cost::Instance>> {
        if self.0.is_plain() {
            return Ok(Arc::clone(&self.0));
        }
        Err(CoreError(Error::NotPlain { method }).into())
    }

    /// The instance, for a method that moves nodes one by one.
    pub fn without_groups(&self, method: &'static str) -> PyResult<Arc<cost::Instance>> {
        if self.0.together().is_empty() {
            return Ok(Arc::clone(&self.0));
        }
        Err(CoreError(Error::Together { method }).into())
    }
}

/// One kind of device.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Kind(Device);

#[pymethods]
impl Kind {
    #[new]
    #[pyo3(signature = (*, bandwidth, flops=None, memory_bandwidth=None, memory=None, overflow_bandwidth=None,
                        memory_limit=None, latency=0.0, overlap=false, work=None, transfer=None))]
    #[expect(clippy::too_many_arguments, reason = "one per figure, by keyword")]
    fn new(
        bandwidth: f64,
        flops: Option<f64>,
        memory_bandwidth: Option<f64>,
        memory: Option<u64>,
        overflow_bandwidth: Option<f64>,
        memory_limit: Option<u64>,
        latency: f64,
        overlap: bool,
        work: Option<PyReadonlyArray1<'_, f64>>,
        transfer: Option<PyReadonlyArray1<'_, f64>>,
    ) -> PyResult<Self> {
        let floats = |array: Option<PyReadonlyArray1<'_, f64>>| array.map(copy_in).transpose();
        Ok(Self(Device {
            bandwidth,
            flops,
            memory_bandwidth,
            memory,
            overflow_bandwidth,
            memory_limit,
            latency,
            overlap,
            work: floats(work)?,
            transfer: floats(transfer)?,
        }))
    }
}

/// The costs on one kind of device, in ticks.
#[pyclass(frozen, get_all, module = "slicegraph._core")]
pub struct Row {
    work: Py<PyArray1<i64>>,
    transfer: Py<PyArray1<i64>>,
    params: Py<PyArray1<i64>>,
    /// Of parameters that several nodes read, by parameter.
    stored: Py<PyArray1<i64>>,
    memory: i64,
    memory_limit: Option<u64>,
    state_limit: Option<u64>,
    is_overlap: bool,
}

/// The parameters that several nodes read, among the tensors.
fn params(graph: &slicegraph_core::graph::Graph) -> impl Iterator<Item = TensorId> + use<> {
    (graph.num_tensors() - graph.num_params()..graph.num_tensors()).map(TensorId::new)
}

/// The kind of each stage's device; or how many stages there are, all on the first kind.
#[derive(FromPyObject)]
enum KindOf {
    First(usize),
    Each(Vec<usize>),
}

/// A max-throughput partitioning problem.
#[pyclass(frozen, module = "slicegraph._core")]
pub struct Instance(pub Arc<cost::Instance>);

#[pymethods]
impl Instance {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "extracted arguments are owned")]
    #[expect(clippy::too_many_arguments, reason = "one per part of a problem, by keyword")]
    #[pyo3(signature = (graph, *, kinds, kind_of, boundary_io, pins=Vec::new(), together=Vec::new(),
                        multipliers=None, is_relay=false))]
    fn new(
        py: Python<'_>,
        graph: &Bound<'_, Graph>,
        kinds: Vec<PyRef<'_, Kind>>,
        kind_of: KindOf,
        boundary_io: bool,
        pins: Vec<(usize, Vec<usize>)>,
        together: Vec<Vec<usize>>,
        multipliers: Option<Vec<i64>>,
        is_relay: bool,
    ) -> PyResult<Self> {
        let kinds: Vec<Device> = kinds.iter().map(|kind| kind.0.clone()).collect();
        let kind_of = match kind_of {
            // Too many are refused below.
            KindOf::First(num_stages) => vec![0; num_stages.min(1 << 21)],
            KindOf::Each(kind_of) => kind_of,
        };
        let machine = Machine { kinds, kind_of };
        let constraints = Constraints { stages: pins, together };
        let graph = Arc::clone(&graph.get().0);
        Ok(Self(Arc::new(compute(py, || {
            let mut instance = cost::Instance::new(graph, &machine, &constraints, boundary_io)?;
            if is_relay {
                instance = instance.with_relays()?;
            }
            if let Some(multipliers) = multipliers {
                instance = instance.with_multipliers(multipliers)?;
            }
            check_together(&instance).map(|()| instance)
        })?)))
    }

    #[getter]
    fn num_kinds(&self) -> usize {
        self.0.num_kinds()
    }

    /// The kind of each stage's device.
    #[getter]
    fn kind_of(&self) -> Vec<usize> {
        (0..self.0.num_blocks()).map(|stage| self.0.kind_of(stage)).collect()
    }

    /// Sets of nodes that are in one stage.
    #[getter]
    fn together(&self) -> Vec<Vec<usize>> {
        self.0.together().iter().map(|nodes| nodes.iter().map(|v| v.index()).collect()).collect()
    }

    /// By kind, how much a tick counts in the budget of all stages together; 1 where there is one kind.
    #[getter]
    fn multipliers(&self) -> Vec<i64> {
        self.0.multipliers().to_vec()
    }

    /// What is asked of costs only: see `Instance::is_plain` of the core.
    #[getter]
    fn is_plain(&self) -> bool {
        self.0.is_plain()
    }

    /// The costs on one kind of device.
    fn row(&self, py: Python<'_>, kind: usize) -> PyResult<Row> {
        if kind >= self.0.num_kinds() {
            return Err(PyIndexError::new_err(format!("kind {kind}, but there are {}", self.0.num_kinds())));
        }
        let view = self.0.view(kind);
        let stored: Vec<i64> = params(self.0.graph()).map(|x| view.stored(x)).collect();
        let num_tensors = self.0.graph().num_tensors() - self.0.graph().num_params();
        Ok(Row {
            work: view.works().to_vec().into_pyarray(py).unbind(),
            transfer: view.transfers()[..num_tensors].to_vec().into_pyarray(py).unbind(),
            params: view.params().to_vec().into_pyarray(py).unbind(),
            stored: stored.into_pyarray(py).unbind(),
            memory: view.memory(),
            memory_limit: view.memory_limit(),
            state_limit: view.state_limit(),
            is_overlap: view.is_overlap(),
        })
    }

    /// The stages that may hold each node, a row per node; none when every stage may.
    #[getter]
    fn allowed<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<bool>>>> {
        let Some(_) = self.0.allowed() else { return Ok(None) };
        let stages = self.0.num_blocks();
        let flags: Vec<bool> = self
            .0
            .graph()
            .nodes()
            .flat_map(|v| (0..stages).map(move |j| (v, j)))
            .map(|(v, j)| self.0.may_be(v, j))
            .collect();
        Ok(Some(flags.into_pyarray(py).reshape([self.0.graph().num_nodes(), stages])?))
    }

    #[getter]
    fn tick(&self) -> f64 {
        self.0.tick()
    }

    #[getter]
    fn graph(&self) -> Graph {
        Graph(self.0.shared_graph())
    }

    /// The arrays of its graph, work in seconds, on the first kind of device.
    #[getter]
    fn arrays(&self, py: Python<'_>) -> Arrays {
        let graph = self.0.graph();
        let index = |v: NodeId| i64::try_from(v.index()).unwrap_or(i64::MAX);
        let ends = |tensors: &mut dyn Iterator<Item = TensorId>| {
            let (mut offsets, mut nodes) = (vec![0], Vec::new());
            for x in tensors {
                nodes.extend(graph.consumers(x).iter().copied().map(index));
                offsets.push(i64::try_from(nodes.len()).unwrap_or(i64::MAX));
            }
            (nodes, offsets)
        };
        let tensors = || (0..graph.num_tensors() - graph.num_params()).map(TensorId::new);
        let (consumers, offsets) = ends(&mut tensors());
        let (readers, reader_offsets) = ends(&mut params(graph));
        let producer: Vec<i64> = tensors().map(|x| graph.producer(x).map_or(-1, index)).collect();
        let size: Vec<u64> = tensors().map(|x| graph.size(x)).collect();
        let is_output: Vec<bool> = tensors().map(|x| graph.is_output(x)).collect();
        let param_size: Vec<u64> = params(graph).map(|x| graph.stored(x)).collect();
        let state_bytes: Vec<u64> = graph.nodes().map(|v| graph.state_bytes(v)).collect();
        let live_bytes: Vec<u64> = graph.nodes().map(|v| graph.live_bytes(v)).collect();
        let work: Vec<f64> = self.0.view(0).works().iter().map(|&work| self.0.seconds(work)).collect();
        let param_bytes: Vec<u64> = graph.nodes().map(|v| graph.param_bytes(v)).collect();
        Arrays {
            producer: producer.into_pyarray(py).unbind(),
            size: size.into_pyarray(py).unbind(),
            consumers: consumers.into_pyarray(py).unbind(),
            consumer_offsets: offsets.into_pyarray(py).unbind(),
            is_output: is_output.into_pyarray(py).unbind(),
            work: work.into_pyarray(py).unbind(),
            param_bytes: param_bytes.into_pyarray(py).unbind(),
            state_bytes: state_bytes.into_pyarray(py).unbind(),
            live_bytes: live_bytes.into_pyarray(py).unbind(),
            param_size: param_size.into_pyarray(py).unbind(),
            param_readers: readers.into_pyarray(py).unbind(),
            param_offsets: reader_offsets.into_pyarray(py).unbind(),
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
            let cost::BlockCost { work, io_in, io_out, overflow, held, .. } = block;
            let (state_bytes, live_bytes) = (held.state, held.live);
            BlockCost {
                work,
                io_in,
                io_out,
                overflow,
                param_bytes: held.bytes - held.state,
                state_bytes,
                live_bytes,
                cost,
            }
        };
        compute(py, || {
            let block_of = check_partition(&self.0, &block_of)?;
            let used = block_of.iter().max().map_or(0, |last| last + 1);
            Ok(partition_costs(&self.0, &block_of).into_iter().take(used).map(row).collect())
        })
    }
}
