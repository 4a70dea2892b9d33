//! Frontiers: nodes get their blocks one after the other, and what lies between those that have one and the others is small.
//!
//! In a topological order, let the first `p` nodes have blocks. Of these, the others depend on nothing but the tensors that both
//! have to do with: in which block each was made, which blocks have it already, and whether its maker has paid for sending it.
//! That is the *frontier*. Two ways to give the first nodes blocks that leave the same frontier can be continued in the same ways,
//! and then pay the same. So all partitions are paths through a graph of frontiers, layer by layer, each arc with what the blocks
//! pay for one more node. How many frontiers there are depends on how many tensors lie across a place of the order and on the
//! windows of who reads them, not on how many downsets there are: twenty branches beside each other are twenty times as much
//! work as one.
//!
//! Less than that can be kept of a tensor (`Crossing`), so that more ways leave the same frontier: where its readers that are left
//! can be is known from their windows.
//!
//! - When they are all in later blocks than the maker, it has to send it, and pays at once; after that it does not matter who made it.
//! - When there is but one block left for them it pays at once, too.
//! - Blocks that they cannot be in need not be remembered; nor anything, when all the others have the tensor.
//!
//! This is frontier-based search (Sekine, Imai and Tani, *Computing the Tutte polynomial of a graph of moderate size*, 1995) for
//! partitions of a directed graph, or dynamic programming over a path decomposition.

use crate::bits::hash;
use crate::cost::{Instance, Ticks};
use crate::domain::Windows;
use crate::effort::{Caps, Halt};
use crate::ids::{TensorId, count, narrow, wide};
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;

/// Blocks that readers of a tensor can be in, at most, so that they fit a word.
const MAX_SPAN: usize = 56;
/// What an arc takes, and a tensor of it, in steps.
const STEPS_PER_ARC: u64 = 16;
const STEPS_PER_TOUCH: u64 = 4;
/// Words that a tensor can have, as far as they are looked at one by one.
const MAX_WORDS: usize = 16;
/// A tensor of which nothing matters any more.
const INERT: u64 = u64::MAX;

/// What one block pays; the first block is 1.
pub(crate) type Pay = (usize, Ticks);

/// A node gets a block, and one frontier becomes another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub from: u32,
    pub to: u32,
    pub block: u32,
    begin: u32,
    end: u32,
}

/// All that can become of the frontiers before a node.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// In the order of the frontiers that they come from.
    pub arcs: Vec<Arc>,
    pays: Vec<Pay>,
    /// Frontiers before the node.
    pub num_frontiers: usize,
}

impl Layer {
    fn add(&mut self, from: u32, to: u32, block: usize, pays: &mut [Pay]) {
        pays.sort_unstable();
        let begin = self.pays.len();
        for &mut (block, amount) in pays {
            match self.pays[begin..].last_mut() {
                Some(pay) if pay.0 == block => pay.1 += amount,
                _ => self.pays.push((block, amount)),
            }
        }
        let [begin, end] = [begin, self.pays.len()].map(narrow);
        self.arcs.push(Arc { from, to, block: narrow(block), begin, end });
    }

    /// What blocks pay for an arc, each block once.
    pub(crate) fn pays(&self, arc: &Arc) -> &[Pay] {
        &self.pays[wide(arc.begin)..wide(arc.end)]
    }
}

/// All frontiers of an order, from the one before the first node to the one after the last.
#[derive(Debug)]
pub(crate) struct Frontiers {
    pub order: TopologicalOrder,
    pub layers: Vec<Layer>,
}

/// What a node has to do with a tensor, in a given order.
#[derive(Clone, Copy, Debug)]
struct Touch {
    /// Where the tensor's word is in the row before and after it; no place when it is always the same.
    slots: [Option<usize>; 2],
    /// The word before it, when it is always that.
    word: u64,
    import: Ticks,
    export: Ticks,
    /// Whether the node makes it; else it reads it.
    is_made: bool,
    /// Where the words of before and after it begin to count blocks.
    bases: [usize; 2],
    /// The first and the last block of readers that come later, if any do.
    rest: Option<(usize, usize)>,
}

/// What is to be known of a tensor on the frontier.
#[derive(Clone, Copy, Debug)]
struct Crossing {
    /// Where it was made; 0 when that does not matter.
    maker: usize,
    /// Whether its maker has paid, if there is one.
    is_exported: bool,
    /// Blocks that have it, besides the maker's.
    holders: u128,
}

