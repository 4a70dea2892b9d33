//! The moves of an annealing: one node or one cone after the other.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::assignment::Assignment;
use super::objective::Objective;
use super::params::MoveParams;
use super::sums::Sums;
use crate::cost::{INFINITE, Instance};
use crate::ids::{NodeId, float, narrow, wide};
use crate::interrupt::Interrupt;

const NOWHERE: u32 = u32::MAX;
/// Moves between two looks at the temperature, and at the interrupt.
const MOVES_PER_DEGREE: u64 = 64;
const MOVES_PER_LOOK: u64 = 1 << 12;
/// No block has more energy; infinite ones could not be compared.
const MAX_ENERGY: f64 = 1e300;

/// The energy of a block, (cost / scale)^(2^squarings), and temperatures; a block at the bottleneck has energy 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heat {
    /// At the first move.
    pub(super) hot: f64,
    /// At the last move.
    pub(super) cold: f64,
    /// How often the cost is squared.
    pub(super) squarings: u32,
}

/// How often the cost is squared in the energy, drawn from what the parameters allow.
pub(super) fn draw_squarings(params: &MoveParams, random: &mut Xoshiro256PlusPlus) -> u32 {
    let [least, most] = params.squarings;
    random.random_range(least..=most)
}

/// What a walk went through.
#[derive(Clone, Debug)]
pub(super) struct Annealed {
    /// The best partition that it met.
    pub(super) best: Vec<usize>,
    /// How good that is.
    pub(super) objective: Objective,
    /// The partition in which it ended.
    pub(super) last: Vec<usize>,
    /// Moves that were tried.
    pub(super) moves: u64,
}

/// Nodes that may have somewhere to go. Nodes that turn out to have not are taken out when they are met.
#[derive(Clone, Debug)]
struct Candidates {
    nodes: Vec<NodeId>,
    place: Vec<u32>,
}

impl Candidates {
    fn add(&mut self, node: NodeId) {
        let place = &mut self.place[node.index()];
        if *place == NOWHERE {
            *place = narrow(self.nodes.len());
            self.nodes.push(node);
        }
    }

    fn remove(&mut self, index: usize) {
        let node = self.nodes.swap_remove(index);
        self.place[node.index()] = NOWHERE;
        if let Some(moved) = self.nodes.get(index) {
            self.place[moved.index()] = narrow(index);
        }
    }
}

/// A random walk over partitions, a Markov chain.
pub(super) struct Walk<'a, 'r> {
    params: &'r MoveParams,
    at: Assignment<'a>,
    random: &'r mut Xoshiro256PlusPlus,
    candidates: Candidates,
    energy: Vec<f64>,
    scale: f64,
    squarings: u32,
    temperature: f64,
    best: Objective,
    /// Moves since the best partition, with the blocks that were left.
    journal: Vec<(NodeId, u32)>,
    /// The blocks that cost no less than the best bottleneck, and how many there are.
    is_expensive: Vec<bool>,
    num_expensive: usize,
    cone: Vec<NodeId>,
    /// By node: the last search for a cone that met it.
    met: Vec<u32>,
    search: u32,
}

impl<'a, 'r> Walk<'a, 'r> {
    /// At a partition.
    pub(super) fn new(
        instance: &'a Instance,
        params: &'r MoveParams,
        block_of: &[usize],
        squarings: u32,
        random: &'r mut Xoshiro256PlusPlus,
    ) -> Self {
        let at = Assignment::new(instance, block_of);
        let graph = instance.graph();
        let best = Objective { bottleneck: at.bottleneck(), num_expensive: 0 };
        let unit = if best.bottleneck == INFINITE { instance.combinatorial_bound() } else { best.bottleneck };
        let mut walk = Self {
            params,
            random,
            candidates: Candidates { nodes: Vec::new(), place: vec![NOWHERE; graph.num_nodes()] },
            energy: vec![0.0; at.num_blocks()],
            scale: 1.0 / float(unit.max(1)),
            squarings,
            temperature: 0.0,
            best,
            journal: Vec::new(),
            is_expensive: vec![false; at.num_blocks()],
            num_expensive: 0,
            cone: Vec::new(),
            met: vec![0; graph.num_nodes()],
            search: 0,
            at,
        };
        walk.take_best();
        for block in 0..walk.energy.len() {
            walk.energy[block] = walk.energy_of(narrow(block), walk.at.sums(narrow(block)));
        }
        for node in graph.nodes() {
            let (low, high) = walk.at.range(node);
            if low < high || !walk.is_inside(node) {
                walk.candidates.add(node);
            }
        }
        walk
    }

