//! From plain arrays to a frozen [`Graph`]: the one place that checks a graph.

use super::bytes::{check_length, checked_bytes, checked_params};
use super::{Csr, Graph, Work};
use crate::error::Error;
use crate::ids::{NodeId, TensorId, narrow};

/// Counts stay below this, so that every index fits 32 bits with room for a sentinel.
const MAX_COUNT: usize = 1 << 31;
/// Seconds stay within this (thirty million years), far from where floats overflow.
pub(crate) const MAX_SECONDS: f64 = 1e15;
/// Operations stay within this.
const MAX_FLOPS: f64 = 1e30;

/// The arrays of a graph, as a file or a caller states them; [`freeze`](Self::freeze) checks them, once.
///
/// Set the fields from arrays, or call [`add_node`](Self::add_node) and [`add_tensor`](Self::add_tensor).
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    /// Seconds per node. None: `flops` and its kin are given instead, for a device's roofline.
    pub work: Option<Vec<f64>>,
    /// Floating-point operations per node.
    pub flops: Option<Vec<f64>>,
    /// Bytes read per node; none: zero.
    pub read_bytes: Option<Vec<i64>>,
    /// Bytes written per node; none: zero.
    pub write_bytes: Option<Vec<i64>>,
    /// Per node, whether it moves nothing and costs nothing; none: no node.
    pub is_view: Option<Vec<bool>>,
    /// Bytes of parameters per node that no other node reads; none: zero.
    pub param_bytes: Option<Vec<i64>>,
    /// Bytes per node that stay on its device from one batch to the next, such as a cache of keys and values; none: zero.
    pub state_bytes: Option<Vec<i64>>,
    /// Bytes of tensors that a block holds at most while it runs the node; none: zero.
    pub live_bytes: Option<Vec<i64>>,
    /// Bytes of each parameter that several nodes read.
    pub param_size: Vec<i64>,
    /// The nodes that read each such parameter, one parameter after the other.
    pub param_readers: Vec<i64>,
    /// Parameter `p` is read by `param_readers[param_offsets[p]..param_offsets[p + 1]]`.
    pub param_offsets: Vec<i64>,
    /// Per tensor, the node that makes it, or -1 for a model input.
    pub producer: Vec<i64>,
    /// Bytes per tensor.
    pub size: Vec<i64>,
    /// The nodes that read each tensor, one tensor after the other.
    pub consumers: Vec<i64>,
    /// Tensor `x` is read by `consumers[consumer_offsets[x]..consumer_offsets[x + 1]]`.
    pub consumer_offsets: Vec<i64>,
    /// Per tensor, whether the model returns it; none: no tensor.
    pub is_output: Option<Vec<bool>>,
}

impl Default for GraphBuilder {
    /// No node, no tensor.
    fn default() -> Self {
        Self {
            work: None,
            flops: None,
            read_bytes: None,
            write_bytes: None,
            is_view: None,
            param_bytes: None,
            state_bytes: None,
            live_bytes: None,
            param_size: Vec::new(),
            param_readers: Vec::new(),
            param_offsets: vec![0],
            producer: Vec::new(),
            size: Vec::new(),
            consumers: Vec::new(),
            consumer_offsets: vec![0],
            is_output: None,
        }
    }
}

impl GraphBuilder {
    /// Adds a node of that many seconds.
    pub fn add_node(&mut self, work: f64) -> NodeId {
        let all = self.work.get_or_insert_default();
        all.push(work);
        NodeId::new(all.len() - 1)
    }

    /// Adds a tensor of `size` bytes; no producer means a model input.
    pub fn add_tensor(&mut self, producer: Option<NodeId>, size: i64, consumers: &[NodeId]) -> TensorId {
        let signed = |node: NodeId| i64::try_from(node.index()).unwrap_or(i64::MAX);
        self.producer.push(producer.map_or(-1, signed));
        self.size.push(size);
        self.consumers.extend(consumers.iter().copied().map(signed));
        self.consumer_offsets.push(i64::try_from(self.consumers.len()).unwrap_or(i64::MAX));
        TensorId::new(self.size.len() - 1)
    }

