//! A thousand and more candidates of each search, on one thread.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use slicegraph_benches::layered_instance;
use slicegraph_core::cost::Instance;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::search::{Request, SearchParams, SearchProgress, anneal, brkga, hybrid};

static NEVER: Interrupt = Interrupt::never();
const EVALUATIONS: u64 = 1000;
const REQUEST: Request<'_> = Request { seed: 0, threads: 1, target: 0, start: None };

/// Runs a search for so many candidates, and gives how many there were: it ends at the end of a round.
fn run(name: &str, instance: &Instance) -> u64 {
    let mut observe = |progress: SearchProgress| {
        if progress.evaluations < EVALUATIONS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let search = match name {
        "hybrid" => hybrid,
        "anneal" => anneal,
        _ => brkga,
    };
    let outcome = search(instance, &SearchParams::default(), &REQUEST, &NEVER, &mut observe);
    outcome.expect("sound parameters").progress.evaluations
}

/// Candidates per second: moves and orders, which are not alike.
fn search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("search");
    group.sample_size(10);
    for name in ["hybrid", "anneal", "brkga"] {
        for num_nodes in [100, 1_000, 10_000] {
            let instance = layered_instance(num_nodes, 6, 8, 1);
            group.throughput(Throughput::Elements(run(name, &instance)));
            group.bench_function(BenchmarkId::new(name, num_nodes), |bencher| {
                bencher.iter(|| run(name, black_box(&instance)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
