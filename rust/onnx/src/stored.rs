//! The tensors that a model's graph stores.

use std::str::from_utf8;

use crate::error::Error;
use crate::wire::{Fields, Held, contents, varints};

const GRAPH: u64 = 7;
const INITIALIZER: u64 = 5;
const EXTERNAL: i32 = 1;

/// A tensor as a model states it, without its elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The number of its elements' type.
    pub elem_type: i32,
    /// Its dimensions, as the file has them.
    pub dims: Vec<i64>,
    /// Its elements are elsewhere.
    pub is_external: bool,
    /// Where: what the entries of some keys hold.
    pub place: Place<'a>,
}

/// A part of another file; an entry that is missing is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The file.
    pub location: Option<&'a str>,
    /// Where the part begins.
    pub offset: Option<&'a str>,
    /// How long it is.
    pub length: Option<&'a str>,
}

/// Lists the tensors that a graph stores, in the order of the file.
///
/// # Errors
/// The bytes are no message, or a name is no text.
///
/// # Complexity
/// Linear in the bytes.
pub fn stored(model: &[u8]) -> Result<Vec<Stored<'_>>, Error> {
    let mut found = Vec::new();
    for graph in contents(model, GRAPH) {
        for tensor in contents(graph?, INITIALIZER) {
            found.push(read_tensor(tensor?)?);
        }
    }
    Ok(found)
}

/// Takes a tensor out of its message.
///
/// # Errors
/// The bytes are no message, or a name is no text.
pub fn read_tensor(message: &[u8]) -> Result<Stored<'_>, Error> {
    let mut tensor = Stored::default();
    for field in Fields::of(message) {
        match field? {
            (1, Held::Varint(dim)) => tensor.dims.push(dim.cast_signed()),
            (1, Held::Content(packed)) => {
                for dim in varints(packed) {
                    tensor.dims.push(dim?.cast_signed());
                }
            }
            (2, Held::Varint(number)) => tensor.elem_type = low(number),
            (8, Held::Content(name)) => tensor.name = text(name)?,
            (13, Held::Content(entry)) => read_entry(entry, &mut tensor.place)?,
            // A place that ONNX has not is passed over, as protobuf does.
            (14, Held::Varint(place)) if (0..=EXTERNAL).contains(&low(place)) => {
                tensor.is_external = low(place) == EXTERNAL;
            }
            _ => {}
        }
    }
    Ok(tensor)
}

fn read_entry<'a>(message: &'a [u8], to: &mut Place<'a>) -> Result<(), Error> {
    let (mut key, mut value) = ("", "");
    for field in Fields::of(message) {
        match field? {
            (1, Held::Content(content)) => key = text(content)?,
            (2, Held::Content(content)) => value = text(content)?,
            _ => {}
        }
    }
    match key {
        "location" => to.location = Some(value),
        "offset" => to.offset = Some(value),
        "length" => to.length = Some(value),
        _ => {}
    }
    Ok(())
}

fn text(content: &[u8]) -> Result<&str, Error> {
    from_utf8(content).map_err(|_| Error::Damaged)
}

/// A number of 32 bits is the low half of what stands in the file.
#[expect(clippy::cast_possible_truncation, reason = "as protobuf has it")]
fn low(number: u64) -> i32 {
    number as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{put_delimited, put_varint};
    use proptest::prelude::*;

    fn entry(key: &str, value: &str) -> Vec<u8> {
        let mut to = Vec::new();
        put_delimited(&mut to, 1, key.as_bytes());
        put_delimited(&mut to, 2, value.as_bytes());
        to
    }

    fn model(tensors: &[Vec<u8>]) -> Vec<u8> {
        let (mut graph, mut to) = (Vec::new(), Vec::new());
        for tensor in tensors {
            put_delimited(&mut graph, INITIALIZER, tensor);
        }
        put_delimited(&mut to, GRAPH, &graph);
        to
    }

    fn number(to: &mut Vec<u8>, field: u64, value: u64) {
        put_varint(to, field << 3);
        put_varint(to, value);
    }

    /// Dimensions are packed or not; of a field that stands twice, and of a key, the last one holds.
    #[test]
    fn a_tensor_is_taken_out_of_its_message() {
        let mut tensor = Vec::new();
        number(&mut tensor, 1, 3);
        put_delimited(&mut tensor, 1, &[4, 5]);
        number(&mut tensor, 1, u64::MAX);
        number(&mut tensor, 2, 9);
        number(&mut tensor, 2, 1 << 32 | 7);
        put_delimited(&mut tensor, 8, b"w");
        number(&mut tensor, 14, 1);
        number(&mut tensor, 14, 5);
        for (key, value) in [("location", "a"), ("offset", "0"), ("location", "b"), ("other", "c")] {
            put_delimited(&mut tensor, 13, &entry(key, value));
        }
        let place = Place { location: Some("b"), offset: Some("0"), length: None };
        let expected = Stored { name: "w", elem_type: 7, dims: vec![3, 4, 5, -1], is_external: true, place };
        assert_eq!(stored(&model(&[tensor, Vec::new()])).expect("a model"), [expected, Stored::default()]);
    }

    proptest! {
        /// Bytes that are almost a model are read or refused.
        #[test]
        fn any_bytes_have_an_answer(at in any::<prop::sample::Index>(), byte: u8, end in any::<prop::sample::Index>()) {
            let mut tensor = vec![10, 2, 1, 2, 16, 1];
            put_delimited(&mut tensor, 8, b"w");
            put_delimited(&mut tensor, 13, &entry("offset", "1"));
            let mut encoded = model(&[tensor]);
            let length = encoded.len();
            encoded[at.index(length)] = byte;
            encoded.truncate(1 + end.index(length));
            let _ = stored(&encoded);
        }
    }
}
