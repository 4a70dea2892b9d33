//! An excerpt of a graph, for shape inference: some nodes, the types of what they read, and the tensors whose elements count.

use std::collections::HashSet;
use std::hash::BuildHasher;

use crate::error::Error;
use crate::nodes::read_node;
use crate::stored::read_tensor;
use crate::wire::{contents, put_delimited, put_varint};

const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const INPUT: u64 = 11;

/// Encodes, as fields of a graph, the nodes of a model at some positions, which ascend, and what they read of what the model
/// stores: each such tensor as an input of its type, and those in `shown` with their elements too.
///
/// # Errors
/// The bytes are no message, or a name is no text.
///
/// # Complexity
/// Linear in the bytes.
pub fn excerpt(model: &[u8], positions: &[usize], shown: &HashSet<&str, impl BuildHasher>) -> Result<Vec<u8>, Error> {
    let (mut fields, mut position, mut left) = (Vec::new(), 0, positions.iter());
    let (mut next, mut read) = (left.next(), HashSet::new());
    for graph in contents(model, GRAPH) {
        for message in contents(graph?, NODE) {
            let message = message?;
            if next == Some(&position) {
                put_delimited(&mut fields, NODE, message);
                read.extend(read_node(message)?.inputs);
                next = left.next();
            }
            position += 1;
        }
    }
    for graph in contents(model, GRAPH) {
        for message in contents(graph?, INITIALIZER) {
            let message = message?;
            let tensor = read_tensor(message)?;
            if read.contains(tensor.name) {
                put_delimited(&mut fields, INPUT, &input(tensor.name, tensor.elem_type, &tensor.dims));
                if shown.contains(tensor.name) {
                    put_delimited(&mut fields, INITIALIZER, message);
                }
            }
        }
    }
    Ok(fields)
}

/// Encodes a tensor's name and type, as a value of a graph.
fn input(name: &str, elem_type: i32, dims: &[i64]) -> Vec<u8> {
    let (mut shape, mut tensor, mut type_, mut info) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for dim in dims {
        let mut value = Vec::new();
        put_number(&mut value, 1, *dim);
        put_delimited(&mut shape, 1, &value);
    }
    put_number(&mut tensor, 1, i64::from(elem_type));
    put_delimited(&mut tensor, 2, &shape);
    put_delimited(&mut type_, 1, &tensor);
    put_delimited(&mut info, 1, name.as_bytes());
    put_delimited(&mut info, 2, &type_);
    info
}

fn put_number(to: &mut Vec<u8>, number: u64, value: i64) {
    put_varint(to, number << 3);
    put_varint(to, value.cast_unsigned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message;

    fn tensor(name: &[u8]) -> Vec<u8> {
        [message(&[(8, name)]), vec![1 << 3, 3, 2 << 3, 7]].concat()
    }

    /// Over several graphs, which protobuf puts together.
    #[test]
    fn nodes_come_with_what_they_read() {
        let node = |input: &[u8]| message(&[(NODE, &message(&[(1, input)]))]);
        let [a, b, c] = [&b"a"[..], b"b", b"c"].map(|name| message(&[(INITIALIZER, &tensor(name))]));
        let graphs = [[node(b"a"), node(b"b"), a.clone()].concat(), [node(b"c"), b, c].concat()];
        let encoded = message(&[(GRAPH, &graphs[0]), (GRAPH, &graphs[1])]);
        let typed = |name: &str| message(&[(INPUT, &input(name, 7, &[3]))]);
        let expected = [node(b"a"), node(b"c"), typed("a"), a, typed("c")].concat();
        assert_eq!(excerpt(&encoded, &[0, 2], &HashSet::from(["a", "b"])).expect("a model"), expected);
        assert_eq!(excerpt(&encoded, &[9], &HashSet::new()).expect("a model"), b"");
    }

    /// A name, and a tensor of an element type and dimensions.
    #[test]
    fn an_input_is_spelt_as_onnx_has_it() {
        let expected = b"\x0a\x01w\x12\x0c\x0a\x0a\x08\x07\x12\x06\x0a\x04\x08\x80\x80\x01";
        assert_eq!(input("w", 7, &[1 << 14]), expected);
        assert_eq!(input("w", 1, &[]), b"\x0a\x01w\x12\x06\x0a\x04\x08\x01\x12\x00");
    }

    /// Bytes that are almost a model are read or refused.
    #[test]
    fn any_bytes_have_an_answer() {
        let graph = [message(&[(NODE, &message(&[(1, b"a")]))]), message(&[(INITIALIZER, &tensor(b"a"))])].concat();
        let encoded = message(&[(GRAPH, &graph)]);
        for at in 0..encoded.len() {
            for byte in 0..=255 {
                let mut damaged = encoded.clone();
                damaged[at] = byte;
                let _ = excerpt(&damaged, &[0], &HashSet::from(["a"]));
            }
        }
    }
}
