//! The costs of one kind of device, in seconds and in ticks.

use std::borrow::Cow;

use super::device::Device;
use super::seconds::{check_times, transfer_seconds, work_seconds};
use super::ticks::{Ticks, snap};
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::bytes_as_float;

/// More ticks than any instance has: memory that cannot overflow.
const AMPLE: Ticks = 1 << 52;

/// The costs of all nodes and tensors on one kind of device, in ticks.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Zero for a node that the kind cannot run.
    pub work: Vec<Ticks>,
    pub transfer: Vec<Ticks>,
    /// Ticks in which each node's own parameters and state would stream in.
    pub params: Vec<Ticks>,
    /// Ticks in which each parameter that several nodes read would stream in, by tensor; empty when all are zero.
    pub stored: Vec<Ticks>,
    pub memory: Ticks,
    pub state_limit: Option<u64>,
    pub memory_limit: Option<u64>,
    pub is_overlap: bool,
}

/// The costs of one kind in seconds.
pub(super) struct Seconds {
    /// Not a number where the kind cannot run the node.
    pub work: Vec<f64>,
    pub transfer: Vec<f64>,
    pub params: Vec<f64>,
    /// Empty where memory is ample.
    pub stored: Vec<f64>,
}

impl Seconds {
    pub(super) fn new(graph: &Graph, device: &Device) -> Result<Self, Error> {
        device.check(graph)?;
        let work = work_seconds(graph, device)?;
        let transfer = transfer_seconds(graph, device)?;
        if device.memory.is_none() {
            return Ok(Self { work, transfer, params: vec![0.0; graph.num_nodes()], stored: Vec::new() });
        }
        let time = |bytes: u64| bytes_as_float(bytes) / device.overflow_bandwidth();
        let params: Vec<f64> = graph.nodes().map(|v| time(graph.param_bytes(v) + graph.state_bytes(v))).collect();
        let stored: Vec<f64> = graph.tensors().map(|x| time(graph.stored(x))).collect();
        check_times("node", "param_bytes / overflow_bandwidth", &params)?;
        check_times("tensor", "size / overflow_bandwidth", &stored)?;
        Ok(Self { work, transfer, params, stored })
    }

    /// The costs in ticks. Memory that is enough for the whole graph is dropped: it limits no partition, and reductions can then
    /// ignore it.
    pub(super) fn snap(&self, graph: &Graph, device: &Device, tick: f64) -> Row {
        let snap_all = |seconds: &[f64]| -> Vec<Ticks> { seconds.iter().map(|&s| snap(s, tick)).collect() };
        let memory = device
            .memory
            .map_or(AMPLE, |memory| snap(bytes_as_float(memory) / device.overflow_bandwidth(), tick).min(AMPLE));
        let (mut params, mut stored) = (snap_all(&self.params), snap_all(&self.stored));
        if params.iter().chain(&stored).sum::<Ticks>() <= memory {
            params.fill(0);
            stored.clear();
        }
        let sum = |bytes: &mut dyn Iterator<Item = u64>| bytes.map(u128::from).sum::<u128>();
        let state = || sum(&mut graph.nodes().map(|v| graph.state_bytes(v)));
        let total = || {
            let own = graph.nodes().map(|v| graph.param_bytes(v));
            let live = u128::from(graph.nodes().map(|v| graph.live_bytes(v)).max().unwrap_or(0));
            sum(&mut own.chain(graph.tensors().map(|x| graph.stored(x)))) + state() + live
        };
        if stored.iter().all(|&ticks| ticks == 0) {
            stored.clear();
        }
        Row {
            work: snap_all(&self.work),
            transfer: snap_all(&self.transfer),
            params,
            stored,
            memory,
            state_limit: device.memory.filter(|&limit| u128::from(limit) < state()),
            memory_limit: device.memory_limit.filter(|&limit| u128::from(limit) < total()),
            is_overlap: device.overlap,
        }
    }
}

/// The largest of each place.
pub(super) fn most(rows: &[Seconds], row: fn(&Seconds) -> &Vec<f64>) -> Cow<'_, [f64]> {
    if let [only] = rows {
        return Cow::Borrowed(row(only));
    }
    let mut most = vec![0.0_f64; rows.iter().map(|seconds| row(seconds).len()).max().unwrap_or(0)];
    for seconds in rows {
        most.iter_mut().zip(row(seconds)).for_each(|(most, &seconds)| *most = most.max(seconds));
    }
    Cow::Owned(most)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::cost::{Device, Instance};
    use crate::graph::GraphBuilder;
    use crate::ids::NodeId;

    #[test]
    fn a_node_that_the_only_kind_lacks_has_no_stage_and_others_keep_their_tick() {
        let builder = GraphBuilder { work: Some(vec![1.0, 2.0]), ..GraphBuilder::default() };
        let graph = Arc::new(builder.freeze().expect("two nodes"));
        let device = Device { work: Some(vec![3.0, f64::NAN]), ..Device::with_bandwidth(1.0) };
        let message = Instance::uniform(Arc::clone(&graph), &device, 2, false).expect_err("no stage").to_string();
        assert_eq!(message, "node 1: no stage may hold it: no stage's device can run it");
        let device = Device { work: Some(vec![3.0, 5.0]), ..device };
        let instance = Instance::uniform(graph, &device, 2, false).expect("both run");
        assert!(instance.seconds(instance.on(0).work(NodeId::new(1))) > 4.99);
    }
}
