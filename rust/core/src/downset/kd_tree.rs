//! A k-d tree of downsets, to find a block below a threshold between a downset and one of the tree; whole cells are skipped.
//!
//! **Claim.** On one kind of device, let `e` be the export costs of tensors, and `E_i(D)` the sum of `e` over the tensors of bucket
//! `i` that are live at `D`, for any assignment of tensors to buckets. The block from `D'` to `D` costs at least
//!
//! ```text
//! load(D) - load(D') + sum over i of |E_i(D) - E_i(D')|.
//! ```
//!
//! **Proof.** A tensor that is live at `D` alone is exported by the block, one that is live at `D'` alone is imported, which
//! costs no less, and what is live at both changes no difference.
//!
//! On devices that overlap, the larger of both terms bounds the cost.
//!
//! So downsets are points, and the distance of a cell's bounding box from a point bounds the cost of all blocks between them. A
//! cell is skipped, too, if all its downsets contain a node outside `D` (none is a subset of `D`), or if none contains some
//! node of `D` (none is a superset).

use super::list::Priced;
use super::stages::Stage;
use crate::cost::{INFINITE, Ticks, View};
use crate::ids::{narrow, wide};

const NUM_BUCKETS: usize = 8;

/// The coordinates of a downset: its load, and the exports of its live tensors by bucket.
pub(crate) type Point = [Ticks; 1 + NUM_BUCKETS];

/// Some downsets of a list.
pub(super) struct KdTree<'a> {
    downsets: Priced<'a>,
    stage: Stage<'a>,
    order: Vec<u32>,
    cells: Vec<Cell>,
    /// Downsets of a cell that is not divided.
    leaf: usize,
    /// Per cell: the nodes that all of its downsets have, and those that any has.
    words: Vec<u64>,
}

/// A box around some downsets.
struct Cell {
    least: Point,
    most: Point,
    /// Its part of the order.
    begin: u32,
    end: u32,
    /// The second half; the first is the next cell. None: it is not divided.
    second: Option<u32>,
}

impl<'a> KdTree<'a> {
    /// Of the downsets from a place on, for blocks of a stage, in O(n log n).
    pub(super) fn new(downsets: Priced<'a>, begin: usize, stage: Stage<'a>, leaf: usize) -> Self {
        let order: Vec<u32> = (narrow(begin)..narrow(downsets.boundaries.len())).collect();
        let points: Vec<Point> = order.iter().map(|&index| point(downsets, wide(index), &stage)).collect();
        let mut tree = Self { downsets, stage, order, cells: Vec::new(), leaf, words: Vec::new() };
        if !points.is_empty() {
            tree.divide(&points, begin, 0, points.len());
        }
        tree
    }

    fn divide(&mut self, points: &[Point], first: usize, begin: usize, end: usize) {
        let (mut least, mut most) = ([INFINITE; 1 + NUM_BUCKETS], [-INFINITE; 1 + NUM_BUCKETS]);
        for &index in &self.order[begin..end] {
            for (axis, &at) in points[wide(index) - first].iter().enumerate() {
                least[axis] = least[axis].min(at);
                most[axis] = most[axis].max(at);
            }
        }
        let here = self.cells.len();
        self.cells.push(Cell { least, most, begin: narrow(begin), end: narrow(end), second: None });
        for is_any in [false, true] {
            for word in 0..self.downsets.words(wide(self.order[begin])).len() {
                let words = self.order[begin..end].iter().map(|&index| self.downsets.words(wide(index))[word]);
                let word = words.reduce(|one, other| if is_any { one | other } else { one & other });
                self.words.push(word.unwrap_or(0));
            }
        }
        if end - begin <= self.leaf {
            return;
        }
        let axis = (0..=NUM_BUCKETS).max_by_key(|&axis| most[axis] - least[axis]).unwrap_or(0);
        let middle = usize::midpoint(begin, end);
        let key = |&index: &u32| (points[wide(index) - first][axis], index);
        self.order[begin..end].select_nth_unstable_by_key(middle - begin, key);
        self.divide(points, first, begin, middle);
        self.cells[here].second = Some(narrow(self.cells.len()));
        self.divide(points, first, middle, end);
    }

