//! The resources of stages, which labels count.
//!
//! **Claim.** Let a block `S` on its stage take `W` of work, `IO` of transfers, `P` to stream its parameters and state in, and
//! let `cap` be the most that a block may cost, `M` the memory in the same ticks. It costs at most `cap` and is within its
//! limits exactly when its use of each *resource* of its stage is at most the capacity:
//!
//! ```text
//! run      W + IO, or W on a device that overlaps                   cap
//! move     IO on a device that overlaps                             cap
//! stream   run + P                                                  cap + M
//! state    bytes of state                                           the memory's bytes
//! bytes    bytes of parameters and state, and once for all          the limit
//!          nodes the most bytes that are live at one
//! ```
//!
//! **Proof.** `y + max(0, P - M) <= cap` exactly when `y <= cap` and `y + P <= cap + M`, and a maximum is no more than a bound
//! exactly when each of its terms is. ∎
//!
//! All but live bytes are sums over nodes and transfers, so a label is a vector of sums, one for each stage and resource, and a
//! maximum where live bytes count. A resource is left out where all nodes that can be on a stage do not exceed its capacity.
//!
//! Resources are in units of their own; times are weighted, so that the bound of `cost/budget.rs` is a sum of them. All have the
//! same `capacity`, that of the largest: a smaller one begins with the difference as its initial amount.

use crate::cost::{ABOVE_ALL, Held, Instance, Ticks, View};
use crate::domain::Windows;
use crate::ids::{NodeId, TensorId, count};
use crate::query::Query;

/// A resource, and the amount that is taken of it. With one resource per stage, as for equal devices, resources have the numbers
/// of blocks, from 1; with several, those of a block are consecutive.
pub(super) type Pay = (usize, Ticks);

/// The most resources of a stage.
pub(super) const MOST: usize = 6;
const RUN: usize = 0;
const MOVE: usize = 1;
const STREAM: usize = 2;
const STATE: usize = 3;
const BYTES: usize = 4;
const LIVE: usize = 5;

/// The most binary digits of the weights of times: sums have to fit 64 bits.
const MAX_DIGITS: u32 = 8;
/// The limit for the sum of all capacities.
const LARGEST: i128 = 1 << 61;

/// The resources of all stages.
#[derive(Debug)]
pub(super) struct Resources<'a> {
    instance: &'a Instance,
    /// The capacity of each.
    pub capacity: Ticks,
    /// The number of resources per stage.
    pub pitch: usize,
    /// The index of each kind of resource among those of a stage; none when it is left out.
    places: [Option<usize>; MOST],
    stages: Vec<Stage>,
    /// The initial amount of each.
    pub starts: Vec<Ticks>,
    /// The sum of the initial amounts of all blocks after each, by resource.
    tails: Vec<[Ticks; MOST]>,
}

/// The resources of one stage.
#[derive(Clone, Copy, Debug)]
struct Stage {
    weight: Ticks,
    has: [bool; MOST],
    most_live: Ticks,
}

/// Amounts of all resources except the last, live bytes, which is a maximum.
type Amounts = [Ticks; LIVE];

fn amounts(view: View<'_>, work: Ticks, io: Ticks, held: &Held) -> Amounts {
    let (run, moved) = if view.is_overlap() { (work, io) } else { (work + io, 0) };
    let bytes = |bytes: u64| Ticks::try_from(bytes).unwrap_or(Ticks::MAX >> 2);
    [run, moved, run + held.params, bytes(held.state), bytes(held.bytes)]
}

