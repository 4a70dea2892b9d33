//! The parts of the evaluation path, and the slicing DP beside its naive twin.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use slicegraph_benches::layered_instance;
use slicegraph_core::interrupt::Interrupt;
use slicegraph_core::order::{Kahn, TopologicalOrder};
use slicegraph_core::slice::{Slicer, naive};

static NEVER: Interrupt = Interrupt::never();
const SIZES: [(usize, usize); 4] = [(326, 2), (1000, 8), (1265, 8), (3000, 64)];

/// The best slicing of one order, by the naive O(n^2 k) recurrence and by the pruned DP; same answer.
fn slicing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("slicing");
    group.sample_size(10);
    for (num_nodes, num_blocks) in SIZES {
        let instance = layered_instance(num_nodes, 6, num_blocks, 1);
        let order = TopologicalOrder::natural(instance.graph());
        let mut slicer = Slicer::new(&instance);
        let mut best = || {
            slicer.load(black_box(&order));
            slicer.best(None, &NEVER).ok().flatten().expect("no memory limit").bottleneck()
        };
        assert_eq!(Some(&best()), naive::least_bottlenecks(&instance, &order).last());
        let name = format!("n={num_nodes},k={num_blocks}");
        group.bench_function(BenchmarkId::new("pruned", &name), |bencher| bencher.iter(&mut best));
        group.bench_function(BenchmarkId::new("naive", &name), |bencher| {
            bencher.iter(|| naive::least_bottlenecks(&instance, black_box(&order)));
        });
    }
    group.finish();
}

/// Decoding keys, loading an order, rejecting it, and slicing it, per graph size and number of blocks.
fn evaluation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluation");
    group.sample_size(10);
    for num_nodes in [100, 1_000, 10_000, 100_000, 1_000_000] {
        for num_blocks in [2, 8, 64] {
            let instance = layered_instance(num_nodes, 6, num_blocks, 1);
            let graph = instance.graph();
            let order = TopologicalOrder::natural(graph);
            let name = |part: &str| BenchmarkId::new(format!("{part},k={num_blocks}"), num_nodes);
            if num_blocks == 8 {
                let mut keys = vec![0.0; num_nodes];
                for (rank, node) in (0_u32..).zip(order.nodes()) {
                    keys[node.index()] = f64::from(rank);
                }
                let mut kahn = Kahn::new(graph);
                group.bench_function(name("decode"), |bencher| {
                    bencher.iter(|| kahn.decode(graph, black_box(&keys)));
                });
            }
            let mut slicer = Slicer::new(&instance);
            group.bench_function(name("load"), |bencher| bencher.iter(|| slicer.load(black_box(&order))));
            slicer.load(&order);
            let optimum = slicer.best(None, &NEVER).ok().flatten().expect("no memory limit").bottleneck();
            group.bench_function(name("reject"), |bencher| {
                bencher.iter(|| slicer.below(black_box(optimum), &NEVER));
            });
            group.bench_function(name("best"), |bencher| bencher.iter(|| slicer.best(black_box(None), &NEVER)));
        }
    }
    group.finish();
}

criterion_group!(benches, slicing, evaluation);
criterion_main!(benches);
