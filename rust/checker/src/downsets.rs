//! The downsets that can lie between two stages, where both sides must be able to pay.
//!
//! **Claim.** Every downset is listed that holds what must be in and nothing that must be out, whose nodes weigh and store no more
//! than the stages before it can hold, and the others no more than those after it, and for which
//!
//! ```text
//! load(D) + export(live(D)) <= before,        load(rest) + import(live(D)) <= after;
//! ```
//!
//! with a start, only those to which, or from which, a block can lead on a kind that costs less than the threshold, as far as is said
//! below; none is listed twice.
//!
//! **Proof.** One node after the other is put in, with all that it needs, or out, with all that needs it. Of what is decided, loads,
//! weights, bytes and live tensors (made by what is in, or an input that is paid for, and read by what is out) only grow, and so
//! does what a block runs, stores, and moves: a tensor that is live at one end alone stays so, and one that the block reads at either
//! end, too. So where that is too much no downset is left. A node is put on one side at once where what it needs, or what needs it,
//! has too much load for the other one. ∎
//!
//! **Dominance.** With `full`, which is `c` (weighted: the capacity of the stage) and the least `load(D') - import(live(D'))` of all
//! starts `D'`, a downset `D` is not listed that leaves out a node `u` whose producers are in, where no later block pays more without it
//! (`blocks.rs`) and `load(D) + export(live(D)) + load(u) + export(what u makes) <= full`: the block from any start to `D + u` imports
//! at most what is live at its start and exports at most what is live at `D` or made by `u`, so it costs at most `c`. What `u` is
//! the last to read only grows as more is decided, and what is free adds at most its load and its tensors' exports, so this ends
//! branches, too.

use crate::bits::Bits;
use crate::order::Order;
use crate::problem::Problem;
use crate::sides::{Mark, Side, Sides, Start};
use crate::stop::{Steps, Stop};

const NUM_BUCKETS: usize = 8;
/// Nodes of a downset that are added up on a kind in the time of a step.
const NODES_PER_STEP: usize = 16;

/// A downset, and what is known of it.
#[derive(Clone)]
pub(crate) struct Downset {
    pub inside: Bits,
    /// What blocks pay before it, and after it, at least, weighed.
    pub paid: [i128; 2],
    pub weight: i128,
    /// By kind.
    pub points: Vec<Point>,
    /// What is live, by tensor.
    pub live: Vec<Live>,
}

/// A tensor that is live, and how many of a downset read it.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub tensor: usize,
    pub readers: u32,
}

impl Downset {
    pub(crate) fn num_bytes(&self) -> usize {
        128 + 2 * 8 * self.inside.num_words() + size_of_val(&self.points[..]) + size_of_val(&self.live[..])
    }
}

/// What a downset runs on a kind, the outputs that it pays wherever they are read, and the exports of what is live there, each tensor
/// in one of some buckets.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub work: i64,
    pub outputs: i64,
    live: [i64; NUM_BUCKETS],
}

impl Point {
    /// What the block between two downsets moves at least.
    pub(crate) fn io(&self, other: &Self) -> i64 {
        self.live.iter().zip(&other.live).map(|(one, two)| (one - two).abs()).sum()
    }
}

/// Which downsets are asked for; of two numbers, the first is of what is in.
pub(crate) struct Question<'q> {
    pub must: [Bits; 2],
    pub paid: [i128; 2],
    pub weight: [i128; 2],
    pub bytes: [i128; 2],
    pub state: [i128; 2],
    pub start: Option<Start<'q>>,
    /// Up to which load and exports a downset is dominated by one with a node more, and the nodes that cannot be that; none: by none.
    pub full: Option<(i128, &'q Bits)>,
}

/// An open branch: a node that has been put on one side.
struct Branch {
    place: usize,
    before: Mark,
    /// Where it is put next; free: it was on both.
    next: Side,
    /// More than this must be paid before a downset that is not dominated.
    least: i128,
}

/// What is in when a search begins: what it loads on each kind.
struct Base {
    mark: Mark,
    sums: Vec<[i64; 2]>,
}

