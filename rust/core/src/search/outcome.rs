//! How far a search is, and what it ends with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use rayon::ThreadPoolBuilder;

use super::fit::fitted;
use crate::cost::{INFINITE, Instance, Ticks, bottleneck, partition_costs};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::order::TopologicalOrder;
use crate::slice::Slicing;

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchProgress {
    /// Rounds completed: of the genetic search, generations after the first.
    pub rounds: u64,
    /// Candidates looked at: orders that were sliced, and moves that were tried.
    pub evaluations: u64,
    /// The best bottleneck so far; [`INFINITE`] while every partition breaks a limit.
    pub bottleneck: Ticks,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The block of every node; of no meaning at infinite cost, when no partition within the limits was found.
    pub block_of: Vec<usize>,
    /// How far the search came.
    pub progress: SearchProgress,
    /// Whether it was interrupted, rather than done.
    pub is_interrupted: bool,
}

/// What is asked of a search, besides its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// It decides the answer, and `threads` does not.
    pub seed: u64,
    /// Worker threads.
    pub threads: usize,
    /// A bound that nothing can beat: a bottleneck that reaches it ends the search.
    pub target: Ticks,
    /// A partition that is known, by node: the search begins with it as its best one.
    pub start: Option<&'a [usize]>,
}

/// Is told how far a search is, and says whether to go on.
pub type Observe<'a> = &'a mut (dyn FnMut(SearchProgress) -> ControlFlow<()> + Send);

/// The best partition so far, the counts, and when to end.
pub(super) struct Incumbent<'a> {
    instance: &'a Instance,
    block_of: Vec<usize>,
    pub(super) progress: SearchProgress,
    /// The bottleneck of the partition that the search began with; [`INFINITE`] without one.
    start: Ticks,
    target: Ticks,
    interrupt: &'a Interrupt,
    observe: Observe<'a>,
}

impl<'a> Incumbent<'a> {
    /// All nodes in block 0, at infinite cost.
    fn new(instance: &'a Instance, target: Ticks, interrupt: &'a Interrupt, observe: Observe<'a>) -> Self {
        let progress = SearchProgress { rounds: 0, evaluations: 0, bottleneck: INFINITE };
        let block_of = vec![0; instance.graph().num_nodes()];
        Self { instance, block_of, progress, start: INFINITE, target, interrupt, observe }
    }

    pub(super) fn block_of(&self) -> &[usize] {
        &self.block_of
    }

    /// Takes the partition that is the first one, whatever it costs.
    fn begin_with(&mut self, block_of: Vec<usize>) {
        self.progress.bottleneck = bottleneck(&partition_costs(self.instance, &block_of));
        self.block_of = block_of;
    }

    /// Takes the partition that the search begins with; its blocks are numbered anew where some are empty and stages alike.
    fn begin_at(&mut self, start: &[usize]) {
        let used: BTreeSet<usize> = start.iter().copied().collect();
        let number: BTreeMap<usize, usize> = used.into_iter().zip(0..).collect();
        let is_uniform = self.instance.is_uniform();
        let block_of: Vec<usize> = start.iter().map(|block| if is_uniform { number[block] } else { *block }).collect();
        self.start = bottleneck(&partition_costs(self.instance, &block_of));
        self.take(self.start, || block_of);
    }

    /// Whether nothing better is known than what the search began with.
    pub(super) fn is_at_start(&self) -> bool {
        self.start < INFINITE && self.start == self.progress.bottleneck
    }

    /// Takes a partition if it is better.
    pub(super) fn take(&mut self, value: Ticks, block_of: impl FnOnce() -> Vec<usize>) {
        if value < self.progress.bottleneck {
            self.progress.bottleneck = value;
            self.block_of = block_of();
        }
    }

    /// Tells how far the search is; whether it has to end: when it is told so, and when nothing can be better.
    pub(super) fn is_done(&mut self) -> bool {
        (self.observe)(self.progress).is_break()
            || self.progress.bottleneck <= self.target
            || self.interrupt.is_raised()
    }

    fn into_outcome(self) -> Outcome {
        let Self { instance, block_of, progress, interrupt, .. } = self;
        debug_assert!(
            progress.bottleneck == INFINITE || bottleneck(&partition_costs(instance, &block_of)) == progress.bottleneck
        );
        Outcome { block_of, progress, is_interrupted: interrupt.is_raised() }
    }
}

/// Runs a search on the threads of a request, from its start, for no more blocks than there are nodes where stages are alike: the
/// others would be empty. Where they are not, it begins with a partition that keeps every node where it may be; without one,
/// there is nothing to search.
pub(super) fn conduct(
    instance: &Instance,
    request: &Request<'_>,
    interrupt: &Interrupt,
    observe: Observe<'_>,
    search: impl FnOnce(&Instance, &mut Incumbent<'_>) + Send,
) -> Result<Outcome, Error> {
    let &Request { threads, target, start, .. } = request;
    let narrower = instance.for_nodes();
    let instance = narrower.as_ref().unwrap_or(instance);
    let pool = ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    let pool = pool.map_err(|error| Error::Parameter {
        name: "threads",
        value: threads.to_string(),
        rule: error.to_string(),
    })?;
    let mut incumbent = Incumbent::new(instance, target, interrupt, observe);
    if !instance.is_uniform() {
        let order = TopologicalOrder::natural(instance.graph());
        let even = Slicing::even(instance, &order).block_of(&order);
        let Some(block_of) = fitted(instance, &order, &even) else { return Ok(incumbent.into_outcome()) };
        incumbent.begin_with(block_of);
    }
    if let Some(start) = start {
        incumbent.begin_at(start);
    }
    pool.install(|| search(instance, &mut incumbent));
    Ok(incumbent.into_outcome())
}