    /// Adds a parameter of `size` bytes that several nodes read.
    pub fn add_param(&mut self, size: i64, readers: &[NodeId]) {
        self.param_size.push(size);
        self.param_readers.extend(readers.iter().map(|node| i64::try_from(node.index()).unwrap_or(i64::MAX)));
        self.param_offsets.push(i64::try_from(self.param_readers.len()).unwrap_or(i64::MAX));
    }

    /// Checks everything and builds the graph.
    ///
    /// # Errors
    /// [`Error`], naming the first node or tensor that breaks a rule.
    ///
    /// # Complexity
    /// O(nodes + tensors + reads), but for sorting each node's successors.
    pub fn freeze(mut self) -> Result<Graph, Error> {
        let num_nodes = self.work.as_ref().or(self.flops.as_ref()).ok_or(Error::NoWork)?.len();
        let params = checked_params(&self.param_size, &self.param_readers, &self.param_offsets, num_nodes)?;
        if num_nodes == 0 {
            return Err(Error::EmptyGraph);
        }
        let num_tensors = self.size.len();
        let counts = [num_nodes, num_tensors + params.len(), self.consumers.len() + self.param_readers.len()];
        for (what, count) in ["nodes", "tensors", "reads"].into_iter().zip(counts) {
            if count >= MAX_COUNT {
                return Err(Error::TooMany { what, count });
            }
        }
        let work = checked_work(&self, num_nodes)?;
        let bytes = |quantity, values: &Option<Vec<i64>>| match values {
            Some(bytes) => checked_bytes("node", quantity, num_nodes, bytes),
            None => Ok(vec![0; num_nodes]),
        };
        let param_bytes = bytes("param_bytes", &self.param_bytes)?;
        let state_bytes = bytes("state_bytes", &self.state_bytes)?;
        let live_bytes = bytes("live_bytes", &self.live_bytes)?;
        check_total("param_bytes", param_bytes.iter().chain(&params).chain(&state_bytes))?;
        let size = checked_bytes("tensor", "size", num_tensors, &self.size)?;
        check_length("producer", self.producer.len(), "tensors", num_tensors)?;
        let mut is_output = self.is_output.take().unwrap_or_else(|| vec![false; num_tensors]);
        check_length("is_output", is_output.len(), "tensors", num_tensors)?;
        let mut offsets = checked_offsets(&self.consumer_offsets, num_tensors, self.consumers.len())?;
        // A parameter that several nodes read is stored as a model input is paid: once by each block that reads it.
        let num_params = params.len();
        let mut stored = vec![0; num_tensors];
        stored.extend(params);
        let mut size = size;
        size.resize(stored.len(), 0);
        is_output.resize(stored.len(), false);
        self.producer.resize(stored.len(), -1);
        let first = self.consumers.len();
        offsets.extend(self.param_offsets.iter().skip(1).map(|&end| first + usize::try_from(end).unwrap_or(0)));
        self.consumers.append(&mut self.param_readers);
        let (producer_of, consumers) = checked_endpoints(num_nodes, &self.producer, &self.consumers, offsets)?;

        let made =
            producer_of.iter().enumerate().filter_map(|(x, node)| node.map(|node| (node.index(), TensorId::new(x))));
        let produces = Csr::from_pairs(num_nodes, TensorId::new(0), made);
        let reads = Csr::from_pairs(
            num_nodes,
            TensorId::new(0),
            consumers
                .rows()
                .enumerate()
                .flat_map(|(x, row)| row.iter().map(move |node| (node.index(), TensorId::new(x)))),
        );
        let successors = distinct_successors(&produces, &consumers);
        let mut num_predecessors = vec![0; num_nodes];
        for node in successors.values() {
            num_predecessors[node.index()] += 1;
        }
        check_acyclic(&successors, &num_predecessors)?;
        Ok(Graph {
            work,
            is_stateful: state_bytes.iter().chain(&live_bytes).any(|&bytes| bytes > 0),
            param_bytes,
            state_bytes,
            live_bytes,
            stored,
            num_params,
            size,
            producer: producer_of,
            is_output,
            consumers,
            produces,
            reads,
            successors,
            num_predecessors,
        })
    }
}