    /// Nodes that may be able to move.
    pub(super) fn num_candidates(&self) -> usize {
        self.candidates.nodes.len()
    }

    /// Tries so many moves while it cools down.
    pub(super) fn run(mut self, moves: u64, heat: Heat, interrupt: &Interrupt) -> Annealed {
        let rate = (heat.cold / heat.hot).ln() / float(moves.max(1).cast_signed());
        let mut tried = 0;
        while tried < moves && !self.candidates.nodes.is_empty() {
            if tried.is_multiple_of(MOVES_PER_DEGREE) {
                self.temperature = heat.hot * (rate * float(tried.cast_signed())).exp();
                if tried.is_multiple_of(MOVES_PER_LOOK) && interrupt.is_raised() {
                    break;
                }
            }
            self.step();
            tried += 1;
        }
        let last = self.at.to_blocks();
        debug_assert!(self.at.is_sound());
        let mut best = last.clone();
        for (node, from) in self.journal.into_iter().rev() {
            best[node.index()] = wide(from);
        }
        debug_assert_eq!(Objective::of(self.at.instance(), &best), self.best);
        Annealed { best, objective: self.best, last, moves: tried }
    }

    /// Tries one move.
    fn step(&mut self) {
        let index = self.random.random_range(0..self.candidates.nodes.len());
        let node = self.candidates.nodes[index];
        let (low, high) = self.at.range(node);
        let is_free = low < high;
        if !is_free && self.is_inside(node) {
            self.candidates.remove(index);
            return;
        }
        // One draw of bits for all small choices.
        let dice: usize = wide(self.random.random());
        let is_up = dice & 1 == 0;
        let cone_mask = (1 << self.params.cone_bits) - 1;
        if is_free && (dice >> 3) & cone_mask != 0 {
            let to = self.destination(self.at.block(node), low, high, is_up, dice & 2 == 0);
            if let Some(to) = self.allowed(node, to, (low, high)) {
                self.move_node(node, to);
            }
        } else {
            let halvings = (dice >> 8) % (self.params.max_halvings + 1);
            self.move_cone(node, is_up, self.params.max_cone >> halvings);
        }
    }

    /// One of the blocks that a node can move to: the next one, or any.
    fn destination(&mut self, home: u32, low: u32, high: u32, is_up: bool, is_next: bool) -> u32 {
        if home < high && (is_up || home == low) {
            if is_next { home + 1 } else { self.random.random_range(home + 1..=high) }
        } else if is_next {
            home - 1
        } else {
            self.random.random_range(low..home)
        }
    }

    /// That block, or the first beyond it that may hold the node.
    #[inline]
    fn allowed(&self, node: NodeId, to: u32, range: (u32, u32)) -> Option<u32> {
        if self.at.instance().allowed().is_none() { Some(to) } else { self.at.first_allowed(node, to, range) }
    }

    fn move_node(&mut self, node: NodeId, to: u32) {
        let sums = self.at.shifted(node, to);
        let from = self.at.block(node);
        if self.accepts([from, to], [sums.0, sums.1]) {
            self.at.shift(node, to, sums);
            self.keep(node, from);
            self.look([from, to]);
        }
    }

    /// Moves a node to the next block, or the one before, with all that must come along, if that is so many nodes at most.
    fn move_cone(&mut self, node: NodeId, is_up: bool, most: usize) {
        let from = self.at.block(node);
        let to = if is_up { from + 1 } else { from.wrapping_sub(1) };
        if wide(to) >= self.at.num_blocks() {
            return;
        }
        // Where tensors are handed on from block to block, so are nodes.
        let range = if self.at.instance().is_relay() { (to, to) } else { (0, narrow(self.at.num_blocks() - 1)) };
        let Some(to) = self.allowed(node, to, range) else { return };
        if !self.find_cone(node, from, is_up, most) || !self.may_go(from, to) {
            return;
        }
        let sums = self.at.shifted_together(&self.cone, to);
        if self.accepts([from, to], [sums.0, sums.1]) {
            for index in 0..self.cone.len() {
                self.at.shift(self.cone[index], to, sums);
                self.keep(self.cone[index], from);
            }
            self.look([from, to]);
        }
    }

    /// Fills `cone`; whether it is small enough.
    fn find_cone(&mut self, node: NodeId, block: u32, is_up: bool, most: usize) -> bool {
        let graph = self.at.instance().graph();
        let Self { at, cone, met, search, .. } = self;
        *search = search.wrapping_add(1);
        if *search == 0 {
            met.fill(0);
            *search = 1;
        }
        cone.clear();
        let mut meet = |node: NodeId, cone: &mut Vec<NodeId>| {
            if at.block(node) == block && met[node.index()] != *search {
                met[node.index()] = *search;
                cone.push(node);
            }
        };
        meet(node, cone);
        let mut next = 0;
        while next < cone.len() && cone.len() <= most {
            let member = cone[next];
            next += 1;
            if is_up {
                graph.successors(member).iter().for_each(|&successor| meet(successor, cone));
            } else {
                at.predecessors(member).iter().for_each(|&predecessor| meet(predecessor, cone));
            }
        }
        cone.len() <= most
    }

