//! Slice costs of one order, kept up to date in O(degree) while either end of the slice moves.
//!
//! In an order, a tensor `x` read at positions `r1 < r2 < …` and produced at `p < r1` is paid by a slice `[a, b)`
//! - on import, when a consumer stands in the slice and the producer does not: that is, when exactly one consumer `r`
//!   in the slice has the consumer (or producer) before it at a position below `a`;
//! - on export, when `a <= p < b` and the last consumer stands at `b` or later.
//!
//! So each read needs only the position before it, each position the next one, and each producer the last.
//!
//! Where tensors are handed on from stage to stage, a slice pays for all that is live before it and after it, whatever is inside.

use super::extras::Extras;
use super::sum::SliceSum;
use crate::cost::{INFINITE, Instance, Ticks, View};
use crate::ids::{NodeId, narrow, wide};
use crate::order::TopologicalOrder;

/// `next` of a link with no later consumer.
const NEVER: u32 = u32::MAX;

/// What the node at a position pays by itself, and where its reads and links end.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    work: Ticks,
    params: Ticks,
    bytes: u64,
    /// All tensors read here.
    reads: Ticks,
    /// All tensors made here that are read later or returned.
    makes: Ticks,
    reads_end: u32,
    links_end: u32,
}

/// A tensor seen from a position that reads it. Positions are one higher, so that 0 is none.
#[derive(Clone, Copy, Debug)]
struct Read {
    transfer: Ticks,
    /// The consumer or producer before; none for the first consumer of a model input.
    previous: u32,
    /// The producer, at the last consumer of a tensor that is not returned; else none.
    closes: u32,
}

/// A tensor seen from a position that makes or reads it.
#[derive(Clone, Copy, Debug)]
struct Link {
    transfer: Ticks,
    /// The next consumer, or [`NEVER`].
    next: u32,
    /// At the producer: one more than the last consumer, [`NEVER`] if the tensor is returned; at a consumer: 0.
    last: u32,
}

/// Per tensor, where the walk that fills the arrays met it last.
#[derive(Clone, Copy, Debug, Default)]
struct Trail {
    /// One more than the position of the last touch; 0 before the first.
    touched: u32,
    producer: u32,
    producer_link: u32,
    open_link: u32,
    last_read: u32,
}

/// The costs of all slices of one order at a time on one kind of device, with buffers that are kept from one order to the
/// next.
#[derive(Clone, Debug)]
pub struct SliceCosts<'a> {
    instance: &'a Instance,
    view: View<'a>,
    /// Of the view: what inner loops ask for.
    memory: Ticks,
    limit: u64,
    is_overlap: bool,
    places: Vec<Place>,
    reads: Vec<Read>,
    links: Vec<Link>,
    trails: Vec<Trail>,
    /// What is stored beside each node's own parameters.
    extras: Option<Extras<'a>>,
    /// By boundary, what tensors take that are made before it and read after it; empty where these are not handed on.
    live: Vec<Ticks>,
}

impl<'a> SliceCosts<'a> {
    /// Buffers for a kind of an instance; [`load`](Self::load) an order before anything else.
    #[must_use]
    pub fn new(instance: &'a Instance, kind: usize) -> Self {
        let (num_made, num_read) = instance.num_paid();
        let (graph, view) = (instance.graph(), instance.view(kind));
        Self {
            instance,
            view,
            memory: view.memory(),
            limit: view.memory_limit().unwrap_or(u64::MAX),
            is_overlap: view.is_overlap(),
            places: Vec::with_capacity(graph.num_nodes()),
            reads: Vec::with_capacity(num_read),
            links: Vec::with_capacity(num_made + num_read),
            trails: vec![Trail::default(); graph.num_tensors()],
            extras: Extras::new(instance, view),
            live: Vec::new(),
        }
    }

    /// Takes the order whose slices are asked about next.
    ///
    /// # Complexity
    /// O(nodes + reads), and O(nodes log nodes) where live tensors are limited.
    pub fn load(&mut self, order: &TopologicalOrder) {
        self.places.clear();
        self.reads.clear();
        self.links.clear();
        self.trails.fill(Trail::default());
        for (position, &node) in order.nodes().iter().enumerate() {
            self.append(narrow(position) + 1, node);
        }
        self.close_last_reads(order);
        if let Some(extras) = &mut self.extras {
            extras.load(order);
        }
        if self.instance.is_relay() {
            self.find_live(order);
        }
    }