impl<'a> Resources<'a> {
    /// The resources that count if nodes are in their `windows`; none when numbers are too large for labels, or when nodes that
    /// must be together are not one group.
    pub(super) fn new(query: &Query<'a>, windows: &Windows) -> Option<Self> {
        let instance = query.instance;
        if !instance.together().is_empty() {
            return None;
        }
        let num_stages = instance.num_blocks();
        // Every block within its limits costs at most `ABOVE_ALL`.
        let cap = query.max_cost().min(ABOVE_ALL);
        let held = (!instance.is_free_of_memory()).then(|| most_held(instance, windows));
        let mut stages: Vec<Stage> = (0..num_stages)
            .map(|stage| has(instance.on(stage), held.as_ref().map_or(&Held::default(), |held| &held[stage])))
            .collect();
        let (mut places, mut pitch) = ([None; MOST], 0);
        for (resource, place) in places.iter_mut().enumerate() {
            if stages.iter().any(|stage| stage.has[resource]) {
                *place = Some(pitch);
                pitch += 1;
            }
        }
        let memory = |stage: usize| if stages[stage].has[STREAM] { instance.on(stage).memory() } else { 0 };
        let most = (0..num_stages).map(|stage| cap + memory(stage)).max().unwrap_or(0);
        let fits = |digits: &u32| (i128::from(most) << digits) * i128::from(count(num_stages * pitch)) < LARGEST;
        let digits = (0..=MAX_DIGITS).rev().find(fits)?;
        weigh(instance, digits, &mut stages);
        let caps: Vec<[Ticks; MOST]> = (0..num_stages).map(|j| caps(instance.on(j), &stages[j], cap)).collect();
        let capacity = caps.iter().flatten().copied().max()?;
        if i128::from(capacity) * i128::from(count((num_stages + 1) * pitch)) >= 2 * LARGEST {
            return None;
        }
        let mut starts = vec![0; (num_stages + 1) * pitch];
        for (stage, caps) in caps.iter().enumerate() {
            for (resource, place) in places.iter().enumerate().filter(|&(resource, _)| resource != LIVE) {
                if let Some(place) = place {
                    starts[(stage + 1) * pitch + place] = capacity - caps[resource];
                }
            }
        }
        let mut tails = vec![[0; MOST]; num_stages + 1];
        for block in (0..num_stages).rev() {
            tails[block] = tails[block + 1];
            let starts = starts[(block + 1) * pitch..].iter();
            tails[block].iter_mut().zip(starts).take(pitch).for_each(|(tail, start)| *tail += start);
        }
        Some(Self { instance, capacity, pitch, places, stages, starts, tails })
    }

    /// Whether there is one resource per stage, with equal amounts on all stages for the same node or tensor.
    pub(super) fn is_single(&self) -> bool {
        self.pitch == 1 && self.instance.num_kinds() == 1
    }

    pub(super) fn num_stages(&self) -> usize {
        self.stages.len()
    }

    /// The sum of the initial amounts of the stages after a block, by resource.
    pub(super) fn starts_after(&self, block: usize) -> [Ticks; MOST] {
        self.tails[block]
    }

    /// The capacity of the time to run of all stages together.
    pub(super) fn run_capacity(&self) -> Ticks {
        let taken: Ticks = self.starts.iter().skip(self.pitch).step_by(self.pitch).sum();
        self.capacity * count(self.stages.len()) - taken
    }

    /// The amounts of a node in a block, the time to run first; none when the block cannot hold it.
    pub(super) fn of_node(&self, node: NodeId, block: usize) -> Option<Vec<Pay>> {
        if !self.instance.may_be(node, block - 1) {
            return None;
        }
        let view = self.instance.on(block - 1);
        let work = view.work(node);
        let amounts = amounts(view, work, view.load(node) - work, &view.held(node));
        let mut pays = Vec::with_capacity(self.pitch);
        if amounts[RUN] == 0 {
            pays.push((block * self.pitch, 0));
        }
        self.pay(block, amounts, &mut pays);
        pays.iter().all(|&(resource, amount)| self.starts[resource] + amount <= self.capacity).then_some(pays)
    }

    pub(super) fn import(&self, tensor: TensorId, block: usize, pays: &mut Vec<Pay>) {
        self.pay(block, self.imported(self.instance.on(block - 1), tensor), pays);
    }

    pub(super) fn export(&self, tensor: TensorId, block: usize, pays: &mut Vec<Pay>) {
        let view = self.instance.on(block - 1);
        self.pay(block, amounts(view, 0, view.export(tensor), &Held::default()), pays);
    }

    /// Whether any block pays for importing or exporting a tensor.
    pub(super) fn is_paid(&self, tensor: TensorId) -> bool {
        let is_paid = |view: View<'_>| view.export(tensor) > 0 || self.imported(view, tensor) != [0; LIVE];
        self.instance.views().any(is_paid)
    }

    fn imported(&self, view: View<'_>, tensor: TensorId) -> Amounts {
        let graph = self.instance.graph();
        let is_free = graph.producer(tensor).is_none() && !self.instance.boundary_io();
        let io = if is_free { 0 } else { view.transfer(tensor) };
        let held = Held { params: view.stored(tensor), bytes: graph.stored(tensor), ..Held::default() };
        amounts(view, 0, io, &held)
    }

    fn pay(&self, block: usize, amounts: Amounts, pays: &mut Vec<Pay>) {
        let Stage { weight, has, .. } = &self.stages[block - 1];
        for (resource, amount) in amounts.into_iter().enumerate().filter(|&(_, amount)| amount > 0) {
            let weight = if resource <= STREAM { *weight } else { 1 };
            if let (true, Some(place)) = (has[resource], self.places[resource]) {
                pays.push((block * self.pitch + place, weight * amount));
            }
        }
    }

