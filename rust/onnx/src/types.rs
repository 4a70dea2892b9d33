//! The types that a model's graph records of the values inside it.

use std::str::from_utf8;

use crate::error::Error;
use crate::wire::{Fields, Held, contents};

const GRAPH: u64 = 7;
const VALUE_INFO: u64 = 13;

/// Takes the names and the types, as encoded messages, out of an encoded model.
///
/// # Errors
/// The bytes are no message, or a name is no text.
///
/// # Complexity
/// Linear in the bytes.
pub fn types(model: &[u8]) -> Result<Vec<(&str, &[u8])>, Error> {
    let mut found = Vec::new();
    for graph in contents(model, GRAPH) {
        for info in contents(graph?, VALUE_INFO) {
            let (mut name, mut type_): (&[u8], &[u8]) = (&[], &[]);
            for field in Fields::of(info?) {
                match field? {
                    (1, Held::Content(content)) => name = content,
                    (2, Held::Content(content)) => type_ = content,
                    _ => {}
                }
            }
            found.push((from_utf8(name).map_err(|_| Error::Damaged)?, type_));
        }
    }
    Ok(found)
}
