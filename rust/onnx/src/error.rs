//! Why a file is no model.

use std::{fmt, io};

/// Why bytes cannot be read.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// A field is longer than what holds it.
    CutShort,
    /// A field is of no kind that the encoding has.
    Damaged,
    /// Messages within messages, more than protobuf allows.
    TooDeep,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(to),
            Self::CutShort => to.write_str("not an ONNX model: it is cut short or damaged"),
            Self::Damaged => to.write_str("not an ONNX model: its encoding is damaged"),
            Self::TooDeep => {
                write!(to, "not an ONNX model: messages are nested deeper than {}", crate::messages::DEEPEST)
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutShort } else { Self::Unreadable(error) }
    }
}