    /// Updates the live bytes of a block with a node that is assigned to it; `taken` begins with block `first`.
    pub(super) fn enliven(&self, node: NodeId, block: usize, first: usize, taken: &mut [Ticks]) {
        let Some(place) = self.places[LIVE].filter(|_| self.stages[block - 1].has[LIVE]) else { return };
        let live = Ticks::try_from(self.instance.graph().live_bytes(node)).unwrap_or(self.capacity + 1);
        let most = &mut taken[(block - first) * self.pitch + place];
        *most = live.max(*most);
    }

    /// Whether the bytes that blocks hold, with `more` that they still get, and their live bytes are within the limits.
    pub(super) fn has_room(&self, taken: &[Ticks], more: Option<&[Ticks]>) -> bool {
        let Some(place) = self.places[LIVE] else { return true };
        let is_within = |(block, taken): (usize, &[Ticks])| {
            let more = more.map_or(0, |more| more[block * self.pitch + place - 1]);
            taken[place - 1] + more + taken[place] <= self.capacity
        };
        taken.chunks_exact(self.pitch).enumerate().all(is_within)
    }

    /// Raises amounts to the capacity less the most that is still taken (see `labels.rs`); `taken` begins with block `first`.
    pub(super) fn fill_up(&self, first: usize, taken: &mut [Ticks], most: &[Ticks]) {
        let blocks = taken.chunks_exact_mut(self.pitch).zip(most.chunks_exact(self.pitch));
        for ((taken, most), stage) in blocks.zip(&self.stages[first - 1..]) {
            let sums = self.places[LIVE].map_or(self.pitch, |live| live - 1);
            for (taken, most) in taken.iter_mut().zip(most).take(sums) {
                *taken = (*taken).max(self.capacity - most);
            }
            if sums < self.pitch {
                let full = self.capacity - most[sums] - stage.most_live;
                if taken[sums] <= full {
                    (taken[sums], taken[sums + 1]) = (full, stage.most_live);
                }
            }
        }
    }
}

/// The most that each stage can hold: all nodes whose windows contain it.
fn most_held(instance: &Instance, windows: &Windows) -> Vec<Held> {
    let (graph, num_stages) = (instance.graph(), instance.num_blocks());
    let stages = |v: NodeId| {
        let window = windows.earliest[v.index()] - 1..windows.latest[v.index()];
        window.filter(move |&stage| instance.may_be(v, stage))
    };
    let mut held = vec![Held::default(); num_stages];
    for v in graph.nodes() {
        for stage in stages(v) {
            held[stage].add(&instance.on(stage).held(v));
        }
    }
    for x in graph.tensors().filter(|&x| graph.stored(x) > 0) {
        let mut can_be = vec![false; num_stages];
        graph.consumers(x).iter().flat_map(|&v| stages(v)).for_each(|stage| can_be[stage] = true);
        for stage in (0..num_stages).filter(|&stage| can_be[stage]) {
            held[stage].bytes += graph.stored(x);
            held[stage].params += instance.on(stage).stored(x);
        }
    }
    held
}

/// The resources that can be used up on a stage that holds at most this.
fn has(view: View<'_>, held: &Held) -> Stage {
    let is_bytes = view.memory_limit().is_some_and(|limit| held.bytes + held.live > limit);
    Stage {
        weight: 1,
        has: [
            true,
            view.is_overlap(),
            held.params > view.memory(),
            view.state_limit().is_some_and(|limit| held.state > limit),
            is_bytes,
            is_bytes && held.live > 0,
        ],
        most_live: Ticks::try_from(held.live).unwrap_or(Ticks::MAX >> 2),
    }
}

/// Weights times as the linear bound does, with so many binary digits.
fn weigh(instance: &Instance, digits: u32, stages: &mut [Stage]) {
    if instance.num_kinds() > 1 {
        let budget = instance.budget();
        let multipliers = budget.multipliers();
        let largest = (0..stages.len()).map(|stage| multipliers[instance.kind_of(stage)]).max().unwrap_or(1);
        for (index, stage) in stages.iter_mut().enumerate() {
            stage.weight = ((multipliers[instance.kind_of(index)] << digits) / largest).max(1);
        }
    }
}

/// The capacity of each resource on a stage whose cost is at most `cap`; zero for those that it has not.
fn caps(view: View<'_>, stage: &Stage, cap: Ticks) -> [Ticks; MOST] {
    let bytes = |limit: Option<u64>| Ticks::try_from(limit.unwrap_or(0)).unwrap_or(Ticks::MAX);
    let weight = stage.weight;
    let stream = if stage.has[STREAM] { (cap + view.memory()) * weight } else { 0 };
    let moved = if stage.has[MOVE] { cap * weight } else { 0 };
    let of_state = if stage.has[STATE] { bytes(view.state_limit()) } else { 0 };
    let of_all = if stage.has[BYTES] { bytes(view.memory_limit()) } else { 0 };
    [cap * weight, moved, stream, of_state, of_all, 0]
}