impl Crossing {
    fn pack(self, base: usize) -> u64 {
        let holders = u64::try_from(self.holders >> base).unwrap_or(INERT);
        u64::try_from(self.maker).unwrap_or(INERT) | u64::from(self.is_exported) << 7 | holders << 8
    }

    fn unpack(word: u64, base: usize) -> Self {
        let maker = usize::try_from(word & 0x7f).unwrap_or(0);
        Self { maker, is_exported: word >> 7 & 1 == 1, holders: u128::from(word >> 8) << base }
    }
}

impl Touch {
    /// Advances the tensor's word in a row; whether the node can be there.
    fn advance_in(&self, row: &mut [u64], block: usize, pays: &mut Vec<Pay>) -> bool {
        // A place that is given up is as if it had never been used.
        let before = self.slots[0].map_or(self.word, |slot| std::mem::take(&mut row[slot]));
        let Some(after) = self.advance(before, block, pays) else { return false };
        if let Some(slot) = self.slots[1] {
            row[slot] = after;
        }
        true
    }

    /// What becomes of a tensor when the node gets a block, and what is paid; none when it cannot be there.
    fn advance(&self, word: u64, block: usize, pays: &mut Vec<Pay>) -> Option<u64> {
        let is_paid = self.import > 0 || self.export > 0;
        let mut crossing = if self.is_made {
            Crossing { maker: block, is_exported: false, holders: 0 }
        } else if word == INERT {
            return Some(if self.rest.is_some() { INERT } else { 0 });
        } else {
            Crossing::unpack(word, self.bases[0])
        };
        let Crossing { maker, is_exported, holders } = &mut crossing;
        if *maker > block {
            return None;
        }
        if !self.is_made && is_paid && *maker != block && *holders >> block & 1 == 0 {
            pays.push((block, self.import));
            *holders |= 1 << block;
            if *maker != 0 && !*is_exported {
                pays.push((*maker, self.export));
            }
            *is_exported = true;
        }
        let Some((first, last)) = self.rest else { return Some(0) };
        if *maker > last {
            return None;
        }
        if *maker < first {
            if *maker != 0 && is_paid && !*is_exported {
                pays.push((*maker, self.export));
            }
            (*maker, *is_exported) = (0, true);
        }
        let can_be = blocks(first.max(*maker), last);
        let without = can_be & !*holders & !(1 << *maker);
        if without == 0 || !is_paid {
            if *maker <= first {
                return Some(INERT);
            }
            (*is_exported, *holders) = (true, can_be);
        } else if *maker == 0 && first == last {
            pays.push((last, self.import));
            return Some(INERT);
        }
        *holders &= can_be;
        Some(crossing.pack(self.bases[1]))
    }
}

/// Rows of words, each once.
#[derive(Debug, Default)]
struct Rows {
    words: Vec<u64>,
    /// How many there are; a row may be of no words.
    count: usize,
    /// Where rows are in the list, plus one, each from the place on that its hash says.
    places: Vec<u32>,
}

impl Rows {
    /// A row, all of which are so long.
    fn row(&self, index: usize, len: usize) -> &[u64] {
        &self.words[index * len..][..len]
    }

    /// Where a row is in the list, to which it is added when it is new.
    fn enter(&mut self, row: &[u64]) -> u32 {
        if self.places.len() <= 2 * self.count {
            self.places = vec![0; (4 * self.count).next_power_of_two().max(16)];
            for index in 0..self.count {
                let place = self.place(self.row(index, row.len()));
                self.places[place] = narrow(index + 1);
            }
        }
        let place = self.place(row);
        if self.places[place] == 0 {
            self.words.extend_from_slice(row);
            self.count += 1;
            self.places[place] = narrow(self.count);
        }
        self.places[place] - 1
    }

    /// Where a row has its place, or the free one for it.
    fn place(&self, row: &[u64]) -> usize {
        let mask = self.places.len() - 1;
        let mut at = usize::try_from(hash(row)).unwrap_or(0) & mask;
        while self.places[at] > 0 && self.row(wide(self.places[at]) - 1, row.len()) != row {
            at = (at + 1) & mask;
        }
        at
    }
}

/// These blocks as bits.
fn blocks(first: usize, last: usize) -> u128 {
    (1 << (last + 1)) - (1 << first)
}

