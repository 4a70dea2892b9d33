//! Rule *rows*: a scope is empty if a weighted sum of rows that its partitions satisfy has no solution (Farkas' lemma).
//!
//! **Variables.** Consecutive blocks are grouped into superblocks. `y[v, i]` says whether node `v` is in one of the first `i`, so
//! `x[v, j] = y[v, j + 1] - y[v, j]` whether it is in superblock `j`; `cut[t, j]` whether tensor `t` is imported into `j` or exported
//! from it; `over[j]` is what the blocks of `j` pay for overflow. They are 0 or 1, and `over[j]` is at most what all parameters take.
//! Where the window of `v` is all among the first `i` superblocks, or all after them, `y[v, i]` is known.
//!
//! **Claim.** The values of any partition in the scope whose blocks cost at most `c` satisfy every row, and any sum of rows with
//! multipliers that are not negative. When the sum asks for more than the variables can give together, there is no such partition.
//!
//! | Row | Says |
//! |---|---|
//! | `order v j` | `y[v, j + 1] >= y[v, j]` |
//! | `before u v i` | `y[u, i] >= y[v, i]`, as `v` reads something of `u` |
//! | `export t w j`, `import t w j` | `cut[t, j]` when the producer is in `j` and the reader `w` is not, and the other way round |
//! | `cost j` | `c` for each block is at least the work, what is cut and the overflow |
//! | `overflow j` | `over[j]` is at least the parameters less the memories |
//! | `weight j` | `c` for each block is at least what the nodes in `j` weigh |
//! | `least i`, `most i` | what the first `i` superblocks weigh at least and at most (`reach.rs`) |
//! | `incompatible u v j` | `y[u, j] >= y[v, j + 1]`, as no block holds both (`incompatible.rs`), where `j` is one block |
//!
//! **Proof.** Each by its words; the blocks of a superblock together pay at least once for what crosses its border. ∎
//!
//! Rows without costs are multiplied by a unit in ticks. This is for one kind of device that pays the sum. Sums are of 128 bits;
//! where these do not do, the rows are refused.

use crate::problem::{NONE, Problem};
use crate::reach::{Reach, Windows};
use crate::stop::{Steps, Stop};

/// In place of a reader: the caller of the model, which reads its outputs.
const OUTSIDE: usize = 0;

/// What a row says, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A node, and a superblock.
    Order(usize, usize),
    /// Two nodes, and a number of superblocks.
    Before(usize, usize, usize),
    /// A tensor, 1 more than its reader or 0 for the caller of the model, and a superblock.
    Export(usize, usize, usize),
    /// A tensor, 1 more than its reader, and a superblock.
    Import(usize, usize, usize),
    /// A superblock.
    Cost(usize),
    /// A superblock.
    Overflow(usize),
    /// A superblock.
    Weight(usize),
    /// A number of superblocks.
    Least(usize),
    /// A number of superblocks.
    Most(usize),
    /// Two nodes, and a superblock.
    Incompatible(usize, usize, usize),
}

impl Row {
    /// The first number of superblocks of whose variables it is, or its superblock.
    fn place(self) -> usize {
        match self {
            Self::Order(_, j)
            | Self::Export(_, _, j)
            | Self::Import(_, _, j)
            | Self::Cost(j)
            | Self::Overflow(j)
            | Self::Weight(j)
            | Self::Incompatible(_, _, j) => j,
            Self::Before(_, _, place) | Self::Least(place) | Self::Most(place) => place,
        }
    }
}

/// Rows with their multipliers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// How many blocks each superblock has.
    pub spans: Vec<usize>,
    /// Ticks by which rows without costs are multiplied.
    pub unit: u64,
    /// Each with its multiplier.
    pub weighted: Vec<(Row, u64)>,
}