fn check_total<'a>(quantity: &'static str, bytes: impl Iterator<Item = &'a u64>) -> Result<(), Error> {
    let total: u128 = bytes.map(|&b| u128::from(b)).sum();
    if total > 1 << 53 {
        return Err(Error::Total { quantity, total });
    }
    Ok(())
}

fn check_numbers(quantity: &'static str, values: &[f64], max: f64, too_large: &'static str) -> Result<(), Error> {
    let rule = |value: f64| match value {
        _ if value.is_nan() => Some("not a number"),
        _ if value < 0.0 => Some("negative"),
        _ if value > max => Some(too_large),
        _ => None,
    };
    let wrong = values.iter().enumerate().find_map(|(index, &value)| rule(value).map(|rule| (index, value, rule)));
    wrong.map_or(Ok(()), |(index, value, rule)| {
        Err(Error::Quantity { owner: "node", index, quantity, value: format!("{value:?}"), rule })
    })
}

fn checked_work(arrays: &GraphBuilder, num_nodes: usize) -> Result<Work, Error> {
    let bytes = |quantity, values: &Option<Vec<i64>>| match values {
        Some(values) => checked_bytes("node", quantity, num_nodes, values),
        None => Ok(vec![0; num_nodes]),
    };
    let mut moved_bytes = bytes("read_bytes", &arrays.read_bytes)?;
    for (moved, written) in moved_bytes.iter_mut().zip(bytes("write_bytes", &arrays.write_bytes)?) {
        *moved += written;
    }
    if let Some(flops) = &arrays.flops {
        check_length("flops", flops.len(), "nodes", num_nodes)?;
        check_numbers("flops", flops, MAX_FLOPS, "above 1e30")?;
    }
    let is_view = arrays.is_view.clone().unwrap_or_else(|| vec![false; num_nodes]);
    check_length("is_view", is_view.len(), "nodes", num_nodes)?;
    if let Some(seconds) = &arrays.work {
        check_numbers("work", seconds, MAX_SECONDS, "above 1e15 s")?;
        return Ok(Work::Seconds(seconds.clone()));
    }
    let flops = arrays.flops.clone().ok_or(Error::NoWork)?;
    Ok(Work::Facts { flops, moved_bytes, is_view })
}

fn checked_offsets(offsets: &[i64], num_tensors: usize, num_reads: usize) -> Result<Vec<usize>, Error> {
    let expected = num_tensors + 1;
    if offsets.len() != expected {
        let rule = format!("there are {num_tensors} tensors, which takes {expected} offsets");
        return Err(Error::Length { array: "consumer_offsets", length: offsets.len(), rule });
    }
    let mut checked = Vec::with_capacity(expected);
    let mut previous = 0;
    for (index, &value) in offsets.iter().enumerate() {
        let offset = usize::try_from(value).unwrap_or(usize::MAX);
        let rule = match () {
            () if index == 0 && value != 0 => "the first offset is 0".to_string(),
            () if value < 0 || offset < previous => format!("offsets do not fall, and the one before is {previous}"),
            () if offset > num_reads => format!("there are only {num_reads} consumers"),
            () if index == num_tensors && offset != num_reads => {
                format!("the last offset is the number of consumers, {num_reads}")
            }
            () => {
                previous = offset;
                checked.push(offset);
                continue;
            }
        };
        return Err(Error::Offset { index, value, rule });
    }
    Ok(checked)
}