impl Frontiers {
    /// Works out all frontiers of partitions whose nodes are in their `windows` and whose blocks can pay `room` together.
    ///
    /// # Errors
    /// [`Halt`], when a cap is met or `interrupt` was raised, or when windows are too wide.
    pub(crate) fn new(
        instance: &Instance,
        windows: &Windows,
        order: TopologicalOrder,
        room: Ticks,
        caps: &mut Caps,
        interrupt: &Interrupt,
    ) -> Result<Self, Halt> {
        let (touches, num_slots) = plan(instance, windows, &order).ok_or(Halt::Steps)?;
        let mut layers = Vec::with_capacity(touches.len());
        // Frontiers as rows of words; the least that is paid on the way to each.
        let (mut rows, mut least) = (Rows::default(), vec![0]);
        rows.enter(&vec![0; num_slots]);
        let mut to_come = instance.total_load();
        let (mut row, mut pays) = (Vec::with_capacity(num_slots), Vec::new());
        for (&node, touched) in order.nodes().iter().zip(&touches) {
            to_come -= instance.load(node);
            let mut layer = Layer { num_frontiers: least.len(), ..Layer::default() };
            let (mut next, mut next_least) = (Rows::default(), Vec::new());
            let each =
                STEPS_PER_ARC + STEPS_PER_TOUCH * count(touched.len()).unsigned_abs() + count(num_slots).unsigned_abs();
            for (from, &paid) in least.iter().enumerate() {
                interrupt.check(from)?;
                for block in windows.earliest[node.index()]..=windows.latest[node.index()] {
                    caps.work(each)?;
                    row.clear();
                    row.extend_from_slice(rows.row(from, num_slots));
                    pays.clear();
                    pays.push((block, instance.load(node)));
                    let can_be = touched.iter().all(|touch| touch.advance_in(&mut row, block, &mut pays));
                    let paid = paid + pays.iter().map(|&(_, amount)| amount).sum::<Ticks>();
                    if !can_be || paid + to_come > room {
                        continue;
                    }
                    let to = next.enter(&row);
                    if wide(to) == next_least.len() {
                        next_least.push(paid);
                        if size_of_val(&next.words[..]) > caps.bytes {
                            return Err(Halt::Memory);
                        }
                    }
                    next_least[wide(to)] = paid.min(next_least[wide(to)]);
                    layer.add(narrow(from), to, block, &mut pays);
                }
            }
            caps.take(layer.arcs.len() * size_of::<Arc>() + layer.pays.len() * size_of::<Pay>())?;
            layers.push(layer);
            (rows, least) = (next, next_least);
        }
        Ok(Self { order, layers })
    }

    pub(crate) fn num_arcs(&self) -> usize {
        self.layers.iter().map(|layer| layer.arcs.len()).sum()
    }
}

/// What each node touches, in a given order, and how many tensors lie across a place of it at most; none when windows are too
/// wide.
fn plan(instance: &Instance, windows: &Windows, order: &TopologicalOrder) -> Option<(Vec<Vec<Touch>>, usize)> {
    let graph = instance.graph();
    let mut rest = vec![None; graph.num_tensors()];
    let mut touches = Vec::with_capacity(graph.num_nodes());
    for &node in order.nodes().iter().rev() {
        let made = graph.produces(node).iter().filter(|x| !graph.consumers(**x).is_empty());
        let tensors = made.map(|&x| (x, true)).chain(graph.reads(node).iter().map(|&x| (x, false)));
        let touched_by: Vec<(TensorId, Touch)> = tensors
            .map(|(x, is_made)| {
                let is_free = graph.producer(x).is_none() && !instance.boundary_io();
                let [import, export] = [instance.transfer(x), instance.export(x)].map(|c| if is_free { 0 } else { c });
                (x, Touch { slots: [None; 2], word: 0, import, export, is_made, bases: [0; 2], rest: rest[x.index()] })
            })
            .collect();
        let window = (windows.earliest[node.index()], windows.latest[node.index()]);
        for &x in graph.reads(node) {
            let (first, last) = rest[x.index()].unwrap_or(window);
            rest[x.index()] = Some((first.min(window.0), last.max(window.1)));
        }
        touches.push(touched_by);
    }
    touches.reverse();
    let num_slots = give_slots(instance, windows, order, &mut touches)?;
    Some((
        touches.into_iter().map(|touched| touched.into_iter().map(|(_, touch)| touch).collect()).collect(),
        num_slots,
    ))
}

