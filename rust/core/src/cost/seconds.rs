//! Costs in seconds, before they are rounded to ticks, and the checks on them.

use super::device::Device;
use crate::error::Error;
use crate::graph::{Graph, MAX_SECONDS, Work};
use crate::ids::bytes_as_float;

/// Seconds per node: the device's table, or as the graph gives them, or by the roofline
/// max(flops / rate, moved bytes / memory bandwidth). Not a number where the device cannot run the node.
pub(super) fn work_seconds(graph: &Graph, device: &Device) -> Result<Vec<f64>, Error> {
    if let Some(table) = &device.work {
        return Ok(table.clone());
    }
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

/// Seconds per tensor: the device's table, or latency and size / bandwidth; none for what has no size.
pub(super) fn transfer_seconds(graph: &Graph, device: &Device) -> Result<Vec<f64>, Error> {
    let time = |size: u64| if size == 0 { 0.0 } else { device.latency + bytes_as_float(size) / device.bandwidth };
    let mut seconds: Vec<f64> = match &device.transfer {
        Some(table) => table.clone(),
        None => graph.tensors().map(|x| time(graph.size(x))).collect(),
    };
    seconds.resize(graph.num_tensors(), 0.0);
    check_times("tensor", "size / bandwidth", &seconds)?;
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