    /// Adds up what is live at each boundary.
    fn find_live(&mut self, order: &TopologicalOrder) {
        self.live.clear();
        self.live.resize(order.nodes().len() + 1, 0);
        for &tensor in order.nodes().iter().flat_map(|&node| self.instance.paid_produces(node)) {
            // Both ends count from one: the boundary before the last reader is one less.
            let (transfer, trail) = (self.view.transfer(tensor), self.trails[tensor.index()]);
            self.live[wide(trail.producer)] += transfer;
            self.live[wide(trail.touched)] -= transfer;
        }
        for boundary in 1..self.live.len() {
            self.live[boundary] += self.live[boundary - 1];
        }
    }

    /// Appends a node at a position that counts from one.
    fn append(&mut self, position: u32, node: NodeId) {
        let (instance, graph, transfers) = (self.instance, self.instance.graph(), self.view.transfers());
        let mut place = Place {
            work: self.view.works()[node.index()],
            params: self.view.params()[node.index()],
            bytes: graph.param_bytes(node) + graph.state_bytes(node),
            ..Place::default()
        };
        for &tensor in instance.paid_reads(node) {
            let transfer = transfers[tensor.index()];
            let trail = &mut self.trails[tensor.index()];
            place.reads += transfer;
            if trail.touched > 0 {
                self.links[wide(trail.open_link)].next = position - 1;
            }
            trail.last_read = narrow(self.reads.len());
            trail.open_link = narrow(self.links.len());
            self.reads.push(Read { transfer, previous: trail.touched, closes: 0 });
            self.links.push(Link { transfer, next: NEVER, last: 0 });
            trail.touched = position;
        }
        for &tensor in instance.paid_produces(node) {
            let transfer = transfers[tensor.index()];
            let link = narrow(self.links.len());
            place.makes += transfer;
            self.links.push(Link { transfer, next: NEVER, last: NEVER });
            self.trails[tensor.index()] =
                Trail { touched: position, producer: position, producer_link: link, open_link: link, last_read: NEVER };
        }
        place.reads_end = narrow(self.reads.len());
        place.links_end = narrow(self.links.len());
        self.places.push(place);
    }

    /// Tells each producer its tensor's last consumer and that consumer the producer, unless the model returns the tensor.
    fn close_last_reads(&mut self, order: &TopologicalOrder) {
        let (instance, graph) = (self.instance, self.instance.graph());
        for &tensor in order.nodes().iter().flat_map(|&node| instance.paid_produces(node)) {
            let trail = self.trails[tensor.index()];
            if trail.last_read != NEVER && !(instance.boundary_io() && graph.is_output(tensor)) {
                self.links[wide(trail.producer_link)].last = trail.touched;
                self.reads[wide(trail.last_read)].closes = trail.producer;
            }
        }
    }

    /// The number of positions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no order was loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Work of the node at a position.
    pub(super) fn work_at(&self, position: usize) -> Ticks {
        self.places[position].work
    }

    /// Moves and costs of slices of the order.
    #[must_use]
    pub fn slices(&self) -> Slices<'_, true> {
        Slices(self)
    }

    /// The same where [`is_simple`](Self::is_simple) holds, without asking for what there is not.
    pub(super) fn simple_slices(&self) -> Slices<'_, false> {
        debug_assert!(self.is_simple());
        Slices(self)
    }

    /// Whether costs are sums, no tensor is handed on, and all that is stored is what each node stores by itself.
    pub(super) fn is_simple(&self) -> bool {
        !self.is_overlap && self.extras.is_none() && !self.instance.is_relay()
    }

    fn reads_at(&self, position: usize) -> &[Read] {
        let first = if position == 0 { 0 } else { self.places[position - 1].reads_end };
        &self.reads[wide(first)..wide(self.places[position].reads_end)]
    }

    fn links_at(&self, position: usize) -> &[Link] {
        let first = if position == 0 { 0 } else { self.places[position - 1].links_end };
        &self.links[wide(first)..wide(self.places[position].links_end)]
    }
}

/// Moves and costs of slices: of any, or of those that are sums of what each node stores by itself.
#[derive(Clone, Copy, Debug)]
pub struct Slices<'c, const ANY: bool>(&'c SliceCosts<'c>);

impl<'c, const ANY: bool> Slices<'c, ANY> {
    /// The slice's cost without io; infinite above a limit. It never falls when the slice grows.
    #[must_use]
    #[inline]
    pub fn cost_without_io(self, slice: &SliceSum) -> Ticks {
        let is_over = slice.bytes > self.0.limit || self.extras().is_some_and(|extras| extras.is_over(slice));
        if is_over { INFINITE } else { slice.work + (slice.params - self.0.memory).max(0) }
    }