/// Proves that a scope is empty; `is_pair` says which nodes are incompatible.
pub(crate) fn check_rows(
    (reach, windows, threshold): (&Reach<'_>, &Windows, i64),
    rows: &Rows,
    is_pair: &mut dyn FnMut(usize, usize, &mut Steps) -> Result<bool, Stop>,
    steps: &mut Steps,
) -> Result<bool, Stop> {
    let problem = reach.problem;
    let alike = problem.kinds.len() == 1 && !problem.kinds[0].is_overlap && problem.kinds[0].multiplier == 1;
    if !alike || rows.spans.contains(&0) || checked_blocks(&rows.spans) != Some(problem.num_blocks) {
        return Err(refused("rows are of superblocks of all blocks, on one kind of device"));
    }
    let (num_nodes, num_tensors) = (problem.num_nodes(), problem.num_tensors());
    steps.spend(num_nodes + num_tensors + rows.spans.len() + rows.weighted.len())?;
    let mut ends = vec![0];
    for span in &rows.spans {
        ends.push(ends[ends.len() - 1] + span);
    }
    let sum = Sum {
        problem,
        reach,
        windows,
        ends,
        cap: i128::from(threshold - 1),
        unit: i128::from(rows.unit),
        missing: 0,
        at: 0,
        y: [(); 2].map(|()| vec![0; num_nodes]),
        cut: vec![0; num_tensors],
        over: 0,
    };
    let mut weighted = rows.weighted.clone();
    weighted.sort_by_key(|(row, _)| row.place());
    sum.of(&weighted, is_pair, steps)
}

fn checked_blocks(spans: &[usize]) -> Option<usize> {
    spans.iter().try_fold(0_usize, |sum, &span| sum.checked_add(span))
}

/// A sum of rows, in the order of their places: of the variables before those that are kept, what is asked for less what they give.
struct Sum<'r, 'a> {
    problem: &'a Problem,
    reach: &'r Reach<'a>,
    windows: &'r Windows,
    /// How many blocks the first 0, 1, ... superblocks have.
    ends: Vec<usize>,
    /// What a block costs at most.
    cap: i128,
    unit: i128,
    missing: i128,
    /// Whose coefficients are kept: of `y` for this number of superblocks and one more, of `cut` and `over` for this superblock.
    at: usize,
    y: [Vec<i128>; 2],
    cut: Vec<i128>,
    over: i128,
}

impl Sum<'_, '_> {
    fn of(
        mut self,
        rows: &[(Row, u64)],
        is_pair: &mut dyn FnMut(usize, usize, &mut Steps) -> Result<bool, Stop>,
        steps: &mut Steps,
    ) -> Result<bool, Stop> {
        for &(row, multiplier) in rows {
            self.go_to(row.place(), steps)?;
            let by = i128::from(multiplier);
            let pure = times(by, self.unit)?;
            match row {
                Row::Order(node, j) => {
                    self.span(j)?;
                    self.node(node)?;
                    self.add_x(node, j, pure)?;
                }
                Row::Before(first, second, place) => {
                    self.node(first.max(second))?;
                    self.place(place)?;
                    if self.reach.order.successors[first].binary_search(&second).is_err() {
                        return Err(refused(format!("node {second} reads nothing of node {first}")));
                    }
                    self.add_y(first, place, pure)?;
                    self.add_y(second, place, -pure)?;
                }
                Row::Export(tensor, reader, j) => self.add_export(tensor, reader, j, pure, steps)?,
                Row::Import(tensor, reader, j) => self.add_import(tensor, reader, j, pure, steps)?,
                Row::Cost(j) => self.add_cost(j, by, steps)?,
                Row::Overflow(j) => self.add_overflow(j, by, steps)?,
                Row::Weight(j) => {
                    let room = times(self.span(j)?, self.cap)?;
                    self.require(-times(by, room)?)?;
                    self.add_in(j, -by, weight_of, steps)?;
                }
                Row::Least(place) => {
                    self.place(place)?;
                    let at_end = self.windows.most_at_end[self.problem.num_blocks - self.ends[place]];
                    self.require(times(by, self.reach.total() - at_end)?)?;
                    self.add_up_to(place, by, weight_of, steps)?;
                }
                Row::Most(place) => {
                    self.place(place)?;
                    self.require(-times(by, self.windows.most[self.ends[place]])?)?;
                    self.add_up_to(place, -by, weight_of, steps)?;
                }
                Row::Incompatible(first, second, j) => {
                    if self.span(j)? != 1 || !is_pair(first, second, steps)? {
                        return Err(refused(format!("nodes {first} and {second} can be in one block")));
                    }
                    self.add_y(first, j, pure)?;
                    self.add_y(second, j + 1, -pure)?;
                }
            }
        }
        self.go_to(usize::MAX, steps)?;
        Ok(self.missing > 0)
    }

    /// Keeps the coefficients of another place, after those that are kept.
    fn go_to(&mut self, place: usize, steps: &mut Steps) -> Result<(), Stop> {
        // Of the second place there is something in one column, after it nothing.
        for _ in 0..2 {
            if self.at < place {
                steps.spend(self.y[0].len() + self.cut.len())?;
                self.leave()?;
            }
        }
        self.at = self.at.max(place);
        Ok(())
    }

    fn span(&self, j: usize) -> Result<i128, Stop> {
        let ends = self.ends.get(j).zip(j.checked_add(1).and_then(|next| self.ends.get(next)));
        let span = ends.map(|(begin, end)| i128::try_from(end - begin).unwrap_or(0));
        span.ok_or_else(|| refused(format!("{j} is no superblock")))
    }

    fn place(&self, place: usize) -> Result<(), Stop> {
        if place < self.ends.len() { Ok(()) } else { Err(refused(format!("{place} are more than all superblocks"))) }
    }

    fn node(&self, node: usize) -> Result<(), Stop> {
        if node < self.problem.num_nodes() { Ok(()) } else { Err(refused(format!("{node} is no node"))) }
    }

    /// More is asked for.
    fn require(&mut self, more: i128) -> Result<(), Stop> {
        add(&mut self.missing, more)
    }

    fn add_y(&mut self, node: usize, place: usize, factor: i128) -> Result<(), Stop> {
        add(&mut self.y[place - self.at][node], factor)
    }

    fn add_x(&mut self, node: usize, j: usize, factor: i128) -> Result<(), Stop> {
        self.add_y(node, j + 1, factor)?;
        self.add_y(node, j, -factor)
    }

    fn add_cut(&mut self, tensor: usize, factor: i128) -> Result<(), Stop> {
        add(&mut self.cut[tensor], factor)
    }

    /// Adds a price of each node times whether it is in one of the first superblocks.
    fn add_up_to(
        &mut self,
        place: usize,
        factor: i128,
        price: fn(&Reach<'_>, usize) -> i128,
        steps: &mut Steps,
    ) -> Result<(), Stop> {
        steps.spend(self.problem.num_nodes())?;
        for node in 0..self.problem.num_nodes() {
            self.add_y(node, place, times(factor, price(self.reach, node))?)?;
        }
        Ok(())
    }

    /// Adds a price of each node times whether it is in a superblock.
    fn add_in(
        &mut self,
        j: usize,
        factor: i128,
        price: fn(&Reach<'_>, usize) -> i128,
        steps: &mut Steps,
    ) -> Result<(), Stop> {
        self.add_up_to(j + 1, factor, price, steps)?;
        self.add_up_to(j, -factor, price, steps)
    }

    fn add_export(
        &mut self,
        tensor: usize,
        reader: usize,
        j: usize,
        pure: i128,
        steps: &mut Steps,
    ) -> Result<(), Stop> {
        self.span(j)?;
        let producer = self.producer(tensor)?;
        if producer == NONE {
            return Err(refused(format!("tensor {tensor} is a model input, which no block makes")));
        }
        if reader == OUTSIDE {
            if !self.problem.is_paid_output(tensor) {
                return Err(refused(format!("tensor {tensor} is no model output that is paid")));
            }
        } else {
            self.reader(tensor, reader - 1, steps)?;
            self.add_x(reader - 1, j, pure)?;
        }
        self.add_cut(tensor, pure)?;
        self.add_x(producer, j, -pure)
    }

    fn add_import(
        &mut self,
        tensor: usize,
        reader: usize,
        j: usize,
        pure: i128,
        steps: &mut Steps,
    ) -> Result<(), Stop> {
        self.span(j)?;
        let producer = self.producer(tensor)?;
        if producer != NONE {
            self.add_x(producer, j, pure)?;
        } else if !self.problem.boundary_io {
            return Err(refused(format!("tensor {tensor} is a model input, which is free")));
        }
        let reader = reader.checked_sub(1).ok_or_else(|| refused("no block imports what leaves the model"))?;
        self.reader(tensor, reader, steps)?;
        self.add_cut(tensor, pure)?;
        self.add_x(reader, j, -pure)
    }

    fn producer(&self, tensor: usize) -> Result<usize, Stop> {
        self.problem.producer.get(tensor).copied().ok_or_else(|| refused(format!("{tensor} is no tensor")))
    }

    fn reader(&self, tensor: usize, reader: usize, steps: &mut Steps) -> Result<(), Stop> {
        steps.spend(1 + self.problem.consumers[tensor].len() / 16)?;
        if self.problem.consumers[tensor].contains(&reader) {
            return Ok(());
        }
        Err(refused(format!("node {reader} does not read tensor {tensor}")))
    }

    fn add_cost(&mut self, j: usize, by: i128, steps: &mut Steps) -> Result<(), Stop> {
        let room = times(self.span(j)?, self.cap)?;
        self.require(-times(by, room)?)?;
        self.add_in(j, -by, |reach, node| i128::from(reach.problem.kinds[0].work[node]), steps)?;
        steps.spend(self.problem.num_tensors())?;
        for tensor in 0..self.problem.num_tensors() {
            self.add_cut(tensor, -times(by, i128::from(self.problem.kinds[0].transfer[tensor]))?)?;
        }
        add(&mut self.over, -by)
    }

    fn add_overflow(&mut self, j: usize, by: i128, steps: &mut Steps) -> Result<(), Stop> {
        let span = self.span(j)?;
        let memory = self.problem.kinds[0].memory.ok_or_else(|| refused("the device has no memory to overflow"))?;
        self.require(-times(by, times(span, i128::from(memory))?)?)?;
        self.add_in(j, -by, |reach, node| i128::from(reach.problem.kinds[0].params[node]), steps)?;
        add(&mut self.over, by)
    }

    /// Takes what the variables of this place can give from what is missing, and keeps those of the next one.
    fn leave(&mut self) -> Result<(), Stop> {
        let Self { at: place, windows, .. } = *self;
        if let Some(&end) = self.ends.get(place) {
            for (node, &factor) in self.y[0].iter().enumerate() {
                let is_always = place + 1 == self.ends.len() || windows.last[node] <= end;
                let is_never = place == 0 || windows.first[node] > end;
                if is_always {
                    add(&mut self.missing, -factor)?;
                } else if !is_never {
                    add(&mut self.missing, -factor.max(0))?;
                }
            }
        }
        for &factor in &self.cut {
            add(&mut self.missing, -factor.max(0))?;
        }
        if self.over > 0 {
            let (span, kind) = (self.span(place)?, &self.problem.kinds[0]);
            let sum = |prices: &[i64]| prices.iter().copied().map(i128::from).sum::<i128>();
            let most = times(span, self.cap)?.min(sum(&kind.params) + times(span, sum(&kind.stored))?);
            add(&mut self.missing, -times(self.over, most)?)?;
        }
        self.y.swap(0, 1);
        self.y[1].fill(0);
        self.cut.fill(0);
        (self.over, self.at) = (0, place + 1);
        Ok(())
    }
}

fn weight_of(reach: &Reach<'_>, node: usize) -> i128 {
    reach.weight[node]
}

fn times(one: i128, other: i128) -> Result<i128, Stop> {
    one.checked_mul(other).ok_or_else(|| refused("the sum of the rows is too large"))
}

fn add(sum: &mut i128, more: i128) -> Result<(), Stop> {
    *sum = sum.checked_add(more).ok_or_else(|| refused("the sum of the rows is too large"))?;
    Ok(())
}

fn refused(reason: impl Into<String>) -> Stop {
    Stop::refused(reason)
}
