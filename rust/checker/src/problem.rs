//! The problem in ticks: a graph, the costs on each kind of device, the stages.
//!
//! # Bytes
//! Words of 64 bits, signed, the least byte first:
//!
//! ```text
//! MAGIC, blocks k, kinds K, nodes n, tensors m, shared parameters p, boundary_io, has_allowed, groups g
//! k kinds of stages
//! K times: memory, memory_limit, state_limit (-1: none), is_overlap, multiplier,
//!          work[n], transfer[m], params[n], stored[p]
//! param_bytes[n], state_bytes[n], live_bytes[n], producer[m] (-1: none), is_output[m]
//! readers of tensors, readers of shared parameters, groups that are together: sizes, then members
//! param_size[p]
//! with has_allowed: for each node, k words of 0 or 1
//! ```

use crate::bits::Bits;
use crate::stop::Stop;

/// The first word.
pub(crate) const MAGIC: i64 = 0x0031_4750_4753;
/// More ticks than any block within the limits costs.
pub(crate) const CAPACITY: i64 = 1 << 52;
/// More than all costs add up to.
pub(crate) const INFINITE: i64 = 1 << 61;
/// Of no node.
pub(crate) const NONE: usize = usize::MAX;
const MAX_BLOCKS: usize = 1 << 12;
const MAX_BYTES: i64 = 1 << 62;
const MAX_MULTIPLIER: i64 = 1 << 40;

/// The costs on a kind of device, in ticks.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub work: Vec<i64>,
    pub transfer: Vec<i64>,
    pub params: Vec<i64>,
    pub stored: Vec<i64>,
    /// What stays resident; none: all.
    pub memory: Option<i64>,
    pub memory_limit: Option<i64>,
    pub state_limit: Option<i64>,
    /// Whether a block pays the larger of what it runs and what it moves.
    pub is_overlap: bool,
    pub multiplier: i64,
}

impl Kind {
    /// Ticks to stream in what a block of so many parameters cannot keep.
    pub(crate) fn overflow(&self, params: i64) -> i64 {
        self.memory.map_or(0, |memory| (params - memory).max(0))
    }

    /// What a block costs within the limits.
    pub(crate) fn busy(&self, work: i64, io: i64, overflow: i64) -> i64 {
        if self.is_overlap { (work + overflow).max(io) } else { work + io + overflow }
    }
}

/// A graph on the stages of a pipeline.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(crate) num_blocks: usize,
    pub(crate) boundary_io: bool,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) kind_of: Vec<usize>,
    /// Per node, the stages that may hold it; none: all.
    pub(crate) allowed: Option<Vec<Bits>>,
    pub(crate) together: Vec<Vec<usize>>,
    pub(crate) param_bytes: Vec<i64>,
    pub(crate) state_bytes: Vec<i64>,
    pub(crate) live_bytes: Vec<i64>,
    pub(crate) param_size: Vec<i64>,
    pub(crate) param_readers: Vec<Vec<usize>>,
    /// Per tensor; `NONE` for a model input.
    pub(crate) producer: Vec<usize>,
    pub(crate) consumers: Vec<Vec<usize>>,
    pub(crate) is_output: Vec<bool>,
}

