//! Devices: their rates and memory, and which device runs each stage of a pipeline.

use crate::error::Error;
use crate::graph::{Graph, MAX_SECONDS};

/// One kind of device. Which figures are needed depends on the graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Bytes per second between a stage and the memory that the stages share. Required.
    pub bandwidth: f64,
    /// Operations per second; needed when the graph does not give work in seconds.
    pub flops: Option<f64>,
    /// Bytes per second between a device and its own memory; needed when the graph does not give work in seconds.
    pub memory_bandwidth: Option<f64>,
    /// Bytes of parameters that stay resident; none: all of them.
    pub memory: Option<u64>,
    /// Bytes per second at which parameters beyond `memory` are streamed in again for every batch; none: `bandwidth`.
    pub overflow_bandwidth: Option<f64>,
    /// Bytes of parameters, state and live tensors that a stage may hold at most; none: no limit.
    pub memory_limit: Option<u64>,
    /// Seconds that every transfer takes beside its size over the bandwidth; a tensor of no size is not transferred.
    pub latency: f64,
    /// Whether it communicates while it computes: a stage then costs the larger of both, not their sum.
    pub overlap: bool,
    /// Seconds per node, in place of the roofline; not a number where this kind cannot run the node.
    pub work: Option<Vec<f64>>,
    /// Seconds per tensor of the file, in place of latency and bandwidth.
    pub transfer: Option<Vec<f64>>,
}

/// The devices of a pipeline, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Each kind of device once.
    pub kinds: Vec<Device>,
    /// The kind of each stage, by index.
    pub kind_of: Vec<usize>,
}

impl Machine {
    /// A pipeline of equal devices.
    #[must_use]
    pub fn uniform(device: Device, num_blocks: usize) -> Self {
        Self { kinds: vec![device], kind_of: vec![0; num_blocks] }
    }
}

impl Device {
    /// A device of which only the bandwidth matters: the graph gives its work in seconds, memory is ample.
    #[must_use]
    pub fn with_bandwidth(bandwidth: f64) -> Self {
        Self { bandwidth, ..Self::default() }
    }

    /// Bytes per second at which overflowing parameters stream in.
    #[must_use]
    pub fn overflow_bandwidth(&self) -> f64 {
        self.overflow_bandwidth.unwrap_or(self.bandwidth)
    }

    /// # Errors
    /// [`Error::Device`] when a rate is not a positive finite number.
    pub(super) fn check(&self, graph: &Graph) -> Result<(), Error> {
        let rates = [
            ("bandwidth", Some(self.bandwidth)),
            ("flops", self.flops),
            ("memory_bandwidth", self.memory_bandwidth),
            ("overflow_bandwidth", self.overflow_bandwidth),
        ];
        for (figure, rate) in rates {
            if let Some(value) = rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
                let rule = "not a positive finite number";
                return Err(Error::Device { figure, value: value.to_string(), rule });
            }
        }
        if !(self.latency.is_finite() && self.latency >= 0.0) {
            let rule = "negative or not finite";
            return Err(Error::Device { figure: "latency", value: self.latency.to_string(), rule });
        }
        let num_tensors = graph.num_tensors() - graph.num_params();
        let tables = [
            ("work", "node", &self.work, graph.num_nodes(), true),
            ("transfer", "tensor", &self.transfer, num_tensors, false),
        ];
        for (array, owner, table, expected, may_lack) in tables {
            let Some(table) = table else { continue };
            if table.len() != expected {
                let rule = format!("there are {expected} {owner}s");
                return Err(Error::Length { array, length: table.len(), rule });
            }
            let is_time = |seconds: f64| (0.0..=MAX_SECONDS).contains(&seconds) || (may_lack && seconds.is_nan());
            if let Some(index) = table.iter().position(|&seconds| !is_time(seconds)) {
                let (value, rule) = (format!("{:?}", table[index]), "no time between 0 and 1e15 s");
                return Err(Error::Quantity { owner, index, quantity: array, value, rule });
            }
        }
        Ok(())
    }
}
