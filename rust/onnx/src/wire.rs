//! Fields of messages, in the encoding of <https://protobuf.dev/programming-guides/encoding/>.

use std::str::from_utf8;

use crate::error::Error;
use crate::messages::{DEEPEST, Message};

/// A number has ten bytes of seven bits at most, and of the last only one bit counts.
const LAST_SHIFT: u32 = 63;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held<'a> {
    /// A number of no fixed length.
    Varint(u64),
    /// A number of 4 or 8 bytes.
    Fixed,
    /// Text, bytes or a message.
    Content(&'a [u8]),
}

/// Runs over the fields of a message: their numbers, and what they hold.
pub struct Fields<'a> {
    left: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Begins with the first.
    pub fn of(message: &'a [u8]) -> Self {
        Self { left: message }
    }

    fn next_field(&mut self) -> Result<(u64, Held<'a>), Error> {
        let tag = self.varint()?;
        let held = match tag & 7 {
            0 => Held::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Held::Fixed
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Error::CutShort)?;
                Held::Content(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Held::Fixed
            }
            _ => return Err(Error::Damaged),
        };
        Ok((tag >> 3, held))
    }

    fn varint(&mut self) -> Result<u64, Error> {
        varint(|| {
            let (&byte, rest) = self.left.split_first().ok_or(Error::CutShort)?;
            self.left = rest;
            Ok(byte)
        })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.left.split_at_checked(length).ok_or(Error::CutShort)?;
        self.left = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Held<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.left.is_empty()).then(|| self.next_field())
    }
}

/// Runs over what the fields of one number hold, where that is text, bytes or a message.
pub fn contents(message: &[u8], number: u64) -> impl Iterator<Item = Result<&[u8], Error>> {
    Fields::of(message).filter_map(move |field| match field {
        Ok((found, Held::Content(content))) if found == number => Some(Ok(content)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// Runs over numbers of no fixed length that are packed.
pub fn varints(packed: &[u8]) -> impl Iterator<Item = Result<u64, Error>> {
    let mut fields = Fields::of(packed);
    std::iter::from_fn(move || (!fields.left.is_empty()).then(|| fields.varint()))
}

/// Says whether every name in a message, and in the messages within, is text in UTF-8.
///
/// # Errors
/// The bytes are no message.
pub fn has_text(message: Message, bytes: &[u8], depth: usize) -> Result<bool, Error> {
    if depth > DEEPEST {
        return Err(Error::TooDeep);
    }
    for field in Fields::of(bytes) {
        let (number, Held::Content(content)) = field? else { continue };
        let is_text = match message.field(number) {
            Some(inner) => has_text(inner, content, depth + 1)?,
            None => !message.is_name(number) || from_utf8(content).is_ok(),
        };
        if !is_text {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a number, byte by byte.
///
/// # Errors
/// It is of more than 64 bits, or that of `next`.
pub fn varint(mut next: impl FnMut() -> Result<u8, Error>) -> Result<u64, Error> {
    let (mut value, mut shift) = (0, 0);
    while shift <= LAST_SHIFT {
        let byte = next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return if shift < LAST_SHIFT || byte < 2 { Ok(value) } else { Err(Error::CutShort) };
        }
        shift += 7;
    }
    Err(Error::CutShort)
}

/// Appends a number.
pub fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

/// Appends a field that holds text, bytes or a message.
pub fn put_delimited(to: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_varint(to, number << 3 | 2);
    put_varint(to, content.len() as u64);
    to.extend_from_slice(content);
}

/// Encodes a message of fields of bytes.
#[cfg(test)]
pub(crate) fn message(fields: &[(u64, &[u8])]) -> Vec<u8> {
    let mut to = Vec::new();
    for (number, content) in fields {
        put_delimited(&mut to, *number, content);
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is put is what is read.
        #[test]
        fn a_field_is_read_as_it_was_put(number in 1_u64..1 << 29, content: Vec<u8>) {
            let mut to = Vec::new();
            put_delimited(&mut to, number, &content);
            let found: Vec<_> = Fields::of(&to).map(|field| field.expect("a field")).collect();
            prop_assert_eq!(found, [(number, Held::Content(&content[..]))]);
        }

        /// Any number of 64 bits comes back, and no number of more.
        #[test]
        fn a_number_comes_back(value: u64, more in 2_u8..0x80) {
            let mut to = Vec::new();
            put_varint(&mut to, value);
            let mut bytes = to.iter().copied();
            prop_assert_eq!(varint(|| bytes.next().ok_or(Error::CutShort)).ok(), Some(value));
            let mut large = [0xff; 10];
            large[9] = more;
            let mut bytes = large.iter().copied();
            prop_assert!(varint(|| bytes.next().ok_or(Error::CutShort)).is_err());
        }
    }

    /// Fields of groups, and fields longer than what holds them.
    #[test]
    fn damaged_fields_are_refused() {
        for (bytes, reason) in
            [(&[0x0b][..], Error::Damaged), (&[0x0a, 2, 0], Error::CutShort), (&[0x09, 1], Error::CutShort)]
        {
            let found = Fields::of(bytes).next().expect("a field").expect_err("damaged");
            assert_eq!(found.to_string(), reason.to_string());
        }
    }
}
