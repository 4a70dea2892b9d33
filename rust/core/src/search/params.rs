//! Every tuned number of the searches. Partitions are valid and cost what they say with any of them; how good they are, and
//! how soon, depends on them.
//!
//! The record that a number rests on stands beside it (a file in `benches/record`, and what was compared there); "not measured"
//! are first guesses that have never been compared with others.

use crate::cost::Ticks;

/// All of them; the default is what the figures in `benches/record` are of. Only those of `brkga` are checked: a search may
/// panic with others that make no sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchParams {
    /// Runs of `hybrid`, and what they remember.
    pub hybrid: HybridParams,
    /// The coarse pre-search.
    pub presearch: PresearchParams,
    /// Contractions.
    pub contraction: ContractionParams,
    /// The two samplers of a round.
    pub sampler: SamplerParams,
    /// V-cycles.
    pub v_cycle: VCycleParams,
    /// Moves of annealing, and their energy.
    pub moves: MoveParams,
    /// Recombination.
    pub recombination: RecombinationParams,
    /// Cuts that are put together anew.
    pub cuts: CutParams,
    /// Layers that repeat themselves.
    pub repeats: RepeatParams,
    /// Annealing alone.
    pub anneal: AnnealParams,
    /// The genetic search.
    pub brkga: BrkgaParams,
}

/// Of `hybrid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridParams {
    /// Rounds without anything better after which the first run ends.
    pub patience: u64,
    /// Each run has one part of so many more of them than the one before.
    pub growth: u64,
    /// Samples that are remembered.
    pub max_samples: usize,
    /// Nodes of all of them together; two samples are remembered in any case.
    pub max_sample_nodes: usize,
    /// Steps of recombination per threshold when a run ends.
    pub final_steps: u64,
}

impl Default for HybridParams {
    fn default() -> Self {
        Self {
            patience: 20,              // 2026-11-28.md, "Search: every run": 10 worse after 3 s, 60 no better
            growth: 4,                 // 2026-11-28.md, "Later that day": a twentieth is no better
            max_samples: 60,           // not measured
            max_sample_nodes: 1 << 22, // 32 MB; not measured
            final_steps: 2_000_000,    // not measured
        }
    }
}

/// Of the coarse pre-search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresearchParams {
    /// Rounds without anything better after which it ends.
    pub patience: u64,
    /// Larger graphs are not contracted: that would take longer than it gains.
    pub max_nodes: usize,
    /// Later searches draw how often the largest group is halved: less than so many times.
    pub grains: u32,
}

impl Default for PresearchParams {
    fn default() -> Self {
        Self {
            patience: 10,       // 2026-11-28.md, "Search: every run" and "That evening": 5, 15, 20, 25 are worse
            max_nodes: 200_000, // not measured
            grains: 2,          // not measured
        }
    }
}

/// Of contractions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractionParams {
    /// A group holds at most one part of so many of a block's work and parameters.
    pub parts: Ticks,
    /// Merging goes on while a round of it takes away one node in so many.
    pub fewest_merged: usize,
    /// A contraction with more than so many tenths of the nodes is not searched.
    pub max_left: usize,
}

impl Default for ContractionParams {
    fn default() -> Self {
        Self {
            parts: 8,          // 2026-11-28.md, "Search: every run": a fourth and a sixteenth are worse
            fewest_merged: 50, // not measured
            max_left: 7,       // not measured
        }
    }
}

/// Of a sampler's round.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplerParams {
    /// Moves of annealing per node that can move,
    pub sweeps: f64,
    /// fewer in graphs of more than so many nodes,
    pub many_nodes: f64,
    /// but so many at least.
    pub fewest_sweeps: f64,
    /// By how much more sweeps, and steps of recombination, for each round without anything better.
    pub effort: f64,
    /// Up to so many rounds.
    pub max_growths: u64,
    /// Orders near the best partition.
    pub near_orders: usize,
    /// Orders far from it.
    pub far_orders: usize,
    /// Fewer of both when they have more nodes together.
    pub max_order_nodes: usize,
    /// Positions by which an order near the best partition is shaken, at most.
    pub max_shake: f64,
    /// Share of the keys of an order far from it that are random, at most.
    pub max_random: f64,
    /// A slicing is a sample when it is at most one part of so many of the best bottleneck above it.
    pub margin: Ticks,
    /// Cheap prefixes of an order per block.
    pub prefixes_per_block: usize,
}