/// Producers and consumers as ids: in range, no self-loop, no duplicate.
fn checked_endpoints(
    num_nodes: usize,
    producer: &[i64],
    consumers: &[i64],
    offsets: Vec<usize>,
) -> Result<(Vec<Option<NodeId>>, Csr<NodeId>), Error> {
    let endpoint = |tensor, role, node: i64| {
        match usize::try_from(node) {
            Ok(index) if index < num_nodes => Ok(NodeId::new(index)),
            Ok(_) => Err(format!("not below num_nodes = {num_nodes}")),
            Err(_) if role == "producer" => Err("neither a node nor -1 (a model input)".to_string()),
            Err(_) => Err("negative".to_string()),
        }
        .map_err(|rule| Error::Endpoint { tensor, role, node, rule })
    };

    let mut producers = Vec::with_capacity(producer.len());
    let mut consumer_nodes = Vec::with_capacity(consumers.len());
    let mut last_tensor_read = vec![u32::MAX; num_nodes];
    for (tensor, (&producer, ends)) in producer.iter().zip(offsets.windows(2)).enumerate() {
        let producer = if producer == -1 { None } else { Some(endpoint(tensor, "producer", producer)?) };
        producers.push(producer);
        for &consumer in &consumers[ends[0]..ends[1]] {
            let consumer = endpoint(tensor, "consumer", consumer)?;
            if producer == Some(consumer) {
                return Err(Error::SelfLoop { tensor, node: consumer.index() });
            }
            if last_tensor_read[consumer.index()] == narrow(tensor) {
                return Err(Error::DuplicateConsumer { tensor, node: consumer.index() });
            }
            last_tensor_read[consumer.index()] = narrow(tensor);
            consumer_nodes.push(consumer);
        }
    }
    Ok((producers, Csr::from_parts(offsets, consumer_nodes)))
}

/// Per node, the nodes that read something it makes: each once, ascending.
fn distinct_successors(produces: &Csr<TensorId>, consumers: &Csr<NodeId>) -> Csr<NodeId> {
    let mut offsets = Vec::with_capacity(produces.num_rows() + 1);
    let mut values: Vec<NodeId> = Vec::with_capacity(consumers.values().len());
    let mut row = Vec::new();
    offsets.push(0);
    for tensors in produces.rows() {
        row.clear();
        row.extend(tensors.iter().flat_map(|tensor| consumers.row(tensor.index())));
        row.sort_unstable();
        row.dedup();
        values.extend_from_slice(&row);
        offsets.push(values.len());
    }
    Csr::from_parts(offsets, values)
}

/// Kahn's algorithm; what it cannot place contains a cycle.
fn check_acyclic(successors: &Csr<NodeId>, num_predecessors: &[u32]) -> Result<(), Error> {
    let mut waiting = num_predecessors.to_vec();
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|&node| waiting[node] == 0).collect();
    let mut placed = 0;
    while let Some(node) = ready.pop() {
        placed += 1;
        for successor in successors.row(node).iter().map(|s| s.index()) {
            waiting[successor] -= 1;
            if waiting[successor] == 0 {
                ready.push(successor);
            }
        }
    }
    if placed == waiting.len() { Ok(()) } else { Err(Error::Cycle { nodes: find_cycle(successors, &waiting) }) }
}

/// One cycle among the nodes that still wait, from its smallest node: walks predecessors, each of which waits too.
fn find_cycle(successors: &Csr<NodeId>, waiting: &[u32]) -> Vec<usize> {
    let mut predecessor = vec![None; waiting.len()];
    for (node, row) in successors.rows().enumerate().filter(|&(node, _)| waiting[node] > 0) {
        for successor in row {
            predecessor[successor.index()].get_or_insert(node);
        }
    }
    let mut seen_at = vec![None; waiting.len()];
    let mut walk = Vec::new();
    let mut node = waiting.iter().position(|&count| count > 0);
    while let Some(here) = node {
        if let Some(start) = seen_at[here] {
            let mut cycle: Vec<usize> = walk.drain(start..).rev().collect();
            let smallest = (0..cycle.len()).min_by_key(|&i| cycle[i]).unwrap_or(0);
            cycle.rotate_left(smallest);
            cycle.push(cycle[0]);
            return cycle;
        }
        seen_at[here] = Some(walk.len());
        walk.push(here);
        node = predecessor[here];
    }
    walk
}
