//! The stages of a pipeline in the downset DP: the costs of blocks, and the nodes that a stage may not hold.
//!
//! **Claim.** Let an earlier stage `a` be able to hold every block that stage `b` can hold below a threshold. Then no block of stage
//! `b` to a downset of level `b` begins in a level before `a`.
//!
//! **Proof.** Stage `a` could hold this block, so the first `a` stages would reach the downset; but the first `b` stages reach a
//! downset of level `b`, and no fewer do. ∎
//!
//! So the origins of level `b` are in the levels from `a` on, for the last such stage `a`: with equal stages, in the newest level.
//! The same holds from the other end, mirrored.

use std::collections::HashMap;
use std::sync::Arc;

use super::list::{Boundary, Downsets, Live};
use super::prices::Prices;
use crate::bits::{has, insert, nothing, numbers};
use crate::cost::{Held, Instance, Ticks, View};
use crate::ids::{NodeId, TensorId, narrow, wide};

/// Stages of more classes are compared for equality only.
const MAX_COMPARED: usize = 64;

/// All stages of an instance, by classes of equal ones.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    instance: &'a Instance,
    /// By kind.
    prices: Vec<Arc<Prices>>,
    /// Stages that are alike.
    classes: Vec<Class>,
    /// The class of each stage; empty when all are of one.
    class_of: Vec<u32>,
    /// By stage, the kinds of those after it, as bits; empty when all are alike.
    later: Vec<u64>,
    /// By class, the classes that are at least as good.
    as_good: Vec<Vec<usize>>,
    /// Whether the cost or the limits of a block depend on shared parameters, state or live tensors, beyond the sums at both ends.
    has_shared: bool,
    has_look: bool,
}

#[derive(Debug)]
struct Class {
    kind: usize,
    /// Nodes that it may not hold; empty when it may hold all.
    forbidden: Vec<u64>,
    /// Its stages, ascending; empty when all are of this class.
    stages: Vec<usize>,
}

/// One stage, or a kind of device by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage<'a> {
    pub view: View<'a>,
    pub(super) prices: &'a Prices,
    pub(super) forbidden: &'a [u64],
    has_shared: bool,
    has_look: bool,
    instance: &'a Instance,
}

impl<'a> Stages<'a> {
    /// # Complexity
    /// O((nodes + tensors) kinds), and O(nodes stages) where stages are not all alike.
    pub(crate) fn new(instance: &'a Instance) -> Self {
        let graph = instance.graph();
        let (mut classes, mut class_of) = (Vec::new(), Vec::new());
        if instance.is_uniform() {
            classes.push(Class { kind: 0, forbidden: Vec::new(), stages: Vec::new() });
        } else {
            let mut met: HashMap<(usize, Vec<u64>), usize> = HashMap::new();
            for stage in 0..instance.num_blocks() {
                let (kind, forbidden) = (instance.kind_of(stage), forbidden(instance, stage));
                let class = *met.entry((kind, forbidden)).or_insert_with_key(|(kind, forbidden)| {
                    classes.push(Class { kind: *kind, forbidden: forbidden.clone(), stages: Vec::new() });
                    classes.len() - 1
                });
                classes[class].stages.push(stage);
                class_of.push(narrow(class));
            }
        }
        let mut later = vec![0; class_of.len()];
        for stage in (1..class_of.len()).rev() {
            later[stage - 1] = later[stage] | 1 << instance.kind_of(stage);
        }
        let views: Vec<View<'_>> = instance.views().collect();
        let is_limited = views.iter().any(|view| view.memory_limit().is_some());
        let has_state = views.iter().any(|view| view.state_limit().is_some());
        let is_as_good = |one: &Class, other: &Class| is_class_as_good(instance, one, other);
        let as_good = (0..classes.len())
            .map(|class| {
                let all = 0..classes.len();
                let others = all.filter(|_| classes.len() <= MAX_COMPARED);
                let better = others.filter(|&other| other != class && is_as_good(&classes[other], &classes[class]));
                std::iter::once(class).chain(better).collect()
            })
            .collect();
        Self {
            prices: views.iter().map(|&view| Arc::new(Prices::new(instance, view))).collect(),
            classes,
            class_of,
            later,
            as_good,
            has_shared: graph.num_params() > 0 && !instance.is_free_of_memory(),
            has_look: has_state || (is_limited && graph.nodes().any(|v| graph.live_bytes(v) > 0)),
            instance,
        }
    }