    /// Whether the cone may be in a block, and nothing that comes after it, or before it, is between that and its own.
    fn may_go(&self, from: u32, to: u32) -> bool {
        let (instance, graph) = (self.at.instance(), self.at.instance().graph());
        if instance.allowed().is_none() {
            return true;
        }
        let is_beyond = |other: &NodeId| {
            let block = self.at.block(*other);
            block == from || if to > from { block >= to } else { block <= to }
        };
        self.cone.iter().all(|&node| {
            let others = if to > from { graph.successors(node) } else { self.at.predecessors(node) };
            instance.may_be(node, wide(to)) && others.iter().all(is_beyond)
        })
    }

    /// Decides whether two blocks may become such; if so, their energies are.
    fn accepts(&mut self, blocks: [u32; 2], sums: [Sums; 2]) -> bool {
        let energies = [0, 1].map(|side| self.energy_of(blocks[side], sums[side]));
        let [one, other] = blocks.map(wide);
        let rise = energies[0] + energies[1] - self.energy[one] - self.energy[other];
        let is_accepted = rise <= 0.0 || self.random.random::<f64>() < (-rise / self.temperature).exp();
        if is_accepted {
            (self.energy[one], self.energy[other]) = (energies[0], energies[1]);
        }
        is_accepted
    }

    fn energy_of(&self, block: u32, sums: Sums) -> f64 {
        let mut energy = float(self.at.busy(block, sums)) * self.scale + self.at.excess(block, sums);
        for _ in 0..self.squarings {
            energy *= energy;
        }
        energy.min(MAX_ENERGY)
    }

    /// Notes that a node has moved, and that its neighbours may now.
    fn keep(&mut self, node: NodeId, from: u32) {
        self.journal.push((node, from));
        let graph = self.at.instance().graph();
        self.candidates.add(node);
        for &successor in graph.successors(node) {
            self.candidates.add(successor);
        }
        for &predecessor in self.at.predecessors(node) {
            self.candidates.add(predecessor);
        }
    }

    /// Whether all neighbours of a node are in its block.
    fn is_inside(&self, node: NodeId) -> bool {
        let graph = self.at.instance().graph();
        let block = self.at.block(node);
        let mut around = self.at.predecessors(node).iter().chain(graph.successors(node));
        around.all(|&other| self.at.block(other) == block)
    }

    /// Looks whether the partition is the best so far, now that two blocks have changed.
    fn look(&mut self, changed: [u32; 2]) {
        for block in changed {
            let is_expensive = self.is_expensive(block);
            let was_expensive = std::mem::replace(&mut self.is_expensive[wide(block)], is_expensive);
            self.num_expensive = self.num_expensive + usize::from(is_expensive) - usize::from(was_expensive);
        }
        let is_fewer = self.num_expensive < self.best.num_expensive;
        if self.num_expensive == 0 || (is_fewer && self.at.bottleneck() == self.best.bottleneck) {
            self.take_best();
            self.journal.clear();
        }
    }

    fn is_expensive(&self, block: u32) -> bool {
        self.at.cost(block, self.at.sums(block)) >= self.best.bottleneck
    }

    /// Takes the partition for the best.
    fn take_best(&mut self) {
        self.best.bottleneck = self.at.bottleneck();
        for block in 0..self.is_expensive.len() {
            self.is_expensive[block] = self.is_expensive(narrow(block));
        }
        self.num_expensive = self.is_expensive.iter().filter(|&&is_expensive| is_expensive).count();
        self.best.num_expensive = self.num_expensive;
    }
}

#[cfg(test)]
mod tests {
    use super::super::streams::stream;
    use super::*;
    use crate::cases::loose_nodes;

    #[test]
    fn energies_can_be_compared_however_expensive_a_block_is() {
        let instance = loose_nodes(&[4.0, 2.0, 2.0, 1.0], 3);
        for squarings in 2..=6 {
            let (params, mut random) = (MoveParams::default(), stream(0, 0, 0));
            let walk = Walk { scale: 1.0, ..Walk::new(&instance, &params, &[0, 1, 1, 2], squarings, &mut random) };
            assert!(walk.energy_of(0, Sums { io: INFINITE, ..Sums::default() }).is_finite());
        }
    }
}
