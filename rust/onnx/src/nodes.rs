//! The nodes of a model's graph.

use std::collections::HashSet;
use std::str::from_utf8;

use crate::error::Error;
use crate::messages::Message;
use crate::wire::{Fields, Held, contents, has_text};

const GRAPH: u64 = 7;
const NODE: u64 = 1;

/// A node as a model states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node<'a> {
    /// What its author calls it.
    pub name: &'a str,
    /// Its operator.
    pub op_type: &'a str,
    /// The operator's domain.
    pub domain: &'a str,
    /// Names of what it reads, by position.
    pub inputs: Vec<&'a str>,
    /// Names of what it makes, by position.
    pub outputs: Vec<&'a str>,
    /// Its attributes, each as an encoded message.
    pub attributes: Vec<&'a [u8]>,
}

/// Takes the nodes out of an encoded model, in the order of the file; `None` where a name in its graph is no text.
///
/// # Errors
/// The bytes are no message, or hold groups of fields, which ONNX has none of.
///
/// # Complexity
/// Linear in the bytes.
pub fn nodes(model: &[u8]) -> Result<Option<Vec<Node<'_>>>, Error> {
    let mut found = Vec::new();
    for graph in contents(model, GRAPH) {
        let graph = graph?;
        if !has_text(Message::Graph, graph, 1)? {
            return Ok(None);
        }
        for node in contents(graph, NODE) {
            found.push(read_node(node?)?);
        }
    }
    Ok(Some(found))
}

/// Says whether no node reads what a later one makes, so that they are in topological order.
///
/// # Complexity
/// Linear in what the nodes read and make.
#[must_use]
pub fn is_sorted(nodes: &[Node<'_>]) -> bool {
    let (mut made, mut missed) = (HashSet::<&str>::new(), HashSet::<&str>::new());
    for node in nodes {
        missed.extend(node.inputs.iter().filter(|name| !made.contains(*name)));
        if node.outputs.iter().any(|name| !name.is_empty() && missed.contains(name)) {
            return false;
        }
        made.extend(&node.outputs);
    }
    true
}

/// Takes a node out of its message.
///
/// # Errors
/// The bytes are no message, or a name is no text.
pub fn read_node(message: &[u8]) -> Result<Node<'_>, Error> {
    let mut node = Node::default();
    for field in Fields::of(message) {
        let (number, Held::Content(content)) = field? else { continue };
        if number == 5 {
            node.attributes.push(content);
        }
        if !Message::Node.is_name(number) {
            continue;
        }
        let text = from_utf8(content).map_err(|_| Error::Damaged)?;
        match number {
            1 => node.inputs.push(text),
            2 => node.outputs.push(text),
            3 => node.name = text,
            4 => node.op_type = text,
            _ => node.domain = text,
        }
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::types;
    use crate::wire::message;
    use proptest::prelude::*;

    fn model(fields: &[(u64, &[u8])]) -> Vec<u8> {
        let node = message(fields);
        message(&[(GRAPH, &message(&[(NODE, &node)]))])
    }

    /// Repeated fields add up; of any other, the last one holds.
    #[test]
    fn a_node_is_taken_out_of_its_message() {
        let fields: [(u64, &[u8]); 9] = [
            (1, b"a"),
            (4, b"Mul"),
            (1, b"b"),
            (2, b"c"),
            (3, b"n"),
            (7, b"d"),
            (5, b"\x0a\x01x"),
            (4, b"Add"),
            (99, b"?"),
        ];
        let encoded = model(&fields);
        let found = nodes(&encoded).expect("a model").expect("text");
        let expected = Node {
            name: "n",
            op_type: "Add",
            domain: "d",
            inputs: vec!["a", "b"],
            outputs: vec!["c"],
            attributes: vec![b"\x0a\x01x"],
        };
        assert_eq!(found, [expected]);
    }

    /// Whatever comes from outside; a node that reads what it makes itself is not.
    #[test]
    fn nodes_before_what_they_read_are_seen() {
        let node = |inputs: &[&'static str], outputs: &[&'static str]| Node {
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            ..Node::default()
        };
        assert!(is_sorted(&[node(&["x", ""], &["a", ""]), node(&["a", "w"], &["b"])]));
        assert!(!is_sorted(&[node(&["a"], &["b"]), node(&["x"], &["a"])]));
        assert!(!is_sorted(&[node(&["a"], &["a"])]));
    }

    /// In nodes, their attributes and the types of dimensions.
    #[test]
    fn names_that_are_no_text_are_seen() {
        for number in [1, 2, 3, 4, 7] {
            assert_eq!(nodes(&model(&[(number, b"\xff")])).expect("a model"), None);
        }
        assert_eq!(nodes(&model(&[(5, &message(&[(1, b"\xff")]))])).expect("a model"), None);
        let shape = message(&[(1, &message(&[(2, b"\xff")]))]);
        let type_ = message(&[(1, &message(&[(2, &shape)]))]);
        let info = message(&[(1, b"x"), (2, &type_)]);
        for number in 11..=13 {
            let graph = message(&[(number, &info)]);
            assert_eq!(nodes(&message(&[(GRAPH, &graph)])).expect("a model"), None);
        }
    }

    proptest! {
        /// Bytes that are almost a model are read or refused.
        #[test]
        fn any_bytes_have_an_answer(at in any::<prop::sample::Index>(), byte: u8, end in any::<prop::sample::Index>()) {
            let mut encoded = model(&[(1, b"a"), (2, b"b"), (4, b"Add"), (5, &message(&[(1, b"axis")]))]);
            let length = encoded.len();
            encoded[at.index(length)] = byte;
            encoded.truncate(1 + end.index(length));
            let _ = (nodes(&encoded), types(&encoded));
        }
    }
}