    /// A downset of the tree at one end of a block below `threshold`, whose other end is `index` of `others`; and the number of
    /// cells and downsets that were examined.
    pub(super) fn find(
        &self,
        others: Priced<'_>,
        index: usize,
        is_forward: bool,
        threshold: Ticks,
    ) -> (Option<usize>, u64) {
        let (at, words) = (point(others, index, &self.stage), others.words(index));
        let mut open = Vec::new();
        let mut looked = 0;
        let enter = |open: &mut Vec<(usize, Ticks)>, place: usize| {
            let cost = self.cells.get(place).map_or(INFINITE, |here| here.cost(&at, is_forward, self.stage.view));
            if cost < threshold && self.is_around(place, words, is_forward) {
                open.push((place, cost));
            }
        };
        enter(&mut open, 0);
        while let Some((place, _)) = open.pop() {
            looked += 1;
            let here = &self.cells[place];
            if let Some(second) = here.second {
                let before = open.len();
                enter(&mut open, place + 1);
                enter(&mut open, wide(second));
                // The nearer one first.
                open[before..].sort_by_key(|&(_, cost)| std::cmp::Reverse(cost));
                continue;
            }
            for &other in &self.order[wide(here.begin)..wide(here.end)] {
                looked += 1;
                let other = wide(other);
                let is_block = if is_forward {
                    self.downsets.block_below(other, others, index, &self.stage, threshold).is_some()
                } else {
                    others.block_below(index, self.downsets, other, &self.stage, threshold).is_some()
                };
                if is_block {
                    return (Some(other), looked);
                }
            }
        }
        (None, looked)
    }

    /// Whether a downset of a cell may lie within the given one, or around it.
    fn is_around(&self, place: usize, words: &[u64], is_forward: bool) -> bool {
        let [all, any] = [2 * place, 2 * place + 1].map(|row| &self.words[row * words.len()..][..words.len()]);
        if is_forward {
            all.iter().zip(words).all(|(inner, outer)| inner & !outer == 0)
        } else {
            words.iter().zip(any).all(|(inner, outer)| inner & !outer == 0)
        }
    }
}

impl Cell {
    /// A lower bound on the cost of blocks from this cell to a point, or from the point to this cell.
    fn cost(&self, at: &Point, is_forward: bool, view: View<'_>) -> Ticks {
        let load = if is_forward { at[0] - self.most[0] } else { self.least[0] - at[0] };
        let is_empty = if is_forward { at[0] < self.least[0] } else { self.most[0] < at[0] };
        let sides = (1..=NUM_BUCKETS).map(|axis| (at[axis] - self.most[axis]).max(self.least[axis] - at[axis]).max(0));
        if is_empty { INFINITE } else { view.busy(load.max(0), sides.sum(), 0) }
    }
}

/// The coordinates of a downset, for blocks of a stage.
pub(crate) fn point(downsets: Priced<'_>, index: usize, stage: &Stage<'_>) -> Point {
    let mut point = [0; 1 + NUM_BUCKETS];
    point[0] = downsets.boundaries[index].load;
    for &(x, _) in downsets.live(index) {
        let bucket = x.wrapping_mul(0x9e37_79b1) >> (u32::BITS - NUM_BUCKETS.ilog2());
        point[1 + wide(bucket)] += stage.prices.exports[wide(x)];
    }
    point
}

/// A lower bound on the cost of a stage's block between two downsets, by their coordinates.
pub(crate) fn cost_between(from: &Point, to: &Point, stage: &Stage<'_>) -> Ticks {
    let sides = (1..=NUM_BUCKETS).map(|axis| (to[axis] - from[axis]).abs());
    stage.view.busy(to[0] - from[0], sides.sum(), 0)
}
