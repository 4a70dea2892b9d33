//! A model without its weights: a file is scanned, and what its big tensors hold is skipped.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::Error;
use crate::messages::{DEEPEST, Message};
use crate::wire::{put_delimited, put_varint, varint};

/// Copies a model without the elements of its big tensors.
///
/// A tensor that loses its elements is marked as stored elsewhere, as one with external data is. It has them in this very
/// file, from `offset` on, in `length` bytes: either as raw bytes or, where an entry `message` says so, in the encoding of the
/// whole tensor. Tensors of `kept` bytes at most are copied as they are.
///
/// # Errors
/// The file cannot be read, or its bytes are no message.
///
/// # Complexity
/// Linear in what is copied, in time and memory, but for a step for each tensor whose elements are passed over.
pub fn skeleton(path: &Path, kept: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut scan = Scan { file: BufReader::new(file), position: 0, kept };
    let mut copy = Vec::new();
    scan.copy_message(Message::Model, length, 0, &mut copy)?;
    Ok(copy)
}

/// Floats, raw data and doubles: packed, these are the same bytes.
const PLAIN: [u64; 3] = [4, 9, 10];
const EXTERNAL_DATA: u64 = 13;
const DATA_LOCATION: u64 = 14;
const EXTERNAL: u64 = 1;

// Kinds of fields.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const DELIMITED: u64 = 2;
const FIXED32: u64 = 5;

struct Scan {
    file: BufReader<File>,
    position: u64,
    kept: u64,
}

/// Where elements stand.
struct Elements {
    number: u64,
    is_delimited: bool,
    start: u64,
    end: u64,
}

impl Scan {
    /// Copies the fields up to `end`, which is the end of a message.
    fn copy_message(&mut self, message: Message, end: u64, depth: usize, to: &mut Vec<u8>) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(Error::TooDeep);
        }
        let start = self.position;
        let mut elements = Vec::new();
        while self.position < end {
            let tag = self.varint(end)?;
            let (number, kind) = (tag >> 3, tag & 7);
            if message.is_elements(number) {
                elements.push(self.pass_over(number, kind, end)?);
                continue;
            }
            put_varint(to, tag);
            if kind == VARINT {
                put_varint(to, self.varint(end)?);
                continue;
            }
            let length = self.length(kind, end)?;
            let stop = self.position.checked_add(length).filter(|&stop| stop <= end).ok_or(Error::CutShort)?;
            match message.field(number) {
                Some(inner) if kind == DELIMITED && length > self.kept => {
                    let mut copy = Vec::new();
                    self.copy_message(inner, stop, depth + 1, &mut copy)?;
                    put_varint(to, copy.len() as u64);
                    to.append(&mut copy);
                }
                _ => {
                    if kind == DELIMITED {
                        put_varint(to, length);
                    }
                    self.copy(length, to)?;
                }
            }
        }
        put_pointer(&elements, start, end, to);
        Ok(())
    }

    /// Passes over a field that holds elements.
    fn pass_over(&mut self, number: u64, kind: u64, end: u64) -> Result<Elements, Error> {
        let is_delimited = kind == DELIMITED;
        if kind == VARINT {
            let start = self.position;
            self.varint(end)?;
            return Ok(Elements { number, is_delimited, start, end: self.position });
        }
        let length = self.length(kind, end)?;
        let start = self.position;
        let stop = start.checked_add(length).filter(|&stop| stop <= end).ok_or(Error::CutShort)?;
        self.file.seek_relative(i64::try_from(length).map_err(|_| Error::CutShort)?)?;
        self.position = stop;
        Ok(Elements { number, is_delimited, start, end: stop })
    }

    /// Gives the length of what a field of a kind holds, numbers of no fixed length apart.
    fn length(&mut self, kind: u64, end: u64) -> Result<u64, Error> {
        match kind {
            FIXED64 => Ok(8),
            DELIMITED => self.varint(end),
            FIXED32 => Ok(4),
            _ => Err(Error::Damaged),
        }
    }

    fn varint(&mut self, end: u64) -> Result<u64, Error> {
        varint(|| {
            if self.position >= end {
                return Err(Error::CutShort);
            }
            let mut byte = [0];
            self.file.read_exact(&mut byte)?;
            self.position += 1;
            Ok(byte[0])
        })
    }

    fn copy(&mut self, length: u64, to: &mut Vec<u8>) -> Result<(), Error> {
        let copied = (&mut self.file).take(length).read_to_end(to)?;
        self.position += length;
        if copied as u64 == length { Ok(()) } else { Err(Error::CutShort) }
    }
}

/// Says where in the file a tensor's elements are, as ONNX says it of external data.
fn put_pointer(elements: &[Elements], start: u64, end: u64, to: &mut Vec<u8>) {
    let mut put_entry = |key: &str, value: u64| {
        let mut entry = Vec::new();
        put_delimited(&mut entry, 1, key.as_bytes());
        put_delimited(&mut entry, 2, value.to_string().as_bytes());
        put_delimited(to, EXTERNAL_DATA, &entry);
    };
    match elements {
        [] => return,
        [one] if one.is_delimited && PLAIN.contains(&one.number) => {
            put_entry("offset", one.start);
            put_entry("length", one.end - one.start);
        }
        _ => {
            put_entry("offset", start);
            put_entry("length", end - start);
            put_entry("message", 1);
        }
    }
    put_varint(to, DATA_LOCATION << 3);
    put_varint(to, EXTERNAL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message;
    use proptest::prelude::*;

    fn copied(model: &[u8], name: &str) -> Result<Vec<u8>, Error> {
        let path = std::env::temp_dir().join(format!("slicegraph-{}-{name}", std::process::id()));
        std::fs::write(&path, model).expect("written");
        let copy = skeleton(&path, 16);
        std::fs::remove_file(&path).expect("removed");
        copy
    }

    /// Elements go, where they were stands in their place, and all else stays.
    #[test]
    fn a_big_tensor_loses_its_elements() {
        let raw = [7; 40];
        let tensor = message(&[(8, b"w"), (9, &raw)]);
        let model = message(&[(7, &message(&[(2, b"g"), (5, &tensor)]))]);
        let start = model.windows(raw.len()).position(|window| window == raw).expect("the elements");
        let entry = |key: &[u8], value: usize| message(&[(1, key), (2, value.to_string().as_bytes())]);
        let mut pointed = message(&[(8, b"w"), (13, &entry(b"offset", start)), (13, &entry(b"length", raw.len()))]);
        pointed.extend([14 << 3, 1]);
        let expected = message(&[(7, &message(&[(2, b"g"), (5, &pointed)]))]);
        assert_eq!(copied(&model, "big").expect("a model"), expected);
    }

    proptest! {
        /// Bytes that are almost a model are copied or refused, and a copy has no more bytes than there are.
        #[test]
        fn any_bytes_have_an_answer(at in any::<prop::sample::Index>(), byte: u8, end in any::<prop::sample::Index>()) {
            let tensor = message(&[(8, b"w"), (9, &[7; 40]), (4, &[1; 8])]);
            let mut model = message(&[(7, &message(&[(2, b"g"), (5, &tensor)]))]);
            let length = model.len();
            model[at.index(length)] = byte;
            model.truncate(1 + end.index(length));
            if let Ok(copy) = copied(&model, "any") {
                prop_assert!(copy.len() <= model.len() + 100);
            }
        }
    }
}
