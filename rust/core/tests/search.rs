//! The genetic search, against the optimum of all partitions.

mod common;

use std::ops::ControlFlow;

use common::{chain, instances, is_acyclic, optimum};
use proptest::prelude::*;
use slicegraph_core::cost::{Instance, bottleneck, partition_costs};
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::search::{BrkgaParams, Outcome, brkga};

fn search(instance: &Instance, generations: u64, seed: u64, threads: usize) -> Outcome {
    let params = BrkgaParams { population: 20, generations: Some(generations), ..BrkgaParams::default() };
    let mut observe = |_| ControlFlow::Continue(());
    brkga(instance, &params, seed, threads, 0, &Interrupt::never(), &mut observe).expect("sound parameters")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// On small graphs the search reaches the optimum, never passes it, and its partition costs what it says.
    #[test]
    fn the_search_finds_the_optimum_of_small_graphs(instance in instances(6, 4)) {
        let outcome = search(&instance, 20, 0, 1);
        assert!(is_acyclic(&instance, &outcome.block_of));
        let truth = bottleneck(&partition_costs(&instance, &outcome.block_of));
        prop_assert_eq!(outcome.progress.bottleneck, truth);
        prop_assert_eq!(truth, optimum(&instance));
    }

    /// The seed decides the answer and the counts; the number of threads does not.
    #[test]
    fn the_answer_does_not_depend_on_the_threads(instance in instances(14, 4), seed in any::<u64>()) {
        prop_assert_eq!(search(&instance, 5, seed, 1), search(&instance, 5, seed, 2));
    }
}

#[test]
fn an_interrupted_search_still_has_a_partition() {
    let instance = chain(14, 4);
    let interrupt = Interrupt::never();
    interrupt.raise();
    let mut observe = |_| ControlFlow::Continue(());
    let outcome = brkga(&instance, &BrkgaParams::default(), 0, 2, 0, &interrupt, &mut observe).expect("sound");
    assert!(outcome.is_interrupted);
    assert!(is_acyclic(&instance, &outcome.block_of));
}

#[test]
fn a_parameter_out_of_range_is_named() {
    let instance = chain(3, 2);
    let message = |params: BrkgaParams| {
        let mut observe = |_| ControlFlow::Continue(());
        common::message(brkga(&instance, &params, 0, 1, 0, &Interrupt::never(), &mut observe))
    };
    let sound = BrkgaParams::default();
    assert_eq!(message(BrkgaParams { population: 3, ..sound }), "population = 3, but it is from 4 to 2^20");
    assert_eq!(message(BrkgaParams { elite: 0.6, ..sound }), "elite = 0.6, but it is a share in (0, 0.5]");
    assert_eq!(message(BrkgaParams { mutants: -0.1, ..sound }), "mutants = -0.1, but it is a share in [0, 0.5)");
    assert_eq!(message(BrkgaParams { bias: f64::NAN, ..sound }), "bias = NaN, but it is a probability in [0.5, 1)");
}
