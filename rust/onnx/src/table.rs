//! The nodes of a model in rows, with each text, operator and form stated once.

use std::collections::{HashMap, HashSet};

use crate::nodes::Node;
use crate::wire::put_delimited;

/// So many names are compared with each other faster than by a hash table.
const FEW: usize = 8;

/// A node, by the places of its texts and of its form in a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: usize,
    /// What it reads, by position.
    pub inputs: Vec<usize>,
    /// What it makes, by position.
    pub outputs: Vec<usize>,
    /// What it reads, once each, without the inputs that are left out; none: the same as the inputs.
    pub reads: Option<Vec<usize>>,
    /// Its form.
    pub form: usize,
}

/// What nodes share that have the same operator and attributes and leave out the same inputs and outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The operator's place.
    pub op: usize,
    /// The attributes, encoded as fields of a node.
    pub attributes: Vec<u8>,
}

/// Nodes in rows.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    /// Names of nodes and values, once each.
    pub texts: Vec<&'a str>,
    /// Operators, once each, with the domain before them unless that is empty.
    pub ops: Vec<String>,
    /// Forms, once each.
    pub forms: Vec<Form>,
    /// The nodes, in their order.
    pub rows: Vec<Row>,
}

impl<'a> Table<'a> {
    /// Puts nodes into rows.
    ///
    /// # Complexity
    /// Linear in the bytes of the nodes.
    #[must_use]
    pub fn new(nodes: &[Node<'a>]) -> Self {
        let mut table = Self { rows: Vec::with_capacity(nodes.len()), ..Self::default() };
        let (mut texts, mut ops, mut forms) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut spelling = Vec::new();
        for node in nodes {
            let mut place = |text: &'a str| {
                *texts.entry(text).or_insert_with(|| {
                    table.texts.push(text);
                    table.texts.len() - 1
                })
            };
            let mut places = |names: &[&'a str]| -> Vec<usize> { names.iter().map(|name| place(name)).collect() };
            let once = once_each(&node.inputs);
            let reads = (once.len() < node.inputs.len()).then(|| places(&once));
            let (inputs, outputs, name) = (places(&node.inputs), places(&node.outputs), place(node.name));
            let num_attribute_bytes = spell(node, &mut spelling);
            let form = forms.get(&spelling).copied().unwrap_or_else(|| {
                let op = *ops.entry((node.domain, node.op_type)).or_insert_with(|| {
                    let domain = if node.domain.is_empty() { String::new() } else { format!("{}.", node.domain) };
                    table.ops.push(domain + node.op_type);
                    table.ops.len() - 1
                });
                forms.insert(spelling.clone(), table.forms.len());
                table.forms.push(Form { op, attributes: spelling[..num_attribute_bytes].to_vec() });
                table.forms.len() - 1
            });
            table.rows.push(Row { name, inputs, outputs, reads, form });
        }
        table
    }
}

/// Spells all that tells the form of a node; gives how many bytes spell its attributes, which come first.
fn spell(node: &Node<'_>, to: &mut Vec<u8>) -> usize {
    to.clear();
    for each in &node.attributes {
        put_delimited(to, 5, each);
    }
    let num_attribute_bytes = to.len();
    put_delimited(to, 4, node.op_type.as_bytes());
    put_delimited(to, 7, node.domain.as_bytes());
    for (number, names) in [(1, &node.inputs), (2, &node.outputs)] {
        let is_given: Vec<u8> = names.iter().map(|name| u8::from(!name.is_empty())).collect();
        put_delimited(to, number, &is_given);
    }
    num_attribute_bytes
}

/// The names that are not empty, each at its first place.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node<'a>(op_type: &'a str, domain: &'a str, inputs: &[&'a str], attributes: &[&'a [u8]]) -> Node<'a> {
        let (inputs, outputs, attributes) = (inputs.to_vec(), vec!["y"], attributes.to_vec());
        Node { name: "n", op_type, domain, inputs, outputs, attributes }
    }

    #[test]
    fn each_text_operator_and_form_stands_once() {
        let nodes = [
            node("Add", "", &["a", "b"], &[b"x"]),
            node("Add", "", &["b", "b"], &[b"x"]),
            node("Add", "", &["a", ""], &[b"x"]),
            node("Add", "com", &["a", "b"], &[b"x"]),
            node("Add", "", &["a", "b"], &[b"y"]),
        ];
        let table = Table::new(&nodes);
        assert_eq!(table.texts, ["a", "b", "y", "n", ""]);
        assert_eq!(table.ops, ["Add", "com.Add"]);
        let forms: Vec<(usize, usize)> = table.rows.iter().map(|row| (row.form, table.forms[row.form].op)).collect();
        assert_eq!(forms, [(0, 0), (0, 0), (1, 0), (2, 1), (3, 0)]);
        assert_eq!(table.forms[0].attributes, b"\x2a\x01x");
        let reads: Vec<Option<Vec<usize>>> = table.rows.iter().map(|row| row.reads.clone()).collect();
        assert_eq!(reads, [None, Some(vec![1]), Some(vec![0]), None, None]);
    }

    proptest! {
        /// Few names and many are told apart in different ways.
        #[test]
        fn names_are_listed_once_each(names in prop::collection::vec("[a-e]?", 0..2 * FEW)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut expected: Vec<&str> = Vec::new();
            for name in &names {
                if !name.is_empty() && !expected.contains(name) {
                    expected.push(name);
                }
            }
            prop_assert_eq!(once_each(&names), expected);
        }
    }
}