impl Problem {
    /// Reads a problem.
    ///
    /// # Errors
    /// [`Stop::Malformed`], when it is none, or its sums are too large.
    pub fn read(bytes: &[u8]) -> Result<Self, Stop> {
        let words = &mut Words { rest: bytes };
        if words.next()? != MAGIC {
            return Err(Stop::malformed("this is no problem"));
        }
        let num_blocks = words.index(MAX_BLOCKS + 1)?;
        let [num_kinds, num_nodes, num_tensors, num_params] = [(); 4].map(|()| words.index(bytes.len()));
        let (num_kinds, num_nodes, num_tensors, num_params) = (num_kinds?, num_nodes?, num_tensors?, num_params?);
        let (boundary_io, has_allowed, num_groups) = (words.flag()?, words.flag()?, words.index(bytes.len())?);
        if num_blocks == 0 || num_kinds == 0 || num_nodes == 0 {
            return Err(Stop::malformed("no blocks, no kinds or no nodes"));
        }
        let kind_of = words.indices(num_blocks, num_kinds)?;
        let mut kinds = Vec::new();
        for _ in 0..num_kinds {
            kinds.push(words.kind([num_nodes, num_tensors, num_params])?);
        }
        let [param_bytes, state_bytes, live_bytes] = [(); 3].map(|()| words.amounts(num_nodes, MAX_BYTES));
        let producer = words.list(num_tensors, Words::next)?.into_iter().map(|node| match node {
            -1 => Ok(NONE),
            node => usize::try_from(node).ok().filter(|&node| node < num_nodes).ok_or_else(not_there),
        });
        let producer = producer.collect::<Result<Vec<usize>, Stop>>()?;
        let is_output = words.list(num_tensors, Words::flag)?;
        let consumers = words.lists(num_tensors, num_nodes)?;
        let param_readers = words.lists(num_params, num_nodes)?;
        let together = words.lists(num_groups, num_nodes)?;
        let param_size = words.amounts(num_params, MAX_BYTES)?;
        let allowed = if has_allowed { Some(words.list(num_nodes, |words| words.stages(num_blocks))?) } else { None };
        if !words.rest.is_empty() {
            return Err(Stop::malformed("words are left over"));
        }
        let problem = Self {
            num_blocks,
            boundary_io,
            kinds,
            kind_of,
            allowed,
            together,
            param_bytes: param_bytes?,
            state_bytes: state_bytes?,
            live_bytes: live_bytes?,
            param_size,
            param_readers,
            producer,
            consumers,
            is_output,
        };
        problem.check_sums()?;
        Ok(problem)
    }

    /// Sums stay below 2^53 ticks and 2^62 bytes, so that whatever is added up later fits.
    fn check_sums(&self) -> Result<(), Stop> {
        let sum = |row: &[i64]| row.iter().copied().map(i128::from).sum::<i128>();
        for kind in &self.kinds {
            let ticks = sum(&kind.work) + 2 * sum(&kind.transfer) + sum(&kind.params) + sum(&kind.stored);
            if ticks > i128::from(2 * CAPACITY) {
                return Err(Stop::malformed("costs add up to more than 2^53 ticks"));
            }
        }
        let live = self.live_bytes.iter().copied().max().map_or(0, i128::from);
        let bytes = sum(&self.param_bytes) + sum(&self.state_bytes) + sum(&self.param_size) + live;
        if bytes > i128::from(MAX_BYTES) {
            return Err(Stop::malformed("parameters add up to more than 2^62 bytes"));
        }
        Ok(())
    }

    pub(crate) fn num_nodes(&self) -> usize {
        self.param_bytes.len()
    }

    pub(crate) fn num_tensors(&self) -> usize {
        self.producer.len()
    }

    /// The costs on a stage's device.
    pub(crate) fn on(&self, stage: usize) -> &Kind {
        &self.kinds[self.kind_of[stage]]
    }

    /// The stages of each kind.
    pub(crate) fn stages_of_kinds(&self) -> Vec<Bits> {
        let mut stages = vec![Bits::none(self.num_blocks); self.kinds.len()];
        for (stage, &kind) in self.kind_of.iter().enumerate() {
            stages[kind].insert(stage);
        }
        stages
    }

    /// Whether the producer pays a tensor wherever its readers are.
    pub(crate) fn is_paid_output(&self, tensor: usize) -> bool {
        self.boundary_io && self.is_output[tensor] && self.producer[tensor] != NONE
    }

    /// What the model outputs of each node that are paid take on a kind.
    pub(crate) fn outputs(&self, kind: usize) -> Vec<i64> {
        let mut outputs = vec![0; self.num_nodes()];
        for tensor in (0..self.num_tensors()).filter(|&tensor| self.is_paid_output(tensor)) {
            outputs[self.producer[tensor]] += self.kinds[kind].transfer[tensor];
        }
        outputs
    }

