//! The Python face of `slicegraph-core`, `slicegraph-checker` and `slicegraph-onnx`: conversions only.

mod at_once;
mod boundary;
mod checker;
mod domains;
mod exact;
mod graph;
mod instance;
mod nearest;
mod onnx;
mod packing;
mod reduce;
mod search;
mod slice;
mod ties;

/// The compiled core of `slicegraph`.
#[pyo3::pymodule]
mod _core {
    #[pymodule_export]
    use crate::at_once::AtOnce;
    #[pymodule_export]
    use crate::checker::{Proving, prove_again};
    #[pymodule_export]
    use crate::domains::{Domains, Narrowed, find_domains};
    #[pymodule_export]
    use crate::exact::{Proof, ProofState, Proven, prove};
    #[pymodule_export]
    use crate::graph::Graph;
    #[pymodule_export]
    use crate::instance::{Arrays, BlockCost, Instance, Kind, Row};
    #[pymodule_export]
    use crate::nearest::stay_near;
    #[pymodule_export]
    use crate::onnx::{onnx_excerpt, onnx_fields, onnx_inputs, onnx_nodes, onnx_skeleton, onnx_stored, onnx_types};
    #[pymodule_export]
    use crate::packing::{price, slices};
    #[pymodule_export]
    use crate::reduce::{Quotient, node_bound, reduce};
    #[pymodule_export]
    use crate::search::{Found, brkga, search};
    #[pymodule_export]
    use crate::slice::slice_order;
    #[pymodule_export]
    use crate::ties::settle;
}
