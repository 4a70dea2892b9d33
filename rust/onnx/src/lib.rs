//! The encoding of ONNX models: a file without its weights, and what a model's graph states, taken out of its bytes.
//!
//! The encoding is that of <https://protobuf.dev/programming-guides/encoding/>; which field is what stands in `messages.rs`.
//! Bytes are not trusted: whatever they hold, there is an answer or an [`Error`].

mod error;
mod excerpt;
mod messages;
mod nodes;
mod skeleton;
mod stored;
mod table;
mod types;
mod wire;

pub use error::Error;
pub use excerpt::excerpt;
pub use nodes::{Node, is_sorted, nodes};
pub use skeleton::skeleton;
pub use stored::{Place, Stored, stored};
pub use table::{Form, Row, Table};
pub use types::types;
pub use wire::put_delimited;
