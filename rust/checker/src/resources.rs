//! What a block is limited in: each limit is one sum that must not exceed a cap.
//!
//! **Claim.** A block on a device costs less than the threshold `T`, within the limits, iff each of its sums is within its cap:
//!
//! | Device | Sums and caps |
//! |---|---|
//! | pays the sum | `work + io <= T - 1`; with a memory, `work + io + params <= T - 1 + memory` |
//! | overlaps | `work <= T - 1`; `io <= T - 1`; with a memory, `work + params <= T - 1 + memory` |
//! | with limits | bytes of parameters and state; bytes of state |
//!
//! **Proof.** `y + max(0, p - M) <= c` iff `y <= c` and `y + p <= c + M`; a maximum is within a bound iff all its terms are. ∎
//!
//! Parameters that several nodes read, and bytes that are alive, are no sums over nodes: where they matter there are no resources.

use crate::problem::{Kind, Problem};

/// What one sum counts.
#[derive(Clone, Copy, Default)]
struct Row {
    work: i64,
    io: i64,
    params: i64,
    bytes: i64,
    state: i64,
    cap: i64,
}

/// The sums of all blocks: those of a block beside each other, `pitch` of them.
pub(crate) struct Resources<'a> {
    problem: &'a Problem,
    pub pitch: usize,
    rows: Vec<Vec<Row>>,
    outputs: Vec<Vec<i64>>,
    /// Per sum, what it may be.
    pub caps: Vec<i64>,
}

impl<'a> Resources<'a> {
    /// None where sums do not say it all.
    pub(crate) fn new(problem: &'a Problem, threshold: i64) -> Option<Self> {
        let has_shared = !problem.param_size.is_empty();
        let has_live = problem.live_bytes.iter().any(|&live| live > 0);
        let mut rows = Vec::new();
        for kind in &problem.kinds {
            let has_memory = kind.memory.is_some() && (kind.params.iter().any(|&ticks| ticks > 0) || has_shared);
            if has_shared && (has_memory || kind.memory_limit.is_some()) || has_live && kind.memory_limit.is_some() {
                return None;
            }
            rows.push(rows_of(kind, threshold, has_memory));
        }
        let pitch = rows.iter().map(Vec::len).max()?;
        let mut caps = Vec::new();
        for &kind in &problem.kind_of {
            caps.extend(rows[kind].iter().map(|row| row.cap));
            caps.resize(caps.len().next_multiple_of(pitch), 0);
        }
        let outputs = (0..problem.kinds.len()).map(|kind| problem.outputs(kind)).collect();
        Some(Self { problem, pitch, rows, outputs, caps })
    }

    /// Adds what a block, from 1, takes for a node: the index of each sum and how much.
    pub(crate) fn pay_node(&self, node: usize, block: usize, pays: &mut Vec<(usize, i64)>) {
        let (problem, kind) = (self.problem, self.problem.kind_of[block - 1]);
        let costs = &problem.kinds[kind];
        for (place, row) in self.rows[kind].iter().enumerate() {
            let amount = row.work * costs.work[node]
                + row.io * self.outputs[kind][node]
                + row.params * costs.params[node]
                + row.bytes * (problem.param_bytes[node] + problem.state_bytes[node])
                + row.state * problem.state_bytes[node];
            if amount > 0 {
                pays.push(((block - 1) * self.pitch + place, amount));
            }
        }
    }

    /// Adds what a block takes to import a tensor.
    pub(crate) fn pay_import(&self, tensor: usize, block: usize, pays: &mut Vec<(usize, i64)>) {
        let kind = self.problem.kind_of[block - 1];
        self.pay_io(self.problem.kinds[kind].transfer[tensor], block, pays);
    }

    /// Adds what a block takes to export a tensor.
    pub(crate) fn pay_export(&self, tensor: usize, block: usize, pays: &mut Vec<(usize, i64)>) {
        self.pay_io(self.problem.leaving(tensor, self.problem.kind_of[block - 1]), block, pays);
    }

    fn pay_io(&self, ticks: i64, block: usize, pays: &mut Vec<(usize, i64)>) {
        let rows = &self.rows[self.problem.kind_of[block - 1]];
        for (place, _) in rows.iter().enumerate().filter(|(_, row)| ticks > 0 && row.io > 0) {
            pays.push(((block - 1) * self.pitch + place, ticks));
        }
    }

    /// The least that a block's first sum takes for a node, over all blocks that may hold it.
    pub(crate) fn least_of_node(&self, node: usize, may_be: impl Fn(usize) -> bool) -> i64 {
        let blocks = (1..=self.problem.num_blocks).filter(|&block| may_be(block));
        let first = |block: usize| {
            let kind = self.problem.kind_of[block - 1];
            let row = self.rows[kind][0];
            row.work * self.problem.kinds[kind].work[node] + row.io * self.outputs[kind][node]
        };
        blocks.map(first).min().unwrap_or(0)
    }
}

fn rows_of(kind: &Kind, threshold: i64, has_memory: bool) -> Vec<Row> {
    let cap = threshold - 1;
    let mut rows = if kind.is_overlap {
        vec![Row { work: 1, cap, ..Row::default() }, Row { io: 1, cap, ..Row::default() }]
    } else {
        vec![Row { work: 1, io: 1, cap, ..Row::default() }]
    };
    if let (true, Some(memory)) = (has_memory, kind.memory) {
        rows.push(Row { params: 1, cap: cap + memory, ..rows[0] });
    }
    if let Some(cap) = kind.memory_limit {
        rows.push(Row { bytes: 1, cap, ..Row::default() });
    }
    if let Some(cap) = kind.state_limit {
        rows.push(Row { state: 1, cap, ..Row::default() });
    }
    rows
}