    /// What the producer pays for a tensor only when another block reads it.
    pub(crate) fn leaving(&self, tensor: usize, kind: usize) -> i64 {
        if self.boundary_io && self.is_output[tensor] { 0 } else { self.kinds[kind].transfer[tensor] }
    }

    /// Whether blocks are paid for by one sum of one kind, and every stage may hold every node.
    pub(crate) fn is_alike(&self) -> bool {
        self.kinds.len() == 1 && self.allowed.is_none()
    }

    /// With no more blocks than nodes, where stages are alike.
    #[must_use]
    pub(crate) fn without_spare_blocks(mut self) -> Self {
        if self.is_alike() {
            self.num_blocks = self.num_blocks.min(self.num_nodes());
            self.kind_of.truncate(self.num_blocks);
        }
        self
    }
}

fn not_there() -> Stop {
    Stop::malformed("an index is of nothing")
}

struct Words<'a> {
    rest: &'a [u8],
}

impl Words<'_> {
    fn next(&mut self) -> Result<i64, Stop> {
        let (word, rest) = self.rest.split_first_chunk().ok_or_else(|| Stop::malformed("words are missing"))?;
        self.rest = rest;
        Ok(i64::from_le_bytes(*word))
    }

    fn flag(&mut self) -> Result<bool, Stop> {
        Ok(self.index(2)? == 1)
    }

    fn index(&mut self, below: usize) -> Result<usize, Stop> {
        usize::try_from(self.next()?).ok().filter(|&index| index < below).ok_or_else(not_there)
    }

    /// At most `most`; -1 is none.
    fn option(&mut self, most: i64) -> Result<Option<i64>, Stop> {
        match self.next()? {
            -1 => Ok(None),
            value if (0..=most).contains(&value) => Ok(Some(value)),
            _ => Err(Stop::malformed("a number is out of range")),
        }
    }

    fn amount(&mut self, most: i64) -> Result<i64, Stop> {
        self.option(most)?.ok_or_else(|| Stop::malformed("a number is missing"))
    }

    fn list<T>(&mut self, len: usize, mut read: impl FnMut(&mut Self) -> Result<T, Stop>) -> Result<Vec<T>, Stop> {
        if len > self.rest.len() / 8 {
            return Err(Stop::malformed("words are missing"));
        }
        (0..len).map(|_| read(self)).collect()
    }

    fn amounts(&mut self, len: usize, most: i64) -> Result<Vec<i64>, Stop> {
        self.list(len, |words| words.amount(most))
    }

    fn indices(&mut self, len: usize, below: usize) -> Result<Vec<usize>, Stop> {
        self.list(len, |words| words.index(below))
    }

    /// Lists of distinct indices: their sizes, then all members.
    fn lists(&mut self, len: usize, below: usize) -> Result<Vec<Vec<usize>>, Stop> {
        let most = self.rest.len();
        let sizes = self.indices(len, most)?;
        let mut lists = Vec::with_capacity(len);
        for size in sizes {
            let mut members = self.indices(size, below)?;
            members.sort_unstable();
            members.dedup();
            lists.push(members);
        }
        Ok(lists)
    }

    fn stages(&mut self, num_blocks: usize) -> Result<Bits, Stop> {
        let mut stages = Bits::none(num_blocks);
        for (stage, may) in self.list(num_blocks, Self::flag)?.into_iter().enumerate() {
            if may {
                stages.insert(stage);
            }
        }
        Ok(stages)
    }

    fn kind(&mut self, [num_nodes, num_tensors, num_params]: [usize; 3]) -> Result<Kind, Stop> {
        Ok(Kind {
            memory: self.option(CAPACITY)?,
            memory_limit: self.option(MAX_BYTES)?,
            state_limit: self.option(MAX_BYTES)?,
            is_overlap: self.flag()?,
            multiplier: self.amount(MAX_MULTIPLIER)?,
            work: self.amounts(num_nodes, CAPACITY)?,
            transfer: self.amounts(num_tensors, CAPACITY)?,
            params: self.amounts(num_nodes, CAPACITY)?,
            stored: self.amounts(num_params, CAPACITY)?,
        })
    }
}
