//! Costs in seconds, before they are ticks, and what is refused of them.

use super::device::Device;
use crate::error::Error;
use crate::graph::{Graph, MAX_SECONDS, Work};
use crate::ids::bytes_as_float;

/// Seconds per node: as given, or by the roofline max(flops / rate, moved bytes / memory bandwidth).
pub(super) fn work_seconds(graph: &Graph, device: &Device) -> Result<Vec<f64>, Error> {
    let (flops, moved_bytes, is_view) = match graph.work() {
        Work::Seconds(seconds) => return Ok(seconds.clone()),
        Work::Facts { flops, moved_bytes, is_view } => (flops, moved_bytes, is_view),
    };
    let rule = "the graph gives no work in seconds";
    let missing = |figure| Error::DeviceMissing { figure, rule };
    let rate = device.flops.ok_or_else(|| missing("flops"))?;
    let memory_bandwidth = device.memory_bandwidth.ok_or_else(|| missing("memory_bandwidth"))?;
    let roofline = |((&flops, &moved), &is_view): ((&f64, &u64), &bool)| {
        if is_view { 0.0 } else { (flops / rate).max(bytes_as_float(moved) / memory_bandwidth) }
    };
    let seconds: Vec<f64> = flops.iter().zip(moved_bytes).zip(is_view).map(roofline).collect();
    check_times("node", "work", &seconds)?;
    Ok(seconds)
}

pub(super) fn check_times(owner: &'static str, quantity: &'static str, seconds: &[f64]) -> Result<(), Error> {
    match seconds.iter().position(|&s| s > MAX_SECONDS) {
        None => Ok(()),
        Some(index) => {
            let (value, rule) = (format!("{:?} s", seconds[index]), "above 1e15 s");
            Err(Error::Quantity { owner, index, quantity, value, rule })
        }
    }
}
