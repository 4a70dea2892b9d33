//! The searches, against the optimum of all partitions.

use std::ops::ControlFlow;

use crate::common::{chain, instances, is_acyclic, optimum};
use proptest::prelude::*;
use slicegraph_core::cost::{INFINITE, Instance, bottleneck, partition_costs};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::search::{BrkgaParams, Outcome, Request, SearchParams, SearchProgress, anneal, brkga, hybrid};

const REQUEST: Request<'_> = Request { seed: 0, threads: 1, target: 0, start: None };

/// A search, by name, that ends after so many evaluations.
fn search(name: &str, instance: &Instance, evaluations: u64, seed: u64, threads: usize) -> Outcome {
    let mut observe = |progress: SearchProgress| {
        if progress.evaluations < evaluations { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let (observe, interrupt) = (&mut observe, &Interrupt::never());
    let is_memetic = name == "memetic";
    let own = BrkgaParams { population: 20, is_memetic, is_seeded: is_memetic, ..BrkgaParams::default() };
    let params = SearchParams { brkga: own, ..SearchParams::default() };
    let search = match name {
        "hybrid" => hybrid,
        "anneal" => anneal,
        _ => brkga,
    };
    search(instance, &params, &Request { seed, threads, ..REQUEST }, interrupt, observe).expect("sound parameters")
}

/// The searches, with what they need to look at all there is of a small graph.
const SEARCHES: [(&str, u64); 4] = [("hybrid", 3_000), ("anneal", 20_000), ("brkga", 500), ("memetic", 500)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// On small graphs a search reaches the optimum, never passes it, and its partition costs what it says. Annealing
    /// alone may end anywhere above.
    #[test]
    fn a_search_finds_the_optimum_of_small_graphs(instance in instances(6, 4)) {
        let optimum = optimum(&instance);
        for (name, evaluations) in SEARCHES {
            let outcome = search(name, &instance, evaluations, 0, 1);
            assert!(is_acyclic(&instance, &outcome.block_of));
            let truth = bottleneck(&partition_costs(&instance, &outcome.block_of));
            prop_assert_eq!(outcome.progress.bottleneck, truth, "{}", name);
            prop_assert!(truth == optimum || (name == "anneal" && truth > optimum), "{}", name);
        }
    }

    /// With numbers so small that runs end, samples and cuts are forgotten and graphs are coarsened all the time, partitions
    /// are still valid and cost what is said, which is never less than the optimum.
    #[test]
    fn small_parameters_cost_quality_only(instance in instances(6, 4), seed in any::<u64>()) {
        let mut params = SearchParams::default();
        (params.hybrid.patience, params.hybrid.growth, params.hybrid.max_samples) = (2, 2, 3);
        (params.presearch.patience, params.contraction.parts, params.contraction.max_left) = (1, 1, 10);
        (params.v_cycle.min_nodes_per_block, params.cuts.min_kept, params.recombination.min_classes) = (1, 2, 2);
        (params.repeats.min_distance, params.repeats.blur, params.repeats.layered) = (1, 0, 0);
        let mut observe = |progress: SearchProgress| {
            if progress.rounds < 12 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let outcome = hybrid(&instance, &params, &Request { seed, ..REQUEST }, &Interrupt::never(), &mut observe).expect("a thread");
        prop_assert!(is_acyclic(&instance, &outcome.block_of));
        let truth = bottleneck(&partition_costs(&instance, &outcome.block_of));
        prop_assert_eq!(outcome.progress.bottleneck, truth);
        prop_assert!(truth >= optimum(&instance));
    }

    /// A search is never worse than where it begins, and its partition costs what it says; also when it ends at once.
    #[test]
    fn a_search_is_never_worse_than_its_start(
        instance in instances(7, 4),
        choice in any::<prop::sample::Index>(),
        rounds in 0..3_u64,
    ) {
        let partitions: Vec<Vec<usize>> = crate::common::partitions(&instance).collect();
        let start = choice.get(&partitions);
        let known = bottleneck(&partition_costs(&instance, start));
        for search in [hybrid, anneal, brkga] {
            let mut observe = |progress: SearchProgress| {
                if progress.rounds < rounds { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            let request = Request { start: Some(start), ..REQUEST };
            let outcome = search(&instance, &SearchParams::default(), &request, &Interrupt::never(), &mut observe);
            let outcome = outcome.expect("a thread");
            prop_assert!(is_acyclic(&instance, &outcome.block_of));
            prop_assert!(outcome.progress.bottleneck <= known);
            if outcome.progress.bottleneck < INFINITE {
                prop_assert_eq!(bottleneck(&partition_costs(&instance, &outcome.block_of)), outcome.progress.bottleneck);
            }
        }
    }

    /// The seed decides the answer and the counts; the number of threads does not.
    #[test]
    fn the_answer_does_not_depend_on_the_threads(instance in instances(14, 4), seed in any::<u64>()) {
        for (name, evaluations) in SEARCHES {
            let [one, two] = [1, 2].map(|threads| search(name, &instance, evaluations / 10, seed, threads));
            prop_assert_eq!(one, two, "{}", name);
        }
    }
}

#[test]
fn an_interrupted_search_still_has_a_partition() {
    let instance = chain(14, 4);
    let interrupt = Interrupt::never();
    interrupt.raise();
    let mut observe = |_| ControlFlow::Continue(());
    for search in [brkga, hybrid, anneal] {
        let outcome =
            search(&instance, &SearchParams::default(), &Request { threads: 2, ..REQUEST }, &interrupt, &mut observe)
                .expect("sound");
        assert!(outcome.is_interrupted);
        assert!(is_acyclic(&instance, &outcome.block_of));
    }
}

#[test]
fn more_blocks_than_nodes_make_no_difference() {
    let [few, many] = [chain(14, 14), chain(14, 1 << 20)];
    for (name, evaluations) in SEARCHES {
        assert_eq!(search(name, &few, evaluations, 1, 1), search(name, &many, evaluations, 1, 1), "{name}");
    }
}

#[test]
fn a_parameter_out_of_range_is_named() {
    let instance = chain(3, 2);
    let message = |brkga_params: BrkgaParams| {
        let params = SearchParams { brkga: brkga_params, ..SearchParams::default() };
        let mut observe = |_| ControlFlow::Continue(());
        crate::common::message(brkga(&instance, &params, &REQUEST, &Interrupt::never(), &mut observe))
    };
    let sound = BrkgaParams::default();
    assert_eq!(message(BrkgaParams { population: 3, ..sound }), "population = 3, but it is from 4 to 2^20");
    assert_eq!(message(BrkgaParams { elite: 0.6, ..sound }), "elite = 0.6, but it is a share in (0, 0.5]");
    assert_eq!(message(BrkgaParams { mutants: -0.1, ..sound }), "mutants = -0.1, but it is a share in [0, 0.5)");
    assert_eq!(message(BrkgaParams { bias: f64::NAN, ..sound }), "bias = NaN, but it is a probability in [0.5, 1)");
}
