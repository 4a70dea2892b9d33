//! Costs and bounds of whole partitions.

mod common;

use common::{instances, optimum};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// No partition beats the combinatorial bound.
    #[test]
    fn the_combinatorial_bound_never_exceeds_the_optimum(instance in instances(6, 4)) {
        prop_assert!(instance.combinatorial_bound() <= optimum(&instance));
    }
}
