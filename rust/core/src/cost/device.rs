//! What runs a stage: rates and memory.

use crate::error::Error;

/// One pipeline device; all stages run on devices of one kind. Which figures are needed depends on the graph.
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
    /// Bytes of parameters that a stage may hold at most; none: no limit.
    pub memory_limit: Option<u64>,
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
    pub(super) fn check(&self) -> Result<(), Error> {
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
        Ok(())
    }
}
