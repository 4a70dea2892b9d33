//! What a slice stores beside each node's own parameters: parameters of several readers, state, and live tensors.
//!
//! A parameter of several readers is stored where a model input would be imported: by the slice in which exactly one reader
//! has the reader before it at an earlier position. State adds up. Of live tensors a slice holds the most at one of its
//! positions.

use super::peaks::Peaks;
use super::sum::SliceSum;
use crate::cost::{Instance, Ticks, View};
use crate::ids::{NodeId, narrow, wide};
use crate::order::TopologicalOrder;

/// `next` of a store with no later reader.
const NEVER: u32 = u32::MAX;

/// Up to a position, from the first.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    state: u64,
    stores_end: u32,
}

/// A parameter of several readers, seen from one of them.
#[derive(Clone, Copy, Debug)]
struct Store {
    params: Ticks,
    bytes: u64,
    /// One more than the position of the reader before; 0 without one.
    previous: u32,
    /// The next reader, or [`NEVER`].
    next: u32,
}

/// By parameter, where the walk that fills the arrays met it last: one more than the position, and the store.
type Trail = (u32, u32);

/// Of the slices of one order on one kind of device.
#[derive(Clone, Debug)]
pub(super) struct Extras<'a> {
    instance: &'a Instance,
    view: View<'a>,
    /// One more than there are positions.
    places: Vec<Place>,
    stores: Vec<Store>,
    trails: Vec<Trail>,
    /// Of live tensors; none where these are not limited.
    peaks: Option<Peaks>,
}

impl<'a> Extras<'a> {
    /// None where there is no such thing, or nothing that it costs.
    pub(super) fn new(instance: &'a Instance, view: View<'a>) -> Option<Self> {
        let graph = instance.graph();
        let has_live = view.memory_limit().is_some() && graph.nodes().any(|v| graph.live_bytes(v) > 0);
        let has_state = || graph.nodes().any(|v| graph.state_bytes(v) > 0);
        let has_extras = has_live || (!view.is_free_of_memory() && (graph.num_params() > 0 || has_state()));
        has_extras.then(|| Self {
            instance,
            view,
            places: Vec::new(),
            stores: Vec::new(),
            trails: Vec::new(),
            peaks: has_live.then(Peaks::default),
        })
    }

    /// Takes the order whose slices are asked about next.
    pub(super) fn load(&mut self, order: &TopologicalOrder) {
        let graph = self.instance.graph();
        self.places.clear();
        self.places.push(Place::default());
        self.stores.clear();
        self.trails.clear();
        self.trails.resize(graph.num_params(), (0, 0));
        for (position, &node) in order.nodes().iter().enumerate() {
            self.append(narrow(position) + 1, node);
        }
        if let Some(peaks) = &mut self.peaks {
            peaks.load(order.nodes().iter().map(|&node| graph.live_bytes(node)));
        }
    }

    /// Appends a node at a position that counts from one.
    fn append(&mut self, position: u32, node: NodeId) {
        let graph = self.instance.graph();
        let first = graph.num_tensors() - graph.num_params();
        for &tensor in graph.reads(node).iter().filter(|x| x.index() >= first) {
            let trail = &mut self.trails[tensor.index() - first];
            let (previous, store) = std::mem::replace(trail, (position, narrow(self.stores.len())));
            if previous > 0 {
                self.stores[wide(store)].next = position - 1;
            }
            let (params, bytes) = (self.view.stored(tensor), graph.stored(tensor));
            self.stores.push(Store { params, bytes, previous, next: NEVER });
        }
        let state = self.places[wide(position) - 1].state + graph.state_bytes(node);
        self.places.push(Place { state, stores_end: narrow(self.stores.len()) });
    }

    /// Whether the slice is above a limit.
    #[inline(never)]
    pub(super) fn is_over(&self, slice: &SliceSum) -> bool {
        let (start, end) = (slice.start(), slice.end());
        let state = self.places[end].state - self.places[start].state;
        let live = self.peaks.as_ref().map_or(0, |peaks| peaks.most(start, end));
        self.view.is_over_limit(&slice.held(state, live))
    }

    /// By how much the parameters of `[start, end + 1)` are more than those of `[start, end)`, beside the node's own, in ticks
    /// and bytes.
    #[inline(never)]
    pub(super) fn back(&self, start: usize, end: usize) -> (Ticks, u64) {
        self.only(end, |store| wide(store.previous) <= start)
    }

    /// By how much those of `[start, end)` are more than those of `[start + 1, end)`, likewise.
    #[inline(never)]
    pub(super) fn front(&self, start: usize, end: usize) -> (Ticks, u64) {
        self.only(start, |store| wide(store.next) >= end)
    }

    /// Of the parameters that a position reads those that no other position in the slice does.
    fn only(&self, position: usize, is_only: impl Fn(&&Store) -> bool) -> (Ticks, u64) {
        let [first, last] = [position, position + 1].map(|place| wide(self.places[place].stores_end));
        let stores = self.stores[first..last].iter().filter(is_only);
        stores.fold((0, 0), |sum, store| (sum.0 + store.params, sum.1 + store.bytes))
    }
}