/// Gives each tensor a slot from its first touch to its last, but for where its word is always the same.
fn give_slots(
    instance: &Instance,
    windows: &Windows,
    order: &TopologicalOrder,
    touches: &mut [Vec<(TensorId, Touch)>],
) -> Option<usize> {
    let (mut free, mut num_slots, mut pays) = (Vec::new(), 0, Vec::new());
    // Per tensor: the words that it can have, none when they are many; where they begin to count blocks; its slot.
    let mut places = vec![(Some(vec![0]), 0, None); instance.graph().num_tensors()];
    for (&node, touched) in order.nodes().iter().zip(touches) {
        let mut given_up = Vec::new();
        for (x, touch) in touched.iter_mut() {
            let (words, base, slot) = &mut places[x.index()];
            if touch.rest.is_some_and(|(first, last)| last >= first + MAX_SPAN) {
                return None;
            }
            touch.bases = [*base, touch.rest.map_or(0, |(first, _)| first)];
            touch.slots[0] = *slot;
            touch.word = words.as_ref().map_or(0, |words| words[0]);
            *words = words.take().and_then(|words| {
                let blocks = windows.earliest[node.index()]..=windows.latest[node.index()];
                let pairs = words.iter().flat_map(|&word| blocks.clone().map(move |block| (word, block)));
                let mut after: Vec<u64> =
                    pairs.filter_map(|(word, block)| touch.advance(word, block, &mut pays)).collect();
                pays.clear();
                after.sort_unstable();
                after.dedup();
                (1..=MAX_WORDS).contains(&after.len()).then_some(after)
            });
            if touch.rest.is_none() {
                *words = Some(vec![0]);
            }
            *base = touch.bases[1];
            if words.as_ref().is_some_and(|words| words.len() == 1) {
                given_up.extend(slot.take());
            } else if slot.is_none() {
                *slot = free.pop().or_else(|| {
                    num_slots += 1;
                    Some(num_slots - 1)
                });
            }
            touch.slots[1] = *slot;
        }
        free.append(&mut given_up);
    }
    Some(num_slots)
}

#[cfg(test)]
mod tests {
    use std::sync;

    use super::*;
    use crate::cost::Device;
    use crate::graph::GraphBuilder;
    use crate::ids::NodeId;

    /// Rows of nodes beside each other, from one node to another.
    fn branches(num_branches: usize) -> Instance {
        let mut builder = GraphBuilder::default();
        let (first, last) = (builder.add_node(1.0), builder.add_node(1.0));
        let ends = |branch: &[NodeId]| [branch[0], branch[branch.len() - 1]];
        let rows: Vec<Vec<NodeId>> =
            (0..num_branches).map(|_| (0..6).map(|_| builder.add_node(1.0)).collect()).collect();
        let firsts: Vec<NodeId> = rows.iter().map(|row| ends(row)[0]).collect();
        builder.add_tensor(Some(first), 1, &firsts);
        for row in &rows {
            for pair in row.windows(2) {
                builder.add_tensor(Some(pair[0]), 1, &[pair[1]]);
            }
            builder.add_tensor(Some(ends(row)[1]), 1, &[last]);
        }
        let graph = sync::Arc::new(builder.freeze().expect("rows"));
        Instance::new(graph, &Device::with_bandwidth(1.0), 3, false).expect("small numbers")
    }

    #[test]
    fn branches_add_up() {
        let num_arcs = |num_branches: usize| {
            let instance = branches(num_branches);
            let (graph, room) = (instance.graph(), 100 * instance.total_load());
            let (mut windows, order) = (Windows::all(graph.num_nodes(), 3), TopologicalOrder::post_order(graph));
            (windows.latest[0], windows.earliest[1]) = (1, 3);
            let mut caps = Caps::new(1 << 26, u64::MAX);
            let frontiers = Frontiers::new(&instance, &windows, order, room, &mut caps, &Interrupt::never());
            frontiers.expect("no cap").num_arcs()
        };
        let [four, eight, twelve] = [4, 8, 12].map(num_arcs);
        assert_eq!(eight - four, twelve - eight);
    }

    #[test]
    fn words_keep_what_they_are_of() {
        for base in [0, 1, 9] {
            for maker in [0, 1, 64] {
                let holders = blocks(base.max(1), base + MAX_SPAN - 1);
                let word = Crossing { maker, is_exported: true, holders }.pack(base);
                let crossing = Crossing::unpack(word, base);
                assert!(
                    word != INERT && crossing.maker == maker && crossing.is_exported && crossing.holders == holders
                );
            }
        }
    }
}