impl Default for SamplerParams {
    fn default() -> Self {
        Self {
            sweeps: 60.0,             // 2026-11-23.md, "Search: exponents": 20, and ..-28.md, "That evening": 30, 120
            many_nodes: 20_000.0,     // not measured
            fewest_sweeps: 20.0,      // not measured
            effort: 1.05,             // 2026-11-23.md, "Search: exponents": 1.10 and 1.15 are no better
            max_growths: 60,          // not measured
            near_orders: 3,           // 2026-11-28.md, "Search: every run": one near and one far are worse
            far_orders: 4,            // the same
            max_order_nodes: 100_000, // not measured
            max_shake: 50.0,          // not measured
            max_random: 0.5,          // not measured
            margin: 10,               // 2026-11-28.md, "Search: every run": a fortieth and a fiftieth are no better
            prefixes_per_block: 2,    // 2026-11-28.md, "At night": one and three are worse
        }
    }
}

/// Of V-cycles. Temperatures are energies, of which a block at the bottleneck has 1.
#[derive(Clone, Debug, PartialEq)]
pub struct VCycleParams {
    /// Graphs are coarsened down to so many nodes per block,
    pub min_nodes_per_block: usize,
    /// while a step leaves at most so many tenths.
    pub max_left: usize,
    /// Graphs above this are annealed as they are: a coarser graph costs more than it gains.
    pub max_nodes: usize,
    /// Of the coarsest graph at first,
    pub hot: f64,
    /// drawn anew each time within this factor.
    pub spread: f64,
    /// Of the others at first.
    pub warm: f64,
    /// Of all in the end.
    pub cold: f64,
    /// What moves an average node is about this much energy over the number of nodes per block.
    pub energy: f64,
    /// So many times that is as warm as a finer graph gets,
    pub max_warm: f64,
    /// and so many times as warm as any ends.
    pub max_cold: f64,
    /// Nodes of a group at most.
    pub max_group: usize,
    /// A group holds at most one part of so many of an even share of the work.
    pub group_parts: i64,
}

impl Default for VCycleParams {
    fn default() -> Self {
        Self {
            min_nodes_per_block: 8, // 2026-11-28.md, "Search: every run": three are no better
            max_left: 9,            // not measured
            max_nodes: 100_000,     // not measured
            hot: 1.0,               // 2026-11-28.md, "Search: every run": a third and three times are worse
            spread: 4.0,            // 2026-11-23.md, "Search: exponents": wider is no better
            warm: 0.1,              // not measured
            cold: 0.01,             // 2026-11-23.md, "Search: exponents": colder is no better
            energy: 8.0,            // not measured
            max_warm: 2.0,          // 2026-11-29.md, "Search: slicings": hotter where nothing is coarser is no better
            max_cold: 0.2,          // not measured
            max_group: 3,           // 2026-11-28.md, "Search: every run": pairs are no better
            group_parts: 4,         // not measured
        }
    }
}

/// Of the moves of annealing. The energy of a block is (cost / bottleneck)^(2^squarings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveParams {
    /// The least and the greatest number of squarings; each V-cycle draws one.
    pub squarings: [u32; 2],
    /// One in 2^so many moves of a node that can move alone takes its cone instead.
    pub cone_bits: u32,
    /// Nodes of a cone at most: large ones take long, and hardly one is moved.
    pub max_cone: usize,
    /// How often that is halved, at most; each cone draws it.
    pub max_halvings: usize,
}

impl Default for MoveParams {
    fn default() -> Self {
        Self {
            squarings: [2, 6], // 2026-11-23.md, "Search: exponents": 8 to 64; ..-29.md, "Search: slicings": not 2
            cone_bits: 4,      // 2026-11-29.md, "Search: slicings": fewer are no better
            max_cone: 50,      // 2026-11-28.md, "That evening"
            max_halvings: 4,   // 2026-11-28.md, "That evening"
        }
    }
}

/// Of recombination.
#[derive(Clone, Debug, PartialEq)]
pub struct RecombinationParams {
    /// Steps of the exact DP per block and threshold.
    pub steps_per_block: f64,
    /// Bytes of the exact DP.
    pub bytes: usize,
    /// Classes per block to begin with,
    pub classes_per_block: usize,
    /// and at least so many.
    pub min_classes: usize,
    /// By how much more classes are taken when the DP came to an end,
    pub more: f64,
    /// and by how much fewer when it did not.
    pub fewer: f64,
    /// Thresholds go down twice as fast after each success, and come back in steps of one part of so many.
    pub back: Ticks,
    /// Thresholds closer to the best than one part of so many of it are not worth another step between.
    pub least_step: Ticks,
    /// Blocks that are recombined by themselves, at least.
    pub fewest_blocks: usize,
}

