//! The block between two downsets: whether a stage can hold it below a threshold, and what it costs there.

use super::list::{Live, Priced};
use super::prices::Prices;
use super::stages::Stage;
use crate::cost::{Held, Ticks};
use crate::ids::wide;

impl Priced<'_> {
    /// The cost of the block from downset `from` to the downset `to` of `others` on a stage of the same kind; none when there is no
    /// such block, the stage may not hold it, or it costs `threshold` or more.
    pub(crate) fn block_below(
        self,
        from: usize,
        others: Priced<'_>,
        to: usize,
        stage: &Stage<'_>,
        threshold: Ticks,
    ) -> Option<Ticks> {
        let (start, end) = (&self.boundaries[from], &others.boundaries[to]);
        if end.load < start.load || end.params < start.params || end.bytes < start.bytes {
            return None;
        }
        if !stage.prices.relays.is_empty() && self.words(from) == others.words(to) {
            // Tensors pass by an empty stage: it hands nothing on.
            return (threshold > 0).then_some(0);
        }
        let view = stage.view;
        // Tensors that are live at one end only cost at least the difference.
        let io = (end.exports - start.exports).max(0) + (start.imports - end.imports).max(0);
        let (load, outputs) = (end.load - start.load, end.outputs - start.outputs);
        let (params, bytes) = (end.params - start.params, end.bytes - start.bytes);
        let is_out_of_reach = view.busy(load, outputs + io, view.overflow(params)) >= threshold
            || self.words(from).iter().zip(others.words(to)).any(|(inner, outer)| inner & !outer != 0)
            || stage.is_forbidden(self.words(from), others.words(to))
            || view.is_over_limit(&Held { bytes, ..Held::default() });
        if is_out_of_reach {
            return None;
        }
        let (mut overflow, before, after) = (view.overflow(params), self.live(from), others.live(to));
        if stage.has_look() {
            let (more_params, more_bytes) = stage.again(before, after);
            overflow = view.overflow(params + more_params);
            if !stage.is_within(self.words(from), others.words(to), bytes + more_bytes) {
                return None;
            }
        }
        let busy = view.busy(load, outputs, overflow);
        let other = if view.is_overlap() { outputs } else { busy };
        let io = io_between(stage.prices, before, after, threshold - other)?;
        Some(view.busy(load, outputs + io, overflow)).filter(|&cost| cost < threshold)
    }
}

/// What a block pays for tensors, given the live ones before and after it; none when that is `threshold` or more.
///
/// ```text
/// export of what is live after it only + import of what is live before it only, or at both ends with more consumers after
/// ```
///
/// With adjacent links, it pays the import and the export of a tensor that is live at both ends.
fn io_between(prices: &Prices, mut before: &[Live], mut after: &[Live], threshold: Ticks) -> Option<Ticks> {
    let import = |x: u32| prices.imports[wide(x)];
    let export = |x: u32| prices.exports[wide(x)];
    let mut io = 0;
    while io < threshold {
        match (before.split_first(), after.split_first()) {
            (None, None) => return Some(io),
            (Some((&(x, consumers), rest)), Some((&(y, more_consumers), others))) if x == y => {
                io += match prices.relays.get(wide(x)) {
                    Some(&relay) => relay,
                    None if consumers != more_consumers => import(x),
                    None => 0,
                };
                (before, after) = (rest, others);
            }
            (Some((&(x, _), rest)), other) if other.is_none_or(|(&(y, _), _)| x < y) => {
                io += import(x);
                before = rest;
            }
            (_, Some((&(y, _), others))) => {
                io += export(y);
                after = others;
            }
            (Some(_), None) => return None,
        }
    }
    None
}