    fn class(&self, stage: usize) -> usize {
        self.class_of.get(stage).map_or(0, |&class| wide(class))
    }

    /// Whether all stages are alike.
    pub(super) fn are_alike(&self) -> bool {
        self.class_of.is_empty()
    }

    /// The prices on a kind of device.
    pub(super) fn prices(&self, kind: usize) -> &Arc<Prices> {
        &self.prices[kind]
    }

    /// The prices on each kind of the stages after one.
    pub(super) fn prices_after(&self, stage: usize) -> Vec<Arc<Prices>> {
        let kinds = self.later.get(stage).copied().unwrap_or(1);
        let kinds = (0..self.prices.len()).filter(|&kind| kinds >> kind & 1 == 1);
        kinds.map(|kind| Arc::clone(&self.prices[kind])).collect()
    }

    /// A stage, from 0.
    pub(crate) fn on(&self, stage: usize) -> Stage<'_> {
        let Class { kind, forbidden, .. } = &self.classes[self.class(stage)];
        Stage { forbidden, ..self.kind(*kind) }
    }

    /// A kind of device, whatever its stages may hold.
    pub(crate) fn kind(&self, kind: usize) -> Stage<'_> {
        Stage {
            view: self.instance.view(kind),
            prices: &self.prices[kind],
            forbidden: &[],
            has_shared: self.has_shared,
            has_look: self.has_look,
            instance: self.instance,
        }
    }

    /// The last level up to `most`, from 1, whose stage is at least as good as that of a level; 0 when there is none. Level `b`
    /// is stage `b` from the front (side 0), or from the back.
    pub(super) fn as_good(&self, side: usize, level: usize, most: usize) -> usize {
        if self.are_alike() {
            return most;
        }
        let num_stages = self.class_of.len();
        let stage = if side == 0 { level - 1 } else { num_stages - level };
        let levels = self.as_good[self.class(stage)].iter().filter_map(|&class| {
            let stages = &self.classes[class].stages;
            if side == 0 {
                let place = stages.partition_point(|&stage| stage < most);
                Some(1 + stages[place.checked_sub(1)?])
            } else {
                let place = stages.partition_point(|&stage| stage + most < num_stages);
                stages.get(place).map(|stage| num_stages - stage)
            }
        });
        levels.max().unwrap_or(0)
    }
}

/// The nodes that a stage may not hold; nothing when it may hold all.
fn forbidden(instance: &Instance, stage: usize) -> Vec<u64> {
    let graph = instance.graph();
    let mut forbidden = Vec::new();
    for v in graph.nodes().filter(|&v| !instance.may_be(v, stage)) {
        if forbidden.is_empty() {
            forbidden = nothing(graph.num_nodes());
        }
        insert(&mut forbidden, v.index());
    }
    forbidden
}

/// Whether stages of a class can hold all blocks that those of another can, at no more.
fn is_class_as_good(instance: &Instance, one: &Class, other: &Class) -> bool {
    let is_free = |node: usize| !other.forbidden.is_empty() && has(&other.forbidden, node);
    let missing = numbers(&one.forbidden);
    { missing }.all(is_free) && is_kind_as_good(instance, one.kind, other.kind, &is_free)
}

/// Whether no block costs more on one kind than on another; nodes for which `is_free` holds are in none.
fn is_kind_as_good(instance: &Instance, one: usize, other: usize, is_free: &dyn Fn(usize) -> bool) -> bool {
    if one == other {
        return true;
    }
    let (one, other, graph) = (instance.view(one), instance.view(other), instance.graph());
    let is_below = |one: &[Ticks], other: &[Ticks]| {
        one.iter().zip(other).enumerate().all(|(index, (one, other))| one <= other || is_free(index))
    };
    let has_room =
        |one: Option<u64>, other: Option<u64>| one.is_none_or(|limit| other.is_some_and(|other| limit >= other));
    let are_all = |is_true: &dyn Fn(TensorId) -> bool| graph.tensors().all(is_true);
    (one.is_overlap() || !other.is_overlap())
        && is_below(one.works(), other.works())
        && is_below(one.params(), other.params())
        && one.memory() >= other.memory()
        && has_room(one.memory_limit(), other.memory_limit())
        && has_room(one.state_limit(), other.state_limit())
        && are_all(&|x| one.transfer(x) <= other.transfer(x) && one.stored(x) <= other.stored(x))
}