    fn extras(self) -> Option<&'c Extras<'c>> {
        if ANY { self.0.extras.as_ref() } else { None }
    }

    /// The slice's cost without `io_out`. It never falls when the slice grows at its end (at its start it may: a
    /// producer that joins saves an import).
    #[must_use]
    pub fn cost_without_exports(self, slice: &SliceSum) -> Ticks {
        self.cost_with_io(slice, slice.io_in)
    }

    /// The slice's cost without `io_in`. It never falls when the slice grows at its start (at its end it may: a last
    /// consumer that joins saves an export).
    #[must_use]
    pub fn cost_without_imports(self, slice: &SliceSum) -> Ticks {
        self.cost_with_io(slice, slice.io_out)
    }

    /// The slice's cost; infinite above a limit.
    #[must_use]
    #[inline]
    pub fn cost(self, slice: &SliceSum) -> Ticks {
        self.cost_with_io(slice, slice.io())
    }

    /// What the slice would cost with other io.
    #[inline]
    pub(super) fn cost_with_io(self, slice: &SliceSum, io: Ticks) -> Ticks {
        let cost = self.cost_without_io(slice);
        if ANY && self.0.is_overlap { cost.max(io) } else { cost.saturating_add(io) }
    }

    /// Grows the slice by the position after its end.
    #[inline]
    pub fn push_back(self, slice: &mut SliceSum) {
        let place = &self.0.places[slice.end];
        slice.work += place.work;
        slice.params += place.params;
        slice.bytes += place.bytes;
        slice.io_out += place.makes;
        for read in self.0.reads_at(slice.end) {
            // Positions in `Read` count from one: a position below `start` is at most `start`.
            slice.io_in += if wide(read.previous) <= slice.start { read.transfer } else { 0 };
            slice.io_out -= if wide(read.closes) > slice.start { read.transfer } else { 0 };
        }
        if let Some(extras) = self.extras() {
            let (params, bytes) = extras.back(slice.start, slice.end);
            slice.params += params;
            slice.bytes += bytes;
        }
        slice.end += 1;
        self.hand_on(slice);
    }

    /// Shrinks the slice by its first position.
    #[inline]
    pub fn pop_front(self, slice: &mut SliceSum) {
        let place = &self.0.places[slice.start];
        slice.work -= place.work;
        slice.params -= place.params;
        slice.bytes -= place.bytes;
        let (io_in, io_out) = self.front_io(slice.start, slice.end);
        slice.io_in -= io_in;
        slice.io_out -= io_out;
        if let Some(extras) = self.extras() {
            let (params, bytes) = extras.front(slice.start, slice.end);
            slice.params -= params;
            slice.bytes -= bytes;
        }
        slice.start += 1;
        self.hand_on(slice);
    }

    /// Grows the slice by the position before its start.
    #[inline]
    pub fn push_front(self, slice: &mut SliceSum) {
        slice.start -= 1;
        let place = &self.0.places[slice.start];
        slice.work += place.work;
        slice.params += place.params;
        slice.bytes += place.bytes;
        let (io_in, io_out) = self.front_io(slice.start, slice.end);
        slice.io_in += io_in;
        slice.io_out += io_out;
        if let Some(extras) = self.extras() {
            let (params, bytes) = extras.front(slice.start, slice.end);
            slice.params += params;
            slice.bytes += bytes;
        }
        self.hand_on(slice);
    }

    /// Where tensors are handed on, a slice pays for all that is live at its ends.
    #[inline]
    fn hand_on(self, slice: &mut SliceSum) {
        if ANY && !self.0.live.is_empty() {
            let is_empty = slice.start == slice.end;
            let at = |boundary: usize| if is_empty { 0 } else { self.0.live[boundary] };
            (slice.io_in, slice.io_out) = (at(slice.start), at(slice.end));
        }
    }

    /// By how much io of `[start, end)` is above that of `[start + 1, end)`.
    #[inline]
    fn front_io(self, start: usize, end: usize) -> (Ticks, Ticks) {
        let (mut io_in, mut io_out) = (self.0.places[start].reads, 0);
        for link in self.0.links_at(start) {
            io_in -= if wide(link.next) < end { link.transfer } else { 0 };
            io_out += if wide(link.last) > end { link.transfer } else { 0 };
        }
        (io_in, io_out)
    }
}