/// Lists downsets of a problem.
pub(crate) struct Downsets<'a> {
    problem: &'a Problem,
    threshold: i64,
    nodes: &'a [usize],
    needs: Vec<i128>,
    needed: Vec<i128>,
    /// What all nodes load and weigh; by kind, what each loads.
    total: [i128; 2],
    loads: Vec<Vec<[i64; 2]>>,
    sides: Sides<'a>,
    nothing: Mark,
}

impl<'a> Downsets<'a> {
    /// Loads are weighed; what nodes weigh is known besides.
    ///
    /// # Errors
    /// [`Stop`], when the steps are used up.
    pub(crate) fn new(
        (problem, order): (&'a Problem, &'a Order),
        [load, weight]: [&'a [i128]; 2],
        threshold: i64,
        steps: &mut Steps,
    ) -> Result<Self, Stop> {
        let loads = problem.kinds.iter().enumerate().map(|(kind, on)| {
            on.work.iter().zip(problem.outputs(kind)).map(|(work, outputs)| [*work, outputs]).collect()
        });
        let sides = Sides::new(problem, order, load, weight);
        Ok(Self {
            problem,
            threshold,
            nodes: &order.nodes,
            needs: order.cones(load, true, steps)?,
            needed: order.cones(load, false, steps)?,
            total: [load.iter().sum(), weight.iter().sum()],
            loads: loads.collect(),
            nothing: sides.mark(),
            sides,
        })
    }

    /// The downset of no node, or of all.
    pub(crate) fn end(&mut self, side: Side) -> Downset {
        for node in 0..self.problem.num_nodes() {
            self.sides.decide(node, side, None);
        }
        let end = self.here(&self.base(self.sides.mark()));
        self.sides.undo(self.nothing);
        end
    }

    /// What is asked for.
    ///
    /// # Errors
    /// [`Stop`], when the steps or the bytes are used up.
    pub(crate) fn list(
        &mut self,
        question: &Question<'_>,
        max_bytes: usize,
        steps: &mut Steps,
    ) -> Result<Vec<Downset>, Stop> {
        let found = match self.force(question, steps) {
            Ok(true) => self.search(question, max_bytes, steps),
            Ok(false) => Ok(Vec::new()),
            Err(stop) => Err(stop),
        };
        self.sides.undo(self.nothing);
        found
    }

    /// Decides what can be on one side only; whether nothing must be on both.
    fn force(&mut self, question: &Question<'_>, steps: &mut Steps) -> Result<bool, Stop> {
        let num_nodes = self.problem.num_nodes();
        steps.spend(2 * num_nodes + self.problem.num_tensors() / 4)?;
        if let Some(start) = question.start {
            for node in (0..num_nodes).filter(|&node| start.inside.has(node) != start.is_back) {
                steps.spend(
                    self.sides.decide(node, if start.is_back { Side::Out } else { Side::In }, None).unwrap_or(0),
                )?;
            }
            self.sides.begin_block(start.is_back);
        }
        let [inside, outside] = &question.must;
        for node in 0..num_nodes {
            let must = [
                (Side::In, inside.has(node) || self.needed[node] > question.paid[1]),
                (Side::Out, outside.has(node) || self.needs[node] > question.paid[0]),
            ];
            for (side, _) in must.into_iter().filter(|&(_, is_so)| is_so) {
                let Some(taken) = self.sides.decide(node, side, question.start) else { return Ok(false) };
                steps.spend(taken)?;
            }
        }
        Ok(self.can_be(question))
    }

    fn search(&mut self, question: &Question<'_>, max_bytes: usize, steps: &mut Steps) -> Result<Vec<Downset>, Stop> {
        let nodes: Vec<usize> = self.nodes.iter().copied().filter(|&node| self.sides.is_free(node)).collect();
        let (mut found, mut branches, mut at, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
        let mut least = i128::MIN;
        let base = self.base(self.sides.mark());
        steps.spend(self.problem.kinds.len() * self.problem.num_nodes() / NODES_PER_STEP)?;
        loop {
            at += nodes[at..].iter().take_while(|&&node| !self.sides.is_free(node)).count();
            if at < nodes.len() {
                branches.push(Branch { place: at, before: self.sides.mark(), next: Side::In, least });
            } else {
                let here = self.here(&base);
                bytes += here.num_bytes();
                if bytes > max_bytes {
                    return Err(Stop::Budget);
                }
                steps.spend(8 + here.inside.num_words() + self.sides.live.len() + self.steps_of_points(&base))?;
                found.push(here);
            }
            loop {
                let Some(branch) = branches.last_mut() else { return Ok(found) };
                self.sides.undo(branch.before);
                let (side, node) = (branch.next, nodes[branch.place]);
                least = branch.least;
                if side == Side::Free {
                    branches.pop();
                    continue;
                }
                branch.next = if side == Side::In { Side::Out } else { Side::Free };
                at = branch.place + 1;
                if let (Side::Out, Some((full, barred))) = (side, question.full)
                    && let Some(gain) = self.sides.gain(node).filter(|_| !barred.has(node))
                {
                    least = least.max(full - gain);
                }
                let taken = self.sides.decide(node, side, question.start);
                steps.spend(4 + taken.unwrap_or(0))?;
                if self.can_be(question) && self.most_before() > least {
                    break;
                }
            }
        }
    }

    /// Whether both sides can pay and hold what is decided.
    fn can_be(&self, question: &Question<'_>) -> bool {
        let totals = &self.sides.totals;
        let is_block = || {
            question.start.is_none_or(|start| {
                let on = &self.problem.kinds[start.kind];
                on.busy(totals.work, totals.io, on.overflow(totals.params)) < self.threshold
            })
        };
        let paid = [totals.load[0] + totals.exports, totals.load[1] + totals.imports];
        let is_at_most = |sums: [i128; 2], most: [i128; 2]| sums[0] <= most[0] && sums[1] <= most[1];
        is_at_most(paid, question.paid)
            && is_at_most(totals.weight, question.weight)
            && is_at_most(totals.bytes.map(i128::from), question.bytes)
            && is_at_most(totals.state.map(i128::from), question.state)
            && is_block()
    }

    /// What can be paid at most before a downset, as far as its load and exports say.
    fn most_before(&self) -> i128 {
        let totals = &self.sides.totals;
        self.total[0] - totals.load[1] + totals.exports + totals.potential
    }

    /// The total of all loads.
    pub(crate) fn total_load(&self) -> i128 {
        self.total[0]
    }

    /// Steps of what a downset takes on all kinds.
    fn steps_of_points(&self, base: &Base) -> usize {
        self.problem.kinds.len() * (self.sides.num_since(base.mark) / NODES_PER_STEP + self.sides.live.len())
    }

    /// What is in now, added up on each kind.
    fn base(&self, mark: Mark) -> Base {
        let sum = |loads: &Vec<[i64; 2]>| add_up(loads, self.sides.inside.iter());
        Base { mark, sums: self.loads.iter().map(sum).collect() }
    }

    /// The downset of what is in.
    fn here(&self, base: &Base) -> Downset {
        let (problem, totals) = (self.problem, &self.sides.totals);
        let point = |kind: usize| {
            let mut live = [0; NUM_BUCKETS];
            for &tensor in &self.sides.live {
                live[tensor.wrapping_mul(0x9e37) >> 4 & (NUM_BUCKETS - 1)] += problem.leaving(tensor, kind);
            }
            let [work, outputs] = add_up(&self.loads[kind], self.sides.taken_in_since(base.mark));
            Point { work: base.sums[kind][0] + work, outputs: base.sums[kind][1] + outputs, live }
        };
        let mut live: Vec<Live> = self.sides.live.iter().map(|&tensor| self.sides.live_at(tensor)).collect();
        live.sort_unstable_by_key(|live| live.tensor);
        Downset {
            inside: self.sides.inside.clone(),
            paid: [totals.load[0] + totals.exports, self.total[0] - totals.load[0] + totals.imports],
            weight: totals.weight[0],
            points: (0..problem.kinds.len()).map(point).collect(),
            live,
        }
    }
}

/// What nodes load.
fn add_up(loads: &[[i64; 2]], nodes: impl Iterator<Item = usize>) -> [i64; 2] {
    nodes.map(|node| loads[node]).fold([0; 2], |sums, loads| [sums[0] + loads[0], sums[1] + loads[1]])
}
