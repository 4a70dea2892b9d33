//! The encoding of ONNX models: bytes in, bytes and names out.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString, PyTuple};
use slicegraph_onnx::{is_sorted, nodes, put_delimited, skeleton, types};

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

/// One string of Python for each text: names that are one object are found fastest.
struct Texts<'py, 'a> {
    py: Python<'py>,
    known: HashMap<&'a str, Bound<'py, PyString>>,
}

impl<'py, 'a> Texts<'py, 'a> {
    fn one(&mut self, text: &'a str) -> Bound<'py, PyString> {
        self.known.entry(text).or_insert_with(|| PyString::new(self.py, text)).clone()
    }

    fn all(&mut self, texts: &[&'a str]) -> PyResult<Bound<'py, PyTuple>> {
        let found: Vec<_> = texts.iter().map(|text| self.one(text)).collect();
        PyTuple::new(self.py, found)
    }
}

/// A node: see `onnx_nodes`.
type Row<'py> = (
    Bound<'py, PyString>,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
    Bound<'py, PyString>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

/// Take the nodes out of an encoded model.
///
/// Returns
/// -------
/// tuple or None
///     For each node its operator, with the domain before it unless that is empty, its inputs, its outputs, the inputs once each,
///     its name, its attributes and all of it in their encoding; and whether no node reads what a later one makes, bodies apart.
///     None: a name in the graph is no text, or there are fields of a kind that ONNX has not.
///
/// Notes
/// -----
/// O(bytes).
#[pyfunction]
pub(crate) fn onnx_nodes<'py>(py: Python<'py>, model: &[u8]) -> PyResult<Option<(Vec<Row<'py>>, bool)>> {
    let Ok(Some(found)) = nodes(model) else { return Ok(None) };
    let mut texts = Texts { py, known: HashMap::new() };
    let mut ops: HashMap<(&str, &str), Bound<'py, PyString>> = HashMap::new();
    let mut rows = Vec::with_capacity(found.len());
    for node in &found {
        let op = ops.entry((node.domain, node.op_type)).or_insert_with(|| match node.domain {
            "" => PyString::new(py, node.op_type),
            domain => PyString::new(py, &format!("{domain}.{}", node.op_type)),
        });
        let inputs = texts.all(&node.inputs)?;
        let once = once_each(&node.inputs);
        let reads = if once.len() == node.inputs.len() { inputs.clone() } else { texts.all(&once)? };
        let mut attributes = Vec::new();
        for each in &node.attributes {
            put_delimited(&mut attributes, 5, each);
        }
        rows.push((
            op.clone(),
            inputs,
            texts.all(&node.outputs)?,
            reads,
            texts.one(node.name),
            PyBytes::new(py, &attributes),
            PyBytes::new(py, node.message),
        ));
    }
    Ok(Some((rows, is_sorted(&found))))
}

/// So many names are compared with each other faster than by a table.
const FEW: usize = 8;

fn once_each<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let given = names.iter().copied().filter(|name| !name.is_empty());
    if names.len() > FEW {
        let mut seen = HashSet::new();
        return given.filter(|name| seen.insert(*name)).collect();
    }
    let mut once = Vec::with_capacity(names.len());
    for name in given {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

/// Take the names and encoded types of the values inside a graph out of an encoded model; equal types are one object.
///
/// Raises
/// ------
/// `InputError`
///     It is no message, or a name is no text.
#[pyfunction]
pub(crate) fn onnx_types<'py>(
    py: Python<'py>,
    model: &[u8],
) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyBytes>)>> {
    let mut known: HashMap<&[u8], Bound<'py, PyBytes>> = HashMap::new();
    let found = types(model).map_err(OnnxError)?;
    let shared = found.into_iter().map(|(name, type_)| {
        let type_ = known.entry(type_).or_insert_with(|| PyBytes::new(py, type_)).clone();
        (PyString::new(py, name), type_)
    });
    Ok(shared.collect())
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