impl Default for RecombinationParams {
    fn default() -> Self {
        Self {
            steps_per_block: 12_500.0, // 2026-11-28.md, "That evening": a table from 30,000 to 1,000,000
            bytes: 1 << 28,            // not measured
            classes_per_block: 4,      // not measured
            min_classes: 40,           // not measured
            more: 1.03,                // not measured
            fewer: 0.9,                // not measured
            back: 8,                   // not measured
            least_step: 4096,          // not measured
            fewest_blocks: 2,          // not measured
        }
    }
}

/// Of the cuts that are put together anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutParams {
    /// Cuts that are kept at least, the newest; up to twice as many are.
    pub min_kept: usize,
    /// Fewer when they have more nodes than that together.
    pub max_cut_nodes: usize,
    /// No cuts are kept of graphs of more nodes: their boundaries are too long.
    pub max_nodes: usize,
    /// In how many ways a partition is moved along by layers at a time.
    pub ways: usize,
}

impl Default for CutParams {
    fn default() -> Self {
        Self {
            min_kept: 1500,         // 2026-11-23.md, "Search: fences", and ..-28.md, "At night": twice as many, fewer
            max_cut_nodes: 1 << 24, // 2 MB of bits, and their boundaries; not measured
            max_nodes: 20_000,      // not measured
            ways: 4,                // not measured
        }
    }
}

/// Of layers that repeat themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatParams {
    /// Distances that are known at most.
    pub max_distances: usize,
    /// The least distance.
    pub min_distance: usize,
    /// At each of them one node in so many has one that is alike.
    pub rare: usize,
    /// For each node so many of those that are alike are looked at.
    pub max_alike: usize,
    /// A network is made of layers when at one distance this share of its nodes has one that is alike, in percent.
    pub layered: usize,
    /// Distances that differ by no more than this are those of neighbours; the most frequent one is meant.
    pub blur: usize,
}

impl Default for RepeatParams {
    fn default() -> Self {
        Self {
            max_distances: 24, // not measured
            min_distance: 4,   // not measured
            rare: 16,          // not measured
            max_alike: 24,     // not measured
            layered: 40,       // 2026-11-28.md, "At night": between 30 % of random wiring and 56 % of layers
            blur: 2,           // not measured
        }
    }
}

/// Of annealing alone.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnealParams {
    /// Walks of a round, each with a thread of its own.
    pub walks: usize,
    /// Moves per node that can move, in the first round,
    pub first_sweeps: f64,
    /// and by how much more each round has.
    pub growth: f64,
    /// Temperature at the first move.
    pub hot: f64,
    /// Temperature at the last move.
    pub cold: f64,
}

impl Default for AnnealParams {
    fn default() -> Self {
        Self {
            walks: 2,           // not measured
            first_sweeps: 20.0, // not measured
            growth: 1.3,        // not measured
            hot: 0.3,           // 2026-11-22.md, "Searches at equal time": 2.0 to 3.7 % by temperature
            cold: 0.003,        // the same
        }
    }
}

/// Parameters of the biased random-key genetic algorithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrkgaParams {
    /// Individuals per generation; 4 at least.
    pub population: usize,
    /// Share of a generation, in (0, 1/2], that is elite and lives on.
    pub elite: f64,
    /// Share of a generation, in [0, 1/2), that is random anew.
    pub mutants: f64,
    /// Probability, in [1/2, 1), that a child takes a key from its elite parent.
    pub bias: f64,
    /// Generations after the first; none: until something else stops the search.
    pub generations: Option<u64>,
    /// Whether the first generation holds the natural, post-, depth-first and breadth-first orders.
    pub is_seeded: bool,
    /// Whether the best of every generation is improved by moves downhill, and lives on as the order that it then has.
    pub is_memetic: bool,
    /// Moves of that per node that can move,
    pub descent_sweeps: f64,
    /// and squarings of its energy, as in [`MoveParams`].
    pub descent_squarings: u32,
}

impl Default for BrkgaParams {
    fn default() -> Self {
        Self {
            population: 100, // the paper's
            elite: 0.3,      // on the testbed; not recorded
            mutants: 0.1,    // not measured
            bias: 0.7,       // not measured
            generations: None,
            is_seeded: false,
            is_memetic: false,
            descent_sweeps: 20.0, // not measured
            descent_squarings: 3, // not measured
        }
    }
}
