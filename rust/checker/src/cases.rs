//! Random problems, and what their best partitions cost, from the definition.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::problem::{CAPACITY, Kind, NONE, Problem};

/// Which features a random problem may have.
#[derive(Clone, Copy)]
pub(crate) enum Features {
    /// One kind of device that pays sums, without parameters.
    Plain,
    /// One kind, with everything that memory and outputs bring.
    Memory,
    /// Several kinds, some of which overlap, and nodes that some stages may not hold.
    Unlike,
}

/// A source of random numbers.
pub(crate) fn source(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A random problem with few nodes: numbers are small, so that there are ties and zeros.
pub(crate) fn random_problem(random: &mut Xoshiro256PlusPlus, num_nodes: usize, features: Features) -> Problem {
    let num_blocks = random.random_range(1..5);
    let num_tensors = random.random_range(0..2 * num_nodes + 1);
    let is_plain = matches!(features, Features::Plain);
    let num_kinds = if matches!(features, Features::Unlike) { random.random_range(1..4) } else { 1 };
    let num_params = if is_plain || random.random() { 0 } else { random.random_range(0..3) };
    let (mut producer, mut consumers, mut is_output) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..num_tensors {
        let made_by = random.random_range(0..num_nodes);
        let is_input = random.random_bool(0.2);
        let begin = if is_input { 0 } else { made_by + 1 };
        let mut readers: Vec<usize> = (begin..num_nodes).filter(|_| random.random_bool(0.3)).collect();
        readers.truncate(3);
        producer.push(if is_input { NONE } else { made_by });
        consumers.push(readers);
        is_output.push(random.random_bool(0.2));
    }
    let bytes = |random: &mut Xoshiro256PlusPlus, len: usize| -> Vec<i64> {
        (0..len).map(|_| if is_plain { 0 } else { random.random_range(0..4) }).collect()
    };
    let kinds = (0..num_kinds).map(|_| random_kind(random, [num_nodes, num_tensors, num_params], features)).collect();
    let kind_of = (0..num_blocks).map(|_| random.random_range(0..num_kinds)).collect();
    let is_bound = matches!(features, Features::Unlike) && random.random();
    let mut problem = Problem {
        num_blocks,
        boundary_io: random.random(),
        kinds,
        kind_of,
        allowed: None,
        together: Vec::new(),
        param_bytes: bytes(random, num_nodes),
        state_bytes: bytes(random, num_nodes),
        live_bytes: if random.random() { bytes(random, num_nodes) } else { vec![0; num_nodes] },
        param_size: bytes(random, num_params),
        param_readers: (0..num_params).map(|_| (0..num_nodes).filter(|_| random.random()).collect()).collect(),
        producer,
        consumers,
        is_output,
    };
    if is_bound {
        let mut allowed = vec![crate::bits::Bits::none(num_blocks); num_nodes];
        for may in &mut allowed {
            may.insert(random.random_range(0..num_blocks));
            (0..num_blocks).filter(|_| random.random_bool(0.7)).for_each(|stage| may.insert(stage));
        }
        problem.allowed = Some(allowed);
    }
    problem
}

fn random_kind(random: &mut Xoshiro256PlusPlus, [nodes, tensors, params]: [usize; 3], features: Features) -> Kind {
    let mut ticks = |len: usize, most: i64| -> Vec<i64> { (0..len).map(|_| random.random_range(0..most)).collect() };
    let is_plain = matches!(features, Features::Plain);
    let (work, transfer) = (ticks(nodes, 10), ticks(tensors, 8));
    let (own, stored) = if is_plain { (vec![0; nodes], vec![0; params]) } else { (ticks(nodes, 4), ticks(params, 4)) };
    let mut option = |most: i64| (!is_plain && random.random_bool(0.4)).then(|| random.random_range(0..most));
    let (memory, memory_limit, state_limit) = (option(8), option(20), option(12));
    Kind {
        work,
        transfer,
        params: if memory.is_some() { own } else { vec![0; nodes] },
        stored: if memory.is_some() { stored } else { vec![0; params] },
        memory,
        memory_limit,
        state_limit,
        is_overlap: matches!(features, Features::Unlike) && random.random_bool(0.3),
        multiplier: if matches!(features, Features::Unlike) { random.random_range(0..4) } else { 1 },
    }
}

/// The least bottleneck of all partitions; `CAPACITY` where none is within the limits.
pub(crate) fn optimum(problem: &Problem) -> i64 {
    let (num_nodes, num_blocks) = (problem.num_nodes(), problem.num_blocks);
    let mut best = CAPACITY;
    let mut block_of = vec![0; num_nodes];
    loop {
        best = best.min(bottleneck(problem, &block_of));
        let Some(place) = block_of.iter().position(|&block| block + 1 < num_blocks) else { return best };
        block_of[place] += 1;
        block_of[..place].fill(0);
    }
}

/// What the most expensive block pays; `CAPACITY` where that is no partition within the limits.
pub(crate) fn bottleneck(problem: &Problem, block_of: &[usize]) -> i64 {
    let goes_back = (0..problem.num_tensors()).any(|tensor| {
        let producer = problem.producer[tensor];
        producer != NONE && problem.consumers[tensor].iter().any(|&reader| block_of[reader] < block_of[producer])
    });
    let is_forbidden =
        |(node, &block): (usize, &usize)| problem.allowed.as_ref().is_some_and(|allowed| !allowed[node].has(block));
    if goes_back || block_of.iter().enumerate().any(is_forbidden) {
        return CAPACITY;
    }
    (0..problem.num_blocks).map(|block| cost(problem, block_of, block)).max().unwrap_or(0)
}

/// What a block pays; `CAPACITY` where it is beyond the limits.
pub(crate) fn cost(problem: &Problem, block_of: &[usize], block: usize) -> i64 {
    let on = problem.on(block);
    let nodes: Vec<usize> = (0..block_of.len()).filter(|&node| block_of[node] == block).collect();
    let mut io = 0;
    for tensor in 0..problem.num_tensors() {
        let producer = problem.producer[tensor];
        let readers = &problem.consumers[tensor];
        let is_read_here = readers.iter().any(|&reader| block_of[reader] == block);
        if producer != NONE && block_of[producer] == block {
            let is_read_elsewhere = readers.iter().any(|&reader| block_of[reader] != block);
            let is_paid = is_read_elsewhere || problem.boundary_io && problem.is_output[tensor];
            io += if is_paid { on.transfer[tensor] } else { 0 };
        } else if is_read_here && (producer != NONE || problem.boundary_io) {
            io += on.transfer[tensor];
        }
    }
    let shared = (0..problem.param_size.len())
        .filter(|&param| problem.param_readers[param].iter().any(|&reader| block_of[reader] == block));
    let shared: Vec<usize> = shared.collect();
    let sum = |column: &[i64]| nodes.iter().map(|&node| column[node]).sum::<i64>();
    let params = sum(&on.params) + shared.iter().map(|&param| on.stored[param]).sum::<i64>();
    let state = sum(&problem.state_bytes);
    let bytes = sum(&problem.param_bytes) + state + shared.iter().map(|&param| problem.param_size[param]).sum::<i64>();
    let live = nodes.iter().map(|&node| problem.live_bytes[node]).max().unwrap_or(0);
    let is_over =
        on.memory_limit.is_some_and(|limit| bytes + live > limit) || on.state_limit.is_some_and(|limit| state > limit);
    if is_over { CAPACITY } else { on.busy(sum(&on.work), io, on.overflow(params)) }
}