impl Stage<'_> {
    /// The sums of all downsets of a list on the stage's device.
    pub(crate) fn boundaries(&self, downsets: &Downsets) -> Vec<Boundary> {
        let of = |index: usize| {
            let bytes = downsets.boundaries[index].bytes;
            self.prices.boundary(downsets.words(index), downsets.live(index), bytes)
        };
        (0..downsets.len()).map(of).collect()
    }

    /// Whether the cost of a block depends on more than the sums at both ends.
    pub(super) fn has_look(&self) -> bool {
        self.has_shared || self.has_look || self.instance.is_relay()
    }

    /// Whether the stage may hold a node.
    pub(super) fn may_hold(&self, node: usize) -> bool {
        self.forbidden.is_empty() || !has(self.forbidden, node)
    }

    /// Whether a block costs a sum of the loads and the transfers of its nodes, whatever these store.
    pub(super) fn is_sum(&self) -> bool {
        !self.view.is_overlap() && self.view.is_free_of_memory()
    }

    /// The nodes that the stage may not hold and a downset lacks; none where it may hold all.
    pub(super) fn forbidden_without(&self, words: &[u64]) -> Option<Vec<u64>> {
        let lacks = || self.forbidden.iter().zip(words).map(|(forbidden, word)| forbidden & !word).collect();
        (!self.forbidden.is_empty()).then(lacks)
    }

    /// The nodes that the stage may not hold and all downsets of a list from a place on lack, or have.
    pub(super) fn forbidden_beyond(&self, downsets: &Downsets, begin: usize, is_lack: bool) -> Option<Vec<u64>> {
        let mut beyond = (!self.forbidden.is_empty()).then(|| self.forbidden.to_vec())?;
        for index in begin..downsets.len() {
            let words = downsets.words(index);
            beyond.iter_mut().zip(words).for_each(|(left, word)| *left &= if is_lack { !word } else { *word });
        }
        Some(beyond)
    }

    /// Whether the block between two downsets has a node that the stage may not hold.
    pub(super) fn is_forbidden(&self, from: &[u64], to: &[u64]) -> bool {
        let words = from.iter().zip(to).zip(self.forbidden);
        { words }.any(|((inner, outer), forbidden)| outer & !inner & forbidden != 0)
    }

    /// What blocks may add to the sums at both ends because they read parameters that the blocks before them read too: ticks
    /// and bytes.
    pub(super) fn again(&self, mut before: &[Live], mut after: &[Live]) -> (Ticks, u64) {
        let (mut params, mut bytes) = (0, 0);
        if !self.has_shared {
            return (params, bytes);
        }
        while let Some((&(x, readers), rest)) = before.split_first() {
            before = rest;
            let tensor = TensorId::new(wide(x));
            after = &after[after.partition_point(|&(y, _)| y < x)..];
            let more = after.first().filter(|&&(y, _)| y == x).map(|&(_, readers)| readers);
            if readers > 0 && more != Some(readers) {
                params += self.view.stored(tensor);
                bytes += self.instance.graph().stored(tensor);
            }
        }
        (params, bytes)
    }

    /// Whether the block between two downsets, which stores so many bytes, is within the limits.
    pub(super) fn is_within(&self, from: &[u64], to: &[u64], bytes: u64) -> bool {
        let mut held = Held { bytes, ..Default::default() };
        if self.has_look {
            let graph = self.instance.graph();
            let words = from.iter().zip(to).map(|(inner, outer)| outer & !inner);
            for (word, mut left) in words.enumerate() {
                while left != 0 {
                    let v = NodeId::new(64 * word + wide(left.trailing_zeros()));
                    held.state += graph.state_bytes(v);
                    held.live = held.live.max(graph.live_bytes(v));
                    left &= left - 1;
                }
            }
        }
        !self.view.is_over_limit(&held)
    }
}
