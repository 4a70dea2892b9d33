//! The encoding of ONNX models: bytes in, bytes and names out.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString, PyTuple};
use slicegraph_onnx::{Row, Table, excerpt, is_sorted, nodes, put_delimited, skeleton, stored, types};

use crate::boundary::{OnnxError, compute};

/// Copy a model without the elements of its tensors of more than ``kept`` bytes; see `slicegraph.formats.onnx.skeleton`.
///
/// Raises
/// ------
/// `InputError`
///     The file cannot be read, or is no message.
#[pyfunction]
pub(crate) fn onnx_skeleton(py: Python<'_>, path: PathBuf, kept: u64) -> PyResult<Bound<'_, PyBytes>> {
    let copy = compute(py, move || Ok(skeleton(&path, kept)))?.map_err(OnnxError)?;
    Ok(PyBytes::new(py, &copy))
}

/// A node: see `onnx_nodes`.
type NodeRow<'py> = (
    Bound<'py, PyString>,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    Bound<'py, PyString>,
    Bound<'py, PyBytes>,
    usize,
);

/// Take the nodes out of an encoded model.
///
/// Returns
/// -------
/// tuple or None
///     For each node its operator, with the domain before it unless that is empty, its inputs, its outputs, the inputs once each,
///     its name, its attributes in their encoding, and a number that is one for nodes of the same operator and attributes that
///     leave out the same inputs and outputs; and whether no node reads what a later one makes, bodies apart.
///     None: a name in the graph is no text, or there are fields of a kind that ONNX has not.
///
/// Notes
/// -----
/// O(bytes).
#[pyfunction]
pub(crate) fn onnx_nodes<'py>(py: Python<'py>, model: &[u8]) -> PyResult<Option<(Vec<NodeRow<'py>>, bool)>> {
    let Ok(Some(found)) = nodes(model) else { return Ok(None) };
    let Table { texts, ops, forms, rows } = Table::new(&found);
    // One string of Python for each text: names that are one object are found fastest.
    let texts: Vec<_> = texts.iter().map(|text| PyString::new(py, text)).collect();
    let ops: Vec<_> = ops.iter().map(|op| PyString::new(py, op)).collect();
    let attributes: Vec<_> = forms.iter().map(|form| PyBytes::new(py, &form.attributes)).collect();
    let tuple = |places: &[usize]| PyTuple::new(py, places.iter().map(|&place| &texts[place]));
    let row = |Row { name, inputs, outputs, reads, form }: Row| {
        let inputs = tuple(&inputs)?;
        let reads = reads.map_or_else(|| Ok(inputs.clone()), |reads| tuple(&reads))?;
        let (op, outputs, name) = (ops[forms[form].op].clone(), tuple(&outputs)?, texts[name].clone());
        Ok((op, inputs, outputs, reads, name, attributes[form].clone(), form))
    };
    Ok(Some((rows.into_iter().map(row).collect::<PyResult<_>>()?, is_sorted(&found))))
}

/// Encode, as fields of a graph, the nodes of an encoded model at some positions, which ascend, and what they read of what the
/// model stores: each such tensor as an input of its type, and those that are `shown` with their elements too.
///
/// Raises
/// ------
/// `InputError`
///     It is no message, or a name is no text.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from lists")]
pub(crate) fn onnx_excerpt<'py>(
    py: Python<'py>,
    model: &[u8],
    positions: Vec<usize>,
    shown: Vec<PyBackedStr>,
) -> PyResult<Bound<'py, PyBytes>> {
    let shown: HashSet<&str> = shown.iter().map(|name| &**name).collect();
    Ok(PyBytes::new(py, &excerpt(model, &positions, &shown).map_err(OnnxError)?))
}

/// The location, the offset and the length of a part of another file.
type Place<'a> = (&'a str, &'a str, &'a str);

/// Kinds, and rows of tensors: see `onnx_stored`.
type StoredRows<'a> = (Vec<(i32, Vec<i64>)>, Vec<(&'a str, usize, bool, Option<Place<'a>>)>);

/// Take the tensors that a graph stores out of an encoded model, without their elements.
///
/// Returns
/// -------
/// tuple or None
///     The types of elements and dimensions, once each; and of each tensor the name, which of these it has, whether its elements
///     are elsewhere, and where, if location, offset and length are stated. None: it is no message, or a name is no text.
#[pyfunction]
pub(crate) fn onnx_stored(model: &[u8]) -> Option<StoredRows<'_>> {
    let mut known = HashMap::new();
    let (mut kinds, mut rows) = (Vec::new(), Vec::new());
    for tensor in stored(model).ok()? {
        let place = tensor.place;
        let place = place.location.zip(place.offset).zip(place.length).map(|((at, from), length)| (at, from, length));
        let kind = *known.entry((tensor.elem_type, tensor.dims)).or_insert_with_key(|key| {
            kinds.push(key.clone());
            kinds.len() - 1
        });
        rows.push((tensor.name, kind, tensor.is_external, place));
    }
    Some((kinds, rows))
}

/// Types, names, and which type each has: see `onnx_types`.
type TypeRows<'py> = (Vec<Bound<'py, PyBytes>>, Vec<Bound<'py, PyString>>, Vec<usize>);

/// Take the values inside a graph out of an encoded model: their types in their encoding, once each, the names, and which
/// type each has.
///
/// Raises
/// ------
/// `InputError`
///     It is no message, or a name is no text.
#[pyfunction]
pub(crate) fn onnx_types<'py>(py: Python<'py>, model: &[u8]) -> PyResult<TypeRows<'py>> {
    let mut known: HashMap<&[u8], usize> = HashMap::new();
    let (mut kinds, mut names, mut kind_of) = (Vec::new(), Vec::new(), Vec::new());
    for (name, type_) in types(model).map_err(OnnxError)? {
        names.push(PyString::new(py, name));
        kind_of.push(*known.entry(type_).or_insert_with(|| {
            kinds.push(PyBytes::new(py, type_));
            kinds.len() - 1
        }));
    }
    Ok((kinds, names, kind_of))
}

/// Encode fields of one number, from what they hold.
#[pyfunction]
pub(crate) fn onnx_fields(py: Python<'_>, number: u64, contents: Vec<PyBackedBytes>) -> Bound<'_, PyBytes> {
    let mut fields = Vec::new();
    for content in contents {
        put_delimited(&mut fields, number, &content);
    }
    PyBytes::new(py, &fields)
}

/// Encode the inputs of a graph, from their names and encoded types.
#[pyfunction]
pub(crate) fn onnx_inputs(py: Python<'_>, named: Vec<(PyBackedStr, PyBackedBytes)>) -> Bound<'_, PyBytes> {
    let (mut inputs, mut info) = (Vec::new(), Vec::new());
    for (name, type_) in named {
        info.clear();
        put_delimited(&mut info, 1, name.as_bytes());
        put_delimited(&mut info, 2, &type_);
        put_delimited(&mut inputs, 11, &info);
    }
    PyBytes::new(py, &inputs)
}
